//! Kubeflow Trainer 2.3: a TrainJob becomes a JobSet by its runtime.
//!
//! Owns one pass over one TrainJob: [`expand`] makes the JobSet, [`policy`] and [`mpi`] what their libraries need. It has
//! no Running condition; neither do we give it one.

mod expand;
mod mpi;
mod policy;
mod role;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::expand::expanded;
pub(crate) use self::expand::{Part, parts};
use super::jobset;
use crate::sim::{
    store::{
        Resource,
        resource::{CONFIGMAPS, JOBSETS, SECRETS, TRAINJOBS},
    },
    value::{
        self, after, has_condition, int, is_deleting, list, name, namespace, owned_by, set, stamp, text, time, truth,
    },
    write::{Cond, Note, Write, set_condition},
};

const TRAINER: &str = "trainer-trainjob-controller";

/// What a pass sees beside the TrainJob.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen<'a> {
    /// What its runtimeRef names.
    pub(crate) runtime: Option<&'a Value>,
    /// What its runtime was when it was first looked at.
    pub(crate) snapshot: Option<&'a Value>,
    /// The JobSet of its name.
    pub(crate) jobset: Option<&'a Value>,
    /// Whether it has its Secret for ssh.
    pub(crate) secret: bool,
    /// Its `ConfigMap` with the hostfile.
    pub(crate) hostfile: Option<&'a Value>,
}

/// The names of the Secret and of the `ConfigMap` that a TrainJob with MPI has.
pub(crate) fn extras(job: &str) -> [String; 2] {
    ["ssh-auth", "hostfile"].map(|what| format!("{job}-mpi-{what}"))
}

/// The name of the `ConfigMap` that keeps a TrainJob's runtime as it was.
pub(crate) fn snapshot(job: &str) -> String {
    format!("{job}-runtime-snapshot")
}

/// What the webhook writes into a new TrainJob: since when its patches are there.
pub(crate) fn defaults(job: &mut Value, now: Timestamp) {
    let patches = job.pointer_mut("/spec/runtimePatches").and_then(Value::as_array_mut);
    for patch in patches.into_iter().flatten().filter(|patch| patch.is_object() && patch["time"].is_null()) {
        patch["time"] = json!(stamp(now));
    }
}

/// One pass over a TrainJob.
pub(crate) fn train_job(job: &Value, seen: Seen<'_>, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let manager = text(job, "/spec/managedBy");
    if is_deleting(job) || !matches!(manager, "" | "trainer.kubeflow.org/trainjob-controller") {
        return (Vec::new(), None);
    }
    let mut next = job.clone();
    let mut writes = Vec::new();
    let over = is_over(job);
    if !over {
        writes = objects(job, seen);
    }
    let failed = matches!(writes.last(), Some(Write::Fail)).then(|| writes.pop()).flatten();
    suspension(&mut next, truth(job, "/spec/suspend"), now);
    if let Some(set_of) = seen.jobset {
        follow(&mut next, set_of, now);
    }
    let wake = deadline(job, &mut next, &mut writes, now);
    if next.get("status") != job.get("status") {
        writes.push(Write::Status(&TRAINJOBS, next));
    }
    writes.extend(failed);
    (writes, wake)
}

fn is_over(job: &Value) -> bool {
    has_condition(job, "Complete") || has_condition(job, "Failed")
}

/// What is to be made or changed; ends with [`Write::Fail`] where something is in the way.
fn objects(job: &Value, seen: Seen<'_>) -> Vec<Write> {
    let mut writes = Vec::new();
    let blame = |why: &str| {
        let said = format!("TrainJob resources reconciliation failed: {why}");
        Note::warning(job, TRAINER, "TrainJobResourcesCreationFailed", said).in_series("Reconciling")
    };
    let kept = seen.snapshot.and_then(|map| serde_saphyr::from_str::<Value>(text(map, "/data/runtime")).ok());
    let Some(runtime) = kept.as_ref().or(seen.runtime) else {
        return vec![Write::Tell(blame(&missing(job))), Write::Fail];
    };
    let make = |resource, object| Write::Create { resource, object, blame: Some(blame("")) };
    if seen.snapshot.is_none() {
        let text = serde_saphyr::to_string(runtime).unwrap_or_default();
        writes.push(make(&CONFIGMAPS, owned(job, &snapshot(name(job)), json!({"runtime": text}))));
    }
    let whole = expanded(job, runtime);
    let map = |object: Value| match seen.hostfile {
        None => Some(make(&CONFIGMAPS, object)),
        Some(there) if there["data"] != object["data"] => Some(changed(&CONFIGMAPS, there, "/data", &object)),
        Some(_) => None,
    };
    if let Some(policy) = mpi::Policy::of(job, runtime) {
        if !seen.secret {
            writes.push(make(&SECRETS, mpi::secret(job)));
        }
        let Some(object) = policy.hostfile(job, &whole) else {
            let [_, called] = extras(name(job));
            let why = format!("ConfigMap {called:?} is invalid: []: Too long: may not be more than 1048576 bytes");
            writes.extend([Write::Tell(blame(&why)), Write::Fail]);
            return writes;
        };
        writes.extend(map(object));
    }
    let held = truth(job, "/spec/suspend");
    match seen.jobset {
        None => writes.push(make(&JOBSETS, whole)),
        // One that runs is left as it is.
        Some(there) if held || truth(there, "/spec/suspend") => {
            let mut whole = whole;
            jobset::defaults(&mut whole);
            if there["spec"] != whole["spec"] {
                writes.push(changed(&JOBSETS, there, "/spec", &whole));
            }
        }
        Some(_) => {}
    }
    writes
}

fn missing(job: &Value) -> String {
    let runtime = text(job, "/spec/runtimeRef/name");
    if text(job, "/spec/runtimeRef/kind") == "TrainingRuntime" {
        format!(
            "TrainingRuntime specified in TrainJob is not found: TrainingRuntime.trainer.kubeflow.org {runtime:?} not found"
        )
    } else {
        format!(
            "not found ClusterTrainingRuntime specified in TrainJob: ClusterTrainingRuntime.trainer.kubeflow.org {runtime:?} not found"
        )
    }
}

fn changed(resource: &'static Resource, there: &Value, field: &str, wanted: &Value) -> Write {
    let mut object = there.clone();
    set(&mut object, field, wanted.pointer(field).cloned().unwrap_or_default());
    Write::Update(resource, object)
}

/// A `ConfigMap` of the job.
fn owned(job: &Value, called: &str, data: Value) -> Value {
    let mut map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": called, "namespace": namespace(job), "ownerReferences": owned_by(job)},
    });
    map["data"] = data;
    map
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

/// Copies the JobSet's end and counts; an end by deadline stays what it is.
fn follow(next: &mut Value, jobset: &Value, now: Timestamp) {
    let late = value::condition(next, "Failed").is_some_and(|c| text(c, "/reason") == "DeadlineExceeded");
    for (from, kind) in [("Completed", "Complete"), ("Failed", "Failed")] {
        let ended = value::condition(jobset, from).filter(|c| text(c, "/status") == "True");
        if let Some(c) = ended.filter(|_| !(late && kind == "Failed")) {
            let c = Cond { kind, truth: true, reason: text(c, "/reason"), message: text(c, "/message") };
            set_condition(next, c, now);
        }
    }
    let fields = ["name", "ready", "succeeded", "failed", "active", "suspended"];
    let counts = |of: &Value| fields.iter().map(|field| ((*field).to_owned(), of[*field].clone())).collect();
    let all: Vec<Value> =
        list(jobset, "/status/replicatedJobsStatus").iter().map(|of| Value::Object(counts(of))).collect();
    if !all.is_empty() {
        set(next, "/status/jobsStatus", Value::Array(all));
    }
}

/// Ends it when its time is over; else says when that will be.
fn deadline(job: &Value, next: &mut Value, writes: &mut Vec<Write>, now: Timestamp) -> Option<Timestamp> {
    let limit = int(job, "/spec/activeDeadlineSeconds").filter(|limit| *limit > 0)?;
    if is_over(next) || truth(job, "/spec/suspend") {
        return None;
    }
    let resumed = value::condition(next, "Suspended").and_then(|c| time(c, "/lastTransitionTime"));
    let due = after(resumed.or_else(|| time(job, "/metadata/creationTimestamp"))?, limit as f64);
    if now < due {
        return Some(due);
    }
    let message = "TrainJob exceeded its active deadline";
    set_condition(next, Cond { kind: "Failed", truth: true, reason: "DeadlineExceeded", message }, now);
    writes.push(Write::Delete(&JOBSETS, namespace(job).into(), name(job).into()));
    None
}
