//! Many jobs alike, to measure with: objects of realistic size, and status changes at a given rate.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::sim::{
    chance::Chance,
    kubelet::STATIC,
    store::{
        Part, Store,
        resource::{MPIJOBS, NAMESPACES, PODS},
    },
    value::{after, set, stamp},
};

const SPACES: u32 = 10;

fn space(job: u32) -> String {
    format!("team-{:02}", job % SPACES)
}

fn job_name(job: u32) -> String {
    format!("train-{job:05}")
}

/// Fills the store with `jobs` running MPIJobs of `workers` workers each.
pub(super) fn fill(store: &Store, jobs: u32, workers: u32, now: Timestamp) {
    for n in 0..SPACES.min(jobs) {
        let name = space(n);
        // The store is new: nobody has taken the name.
        let _ = store.seed(&NAMESPACES, json!({"metadata": {"name": name}, "status": {"phase": "Active"}}));
    }
    for n in 0..jobs {
        // Old enough, and half-way between two hours, so that no age on a screen changes while something else is measured.
        let made = after(now, -f64::from(1800 + 3600 * (8 + n % 240)));
        let Ok(job) = store.seed(&MPIJOBS, job(n, workers, made)) else { continue };
        let owner = json!([{"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": job_name(n), "uid": job.uid, "controller": true, "blockOwnerDeletion": true}]);
        let roles = std::iter::once(("launcher", 0)).chain((0..workers).map(|i| ("worker", i)));
        for (role, index) in roles {
            // As above.
            let _ = store.seed(&PODS, pod(n, role, index, &owner, made));
        }
    }
}

fn managed(writer: &str, at: &str, fields: u32) -> Value {
    let one = |i: u32| (format!("f:field-{i:03}"), json!({".": {}, "f:name": {}, "f:value": {}}));
    let map: serde_json::Map<_, _> = (0..fields).map(one).collect();
    json!({"manager": writer, "operation": "Update", "apiVersion": "v1", "time": at, "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": map}}})
}

fn job(n: u32, workers: u32, made: Timestamp) -> Value {
    let at = stamp(made);
    let template = |role: &str| {
        let resources = json!({"limits": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": if role == "worker" { "8" } else { "0" }}});
        json!({"spec": {"containers": [{"name": role, "image": "registry.example.com/ml/horovod:0.28.1-torch2.4-cuda12.4", "resources": resources}]}})
    };
    let c = |kind: &str, message: &str| json!({"type": kind, "status": "True", "reason": format!("MPIJob{kind}"), "message": message, "lastUpdateTime": at, "lastTransitionTime": at});
    let full = format!("{}/{}", space(n), job_name(n));
    json!({
        "metadata": {
            "name": job_name(n), "namespace": space(n), "creationTimestamp": at,
            "labels": {STATIC: "true", "team": space(n)}, "managedFields": [managed("kubectl-create", &at, 30), managed("mpi-operator", &at, 12)],
        },
        "spec": {
            "slotsPerWorker": 8, "runPolicy": {"cleanPodPolicy": "Running"},
            "mpiReplicaSpecs": {"Launcher": {"replicas": 1, "template": template("launcher")}, "Worker": {"replicas": workers, "template": template("worker")}},
        },
        "status": {
            "conditions": [c("Created", &format!("MPIJob {full} is created.")), c("Running", &format!("MPIJob {full} is running."))],
            "replicaStatuses": {"Launcher": {"active": 1}, "Worker": {"active": workers}}, "startTime": at,
        },
    })
}

fn pod_name(n: u32, role: &str, index: u32) -> String {
    if role == "launcher" {
        format!("{}-launcher-x7k2p", job_name(n))
    } else {
        format!("{}-worker-{index}", job_name(n))
    }
}

fn pod(n: u32, role: &str, index: u32, owner: &Value, made: Timestamp) -> Value {
    let at = stamp(made);
    let name = pod_name(n, role, index);
    let c = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": at, "observedGeneration": 1});
    let env: Vec<Value> =
        (0..24).map(|i| json!({"name": format!("TRAIN_OPTION_{i}"), "value": format!("value-{i}-of-{n}")})).collect();
    let image = "registry.example.com/ml/horovod:0.28.1-torch2.4-cuda12.4";
    let ip = format!("10.{}.{}.{}", 100 + n % 100, index % 250, n % 250);
    let mut labels = json!({
        STATIC: "true", "training.kubeflow.org/operator-name": "mpi-operator", "training.kubeflow.org/job-name": job_name(n), "training.kubeflow.org/job-role": role,
    });
    if role == "worker" {
        labels["training.kubeflow.org/replica-index"] = json!(index.to_string());
    }
    json!({
        "metadata": {
            "name": name, "namespace": space(n), "creationTimestamp": at, "labels": labels, "ownerReferences": owner,
            "annotations": {"sim.mpideck.io/script": "static"},
            "managedFields": [managed("mpi-operator", &at, 40), managed("kube-scheduler", &at, 4), managed("kubelet", &at, 36)],
        },
        "spec": {
            "nodeName": format!("gpu-{:04}", (n * 7 + index) % 2000), "hostname": name, "subdomain": job_name(n), "restartPolicy": "Never",
            "containers": [{
                "name": role, "image": image, "imagePullPolicy": "IfNotPresent", "env": env, "command": ["/usr/sbin/sshd", "-De"],
                "resources": {"limits": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": if role == "worker" { "8" } else { "0" }}},
            }],
        },
        "status": {
            "phase": "Running", "qosClass": "Guaranteed", "startTime": at, "podIP": ip, "podIPs": [{"ip": ip}], "hostIP": "10.0.0.9",
            "conditions": [c("PodReadyToStartContainers"), c("Initialized"), c("Ready"), c("ContainersReady"), c("PodScheduled")],
            "containerStatuses": [{
                "name": role, "image": image, "imageID": format!("{image}@sha256:{:064x}", 77), "containerID": format!("containerd://{:064x}", n * 100 + index),
                "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": at}}, "lastState": {},
            }],
        },
    })
}

/// Changes pod statuses at a rate.
pub(super) struct Churn {
    store: Store,
    each: Duration,
    at_once: u32,
    chance: Chance,
}

impl Churn {
    /// `rate` changes a second.
    pub(super) fn new(store: Store, rate: f64, seed: u64) -> Self {
        let rate = if rate.is_finite() { rate.max(0.0) } else { 0.0 };
        // Timers finer than this cost more than they show.
        let each = Duration::from_millis(20);
        let at_once = (rate * each.as_secs_f64()).round().max(1.0) as u32;
        let each = if rate > 0.0 { Duration::from_secs_f64(f64::from(at_once) / rate) } else { Duration::MAX };
        Self { store, each, at_once, chance: Chance::new(seed) }
    }

    /// Until cancelled.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        if self.each == Duration::MAX {
            return;
        }
        let pods: Vec<(String, String)> = self
            .store
            .list(&PODS, None, &crate::sim::store::Selector::default())
            .items
            .iter()
            .map(|p| (p.namespace.to_string(), p.name.to_string()))
            .collect();
        let mut beat = tokio::time::interval(self.each);
        while stop.run_until_cancelled(beat.tick()).await.is_some() {
            for _ in 0..self.at_once {
                let Some((space, name)) = pods.get(self.chance.below(pods.len() as u64) as usize) else { return };
                self.flip(space, name);
            }
        }
    }

    fn flip(&self, space: &str, name: &str) {
        let now = self.store.clock().stamp();
        // A pod that somebody deleted no longer changes.
        let _ = self.store.modify(&PODS, space, name, Part::Status, |pod| {
            let ready = pod["status"]["containerStatuses"][0]["ready"] == json!(true);
            let word = if ready { "False" } else { "True" };
            set(pod, "/status/phase", json!("Running"));
            for c in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
                if matches!(c["type"].as_str(), Some("Ready" | "ContainersReady")) {
                    c["status"] = json!(word);
                    c["lastTransitionTime"] = json!(now);
                }
            }
            if let Some(status) = pod["status"]["containerStatuses"].get_mut(0) {
                status["ready"] = json!(!ready);
            }
        });
    }
}
