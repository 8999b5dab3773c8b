//! The training-operator v1 kinds: pods and Services by replica, conditions, events.
//!
//! Owns one pass over one PyTorchJob, TFJob, XGBoostJob, PaddleJob, JAXJob or v1 MPIJob. Here a failed replica fails
//! (or restarts) the job, unlike in mpi-operator. Must not read a store or a clock.

mod environment;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::environment::{Place, defaults, service_ports};
use crate::{
    jobs::Kind,
    sim::{
        store::{
            Resource,
            resource::{PODS, SERVICES},
        },
        value::{
            self, after, has_condition, int, is_deleting, is_over, label, list, name, namespace, owned_by, phase, set,
            stamp, text, time, truth, uid,
        },
        write::{Note, Write},
    },
};

const TYPE: &str = "training.kubeflow.org/replica-type";
const INDEX: &str = "training.kubeflow.org/replica-index";

/// So many pods are made in one pass.
const IN_ONE_PASS: usize = 256;

/// What one pass sees.
pub(crate) struct Seen<'a> {
    /// Where jobs of this kind are stored.
    pub(crate) resource: &'static Resource,
    /// The kind.
    pub(crate) kind: Kind,
    /// Pods with the job's name.
    pub(crate) pods: &'a [Arc<Value>],
    /// Names of Services with the job's owner.
    pub(crate) services: &'a [String],
}

/// One pass; also when to look again.
pub(crate) fn reconcile(job: &Value, seen: &Seen<'_>, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let manager = text(job, "/spec/runPolicy/managedBy");
    if is_deleting(job) || !matches!(manager, "" | "kubeflow.org/training-operator") {
        return (Vec::new(), None);
    }
    let pods = seen.pods.iter().filter(|p| value::controller_uid(p) == uid(job)).cloned().collect();
    let mut pass = Pass { job, seen, next: job.clone(), pods, writes: Vec::new(), wake: None, now };
    pass.run();
    if pass.next.get("status") != job.get("status") {
        pass.writes.push(Write::Status(seen.resource, pass.next));
    }
    (pass.writes, pass.wake)
}

struct Pass<'a> {
    job: &'a Value,
    seen: &'a Seen<'a>,
    next: Value,
    pods: Vec<Arc<Value>>,
    writes: Vec<Write>,
    wake: Option<Timestamp>,
    now: Timestamp,
}

impl Pass<'_> {
    fn run(&mut self) {
        let kind = self.kind();
        if list(self.job, "/status/conditions").is_empty() {
            let message = format!("{kind} {} is created.", name(self.job));
            self.condition("Created", true, &format!("{kind}Created"), &message);
        }
        if has_condition(self.job, "Succeeded") || has_condition(self.job, "Failed") {
            self.after_the_end();
        } else if truth(self.job, "/spec/runPolicy/suspend") {
            self.suspend();
        } else {
            self.resume();
            if !self.past_limits() {
                self.replicas();
                self.judge();
            }
        }
        self.count();
    }

    fn kind(&self) -> &'static str {
        self.seen.kind.info().kind
    }

    fn from(&self) -> &'static str {
        self.seen.kind.info().operator
    }

    fn tell(&mut self, warning: bool, reason: &str, message: &str) {
        let make = if warning { Note::warning } else { Note::normal };
        let note = make(self.job, self.from(), reason, message);
        self.writes.push(Write::Tell(note));
    }

    /// Conditions move to the end when they change; Running and Restarting push each other out.
    fn condition(&mut self, kind: &str, truth: bool, reason: &str, message: &str) -> bool {
        let status = if truth { "True" } else { "False" };
        let old = value::condition(&self.next, kind);
        if old.is_some_and(|c| text(c, "/status") == status && text(c, "/reason") == reason) {
            return false;
        }
        let rival = match kind {
            "Running" => "Restarting",
            "Restarting" => "Running",
            _ => "",
        };
        let ends = matches!(kind, "Succeeded" | "Failed");
        let mut all = Vec::new();
        for c in list(&self.next, "/status/conditions") {
            let mut c = c.clone();
            if [kind, rival].contains(&text(&c, "/type")) {
                continue;
            }
            if ends && text(&c, "/type") == "Running" {
                c["status"] = json!("False");
            }
            all.push(c);
        }
        let at = stamp(self.now);
        all.push(json!({"type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": at, "lastTransitionTime": at}));
        set(&mut self.next, "/status/conditions", Value::Array(all));
        true
    }

    fn suspend(&mut self) {
        let kind = self.kind();
        self.delete_pods(|_| true);
        let message = format!("{kind} {} is suspended.", name(self.job));
        if value::condition(&self.next, "Running").is_some() {
            self.condition("Running", false, &format!("{kind}Suspended"), &message);
        }
        self.condition("Suspended", true, &format!("{kind}Suspended"), &message);
        self.tell(false, &format!("{kind}Suspended"), &message);
    }

    fn resume(&mut self) {
        let kind = self.kind();
        if has_condition(&self.next, "Suspended") {
            let message = format!("{kind} {} is resumed.", name(self.job));
            self.condition("Suspended", false, &format!("{kind}Resumed"), &message);
            self.tell(false, &format!("{kind}Resumed"), &message);
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
        if text(&self.next, "/status/startTime").is_empty() {
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
    }

    /// Whether it ends for having tried too often or too long; then nothing of it stays.
    fn past_limits(&mut self) -> bool {
        let why = if self.restarted_too_often() {
            "it has reached the specified backoff limit"
        } else if self.past_deadline() {
            "it was active longer than specified deadline"
        } else {
            return false;
        };
        self.delete_pods(|_| true);
        let message = format!("Job {} has failed because {why}", name(self.job));
        self.end("Failed", &message);
        true
    }

    /// Restarts in place count, of replicas that are restarted at all and run now.
    fn restarted_too_often(&self) -> bool {
        let Some(limit) = int(self.job, "/spec/runPolicy/backoffLimit") else { return false };
        let counts = |pod: &&Arc<Value>| {
            let role = label(pod, TYPE);
            let again =
                |(name, spec): &(&str, Value)| name.to_lowercase() == role && policy(self.seen.kind, spec) != "Never";
            phase(pod) == "Running" && self.specs().iter().any(again)
        };
        let containers = self.pods.iter().filter(counts).flat_map(|pod| list(pod, "/status/containerStatuses"));
        let restarts: i64 = containers.filter_map(|c| int(c, "/restartCount")).sum();
        if limit == 0 { restarts > 0 } else { restarts >= limit }
    }

    fn past_deadline(&mut self) -> bool {
        let (Some(limit), Some(start)) =
            (int(self.job, "/spec/runPolicy/activeDeadlineSeconds"), time(&self.next, "/status/startTime"))
        else {
            return false;
        };
        let due = after(start, limit as f64);
        if self.now < due {
            self.wake = Some(due);
            return false;
        }
        true
    }

    fn end(&mut self, how: &str, message: &str) {
        let reason = format!("{}{how}", self.kind());
        self.condition(how, true, &reason, message);
        set(&mut self.next, "/status/completionTime", json!(stamp(self.now)));
        // A failure is told as `Normal` there, too.
        self.tell(false, &reason, message);
    }

    fn specs(&self) -> Vec<(&'static str, Value)> {
        let info = self.seen.kind.info();
        let all = self.job.pointer(&format!("/spec/{}", info.replica_specs));
        info.roles.iter().filter_map(|role| Some((*role, all?.get(role)?.clone()))).collect()
    }

    fn replicas(&mut self) {
        let specs = self.specs();
        let there: HashMap<String, Arc<Value>> =
            self.pods.iter().map(|pod| (name(pod).to_owned(), Arc::clone(pod))).collect();
        let services: std::collections::HashSet<&str> = self.seen.services.iter().map(String::as_str).collect();
        let mut left = IN_ONE_PASS;
        for (role, spec) in &specs {
            let (low, wanted) = (role.to_lowercase(), int(spec, "/replicas").unwrap_or(1).max(0));
            // Those beyond what is wanted now.
            self.delete_pods(|pod| {
                label(pod, TYPE) == low && label(pod, INDEX).parse::<i64>().is_ok_and(|index| index >= wanted)
            });
            for index in 0..wanted {
                let lone = *role == "Launcher";
                let end = if lone { "launcher".to_owned() } else { format!("{}-{index}", role.to_lowercase()) };
                let pod_name = format!("{}-{end}", name(self.job));
                match there.get(&pod_name) {
                    // What these change wakes the next pass.
                    None if left == 0 => break,
                    None => {
                        left -= 1;
                        self.create(role, spec, index, &pod_name, &specs);
                    }
                    Some(pod) => {
                        if !services.contains(pod_name.as_str()) {
                            self.create_service(&pod_name, &low, index, spec);
                        }
                        self.replica(role, spec, pod);
                    }
                }
            }
        }
    }

    /// A replica that has its pod: tells how it ended, and makes room for another try.
    fn replica(&mut self, role: &str, spec: &Value, pod: &Value) {
        let pod_name = name(pod);
        if let Some(code) = self.ended(pod) {
            let said = format!("Pod: {}.{pod_name} exited with code {code}", namespace(self.job));
            self.tell(false, "ExitedWithCode", &said);
        }
        if phase(pod) == "Failed" && !is_deleting(pod) && retried(self.seen.kind, spec, pod) {
            self.writes.push(Write::Delete(&PODS, namespace(self.job).into(), pod_name.to_owned()));
            self.tell(false, "SuccessfulDeletePod", &format!("Deleted pod: {pod_name}"));
            let said = format!("job {} is restarting because {role} replica(s) failed.", name(self.job));
            self.tell(true, &format!("{}Restarting", self.kind()), &said);
            self.restarting(role);
        }
    }

    /// The code with which the container of the kind's name has ended.
    fn ended(&self, pod: &Value) -> Option<i64> {
        let (called, ..) = defaults(self.seen.kind);
        let all = list(pod, "/status/containerStatuses").iter().filter(|c| text(c, "/name") == called);
        all.filter_map(|c| int(c, "/state/terminated/exitCode")).next_back()
    }

    fn restarting(&mut self, role: &str) {
        let kind = self.kind();
        let message = format!("{kind} {} is restarting because 1 {role} replica(s) failed.", self.called());
        if self.condition("Restarting", true, &format!("{kind}Restarting"), &message) {
            self.tell(true, &format!("{kind}Restarting"), &message);
        }
    }

    fn create(&mut self, role: &str, spec: &Value, index: i64, pod_name: &str, specs: &[(&'static str, Value)]) {
        let low = role.to_lowercase();
        let mut labels =
            spec.pointer("/template/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
        for (key, value) in [
            ("training.kubeflow.org/job-name", name(self.job).to_owned()),
            ("training.kubeflow.org/operator-name", self.from().to_owned()),
            (TYPE, low.clone()),
            (INDEX, index.to_string()),
        ] {
            labels.insert(key.into(), json!(value));
        }
        if self.seen.kind == Kind::MpiJobV1 {
            labels.insert("training.kubeflow.org/job-role".into(), json!(low));
        } else if index == 0 && self.leads(role, specs) {
            labels.insert("training.kubeflow.org/job-role".into(), json!("master"));
        }
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "status": {"phase": "Pending"},
            "metadata": {"name": pod_name, "namespace": namespace(self.job), "labels": labels, "ownerReferences": owned_by(self.job)},
            "spec": spec.pointer("/template/spec").cloned().unwrap_or_default(),
        });
        if let Some(annotations) = spec.pointer("/template/metadata/annotations") {
            pod["metadata"]["annotations"] = annotations.clone();
        }
        let policy = match policy(self.seen.kind, spec) {
            "ExitCode" => "Never",
            other => other,
        };
        set(&mut pod, "/spec/restartPolicy", json!(policy));
        Place { kind: self.seen.kind, job: self.job, specs, role, index }.equip(&mut pod);
        if !self.seen.services.iter().any(|s| s == pod_name) {
            self.create_service(pod_name, &low, index, spec);
        }
        let blame = Note::warning(self.job, self.from(), "FailedCreatePod", "Error creating: ");
        self.writes.push(Write::Create { resource: &PODS, object: pod, blame: Some(blame) });
        self.tell(false, "SuccessfulCreatePod", &format!("Created pod: {pod_name}"));
    }

    /// Whether the first replica of a role is the master: where there is no other, a worker of most kinds is.
    fn leads(&self, role: &str, specs: &[(&'static str, Value)]) -> bool {
        let is_master = |role: &str| matches!(role, "Master" | "Chief");
        let workers_lead = matches!(self.seen.kind, Kind::PyTorchJob | Kind::TfJob | Kind::JaxJob);
        is_master(role) || (role == "Worker" && workers_lead && !specs.iter().any(|(other, _)| is_master(other)))
    }

    fn create_service(&mut self, pod_name: &str, low: &str, index: i64, spec: &Value) {
        let selector = json!({
            "training.kubeflow.org/job-name": name(self.job), "training.kubeflow.org/operator-name": self.from(),
            TYPE: low, INDEX: index.to_string(),
        });
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": pod_name, "namespace": namespace(self.job), "labels": selector, "ownerReferences": owned_by(self.job)},
            "spec": {"clusterIP": "None", "selector": selector, "ports": service_ports(self.seen.kind, spec)},
        });
        self.writes.push(Write::Create { resource: &SERVICES, object: service, blame: None });
        self.tell(false, "SuccessfulCreateService", &format!("Created service: {pod_name}"));
    }

    /// Succeeded, failed, or running, by the replicas.
    fn judge(&mut self) {
        let kind = self.kind();
        let specs = self.specs();
        let of = |role: &str, wanted: &str| {
            let low = role.to_lowercase();
            self.pods.iter().filter(|p| label(p, TYPE) == low && phase(p) == wanted).count() as i64
        };
        let failed = specs.iter().find_map(|(role, spec)| {
            let low = role.to_lowercase();
            let dead = self.pods.iter().filter(|p| label(p, TYPE) == low && phase(p) == "Failed" && !is_deleting(p));
            let n = dead.filter(|p| !retried(self.seen.kind, spec, p)).count();
            (n > 0).then_some((*role, n))
        });
        if let Some((role, n)) = failed {
            let by_code = specs.iter().any(|(of, spec)| *of == role && text(spec, "/restartPolicy") == "ExitCode");
            if by_code {
                let message = format!("job {:?} is failing because {role:?} replica(s) failed.", name(self.job));
                let reason = format!("{kind}Failed");
                self.condition("Failed", true, &reason, &message);
                return self.tell(true, &reason, &message);
            }
            let has = if self.seen.kind == Kind::TfJob { "has" } else { "is" };
            let message = format!("{kind} {} {has} failed because {n} {role} replica(s) failed.", self.called());
            return self.end("Failed", &message);
        }
        let Some((lead, spec)) = specs.iter().find(|(role, _)| !matches!(*role, "PS" | "Evaluator" | "Eval")) else {
            return;
        };
        let replicas = int(spec, "/replicas").unwrap_or(1);
        let done = of(lead, "Succeeded");
        let led = *lead != "Worker";
        // Without a chief, a TFJob is done with its first worker, unless it says otherwise.
        let first = self.seen.kind == Kind::TfJob && !led && text(self.job, "/spec/successPolicy") != "AllWorkers";
        let first_done = || self.pods.iter().any(|p| name(p).ends_with("-worker-0") && phase(p) == "Succeeded");
        let full = format!("{}/{}", namespace(self.job), name(self.job));
        let by_workers = !led || matches!(self.seen.kind, Kind::TfJob | Kind::MpiJobV1);
        let wanted = if led { 1 } else { replicas.max(1) };
        if done >= wanted || (first && first_done()) {
            let message = if by_workers {
                format!("{kind} {full} successfully completed.")
            } else {
                format!("{kind} {} is successfully completed.", name(self.job))
            };
            return self.end("Succeeded", &message);
        }
        if of(lead, "Running") > 0 {
            let called = if by_workers { full } else { name(self.job).to_owned() };
            self.condition("Running", true, &format!("{kind}Running"), &format!("{kind} {called} is running."));
        }
    }

    /// What a job is called: by its namespace, too, where its kind is `TFJob`.
    fn called(&self) -> String {
        if self.seen.kind == Kind::TfJob {
            format!("{}/{}", namespace(self.job), name(self.job))
        } else {
            name(self.job).to_owned()
        }
    }

    fn after_the_end(&mut self) {
        match text(self.job, "/spec/runPolicy/cleanPodPolicy") {
            "All" => self.delete_pods(|_| true),
            "Running" => self.delete_pods(|pod| !is_over(pod)),
            _ => {}
        }
        let end = time(self.job, "/status/completionTime");
        if let (Some(ttl), Some(end)) = (int(self.job, "/spec/runPolicy/ttlSecondsAfterFinished"), end) {
            let due = after(end, ttl as f64);
            if self.now >= due {
                let (namespace, name) = (namespace(self.job).into(), name(self.job).into());
                self.writes.push(Write::Delete(self.seen.resource, namespace, name));
                let by_pod = matches!(self.seen.kind, Kind::PyTorchJob | Kind::PaddleJob | Kind::JaxJob);
                let reason = if by_pod { "SuccessfulDeletePod" } else { "SuccessfulDeleteJob" };
                self.tell(false, reason, &format!("Deleted job: {}", value::name(self.job)));
            } else {
                self.wake = Some(due);
            }
        }
    }

    fn delete_pods(&mut self, which: impl Fn(&Value) -> bool) {
        for pod in self.pods.iter().filter(|p| !is_deleting(p) && which(p)) {
            let (namespace, name) = (namespace(pod).to_owned(), name(pod).to_owned());
            let from = self.seen.kind.info().operator;
            let told =
                |reason, what| Write::Tell(Note::normal(self.job, from, reason, format!("Deleted {what}: {name}")));
            let (pod, service) = (told("SuccessfulDeletePod", "pod"), told("SuccessfulDeleteService", "service"));
            self.writes.extend([Write::Delete(&PODS, namespace.clone(), name.clone()), pod]);
            self.writes.extend([Write::Delete(&SERVICES, namespace, name.clone()), service]);
        }
    }

    /// What has ended is counted no more; when it ends well, who still runs has succeeded.
    fn count(&mut self) {
        if [self.job, &self.next].into_iter().any(|job| truth(job, "/spec/runPolicy/suspend"))
            && self.job["status"]["replicaStatuses"].is_null()
        {
            return;
        }
        if has_condition(self.job, "Succeeded") || has_condition(self.job, "Failed") {
            return;
        }
        let well = has_condition(&self.next, "Succeeded");
        let selects = matches!(self.seen.kind, Kind::PyTorchJob | Kind::PaddleJob | Kind::JaxJob);
        let mut all = Map::new();
        for (role, _) in self.specs() {
            let low = role.to_lowercase();
            let mut counts = Map::new();
            let of = |wanted: &str| {
                self.pods.iter().filter(|p| label(p, TYPE) == low && phase(p) == wanted && !is_deleting(p)).count()
            };
            if selects {
                let [job, from] = [name(self.job), self.from()];
                let label = |key: &str, value: &str| format!("training.kubeflow.org/{key}={value}");
                let all = [label("job-name", job), label("operator-name", from), label("replica-type", &low)];
                counts.insert("selector".into(), json!(all.join(",")));
            }
            let (active, succeeded) = (of("Running"), of("Succeeded"));
            let (active, succeeded) = if well { (0, active + succeeded) } else { (active, succeeded) };
            for (word, n) in [("active", active), ("succeeded", succeeded), ("failed", of("Failed"))] {
                if n > 0 {
                    counts.insert(word.into(), json!(n));
                }
            }
            all.insert(role.into(), Value::Object(counts));
        }
        set(&mut self.next, "/status/replicaStatuses", Value::Object(all));
    }
}

/// The restart policy of a role: what it says, else what its kind does.
fn policy(kind: Kind, spec: &Value) -> &str {
    match text(spec, "/restartPolicy") {
        "" if matches!(kind, Kind::TfJob | Kind::XgBoostJob | Kind::JaxJob) => "Never",
        "" => "OnFailure",
        given => given,
    }
}

/// Whether a failed pod is deleted and made again. `ExitCode`: 128 and more are tried again, less is for good.
fn retried(kind: Kind, spec: &Value, pod: &Value) -> bool {
    match policy(kind, spec) {
        "ExitCode" => exit_code(pod).is_some_and(|code| code >= 128),
        policy => matches!(policy, "OnFailure" | "Always"),
    }
}

/// The worst code that a container of the pod has ended with.
fn exit_code(pod: &Value) -> Option<i64> {
    let ended = list(pod, "/status/containerStatuses").iter();
    ended.filter_map(|c| int(c, "/state/terminated/exitCode")).max()
}

#[cfg(test)]
mod tests;
