//! What is wrong with a manifest on this cluster: held against what the cluster says, part by part, as it says it.
//!
//! Owns the questions ([`Part`]), their answers ([`Facts`]) and what follows from them. Asking is `cluster::preflight`'s;
//! nothing here waits. What was not answered yet, or may not be read, is said as such and never counts as good.

mod facts;
mod fit;
mod need;
mod needs;
mod overlay;
mod reach;
mod refer;
mod room;
mod train;

pub use facts::{Answer, Fact, Facts, Known, Part, Said};
pub use need::{Amounts, Need};
pub use needs::{needs, needs_as_served};
pub use refer::{Reference, references};
pub use train::{runtime_kind, templates};

use serde_json::Value;

use super::case::Found;
use super::check::Checks;
use super::problem::Problem;
use crate::jobs::{Clean, Kind};

impl Checks {
    /// What the answers so far say against a job.
    pub fn check_cluster(&self, kind: Kind, job: &Value, facts: &Facts) -> Vec<Problem> {
        let mut found = Vec::new();
        facts::refused(facts, &mut found);
        refer::missing(kind, job, facts, &mut found);
        room::short(kind, job, facts, &mut found);
        room::limits(kind, job, facts, &mut found);
        reach::closed(kind, job, facts, &mut found);
        fit::nodes(kind, job, facts, &mut found);
        found.into_iter().filter_map(|(id, found)| self.problem(id, found)).collect()
    }

    /// What a server says of fields of an edit, each with its JSON pointer.
    pub fn objections(&self, said: &[(String, Clean)]) -> Vec<Problem> {
        let of = |(at, words): &(String, Clean)| {
            self.problem("server-refuses-job", Found::at(at).with("said", words.as_str()))
        };
        said.iter().filter_map(of).collect()
    }

    /// The same, with what is still out and what nobody answers.
    pub fn said(&self, kind: Kind, job: &Value, facts: &Facts) -> Said {
        let unread = facts.unread().map(|(part, why)| (part.clone(), why.clone())).collect();
        Said { problems: self.check_cluster(kind, job, facts), out: facts.out().cloned().collect(), unread }
    }
}

#[cfg(test)]
mod tests;
