//! What one is told of without looking: a watched job that changes, its GPUs that go idle, a quota that fills.
//!
//! Owns what was so when it was seen last, so that only what is new is told, and the pace at which it is signalled.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    notices::Tone,
    session::SessionId,
    survey::{Survey, Wanted},
};
use crate::{
    changes::Change,
    config::AlertSettings,
    jobs::{Clean, Name, Secs, Sym, Uid, fleet::JobKey},
};

/// See the module.
#[derive(Debug, Default)]
pub struct AlertModel {
    /// What the settings say.
    pub settings: AlertSettings,
    /// The state of each watched job, in a word.
    pub states: BTreeMap<JobKey, &'static str>,
    /// Pods with idle GPUs, of each watched job that was measured.
    pub idle: BTreeMap<JobKey, BTreeSet<Name>>,
    /// Whether each line of each quota is nearly full.
    pub full: BTreeMap<(String, Sym), bool>,
    /// What was read of quotas last.
    pub read: Box<Survey>,
    /// The session in which quotas are read.
    pub reads: Option<SessionId>,
    /// The session whose lists have all been read once: what changes from then on is news.
    pub begun: Option<SessionId>,
    /// When the next is signalled.
    pub pace: Pace,
    /// Jobs that are being deleted by this console: that is no news.
    pub own: BTreeSet<Uid>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// How the news is.
    pub tone: Tone,
    /// One line.
    pub text: Clean,
    /// Told in the footer only: it is on its way, and more will come.
    pub quiet: bool,
    /// What it is about, by name, for a program.
    pub fields: Vec<(&'static str, String)>,
}

/// What alerts want from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertEffect {
    /// Let the terminal tell this.
    Signal(String),
    /// Run the user's program.
    Run(Run),
    /// Read these now and again, in place of what was read before.
    Read(SessionId, Wanted),
}

/// A program of the user's to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What it is told by.
    pub variables: Vec<(String, String)>,
    /// It says of itself that it makes changes: then it is one, in this session and of what the alert is about.
    pub change: Option<(SessionId, Box<Change>)>,
}

/// A few at once, then one every so often. What comes in between is counted, and told as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Until when the last ones count.
    busy_until: Secs,
    /// So many were held back.
    held: u32,
}

impl Pace {
    /// So many may come at once.
    const AT_ONCE: u32 = 3;
    /// Then one in so many seconds.
    const EVERY: u32 = 20;

    /// Whether one may be signalled now; else it is held back.
    pub fn take(&mut self, now: Secs) -> bool {
        let free = self.held == 0 && self.has_room(now);
        if free {
            self.count(now);
        } else {
            self.held += 1;
        }
        free
    }

    /// How many were held back, if they may be told now.
    pub fn release(&mut self, now: Secs) -> Option<u32> {
        let due = self.held > 0 && self.has_room(now);
        due.then(|| {
            self.count(now);
            std::mem::take(&mut self.held)
        })
    }

    /// When what was held back may be told.
    pub fn next_deadline(self) -> Option<Secs> {
        let at = self.busy_until.0.saturating_sub((Self::AT_ONCE - 1) * Self::EVERY);
        (self.held > 0).then_some(Secs(at))
    }

    fn has_room(self, now: Secs) -> bool {
        self.busy_until.since(now) <= (Self::AT_ONCE - 1) * Self::EVERY
    }

    fn count(&mut self, now: Secs) {
        self.busy_until = self.busy_until.max(now).plus(Self::EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_a_few_and_then_one_that_counts_the_rest() {
        let mut pace = Pace::default();
        let at = Secs(1_000);
        assert_eq!((0..50).filter(|_| pace.take(at)).count(), 3);
        assert_eq!((pace.next_deadline(), pace.release(at)), (Some(Secs(1_020)), None));
        assert_eq!(pace.release(Secs(1_020)), Some(47));
        assert_eq!((pace.next_deadline(), pace.release(Secs(1_020))), (None, None));
        assert!(!pace.take(Secs(1_021)) && pace.release(Secs(1_040)) == Some(1));
        assert_eq!((0..50).filter(|_| pace.take(Secs(2_000))).count(), 3, "after a quiet time as at first");
    }
}
