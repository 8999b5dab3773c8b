//! What all objects of an MPIJob have in common: labels, names, owner, slots. Knows none of them.

use serde_json::{Value, json};

use super::value::{int, label, name, namespace, owned_by};

/// Pod label: who made it.
pub(super) const OPERATOR: &str = "training.kubeflow.org/operator-name";
/// Pod label: of which job.
pub(super) const JOB: &str = "training.kubeflow.org/job-name";
/// Pod label that tells a launcher from a worker.
pub(super) const ROLE: &str = "training.kubeflow.org/job-role";
/// Pod label with the number of a worker.
pub(super) const INDEX: &str = "training.kubeflow.org/replica-index";

/// Whether the labels are those of a worker.
pub(super) fn is_worker(pod: &Value) -> bool {
    label(pod, ROLE) == "worker" && label(pod, OPERATOR) == "mpi-operator"
}

/// Name, place, label and owner of what the operator makes.
pub(super) fn metadata(job: &Value, suffix: &str) -> Value {
    json!({
        "name": format!("{}{suffix}", name(job)), "namespace": namespace(job),
        "labels": {"app": name(job)}, "ownerReferences": owned_by(job),
    })
}

/// The number of slots as the operator takes it: 0 stays 0.
pub(super) fn slots(job: &Value) -> i64 {
    int(job, "/spec/slotsPerWorker").unwrap_or(1)
}
