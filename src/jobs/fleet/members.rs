//! Jobs and pods as they come and go, and who belongs to whom.

use std::sync::Arc;

use super::{
    Job, Left, LeftJob,
    events::JobEvents,
    join,
    said::Heard,
    store::{Fleet, JobEntry, PodEntry},
};
use crate::jobs::{
    row::{JobRow, PodRow},
    state::Derived,
    text::Uid,
    time::Secs,
};

impl Fleet {
    pub(super) fn put_job(&mut self, mut row: JobRow, list: u16, seen: u32) {
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
        let (events, said) = (JobEvents::default(), Heard::default());
        let odd = Vec::new();
        let entry = JobEntry { job, pods: vec![], events, said, odd, dirty: false, since: None, list, seen };
        let id = self.jobs.insert(uid.clone(), entry);
        self.groups.entry(namespace.as_str(), &name).jobs.push(id);
        self.touch(&uid);
        self.regroup(namespace.as_str(), name.as_str());
        self.new_jobs |= self.waiting.len() > 0;
    }

    pub(super) fn remove_job(&mut self, uid: &Uid) {
        let Some((id, entry)) = self.jobs.remove(uid) else { return };
        self.left.push(Left::Job(Box::new(LeftJob {
            row: entry.job.row.clone(),
            derived: Arc::clone(&entry.job.derived),
            pods: entry.pods.iter().filter_map(|id| Some(self.pods.get(*id)?.row.clone())).collect(),
            events: entry.events.0.iter().map(|kept| kept.row.clone()).collect(),
            workload: self.workload_of(uid).cloned(),
        })));
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
    pub(super) fn regroup(&mut self, namespace: &str, name: &str) {
        let Some(group) = self.groups.get(namespace, name) else { return };
        for pod in group.pods.clone() {
            self.link(pod);
        }
    }

    /// The youngest job of the pod's group that it fits.
    pub(super) fn owner_of(&self, pod: &PodRow) -> Option<Uid> {
        let group = self.groups.get(pod.namespace.as_str(), pod.job.as_str())?;
        let jobs = group.jobs.iter().filter_map(|id| Some(&self.jobs.get(*id)?.job.row));
        let fitting = jobs.filter(|job| join::belongs(pod, job));
        fitting.max_by_key(|job| (job.created, job.uid.clone())).map(|job| job.uid.clone())
    }

    pub(super) fn link(&mut self, pod: u32) {
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

    pub(super) fn unlink(&mut self, pod: u32) {
        let Some(uid) = self.pods.get_mut(pod).and_then(|entry| entry.job.take()) else { return };
        if let Some(job) = self.jobs.id(&uid).and_then(|id| self.jobs.get_mut(id)) {
            job.pods.retain(|other| *other != pod);
        }
        self.touch(&uid);
    }

    pub(super) fn put_pod(&mut self, mut row: PodRow, list: u16, seen: u32) {
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
            self.forget_pod(&row.uid);
        }
        let (namespace, name) = (row.namespace.clone(), row.job.clone());
        let id = self.pods.insert(row.uid.clone(), PodEntry { row, job: None, list, seen });
        self.groups.entry(namespace.as_str(), &name).pods.push(id);
        self.link(id);
    }

    pub(super) fn remove_pod(&mut self, uid: &Uid) {
        let job = self.pods.id(uid).and_then(|id| self.pods.get(id)?.job.clone());
        let job = job.and_then(|job| Some(self.jobs.get(self.jobs.id(&job)?)?.job.key()));
        let Some(row) = self.forget_pod(uid) else { return };
        self.left.extend(job.map(|job| Left::Pod(job, Box::new(row))));
    }

    fn forget_pod(&mut self, uid: &Uid) -> Option<PodRow> {
        self.unlink(self.pods.id(uid)?);
        let (id, entry) = self.pods.remove(uid)?;
        self.groups.remove(entry.row.namespace.as_str(), entry.row.job.as_str(), None, Some(id));
        Some(entry.row)
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
