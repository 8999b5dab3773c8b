//! One queued job and its Workload: made, followed, and the job's suspension kept in step with it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    CLASS, FINALIZER, QUEUE, condition,
    equip::{inject, restore},
    free, pod_sets, release, told,
};
use crate::sim::{
    store::{
        Resource, Selector, Store,
        resource::{PRIORITYCLASSES, WORKLOADPRIORITYCLASSES, WORKLOADS},
    },
    value::{
        self, has_condition, int, is_deleting, label, list, name, namespace, owned_by, set, sha1, text, truth, uid,
    },
    write::{Note, Write},
};

/// Conditions of a job that has ended, as the kinds call them.
const ENDS: [&str; 4] = ["Succeeded", "Complete", "Completed", "Failed"];

/// One pass over the Workload of the job `plural/name`, and over the job's suspension.
pub(crate) fn workload(store: &Store, space: &str, id: &str, now: Timestamp) -> Vec<Write> {
    let Some((plural, job_name)) = id.split_once('/') else { return Vec::new() };
    let Some(resource) = store.resources().into_iter().find(|r| r.plural == plural && is_queued(r)) else {
        return Vec::new();
    };
    let Ok(job) = store.get(resource, space, job_name) else { return Vec::new() };
    let job = job.value();
    if is_deleting(&job) || store.served("kueue.x-k8s.io", "workloads").is_none() {
        return Vec::new();
    }
    let selector = Selector::label("kueue.x-k8s.io/job-uid", uid(&job));
    let found = store.list(&WORKLOADS, Some(space), &selector).items;
    let Some(workload) = found.first().map(|w| w.value()) else { return create(store, resource, &job) };
    Follow { store, resource, job: &job, load: &workload, next: Value::clone(&workload), writes: Vec::new(), now }.run()
}

fn suspend_path(resource: &Resource) -> &'static str {
    if resource.group == "kubeflow.org" { "/spec/runPolicy/suspend" } else { "/spec/suspend" }
}

fn suspended(resource: &Resource, job: &Value) -> bool {
    truth(job, suspend_path(resource))
}

fn suspend(resource: &'static Resource, job: &Value, to: bool) -> Write {
    let mut changed = job.clone();
    set(&mut changed, suspend_path(resource), json!(to));
    Write::Update(resource, changed)
}

/// Kueue's webhook: a job that names a queue begins suspended.
pub(crate) fn hold(store: &Store, resource: &Resource, job: &mut Value) {
    let named = !label(job, QUEUE).is_empty();
    if named && is_queued(resource) && store.served("kueue.x-k8s.io", "workloads").is_some() {
        set(job, suspend_path(resource), json!(true));
    }
}

/// Whether objects of a kind are queued.
fn is_queued(resource: &Resource) -> bool {
    let groups = ["kubeflow.org", "trainer.kubeflow.org", "jobset.x-k8s.io"];
    groups.contains(&resource.group) && (resource.kind.ends_with("Job") || resource.kind == "JobSet")
}

fn create(store: &Store, resource: &'static Resource, job: &Value) -> Vec<Write> {
    let ended = ENDS.iter().any(|c| has_condition(job, c));
    if ended {
        return Vec::new();
    }
    let workload_name = workload_name(resource, job);
    let mut spec =
        json!({"active": true, "queueName": label(job, QUEUE), "podSets": pod_sets::of(store, resource, job)});
    if list(&spec, "/podSets").is_empty() {
        // A TrainJob whose runtime is not there yet.
        return Vec::new();
    }
    let (priority, class) = priority(store, resource, job);
    spec["priority"] = json!(priority);
    if let Some(class) = class {
        spec["priorityClassRef"] = class;
    }
    let object = json!({
        "metadata": {
            "name": workload_name, "namespace": namespace(job), "labels": {"kueue.x-k8s.io/job-uid": uid(job)},
            "ownerReferences": owned_by(job), "finalizers": [FINALIZER],
        },
        "spec": spec, "status": {},
    });
    let message = format!("Created Workload: {}/{workload_name}", namespace(job));
    let mut writes = Vec::new();
    if !suspended(resource, job) {
        writes.push(suspend(resource, job, true));
    }
    writes.push(Write::Create { resource: &WORKLOADS, object, blame: None });
    writes.push(Write::Tell(told(Note::normal(job, manager(resource), "CreatedWorkload", message))));
    writes
}

/// The kind and the job's name, cut to 63 characters with a hash of what it is.
fn workload_name(resource: &Resource, job: &Value) -> String {
    let hex = sha1(&format!("{}\n{}\n{}\n{}", resource.kind, resource.group, name(job), uid(job)));
    let stem = format!("{}-{}", resource.kind.to_lowercase(), name(job));
    format!("{}-{}", &stem[..stem.len().min(57)], &hex[..5])
}

/// By the label's class, else by the pods' own.
fn priority(store: &Store, resource: &Resource, job: &Value) -> (i64, Option<Value>) {
    let class = label(job, CLASS);
    let value_of = |object: Option<crate::sim::store::Obj>| object.and_then(|c| int(&c.value(), "/value"));
    if !class.is_empty() {
        let value = value_of(store.get(&WORKLOADPRIORITYCLASSES, "", class).ok()).unwrap_or(0);
        let of = json!({"group": "kueue.x-k8s.io", "kind": "WorkloadPriorityClass", "name": class});
        return (value, Some(of));
    }
    let policy = text(job, "/spec/runPolicy/schedulingPolicy/priorityClass").to_owned();
    let pods = pod_sets::of(store, resource, job);
    let templates =
        pods.as_array().into_iter().flatten().map(|p| text(p, "/template/spec/priorityClassName").to_owned());
    let class = std::iter::once(policy).chain(templates).find(|class| !class.is_empty());
    match class.and_then(|class| Some((value_of(store.get(&PRIORITYCLASSES, "", &class).ok())?, class))) {
        Some((value, class)) => {
            (value, Some(json!({"group": "scheduling.k8s.io", "kind": "PriorityClass", "name": class})))
        }
        None => (0, None),
    }
}

/// Who minds jobs of a kind.
fn manager(resource: &Resource) -> String {
    format!("{}/{}-kueue-controller", resource.group, resource.kind.to_lowercase())
}

/// One look at a job that has its Workload.
struct Follow<'a> {
    store: &'a Store,
    resource: &'static Resource,
    job: &'a Value,
    load: &'a Value,
    next: Value,
    writes: Vec<Write>,
    now: Timestamp,
}

impl Follow<'_> {
    fn run(mut self) -> Vec<Write> {
        let end = ENDS.into_iter().find(|c| has_condition(self.job, c));
        if is_deleting(self.load) {
            self.halt("Workload is deleted");
            self.writes.extend(free(self.load));
            return self.writes;
        }
        if end.is_none() && self.fit() {
            return self.writes;
        }
        if end.is_none() && self.relabel() {
            return self.writes;
        }
        match end {
            Some(end) => self.finish(end),
            None if has_condition(self.load, "Evicted") => self.stop(),
            None => self.keep(),
        }
        if end.is_none() {
            self.pods_ready();
        }
        if self.next.get("status") != self.load.get("status") {
            self.writes.push(Write::Status(&WORKLOADS, self.next));
        }
        self.writes
    }

    fn tell(&mut self, reason: &str, message: String) {
        self.writes.push(Write::Tell(told(Note::normal(self.job, manager(self.resource), reason, message))));
    }

    /// Another queue while the job waits, and another priority class, go to its Workload; whether there was one.
    fn relabel(&mut self) -> bool {
        let (queue, class) = (label(self.job, QUEUE), label(self.job, CLASS));
        let mut next = self.load.clone();
        if !queue.is_empty() && !has_condition(self.load, "QuotaReserved") {
            set(&mut next, "/spec/queueName", json!(queue));
        }
        let other = !class.is_empty() && class != text(self.load, "/spec/priorityClassRef/name");
        if other {
            let (priority, of) = priority(self.store, self.resource, self.job);
            set(&mut next, "/spec/priority", json!(priority));
            set(&mut next, "/spec/priorityClassRef", json!(of));
        }
        let changed = next["spec"] != self.load["spec"];
        if changed {
            self.writes.push(Write::Update(&WORKLOADS, next));
        }
        if other {
            let of = format!("{}/{}", namespace(self.load), name(self.load));
            self.tell("UpdatedWorkload", format!("Updated workload priority class: {of}"));
        }
        changed
    }

    /// A job whose pods are others in number than its Workload says: the Workload follows while the job waits for quota,
    /// else the job is stopped and queued anew; whether there was anything to do.
    fn fit(&mut self) -> bool {
        let wanted = pod_sets::of(self.store, self.resource, self.job);
        let counts = |sets: &Value| {
            let sets = sets.as_array().into_iter().flatten();
            sets.map(|s| (text(s, "/name").to_owned(), int(s, "/count"))).collect::<Vec<_>>()
        };
        let known = !list(&wanted, "").is_empty();
        if !known || counts(&wanted) == counts(&self.load["spec"]["podSets"]) {
            return false;
        }
        let of = format!("{}/{}", namespace(self.load), name(self.load));
        if suspended(self.resource, self.job) && !has_condition(self.load, "QuotaReserved") {
            let mut next = self.load.clone();
            set(&mut next, "/spec/podSets", wanted);
            self.writes.push(Write::Update(&WORKLOADS, next));
            self.tell("UpdatedWorkload", format!("Updated not matching Workload for suspended job: {of}"));
            return true;
        }
        self.halt("No matching Workload; restoring pod templates according to existent Workload");
        self.writes.extend(free(self.load));
        self.writes.push(Write::Delete(&WORKLOADS, namespace(self.load).to_owned(), name(self.load).to_owned()));
        self.tell("DeletedWorkload", format!("Deleted not matching Workload: {of}"));
        true
    }

    /// Suspends a job that runs, its templates as they were.
    fn halt(&mut self, message: &str) {
        if !suspended(self.resource, self.job) {
            let mut job = self.job.clone();
            restore(self.resource, &mut job, self.load, self.now);
            self.writes.push(suspend(self.resource, &job, true));
            self.tell("Stopped", message.to_owned());
        }
    }

    fn finish(&mut self, end: &str) {
        let message = value::condition(self.job, end).map_or("", |c| text(c, "/message")).to_owned();
        let reason = if end == "Failed" { "Failed" } else { "Succeeded" };
        if condition(&mut self.next, "Finished", true, reason, &message, self.now) {
            let load = format!("{}/{}", namespace(self.load), name(self.load));
            self.tell("FinishedWorkload", format!("Workload '{load}' is declared finished"));
        }
        self.writes.extend(free(self.load));
    }

    /// An evicted job is suspended; once nothing of it runs, its quota is free.
    fn stop(&mut self) {
        let evicted = value::condition(self.load, "Evicted").cloned().unwrap_or_default();
        let (reason, message) = (text(&evicted, "/reason"), text(&evicted, "/message"));
        if !suspended(self.resource, self.job) {
            return self.halt(message);
        }
        if has_condition(self.load, "QuotaReserved") && !is_running(self.job) {
            let again = matches!(reason, "Preempted" | "NodeFailures");
            condition(&mut self.next, "Requeued", again, reason, message, self.now);
            release(&mut self.next, "PendingEvaluation", message, self.now);
        }
    }

    /// Starts what is admitted, holds what is not, and tells whether the pods are ready.
    fn keep(&mut self) {
        let admitted = has_condition(self.load, "Admitted");
        if admitted && suspended(self.resource, self.job) {
            let mut job = self.job.clone();
            inject(self.store, self.resource, &mut job, self.load, self.now);
            self.writes.push(suspend(self.resource, &job, false));
            let queue = text(self.load, "/status/admission/clusterQueue");
            self.tell("Started", format!("Admitted by clusterQueue {queue}"));
        } else if !admitted && !suspended(self.resource, self.job) {
            self.halt("Not admitted by cluster queue");
        } else if has_condition(self.load, "QuotaReserved") && !admitted {
            let waiting = list(self.load, "/status/admissionChecks").iter();
            let waiting = waiting.filter(|c| text(c, "/state") == "Pending" && !text(c, "/message").is_empty());
            let said: Vec<String> = waiting.map(|c| format!("{}: {}", text(c, "/name"), text(c, "/message"))).collect();
            if !said.is_empty() {
                self.tell("UpdatedAdmissionCheck", said.join("; "));
            }
        }
    }

    /// Whether all pods of an admitted job are ready, or were.
    fn pods_ready(&mut self) {
        let was = value::condition(self.load, "PodsReady");
        let fell = was.is_some_and(|was| text(was, "/status") == "True" || text(was, "/reason") == "WaitForRecovery");
        let (truth, reason, message) = if !has_condition(self.load, "Admitted") {
            (false, "WaitForStart", "Not all pods are ready or succeeded")
        } else if is_ready(self.job, self.load) {
            (true, "Started", "All pods reached readiness and the workload is running")
        } else if fell {
            (false, "WaitForRecovery", "At least one pod has failed, waiting for recovery")
        } else {
            (false, "WaitForStart", "Not all pods are ready or succeeded")
        };
        condition(&mut self.next, "PodsReady", truth, reason, message, self.now);
    }
}

/// Whether all pods of a job are ready or have ended well.
fn is_ready(job: &Value, load: &Value) -> bool {
    let counts = list(job, "/status/jobsStatus");
    if !counts.is_empty() {
        // Of a TrainJob: its Jobs, role by role.
        return list(load, "/spec/podSets").iter().all(|set_of| {
            let of = counts.iter().find(|c| c["name"] == set_of["name"]);
            let n = |field| of.and_then(|c| int(c, field)).unwrap_or(0);
            n("/ready") + n("/succeeded") >= int(set_of, "/topologyRequest/subGroupCount").unwrap_or(1)
        });
    }
    let roles = list(job, "/spec/replicatedJobs");
    let well = |role: &Value| {
        let of = |c: &&Value| text(c, "/name") == text(role, "/name");
        let count = list(job, "/status/replicatedJobsStatus").iter().find(of);
        let n = |field| count.and_then(|c| int(c, field)).unwrap_or(0);
        n("/ready") + n("/succeeded") >= int(role, "/replicas").unwrap_or(1)
    };
    has_condition(job, "Running") || (!roles.is_empty() && roles.iter().all(well))
}

/// Whether anything of the job still runs.
fn is_running(job: &Value) -> bool {
    let roles = job.pointer("/status/replicaStatuses").and_then(Value::as_object);
    let by_role = roles.into_iter().flatten().any(|(_, role)| int(role, "/active").unwrap_or(0) > 0);
    let mut by_job = list(job, "/status/jobsStatus").iter().chain(list(job, "/status/replicatedJobsStatus"));
    by_role || by_job.any(|j| int(j, "/active").unwrap_or(0) > 0)
}
