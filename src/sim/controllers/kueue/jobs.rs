//! One queued job and its Workload: made, followed, and the job's suspension kept in step with it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{CLASS, QUEUE, condition, release};
use crate::{
    jobs::Kind,
    sim::{
        store::{
            Resource, Selector, Store,
            resource::{
                CLUSTERTRAININGRUNTIMES, PRIORITYCLASSES, RESOURCEFLAVORS, TRAININGRUNTIMES, WORKLOADPRIORITYCLASSES,
                WORKLOADS,
            },
        },
        value::{
            self, has_condition, int, is_deleting, label, list, name, namespace, owned_by, set, sha1, text, truth, uid,
        },
        write::{Note, Write},
    },
};

/// One pass over the Workload of the job `plural/name`, and over the job's suspension.
pub(crate) fn workload(store: &Store, space: &str, id: &str, now: Timestamp) -> Vec<Write> {
    let Some((plural, job_name)) = id.split_once('/') else { return Vec::new() };
    let Some(resource) = store.resources().into_iter().find(|r| r.plural == plural && r.group.contains("kubeflow.org"))
    else {
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
    if resource.group == "trainer.kubeflow.org" { "/spec/suspend" } else { "/spec/runPolicy/suspend" }
}

fn suspended(resource: &Resource, job: &Value) -> bool {
    truth(job, suspend_path(resource))
}

fn suspend(resource: &'static Resource, job: &Value, to: bool) -> Write {
    let mut changed = job.clone();
    set(&mut changed, suspend_path(resource), json!(to));
    Write::Update(resource, changed)
}

fn create(store: &Store, resource: &'static Resource, job: &Value) -> Vec<Write> {
    let ended = ["Succeeded", "Failed", "Complete"].iter().any(|c| has_condition(job, c));
    if ended {
        return Vec::new();
    }
    let workload_name = workload_name(resource, job);
    let mut spec = json!({"active": true, "queueName": label(job, QUEUE), "podSets": pod_sets(store, resource, job)});
    let (priority, class) = priority(store, resource, job);
    spec["priority"] = json!(priority);
    if let Some(class) = class {
        spec["priorityClassRef"] = class;
    }
    let object = json!({
        "metadata": {
            "name": workload_name, "namespace": namespace(job), "labels": {"kueue.x-k8s.io/job-uid": uid(job)},
            "ownerReferences": owned_by(job), "finalizers": [],
        },
        "spec": spec, "status": {},
    });
    let message = format!("Created Workload: {}/{workload_name}", namespace(job));
    let mut writes = Vec::new();
    if !suspended(resource, job) {
        writes.push(suspend(resource, job, true));
    }
    writes.push(Write::Create { resource: &WORKLOADS, object, blame: None });
    writes.push(Write::Tell(Note::normal(job, manager(resource), "CreatedWorkload", message)));
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
    let pods = pod_sets(store, resource, job);
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

fn manager(resource: &Resource) -> &'static str {
    match resource.kind {
        "MPIJob" => "kubeflow.org/mpijob-kueue-controller",
        "TrainJob" => "trainer.kubeflow.org/trainjob-kueue-controller",
        "PyTorchJob" => "kubeflow.org/pytorchjob-kueue-controller",
        _ => "kueue-controller",
    }
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

fn pod_sets(store: &Store, resource: &Resource, job: &Value) -> Value {
    let set_of = |role: &str, count: i64, template: Value| json!({"name": role.to_lowercase(), "count": count, "template": template});
    let Some(kind) = Kind::of(&resource.api_version(), resource.kind).filter(|k| *k != Kind::TrainJob) else {
        let usual = || runtime(store, job).and_then(|runtime| int(&runtime, "/spec/mlPolicy/numNodes"));
        let nodes = int(job, "/spec/trainer/numNodes").or_else(usual).unwrap_or(1);
        let resources = job.pointer("/spec/trainer/resourcesPerNode").cloned().unwrap_or_else(|| json!({}));
        let container = json!({"name": "node", "image": text(job, "/spec/trainer/image"), "resources": resources});
        return json!([set_of("node", nodes, json!({"spec": {"containers": [container]}}))]);
    };
    let info = kind.info();
    let sets = info.roles.iter().filter_map(|role| {
        let spec = job.pointer(&format!("/spec/{}/{role}", info.replica_specs))?;
        let template = json!({"spec": spec.pointer("/template/spec")?});
        Some(set_of(role, int(spec, "/replicas").unwrap_or(1), template))
    });
    sets.collect()
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
        let end = ["Succeeded", "Complete", "Failed"].into_iter().find(|c| has_condition(self.job, c));
        match end {
            Some(end) => self.finish(end),
            None if has_condition(self.load, "Evicted") => self.stop(),
            None => self.keep(),
        }
        if self.next.get("status") != self.load.get("status") {
            self.writes.push(Write::Status(&WORKLOADS, self.next));
        }
        self.writes
    }

    fn tell(&mut self, reason: &str, message: String) {
        self.writes.push(Write::Tell(Note::normal(self.job, manager(self.resource), reason, message)));
    }

    fn finish(&mut self, end: &str) {
        let message = value::condition(self.job, end).map_or("", |c| text(c, "/message")).to_owned();
        let reason = if end == "Failed" { "Failed" } else { "Succeeded" };
        if condition(&mut self.next, "Finished", true, reason, &message, self.now) {
            let load = format!("{}/{}", namespace(self.load), name(self.load));
            self.tell("FinishedWorkload", format!("Workload '{load}' is declared finished"));
        }
    }

    /// An evicted job is suspended; once nothing of it runs, its quota is free.
    fn stop(&mut self) {
        let evicted = value::condition(self.load, "Evicted").cloned().unwrap_or_default();
        let (reason, message) = (text(&evicted, "/reason"), text(&evicted, "/message"));
        if !suspended(self.resource, self.job) {
            let mut job = self.job.clone();
            restore(self.resource, &mut job, self.load);
            self.writes.push(suspend(self.resource, &job, true));
            self.tell("Stopped", message.to_owned());
            return;
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
            inject(self.store, self.resource, &mut job, self.load);
            self.writes.push(suspend(self.resource, &job, false));
            let queue = text(self.load, "/status/admission/clusterQueue");
            self.tell("Started", format!("Admitted by clusterQueue {queue}"));
        } else if !admitted && !suspended(self.resource, self.job) {
            let mut job = self.job.clone();
            restore(self.resource, &mut job, self.load);
            self.writes.push(suspend(self.resource, &job, true));
            self.tell("Stopped", "Not admitted by cluster queue".to_owned());
        }
        if has_condition(self.job, "Running") {
            let message = "All pods reached readiness and the workload is running";
            condition(&mut self.next, "PodsReady", true, "Started", message, self.now);
        } else if admitted || value::condition(self.load, "PodsReady").is_some() {
            let message = "Not all pods are ready or succeeded";
            condition(&mut self.next, "PodsReady", false, "WaitForStart", message, self.now);
        }
    }
}

/// Whether anything of the job still runs.
fn is_running(job: &Value) -> bool {
    let roles = job.pointer("/status/replicaStatuses").and_then(Value::as_object);
    let by_role = roles.into_iter().flatten().any(|(_, role)| int(role, "/active").unwrap_or(0) > 0);
    by_role || list(job, "/status/jobsStatus").iter().any(|j| int(j, "/active").unwrap_or(0) > 0)
}

/// Applies `change` to the pod spec of each role that has a pod set, with its name.
fn each_role(resource: &Resource, job: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
    let Some(kind) = Kind::of(&resource.api_version(), resource.kind) else { return };
    let info = kind.info();
    for role in info.roles {
        let path = format!("/spec/{}/{role}/template/spec", info.replica_specs);
        if let Some(spec) = job.pointer_mut(&path).filter(|s| s.is_object()) {
            change(&role.to_lowercase(), spec);
        }
    }
}

/// Sends the pods to the nodes of the flavors that were assigned.
fn inject(store: &Store, resource: &Resource, job: &mut Value, load: &Value) {
    let sets = list(load, "/status/admission/podSetAssignments");
    each_role(resource, job, &mut |role, spec| {
        let Some(set_of) = sets.iter().find(|s| text(s, "/name") == role) else { return };
        let mut flavors: Vec<&str> =
            set_of["flavors"].as_object().into_iter().flatten().filter_map(|(_, f)| f.as_str()).collect();
        flavors.sort_unstable();
        flavors.dedup();
        for flavor in flavors.iter().filter_map(|f| store.get(&RESOURCEFLAVORS, "", f).ok()) {
            let flavor = flavor.value();
            for (key, wanted) in flavor.pointer("/spec/nodeLabels").and_then(Value::as_object).into_iter().flatten() {
                spec["nodeSelector"][key] = wanted.clone();
            }
            for toleration in list(&flavor, "/spec/tolerations") {
                if !list(spec, "/tolerations").contains(toleration) {
                    value::push(spec, "/tolerations", toleration.clone());
                }
            }
        }
    });
}

/// Takes back what [`inject`] put into the templates.
fn restore(resource: &Resource, job: &mut Value, load: &Value) {
    let sets = list(load, "/spec/podSets");
    each_role(resource, job, &mut |role, spec| {
        let Some(original) = sets.iter().find(|s| text(s, "/name") == role).map(|s| &s["template"]["spec"]) else {
            return;
        };
        for field in ["nodeSelector", "tolerations"] {
            let was = original.get(field).filter(|v| !v.is_null()).cloned();
            match (was, spec.as_object_mut()) {
                (Some(was), Some(spec)) => drop(spec.insert(field.to_owned(), was)),
                (None, Some(spec)) => drop(Map::remove(spec, field)),
                _ => {}
            }
        }
    });
}
