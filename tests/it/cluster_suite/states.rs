//! From what pods and events say to states and causes.

use std::time::Duration;

use mpideck::jobs::fleet::Fleet;
use serde_json::{Value, json};

use super::everywhere;
use super::make::{self, jobs, pods, status};
use super::place::Place;
use super::reader::{Reader, one, state};

everywhere! {
    pods_make_the_state
    a_quota_that_lets_no_pod_in_blocks
    a_refused_manifest_is_invalid
    a_suspended_job_rests_until_it_is_resumed
}

fn cause(fleet: &Fleet, namespace: &str, name: &str) -> String {
    let job = one(fleet, namespace, name);
    job.and_then(|job| job.derived.cause.as_ref()).map(|c| c.title.to_string()).unwrap_or_default()
}

/// Gives pods their statuses until the fleet shows what comes of it. Again and again: a kubelet may have its own view.
async fn becomes(
    place: &Place,
    reader: &mut Reader,
    given: &[(String, Value)],
    what: &str,
    so: impl Fn(&Fleet) -> bool,
) {
    for _ in 0..20 {
        for (pod, status) in given {
            place.patch_status(pod, status).await;
        }
        if reader.within(Duration::from_secs(3), &so).await {
            return;
        }
    }
    reader.until(what, so).await;
}

async fn pods_make_the_state(place: &Place) {
    let namespace = place.namespace("pods").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let job = place.make(&jobs(&namespace), &make::job(&namespace, "pi")).await;
    let names = make::pods_of(place, &mut reader, &job).await;
    let path = |n: usize| format!("{}/{}", pods(&namespace), names[n]);
    let running = status("Running", &json!({"running": {"startedAt": place.stamp()}}), true);
    let all: Vec<_> = (0..3).map(|n| (path(n), running.clone())).collect();
    let runs = |fleet: &Fleet| {
        state(fleet, &namespace, "pi") == "Running"
            && one(fleet, &namespace, "pi").is_some_and(|j| j.derived.ready == 2)
    };
    becomes(place, &mut reader, &all, "it runs on two workers", runs).await;
    let stuck =
        json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"mpi:1\": not found"}});
    let given = [(path(2), status("Pending", &stuck, false))];
    let by_image = |fleet: &Fleet| {
        state(fleet, &namespace, "pi") == "Degraded" && cause(fleet, &namespace, "pi").contains("image")
    };
    becomes(place, &mut reader, &given, "a worker is in trouble with its image", by_image).await;
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": place.stamp(), "finishedAt": place.stamp()}});
    let given = [(path(2), status("Failed", &killed, false))];
    let by_memory = |fleet: &Fleet| cause(fleet, &namespace, "pi").to_lowercase().contains("memory");
    becomes(place, &mut reader, &given, "the cause is memory", by_memory).await;
    place.delete(&format!("{}/pi", jobs(&namespace))).await;
    reader.until("the job is gone", Fleet::is_empty).await;
}

async fn a_quota_that_lets_no_pod_in_blocks(place: &Place) {
    let namespace = place.namespace("quota").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    if place.acting {
        let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}});
        place.make(&format!("/api/v1/namespaces/{namespace}/resourcequotas"), &quota).await;
        // Admission counts with what the quota's status says.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let job = place.make(&jobs(&namespace), &make::job(&namespace, "pi")).await;
    if !place.acting {
        let words = "worker pod created failed: pods \"pi-worker-0\" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0";
        make::warn(place, &job, "MPIJobFailed", words).await;
    }
    let blocked = |fleet: &Fleet| {
        state(fleet, &namespace, "pi") == "Blocked" && cause(fleet, &namespace, "pi").to_lowercase().contains("quota")
    };
    reader.until("the quota blocks it", blocked).await;
}

async fn a_refused_manifest_is_invalid(place: &Place) {
    let namespace = place.namespace("invalid").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let mut manifest = make::job(&namespace, "pi");
    manifest["spec"]["runPolicy"] = json!({"cleanPodPolicy": "Sometimes"});
    let job = place.make(&jobs(&namespace), &manifest).await;
    if !place.acting {
        let words = "Found validation errors: spec.cleanPodPolicy: Unsupported value: \"Sometimes\"";
        make::warn(place, &job, "ValidationError", words).await;
    }
    reader.until("it is invalid", |fleet| state(fleet, &namespace, "pi") == "Invalid").await;
    let job = one(&reader.fleet, &namespace, "pi").unwrap();
    let evidence = job.derived.cause.as_ref().map(|c| format!("{} {:?}", c.title, c.evidence)).unwrap_or_default();
    assert!(evidence.contains("leanPodPolicy"), "{evidence}");
}

async fn a_suspended_job_rests_until_it_is_resumed(place: &Place) {
    let namespace = place.namespace("suspended").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let mut manifest = make::job(&namespace, "pi");
    manifest["spec"]["runPolicy"] = json!({"suspend": true});
    place.make(&jobs(&namespace), &manifest).await;
    // Where nobody acts, it is that which is told in the end.
    let rests = if place.acting { "Suspended" } else { "OperatorSilent" };
    reader.until("it rests", |fleet| state(fleet, &namespace, "pi") == rests).await;
    let path = format!("{}/pi", jobs(&namespace));
    let resume = json!({"spec": {"runPolicy": {"suspend": false}}});
    let request = crate::sim_client::ask(reader.session.client(), &http::Method::PATCH, &path);
    let (code, _) = request.header("content-type", "application/merge-patch+json").json(&resume).answer().await;
    assert_eq!(code, 200);
    let goes_on = |fleet: &Fleet| one(fleet, &namespace, "pi").is_some_and(|job| !job.row.suspend);
    reader.until("it is resumed", goes_on).await;
    if place.acting {
        let wakes = |fleet: &Fleet| !matches!(state(fleet, &namespace, "pi"), "Suspended" | "OperatorSilent" | "none");
        reader.until("it wakes", wakes).await;
    }
}
