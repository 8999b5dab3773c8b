//! Causes: from what was observed to the one line that says why, by rules that are data.
//!
//! Owns the rule format, its reading, and the choice among hits. Observations are values made by the callers (from
//! statuses, events, conditions; from logs and metrics later); nothing here knows where they come from.

mod choose;
mod file;
#[cfg(test)]
mod peers;
mod place;
mod rules;
mod scheduler;
mod template;
#[cfg(test)]
mod tests;

pub use choose::best;
pub(crate) use choose::capital;
pub use file::RuleError;
pub use place::{At, Observation, Place, Subject};
pub use rules::{Pattern, Rule, Rules};
