//! The sim at the size that budgets name: 17,000 pods, many watches, 500 changes a second.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{WatchEvent, WatchParams};
use mpideck::sim::store::Part;
use mpideck::sim::store::resource::PODS;
use serde_json::json;

use crate::sim_client::{ask, client, empty};

#[allow(clippy::disallowed_methods, reason = "a measurement of the machine's own time")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(start_paused = true)]
#[ignore = "a measurement: run with --release --ignored --nocapture"]
async fn lists_and_watches_of_many_pods() {
    let sim = empty().await;
    let padding: Vec<String> = (0..200).map(|n| format!("argument number {n} of a long command line")).collect();
    let start = now();
    for n in 0..17_000 {
        let pod = json!({"metadata": {"name": format!("p{n}"), "namespace": "default", "labels": {"training.kubeflow.org/job-name": format!("j{}", n / 17)}},
            "spec": {"containers": [{"name": "c", "image": "i", "args": padding}]}});
        sim.store().create(&PODS, pod).unwrap();
    }
    eprintln!("created 17,000 pods: {:?}", start.elapsed());
    let viewer = client(&sim, "viewer").await;
    let start = now();
    let (_, body) = ask(&viewer, &http::Method::GET, "/api/v1/pods").bytes().await;
    eprintln!("listed {} MB: {:?}, client included", body.len() >> 20, start.elapsed());
    drop(body);
    let mut watches = Vec::new();
    for _ in 0..24 {
        let all = Api::<Pod>::all(viewer.clone());
        let version = sim.store().version().to_string();
        watches.push(
            all.watch(&WatchParams::default().labels("training.kubeflow.org/job-name=j1"), &version)
                .await
                .unwrap()
                .boxed(),
        );
    }
    let start = now();
    for n in 0..5000 {
        let name = format!("p{}", n * 7 % 17_000);
        sim.store()
            .modify(&PODS, "default", &name, Part::Status, |p| p["status"]["podIP"] = json!(format!("10.0.0.{n}")))
            .unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    eprintln!("5,000 changes (10 s of 500/s) with 24 watches: {:?}", start.elapsed());
    let first = watches[0].try_next().await.unwrap();
    assert!(matches!(first, Some(WatchEvent::Modified(_))));
}
