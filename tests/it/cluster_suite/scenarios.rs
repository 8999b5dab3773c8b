//! Each scenario through the console's own reading: it must lead to the class of cause that it names.
//!
//! What only a log tells is not asked of statuses: there a consequence, or nothing, is all that may be said.

use std::{collections::BTreeMap, sync::Arc};

use mpideck::cluster::Target;
use mpideck::cluster::kubeconfig::Loaded;
use mpideck::jobs::Secs;
use mpideck::sim::scenario;

use super::reader::{Reader, one};
use crate::lived::{Lived, lived};

/// Classes that statuses, conditions and events tell.
const TOLD: &[&str] = &[
    "admission_device_unavailable",
    "config_object_missing",
    "container_start_error",
    "deadline_exceeded",
    "evicted_pressure",
    "gang_unschedulable",
    "image_auth",
    "image_not_found",
    "image_rate_limit",
    "image_registry_unreachable",
    "kueue_inadmissible",
    "limitrange_violation",
    "node_lost",
    "none",
    "podsready_timeout",
    "policy_denied",
    "preempted",
    "quota_exceeded",
    "unschedulable_placement",
    "unschedulable_pvc",
    "unschedulable_resources",
    "volume_mount_failed",
];

/// Classes of what follows from causes that logs tell; mpirun hands on the 127 of a program that could not start.
const FOLLOWS: &[&str] = &[
    "",
    "none",
    "app_exit_unknown",
    "backoff_limit",
    "executable_missing",
    "process_killed_unknown",
    "worker_lost_unknown",
];

/// What is told of the scenario's job when all has happened.
async fn told(name: &str) -> (String, String) {
    let Lived { sim, clock, namespace, job } = lived(name).await;
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared());
    target.dial = Some(sim.dial());
    target.now = Arc::new(move || Secs::from(clock.now()));
    let mut reader = Reader::start(target, None, None).await;
    reader.until("the job is there", |fleet| one(fleet, &namespace, &job).is_some()).await;
    // Pods, events and workloads come by lists of their own.
    reader.within(std::time::Duration::from_secs(2), |_| false).await;
    let there = one(&reader.fleet, &namespace, &job).unwrap();
    let class = there.derived.cause.as_ref().map_or(String::new(), |cause| cause.class.to_string());
    let title = there.derived.cause.as_ref().map_or(String::new(), |cause| cause.title.to_string());
    (class, format!("{} {title}", there.derived.state))
}

#[tokio::test(start_paused = true)]
async fn each_scenario_leads_to_its_cause() {
    let mut wrong = Vec::new();
    for name in scenario::names() {
        let class = scenario::scenario(name).unwrap().unwrap().class;
        let (found, told) = told(name).await;
        let right = match class.as_str() {
            "none" => found.is_empty() || found == "none",
            class if TOLD.contains(&class) => found == class,
            class => found == class || FOLLOWS.contains(&found.as_str()),
        };
        if !right {
            wrong.push(format!("{name}: {class} is told as {found:?}: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A newcomer who looks at the demo for a minute has seen a job wait in a queue, start, train and end, and one fail, with
/// its cause and what to do.
#[tokio::test(start_paused = true)]
async fn the_demos_first_minute_shows_a_jobs_whole_life() {
    let mut words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for second in [2, 8, 20, 30, 45, 60] {
        let clock = mpideck::sim::Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
        let lived = std::time::Duration::from_secs(second);
        let sim = mpideck::sim::Sim::start(mpideck::sim::Options { lived, clock, ..mpideck::sim::Options::new() });
        let sim = sim.await.unwrap();
        let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared());
        target.dial = Some(sim.dial());
        target.now = Arc::new(move || Secs::from(clock.now()));
        let mut reader = Reader::start(target, None, None).await;
        reader.until("the fleet is there", |fleet| one(fleet, "vision", "resnet50-imagenet").is_some()).await;
        reader.within(std::time::Duration::from_secs(2), |_| false).await;
        for (namespace, job) in
            [("vision", "quick-eval-041"), ("research", "tune-lr-041"), ("research", "queued-probe-041")]
        {
            let Some(there) = one(&reader.fleet, namespace, job) else { continue };
            words.entry(job).or_default().push(there.derived.state.word());
            if second == 60 && job == "tune-lr-041" {
                let cause = there.derived.cause.as_ref().unwrap();
                assert_eq!(cause.class.to_string(), "host_oom_killed");
                assert!(!cause.remedy.as_str().is_empty());
            }
        }
    }
    let seen = |job: &str, wanted: &str| words[job].iter().any(|word| word.starts_with(wanted));
    for (job, wanted) in [
        ("queued-probe-041", "Queued"),
        ("queued-probe-041", "Pending"),
        ("queued-probe-041", "Running"),
        ("queued-probe-041", "Succeeded"),
        ("quick-eval-041", "Running"),
        ("tune-lr-041", "Running"),
        ("tune-lr-041", "Failed"),
    ] {
        assert!(seen(job, wanted), "no {wanted} of {job}: {words:?}");
    }
}
