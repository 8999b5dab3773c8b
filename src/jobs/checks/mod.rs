//! What is wrong with a manifest, before anything is made of it: each problem with place, reason and remedy.
//!
//! Owns the checks that need no cluster. Texts, severities, profiles and examples are data (`assets/checks.toml`); what is
//! looked for is code, one function a rule, by area in `look`. The operator's own rules are ported from mpi-operator
//! 0.8.2, those of pods from what a real API server 1.36 answered. Must not fetch anything, nor judge a running job.

mod case;
mod check;
pub mod cluster;
mod look;
mod problem;
mod rules;

pub use check::{Checked, Checks, Report};
pub use problem::{Outcome, Problem, Severity, Verdict};
pub use rules::{Limits, Profile, Rule};

#[cfg(test)]
mod tests;
