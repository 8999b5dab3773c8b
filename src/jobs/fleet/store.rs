//! [`Fleet`] itself: applying batches, and deriving again what they touched.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Batch, Changed, Job, JobKey, ListKey, ListOf, ListPhase, Row,
    events::{JobEvents, Kept, Taken, Waiting},
    intern::Interner,
    join::{self, Groups},
    relist::Lists,
    table::Table,
};
use crate::jobs::{
    causes::Rules,
    derive::{self, Input},
    row::{EventRow, JobRow, PodRow, WorkloadRow},
    state::Derived,
    text::Uid,
    time::Secs,
};

/// Server times further ahead of ours than this are nonsense, not skew.
const MOST_SKEW: u32 = 3600;

/// The live picture. Rows are moved in with [`Fleet::apply`]; [`Fleet::settle`] then derives what they touched.
/// Both cost in proportion to what changed, never to what is loaded (but for the end of a full read).
#[derive(Debug)]
pub struct Fleet {
    rules: Arc<Rules>,
    jobs: Table<JobEntry>,
    pods: Table<PodEntry>,
    workloads: Table<WorkloadEntry>,
    groups: Groups,
    workloads_of: HashMap<Uid, Vec<u32>>,
    /// The job that keeps an event.
    event_at: HashMap<Uid, Uid>,
    waiting: Waiting,
    lists: Lists,
    interner: Interner,
    dirty: Vec<Uid>,
    gone: Vec<JobKey>,
    deadlines: BTreeSet<(Secs, Uid)>,
    new_jobs: bool,
    newest: Secs,
    ahead: u32,
}

#[derive(Debug)]
struct JobEntry {
    job: Job,
    pods: Vec<u32>,
    events: JobEvents,
    dirty: bool,
    since: Option<Secs>,
    list: u16,
    seen: u32,
}

#[derive(Debug)]
struct PodEntry {
    row: PodRow,
    job: Option<Uid>,
    list: u16,
    seen: u32,
}

#[derive(Debug)]
struct WorkloadEntry {
    row: WorkloadRow,
    list: u16,
    seen: u32,
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
        Changed { jobs }
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

    fn workload_of(&self, job: &Uid) -> Option<&WorkloadRow> {
        let ids = self.workloads_of.get(job)?;
        let rows = ids.iter().filter_map(|id| Some(&self.workloads.get(*id)?.row));
        rows.max_by_key(|row| (row.created, row.uid.clone()))
    }

    /// Whether anything came out differently.
    fn rederive(&mut self, id: u32, now: Secs) -> bool {
        let Some(entry) = self.jobs.get(id) else { return false };
        let pods: Vec<&PodRow> = self.pod_rows(entry).collect();
        let events: Vec<&EventRow> = entry.events.0.iter().map(|kept| &kept.row).collect();
        let input = Input {
            job: &entry.job.row,
            pods: &pods,
            events: &events,
            workload: self.workload_of(&entry.job.row.uid),
            since: entry.since.unwrap_or(now),
            rules: &self.rules,
        };
        let derived = derive::derive(&input, now);
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

    fn touch(&mut self, uid: &Uid) {
        let Some(id) = self.jobs.id(uid) else { return };
        if let Some(entry) = self.jobs.get_mut(id)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push(uid.clone());
        }
    }

    fn put_job(&mut self, mut row: JobRow, list: u16, seen: u32) {
        self.newest = self.newest.max(row.created);
        self.interner.job(&mut row);
        let uid = row.uid.clone();
        if let Some(entry) = self.jobs.id(&uid).and_then(|id| self.jobs.get_mut(id)) {
            (entry.list, entry.seen) = (list, seen);
            if entry.job.row != row {
                entry.job.row = row;
                self.touch(&uid);
            }
            return;
        }
        let (namespace, name) = (row.namespace.clone(), row.name.clone());
        let derived = Arc::new(Derived::unsettled());
        let job = Job { row, derived };
        let entry = JobEntry { job, pods: vec![], events: JobEvents::default(), dirty: false, since: None, list, seen };
        let id = self.jobs.insert(uid.clone(), entry);
        self.groups.entry(namespace.as_str(), &name).jobs.push(id);
        self.touch(&uid);
        self.regroup(namespace.as_str(), name.as_str());
        self.new_jobs |= self.waiting.len() > 0;
    }

    fn remove_job(&mut self, uid: &Uid) {
        let Some((id, entry)) = self.jobs.remove(uid) else { return };
        let (namespace, name) = (entry.job.row.namespace.clone(), entry.job.row.name.clone());
        for event in entry.events.0 {
            self.event_at.remove(&event.row.uid);
        }
        if let Some(at) = entry.job.derived.valid_until {
            self.deadlines.remove(&(at, uid.clone()));
        }
        for pod in entry.pods {
            if let Some(pod) = self.pods.get_mut(pod) {
                pod.job = None;
            }
        }
        self.gone.push(entry.job.key());
        self.groups.remove(namespace.as_str(), name.as_str(), Some(id), None);
        self.regroup(namespace.as_str(), name.as_str());
    }

    /// Asks anew for every pod of a group whose it is, after a job of that name came or went.
    fn regroup(&mut self, namespace: &str, name: &str) {
        let Some(group) = self.groups.get(namespace, name) else { return };
        for pod in group.pods.clone() {
            self.link(pod);
        }
    }

    /// The youngest job of the pod's group that it fits.
    fn owner_of(&self, pod: &PodRow) -> Option<Uid> {
        let group = self.groups.get(pod.namespace.as_str(), pod.job.as_str())?;
        let jobs = group.jobs.iter().filter_map(|id| Some(&self.jobs.get(*id)?.job.row));
        let fitting = jobs.filter(|job| join::belongs(pod, job));
        fitting.max_by_key(|job| (job.created, job.uid.clone())).map(|job| job.uid.clone())
    }

    fn link(&mut self, pod: u32) {
        let Some(entry) = self.pods.get(pod) else { return };
        let (before, after) = (entry.job.clone(), self.owner_of(&entry.row));
        if before == after {
            return;
        }
        self.unlink(pod);
        let Some(job_uid) = after else { return };
        self.touch(&job_uid);
        let Some(job) = self.jobs.id(&job_uid).and_then(|id| self.jobs.get(id)) else { return };
        let roles = job.job.row.kind.info().roles;
        let order = |id: u32| self.pods.get(id).map(|pod| pod_order(roles, &pod.row));
        let at = job.pods.partition_point(|other| order(*other) < order(pod));
        if let Some(job) = self.jobs.id(&job_uid).and_then(|id| self.jobs.get_mut(id)) {
            job.pods.insert(at, pod);
        }
        let Some(entry) = self.pods.get_mut(pod) else { return };
        entry.job = Some(job_uid);
        for event in self.waiting.claim(&entry.row.uid) {
            self.place_event(event);
        }
    }

    fn unlink(&mut self, pod: u32) {
        let Some(uid) = self.pods.get_mut(pod).and_then(|entry| entry.job.take()) else { return };
        if let Some(job) = self.jobs.id(&uid).and_then(|id| self.jobs.get_mut(id)) {
            job.pods.retain(|other| *other != pod);
        }
        self.touch(&uid);
    }

    fn put_pod(&mut self, mut row: PodRow, list: u16, seen: u32) {
        self.newest = self.newest.max(row.created);
        self.interner.pod(&mut row);
        if let Some(id) = self.pods.id(&row.uid) {
            let Some(entry) = self.pods.get_mut(id) else { return };
            (entry.list, entry.seen) = (list, seen);
            if entry.row == row {
                return;
            }
            if joins_as(&entry.row, &row) {
                entry.row = row;
                if let Some(job) = entry.job.clone() {
                    self.touch(&job);
                }
                return;
            }
            self.remove_pod(&row.uid);
        }
        let (namespace, name) = (row.namespace.clone(), row.job.clone());
        let id = self.pods.insert(row.uid.clone(), PodEntry { row, job: None, list, seen });
        self.groups.entry(namespace.as_str(), &name).pods.push(id);
        self.link(id);
    }

    fn remove_pod(&mut self, uid: &Uid) {
        let Some(id) = self.pods.id(uid) else { return };
        self.unlink(id);
        if let Some((id, entry)) = self.pods.remove(uid) {
            self.groups.remove(entry.row.namespace.as_str(), entry.row.job.as_str(), None, Some(id));
        }
    }

    fn put_workload(&mut self, mut row: WorkloadRow, list: u16, seen: u32) {
        self.newest = self.newest.max(row.created);
        self.interner.workload(&mut row);
        if let Some(entry) = self.workloads.id(&row.uid).and_then(|id| self.workloads.get_mut(id)) {
            (entry.list, entry.seen) = (list, seen);
            if entry.row == row {
                return;
            }
            self.remove_workload(&row.uid);
        }
        let (uid, job) = (row.uid.clone(), row.job_uid.clone());
        let id = self.workloads.insert(uid.clone(), WorkloadEntry { row, list, seen });
        if let Some(job) = job {
            self.workloads_of.entry(job.clone()).or_default().push(id);
            self.touch(&job);
        }
        for event in self.waiting.claim(&uid) {
            self.place_event(event);
        }
    }

    fn remove_workload(&mut self, uid: &Uid) {
        let Some((id, WorkloadEntry { row, .. })) = self.workloads.remove(uid) else { return };
        let Some(job) = row.job_uid else { return };
        if let Some(ids) = self.workloads_of.get_mut(&job) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.workloads_of.remove(&job);
            }
        }
        self.touch(&job);
    }

    fn put_event(&mut self, mut row: EventRow, list: u16, seen: u32) {
        self.newest = self.newest.max(row.last);
        if row.warning && join::may_concern_jobs(&row) {
            self.interner.event(&mut row);
            self.place_event(Kept { row, list, seen });
        }
    }

    /// Gives an event to the job it is about, or lets it wait for that job or its pod to become known.
    fn place_event(&mut self, event: Kept) {
        let uid = event.row.uid.clone();
        let known = self.event_at.get(&uid).cloned();
        let Some(job) = known.or_else(|| self.job_of(&event.row)) else {
            self.waiting.push(event);
            return;
        };
        let Some(entry) = self.jobs.id(&job).and_then(|id| self.jobs.get_mut(id)) else { return };
        match entry.events.take(event) {
            Taken::Same | Taken::Older => {}
            Taken::New(out) => {
                if let Some(out) = out {
                    self.event_at.remove(&out);
                }
                self.event_at.insert(uid, job.clone());
                self.touch(&job);
            }
        }
    }

    fn job_of(&self, event: &EventRow) -> Option<Uid> {
        let object = &event.about_uid;
        if self.jobs.id(object).is_some() {
            return Some(object.clone());
        }
        if let Some(pod) = self.pods.id(object).and_then(|id| self.pods.get(id)) {
            return pod.job.clone();
        }
        if let Some(workload) = self.workloads.id(object).and_then(|id| self.workloads.get(id)) {
            return workload.row.job_uid.clone().filter(|job| self.jobs.id(job).is_some());
        }
        join::possible_jobs(event).find_map(|name| {
            let group = self.groups.get(event.namespace.as_str(), name)?;
            let jobs = group.jobs.iter().filter_map(|id| Some(&self.jobs.get(*id)?.job.row));
            let living = jobs.filter(|job| job.created <= event.last);
            living.max_by_key(|job| (job.created, job.uid.clone())).map(|job| job.uid.clone())
        })
    }

    fn remove_event(&mut self, uid: &Uid) {
        let Some(job) = self.event_at.remove(uid) else {
            self.waiting.remove(uid);
            return;
        };
        if let Some(entry) = self.jobs.id(&job).and_then(|id| self.jobs.get_mut(id))
            && entry.events.remove(uid)
        {
            self.touch(&job);
        }
    }

    fn remove(&mut self, of: ListOf, list: u16, uid: &Uid) {
        match of {
            ListOf::Jobs(_) => {
                if self.jobs.id(uid).and_then(|id| self.jobs.get(id)).is_some_and(|entry| entry.list == list) {
                    self.remove_job(uid);
                }
            }
            ListOf::Pods | ListOf::JobSetPods => {
                if self.pods.id(uid).and_then(|id| self.pods.get(id)).is_some_and(|entry| entry.list == list) {
                    self.remove_pod(uid);
                }
            }
            ListOf::Warnings => self.remove_event(uid),
            ListOf::Workloads => self.remove_workload(uid),
        }
    }

    /// The end of a full read: what did not come again is gone.
    fn drop_unseen(&mut self, of: ListOf, list: u16, read: u32) {
        let old = |row_list: u16, seen: u32| row_list == list && seen != read;
        match of {
            ListOf::Jobs(_) => {
                let rows = self.jobs.iter().filter(|(_, e)| old(e.list, e.seen));
                for uid in rows.map(|(_, e)| e.job.row.uid.clone()).collect::<Vec<_>>() {
                    self.remove_job(&uid);
                }
            }
            ListOf::Pods | ListOf::JobSetPods => {
                let rows = self.pods.iter().filter(|(_, e)| old(e.list, e.seen));
                for uid in rows.map(|(_, e)| e.row.uid.clone()).collect::<Vec<_>>() {
                    self.remove_pod(&uid);
                }
            }
            ListOf::Workloads => {
                let rows = self.workloads.iter().filter(|(_, e)| old(e.list, e.seen));
                for uid in rows.map(|(_, e)| e.row.uid.clone()).collect::<Vec<_>>() {
                    self.remove_workload(&uid);
                }
            }
            ListOf::Warnings => {
                let kept = self.jobs.iter().flat_map(|(_, entry)| &entry.events.0);
                let rows = kept.filter(|kept| old(kept.list, kept.seen)).map(|kept| kept.row.uid.clone());
                for uid in rows.collect::<Vec<_>>() {
                    self.remove_event(&uid);
                }
                self.waiting.retain(|kept| !old(kept.list, kept.seen));
            }
        }
    }
}

/// Whether a changed row keeps its place in all indexes.
fn joins_as(old: &PodRow, new: &PodRow) -> bool {
    let place = |row: &PodRow| (row.namespace.clone(), row.job.clone(), row.operator.clone(), row.owner.clone());
    let order = |row: &PodRow| (row.role.clone(), row.index, row.attempt, row.created);
    place(old) == place(new) && order(old) == order(new)
}

/// Leading role first, then by role, index and creation.
fn pod_order<'a>(roles: &[&str], row: &'a PodRow) -> (usize, &'a str, Option<u16>, Secs, &'a Uid) {
    let role = row.role.as_str();
    let rank = roles.iter().position(|name| name.eq_ignore_ascii_case(role)).unwrap_or(roles.len());
    (rank, role, row.index, row.created, &row.uid)
}
