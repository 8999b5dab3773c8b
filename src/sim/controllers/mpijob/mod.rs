//! The MPIJob v2beta1 controller, as mpi-operator 0.8 acts.
//!
//! Owns one pass over one job: [`reconcile`], from what is there to what is to be written. It reads no store and no clock.

mod objects;
mod status;
mod validate;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    value::{self, has_condition, int, is_over, list, name, namespace, set, stamp, text, truth, uid},
    write::{Note, Write},
};
use crate::sim::store::resource::{CONFIGMAPS, JOBS, MPIJOBS, PODS, SECRETS, SERVICES};

const FROM: &str = "mpi-job-controller";

/// What one pass sees.
#[derive(Default)]
pub(crate) struct Seen {
    /// The batch Job `<job>-launcher`, if it is there.
    pub(crate) launcher: Option<Arc<Value>>,
    /// Pods with the job's labels, launchers and workers.
    pub(crate) pods: Vec<Arc<Value>>,
    /// Service, `ConfigMap` and Secret of the job's names, if they are there.
    pub(crate) extras: [Option<Arc<Value>>; 3],
}

/// One pass over `job`.
pub(crate) fn reconcile(job: &Value, seen: &Seen, now: Timestamp) -> Vec<Write> {
    let manager = text(job, "/spec/runPolicy/managedBy");
    let foreign = !manager.is_empty() && manager != "kubeflow.org/mpi-operator";
    if value::is_deleting(job) || foreign {
        return Vec::new();
    }
    if let Some(errors) = validate::errors(job) {
        let message = truncated(&format!("Found validation errors: {errors}"));
        return vec![Write::Tell(Note::warning(job, FROM, "ValidationError", message))];
    }
    let mut next = job.clone();
    let mut writes = Vec::new();
    if list(job, "/status/conditions").is_empty() {
        status::condition(
            &mut next,
            "Created",
            true,
            "MPIJobCreated",
            &format!("MPIJob {} is created.", full(job)),
            now,
        );
        let message = format!("MPIJob {} is created.", full(job));
        writes.push(Write::Tell(Note::normal(job, FROM, "MPIJobCreated", message)));
    }
    if status::is_finished(job) && !text(job, "/status/completionTime").is_empty() {
        clean_up(job, seen, &mut writes);
        return writes;
    }
    if text(job, "/status/startTime").is_empty() && !is_suspended(job) {
        set(&mut next, "/status/startTime", json!(stamp(now)));
    }
    let over = seen.launcher.as_deref().is_some_and(|l| has_condition(l, "Complete") || has_condition(l, "Failed"));
    let mut workers = Workers::default();
    if !over && !make(job, seen, &mut writes, &mut workers) {
        return writes;
    }
    align_suspension(job, seen, &mut writes);
    if is_suspended(job) {
        delete_workers(seen, &mut writes, |pod| !is_over(pod));
    }
    let launcher_exists = seen.launcher.is_some() || workers.launcher_made;
    status::update(job, &mut next, seen, launcher_exists, &workers, &mut writes, now);
    if next.get("status") != job.get("status") {
        writes.push(Write::Status(&MPIJOBS, next));
    }
    writes
}

/// The worker pods as this pass leaves them.
#[derive(Default)]
struct Workers {
    there: Vec<Arc<Value>>,
    count: usize,
    launcher_made: bool,
}

/// Makes what is missing; false when the pass must stop.
fn make(job: &Value, seen: &Seen, writes: &mut Vec<Write>, workers: &mut Workers) -> bool {
    let wanted = [
        (&SERVICES, "Service", objects::service(job)),
        (&CONFIGMAPS, "ConfigMap", objects::config(job, &live_workers(job, seen))),
        (&SECRETS, "Secret", objects::secret(job)),
    ];
    for ((resource, kind, object), there) in wanted.into_iter().zip(&seen.extras) {
        match there {
            None => writes.push(Write::Create { resource, object, blame: None }),
            Some(old) if value::controller_uid(old) != uid(job) => {
                let message =
                    format!("Resource {:?} of Kind {kind:?} already exists and is not managed by MPIJob", name(old));
                writes.push(Write::Tell(Note::warning(job, FROM, "ErrResourceExists", message)));
                writes.push(Write::Fail);
                return false;
            }
            Some(old) if *resource == CONFIGMAPS && old.get("data") != object.get("data") => {
                let mut changed = Value::clone(old);
                changed["data"] = object["data"].clone();
                writes.push(Write::Update(resource, changed));
            }
            Some(_) => {}
        }
    }
    if !is_suspended(job) {
        *workers = make_workers(job, seen, writes);
    }
    if seen.launcher.is_none() {
        let ready = workers.there.iter().filter(|p| value::is_ready(p)).count();
        let at_once = matches!(text(job, "/spec/launcherCreationPolicy"), "" | "AtStartup");
        if at_once || ready == workers.count {
            let blame = Note::warning(job, FROM, "MPIJobFailed", "launcher pod created failed: ");
            let object = objects::launcher_job(job);
            writes.push(Write::Create { resource: &JOBS, object, blame: Some(blame) });
            workers.launcher_made = true;
        }
    }
    true
}

fn make_workers(job: &Value, seen: &Seen, writes: &mut Vec<Write>) -> Workers {
    let wanted = worker_replicas(job) as usize;
    let all = live_workers(job, seen);
    for pod in &all {
        if worker_index(pod).is_some_and(|i| i >= wanted) && !value::is_deleting(pod) {
            writes.push(Write::Delete(&PODS, namespace(pod).into(), name(pod).into()));
        }
    }
    let there: Vec<_> = all.into_iter().filter(|p| worker_index(p).is_some_and(|i| i < wanted)).collect();
    for index in 0..wanted {
        if !there.iter().any(|p| worker_index(p) == Some(index)) {
            let blame = Note::warning(job, FROM, "MPIJobFailed", "worker pod created failed: ");
            let object = objects::worker_pod(job, index);
            writes.push(Write::Create { resource: &PODS, object, blame: Some(blame) });
        }
    }
    Workers { there, count: wanted, launcher_made: false }
}

fn align_suspension(job: &Value, seen: &Seen, writes: &mut Vec<Write>) {
    let Some(launcher) = seen.launcher.as_deref() else { return };
    if truth(launcher, "/spec/suspend") != is_suspended(job) {
        let mut changed = launcher.clone();
        set(&mut changed, "/spec/suspend", json!(is_suspended(job)));
        writes.push(Write::Update(&JOBS, changed));
    }
}

fn clean_up(job: &Value, seen: &Seen, writes: &mut Vec<Write>) {
    match text(job, "/spec/runPolicy/cleanPodPolicy") {
        "All" => delete_workers(seen, writes, |_| true),
        "Running" => delete_workers(seen, writes, |pod| !is_over(pod)),
        _ => {}
    }
}

fn delete_workers(seen: &Seen, writes: &mut Vec<Write>, which: impl Fn(&Value) -> bool) {
    for pod in seen.pods.iter().filter(|p| is_worker(p) && !value::is_deleting(p) && which(p)) {
        writes.push(Write::Delete(&PODS, namespace(pod).into(), name(pod).into()));
    }
}

fn live_workers(job: &Value, seen: &Seen) -> Vec<Arc<Value>> {
    let mut out: Vec<_> =
        seen.pods.iter().filter(|p| is_worker(p) && value::controller_uid(p) == uid(job)).cloned().collect();
    out.sort_by_key(|p| worker_index(p));
    out
}

fn is_worker(pod: &Value) -> bool {
    value::label(pod, objects::ROLE) == "worker"
}

fn worker_index(pod: &Value) -> Option<usize> {
    name(pod).rsplit_once('-').and_then(|(_, index)| index.parse().ok())
}

fn worker_replicas(job: &Value) -> i64 {
    int(job, "/spec/mpiReplicaSpecs/Worker/replicas").unwrap_or(0)
}

fn is_suspended(job: &Value) -> bool {
    truth(job, "/spec/runPolicy/suspend")
}

fn full(job: &Value) -> String {
    format!("{}/{}", namespace(job), name(job))
}

fn truncated(message: &str) -> String {
    match message.char_indices().nth(1021) {
        Some((end, _)) if message.len() > 1024 => format!("{}...", &message[..end]),
        _ => message.to_owned(),
    }
}
