//! The demo fleet at start, and a minute of watching it.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::*;
use crate::sim::{
    Clock,
    store::{
        Selector,
        resource::{self, EVENTS, MPIJOBS, PODS, WORKLOADS},
    },
    value::{condition, list, name, phase, text},
};

fn demo() -> (Store, Manager, Timestamp) {
    lived(Duration::ZERO)
}

/// A fleet that began so long before eight o'clock.
fn lived(lived: Duration) -> (Store, Manager, Timestamp) {
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let options = Options { clock: Clock::manual(now), lived, ..Options::new() };
    let store = Store::new(options.clock, options.seed);
    resource::of_age(false).for_each(|row| store.serve(row));
    let mut life = settle(&store, &options).unwrap();
    (store, life.manager.take().unwrap(), now)
}

fn reasons(store: &Store) -> BTreeSet<String> {
    let all = |r| store.list(r, None, &Selector::default()).items;
    let mut out = BTreeSet::new();
    for job in all(&MPIJOBS) {
        for c in list(&job.value(), "/status/conditions").iter().filter(|c| text(c, "/status") == "True") {
            out.insert(text(c, "/reason").to_owned());
        }
    }
    for load in all(&WORKLOADS) {
        for kind in ["QuotaReserved", "Preempted", "Evicted"] {
            out.extend(
                condition(&load.value(), kind).map(|c| format!("{kind}={}/{}", text(c, "/status"), text(c, "/reason"))),
            );
        }
    }
    for pod in all(&PODS) {
        let pod = pod.value();
        out.insert(phase(&pod).to_owned());
        out.insert(text(&pod, "/status/reason").to_owned());
        let c = list(&pod, "/status/containerStatuses").first().cloned().unwrap_or_default();
        out.extend(["/state/waiting/reason", "/state/terminated/reason"].map(|p| text(&c, p).to_owned()));
    }
    out.extend(all(&EVENTS).iter().map(|e| text(&e.value(), "/reason").to_owned()));
    out
}

#[tokio::test(start_paused = true)]
async fn every_state_lives_in_the_demo_fleet_from_the_start() {
    let (store, _, now) = demo();
    assert!(store.clock().now() >= now, "it is now");
    let there = reasons(&store);
    for wanted in [
        "MPIJobRunning",
        "MPIJobSucceeded",
        "MPIJobEvicted",
        "MPIJobSuspended",
        "DeadlineExceeded",
        "BackoffLimitExceeded/",
        "QuotaReserved=False/WaitingForQuota",
        "QuotaReserved=False/ExceedsMaxQuota",
        "QuotaReserved=False/Suspended",
        "QuotaReserved=True/QuotaReserved",
        "Preempted=True/InClusterQueue",
        "Evicted=True/Deactivated",
        "Evicted",
        "OOMKilled",
        "CreateContainerConfigError",
        "CrashLoopBackOff",
        "ContainerCreating",
        "FailedScheduling",
    ] {
        assert!(there.contains(wanted), "no {wanted} in {there:?}");
    }
    assert!(there.contains("ImagePullBackOff") || there.contains("ErrImagePull"));
    let old = store.get(&MPIJOBS, "climate", "era5-regrid").unwrap().value();
    assert_eq!(text(&old, "/metadata/creationTimestamp"), "2026-11-19T07:33:20Z");
}

#[tokio::test(start_paused = true)]
async fn within_two_minutes_jobs_queue_run_fail_and_finish() {
    let (store, mut manager, now) = demo();
    let mut feed = store.subscribe(&[&MPIJOBS]);
    manager.live_until(after(now, 120.0));
    let mut seen = BTreeSet::new();
    for change in feed.take().unwrap() {
        let job = change.object.value();
        for c in list(&job, "/status/conditions").iter().filter(|c| text(c, "/status") == "True") {
            seen.insert((name(&job).split("-0").next().unwrap_or("").to_owned(), text(c, "/type").to_owned()));
        }
    }
    for (job, kind) in [
        ("quick-eval", "Running"),
        ("quick-eval", "Succeeded"),
        ("tune-lr", "Failed"),
        ("queued-probe", "Suspended"),
        ("queued-probe", "Running"),
    ] {
        assert!(seen.contains(&(job.to_owned(), kind.to_owned())), "{job} {kind}: {seen:?}");
    }
}

fn pods(store: &Store) -> BTreeSet<String> {
    let pods = store.list(&PODS, None, &Selector::default()).items;
    pods.iter().map(|p| format!("{}/{} {}", p.namespace, p.name, phase(&p.value()))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_the_run() {
    assert_eq!(pods(&demo().0), pods(&demo().0));
}

#[tokio::test(start_paused = true)]
async fn a_minute_may_be_lived_through_before_the_start() {
    let (past, ..) = lived(Duration::from_mins(1));
    let created = |store: &Store, job| {
        text(&store.get(&MPIJOBS, "climate", job).unwrap().value(), "/metadata/creationTimestamp").to_owned()
    };
    assert_eq!(created(&past, "era5-regrid"), "2026-11-19T07:32:20Z", "a minute older");
    let (watched, mut manager, now) = demo();
    assert_ne!(pods(&past), pods(&watched), "nothing happens in a minute");
    manager.live_until(after(now, 60.0));
    assert_eq!(pods(&past), pods(&watched), "not what happens in a minute");
}

#[tokio::test(start_paused = true)]
async fn who_was_preempted_waits_and_does_not_fail() {
    let (store, mut manager, now) = demo();
    manager.live_until(after(now, 60.0));
    let job = store.get(&MPIJOBS, "nlp", "reward-model-v4").unwrap().value();
    let truths: Vec<_> = list(&job, "/status/conditions")
        .iter()
        .filter(|c| text(c, "/status") == "True")
        .map(|c| text(c, "/type").to_owned())
        .collect();
    assert_eq!(truths, ["Created", "Suspended"]);
    for waiting in ["yolo-export-int8", "fourcastnet-0p25"] {
        let space = if waiting.starts_with("yolo") { "vision" } else { "climate" };
        let job = store.get(&MPIJOBS, space, waiting).unwrap().value();
        assert_eq!(list(&job, "/status/conditions").len(), 1, "{waiting} can't have started");
    }
}
