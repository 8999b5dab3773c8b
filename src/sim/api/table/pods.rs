//! A pod's row, worded as kubectl's users know it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{age, or_none};
use super::column::{Column, text, wide};

pub(super) static COLUMNS: &[Column] = &[
    text("Ready", |pod, _| {
        let containers = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
        json!(format!("{}/{containers}", statuses(pod).filter(|s| s["ready"] == true).count()))
    }),
    text("Status", |pod, _| json!(status(pod))),
    text("Restarts", |pod, now| json!(restarts(pod, now))),
    text("Age", |pod, now| json!(age(&pod["metadata"]["creationTimestamp"], now))),
    wide("IP", |pod, _| or_none(&pod["status"]["podIP"])),
    wide("Node", |pod, _| or_none(&pod["spec"]["nodeName"])),
    wide("Nominated Node", |pod, _| or_none(&pod["status"]["nominatedNodeName"])),
    wide("Readiness Gates", |_, _| json!("<none>")),
];

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    pod["status"]["containerStatuses"].as_array().into_iter().flatten()
}

fn restarts(pod: &Value, now: Timestamp) -> String {
    let count: i64 = statuses(pod).filter_map(|s| s["restartCount"].as_i64()).sum();
    match statuses(pod).filter_map(|s| s["lastState"]["terminated"]["finishedAt"].as_str()).max() {
        Some(at) if count > 0 => format!("{count} ({} ago)", age(&json!(at), now)),
        _ => count.to_string(),
    }
}

/// The word of the STATUS column.
fn status(pod: &Value) -> String {
    let phase = pod["status"]["phase"].as_str().unwrap_or("Unknown");
    let mut word = pod["status"]["reason"].as_str().unwrap_or(phase).to_owned();
    if let Some(init) = init_word(pod) {
        word = init;
    } else {
        let mut running = false;
        for status in pod["status"]["containerStatuses"].as_array().into_iter().flatten().rev() {
            match container_word(status) {
                Some(said) => word = said,
                None => running |= status["ready"] == true && status["state"]["running"].is_object(),
            }
        }
        if word == "Completed" && running {
            "Running".clone_into(&mut word);
        }
    }
    if pod["metadata"]["deletionTimestamp"].is_string() {
        let lost = pod["status"]["reason"] == "NodeLost";
        return if lost { "Unknown" } else { "Terminating" }.to_owned();
    }
    word
}

fn container_word(status: &Value) -> Option<String> {
    let state = &status["state"];
    if let Some(reason) = state["waiting"]["reason"].as_str() {
        return Some(reason.to_owned());
    }
    let over = &state["terminated"];
    if !over.is_object() {
        return None;
    }
    match (over["reason"].as_str(), over["signal"].as_i64()) {
        (Some(reason), _) if !reason.is_empty() => Some(reason.to_owned()),
        (_, Some(signal)) if signal != 0 => Some(format!("Signal:{signal}")),
        _ => Some(format!("ExitCode:{}", over["exitCode"].as_i64().unwrap_or(0))),
    }
}

fn init_word(pod: &Value) -> Option<String> {
    let total = pod["spec"]["initContainers"].as_array().map_or(0, Vec::len);
    let statuses = pod["status"]["initContainerStatuses"].as_array()?;
    let (at, first) =
        statuses.iter().enumerate().find(|(_, s)| s["state"]["terminated"]["exitCode"].as_i64() != Some(0))?;
    match container_word(first) {
        Some(word) if word != "PodInitializing" => Some(format!("Init:{word}")),
        _ => Some(format!("Init:{at}/{total}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_word_is_kubectls() {
        for (pod, expected) in [
            (json!({"status": {"phase": "Pending"}}), "Pending"),
            (json!({"status": {"phase": "Failed", "reason": "Evicted"}}), "Evicted"),
            (
                json!({"status": {"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}),
                "CrashLoopBackOff",
            ),
            (
                json!({"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}}),
                "OOMKilled",
            ),
            (json!({"metadata": {"deletionTimestamp": "x"}, "status": {"phase": "Running"}}), "Terminating"),
            (
                json!({"spec": {"initContainers": [{}, {}]}, "status": {"phase": "Pending", "initContainerStatuses": [{"state": {"terminated": {"exitCode": 0}}}, {"state": {"running": {}}}]}}),
                "Init:1/2",
            ),
        ] {
            assert_eq!(status(&pod), expected);
        }
    }
}
