//! What is kept of a job, one fact a line, and what all of them together say.
//!
//! Owns the shapes on disk. A line that can't be read is left out and counted; a field that a newer version wrote is
//! passed over, one that an older did not write has its default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::ClusterPlace;
use crate::jobs::{Clean, EventRow, JobRow, PodRow, Secs, Uid, WorkloadRow, fleet::JobKey, manifest::Removed};

/// Of the format.
pub const VERSION: u32 = 1;
/// Changes and events of one job that are handed on and survive tidying up.
const MOST_CHANGES: usize = 500;
const MOST_EVENTS: usize = 500;

/// Whose record it is. The first line of its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Of the format.
    pub version: u32,
    /// Which cluster.
    pub cluster: ClusterPlace,
    /// Name of the context it was seen through.
    pub context: Clean,
    /// Which job.
    pub job: JobKey,
}

/// What the console said of a job at some time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// When.
    pub at: Secs,
    /// The state, in words.
    pub state: Clean,
    /// Whether that is an end.
    pub finished: bool,
    /// The cause, if one was known.
    pub cause: Option<Clean>,
    /// What to do about it.
    pub remedy: Option<Clean>,
}

impl Change {
    /// Whether it says the same, whenever that was.
    pub fn says_as(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } == *other
    }
}

/// The job's object, without what is secret by its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptManifest {
    /// As the API server had it.
    pub object: Value,
    /// Values that were taken out; who makes a new job of it must ask for them.
    pub removed: Vec<Removed>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Whose record this is.
    Record(Box<Header>),
    /// The job's row.
    Job(Box<JobRow>),
    /// A pod's row.
    Pod(Box<PodRow>),
    /// A pod is gone; its row stays.
    PodGone(Uid),
    /// An event.
    Event(Box<EventRow>),
    /// The Workload.
    Workload(Box<WorkloadRow>),
    /// The state or its cause changed.
    Change(Box<Change>),
    /// The manifest.
    Manifest(Box<KeptManifest>),
    /// The job was deleted.
    Deleted,
}

impl Fact {
    /// What it replaces: a fact with the same name says the same thing anew. `None` for one that adds to the others.
    pub(super) fn replaces(&self) -> Option<String> {
        match self {
            Self::Record(_) => Some("record".to_owned()),
            Self::Job(_) => Some("job".to_owned()),
            Self::Pod(row) => Some(format!("pod {}", row.uid)),
            Self::PodGone(uid) => Some(format!("gone {uid}")),
            Self::Event(row) => Some(format!("event {}", row.uid)),
            Self::Workload(row) => Some(format!("workload {}", row.uid)),
            Self::Manifest(_) => Some("manifest".to_owned()),
            Self::Deleted => Some("deleted".to_owned()),
            Self::Change(_) => None,
        }
    }
}

/// A fact and when it was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: Secs,
    pub(super) fact: Fact,
}

/// A pod as it was last seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptPod {
    /// Its row.
    pub row: PodRow,
    /// When it was gone.
    pub gone: Option<Secs>,
}

/// All that was kept of a job, but for the lines of its logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Whose.
    pub header: Header,
    /// When it was begun.
    pub begun: Secs,
    /// When something was last added.
    pub last: Secs,
    /// When the job was found deleted.
    pub deleted: Option<Secs>,
    /// The job's row.
    pub job: Option<JobRow>,
    /// Its pods, in order of creation.
    pub pods: Vec<KeptPod>,
    /// Events about it, oldest first.
    pub events: Vec<EventRow>,
    /// Its Workload.
    pub workload: Option<WorkloadRow>,
    /// How its state changed, oldest first.
    pub changes: Vec<Change>,
    /// Its manifest, and when that was read.
    pub manifest: Option<(Secs, KeptManifest)>,
    /// Lines of the file that could not be read.
    pub unreadable: usize,
}

impl Record {
    /// Reads the lines of a file. `None` if it does not say whose record it is.
    pub(super) fn of_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let (mut folding, mut unreadable) = (None::<Folding>, 0);
        for line in lines {
            match (serde_json::from_slice::<Entry>(line), &mut folding) {
                (Ok(Entry { at, fact: Fact::Record(header) }), None) if header.version <= VERSION => {
                    folding = Some(Folding::new(*header, at));
                }
                (Ok(entry), Some(folding)) => folding.take(entry),
                _ => unreadable += 1,
            }
        }
        folding.map(|folding| folding.done(unreadable))
    }

    /// The same facts, each once: what a file is made of anew.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut out = vec![(self.begun, Fact::Record(Box::new(self.header.clone())))];
        out.extend(self.manifest.iter().map(|(at, kept)| (*at, Fact::Manifest(Box::new(kept.clone())))));
        out.extend(self.changes.iter().map(|change| (change.at, Fact::Change(Box::new(change.clone())))));
        out.extend(self.events.iter().map(|event| (event.last, Fact::Event(Box::new(event.clone())))));
        out.extend(self.workload.iter().map(|row| (self.last, Fact::Workload(Box::new(row.clone())))));
        for pod in &self.pods {
            out.push((self.last, Fact::Pod(Box::new(pod.row.clone()))));
            out.extend(pod.gone.map(|at| (at, Fact::PodGone(pod.row.uid.clone()))));
        }
        out.extend(self.job.iter().map(|row| (self.last, Fact::Job(Box::new(row.clone())))));
        out.extend(self.deleted.map(|at| (at, Fact::Deleted)));
        out.into_iter().map(|(at, fact)| Entry { at, fact }).collect()
    }
}

/// A record while its lines are read.
struct Folding {
    record: Record,
    pods: BTreeMap<Uid, KeptPod>,
    events: BTreeMap<Uid, EventRow>,
}

impl Folding {
    fn new(header: Header, at: Secs) -> Self {
        let record = Record {
            header,
            begun: at,
            last: at,
            deleted: None,
            job: None,
            pods: Vec::new(),
            events: Vec::new(),
            workload: None,
            changes: Vec::new(),
            manifest: None,
            unreadable: 0,
        };
        Self { record, pods: BTreeMap::new(), events: BTreeMap::new() }
    }

    fn take(&mut self, Entry { at, fact }: Entry) {
        let record = &mut self.record;
        record.last = record.last.max(at);
        match fact {
            // Somebody put two files together: the first line decides whose it is.
            Fact::Record(_) => {}
            Fact::Job(row) => record.job = Some(*row),
            Fact::Pod(row) => {
                let pod = self.pods.entry(row.uid.clone()).or_default();
                pod.row = *row;
            }
            Fact::PodGone(uid) => {
                if let Some(pod) = self.pods.get_mut(&uid) {
                    pod.gone = Some(at);
                }
            }
            Fact::Event(row) => {
                self.events.insert(row.uid.clone(), *row);
            }
            Fact::Workload(row) => record.workload = Some(*row),
            Fact::Change(change) => record.changes.push(*change),
            Fact::Manifest(kept) => record.manifest = Some((at, *kept)),
            Fact::Deleted => record.deleted = Some(at),
        }
    }

    fn done(self, unreadable: usize) -> Record {
        let Self { mut record, pods, events } = self;
        record.unreadable = unreadable;
        record.pods = pods.into_values().collect();
        record.pods.sort_by(|a, b| (a.row.created, &a.row.name).cmp(&(b.row.created, &b.row.name)));
        record.events = events.into_values().collect();
        record.events.sort_by_key(|event| (event.last, event.first));
        newest(&mut record.events, MOST_EVENTS);
        newest(&mut record.changes, MOST_CHANGES);
        record
    }
}

fn newest<T>(all: &mut Vec<T>, most: usize) {
    let over = all.len().saturating_sub(most);
    all.drain(..over);
}
