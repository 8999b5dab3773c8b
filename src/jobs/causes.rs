//! Causes: from what was observed to the one line that says why, by rules that are data.
//!
//! Owns the rule format, its reading, and the choice among hits. Observations are values made by the callers (from
//! statuses, events, conditions; from logs and metrics later); nothing here knows where they come from.

mod choose;
#[cfg(test)]
mod peers;
mod rules;
mod scheduler;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use choose::capital;
pub use choose::{Observation, Place, Subject, best};
pub use rules::{Rule, RuleError, Rules};
