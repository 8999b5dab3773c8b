//! The MPIJob v2beta1 controller, as mpi-operator 0.8 acts.
//!
//! Owns one pass over one job: [`reconcile`], from what is there to what is to be written. It reads no store and no clock.

mod gang;
mod make;
mod names;
mod objects;
mod pods;
mod status;
mod validate;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::{
    gang::{Gang, Seen as SeenGang, told_by},
    objects::MOST_CONFIG,
    objects::keys,
};
use crate::sim::{
    store::resource::{MPIJOBS, PODS},
    value::{self, int, name, namespace, phase, set, stamp, text, truth},
    write::{Note, Write},
};

const FROM: &str = "mpi-job-controller";

/// What one pass sees.
#[derive(Default)]
pub(crate) struct Seen {
    /// The batch Job `<job>-launcher`, if it is there, whoever owns it.
    pub(crate) launcher: Option<Arc<Value>>,
    /// Pods with the job's labels, launchers and workers.
    pub(crate) pods: Vec<Arc<Value>>,
    /// Pods with the workers' names, by index, whoever owns them.
    pub(crate) named: Vec<Option<Arc<Value>>>,
    /// Service, `ConfigMap` and Secret of the job's names, if they are there.
    pub(crate) extras: [Option<Arc<Value>>; 3],
    /// The gang scheduler that the operator was told of.
    pub(crate) gang: Option<SeenGang>,
}

/// The name of worker `index` of `job`.
pub(crate) fn worker_name(job: &str, index: usize) -> String {
    format!("{job}-worker-{index}")
}

/// How many workers a job wants.
pub(crate) fn worker_replicas(job: &Value) -> i64 {
    int(job, "/spec/mpiReplicaSpecs/Worker/replicas").unwrap_or(0).max(0)
}

/// One pass over `job`.
pub(crate) fn reconcile(job: &Value, seen: &Seen, now: Timestamp) -> Vec<Write> {
    let manager = job.pointer("/spec/runPolicy/managedBy").and_then(Value::as_str);
    if value::is_deleting(job) || manager.is_some_and(|m| m != "kubeflow.org/mpi-operator") {
        return Vec::new();
    }
    let full = defaulted(job);
    if let Some(errors) = validate::errors(&full) {
        let message = truncated(&format!("Found validation errors: {errors}"));
        return vec![Write::Tell(Note::warning(job, FROM, "ValidationError", message))];
    }
    let mut pass = Pass { job: &full, next: full.clone(), seen, writes: Vec::new(), now };
    pass.run();
    pass.writes
}

/// One look at one job.
struct Pass<'a> {
    /// With the operator's defaults.
    job: &'a Value,
    /// As it will be.
    next: Value,
    seen: &'a Seen,
    writes: Vec<Write>,
    now: Timestamp,
}

/// A pass ends here and is tried again later.
struct Stop;

/// The worker pods as a pass leaves them: in the order of their index, those that it makes as `None`.
type Workers = Vec<Option<Arc<Value>>>;

impl Pass<'_> {
    fn run(&mut self) {
        if value::list(self.job, "/status/conditions").is_empty() {
            let message = format!("MPIJob {} is created.", full(self.job));
            status::condition(&mut self.next, "Created", true, "MPIJobCreated", &message, self.now);
            self.tell("MPIJobCreated", message);
        }
        if status::is_finished(self.job) && !text(self.job, "/status/completionTime").is_empty() {
            if matches!(self.clean_policy(), "All" | "Running") && self.clean_up().is_ok() {
                self.save();
            }
            return;
        }
        if text(self.job, "/status/startTime").is_empty() && !is_suspended(self.job) {
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
        if self.launcher_is_foreign() {
            return;
        }
        let done = self.seen.launcher.as_deref().is_some_and(status::is_job_finished);
        let mut workers = Workers::new();
        let mut launched = self.seen.launcher.is_some();
        if !done {
            match self.make() {
                Ok((made, launcher)) => (workers, launched) = (made, launched || launcher),
                Err(Stop) => return,
            }
        }
        self.align_suspension();
        if is_suspended(self.job) && self.clean_up().is_err() {
            return;
        }
        self.update_status(launched, &workers);
        self.save();
    }

    fn save(&mut self) {
        if self.next.get("status") != self.job.get("status") {
            self.writes.push(Write::Status(&MPIJOBS, self.next.clone()));
        }
    }

    fn tell(&mut self, reason: &str, message: impl Into<String>) {
        self.writes.push(Write::Tell(Note::normal(self.job, FROM, reason, message)));
    }

    fn warn(&mut self, reason: &str, message: impl Into<String>) {
        self.writes.push(Write::Tell(Note::warning(self.job, FROM, reason, message)));
    }

    /// Tells that somebody else's object is in the way, and gives up for now. Of what it reads from its caches, the
    /// operator knows no kind.
    fn exists(&mut self, kind: &str, object: &str) -> Stop {
        self.warn(
            "ErrResourceExists",
            format!("Resource {object:?} of Kind {kind:?} already exists and is not managed by MPIJob"),
        );
        self.writes.push(Write::Fail);
        Stop
    }

    fn is_mine(&self, object: &Value) -> bool {
        value::controller_uid(object) == value::uid(self.job)
    }

    fn launcher_is_foreign(&mut self) -> bool {
        let foreign = self.seen.launcher.as_deref().filter(|l| !self.is_mine(l)).map(|l| name(l).to_owned());
        foreign.is_some_and(|launcher| {
            self.exists("", &launcher);
            true
        })
    }

    fn clean_policy(&self) -> &str {
        text(self.job, "/spec/runPolicy/cleanPodPolicy")
    }

    /// Takes the workers and the gang away; policy `Running` keeps what ended. Only indexes that the spec wants now.
    fn clean_up(&mut self) -> Result<(), Stop> {
        let seen = self.seen;
        for pod in seen.named.iter().flatten() {
            if !self.is_mine(pod) {
                return Err(self.exists("", name(pod)));
            }
            if self.clean_policy() == "Running" && !matches!(phase(pod), "Running" | "Pending") {
                continue;
            }
            self.writes.push(Write::Delete(&PODS, namespace(pod).into(), name(pod).into()));
        }
        set(&mut self.next, "/status/replicaStatuses/Worker", json!({}));
        self.remove_gang()
    }
}

/// The job as the operator completes it before it looks. None of it is stored.
fn defaulted(job: &Value) -> Value {
    let mut out = job.clone();
    let absent = |job: &Value, path: &str| job.pointer(path).is_none_or(Value::is_null);
    if absent(&out, "/spec/runPolicy/cleanPodPolicy") {
        set(&mut out, "/spec/runPolicy/cleanPodPolicy", json!("None"));
    }
    if absent(&out, "/spec/slotsPerWorker") {
        set(&mut out, "/spec/slotsPerWorker", json!(1));
    }
    for (field, default) in
        [("sshAuthMountPath", "/root/.ssh"), ("mpiImplementation", "OpenMPI"), ("launcherCreationPolicy", "AtStartup")]
    {
        let path = format!("/spec/{field}");
        if text(&out, &path).is_empty() {
            set(&mut out, &path, json!(default));
        }
    }
    for (role, policy, replicas) in [("Launcher", "OnFailure", 1), ("Worker", "Never", 0)] {
        let path = format!("/spec/mpiReplicaSpecs/{role}");
        let Some(spec) = out.pointer_mut(&path).filter(|s| s.is_object()) else { continue };
        if text(spec, "/restartPolicy").is_empty() {
            spec["restartPolicy"] = json!(policy);
        }
        if spec["replicas"].is_null() {
            spec["replicas"] = json!(replicas);
        }
    }
    out
}

fn is_suspended(job: &Value) -> bool {
    truth(job, "/spec/runPolicy/suspend")
}

fn runs_on_launcher(job: &Value) -> bool {
    truth(job, "/spec/runLauncherAsWorker")
}

fn full(job: &Value) -> String {
    format!("{}/{}", namespace(job), name(job))
}

/// What an Event's message may hold.
fn truncated(message: &str) -> String {
    if message.len() <= 1024 {
        return message.to_owned();
    }
    format!("{}...", &message[..message.floor_char_boundary(1021)])
}
