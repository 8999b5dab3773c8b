//! Status of an MPIJob from what is there: conditions in mpi-operator's order and words.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Pass, Workers, full, is_suspended, names, truncated};
use crate::sim::value::{self, has_condition, int, label, list, phase, set, stamp, text};

/// Whether a terminal condition is True.
pub(super) fn is_finished(job: &Value) -> bool {
    has_condition(job, "Succeeded") || has_condition(job, "Failed")
}

/// Whether a batch Job is at its end.
pub(super) fn is_job_finished(launcher: &Value) -> bool {
    has_condition(launcher, "Complete") || has_condition(launcher, "Failed")
}

/// Sets a condition as mpi-operator does: a changed one moves to the end; a terminal one takes Running (and an
/// earlier Failed) back, whose times stay as they were.
pub(super) fn condition(job: &mut Value, kind: &str, truth: bool, reason: &str, message: &str, now: Timestamp) -> bool {
    let status = if truth { "True" } else { "False" };
    let old = value::condition(job, kind);
    if old.is_some_and(|c| text(c, "/status") == status && text(c, "/reason") == reason) {
        return false;
    }
    let since = old
        .filter(|c| text(c, "/status") == status)
        .map_or_else(|| stamp(now), |c| text(c, "/lastTransitionTime").to_owned());
    let terminal = matches!(kind, "Failed" | "Succeeded");
    let mut all = Vec::new();
    for c in list(job, "/status/conditions").iter().filter(|c| text(c, "/type") != kind) {
        let mut c = c.clone();
        if terminal && matches!(text(&c, "/type"), "Running" | "Failed") {
            c["status"] = json!("False");
        }
        all.push(c);
    }
    all.push(json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": stamp(now), "lastTransitionTime": since,
    }));
    set(job, "/status/conditions", Value::Array(all));
    true
}

impl Pass<'_> {
    /// Writes the status block of the job as it will be, and tells of what changed.
    pub(super) fn update_status(&mut self, launcher_exists: bool, workers: &Workers) {
        self.suspension();
        let running_launchers = self.launcher_pods().filter(|p| phase(p) == "Running").count();
        if launcher_exists {
            set(&mut self.next, "/status/replicaStatuses/Launcher", json!({}));
            if let Some(launcher) = self.seen.launcher.as_deref() {
                self.of_launcher(launcher, running_launchers);
            }
        }
        let running = self.of_workers(workers);
        if is_suspended(self.job) {
            let message = format!("MPIJob {} is suspended.", full(self.job));
            self.condition("Running", false, "MPIJobSuspended", &message);
        } else if is_finished(&self.next) {
            self.never_ran();
        } else if launcher_exists && running_launchers >= 1 && running == workers.len() {
            self.condition("Running", true, "MPIJobRunning", &format!("MPIJob {} is running.", full(self.job)));
            self.tell("MPIJobRunning", format!("MPIJob {} is running", full(self.job)));
        }
    }

    fn condition(&mut self, kind: &str, truth: bool, reason: &str, message: &str) -> bool {
        condition(&mut self.next, kind, truth, reason, message, self.now)
    }

    fn suspension(&mut self) {
        if is_suspended(self.job) {
            if self.condition("Suspended", true, "MPIJobSuspended", "MPIJob suspended") {
                self.tell("MPIJobSuspended", "MPIJob suspended");
            }
        } else if value::condition(&self.next, "Suspended").is_some()
            && self.condition("Suspended", false, "MPIJobResumed", "MPIJob resumed")
        {
            self.tell("MPIJobResumed", "MPIJob resumed");
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
    }

    /// What has ended without having been seen running says so, as of its end.
    fn never_ran(&mut self) {
        if value::condition(&self.next, "Running").is_some() {
            return;
        }
        let end = text(&self.next, "/status/completionTime").to_owned();
        let at = if end.is_empty() { stamp(self.now) } else { end };
        let message = format!("MPIJob {} is finished but Running condition was never set.", full(self.job));
        value::push(
            &mut self.next,
            "/status/conditions",
            json!({
                "type": "Running", "status": "False", "reason": "MPIJobRunning", "message": message,
                "lastUpdateTime": at, "lastTransitionTime": at,
            }),
        );
    }

    fn of_launcher(&mut self, launcher: &Value, running: usize) {
        count(&mut self.next, "Launcher", "failed", int(launcher, "/status/failed").unwrap_or(0));
        let open = text(&self.next, "/status/completionTime").is_empty();
        if has_condition(launcher, "Complete") {
            count(&mut self.next, "Launcher", "succeeded", 1);
            let message = format!("MPIJob {} successfully completed.", full(self.job));
            self.tell("MPIJobSucceeded", message.clone());
            if let Some(end) = launcher.pointer("/status/completionTime").filter(|_| open) {
                set(&mut self.next, "/status/completionTime", end.clone());
            }
            self.condition("Succeeded", true, "MPIJobSucceeded", &message);
        } else if let Some(failed) = value::condition(launcher, "Failed").filter(|c| text(c, "/status") == "True") {
            let (reason, message) = self.failure(failed);
            self.warn(&reason, message.clone());
            if open {
                set(&mut self.next, "/status/completionTime", json!(stamp(self.now)));
            }
            self.condition("Failed", true, &reason, &message);
        } else {
            count(&mut self.next, "Launcher", "active", running as i64);
        }
    }

    /// Reason and message of a failed launcher Job; after the back-off limit the last failed pod's words follow.
    fn failure(&self, failed: &Value) -> (String, String) {
        let mut reason = text(failed, "/reason").to_owned();
        let mut message = text(failed, "/message").to_owned();
        if reason.is_empty() {
            "MPIJobFailed".clone_into(&mut reason);
        }
        if message.is_empty() {
            message = format!("MPIJob {} has failed", full(self.job));
        }
        // Of several made in one second, the first in the list counts.
        let mut last: Option<&Value> = None;
        let made = |pod: &Value| text(pod, "/metadata/creationTimestamp").to_owned();
        for pod in self.launcher_pods().filter(|p| phase(p) == "Failed") {
            if last.is_none_or(|last| made(last) < made(pod)) {
                last = Some(pod);
            }
        }
        if let Some(pod) = last.filter(|_| reason == "BackoffLimitExceeded") {
            reason = format!("{reason}/{}", text(pod, "/status/reason"));
            message = truncated(&format!("{message}: {}", text(pod, "/status/message")));
        }
        (reason, message)
    }

    /// Counts the workers; how many run.
    fn of_workers(&mut self, workers: &Workers) -> usize {
        set(&mut self.next, "/status/replicaStatuses/Worker", json!({}));
        let of = |wanted: &str| workers.iter().flatten().filter(|p| phase(p) == wanted).count();
        let running = of("Running");
        for (what, n) in [("active", running), ("succeeded", of("Succeeded")), ("failed", of("Failed"))] {
            count(&mut self.next, "Worker", what, n as i64);
        }
        let gone = |p: &&Arc<Value>| phase(p) == "Failed" && text(p, "/status/reason") == "Evicted";
        let evicted = workers.iter().flatten().filter(gone).count();
        if evicted > 0 {
            let message = format!("{evicted}/{} workers are evicted", workers.len());
            self.condition("Failed", true, "MPIJobEvicted", &message);
            self.warn("MPIJobEvicted", message);
        }
        running
    }

    /// Pods of the launcher's Job.
    fn launcher_pods(&self) -> impl Iterator<Item = &Arc<Value>> {
        let owner = self.seen.launcher.as_deref().map_or("-", value::uid);
        let mine = move |p: &&Arc<Value>| label(p, names::ROLE) == "launcher" && value::controller_uid(p) == owner;
        self.seen.pods.iter().filter(mine)
    }
}

/// Counts of 0 are not written, as Go's `omitempty` leaves them out.
fn count(job: &mut Value, role: &str, what: &str, n: i64) {
    if n > 0 {
        set(job, &format!("/status/replicaStatuses/{role}/{what}"), json!(n));
    }
}
