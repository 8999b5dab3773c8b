//! A TrainJob and its runtime as one JobSet.

use serde_json::{Value, json};

use super::mpi::Policy;
use crate::sim::value::{int, name, namespace, owned_by, set, text, truth};

/// The JobSet that a runtime makes of a TrainJob.
pub(super) fn expanded(job: &Value, runtime: &Value, mpi: Option<&Policy>) -> Value {
    let mut spec = runtime.pointer("/spec/template/spec").cloned().unwrap_or_else(|| json!({}));
    set(&mut spec, "/suspend", json!(truth(job, "/spec/suspend")));
    let wanted = int(job, "/spec/trainer/numNodes").map(|nodes| mpi.map_or(nodes, |mpi| mpi.nodes(nodes)));
    let nodes = wanted.or_else(|| int(runtime, "/spec/mlPolicy/numNodes")).unwrap_or(1);
    if let Some(jobs) = spec.get_mut("replicatedJobs").and_then(Value::as_array_mut) {
        for replicated in jobs {
            let role = text(replicated, "/name").to_owned();
            let ancestor = replicated.pointer("/template/metadata").map_or("", |m| {
                m.get("labels")
                    .and_then(|l| l.get("trainer.kubeflow.org/trainjob-ancestor-step"))
                    .and_then(Value::as_str)
                    .unwrap_or("")
            }) == "trainer";
            if role == "node" {
                set(replicated, "/template/spec/parallelism", json!(nodes));
                set(replicated, "/template/spec/completions", json!(nodes));
            }
            if let Some(annotations) = job.pointer("/metadata/annotations") {
                for (key, v) in
                    annotations.as_object().into_iter().flatten().filter(|(k, _)| k.starts_with("sim.mpideck.io/"))
                {
                    let path = format!("/template/spec/template/metadata/annotations/{}", key.replace('/', "~1"));
                    set(replicated, &path, v.clone());
                }
            }
            trainer_container(job, replicated, &role, ancestor);
            if let Some(mpi) = mpi {
                mpi.equip(job, replicated);
            }
        }
    }
    json!({
        "apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet",
        "metadata": {"name": name(job), "namespace": namespace(job), "ownerReferences": owned_by(job)},
        "spec": spec, "status": {},
    })
}

/// What the TrainJob says of its trainer, laid over the runtime's container `node`.
fn trainer_container(job: &Value, replicated: &mut Value, role: &str, ancestor: bool) {
    let Some(containers) =
        replicated.pointer_mut("/template/spec/template/spec/containers").and_then(Value::as_array_mut)
    else {
        return;
    };
    for container in containers.iter_mut().filter(|c| text(c, "/name") == "node") {
        if ancestor || role == "node" {
            for field in ["image", "command", "args"] {
                if let Some(given) = job.pointer(&format!("/spec/trainer/{field}")).filter(|_| ancestor) {
                    container[field] = given.clone();
                }
            }
            if let Some(resources) = job.pointer("/spec/trainer/resourcesPerNode") {
                container["resources"] = resources.clone();
            }
        }
    }
}
