//! Our rules against the collection of known ones that need no log: each of its samples must be found where it says,
//! with a class that fits. Runs where that collection is at hand.

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::*;

/// What each known rule may be called. Those that only need a log or a metric are not ours yet.
const CLASSES: &[(&str, &[&str])] = &[
    ("validation", &["policy_denied"]),
    ("forbidden", &["policy_denied"]),
    ("deadline", &["deadline_exceeded"]),
    ("kueue-never", &["kueue_inadmissible"]),
    ("kueue-misconf", &["kueue_inadmissible"]),
    ("quota", &["quota_exceeded"]),
    ("quota-must-specify", &["quota_exceeded"]),
    ("limitrange", &["limitrange_violation"]),
    ("scc", &["policy_denied"]),
    ("psa", &["policy_denied"]),
    ("resource-exists", &["policy_denied"]),
    ("oom-killed", &["host_oom_killed"]),
    ("evicted-resource", &["evicted_pressure"]),
    ("kueue-preempted", &["preempted"]),
    ("kueue-podsready", &["podsready_timeout"]),
    ("image-auth", &["image_auth"]),
    ("evicted", &["evicted_pressure"]),
    ("disruption", &["preempted", "node_lost"]),
    ("device-plugin", &["admission_device_unavailable"]),
    ("image-missing", &["image_not_found"]),
    ("node-lost", &["node_lost", "admission_device_unavailable"]),
    ("image-pull", &["image_not_found"]),
    ("image-dns", &["image_registry_unreachable"]),
    ("toomanyrequests", &["image_rate_limit"]),
    ("missing-ref", &["config_object_missing"]),
    ("create-config", &["container_start_error"]),
    ("unsched-gpu", &["unschedulable_resources"]),
    ("kueue-insufficient", &["kueue_inadmissible"]),
    ("mount-failed", &["volume_mount_failed"]),
    ("unsched-cpu-mem", &["unschedulable_resources"]),
    ("unsched-taint", &["unschedulable_placement"]),
    ("unsched-affinity", &["unschedulable_placement"]),
    ("unsched-pvc", &["unschedulable_pvc"]),
    ("crashloop", &["app_exit_unknown"]),
    ("exit-127-not-found", &["executable_missing"]),
    ("exit-137-no-oom", &["host_oom_killed"]),
    ("exit-139-segv", &["app_segfault"]),
    ("container-status-unknown", &["node_lost"]),
    ("sched-gated", &["kueue_inadmissible"]),
    ("exit-143-term", &["worker_lost_unknown"]),
    ("backoff", &["backoff_limit"]),
];

fn known() -> Option<Vec<Value>> {
    let shared = std::env::var("MPIDECK_SHARED").unwrap_or_else(|_| "../shared".into());
    let path = PathBuf::from(shared).join("data/diagnosis_rules.json");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no known rules at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("rules"))
}

/// The places that the collection's word stands for; one of them must do.
fn places(word: &str) -> &'static [Place] {
    match word {
        "event" => &[Place::Event],
        "api" => &[Place::Api],
        "condition" => &[Place::Condition, Place::Queue],
        "status" => &[Place::Message, Place::Unscheduled, Place::PodMessage],
        "status:terminated.reason" => &[Place::Terminated],
        "status:waiting.reason" => &[Place::Waiting],
        "status:exitCode" => &[Place::Exit],
        "status:pod.reason" => &[Place::PodReason],
        "status:pod.message" => &[Place::PodMessage],
        "status:DisruptionTarget.reason" => &[Place::Disruption],
        "status:PodScheduled.reason" => &[Place::Unscheduled],
        _ => &[],
    }
}

/// The class of the best cause for this text alone; an event's text has its reason in front.
fn class(rules: &Rules, place: Place, sample: &str) -> Option<String> {
    let text = if place == Place::Event { format!("Failed: {sample}") } else { sample.to_owned() };
    let seen = Observation { place, text: &text, at: At::Condition("x"), subject: None, time: None };
    best(rules, &[seen], 1).map(|cause| cause.class.to_string())
}

#[test]
fn every_known_rule_that_needs_no_log_is_covered() {
    let Some(known) = known() else { return };
    let rules = Rules::builtin();
    let (mut covered, mut wrong) = (0, Vec::new());
    for rule in &known {
        let text = |key: &str| rule[key].as_str().unwrap_or_default();
        let (id, sample) = (text("id"), text("sample"));
        for word in text("where").split('|').filter(|word| !matches!(*word, "log" | "metric")) {
            let fitting = CLASSES.iter().find(|(known, _)| *known == id).map_or(&[][..], |(_, classes)| classes);
            let found: Vec<_> = places(word).iter().filter_map(|place| class(&rules, *place, sample)).collect();
            covered += 1;
            if !found.iter().any(|class| fitting.contains(&class.as_str())) {
                wrong.push(format!("{id} in {word}: {found:?}, not one of {fitting:?} for {sample:?}"));
            }
        }
    }
    assert!(wrong.is_empty() && covered > 40, "{covered} looked at; {}", wrong.join("\n"));
}

#[test]
fn chatter_of_healthy_jobs_has_no_cause() {
    let rules = Rules::builtin();
    let chatter = [
        "Unhealthy: Readiness probe failed: dial tcp 10.1.2.3:2222: i/o timeout",
        "Unhealthy: Startup probe failed: connection refused",
        "FailedMount: MountVolume.SetUp failed for volume \"x\" : failed to sync configmap cache: timed out waiting for the condition",
        "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
        "SetPodTemplateRestartPolicy: Restart policy in pod template overridden by restart policy in replica spec",
        "FailedUpdate: Operation cannot be fulfilled on mpijobs.kubeflow.org \"a\": the object has been modified",
        "MPIJobRunning: MPIJob ns/a is running",
        "Scheduled: Successfully assigned ns/a-worker-0 to node-1",
        "Pulling: Pulling image \"img:1\"",
        "Killing: Stopping container main",
    ];
    for text in chatter {
        let seen = Observation { place: Place::Event, text, at: At::Condition("x"), subject: None, time: None };
        assert_eq!(best(&rules, &[seen], 1), None, "{text}");
    }
    for (place, text) in
        [(Place::Waiting, "ContainerCreating"), (Place::Waiting, "PodInitializing"), (Place::Exit, "0x")]
    {
        let seen = Observation { place, text, at: At::Condition("x"), subject: None, time: None };
        assert_eq!(best(&rules, &[seen], 1), None, "{text}");
    }
}
