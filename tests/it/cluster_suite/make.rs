//! Objects to make, with a unit of their own: an MPIJob with a launcher and two workers.

use http::Method;
use serde_json::{Value, json};

use super::place::Place;
use super::reader::{Reader, one};

/// Where jobs are.
pub(super) fn jobs(namespace: &str) -> String {
    format!("/apis/kubeflow.org/v2beta1/namespaces/{namespace}/mpijobs")
}

/// Where pods are.
pub(super) fn pods(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods")
}

/// An MPIJob with two workers.
pub(super) fn job(namespace: &str, name: &str) -> Value {
    crate::sim_client::mpi_job(namespace, name)
}

/// The same, which no operator acts on.
pub(super) fn left_alone(namespace: &str, name: &str) -> Value {
    let mut job = job(namespace, name);
    job["spec"]["runPolicy"] = json!({"managedBy": "kueue.x-k8s.io/multikueue"});
    job
}

/// A pod as the operator makes it.
fn pod(job: &Value, name: &str, role: &str, index: Option<u32>) -> Value {
    let of = job["metadata"]["name"].as_str().unwrap();
    let mut labels = json!({"training.kubeflow.org/job-name": of, "training.kubeflow.org/operator-name": "mpi-operator",
        "training.kubeflow.org/job-role": role});
    if let Some(index) = index {
        labels["training.kubeflow.org/replica-index"] = json!(index.to_string());
    }
    let owner = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": of, "uid": job["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true});
    json!({"metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
        "spec": {"schedulerName": "nobody", "restartPolicy": "Never", "containers": [{"name": "c", "image": "mpi:1"}]}})
}

/// The pods of a new job: the operator's, or ours where none acts. Their names, the launcher's first.
pub(super) async fn pods_of(place: &Place, reader: &mut Reader, job: &Value) -> Vec<String> {
    let text = |field: &str| job["metadata"][field].as_str().unwrap().to_owned();
    let (namespace, of) = (text("namespace"), text("name"));
    if !place.acting {
        let launcher = pod(job, &format!("{of}-launcher"), "launcher", None);
        place.make(&pods(&namespace), &launcher).await;
        for index in 0..2 {
            let worker = pod(job, &format!("{of}-worker-{index}"), "worker", Some(index));
            place.make(&pods(&namespace), &worker).await;
        }
    }
    let names = |fleet: &mpideck::jobs::fleet::Fleet| -> Vec<String> {
        let Some(job) = one(fleet, &namespace, &of) else { return Vec::new() };
        fleet.pods(&job.key()).iter().map(|pod| pod.name.to_string()).collect()
    };
    reader.until("the job has its three pods", |fleet| names(fleet).len() == 3).await;
    names(&reader.fleet)
}

/// Makes a Warning about a job, in the operator's place.
pub(super) async fn warn(place: &Place, job: &Value, reason: &str, message: &str) {
    let meta = &job["metadata"];
    let namespace = meta["namespace"].as_str().unwrap();
    let stamp = place.stamp();
    let event = json!({"metadata": {"generateName": "suite-", "namespace": namespace}, "type": "Warning",
        "reason": reason, "message": message, "count": 1, "firstTimestamp": stamp, "lastTimestamp": stamp,
        "source": {"component": "mpi-job-controller"},
        "involvedObject": {"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": meta["name"],
            "namespace": namespace, "uid": meta["uid"]}});
    place.make(&format!("/api/v1/namespaces/{namespace}/events"), &event).await;
}

/// A pod's status: of this phase, its container in this state.
pub(super) fn status(phase: &str, state: &Value, ready: bool) -> Value {
    let truth = if ready { "True" } else { "False" };
    json!({"phase": phase,
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": truth}],
        "containerStatuses": [{"name": "c", "image": "mpi:1", "imageID": "", "ready": ready, "started": ready,
            "restartCount": 0, "state": state, "lastState": {}}]})
}

/// Whether an object is there.
pub(super) async fn is_there(place: &Place, path: &str) -> bool {
    place.send(&Method::GET, path, &Value::Null).await.0 == 200
}
