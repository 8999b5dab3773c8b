//! What one is told of without looking: what is news, and how it is told.
//!
//! Only what happens from now on is told: what was so when it was seen first is not.

mod jobs;
mod quotas;
mod tell;
#[cfg(test)]
mod tests;

pub use jobs::{changed, measured, over, sent, watch};
pub use quotas::{follow, read};
pub use tell::deadline;
