//! Kueue: Workloads of queued jobs, admission by quota, borrowing, preemption, time-outs, in Kueue's own words.
//!
//! [`jobs`] minds one job and its Workload, [`equip`] its pods' templates, [`mod@admit`] all queues, [`keep`] who is in, [`checks`] who else must
//! agree, [`pending`] tells who waits where. [`tree`] has the quotas, [`preempt`] and [`fair`] say who has to go. There is no topology.

mod admit;
mod assign;
mod checks;
mod equip;
mod fair;
mod jobs;
mod keep;
mod pending;
mod pod_sets;
mod preempt;
mod quota;
mod report;
mod settings;
mod share;
#[cfg(test)]
mod tests;
mod tree;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::{admit::admit, jobs::hold, jobs::workload, pending::summary};
use crate::sim::{
    store::resource::WORKLOADS,
    value::{has_condition, int, list, name, namespace, seconds_between, set, text, time},
    write::{Cond, Note, Write, set_condition},
};

/// Label of a job: its `LocalQueue`.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";
/// Label of a job: its `WorkloadPriorityClass`.
const CLASS: &str = "kueue.x-k8s.io/priority-class";
/// Who minds Workloads that have a reservation.
const KEEPER: &str = "kueue-workload-controller";
/// Holds a Workload until its job has ended or is gone.
const FINALIZER: &str = "kueue.x-k8s.io/resource-in-use";

/// An Event as Kueue tells it: its reason is its action.
fn told(note: Note) -> Note {
    let action = note.reason.clone();
    note.in_series(action)
}

/// Sets a condition of a Workload or queue; whether it changed.
fn condition(object: &mut Value, kind: &str, truth: bool, reason: &str, message: &str, now: Timestamp) -> bool {
    let changed = set_condition(object, Cond { kind, truth, reason, message }, now);
    let generation = int(object, "/metadata/generation");
    let at = list(object, "/status/conditions").iter().position(|c| text(c, "/type") == kind);
    if let (Some(at), Some(generation), true) = (at, generation, changed) {
        object["status"]["conditions"][at]["observedGeneration"] = json!(generation);
    }
    changed
}

/// Counts an eviction and sets its condition. The quota is kept until the job has stopped.
fn evict(load: &mut Value, reason: &str, message: &str, now: Timestamp) {
    condition(load, "Evicted", true, reason, message, now);
    let pods = crate::sim::value::condition(load, "PodsReady").map_or("", |c| text(c, "/reason")).to_owned();
    let (word, cause) = match reason.strip_prefix("DeactivatedDueTo") {
        Some(cause) => ("Deactivated", cause),
        None if reason == "PodsReadyTimeout" => (reason, pods.as_str()),
        None => (reason, ""),
    };
    let mut all = list(load, "/status/schedulingStats/evictions").to_vec();
    match all.iter_mut().find(|e| text(e, "/reason") == word && text(e, "/underlyingCause") == cause) {
        Some(old) => old["count"] = json!(int(old, "/count").unwrap_or(0) + 1),
        None => all.push(json!({"reason": word, "underlyingCause": cause, "count": 1})),
    }
    set(load, "/status/schedulingStats/evictions", Value::Array(all));
    if let Some(conditions) = load.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        conditions.retain(|c| text(c, "/type") != "DeactivationTarget");
    }
    if let Some(status) = load["status"].as_object_mut().filter(|_| word == "Deactivated") {
        status.remove("requeueState");
    }
}

/// Why a Workload is switched off: by somebody, or for what its `DeactivationTarget` says.
fn deactivated(load: &Value) -> (String, String) {
    let (mut reason, mut message) = ("Deactivated".to_owned(), "The workload is deactivated".to_owned());
    if let Some(target) = crate::sim::value::condition(load, "DeactivationTarget") {
        reason = format!("{reason}DueTo{}", text(target, "/reason"));
        message = format!("{message} due to {}", text(target, "/message"));
    }
    (reason, message)
}

/// Takes the reservation back, and counts how long it was admitted.
fn release(load: &mut Value, reason: &str, message: &str, now: Timestamp) {
    condition(load, "QuotaReserved", false, reason, message, now);
    if has_condition(load, "Admitted") {
        let since = crate::sim::value::condition(load, "Admitted").and_then(|c| time(c, "/lastTransitionTime"));
        let ran = since.map_or(0.0, |since| seconds_between(since, now).max(0.0).floor());
        let before = int(load, "/status/accumulatedPastExecutionTimeSeconds").unwrap_or(0);
        set(load, "/status/accumulatedPastExecutionTimeSeconds", json!(before + ran as i64));
    }
    not_admitted(load, now);
    checks::reset(load, now);
    if let Some(status) = load["status"].as_object_mut() {
        status.remove("admission");
    }
}

/// What has no reservation is not admitted, and says so.
fn not_admitted(load: &mut Value, now: Timestamp) {
    condition(load, "Admitted", false, "NoReservation", "The workload has no reservation", now);
}

/// Takes the finalizer off a Workload that has it.
fn free(load: &Value) -> Option<Write> {
    let held = list(load, "/metadata/finalizers").iter().any(|f| f == FINALIZER);
    held.then(|| Write::Release(&WORKLOADS, namespace(load).to_owned(), name(load).to_owned(), FINALIZER))
}

fn is_active(load: &Value) -> bool {
    load.pointer("/spec/active").and_then(Value::as_bool).unwrap_or(true)
}

fn priority(load: &Value) -> i64 {
    int(load, "/spec/priority").unwrap_or(0)
}
