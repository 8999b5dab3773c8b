//! All that is kept on disk: never half written, never readable by others, never without bound.
//!
//! Owns atomic writes ([`atomic`]), locks ([`lock`]), what the console remembers ([`remembered`]), what is kept of jobs
//! ([`records`]) and of changes ([`changes`]), unsent manifests ([`drafts`]) and the size of the log ([`log`]). A full or
//! read-only disk is an error to be shown, never a reason to end. Must not know a terminal.

pub mod atomic;
pub mod changes;
pub mod drafts;
pub mod lock;
pub mod log;
pub mod problem;
pub mod records;
pub mod remembered;

pub use problem::DiskProblem;
pub use remembered::{Remembered, Sort};
