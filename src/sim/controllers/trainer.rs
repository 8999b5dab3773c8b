//! Kubeflow Trainer and JobSet: a TrainJob becomes a JobSet by its runtime, a JobSet becomes batch Jobs.
//!
//! Owns one pass over one TrainJob and one over one JobSet. A TrainJob has no Running condition; neither do we give it one.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    store::resource::{JOBS, JOBSETS, SERVICES, TRAINJOBS},
    value::{
        self, after, has_condition, int, is_deleting, label, list, name, namespace, owned_by, set, text, time, truth,
        uid,
    },
    write::{Cond, Note, Write, set_condition},
};

const TRAINER: &str = "trainjob-controller";
const JOBSET: &str = "jobset";
const ATTEMPT: &str = "jobset.sigs.k8s.io/restart-attempt";

/// One pass over a TrainJob; `runtime` is what its runtimeRef names.
pub(crate) fn train_job(
    job: &Value,
    runtime: Option<&Value>,
    jobset: Option<&Value>,
    now: Timestamp,
) -> (Vec<Write>, Option<Timestamp>) {
    let manager = text(job, "/spec/managedBy");
    let over = has_condition(job, "Complete") || has_condition(job, "Failed");
    if is_deleting(job) || over || !matches!(manager, "" | "trainer.kubeflow.org/trainjob-controller") {
        return (Vec::new(), None);
    }
    let mut next = job.clone();
    let mut writes = Vec::new();
    let Some(runtime) = runtime else {
        let message = format!(
            "ClusterTrainingRuntime.trainer.kubeflow.org \"{}\" not found: specified clusterTrainingRuntime must be created before the TrainJob is created",
            text(job, "/spec/runtimeRef/name")
        );
        let c = Cond { kind: "Failed", truth: true, reason: "TrainingRuntimeNotSupported", message: &message };
        set_condition(&mut next, c, now);
        return (vec![Write::Status(&TRAINJOBS, next)], None);
    };
    let suspended = truth(job, "/spec/suspend");
    match jobset {
        None => {
            let blame = Note::warning(
                job,
                TRAINER,
                "TrainJobResourcesCreationFailed",
                "TrainJob resources reconciliation failed: ",
            );
            writes.push(Write::Create { resource: &JOBSETS, object: expanded(job, runtime), blame: Some(blame) });
        }
        Some(set_of) if truth(set_of, "/spec/suspend") != suspended => {
            let mut changed = set_of.clone();
            set(&mut changed, "/spec/suspend", json!(suspended));
            writes.push(Write::Update(&JOBSETS, changed));
        }
        Some(_) => {}
    }
    suspension(&mut next, suspended, now);
    let wake = jobset.and_then(|set_of| follow(job, &mut next, set_of, now));
    if next.get("status") != job.get("status") {
        writes.push(Write::Status(&TRAINJOBS, next));
    }
    (writes, wake)
}

fn suspension(next: &mut Value, suspended: bool, now: Timestamp) {
    if suspended {
        let c = Cond { kind: "Suspended", truth: true, reason: "Suspended", message: "TrainJob is suspended" };
        set_condition(next, c, now);
    } else if has_condition(next, "Suspended") {
        let c = Cond { kind: "Suspended", truth: false, reason: "Resumed", message: "TrainJob is resumed" };
        set_condition(next, c, now);
    }
}

/// Copies the JobSet's end and counts.
fn follow(job: &Value, next: &mut Value, jobset: &Value, now: Timestamp) -> Option<Timestamp> {
    for (from, kind) in [("Completed", "Complete"), ("Failed", "Failed")] {
        if let Some(c) = value::condition(jobset, from).filter(|c| text(c, "/status") == "True") {
            let c = Cond { kind, truth: true, reason: text(c, "/reason"), message: text(c, "/message") };
            set_condition(next, c, now);
        }
    }
    let counts = list(jobset, "/status/replicatedJobsStatus").to_vec();
    if !counts.is_empty() {
        set(next, "/status/jobsStatus", Value::Array(counts));
    }
    let limit = int(job, "/spec/activeDeadlineSeconds")?;
    let start = value::condition(next, "Suspended")
        .and_then(|c| time(c, "/lastTransitionTime"))
        .or_else(|| time(job, "/metadata/creationTimestamp"))?;
    let due = after(start, limit as f64);
    if now >= due {
        let message = "TrainJob exceeded its active deadline";
        set_condition(next, Cond { kind: "Failed", truth: true, reason: "DeadlineExceeded", message }, now);
        return None;
    }
    Some(due)
}

/// The JobSet that a runtime makes of a TrainJob.
fn expanded(job: &Value, runtime: &Value) -> Value {
    let mut spec = runtime.pointer("/spec/template/spec").cloned().unwrap_or_else(|| json!({}));
    set(&mut spec, "/suspend", json!(truth(job, "/spec/suspend")));
    let nodes = int(job, "/spec/trainer/numNodes").or_else(|| int(runtime, "/spec/mlPolicy/numNodes")).unwrap_or(1);
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

/// One pass over a JobSet and its Jobs.
pub(crate) fn job_set(set_of: &Value, jobs: &[Arc<Value>], service: bool, now: Timestamp) -> Vec<Write> {
    if is_deleting(set_of) || has_condition(set_of, "Completed") || has_condition(set_of, "Failed") {
        return Vec::new();
    }
    let mut next = set_of.clone();
    let mut writes = Vec::new();
    if !service {
        writes.push(Write::Create { resource: &SERVICES, object: subdomain(set_of), blame: None });
    }
    let attempt = int(set_of, "/status/restarts").unwrap_or(0);
    let current: Vec<_> = jobs.iter().filter(|j| label(j, ATTEMPT) == attempt.to_string()).collect();
    for old in jobs.iter().filter(|j| label(j, ATTEMPT) != attempt.to_string() && !is_deleting(j)) {
        writes.push(Write::Delete(&JOBS, namespace(old).into(), name(old).into()));
    }
    if current.len() == jobs.len() {
        make_jobs(set_of, &current, attempt, &mut writes);
    }
    suspend(set_of, &mut next, &mut writes, now);
    judge(set_of, &mut next, &current, attempt, &mut writes, now);
    let counts: Vec<Value> = list(set_of, "/spec/replicatedJobs").iter().map(|r| counted(r, &current)).collect();
    set(&mut next, "/status/replicatedJobsStatus", Value::Array(counts));
    if next.get("status") != set_of.get("status") {
        writes.push(Write::Status(&JOBSETS, next));
    }
    writes
}

fn make_jobs(set_of: &Value, current: &[&Arc<Value>], attempt: i64, writes: &mut Vec<Write>) {
    for replicated in list(set_of, "/spec/replicatedJobs") {
        let role = text(replicated, "/name");
        for index in 0..int(replicated, "/replicas").unwrap_or(1) {
            let job_name = format!("{}-{role}-{index}", name(set_of));
            match current.iter().find(|j| name(j) == job_name) {
                None => {
                    let object = child(set_of, replicated, &job_name, index, attempt);
                    writes.push(Write::Create { resource: &JOBS, object, blame: None });
                }
                Some(job) if truth(job, "/spec/suspend") != truth(set_of, "/spec/suspend") => {
                    let mut changed = Value::clone(job);
                    set(&mut changed, "/spec/suspend", json!(truth(set_of, "/spec/suspend")));
                    writes.push(Write::Update(&JOBS, changed));
                }
                Some(_) => {}
            }
        }
    }
}

fn subdomain(set_of: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name(set_of), "namespace": namespace(set_of), "ownerReferences": owned_by(set_of)},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": true, "selector": {"jobset.sigs.k8s.io/jobset-name": name(set_of)}},
    })
}

fn child(set_of: &Value, replicated: &Value, job_name: &str, index: i64, attempt: i64) -> Value {
    let mut spec = replicated.pointer("/template/spec").cloned().unwrap_or_else(|| json!({}));
    let role = text(replicated, "/name");
    let labels = [
        ("jobset.sigs.k8s.io/jobset-name", name(set_of).to_owned()),
        ("jobset.sigs.k8s.io/jobset-uid", uid(set_of).to_owned()),
        ("jobset.sigs.k8s.io/replicatedjob-name", role.to_owned()),
        ("jobset.sigs.k8s.io/replicatedjob-replicas", int(replicated, "/replicas").unwrap_or(1).to_string()),
        ("jobset.sigs.k8s.io/job-index", index.to_string()),
        ("jobset.sigs.k8s.io/job-global-index", index.to_string()),
        (ATTEMPT, attempt.to_string()),
    ];
    let mut meta = replicated.pointer("/template/metadata").cloned().unwrap_or_else(|| json!({}));
    for (key, v) in &labels {
        let key = key.replace('/', "~1");
        set(&mut meta, &format!("/labels/{key}"), json!(v));
        set(&mut spec, &format!("/template/metadata/labels/{key}"), json!(v));
    }
    set(&mut meta, "/name", json!(job_name));
    set(&mut meta, "/namespace", json!(namespace(set_of)));
    set(&mut meta, "/ownerReferences", owned_by(set_of));
    for (path, v) in [
        ("/completionMode", json!("Indexed")),
        ("/suspend", json!(truth(set_of, "/spec/suspend"))),
        ("/podReplacementPolicy", json!("TerminatingOrFailed")),
        ("/template/spec/subdomain", json!(name(set_of))),
    ] {
        set(&mut spec, path, v);
    }
    if text(&spec, "/template/spec/restartPolicy").is_empty() {
        set(&mut spec, "/template/spec/restartPolicy", json!("OnFailure"));
    }
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec, "status": {}})
}

fn suspend(set_of: &Value, next: &mut Value, writes: &mut Vec<Write>, now: Timestamp) {
    let suspended = truth(set_of, "/spec/suspend");
    let (reason, message) = if suspended {
        ("SuspendedJobs", "jobset is suspended")
    } else if has_condition(set_of, "Suspended") {
        ("ResumeJobs", "jobset is resumed")
    } else {
        return;
    };
    if set_condition(next, Cond { kind: "Suspended", truth: suspended, reason, message }, now) {
        writes.push(Write::Tell(Note::normal(set_of, JOBSET, reason, message)));
    }
}

fn judge(
    set_of: &Value,
    next: &mut Value,
    current: &[&Arc<Value>],
    attempt: i64,
    writes: &mut Vec<Write>,
    now: Timestamp,
) {
    let wanted: i64 = list(set_of, "/spec/replicatedJobs").iter().map(|r| int(r, "/replicas").unwrap_or(1)).sum();
    if let Some(failed) = current.iter().find(|j| has_condition(j, "Failed")) {
        let restarts = int(set_of, "/spec/failurePolicy/maxRestarts");
        if restarts.is_some_and(|max| attempt < max) {
            set(next, "/status/restarts", json!(attempt + 1));
            set(next, "/status/restartsCountTowardsMax", json!(attempt + 1));
            let message = format!("restarting jobset, attempt {}", attempt + 1);
            writes.push(Write::Tell(Note::warning(set_of, JOBSET, "Restarting", message)));
            return;
        }
        let (reason, words) = match restarts {
            Some(_) => ("ReachedMaxRestarts", "jobset failed due to reaching max number of restarts"),
            None => ("FailedJobs", "jobset failed due to one or more job failures"),
        };
        let message = format!("{words} (first failed job: {})", name(failed));
        set_condition(next, Cond { kind: "Failed", truth: true, reason, message: &message }, now);
        set(next, "/status/terminalState", json!("Failed"));
        writes.push(Write::Tell(Note::warning(set_of, JOBSET, reason, message)));
        for job in current.iter().filter(|j| !has_condition(j, "Failed") && !has_condition(j, "Complete")) {
            writes.push(Write::Delete(&JOBS, namespace(job).into(), name(job).into()));
        }
    } else if current.len() as i64 == wanted && finished(set_of, current) {
        let (reason, message) = ("AllJobsCompleted", "jobset completed successfully");
        set_condition(next, Cond { kind: "Completed", truth: true, reason, message }, now);
        set(next, "/status/terminalState", json!("Completed"));
        writes.push(Write::Tell(Note::normal(set_of, JOBSET, reason, message)));
        for job in current.iter().filter(|j| !has_condition(j, "Complete")) {
            writes.push(Write::Delete(&JOBS, namespace(job).into(), name(job).into()));
        }
    }
}

/// All Jobs are complete, or those that the success policy names.
fn finished(set_of: &Value, current: &[&Arc<Value>]) -> bool {
    let named = list(set_of, "/spec/successPolicy/targetReplicatedJobs");
    let counts = |job: &Value| {
        named.is_empty()
            || named.iter().any(|n| n.as_str() == Some(label(job, "jobset.sigs.k8s.io/replicatedjob-name")))
    };
    current.iter().filter(|j| counts(j)).all(|j| has_condition(j, "Complete"))
}

fn counted(replicated: &Value, current: &[&Arc<Value>]) -> Value {
    let role = text(replicated, "/name");
    let of = |test: &dyn Fn(&Value) -> bool| {
        let jobs = current.iter().filter(|j| label(j, "jobset.sigs.k8s.io/replicatedjob-name") == role);
        jobs.filter(|j| test(j)).count()
    };
    let all_ready = |j: &Value| {
        let wanted = int(j, "/spec/parallelism").unwrap_or(1);
        int(j, "/status/ready").unwrap_or(0) + int(j, "/status/succeeded").unwrap_or(0) >= wanted
            && !has_condition(j, "Complete")
    };
    json!({
        "name": role, "ready": of(&all_ready), "succeeded": of(&|j| has_condition(j, "Complete")),
        "failed": of(&|j| has_condition(j, "Failed")), "active": of(&|j| int(j, "/status/active").unwrap_or(0) > 0),
        "suspended": of(&|j| truth(j, "/spec/suspend")),
    })
}
