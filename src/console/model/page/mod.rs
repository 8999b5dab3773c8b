//! The job page: which job, which tab, and what was read for it.
//!
//! Owns a copy of what the fleet said last about this one job, so that the page of a job that is gone stays readable.

pub mod config;
pub mod events;
pub mod logs;
pub mod metrics;
pub mod recorded;
pub mod workers;

use std::sync::Arc;

use serde_json::Value;

pub use self::{
    config::ConfigModel,
    events::EventsModel,
    logs::{LogId, LogMessage, LogOrder, LogsModel},
    metrics::MetricsModel,
    recorded::Recorded,
    workers::WorkersModel,
};
use super::session::SessionId;
pub use crate::console::ids::Tab;
use crate::{
    console::ids::Context,
    jobs::{
        Clean, EventRow, JobRow, Kind, Name, PodRow, Secs, Sym, WorkloadRow,
        absence::Absence,
        fleet::{Fleet, JobKey},
        health,
        ranks::Ranks,
        replica::{Replica, ReplicaStatus, replicas},
        state::Derived,
        time::duration_changes_in,
        usage::Flag,
    },
    logs::Query,
};

/// Counts job pages, so that an answer for a closed one is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageId(pub u32);

/// Something that is read from the cluster for the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fetched<T> {
    /// Not asked for.
    #[default]
    Unasked,
    /// Asked for.
    Loading,
    /// Read.
    Ready(T),
    /// Not to be had.
    Failed(Refusal),
}

impl<T> Fetched<T> {
    /// What was read.
    pub const fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}

/// A read that is repeated when things change, one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Nothing is under way.
    #[default]
    Idle,
    /// The answer will be new.
    Fresh,
    /// Something changed since it was asked for.
    Outdated,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happened and why, in one line.
    pub what: Clean,
    /// What to do.
    pub hint: Clean,
}

/// A position in lines of text, with a search.
#[derive(Debug, Default)]
pub struct Scroll {
    /// First visible line.
    pub top: usize,
    /// What is searched for.
    pub search: Option<Query>,
    /// The line of the hit that was gone to.
    pub hit: Option<usize>,
}

/// What the fleet said last about the job.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The job's own row.
    pub row: JobRow,
    /// How it is.
    pub derived: Arc<Derived>,
    /// Its pods.
    pub pods: Vec<PodRow>,
    /// Warnings about it.
    pub warnings: Vec<EventRow>,
    /// Its Workload.
    pub workload: Option<WorkloadRow>,
    /// What is odd about what its pods use.
    pub odd: Vec<(Name, Flag)>,
}

impl Kept {
    /// What the fleet says of the job now.
    pub fn of(fleet: &Fleet, key: &JobKey) -> Option<Self> {
        let job = fleet.get(key)?;
        Some(Self {
            row: job.row.clone(),
            derived: Arc::clone(&job.derived),
            pods: fleet.pods(key).into_iter().cloned().collect(),
            warnings: fleet.events(key).into_iter().cloned().collect(),
            workload: fleet.workload(key).cloned(),
            odd: fleet.odd(key).to_vec(),
        })
    }

    /// The job's identity.
    pub fn key(&self) -> JobKey {
        let JobRow { namespace, name, kind, uid, .. } = &self.row;
        JobKey { namespace: namespace.clone(), name: name.clone(), kind: *kind, uid: uid.clone() }
    }

    /// When the job began: was started, else made.
    pub fn began(&self) -> Secs {
        self.row.started.unwrap_or(self.row.created)
    }

    /// Its pods as the pure functions want them.
    pub fn pod_refs(&self) -> Vec<&PodRow> {
        self.pods.iter().collect()
    }

    /// Why replicas of this role have no pod, where they have none.
    pub fn absence(&self, role: &str) -> Absence {
        Absence::of(&self.row, &self.derived, self.workload.as_ref(), role)
    }

    /// Until when its numbers count: its end, with the last sample after it, else now.
    pub fn measured_until(&self, now: Secs) -> Secs {
        self.derived.finished.map_or(now, |end| end.plus(30).min(now))
    }

    /// The pod that the cause of a bad end is about, and when that was.
    pub fn ended_badly(&self) -> Option<(&PodRow, Secs)> {
        let id = self.derived.cause.as_ref()?.replica.as_ref()?;
        let replicas = self.replicas();
        let pod = replicas.iter().find(|replica| replica.id() == *id)?.pod()?;
        let end = health::last_bad_end(pod)?.finished?;
        Some((self.pods.iter().find(|own| own.uid == pod.uid)?, end))
    }

    /// What is odd about what a replica uses.
    pub fn flags<'a>(&'a self, replica: &Replica<'a>) -> impl Iterator<Item = &'a Flag> {
        let pod = replica.pod().map(|pod| &pod.name);
        self.odd.iter().filter(move |(name, _)| Some(name) == pod).map(|(_, flag)| flag)
    }

    /// Its replicas, leading role first.
    pub fn replicas(&self) -> Vec<Replica<'_>> {
        let mut all = replicas(&self.row, &self.pod_refs());
        let mut told: Option<(Sym, Absence)> = None;
        for replica in all.iter_mut().filter(|replica| replica.attempts.is_empty()) {
            if told.as_ref().is_none_or(|(role, _)| *role != replica.role) {
                told = Some((replica.role.clone(), self.absence(replica.role.as_str())));
            }
            if let Some((_, absence)) = &told {
                replica.absent = (absence.word, absence.severity);
            }
        }
        all
    }
}

/// One object of the tree of what a job owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedObject {
    /// How deep in the tree: 0 is owned by the job itself.
    pub depth: u8,
    /// Its kind.
    pub kind: Sym,
    /// Its name.
    pub name: Name,
    /// How it is, in a word and a symbol. Of a pod that the fleet knows, the fleet knows better.
    pub status: ReplicaStatus,
    /// More about that, in a few words.
    pub about: Clean,
    /// Content worth reading, a line each (a hostfile).
    pub content: Vec<Clean>,
}

impl OwnedObject {
    /// Lines of long content that are shown until all of it is asked for.
    pub const SHORT: usize = 3;

    /// Whether its content is folded.
    pub fn is_long(&self) -> bool {
        self.content.len() > Self::SHORT + 1
    }
}

/// An open job page.
#[derive(Debug)]
pub struct PageModel {
    /// Which opening of a page it is.
    pub id: PageId,
    /// The session it reads from.
    pub session: SessionId,
    /// What the fleet said last.
    pub job: Kept,
    /// When the fleet lost the job, if it did.
    pub gone: Option<Secs>,
    /// The newest other job of this name and kind, if there is one.
    pub successor: Option<JobKey>,
    /// It shows this record, not a living job.
    pub recorded: Option<Arc<Recorded>>,
    /// The open tab.
    pub tab: Tab,
    /// Of the Overview.
    pub overview: Scroll,
    /// Show evidence in full, however long.
    pub all_evidence: bool,
    /// What the job owns; kept while it is read again.
    pub owned: Fetched<Vec<OwnedObject>>,
    /// Whether that is being read, and must be read once more after it.
    pub reading: Reading,
    /// Show a hostfile in full, however long.
    pub all_hosts: bool,
    /// The object itself.
    pub object: Fetched<Value>,
    /// Tab Configuration.
    pub config: ConfigModel,
    /// Tab Workers.
    pub workers: WorkersModel,
    /// Tab Logs.
    pub logs: LogsModel,
    /// Tab Events.
    pub events: EventsModel,
    /// Of tab Queue.
    pub queue: Scroll,
    /// Tab Metrics.
    pub metrics: MetricsModel,
}

impl PageModel {
    /// Until when its numbers count: of a record at most until something was added to it last.
    pub fn measured_until(&self, now: Secs) -> Secs {
        self.job.measured_until(self.recorded.as_ref().map_or(now, |recorded| recorded.last.min(now)))
    }

    /// A page that nothing was read for yet.
    pub fn new(id: PageId, session: SessionId, job: Kept) -> Self {
        Self {
            id,
            session,
            job,
            gone: None,
            successor: None,
            recorded: None,
            tab: Tab::default(),
            overview: Scroll::default(),
            all_evidence: false,
            owned: Fetched::default(),
            reading: Reading::default(),
            all_hosts: false,
            object: Fetched::default(),
            config: ConfigModel::default(),
            workers: WorkersModel::default(),
            logs: LogsModel::default(),
            events: EventsModel::default(),
            queue: Scroll::default(),
            metrics: MetricsModel::default(),
        }
    }

    /// The ranks of the job, by its hostfile where that was read.
    pub fn ranks(&self) -> Ranks {
        let ranks = Ranks::of(&self.job.row, &self.job.replicas());
        let owned = self.owned.ready().into_iter().flatten();
        let files = owned.filter(|object| object.kind.as_str() == "ConfigMap");
        let ranks = ranks.with_hostfile(files.flat_map(|object| object.content.iter().map(Clean::as_str)));
        ranks.unless_beyond(self.logs.window.ranks_seen)
    }

    /// Where its keys are looked for.
    pub fn contexts(&self) -> Vec<Context> {
        vec![self.tab.context(), Context::Page, Context::Any]
    }

    /// Where we are in the lines of the open tab.
    pub const fn scroll(&self) -> &Scroll {
        match (self.tab, &self.workers.open) {
            (Tab::Overview | Tab::Logs | Tab::Metrics, _) => &self.overview,
            (Tab::Configuration, _) => &self.config.scroll,
            (Tab::Workers, Some(open)) => &open.scroll,
            (Tab::Workers, None) => &self.workers.search,
            (Tab::Events, _) => &self.events.scroll,
            (Tab::Queue, _) => &self.queue,
        }
    }

    /// The same, to move in.
    pub const fn scroll_mut(&mut self) -> &mut Scroll {
        match (self.tab, &mut self.workers.open) {
            (Tab::Overview | Tab::Logs | Tab::Metrics, _) => &mut self.overview,
            (Tab::Configuration, _) => &mut self.config.scroll,
            (Tab::Workers, Some(open)) => &mut open.scroll,
            (Tab::Workers, None) => &mut self.workers.search,
            (Tab::Events, _) => &mut self.events.scroll,
            (Tab::Queue, _) => &mut self.queue,
        }
    }

    /// When a visible age will read otherwise.
    pub fn next_deadline(&self, now: Secs) -> Option<Secs> {
        let job = &self.job;
        let pods = job.pods.iter().take(200).map(|pod| pod.created);
        let events = self.events.all.ready().into_iter().flatten().rev().take(100).map(|event| event.last);
        let conditions = job.row.conditions.iter().filter_map(|condition| condition.since);
        let own = [Some(job.row.created), job.derived.started, self.gone].into_iter().flatten();
        let logs = &self.logs;
        let heard =
            logs.window.heard.iter().filter(|_| logs.grid && self.tab == Tab::Logs).filter_map(|heard| heard.at);
        let stamped = logs.window.lines.iter().filter(|_| logs.stamps == logs::Stamps::Relative);
        let lines = stamped.filter_map(|shown| Some(shown.line.at?.secs()));
        let sampled = self.metrics.followed.as_ref().and_then(|_| self.metrics.newest());
        let asked = self.metrics.smi.as_ref().map(|asked| asked.at);
        let ages = own.chain(pods).chain(events).chain(conditions).chain(heard).chain(lines);
        let sampled = sampled.into_iter().chain(asked).map(|newest| crate::jobs::usage::age(newest, now).1);
        ages.map(|since| now.plus(duration_changes_in(now.since(since)))).chain(sampled).min()
    }

    /// The job's kind.
    pub const fn kind(&self) -> Kind {
        self.job.row.kind
    }
}

/// What was read for a page.
#[derive(Debug)]
pub enum PageMessage {
    /// The object itself.
    Object(Result<Value, Refusal>),
    /// What the job owns.
    Owned(Result<Vec<OwnedObject>, Refusal>),
    /// Events of the job and what it owns, all of them, newest last.
    Events(Result<Vec<EventRow>, Refusal>),
    /// A pod, for the worker that is open.
    Pod(Name, Result<Value, Refusal>),
}

/// When to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Soon {
    /// At once.
    Now,
    /// In a second: changes come in groups.
    InAMoment,
}

/// What a page wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum PageEffect {
    /// Read the object.
    Object(PageId, SessionId, JobKey),
    /// Read what it owns: at once, or after a moment in which more may change.
    Owned(PageId, SessionId, JobKey, Soon),
    /// Read its events, and again every few seconds, until the page is closed or another tab is open.
    Events(PageId, SessionId, JobKey),
    /// Stop reading events.
    StopEvents(PageId),
    /// Read a pod.
    Pod(PageId, SessionId, JobKey, Name),
    /// Begin to read the job's logs, from so far back; those read before are let go.
    Logs(LogId, SessionId, logs::Past),
    /// Ask the logs' task for something.
    Order(LogId, LogOrder),
    /// The page is closed: stop everything that was for it.
    Close(PageId),
}
