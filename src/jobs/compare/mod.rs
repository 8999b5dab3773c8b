//! Runs side by side: how each did, what differs between them, and how much faster one is than another.
//!
//! Owns what is compared and how. Living and recorded jobs are the same here: a [`Run`] is made of a job's rows. Pure.

mod export;
mod run;
mod sheet;
#[cfg(test)]
mod tests;
mod text;

pub use run::Run;
pub use sheet::{Cell, Goals, Row, Sheet};
pub use text::text;
