//! The pods of a job as its Workload counts them: one set for each role, and what each set asks for.

use serde_json::{Value, json};

use crate::{
    jobs::Kind,
    sim::{
        amounts::{self, written},
        controllers::trainer::{Part, parts},
        store::{
            Resource, Store,
            resource::{CLUSTERTRAININGRUNTIMES, TRAININGRUNTIMES},
        },
        value::{int, list, namespace, text},
    },
};

/// `spec.podSets` of the Workload of `job`.
pub(super) fn of(store: &Store, resource: &Resource, job: &Value) -> Value {
    if resource.kind == "JobSet" {
        return list(job, "/spec/replicatedJobs").iter().map(replicated).collect();
    }
    let Some(kind) = Kind::of(&resource.api_version(), resource.kind).filter(|k| *k != Kind::TrainJob) else {
        return train_job(store, job);
    };
    let info = kind.info();
    // How both operators number their pods.
    let topology = json!({"podIndexLabel": "training.kubeflow.org/replica-index"});
    let sets = info.roles.iter().filter_map(|role| {
        let spec = job.pointer(&format!("/spec/{}/{role}", info.replica_specs))?;
        let count = int(spec, "/replicas").unwrap_or(1);
        Some(set_of(&role.to_lowercase(), count, spec.get("template")?, &topology))
    });
    sets.collect()
}

fn set_of(name: &str, count: i64, template: &Value, topology: &Value) -> Value {
    json!({"name": name, "count": count, "template": template, "topologyRequest": topology})
}

/// A role of a JobSet: all pods that run at a time in all its Jobs.
fn replicated(role: &Value) -> Value {
    let jobs = int(role, "/replicas").unwrap_or(1);
    let at_a_time = int(role, "/template/spec/parallelism").unwrap_or(1);
    let pods = int(role, "/template/spec/completions").map_or(at_a_time, |all| all.min(at_a_time));
    set_of(text(role, "/name"), jobs.saturating_mul(pods), &role["template"]["spec"]["template"], &of_jobs(jobs))
}

fn of_jobs(jobs: i64) -> Value {
    json!({
        "podIndexLabel": "batch.kubernetes.io/job-completion-index",
        "subGroupIndexLabel": "jobset.sigs.k8s.io/job-index", "subGroupCount": jobs,
    })
}

/// The roles of a TrainJob; none before its runtime is there.
fn train_job(store: &Store, job: &Value) -> Value {
    let parts = runtime(store, job).map(|runtime| parts(job, &runtime)).unwrap_or_default();
    let one =
        |part: &Part| set_of(&part.name, part.jobs.saturating_mul(part.pods), &part.template, &of_jobs(part.jobs));
    parts.iter().map(one).collect()
}

/// What the runtimeRef of a TrainJob names.
fn runtime(store: &Store, job: &Value) -> Option<std::sync::Arc<Value>> {
    let named = text(job, "/spec/runtimeRef/name");
    let found = if text(job, "/spec/runtimeRef/kind") == "TrainingRuntime" {
        store.get(&TRAININGRUNTIMES, namespace(job), named)
    } else {
        store.get(&CLUSTERTRAININGRUNTIMES, "", named)
    };
    found.ok().map(|runtime| runtime.value())
}

/// `status.resourceRequests` of a Workload that waits: what all pods of each set ask for.
pub(super) fn requests(load: &Value) -> Value {
    let one = |set_of: &Value| {
        let count = int(set_of, "/count").unwrap_or(1);
        let asked = amounts::of_spec(&set_of["template"]["spec"]).into_iter().filter(|(_, n)| *n > 0);
        let all: serde_json::Map<_, _> =
            asked.map(|(resource, n)| (resource.clone(), json!(written(&resource, n.saturating_mul(count))))).collect();
        json!({"name": set_of["name"], "resources": all})
    };
    list(load, "/spec/podSets").iter().map(one).collect()
}
