//! The flight recorder: which jobs are followed, what is to be kept next, and what was kept of jobs that are gone.
//!
//! Owns what decides whether something is worth keeping. Writing it is for the runner.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

use super::{
    page::{Kept, Recorded, metrics::Measured},
    session::SessionId,
};
use crate::{
    disk::records::{Change, Stream, Summary},
    jobs::{Clean, EventRow, PodRow, Secs, Uid, fleet::JobKey},
};

/// Jobs that are followed at once.
pub const MOST_FOLLOWED: usize = 8;
/// Jobs that were opened and are remembered as such.
const MOST_OPENED: usize = 32;

/// See the module.
#[derive(Debug, Default)]
pub struct RecordModel {
    /// Jobs of this run that a person wants followed.
    pub pinned: Vec<JobKey>,
    /// Jobs to be pinned when they come: `name` or `namespace/name`, `*` for any.
    pub wanted: Vec<String>,
    /// Jobs whose page was opened, newest first.
    pub opened: VecDeque<JobKey>,
    /// Those that are followed now.
    pub followed: Vec<JobKey>,
    /// What was last seen of each job, to tell what is new.
    pub seen: HashMap<Uid, Seen>,
    /// Jobs of which something is to be kept.
    pub pending: BTreeMap<JobKey, Pending>,
    /// A record that a person asked for.
    pub asked: Option<Which>,
    /// The lists have been read once: what changes from now on is news.
    pub begun: bool,
    /// How the recorder does.
    pub state: RecordState,
}

impl RecordModel {
    /// A page was opened.
    pub fn was_opened(&mut self, key: &JobKey) {
        self.opened.retain(|other| other != key);
        self.opened.push_front(key.clone());
        self.opened.truncate(MOST_OPENED);
    }

    /// When something that waits is to be written.
    pub fn next_deadline(&self) -> Option<Secs> {
        self.pending.values().map(|pending| pending.since.plus(1)).min()
    }

    /// Another session: its jobs are others.
    pub fn clear(&mut self) {
        let Self { wanted, state, .. } = std::mem::take(self);
        (self.wanted, self.state) = (wanted, state);
    }
}

/// What was last seen of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Digest of state, cause and newest warning.
    pub said: u64,
    /// Runs of the leading replica's containers that have ended.
    pub ended: u32,
}

/// Something of a job that is to be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    /// Since when it waits.
    pub since: Secs,
    /// Pods that went meanwhile.
    pub left: Vec<PodRow>,
}

/// What is to be written of a job now.
#[derive(Clone, Debug)]
pub struct Note {
    /// When.
    pub at: Secs,
    /// Which.
    pub key: JobKey,
    /// What the fleet has of it, or had to the end.
    pub job: Kept,
    /// Its state, in words.
    pub change: Change,
    /// Pods that are gone, as they were last.
    pub left: Vec<PodRow>,
    /// The job is deleted.
    pub deleted: bool,
}

impl PartialEq for Note {
    fn eq(&self, other: &Self) -> bool {
        (self.at, &self.key, &self.change, self.deleted) == (other.at, &other.key, &other.change, other.deleted)
    }
}

/// A log that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of which run of which container.
    pub stream: Stream,
    /// It is the run before the present one.
    pub previous: bool,
    /// Go on as it grows; of one that is looked at now and then: where the last look ended.
    pub follow: bool,
    /// So many lines of what there is already.
    pub tail: u32,
}

/// What the recorder wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordEffect {
    /// Write this.
    Note(SessionId, Box<Note>),
    /// Keep these logs of a job; those that are being read already are not read twice.
    Logs(SessionId, JobKey, Vec<Wanted>),
    /// Keep all events of a job and its logs as they grow, until told otherwise.
    Follow(SessionId, JobKey),
    /// Let go of what is followed of a job.
    Unfollow(JobKey),
    /// The open page shows the record in this directory: its logs are read there.
    Show(Option<PathBuf>),
    /// Read what was measured of the job whose record this is, if that was kept.
    Numbers(JobKey, PathBuf),
    /// Read which records there are.
    List,
    /// Read one: of this job, or in this directory.
    Open(Which),
}

/// Which record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of a job of the present cluster.
    Job(JobKey),
    /// In the directory that a list named.
    Dir(PathBuf),
}

/// How the recorder does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordState {
    /// Jobs of which something was kept in this run.
    pub jobs: usize,
    /// Jobs that another mpideck records.
    pub elsewhere: usize,
    /// Lines of logs kept in this run.
    pub lines: u64,
    /// Why something can't be kept now.
    pub problem: Option<Clean>,
}

/// A record, ready to be shown.
#[derive(Debug)]
pub struct Opened {
    /// The job as it was last.
    pub job: Kept,
    /// Its manifest, or `None` if it was not read in time.
    pub object: Option<serde_json::Value>,
    /// Its events.
    pub events: Vec<EventRow>,
    /// Which record it is.
    pub recorded: Arc<Recorded>,
}

/// What the recorder brought.
#[derive(Debug)]
pub enum RecordMessage {
    /// It does differently.
    State(RecordState),
    /// Which records there are, newest first.
    Listed(Result<Vec<Summary>, Clean>),
    /// What was measured of a job up to its end, and who measured it.
    Numbers(JobKey, Clean, Box<Measured>),
    /// A record was read; `None`: there is none.
    Opened(Which, Result<Option<Box<Opened>>, Clean>),
}
