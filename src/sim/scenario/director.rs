//! The director: makes, pauses and deletes jobs at their time, and whatever else a scenario says happens.
//!
//! Owns the calendar. Acts as users do: what the API server refuses does not come.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    file::{Denial, Happening},
    manifest,
    plan::{Doing, Plan},
};
use crate::sim::{
    controllers::manager::Calendar,
    store::{
        DeleteOptions, Part, Propagation, Refusal, Selector, Store,
        resource::{MPIJOBS, PODS, WORKLOADS},
    },
    value::{after, name, namespace, set, uid},
};

/// Makes, pauses and deletes jobs at their time.
pub(crate) struct Director {
    /// Latest first.
    acts: Vec<(Timestamp, Act)>,
    plans: Vec<Plan>,
    happenings: Vec<Happening>,
    speed: f64,
}

#[derive(Clone, Debug)]
enum Act {
    /// Something is done to a job (plan, number in its line).
    Job(usize, u32, Doing),
    /// Something else happens.
    Happens(usize),
}

impl Calendar for Director {
    fn next(&self) -> Option<Timestamp> {
        self.acts.last().map(|(at, _)| *at)
    }

    fn act(&mut self, store: &Store, now: Timestamp) {
        while self.acts.last().is_some_and(|(at, _)| *at <= now) {
            if let Some((at, act)) = self.acts.pop() {
                self.one(store, &act, at);
            }
        }
    }
}

impl Director {
    /// As of `begin`: plans have happened so long before it, or will happen so long after.
    pub(super) fn new(plans: Vec<Plan>, happenings: Vec<Happening>, begin: Timestamp, speed: f64) -> Self {
        let mut director = Self { acts: Vec::new(), plans: Vec::new(), happenings: Vec::new(), speed };
        for (n, h) in happenings.iter().enumerate() {
            director.add(after(begin, h.at / speed), Act::Happens(n));
        }
        for (n, p) in plans.iter().enumerate() {
            let at = after(begin, if p.age > 0.0 { -p.age } else { p.first / speed });
            director.add(at, Act::Job(n, 0, Doing::Create));
        }
        Self { plans, happenings, ..director }
    }

    fn add(&mut self, at: Timestamp, act: Act) {
        let place = self.acts.partition_point(|(other, _)| *other > at);
        self.acts.insert(place, (at, act));
    }

    fn one(&mut self, store: &Store, act: &Act, at: Timestamp) {
        match *act {
            Act::Happens(n) => {
                if let Some(happening) = self.happenings.get(n) {
                    happen(store, happening);
                }
            }
            Act::Job(n, serial, doing) => {
                if let Some(plan) = self.plans.get(n).cloned() {
                    self.job(store, &plan, (n, serial, doing), at);
                }
            }
        }
    }

    fn job(&mut self, store: &Store, plan: &Plan, (n, serial, doing): (usize, u32, Doing), at: Timestamp) {
        let job_name = plan.job_name(serial);
        match doing {
            Doing::Create => {
                let Some((resource, object)) = manifest::of(store, plan, &job_name) else { return };
                // A user may have taken the name, or the namespace away: then this job does not come.
                let _ = store.create(resource, object);
                for (doing, wait) in plan.follow_ups() {
                    self.add(after(at, wait), Act::Job(n, serial, doing));
                }
                if plan.every > 0.0 {
                    self.add(after(at, plan.every / self.speed), Act::Job(n, serial + 1, Doing::Create));
                    if let Some(old) = serial.checked_sub(plan.keep) {
                        self.add(after(at, 1.0), Act::Job(n, old, Doing::Delete));
                    }
                }
            }
            Doing::Delete => {
                let options = DeleteOptions { propagation: Propagation::Background, ..DeleteOptions::default() };
                if let Some((resource, _)) = manifest::of(store, plan, &job_name) {
                    // Gone already is as good.
                    let _ = store.delete(resource, &plan.namespace, &job_name, &options);
                }
            }
            Doing::Pause => pause(store, plan, &job_name),
            Doing::Resume => {
                // Whoever deleted it does not want it resumed.
                let _ = store.modify(&MPIJOBS, &plan.namespace, &job_name, Part::Main, |job| {
                    set(job, "/spec/runPolicy/suspend", serde_json::json!(false));
                });
            }
        }
    }
}

/// Makes, changes or deletes an object.
fn happen(store: &Store, happening: &Happening) {
    let Happening { resource, manifest, .. } = happening;
    let space = if resource.namespaced && namespace(manifest).is_empty() { "default" } else { namespace(manifest) };
    let object = name(manifest);
    if happening.delete {
        // Gone already is as good.
        let _ = store.delete(resource, space, object, &DeleteOptions::default());
    } else if store.get(resource, space, object).is_ok() {
        for part in [Part::Main, Part::Status] {
            // Gone in the meantime: then nothing of it changes.
            let _ = store.modify(resource, space, object, part, |there| json_patch::merge(there, manifest));
        }
    } else {
        let mut made = manifest.clone();
        if resource.namespaced {
            set(&mut made, "/metadata/namespace", serde_json::json!(space));
        }
        // As an API server: what it refuses is not there.
        let _ = store.seed(resource, made);
    }
}

/// From now on pods that a denial means are refused.
pub(super) fn deny(store: &Store, denials: Vec<Denial>) {
    if denials.is_empty() {
        return;
    }
    store.admit(Arc::new(move |_, resource, object| {
        let meant = |d: &&Denial| *resource == PODS && name(object).contains(&d.pods);
        match denials.iter().find(meant) {
            Some(denial) => Err(Refusal::forbidden(resource, name(object), &denial.says)),
            None => Ok(()),
        }
    }));
}

/// Deactivates the job's Workload, as a user of Kueue pauses a job.
fn pause(store: &Store, plan: &Plan, job_name: &str) {
    let Some((resource, _)) = manifest::of(store, plan, job_name) else { return };
    let Ok(job) = store.get(resource, &plan.namespace, job_name) else { return };
    let selector = Selector::label("kueue.x-k8s.io/job-uid", uid(&job.value()));
    for load in store.list(&WORKLOADS, Some(&plan.namespace), &selector).items {
        // It is gone if its job is; nothing is left to pause.
        let _ = store.modify(&WORKLOADS, &plan.namespace, &load.name, Part::Main, |w| {
            set(w, "/spec/active", serde_json::json!(false));
        });
    }
}
