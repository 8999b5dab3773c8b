//! Status of an MPIJob from what is there: conditions in mpi-operator's order and words.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{FROM, Seen, Workers, full, is_suspended, objects, truncated};
use crate::sim::controllers::{
    value::{self, has_condition, int, label, list, phase, set, stamp, text},
    write::{Note, Write},
};

/// Whether a terminal condition is True.
pub(super) fn is_finished(job: &Value) -> bool {
    has_condition(job, "Succeeded") || has_condition(job, "Failed")
}

/// Sets a condition as mpi-operator does: a changed one moves to the end; a terminal one takes Running back.
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
        if terminal && matches!(text(&c, "/type"), "Running" | "Failed") && text(&c, "/status") == "True" {
            c["status"] = json!("False");
            c["lastTransitionTime"] = json!(stamp(now));
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

/// Writes the status block of `next`, and tells of what changed.
pub(super) fn update(
    job: &Value,
    next: &mut Value,
    seen: &Seen,
    launcher_exists: bool,
    workers: &Workers,
    writes: &mut Vec<Write>,
    now: Timestamp,
) {
    suspension(job, next, writes, now);
    set(next, "/status/replicaStatuses", json!({"Worker": {}}));
    let running_launchers = launcher_pods(seen).filter(|p| phase(p) == "Running").count();
    if launcher_exists {
        set(next, "/status/replicaStatuses/Launcher", json!({}));
        if let Some(launcher) = seen.launcher.as_deref() {
            of_launcher(job, next, seen, launcher, running_launchers, writes, now);
        }
    }
    let running = of_workers(job, next, workers, writes, now);
    if is_suspended(job) {
        let message = format!("MPIJob {} is suspended.", full(job));
        condition(next, "Running", false, "MPIJobSuspended", &message, now);
    } else if launcher_exists && running_launchers >= 1 && running == workers.count {
        condition(next, "Running", true, "MPIJobRunning", &format!("MPIJob {} is running.", full(job)), now);
        let message = format!("MPIJob {} is running", full(job));
        writes.push(Write::Tell(Note::normal(job, FROM, "MPIJobRunning", message)));
    }
    if is_finished(next) && value::condition(next, "Running").is_none() && has_end(next) {
        let message = format!("MPIJob {} is finished but Running condition was never set.", full(job));
        condition(next, "Running", false, "MPIJobRunning", &message, now);
    }
}

fn has_end(job: &Value) -> bool {
    !text(job, "/status/completionTime").is_empty()
}

fn suspension(job: &Value, next: &mut Value, writes: &mut Vec<Write>, now: Timestamp) {
    if is_suspended(job) {
        if condition(next, "Suspended", true, "MPIJobSuspended", "MPIJob suspended", now) {
            writes.push(Write::Tell(Note::normal(job, FROM, "MPIJobSuspended", "MPIJob suspended")));
        }
    } else if value::condition(next, "Suspended").is_some()
        && condition(next, "Suspended", false, "MPIJobResumed", "MPIJob resumed", now)
    {
        writes.push(Write::Tell(Note::normal(job, FROM, "MPIJobResumed", "MPIJob resumed")));
        set(next, "/status/startTime", json!(stamp(now)));
    }
}

fn of_launcher(
    job: &Value,
    next: &mut Value,
    seen: &Seen,
    launcher: &Value,
    running: usize,
    writes: &mut Vec<Write>,
    now: Timestamp,
) {
    count(next, "Launcher", "failed", int(launcher, "/status/failed").unwrap_or(0));
    if has_condition(launcher, "Complete") {
        count(next, "Launcher", "succeeded", 1);
        let message = format!("MPIJob {} successfully completed.", full(job));
        writes.push(Write::Tell(Note::normal(job, FROM, "MPIJobSucceeded", message.clone())));
        let end = text(launcher, "/status/completionTime").to_owned();
        set(next, "/status/completionTime", json!(if end.is_empty() { stamp(now) } else { end }));
        condition(next, "Succeeded", true, "MPIJobSucceeded", &message, now);
    } else if let Some(failed) = value::condition(launcher, "Failed").filter(|c| text(c, "/status") == "True") {
        let (reason, message) = failure(job, seen, failed);
        set(next, "/status/completionTime", failed["lastTransitionTime"].clone());
        writes.push(Write::Tell(Note::warning(job, FROM, &reason, message.clone())));
        condition(next, "Failed", true, &reason, &message, now);
    } else {
        count(next, "Launcher", "active", running as i64);
    }
}

/// Reason and message of a failed launcher Job; after the back-off limit the last failed pod's words follow.
fn failure(job: &Value, seen: &Seen, failed: &Value) -> (String, String) {
    let mut reason = text(failed, "/reason").to_owned();
    let mut message = text(failed, "/message").to_owned();
    if reason.is_empty() {
        "MPIJobFailed".clone_into(&mut reason);
    }
    if message.is_empty() {
        message = format!("MPIJob {} has failed", full(job));
    }
    let last = launcher_pods(seen)
        .filter(|p| phase(p) == "Failed")
        .max_by_key(|p| text(p, "/metadata/creationTimestamp").to_owned());
    if let Some(pod) = last.filter(|_| reason == "BackoffLimitExceeded") {
        reason = format!("{reason}/{}", text(pod, "/status/reason"));
        message = truncated(&format!("{message}: {}", text(pod, "/status/message")));
    }
    (reason, message)
}

/// Counts the workers; how many run.
fn of_workers(job: &Value, next: &mut Value, workers: &Workers, writes: &mut Vec<Write>, now: Timestamp) -> usize {
    let of = |wanted: &str| workers.there.iter().filter(|p| phase(p) == wanted).count();
    let running = of("Running");
    count(next, "Worker", "active", running as i64);
    count(next, "Worker", "succeeded", of("Succeeded") as i64);
    count(next, "Worker", "failed", of("Failed") as i64);
    let evicted = workers.there.iter().filter(|p| text(p, "/status/reason") == "Evicted").count();
    if evicted > 0 {
        let message = format!("{evicted}/{} workers are evicted", workers.count);
        condition(next, "Failed", true, "MPIJobEvicted", &message, now);
        writes.push(Write::Tell(Note::warning(job, FROM, "MPIJobEvicted", message)));
    }
    running
}

/// Counts of 0 are not written, as Go's `omitempty` leaves them out.
fn count(job: &mut Value, role: &str, what: &str, n: i64) {
    if n > 0 {
        set(job, &format!("/status/replicaStatuses/{role}/{what}"), json!(n));
    }
}

fn launcher_pods(seen: &Seen) -> impl Iterator<Item = &Arc<Value>> {
    let owner = seen.launcher.as_deref().map_or("-", value::uid);
    seen.pods.iter().filter(move |p| label(p, objects::ROLE) == "launcher" && value::controller_uid(p) == owner)
}
