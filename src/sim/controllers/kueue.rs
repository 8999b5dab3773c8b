//! Kueue: Workloads of queued jobs, admission by quota, preemption, in Kueue's own words.
//!
//! Owns one pass over one job's Workload ([`workload`]) and one over all queues ([`admit`]). Flavors: the first
//! of a resource group counts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    amounts::{self, Amounts, amount, written},
    value::{
        self, annotation, has_condition, hash, int, is_deleting, label, list, name, namespace, owned_by, set, text,
        truth, uid,
    },
    write::{Cond, Note, Write, set_condition},
};
use crate::{
    jobs::Kind,
    sim::store::{
        Resource, Selector, Store,
        resource::{CLUSTERQUEUES, LOCALQUEUES, WORKLOADPRIORITYCLASSES, WORKLOADS},
    },
};

const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const CLASS: &str = "kueue.x-k8s.io/priority-class";

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
    follow(resource, &job, &workload, now)
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
    let class = label(job, CLASS);
    let priority =
        store.get(&WORKLOADPRIORITYCLASSES, "", class).ok().and_then(|c| int(&c.value(), "/value")).unwrap_or(0);
    let short = format!("{:05x}", hash(&format!("{}\n{}", resource.kind, uid(job))) & 0xf_ffff);
    let workload_name = format!("{}-{}-{short}", resource.kind.to_lowercase(), name(job));
    let mut spec = json!({
        "active": true, "queueName": label(job, QUEUE), "priority": priority, "podSets": pod_sets(resource, job),
    });
    if !class.is_empty() {
        spec["priorityClassRef"] = json!({"group": "kueue.x-k8s.io", "kind": "WorkloadPriorityClass", "name": class});
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

fn manager(resource: &Resource) -> &'static str {
    match resource.kind {
        "MPIJob" => "kubeflow.org/mpijob-kueue-controller",
        "TrainJob" => "trainer.kubeflow.org/trainjob-kueue-controller",
        "PyTorchJob" => "kubeflow.org/pytorchjob-kueue-controller",
        _ => "kueue-controller",
    }
}

fn pod_sets(resource: &Resource, job: &Value) -> Value {
    let set_of = |role: &str, count: i64, template: Value| json!({"name": role.to_lowercase(), "count": count, "template": template});
    let Some(kind) = Kind::of(&resource.api_version(), resource.kind).filter(|k| *k != Kind::TrainJob) else {
        let nodes = int(job, "/spec/trainer/numNodes").unwrap_or(1);
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

fn follow(resource: &'static Resource, job: &Value, workload: &Value, now: Timestamp) -> Vec<Write> {
    let mut next = workload.clone();
    let mut writes = Vec::new();
    let end = ["Succeeded", "Complete", "Failed"].into_iter().find(|c| has_condition(job, c));
    if let Some(end) = end {
        let message = value::condition(job, end).map_or("", |c| text(c, "/message"));
        let reason = if end == "Failed" { "Failed" } else { "Succeeded" };
        if set_condition(&mut next, Cond { kind: "Finished", truth: true, reason, message }, now) {
            let said = format!("Workload '{}/{}' is declared finished", namespace(workload), name(workload));
            writes.push(Write::Tell(Note::normal(job, manager(resource), "FinishedWorkload", said)));
            writes.push(Write::Status(&WORKLOADS, next));
        }
        return writes;
    }
    let admitted = has_condition(workload, "Admitted");
    let cluster_queue = text(workload, "/status/admission/clusterQueue");
    if admitted && suspended(resource, job) {
        writes.push(suspend(resource, job, false));
        let said = format!("Admitted by clusterQueue {cluster_queue}");
        writes.push(Write::Tell(Note::normal(job, manager(resource), "Started", said)));
    } else if !admitted && !suspended(resource, job) {
        writes.push(suspend(resource, job, true));
        let why = value::condition(workload, "Evicted").filter(|c| text(c, "/status") == "True");
        let said = why.map_or("Not admitted by cluster queue", |c| text(c, "/message"));
        writes.push(Write::Tell(Note::normal(job, manager(resource), "Stopped", said)));
    }
    let ready = has_condition(job, "Running");
    let c = if ready {
        Cond {
            kind: "PodsReady",
            truth: true,
            reason: "Started",
            message: "All pods reached readiness and the workload is running",
        }
    } else {
        Cond { kind: "PodsReady", truth: false, reason: "WaitForStart", message: "Not all pods are ready or succeeded" }
    };
    if (admitted || value::condition(workload, "PodsReady").is_some()) && set_condition(&mut next, c, now) {
        writes.push(Write::Status(&WORKLOADS, next));
    }
    writes
}

/// One `ClusterQueue` while a pass goes over it.
struct Hall {
    object: Value,
    flavor: BTreeMap<String, String>,
    total: Amounts,
    used: Amounts,
    pending: usize,
    admitted: usize,
}

/// One pass over all queues.
pub(crate) fn admit(store: &Store, now: Timestamp) -> Vec<Write> {
    let all = |resource| store.list(resource, None, &Selector::default()).items;
    let mut halls: BTreeMap<String, Hall> =
        all(&CLUSTERQUEUES).iter().map(|q| (q.name.to_string(), Hall::new(&q.value()))).collect();
    let locals: BTreeMap<(String, String), Value> = all(&LOCALQUEUES)
        .iter()
        .map(|q| ((q.namespace.to_string(), q.name.to_string()), Value::clone(&q.value())))
        .collect();
    let mut loads: Vec<Value> = all(&WORKLOADS).iter().map(|w| Value::clone(&w.value())).collect();
    loads.retain(|w| {
        !has_condition(w, "Finished") && !is_deleting(w) && annotation(w, "sim.mpideck.io/fixed").is_empty()
    });
    loads.sort_by_key(|w| {
        (-int(w, "/spec/priority").unwrap_or(0), text(w, "/metadata/creationTimestamp").to_owned(), uid(w).to_owned())
    });
    for load in loads.iter().filter(|w| has_condition(w, "QuotaReserved")) {
        if let Some(hall) = halls.get_mut(text(load, "/status/admission/clusterQueue")) {
            hall.seat(load, 1);
        }
    }
    let mut counts: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    let mut writes = Vec::new();
    let snapshot = loads.clone();
    for load in &loads {
        let key = (namespace(load).to_owned(), text(load, "/spec/queueName").to_owned());
        let inside = one(load, locals.get(&key), &mut halls, &snapshot, &mut writes, now);
        let count = counts.entry(key).or_default();
        if inside { count.1 += 1 } else { count.0 += 1 }
    }
    statuses(&halls, &locals, &counts, &mut writes, now);
    writes
}

/// Decides on one Workload; whether it is admitted.
fn one(
    load: &Value,
    local: Option<&Value>,
    halls: &mut BTreeMap<String, Hall>,
    all: &[Value],
    writes: &mut Vec<Write>,
    now: Timestamp,
) -> bool {
    let mut next = load.clone();
    let hall_name = local.map_or("", |l| text(l, "/spec/clusterQueue")).to_owned();
    let active = load.pointer("/spec/active").and_then(Value::as_bool).unwrap_or(true);
    if has_condition(load, "QuotaReserved") {
        if !active {
            evict(&mut next, "Deactivated", "The workload is deactivated", now);
            if let Some(hall) = halls.get_mut(&hall_name) {
                hall.seat(load, -1);
            }
            writes.push(Write::Status(&WORKLOADS, next));
            return false;
        }
        return true;
    }
    let queue = text(load, "/spec/queueName");
    let refused = match (local, halls.get(&hall_name)) {
        _ if !active => Some(("Suspended", "The workload is deactivated".to_owned())),
        (None, _) => Some(("Misconfigured", format!("LocalQueue {queue} doesn't exist"))),
        (_, None) => Some(("Misconfigured", format!("ClusterQueue {hall_name} doesn't exist"))),
        (_, Some(hall)) if text(&hall.object, "/spec/stopPolicy").starts_with("Hold") => {
            Some(("Suspended", format!("ClusterQueue {hall_name} is stopped")))
        }
        (_, Some(hall)) => hall.refusal(load),
    };
    let Some(hall) = halls.get_mut(&hall_name).filter(|_| refused.is_none()) else {
        let (reason, message) = refused.unwrap_or_default();
        if reason == "WaitingForQuota"
            && let Some(hall) = halls.get_mut(&hall_name)
        {
            hall.preempt_for(load, all, writes, now);
        }
        if let Some(hall) = halls.get_mut(&hall_name) {
            hall.pending += 1;
        }
        if set_condition(&mut next, Cond { kind: "QuotaReserved", truth: false, reason, message: &message }, now) {
            writes.push(Write::Tell(Note::warning(load, "kueue-admission", reason, message)));
            writes.push(Write::Status(&WORKLOADS, next));
        }
        return false;
    };
    hall.seat(load, 1);
    hall.let_in(&mut next, now);
    let waited =
        value::time(load, "/metadata/creationTimestamp").map_or(0, |at| value::seconds_between(at, now) as i64);
    let said = format!("Quota reserved in ClusterQueue {hall_name}, wait time since queued was {waited}s");
    writes.push(Write::Status(&WORKLOADS, next));
    writes.push(Write::Tell(Note::normal(load, "kueue-admission", "QuotaReserved", said)));
    let said = format!("Admitted by ClusterQueue {hall_name}, wait time since reservation was 0s");
    writes.push(Write::Tell(Note::normal(load, "kueue-admission", "Admitted", said)));
    true
}

fn evict(next: &mut Value, reason: &str, message: &str, now: Timestamp) {
    set_condition(next, Cond { kind: "QuotaReserved", truth: false, reason: "Pending", message }, now);
    set_condition(
        next,
        Cond { kind: "Admitted", truth: false, reason: "NoReservation", message: "The workload has no reservation" },
        now,
    );
    set_condition(next, Cond { kind: "Evicted", truth: true, reason, message }, now);
    if let Some(status) = next["status"].as_object_mut() {
        status.remove("admission");
    }
}

impl Hall {
    fn new(queue: &Value) -> Self {
        let (mut flavor, mut total) = (BTreeMap::new(), Amounts::new());
        for group in list(queue, "/spec/resourceGroups") {
            let Some(first) = list(group, "/flavors").first() else { continue };
            for resource in list(first, "/resources") {
                let key = text(resource, "/name").to_owned();
                let quota = |field: &str| resource.get(field).map_or(0, |v| amount(&key, v));
                total.insert(key.clone(), quota("nominalQuota") + quota("borrowingLimit"));
                flavor.insert(key, text(first, "/name").to_owned());
            }
        }
        Self { object: queue.clone(), flavor, total, used: Amounts::new(), pending: 0, admitted: 0 }
    }

    fn seat(&mut self, load: &Value, sign: i64) {
        for pod_set in list(load, "/spec/podSets") {
            for (resource, n) in asked(pod_set) {
                *self.used.entry(resource).or_default() += n * sign;
            }
        }
        if sign > 0 { self.admitted += 1 } else { self.admitted = self.admitted.saturating_sub(1) }
    }

    /// Why it can't come in now, in the flavor assigner's words.
    fn refusal(&self, load: &Value) -> Option<(&'static str, String)> {
        let mut before = Amounts::new();
        for pod_set in list(load, "/spec/podSets") {
            for (resource, n) in asked(pod_set) {
                let Some(total) = self.total.get(&resource).copied() else { continue };
                let earlier = before.entry(resource.clone()).or_default();
                let head = format!("couldn't assign flavors to pod set {}: ", text(pod_set, "/name"));
                let flavor = self.flavor.get(&resource).map_or("", String::as_str);
                if *earlier + n > total {
                    let message = format!(
                        "{head}insufficient quota for {resource} in flavor {flavor}, previously considered podsets requests ({}) + current podset request ({}) > maximum capacity ({})",
                        written(&resource, *earlier),
                        written(&resource, n),
                        written(&resource, total)
                    );
                    return Some(("ExceedsMaxQuota", message));
                }
                *earlier += n;
                let missing = self.used.get(&resource).copied().unwrap_or(0) + *earlier - total;
                if missing > 0 {
                    let message = format!(
                        "{head}insufficient unused quota for {resource} in flavor {flavor}, {} more needed",
                        written(&resource, missing)
                    );
                    return Some(("WaitingForQuota", message));
                }
            }
        }
        None
    }

    fn let_in(&self, next: &mut Value, now: Timestamp) {
        let cluster_queue = name(&self.object);
        let sets: Vec<Value> = list(next, "/spec/podSets")
            .iter()
            .map(|pod_set| {
                let asked = asked(pod_set);
                let flavors: serde_json::Map<_, _> =
                    asked.keys().filter_map(|k| Some((k.clone(), json!(self.flavor.get(k)?)))).collect();
                let usage: serde_json::Map<_, _> =
                    asked.iter().map(|(k, n)| (k.clone(), json!(written(k, *n)))).collect();
                json!({"name": pod_set["name"], "count": pod_set["count"], "flavors": flavors, "resourceUsage": usage})
            })
            .collect();
        set(next, "/status/admission", json!({"clusterQueue": cluster_queue, "podSetAssignments": sets}));
        let message = format!("Quota reserved in ClusterQueue {cluster_queue}");
        set_condition(
            next,
            Cond { kind: "QuotaReserved", truth: true, reason: "QuotaReserved", message: &message },
            now,
        );
        set_condition(
            next,
            Cond { kind: "Admitted", truth: true, reason: "Admitted", message: "The workload is admitted" },
            now,
        );
        for kind in ["Evicted", "Preempted"] {
            if let Some(old) = value::condition(next, kind).cloned().filter(|c| text(c, "/status") == "True") {
                let message = format!("Previously: {}", text(&old, "/message"));
                set_condition(next, Cond { kind, truth: false, reason: "QuotaReserved", message: &message }, now);
            }
        }
    }

    /// Takes the place of somebody of lower priority, where the queue allows it.
    fn preempt_for(&mut self, load: &Value, all: &[Value], writes: &mut Vec<Write>, now: Timestamp) {
        let priority = int(load, "/spec/priority").unwrap_or(0);
        if text(&self.object, "/spec/preemption/withinClusterQueue") != "LowerPriority" {
            return;
        }
        let hall = name(&self.object).to_owned();
        let here = |w: &&Value| text(w, "/status/admission/clusterQueue") == hall;
        let weaker = |w: &&Value| int(w, "/spec/priority").unwrap_or(0) < priority && has_condition(w, "QuotaReserved");
        // All that must go, lowest priority first; if that would not do, nobody goes.
        let mut victims = Vec::new();
        for victim in all.iter().rev().filter(here).filter(weaker) {
            if self.refusal(load).is_none() {
                break;
            }
            self.seat(victim, -1);
            victims.push(victim);
        }
        if self.refusal(load).is_some() {
            victims.drain(..).for_each(|victim| self.seat(victim, 1));
        }
        let job = value::controller_uid(load);
        let queue = name(&self.object).to_owned();
        let message = format!(
            "Preempted to accommodate a workload (UID: {}, JobUID: {job}) due to prioritization in the ClusterQueue; preemptor path: /{queue}; preemptee path: /{queue}",
            uid(load)
        );
        for victim in victims {
            let mut next = victim.clone();
            evict(&mut next, "Preempted", &message, now);
            set_condition(
                &mut next,
                Cond { kind: "Preempted", truth: true, reason: "InClusterQueue", message: &message },
                now,
            );
            set_condition(
                &mut next,
                Cond { kind: "Requeued", truth: true, reason: "BackoffFinished", message: "" },
                now,
            );
            writes.push(Write::Status(&WORKLOADS, next));
            writes.push(Write::Tell(Note::normal(victim, "kueue-admission", "EvictedDueToPreempted", message.clone())));
            writes.push(Write::Tell(Note::normal(victim, "kueue-admission", "Preempted", message.clone())));
        }
    }
}

fn asked(pod_set: &Value) -> Amounts {
    let count = int(pod_set, "/count").unwrap_or(1);
    let each = amounts::of_spec(&pod_set["template"]["spec"]);
    each.into_iter().map(|(k, n)| (k, n * count)).collect()
}

fn statuses(
    halls: &BTreeMap<String, Hall>,
    locals: &BTreeMap<(String, String), Value>,
    counts: &BTreeMap<(String, String), (usize, usize)>,
    writes: &mut Vec<Write>,
    now: Timestamp,
) {
    for hall in halls.values() {
        let mut next = hall.object.clone();
        let stopped = text(&next, "/spec/stopPolicy").starts_with("Hold");
        let (reason, message) = if stopped { ("Stopped", "is stopped") } else { ("Ready", "Can admit new workloads") };
        set_condition(&mut next, Cond { kind: "Active", truth: !stopped, reason, message }, now);
        set(&mut next, "/status/pendingWorkloads", json!(hall.pending));
        set(&mut next, "/status/admittedWorkloads", json!(hall.admitted));
        set(&mut next, "/status/reservingWorkloads", json!(hall.admitted));
        let usage = usage(hall);
        set(&mut next, "/status/flavorsReservation", usage.clone());
        set(&mut next, "/status/flavorsUsage", usage);
        push_if_changed(&CLUSTERQUEUES, &hall.object, next, writes);
    }
    for (key, local) in locals {
        let mut next = local.clone();
        let hall = halls.get(text(local, "/spec/clusterQueue"));
        let open = hall.is_some_and(|h| !text(&h.object, "/spec/stopPolicy").starts_with("Hold"));
        let (reason, message) = if open {
            ("Ready", "Can submit new workloads to clusterQueue")
        } else {
            ("ClusterQueueIsInactive", "Can't submit new workloads to clusterQueue")
        };
        set_condition(&mut next, Cond { kind: "Active", truth: open, reason, message }, now);
        let (pending, admitted) = counts.get(key).copied().unwrap_or_default();
        set(&mut next, "/status/pendingWorkloads", json!(pending));
        set(&mut next, "/status/admittedWorkloads", json!(admitted));
        set(&mut next, "/status/reservingWorkloads", json!(admitted));
        push_if_changed(&LOCALQUEUES, local, next, writes);
    }
}

fn usage(hall: &Hall) -> Value {
    let mut by: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (resource, flavor) in &hall.flavor {
        let n = hall.used.get(resource).copied().unwrap_or(0);
        by.entry(flavor).or_default().push(json!({"name": resource, "total": written(resource, n)}));
    }
    by.into_iter().map(|(flavor, resources)| json!({"name": flavor, "resources": resources})).collect()
}

fn push_if_changed(resource: &'static Resource, old: &Value, next: Value, writes: &mut Vec<Write>) {
    if next.get("status") != old.get("status") {
        writes.push(Write::Status(resource, next));
    }
}
