//! JobSet: batch Jobs that belong together, as JobSet 0.12 plays them.
//!
//! Owns one pass over one JobSet: [`count`] says how far its Jobs are, [`make`] what they look like, [`policy`] what the
//! end of one of them means. Alpha features (restarts of single Jobs or in place, elastic Jobs) are off, as by default.

mod count;
mod make;
mod policy;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::make::{defaults, subdomain};
use self::{
    count::{Counts, Roles},
    make::{child, service},
};
use crate::sim::{
    store::resource::{JOBS, JOBSETS, SERVICES},
    value::{after, has_condition, int, is_deleting, label, list, name, namespace, set, text, time, truth},
    write::{Cond, Note, Write, set_condition},
};

const FROM: &str = "jobset";
/// What its events say that it does.
const ACTION: &str = "Reconciling";
const ATTEMPT: &str = "jobset.sigs.k8s.io/restart-attempt";
const ROLE: &str = "jobset.sigs.k8s.io/replicatedjob-name";
const RESTARTING: &str = "RestartingJobSet";
/// So many Jobs are made in one pass; what these change wakes the next.
const IN_ONE_PASS: usize = 256;
const SUSPENDED: &str = "jobset is suspended";

/// One pass over a JobSet and its Jobs; also when to look again though nothing changes.
pub(crate) fn job_set(
    set_of: &Value,
    jobs: &[Arc<Value>],
    service_there: bool,
    now: Timestamp,
) -> (Vec<Write>, Option<Timestamp>) {
    let manager = text(set_of, "/spec/managedBy");
    if is_deleting(set_of) || !matches!(manager, "" | "jobset.sigs.k8s.io/jobset-controller") {
        return (Vec::new(), None);
    }
    let attempt = int(set_of, "/status/restarts").unwrap_or(0);
    let of_now = |job: &&Arc<Value>| label(job, ATTEMPT).parse::<i64>().is_ok_and(|of| of >= attempt);
    let (current, previous): (Vec<_>, Vec<_>) = jobs.iter().partition(of_now);
    let roles = Roles::of(set_of, &current);
    let mut next = set_of.clone();
    set(&mut next, "/status/replicatedJobsStatus", roles.written());
    if next["status"]["restarts"].is_null() {
        next["status"]["restarts"] = json!(0);
    }
    let (writes, notes) = (Vec::new(), Vec::new());
    let pass = Pass { set_of, current, previous, roles, service_there, next, writes, notes, now };
    pass.run()
}

/// One look.
struct Pass<'a> {
    set_of: &'a Value,
    /// Jobs of this attempt.
    current: Vec<&'a Arc<Value>>,
    /// Jobs of attempts before.
    previous: Vec<&'a Arc<Value>>,
    roles: Roles,
    service_there: bool,
    next: Value,
    writes: Vec<Write>,
    /// What is told once the status is written.
    notes: Vec<Note>,
    now: Timestamp,
}

impl<'a> Pass<'a> {
    fn run(mut self) -> (Vec<Write>, Option<Timestamp>) {
        let mut wake = None;
        if is_finished(self.set_of) {
            self.delete_all(&self.active());
            wake = self.expire();
        } else {
            self.delete_all(&self.previous.clone());
            if !self.suspended() && self.roles.all_ready() {
                self.restarted("JobsReady", "all jobs are ready");
            }
            if !self.fail() && !self.succeed() {
                if !self.service_there && truth(self.set_of, "/spec/network/enableDNSHostnames") {
                    let object = service(self.set_of);
                    let blame = Note::warning(self.set_of, FROM, "HeadlessServiceCreationFailed", "").in_series(ACTION);
                    self.writes.push(Write::Create { resource: &SERVICES, object, blame: Some(blame) });
                }
                self.make_jobs();
                self.suspend_or_resume();
            }
        }
        if self.next.get("status") != self.set_of.get("status") {
            self.writes.push(Write::Status(&JOBSETS, self.next));
        }
        self.writes.extend(self.notes.into_iter().map(Write::Tell));
        (self.writes, wake)
    }

    fn suspended(&self) -> bool {
        truth(self.set_of, "/spec/suspend")
    }

    fn in_order(&self) -> bool {
        text(self.set_of, "/spec/startupPolicy/startupPolicyOrder") == "InOrder"
    }

    /// Jobs of now that have not ended.
    fn active(&self) -> Vec<&'a Arc<Value>> {
        self.current
            .iter()
            .copied()
            .filter(|job| !has_condition(job, "Complete") && !has_condition(job, "Failed"))
            .collect()
    }

    fn delete_all(&mut self, jobs: &[&Arc<Value>]) {
        for job in jobs.iter().filter(|job| !is_deleting(job)) {
            self.writes.push(Write::DeleteWithAll(&JOBS, namespace(job).into(), name(job).into()));
        }
    }

    /// Sets a condition and tells of it; one that never was is not set to False.
    fn say(&mut self, warns: bool, kind: &str, truth: bool, reason: &str, message: &str) {
        let there = crate::sim::value::condition(&self.next, kind).is_some();
        if (there || truth) && set_condition(&mut self.next, Cond { kind, truth, reason, message }, self.now) {
            self.tell(warns, reason, message);
        }
    }

    fn tell(&mut self, warns: bool, reason: &str, message: &str) {
        let note =
            Note { kind: if warns { "Warning" } else { "Normal" }, ..Note::normal(self.set_of, FROM, reason, message) };
        self.notes.push(note.in_series(ACTION));
    }

    /// A restart is over.
    fn restarted(&mut self, reason: &str, message: &str) {
        self.say(false, RESTARTING, false, reason, message);
    }

    /// Of one that has ended: deletes it when its time to live is over, else says when that will be.
    fn expire(&mut self) -> Option<Timestamp> {
        let wait = int(self.set_of, "/spec/ttlSecondsAfterFinished")?;
        let ends = ["Completed", "Failed"].map(|kind| crate::sim::value::condition(self.set_of, kind));
        let end = ends.into_iter().flatten().find_map(|c| time(c, "/lastTransitionTime"))?;
        let due = after(end, wait as f64);
        if due > self.now {
            return Some(due);
        }
        self.writes.push(Write::DeleteWithAll(&JOBSETS, namespace(self.set_of).into(), name(self.set_of).into()));
        None
    }

    /// Makes the Jobs that are missing, role by role: those that others wait for first.
    fn make_jobs(&mut self) {
        if !self.previous.is_empty() && text(self.set_of, "/spec/failurePolicy/restartStrategy") == "BlockingRecreate" {
            return;
        }
        let set_of = self.set_of;
        let there: HashSet<&str> = self.current.iter().chain(&self.previous).map(|job| name(job)).collect();
        let mut left = IN_ONE_PASS;
        for replicated in list(set_of, "/spec/replicatedJobs") {
            let counts = self.roles.of_role(text(replicated, "/name"));
            if !self.roles.reached(replicated) || (self.in_order() && !self.suspended() && counts.has_started()) {
                continue;
            }
            for index in 0..int(replicated, "/replicas").unwrap_or(1) {
                let job = format!("{}-{}-{index}", name(set_of), text(replicated, "/name"));
                if left == 0 {
                    break;
                }
                if !there.contains(job.as_str()) {
                    left -= 1;
                    let object = child(set_of, replicated, index);
                    let said = format!("job \"{job}\" creation failed with error: ");
                    let blame = Note::warning(set_of, FROM, "JobCreationFailed", said).in_series(ACTION);
                    self.writes.push(Write::Create { resource: &JOBS, object, blame: Some(blame) });
                }
            }
            if self.in_order() && !self.suspended() {
                return self.in_progress();
            }
        }
        if self.in_order() && !self.suspended() {
            // The one takes the other's place, silently.
            let all = self.next.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
            for old in all.into_iter().flatten().filter(|c| c["type"] == "StartupPolicyInProgress") {
                old["status"] = json!("False");
            }
            let message = "in order startup policy has completed";
            self.say(false, "StartupPolicyCompleted", true, "InOrderStartupPolicyCompleted", message);
        }
    }

    fn in_progress(&mut self) {
        let message = "in order startup policy is in progress";
        self.say(false, "StartupPolicyInProgress", true, "InOrderStartupPolicyInProgress", message);
    }

    fn suspend_or_resume(&mut self) {
        if self.suspended() {
            let running: Vec<Value> =
                self.active().iter().filter(|job| !truth(job, "/spec/suspend")).map(|job| Value::clone(job)).collect();
            for mut job in running {
                set(&mut job, "/spec/suspend", json!(true));
                self.writes.push(Write::Update(&JOBS, job));
            }
            self.say(false, "Suspended", true, "SuspendedJobs", SUSPENDED);
            return self.restarted("JobSetSuspended", SUSPENDED);
        }
        let set_of = self.set_of;
        for replicated in list(set_of, "/spec/replicatedJobs") {
            let role = text(replicated, "/name");
            if !self.roles.reached(replicated) || (self.in_order() && self.roles.of_role(role).has_started()) {
                continue;
            }
            let held: Vec<Value> = self
                .active()
                .iter()
                .filter(|job| label(job, ROLE) == role && truth(job, "/spec/suspend"))
                .map(|job| make::resumed(job, replicated))
                .collect();
            self.writes.extend(held.into_iter().map(|job| Write::Update(&JOBS, job)));
            if self.in_order() {
                return self.in_progress();
            }
        }
        self.say(false, "Suspended", false, "ResumeJobs", "jobset is resumed");
    }
}

fn is_finished(set_of: &Value) -> bool {
    has_condition(set_of, "Completed") || has_condition(set_of, "Failed")
}

impl Counts {
    /// Whether all Jobs of a role have been as far as running once.
    fn has_started(self) -> bool {
        self.wanted == self.failed + self.ready + self.succeeded
    }
}
