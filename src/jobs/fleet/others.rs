//! Workloads and warnings as they come and go, and the end of a full read.

use super::{
    ListOf,
    events::{Kept, Taken},
    join,
    store::{Fleet, WorkloadEntry},
};
use crate::jobs::{
    row::{EventRow, WorkloadRow},
    text::Uid,
};

impl Fleet {
    pub(super) fn put_workload(&mut self, mut row: WorkloadRow, list: u16, seen: u32) {
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

    pub(super) fn remove_workload(&mut self, uid: &Uid) {
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

    pub(super) fn remove(&mut self, of: ListOf, list: u16, uid: &Uid) {
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
    pub(super) fn drop_unseen(&mut self, of: ListOf, list: u16, read: u32) {
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

    pub(super) fn put_event(&mut self, mut row: EventRow, list: u16, seen: u32) {
        self.newest = self.newest.max(row.last);
        if row.warning && join::may_concern_jobs(&row) {
            self.interner.event(&mut row);
            self.place_event(Kept { row, list, seen });
        }
    }

    /// Gives an event to the job it is about, or lets it wait for that job or its pod to become known.
    pub(super) fn place_event(&mut self, event: Kept) {
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

    pub(super) fn job_of(&self, event: &EventRow) -> Option<Uid> {
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
            let living = jobs.filter(|job| job.created <= event.last && join::may_own(event, job.kind));
            living.max_by_key(|job| (job.created, job.uid.clone())).map(|job| job.uid.clone())
        })
    }

    pub(super) fn remove_event(&mut self, uid: &Uid) {
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
}
