//! Causes: from what was observed to the one line that says why, by rules that are data.
//!
//! Owns the rule format, its reading, and the choice among hits. Observations are values made by the callers (from
//! statuses, events, conditions; from logs and metrics later); nothing here knows where they come from.

mod choose;
mod file;
mod hit;
mod json;
#[cfg(test)]
mod peers;
mod place;
mod quiet;
mod ranks;
mod report;
mod rule;
mod rules;
mod scan;
mod scheduler;
mod spoken;
mod template;
#[cfg(test)]
mod tests;
mod whom;
mod words;

pub use choose::{LogSeen, Seen, best, cause};
pub use file::RuleError;
pub use place::{At, Observation, Place, Subject};
pub use quiet::Quiet;
pub use ranks::{Crew, named};
pub use report::{Report, ReportedEvent, ReportedPod};
pub use rule::{Pattern, Rule, Sign};
pub use rules::Rules;
pub use scan::{Gist, LogHit, LogLine, Scan};
pub use scheduler::scheduler_reasons;
pub(crate) use words::capital;
