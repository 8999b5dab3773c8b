//! Records: what the flight recorder kept of jobs, so that they can be read when they are gone.
//!
//! Owns the format, its bounds and who may write. A record is a directory for its owner only: a file of facts and a few
//! of log lines, which only grow and lose at most their last line when a process is killed or a disk is full. Must not
//! decide what is worth keeping, nor know a console.

mod fact;
mod file;
mod log;
mod numbers;
mod place;
mod prune;
mod shelf;
mod writer;

#[cfg(test)]
mod tests;

pub use fact::{Change, Fact, Header, KeptManifest, KeptPod, Record, VERSION};
pub use log::{KeptLog, LogText, Stream};
pub use numbers::{KeptNumbers, KeptSeries};
pub use place::{Bounds, ClusterPlace, short_uid};
pub use prune::{Pruned, prune};
pub use shelf::{Records, Summary, remove};
pub use writer::{Writer, change};
