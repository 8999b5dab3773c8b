//! The collector of pods that nobody else ends: such as were told to go before they had a node, and such whose node is no
//! more.
//!
//! Owns one look at one pod. It comes by every 20 seconds; a node that is missing is waited for.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    store::resource::PODS,
    value::{after, is_deleting, is_over, name, namespace, push, set, stamp, text},
    write::Write,
};

/// Seconds between two rounds.
const ROUND: i64 = 20;
/// Seconds that a missing node is waited for.
pub(crate) const QUARANTINE: f64 = 40.0;

/// The first round at or after `at`.
pub(crate) fn round(at: Timestamp) -> Timestamp {
    let late = at.as_second().rem_euclid(ROUND);
    after(at, if late == 0 { 0.0 } else { (ROUND - late) as f64 })
}

/// Ends a pod without anyone to end it; `node`: whether the node it names is there.
pub(crate) fn collect(pod: &Value, node: bool, now: Timestamp) -> Vec<Write> {
    let homeless = text(pod, "/spec/nodeName").is_empty();
    let orphaned = !homeless && !node;
    let stranded = homeless && is_deleting(pod);
    if !(orphaned || stranded) {
        return Vec::new();
    }
    let mut writes = Vec::new();
    if !is_over(pod) {
        let mut failed = pod.clone();
        set(&mut failed, "/status/phase", json!("Failed"));
        if orphaned {
            let condition = json!({
                "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
                "message": "PodGC: node no longer exists", "lastTransitionTime": stamp(now),
            });
            push(&mut failed, "/status/conditions", condition);
        }
        writes.push(Write::Status(&PODS, failed));
    }
    writes.push(Write::Delete(&PODS, namespace(pod).into(), name(pod).into()));
    writes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(node: &str, deleting: bool, there: bool) -> Vec<&'static str> {
        let mut pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": node}, "status": {"phase": "Running"}});
        if deleting {
            pod["metadata"]["deletionTimestamp"] = json!("2026-11-20T08:00:00Z");
        }
        let now = "2026-11-20T08:00:01Z".parse().unwrap();
        let kind = |w: &Write| match w {
            Write::Status(_, pod) if pod.pointer("/status/conditions").is_some() => "told why",
            Write::Status(..) => "failed",
            _ => "deleted",
        };
        collect(&pod, there, now).iter().map(kind).collect()
    }

    #[test]
    fn only_what_nobody_else_ends_is_collected() {
        assert_eq!(of("", true, false), ["failed", "deleted"]);
        assert_eq!(of("gone", false, false), ["told why", "deleted"]);
        assert!(of("", false, false).is_empty());
        assert!(of("node", true, true).is_empty());
    }

    #[test]
    fn rounds_are_twenty_seconds_apart() {
        let at = |text: &str| round(text.parse().unwrap()).to_string();
        assert_eq!(at("2026-11-20T08:00:01Z"), "2026-11-20T08:00:20Z");
        assert_eq!(at("2026-11-20T08:00:40Z"), "2026-11-20T08:00:40Z");
    }
}
