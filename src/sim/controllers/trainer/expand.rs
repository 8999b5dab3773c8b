//! A TrainJob and its runtime as one JobSet, as Trainer 2.3 makes it.

use serde_json::{Value, json};

use super::{
    mpi, policy,
    role::{container, launcher_is_node, node, step, upsert},
};
use crate::sim::{
    strategic,
    value::{int, list, name, namespace, owned_by, reach, set, text},
};

/// The JobSet that a runtime makes of a TrainJob.
pub(super) fn expanded(job: &Value, runtime: &Value) -> Value {
    let mut template = runtime.pointer("/spec/template").cloned().unwrap_or_else(|| json!({}));
    patch(job, &mut template);
    let mut spec = template.get_mut("spec").map(Value::take).unwrap_or_default();
    for replicated in spec.get_mut("replicatedJobs").and_then(Value::as_array_mut).into_iter().flatten() {
        resources(job, runtime, replicated);
        let nodes = policy::nodes(job, runtime, replicated);
        for field in ["parallelism", "completions"] {
            set(replicated, &format!("/template/spec/{field}"), json!(nodes));
        }
        policy::equip(job, runtime, replicated, nodes);
        if let Some(mpi) = mpi::Policy::of(job, runtime) {
            mpi.equip(job, replicated);
        }
        if !step(replicated).is_empty() {
            set(replicated, "/replicas", json!(1));
        }
        initializer(job, replicated);
        trainer(job, runtime, replicated);
        script(job, replicated);
    }
    if job["spec"]["suspend"].is_boolean() {
        set(&mut spec, "/suspend", job["spec"]["suspend"].clone());
    }
    let mut meta = json!({"name": name(job), "namespace": namespace(job), "ownerReferences": owned_by(job)});
    for map in ["labels", "annotations"] {
        if template["metadata"][map].is_object() {
            meta[map] = template["metadata"][map].clone();
        }
    }
    json!({"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": meta, "spec": spec, "status": {}})
}

/// A role of a TrainJob as a queue counts it.
pub(crate) struct Part {
    pub(crate) name: String,
    /// Its Jobs.
    pub(crate) jobs: i64,
    /// The pods of one Job.
    pub(crate) pods: i64,
    /// Its pods' template: what TrainJob and runtime say, without what tells pods of each other.
    pub(crate) template: Value,
}

/// The roles of a TrainJob, in the runtime's order.
pub(crate) fn parts(job: &Value, runtime: &Value) -> Vec<Part> {
    let mut template = runtime.pointer("/spec/template").cloned().unwrap_or_else(|| json!({}));
    patch(job, &mut template);
    let part = |replicated: &Value| {
        let mut replicated = replicated.clone();
        resources(job, runtime, &mut replicated);
        let pods = policy::nodes(job, runtime, &replicated);
        initializer(job, &mut replicated);
        trainer(job, runtime, &mut replicated);
        Part {
            name: text(&replicated, "/name").to_owned(),
            jobs: int(&replicated, "/replicas").unwrap_or(1),
            pods,
            template: replicated["template"]["spec"]["template"].take(),
        }
    };
    list(&template, "/spec/replicatedJobs").iter().map(part).collect()
}

/// Lays `spec.runtimePatches` over the runtime's template.
fn patch(job: &Value, template: &mut Value) {
    for patch in list(job, "/spec/runtimePatches") {
        for map in ["labels", "annotations"] {
            let given = patch.pointer(&format!("/trainingRuntimeSpec/template/metadata/{map}"));
            for (key, value) in given.and_then(Value::as_object).into_iter().flatten() {
                set(template, &format!("/metadata/{map}/{}", key.replace('/', "~1")), value.clone());
            }
        }
        if let Some(given) = patch.pointer("/trainingRuntimeSpec/template/spec") {
            // Elements without a name are refused by the schema.
            let _ = strategic::merge(reach(template, "/spec"), given);
        }
    }
}

/// Lays the TrainJob's resources over those of whoever trains.
fn resources(job: &Value, runtime: &Value, replicated: &mut Value) {
    let trains = step(replicated) == "trainer" && runtime["spec"]["mlPolicy"].is_object();
    let as_node = launcher_is_node(runtime) && text(replicated, "/name") == "node";
    if !(trains || as_node) {
        return;
    }
    if let (Some(given), Some(node)) = (job.pointer("/spec/trainer/resourcesPerNode"), node(replicated)) {
        for side in ["limits", "requests"] {
            for (resource, amount) in given.get(side).and_then(Value::as_object).into_iter().flatten() {
                set(node, &format!("/resources/{side}/{}", resource.replace('/', "~1")), amount.clone());
            }
        }
    }
}

/// What the initializers get: where from, with which secret.
fn initializer(job: &Value, replicated: &mut Value) {
    for (role, field) in [("dataset-initializer", "dataset"), ("model-initializer", "model")] {
        if step(replicated) != role {
            continue;
        }
        let (Some(given), Some(container)) =
            (job.pointer(&format!("/spec/initializer/{field}")), container(replicated, role))
        else {
            continue;
        };
        if let Some(uri) = given["storageUri"].as_str() {
            upsert(container, "env", "name", json!({"name": "STORAGE_URI", "value": uri}));
        }
        for variable in list(given, "/env") {
            upsert(container, "env", "name", variable.clone());
        }
        if let Some(secret) = given.pointer("/secretRef/name") {
            crate::sim::value::push(container, "/envFrom", json!({"secretRef": {"name": secret}}));
        }
    }
}

/// What the TrainJob says of its trainer, laid over the container `node`.
fn trainer(job: &Value, runtime: &Value, replicated: &mut Value) {
    let trains = step(replicated) == "trainer";
    let as_node = launcher_is_node(runtime) && text(replicated, "/name") == "node";
    let given = &job["spec"]["trainer"];
    let Some(node) = node(replicated).filter(|_| given.is_object()) else { return };
    for field in ["image", "command", "args"] {
        if let Some(value) = given.get(field).filter(|v| trains && !v.is_null()) {
            node[field] = value.clone();
        }
    }
    if trains || as_node {
        for variable in list(given, "/env") {
            upsert(node, "env", "name", variable.clone());
        }
    }
}

/// What this cluster's pods play comes from the TrainJob's own annotations.
fn script(job: &Value, replicated: &mut Value) {
    let all = job.pointer("/metadata/annotations").and_then(Value::as_object);
    for (key, value) in all.into_iter().flatten().filter(|(key, _)| key.starts_with("sim.mpideck.io/")) {
        let path = format!("/template/spec/template/metadata/annotations/{}", key.replace('/', "~1"));
        set(replicated, &path, value.clone());
    }
}
