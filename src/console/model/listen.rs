//! Logs of jobs that nobody has opened: which of them were looked at for what they say.

use std::collections::HashSet;

use crate::{disk::records::Stream, jobs::Uid};

/// Logs that are looked at in one session at most.
pub const MOST: usize = 2_000;

/// See the module.
#[derive(Debug, Default)]
pub struct ListenModel {
    /// Runs that were looked at, by the job's uid.
    pub begun: HashSet<(Uid, Stream)>,
    /// Jobs whose network policies were asked for.
    pub reached: HashSet<Uid>,
}
