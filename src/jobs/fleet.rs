//! The fleet: the live picture of all jobs, replicas, events and queues in scope. There is one of it, with one owner.
//!
//! Owns the rows that are moved into it, their indexes and what is derived from them. Must not fetch anything.

#[cfg(test)]
mod cost;
mod events;
mod intern;
mod join;
mod members;
mod others;
mod relist;
mod said;
mod store;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use said::{Said, Teller, main_container, telling, writer};
pub use store::Fleet;

use super::{
    kind::Kind,
    row::{EventRow, JobRow, PodRow, WorkloadRow},
    state::Derived,
    text::{Clean, Name, Uid},
    time::Secs,
};

/// The full identity of a job within a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobKey {
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// Kind.
    pub kind: Kind,
    /// Uid.
    pub uid: Uid,
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListOf {
    /// Jobs of one kind.
    Jobs(Kind),
    /// Pods with the training-operator label.
    Pods,
    /// Pods of JobSets (TrainJobs).
    JobSetPods,
    /// Warning events.
    Warnings,
    /// Kueue Workloads.
    Workloads,
}

/// One list that is being read: what, and where (`None` is the whole cluster).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListKey {
    /// What it holds.
    pub of: ListOf,
    /// Namespace, or all.
    pub namespace: Option<Name>,
}

/// How a list is doing. Each keeps its last content whatever happens.
#[derive(Clone, Debug, PartialEq)]
pub enum ListPhase {
    /// First read, so many rows so far.
    Loading(u32),
    /// Watched.
    Live,
    /// May be listed, not watched: read again every so many seconds.
    Polling(u32),
    /// Refused: verb, resource and namespace to ask for.
    Forbidden(Clean),
    /// Not reached since then, and why; being tried again.
    Stale(Secs, Clean),
    /// Not to be had (unexpected answer), and why.
    Error(Clean),
}

/// A row of any list.
#[derive(Clone, Debug)]
pub enum Row {
    /// A job.
    Job(JobRow),
    /// A pod.
    Pod(PodRow),
    /// An event.
    Event(EventRow),
    /// A workload.
    Workload(WorkloadRow),
}

/// What changed in one list since the last batch. Applied in the order of the fields.
#[derive(Debug)]
pub struct Batch {
    /// Which list.
    pub list: ListKey,
    /// A new full read begins: rows of this list that do not come again before `complete` are dropped then.
    pub restart: bool,
    /// New or changed rows, latest only.
    pub upserts: Vec<Row>,
    /// Rows that are gone.
    pub removals: Vec<Uid>,
    /// The full read is complete.
    pub complete: bool,
    /// How the list is doing now, if that changed.
    pub phase: Option<ListPhase>,
}

impl Batch {
    /// Nothing yet, for `list`.
    pub fn new(list: ListKey) -> Self {
        Self { list, restart: false, upserts: Vec::new(), removals: Vec::new(), complete: false, phase: None }
    }
}

/// A job with what was joined and derived.
#[derive(Debug)]
pub struct Job {
    /// Its own row.
    pub row: JobRow,
    /// What was computed at the last [`Fleet::settle`].
    pub derived: Arc<Derived>,
}

impl Job {
    /// Its identity.
    pub fn key(&self) -> JobKey {
        JobKey {
            namespace: self.row.namespace.clone(),
            name: self.row.name.clone(),
            kind: self.row.kind,
            uid: self.row.uid.clone(),
        }
    }
}

/// What a [`Fleet::settle`] changed.
#[derive(Debug, Default, PartialEq)]
pub struct Changed {
    /// Jobs that are new, gone, or differ in row, pods or derivation.
    pub jobs: Vec<JobKey>,
    /// What is gone, moved out for whoever keeps it, in the order in which it went.
    pub left: Vec<Left>,
}

/// Something that left the fleet.
#[derive(Debug, PartialEq)]
pub enum Left {
    /// A job, with what was its own to the end.
    Job(Box<LeftJob>),
    /// A pod of a job that is still there.
    Pod(JobKey, Box<PodRow>),
}

/// A job as it was when it left.
#[derive(Debug, PartialEq)]
pub struct LeftJob {
    /// Its row.
    pub row: JobRow,
    /// How it was.
    pub derived: Arc<Derived>,
    /// Its pods; they may still be there for a while.
    pub pods: Vec<PodRow>,
    /// Warnings about it.
    pub events: Vec<EventRow>,
    /// Its Workload.
    pub workload: Option<WorkloadRow>,
}
