//! [`Fleet`] itself: applying batches, and deriving again what they touched.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Batch, Changed, Job, JobKey, Left, ListKey, ListPhase, Row,
    events::{JobEvents, Waiting},
    intern::Interner,
    join::Groups,
    relist::Lists,
    said::{self, Heard, Said},
    table::Table,
};
use crate::jobs::{
    causes::{Crew, LogSeen, Rules},
    derive::{self, Input, Logs},
    reach::Reach,
    row::{EventRow, PodRow, WorkloadRow},
    state::Derived,
    text::{Name, Uid},
    time::Secs,
    usage::Flag,
};

/// Server times further ahead of ours than this are nonsense, not skew.
const MOST_SKEW: u32 = 3600;

/// The live picture. Rows are moved in with [`Fleet::apply`]; [`Fleet::settle`] then derives what they touched.
/// Both cost in proportion to what changed, never to what is loaded (but for the end of a full read).
#[derive(Debug)]
pub struct Fleet {
    pub(super) rules: Arc<Rules>,
    pub(super) jobs: Table<JobEntry>,
    pub(super) pods: Table<PodEntry>,
    pub(super) workloads: Table<WorkloadEntry>,
    pub(super) groups: Groups,
    pub(super) workloads_of: HashMap<Uid, Vec<u32>>,
    /// The job that keeps an event.
    pub(super) event_at: HashMap<Uid, Uid>,
    pub(super) waiting: Waiting,
    pub(super) lists: Lists,
    pub(super) interner: Interner,
    pub(super) dirty: Vec<Uid>,
    pub(super) gone: Vec<JobKey>,
    pub(super) left: Vec<Left>,
    pub(super) deadlines: BTreeSet<(Secs, Uid)>,
    pub(super) new_jobs: bool,
    pub(super) newest: Secs,
    pub(super) ahead: u32,
}

#[derive(Debug)]
pub(super) struct JobEntry {
    pub(super) job: Job,
    pub(super) pods: Vec<u32>,
    pub(super) events: JobEvents,
    pub(super) said: Heard,
    /// What is odd about what its pods use.
    pub(super) odd: Vec<(Name, Flag)>,
    pub(super) dirty: bool,
    pub(super) since: Option<Secs>,
    pub(super) list: u16,
    pub(super) seen: u32,
}

#[derive(Debug)]
pub(super) struct PodEntry {
    pub(super) row: PodRow,
    pub(super) job: Option<Uid>,
    pub(super) list: u16,
    pub(super) seen: u32,
}

#[derive(Debug)]
pub(super) struct WorkloadEntry {
    pub(super) row: WorkloadRow,
    pub(super) list: u16,
    pub(super) seen: u32,
}

impl Fleet {
    /// An empty fleet whose causes are decided by `rules`.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            jobs: Table::default(),
            pods: Table::default(),
            workloads: Table::default(),
            groups: Groups::default(),
            workloads_of: HashMap::new(),
            event_at: HashMap::new(),
            waiting: Waiting::default(),
            lists: Lists::default(),
            interner: Interner::default(),
            dirty: Vec::new(),
            gone: Vec::new(),
            left: Vec::new(),
            deadlines: BTreeSet::new(),
            new_jobs: false,
            newest: Secs::default(),
            ahead: 0,
        }
    }

    /// Takes in what changed in one list. Call [`Fleet::settle`] when all that is at hand has been applied.
    pub fn apply(&mut self, batch: Batch) {
        let (list, read) = self.lists.enter(&batch.list, batch.restart);
        for row in batch.upserts {
            match row {
                Row::Job(row) => self.put_job(row, list, read),
                Row::Pod(row) => self.put_pod(row, list, read),
                Row::Event(row) => self.put_event(row, list, read),
                Row::Workload(row) => self.put_workload(row, list, read),
            }
        }
        for uid in batch.removals {
            self.remove(batch.list.of, list, &uid);
        }
        if batch.complete {
            self.drop_unseen(batch.list.of, list, read);
        }
        if let Some(phase) = batch.phase {
            self.lists.set_phase(list, phase);
        }
    }

    /// Derives again the jobs that were touched and those whose time has come. A second call at the same time with
    /// nothing applied in between changes nothing.
    pub fn settle(&mut self, now: Secs) -> Changed {
        if self.newest.since(now) <= MOST_SKEW {
            self.ahead = self.ahead.max(self.newest.since(now));
        }
        let now = now.plus(self.ahead);
        if std::mem::take(&mut self.new_jobs) {
            for event in self.waiting.drain() {
                self.place_event(event);
            }
        }
        let mut jobs = std::mem::take(&mut self.gone);
        for uid in std::mem::take(&mut self.dirty) {
            if let Some(id) = self.jobs.id(&uid) {
                self.rederive(id, now);
                jobs.extend(self.jobs.get(id).map(|entry| entry.job.key()));
            }
        }
        while let Some((_, uid)) = self.deadlines.first().filter(|(at, _)| *at <= now).cloned() {
            self.deadlines.pop_first();
            let Some(id) = self.jobs.id(&uid) else { continue };
            if self.rederive(id, now) {
                jobs.extend(self.jobs.get(id).map(|entry| entry.job.key()));
            }
        }
        Changed { jobs, left: std::mem::take(&mut self.left) }
    }

    /// When [`Fleet::settle`] has something to do even if nothing is applied.
    pub fn next_deadline(&self) -> Option<Secs> {
        self.deadlines.first().map(|(at, _)| Secs(at.0.saturating_sub(self.ahead)))
    }

    /// The job of this identity.
    pub fn get(&self, key: &JobKey) -> Option<&Job> {
        self.entry(key).map(|entry| &entry.job)
    }

    /// Jobs of any kind with this name, newest first.
    pub fn find(&self, namespace: &str, name: &str) -> Vec<&Job> {
        let ids = self.groups.get(namespace, name).map_or(&[][..], |group| &group.jobs);
        let mut found: Vec<_> = ids.iter().filter_map(|id| Some(&self.jobs.get(*id)?.job)).collect();
        found.sort_by_key(|job| std::cmp::Reverse(job.row.created));
        found
    }

    /// All jobs, in no particular order.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().map(|(_, entry)| &entry.job)
    }

    /// How many jobs there are.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there is no job.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many pods there are, those of unknown jobs included.
    pub fn pod_count(&self) -> usize {
        self.pods.len()
    }

    /// A job's pods: the leading role first, then by role, index and creation.
    pub fn pods(&self, key: &JobKey) -> Vec<&PodRow> {
        self.entry(key).map_or_else(Vec::new, |entry| self.pod_rows(entry).collect())
    }

    /// A job's warnings, newest first.
    pub fn events(&self, key: &JobKey) -> Vec<&EventRow> {
        let mut rows: Vec<_> =
            self.entry(key).map_or_else(Vec::new, |entry| entry.events.0.iter().map(|kept| &kept.row).collect());
        rows.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.uid.cmp(&b.uid)));
        rows
    }

    /// The Workload that stands for a job, the newest if there are several.
    pub fn workload(&self, key: &JobKey) -> Option<&WorkloadRow> {
        self.workload_of(&self.entry(key)?.job.row.uid)
    }

    /// Every list that was heard of, and how it is doing.
    pub fn lists(&self) -> impl Iterator<Item = (&ListKey, &ListPhase)> {
        self.lists.iter()
    }

    /// How one list is doing.
    pub fn list_phase(&self, key: &ListKey) -> Option<&ListPhase> {
        self.lists.phase(key)
    }

    /// Forgets everything but the rules: another session or scope begins.
    pub fn clear(&mut self) {
        *self = Self::new(self.rules.clone());
    }

    fn entry(&self, key: &JobKey) -> Option<&JobEntry> {
        self.jobs.get(self.jobs.id(&key.uid)?)
    }

    fn pod_rows<'a>(&'a self, entry: &'a JobEntry) -> impl Iterator<Item = &'a PodRow> {
        entry.pods.iter().filter_map(|id| Some(&self.pods.get(*id)?.row))
    }

    pub(super) fn workload_of(&self, job: &Uid) -> Option<&WorkloadRow> {
        let ids = self.workloads_of.get(job)?;
        let rows = ids.iter().filter_map(|id| Some(&self.workloads.get(*id)?.row));
        rows.max_by_key(|row| (row.created, row.uid.clone()))
    }

    /// Takes in what the logs of a job say that somebody follows, in the place of what they said before. The next
    /// [`Fleet::settle`] looks at it.
    pub fn hear(&mut self, key: &JobKey, logs: Vec<Said>) {
        let Some(entry) = self.jobs.id(&key.uid).and_then(|id| self.jobs.get_mut(id)) else { return };
        entry.said.followed = logs;
        self.touch(&key.uid);
    }

    /// Takes in what one look at a log of a job found, beside what is known of its other logs.
    pub fn look(&mut self, key: &JobKey, log: Said) {
        let Some(entry) = self.jobs.id(&key.uid).and_then(|id| self.jobs.get_mut(id)) else { return };
        entry.said.look(log);
        self.touch(&key.uid);
    }

    /// Takes in what network policies leave between the replicas of a job that don't reach each other.
    pub fn bar(&mut self, key: &JobKey, reach: Reach) {
        let Some(entry) = self.jobs.id(&key.uid).and_then(|id| self.jobs.get_mut(id)) else { return };
        entry.said.reach = Some(Box::new(reach));
        self.touch(&key.uid);
    }

    /// Takes in what is odd about what the pods of a job use, in the place of what was before.
    pub fn measure(&mut self, key: &JobKey, odd: Vec<(Name, Flag)>) {
        let Some(entry) = self.jobs.id(&key.uid).and_then(|id| self.jobs.get_mut(id)) else { return };
        if entry.odd != odd {
            entry.odd = odd;
            self.touch(&key.uid);
        }
    }

    /// What is odd about what the pods of a job use, as far as it was measured.
    pub fn odd(&self, key: &JobKey) -> &[(Name, Flag)] {
        self.entry(key).map_or(&[], |entry| &entry.odd)
    }

    /// The jobs of which something is odd, as far as that was measured.
    pub fn odd_jobs(&self) -> impl Iterator<Item = JobKey> {
        self.jobs.iter().filter(|(_, entry)| !entry.odd.is_empty()).map(|(_, entry)| entry.job.key())
    }

    /// With what is known of the job's logs.
    fn derived_with_logs(&self, entry: &JobEntry, now: Secs) -> Derived {
        if entry.said.is_empty() {
            return self.derived(entry, Logs::default(), now);
        }
        let pods: Vec<&PodRow> = self.pod_rows(entry).collect();
        let crew = Crew::of(&entry.job.row, &pods);
        let logs = said::counting(&entry.said, &pods);
        let seen: Vec<LogSeen<'_>> = logs.iter().map(said::Telling::seen).collect();
        self.derived(entry, Logs::new(&seen, Some(&crew)), now)
    }

    fn derived(&self, entry: &JobEntry, logs: Logs<'_>, now: Secs) -> Derived {
        let pods: Vec<&PodRow> = self.pod_rows(entry).collect();
        let events: Vec<&EventRow> = entry.events.0.iter().map(|kept| &kept.row).collect();
        let input = Input {
            job: &entry.job.row,
            pods: &pods,
            events: &events,
            workload: self.workload_of(&entry.job.row.uid),
            since: entry.since.unwrap_or(now),
            rules: &self.rules,
            logs,
            odd: &entry.odd,
            reach: entry.said.reach.as_deref(),
        };
        derive::derive(&input, now)
    }

    /// Whether anything came out differently.
    fn rederive(&mut self, id: u32, now: Secs) -> bool {
        let Some(entry) = self.jobs.get(id) else { return false };
        let derived = self.derived_with_logs(entry, now);
        let differs = *entry.job.derived != derived;
        let Some(entry) = self.jobs.get_mut(id) else { return false };
        let (until, uid) = (derived.valid_until, entry.job.row.uid.clone());
        let before = std::mem::replace(&mut entry.job.derived, Arc::new(derived)).valid_until;
        entry.dirty = false;
        entry.since.get_or_insert(now);
        if let Some(at) = before {
            self.deadlines.remove(&(at, uid.clone()));
        }
        // A deadline in the past would be met again and again.
        if let Some(at) = until.filter(|at| *at > now) {
            self.deadlines.insert((at, uid));
        }
        differs
    }

    pub(super) fn touch(&mut self, uid: &Uid) {
        let Some(id) = self.jobs.id(uid) else { return };
        if let Some(entry) = self.jobs.get_mut(id)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push(uid.clone());
        }
    }
}
