//! A pod's row, worded as kubectl's users know it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Column;
use super::cells::{age, or_none};

pub(super) const COLUMNS: &[Column] = &[
    ("Ready", "string", 0),
    ("Status", "string", 0),
    ("Restarts", "string", 0),
    ("IP", "string", 1),
    ("Node", "string", 1),
    ("Nominated Node", "string", 1),
    ("Readiness Gates", "string", 1),
];

pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let containers = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let statuses = || pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let ready = statuses().filter(|s| s["ready"] == true).count();
    let restarts: i64 = statuses().filter_map(|s| s["restartCount"].as_i64()).sum();
    let last = statuses().filter_map(|s| s["lastState"]["terminated"]["finishedAt"].as_str()).max();
    let restarts = match last {
        Some(at) if restarts > 0 => format!("{restarts} ({} ago)", age(&json!(at), now)),
        _ => restarts.to_string(),
    };
    vec![
        json!(format!("{ready}/{containers}")),
        json!(status(pod)),
        json!(restarts),
        or_none(&pod["status"]["podIP"]),
        or_none(&pod["spec"]["nodeName"]),
        or_none(&pod["status"]["nominatedNodeName"]),
        json!("<none>"),
    ]
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
