//! Logs of jobs that nobody has opened: which of them were looked at for what they say.

use std::collections::{HashMap, HashSet};

use crate::{
    disk::records::Stream,
    jobs::{Secs, Uid},
};

/// Logs that are looked at in one session at most.
pub const MOST: usize = 2_000;

/// Seconds after which it is seen again whose log is to be looked at.
const AGAIN: u32 = 15;

/// See the module.
#[derive(Debug, Default)]
pub struct ListenModel {
    /// Runs that were looked at, by the job's uid.
    pub begun: HashSet<(Uid, Stream)>,
    /// When network policies were last asked for, by the job's uid.
    pub reached: HashMap<Uid, Secs>,
    /// When a job's leading log was last looked at for its progress.
    pub looked: HashMap<Uid, Secs>,
    /// When it was last seen whose progress is in sight; `None` if nobody's is.
    pub followed: Option<Secs>,
}

impl ListenModel {
    /// When it is to be seen again whose log is to be looked at.
    pub fn next_deadline(&self) -> Option<Secs> {
        self.followed.map(|at| at.plus(AGAIN))
    }
}
