//! Kubeflow Trainer: a TrainJob becomes a JobSet by its runtime.
//!
//! Owns one pass over one TrainJob. It has no Running condition; neither do we give it one.

mod expand;
mod mpi;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::expand::expanded;
use crate::sim::{
    store::resource::{CONFIGMAPS, JOBSETS, SECRETS, TRAINJOBS},
    value::{self, after, has_condition, int, is_deleting, list, set, text, time, truth},
    write::{Cond, Note, Write, set_condition},
};

const TRAINER: &str = "trainjob-controller";

/// What a pass sees beside the TrainJob.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen<'a> {
    /// What its runtimeRef names.
    pub(crate) runtime: Option<&'a Value>,
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

/// One pass over a TrainJob.
pub(crate) fn train_job(job: &Value, seen: Seen<'_>, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let manager = text(job, "/spec/managedBy");
    let over = has_condition(job, "Complete") || has_condition(job, "Failed");
    if is_deleting(job) || over || !matches!(manager, "" | "trainer.kubeflow.org/trainjob-controller") {
        return (Vec::new(), None);
    }
    let mut next = job.clone();
    let mut writes = Vec::new();
    let Some(runtime) = seen.runtime else {
        let message = format!(
            "ClusterTrainingRuntime.trainer.kubeflow.org \"{}\" not found: specified clusterTrainingRuntime must be created before the TrainJob is created",
            text(job, "/spec/runtimeRef/name")
        );
        let c = Cond { kind: "Failed", truth: true, reason: "TrainingRuntimeNotSupported", message: &message };
        set_condition(&mut next, c, now);
        return (vec![Write::Status(&TRAINJOBS, next)], None);
    };
    let suspended = truth(job, "/spec/suspend");
    let policy = mpi::Policy::of(job, runtime);
    let whole = expanded(job, runtime, policy.as_ref());
    let blame =
        Note::warning(job, TRAINER, "TrainJobResourcesCreationFailed", "TrainJob resources reconciliation failed: ");
    if let Some(policy) = &policy {
        if !seen.secret {
            let object = mpi::secret(job);
            writes.push(Write::Create { resource: &SECRETS, object, blame: Some(blame.clone()) });
        }
        let object = policy.hostfile(job, &whole);
        match seen.hostfile {
            None => writes.push(Write::Create { resource: &CONFIGMAPS, object, blame: Some(blame.clone()) }),
            Some(there) if there["data"] != object["data"] => {
                let mut changed = there.clone();
                set(&mut changed, "/data", object["data"].clone());
                writes.push(Write::Update(&CONFIGMAPS, changed));
            }
            Some(_) => {}
        }
    }
    match seen.jobset {
        None => writes.push(Write::Create { resource: &JOBSETS, object: whole, blame: Some(blame) }),
        Some(set_of) if truth(set_of, "/spec/suspend") != suspended => {
            let mut changed = set_of.clone();
            set(&mut changed, "/spec/suspend", json!(suspended));
            writes.push(Write::Update(&JOBSETS, changed));
        }
        Some(_) => {}
    }
    suspension(&mut next, suspended, now);
    let wake = seen.jobset.and_then(|set_of| follow(job, &mut next, set_of, now));
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
