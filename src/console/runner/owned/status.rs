//! How an owned object is, in its own kind's word.

use serde_json::Value;

use crate::{
    cluster::objects::OwnedObject,
    jobs::{Sym, replica::ReplicaStatus, state::Severity},
};

/// The status, and more about it in a few words.
pub(super) fn of(owned: &OwnedObject) -> (ReplicaStatus, String) {
    let object = &*owned.object;
    let (status, about) = match owned.kind.as_str() {
        "Workload" => workload(object),
        "JobSet" => jobset(object),
        "Job" => batch_job(object),
        "Pod" => pod(object),
        "PodGroup" => pod_group(object),
        "Service" => (present(), service(object)),
        "ConfigMap" => (present(), keys(object)),
        "Secret" => (present(), "its content is never read".to_owned()),
        _ => (present(), String::new()),
    };
    let leaving = object.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string);
    if leaving { (status_of("Terminating", Severity::Wait, '-'), about) } else { (status, about) }
}

fn status_of(word: &str, severity: Severity, symbol: char) -> ReplicaStatus {
    ReplicaStatus { word: Sym::new(word), severity, symbol }
}

fn good(word: &str) -> ReplicaStatus {
    status_of(word, Severity::Good, '●')
}

fn waits(word: &str) -> ReplicaStatus {
    status_of(word, Severity::Wait, '○')
}

fn done(word: &str) -> ReplicaStatus {
    status_of(word, Severity::Done, '✓')
}

fn rests(word: &str) -> ReplicaStatus {
    status_of(word, Severity::Done, '=')
}

fn bad(word: &str) -> ReplicaStatus {
    status_of(word, Severity::Bad, '✗')
}

/// Of what has no status but being there.
fn present() -> ReplicaStatus {
    status_of("present", Severity::Done, '·')
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn count(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = object.pointer("/status/conditions")?.as_array()?;
    all.iter().find(|condition| text(condition, "/type") == kind)
}

/// The condition, if it is True.
fn is<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    condition(object, kind).filter(|condition| text(condition, "/status") == "True")
}

fn workload(object: &Value) -> (ReplicaStatus, String) {
    let queue = text(object, "/status/admission/clusterQueue");
    let place = if queue.is_empty() { String::new() } else { format!("ClusterQueue {queue}") };
    let reason = |condition: &Value| text(condition, "/reason").to_owned();
    let status = if is(object, "Finished").is_some() {
        done("Finished")
    } else if object.pointer("/spec/active").and_then(Value::as_bool) == Some(false) {
        rests("Inactive")
    } else if is(object, "Admitted").is_some() {
        good("Admitted")
    } else if is(object, "QuotaReserved").is_some() {
        waits("QuotaReserved")
    } else if let Some(evicted) = is(object, "Evicted") {
        return (status_of("Evicted", Severity::Warn, '!'), reason(evicted));
    } else {
        let told = condition(object, "QuotaReserved").map_or_else(String::new, reason);
        return (waits("Pending"), if told == "Pending" { String::new() } else { told });
    };
    (status, place)
}

fn jobset(object: &Value) -> (ReplicaStatus, String) {
    let restarts = count(object, "/status/restarts");
    let about = if restarts > 0 { format!("{restarts} restarts") } else { String::new() };
    let status = if is(object, "Completed").is_some() {
        done("Completed")
    } else if is(object, "Failed").is_some() {
        bad("Failed")
    } else if is(object, "Suspended").is_some() {
        rests("Suspended")
    } else {
        good("Active")
    };
    (status, about)
}

fn batch_job(object: &Value) -> (ReplicaStatus, String) {
    let pods = ["active", "succeeded", "failed"].map(|word| (word, count(object, &format!("/status/{word}"))));
    let about: Vec<_> = pods.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
    let mut about = about.join(", ");
    let status = if is(object, "Complete").is_some() {
        done("Complete")
    } else if let Some(failed) = is(object, "Failed") {
        let reason = text(failed, "/reason");
        about = if about.is_empty() { reason.to_owned() } else { format!("{reason}, {about}") };
        bad("Failed")
    } else if object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        rests("Suspended")
    } else if pods[0].1 > 0 {
        good("Active")
    } else {
        waits("Waiting")
    };
    if about.is_empty() {
        "no pod yet".clone_into(&mut about);
    }
    (status, about)
}

/// By its phase, for a pod that the fleet does not know (yet).
fn pod(object: &Value) -> (ReplicaStatus, String) {
    let status = match text(object, "/status/phase") {
        "Running" => good("Running"),
        "Succeeded" => done("Completed"),
        "Failed" => bad("Failed"),
        "" | "Pending" => waits("Pending"),
        other => status_of(other, Severity::Warn, '?'),
    };
    (status, String::new())
}

/// Of Volcano or of the scheduler plugins.
fn pod_group(object: &Value) -> (ReplicaStatus, String) {
    let (phase, members) = (text(object, "/status/phase"), count(object, "/spec/minMember"));
    let status = match phase {
        "Running" | "Scheduled" => good(phase),
        "Finished" | "Completed" => done(phase),
        "Failed" | "Unknown" => bad(phase),
        "" => waits("Pending"),
        phase => waits(phase),
    };
    let running = count(object, "/status/running");
    (status, format!("{members} pods at once, {running} running"))
}

fn service(object: &Value) -> String {
    match text(object, "/spec/clusterIP") {
        "None" => "headless".to_owned(),
        address => address.to_owned(),
    }
}

fn keys(object: &Value) -> String {
    let keys = object.get("data").and_then(Value::as_object).into_iter().flatten();
    keys.map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::jobs::{Name, Secs, Uid};

    fn told(kind: &str, object: Value) -> (String, Severity, String) {
        let owned = OwnedObject {
            group: Sym::default(),
            kind: Sym::new(kind),
            name: Name::lossy("x"),
            uid: Uid::new("x"),
            owner: Uid::new("o"),
            created: Secs::default(),
            object: Arc::new(object),
        };
        let (status, about) = of(&owned);
        (status.word.to_string(), status.severity, about)
    }

    #[test]
    fn each_kind_is_told_in_its_own_word() {
        let condition =
            |kind: &str, status: &str, reason: &str| json!({"type": kind, "status": status, "reason": reason});
        let status = |conditions: Value| json!({"status": {"conditions": conditions}});
        let cases = [
            (
                "Workload",
                status(json!([condition("QuotaReserved", "False", "Misconfigured")])),
                "Pending",
                "Misconfigured",
            ),
            (
                "Workload",
                json!({"status": {"admission": {"clusterQueue": "gold"}, "conditions": [condition("Admitted", "True", "")]}}),
                "Admitted",
                "ClusterQueue gold",
            ),
            ("Workload", json!({"spec": {"active": false}}), "Inactive", ""),
            (
                "JobSet",
                json!({"status": {"restarts": 2, "conditions": [condition("Failed", "True", "")]}}),
                "Failed",
                "2 restarts",
            ),
            (
                "Job",
                json!({"status": {"failed": 7, "conditions": [condition("Failed", "True", "BackoffLimitExceeded")]}}),
                "Failed",
                "BackoffLimitExceeded, 7 failed",
            ),
            ("Job", json!({"spec": {"suspend": true}}), "Suspended", "no pod yet"),
            ("Job", json!({"status": {"active": 1, "failed": 2}}), "Active", "1 active, 2 failed"),
            ("Pod", json!({"status": {"phase": "Running"}}), "Running", ""),
            ("Pod", json!({}), "Pending", ""),
            (
                "PodGroup",
                json!({"spec": {"minMember": 5}, "status": {"phase": "Inqueue"}}),
                "Inqueue",
                "5 pods at once, 0 running",
            ),
            ("Service", json!({"spec": {"clusterIP": "None"}}), "present", "headless"),
            (
                "Secret",
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
                "Terminating",
                "its content is never read",
            ),
        ];
        for (kind, object, word, about) in cases {
            let (said, _, more) = told(kind, object.clone());
            assert_eq!((said.as_str(), more.as_str()), (word, about), "{kind} {object}");
        }
        assert_eq!(told("Job", status(json!([condition("Complete", "True", "")]))).1, Severity::Done);
        assert_eq!(told("Workload", status(json!([condition("Evicted", "True", "Preempted")]))).1, Severity::Warn);
    }
}
