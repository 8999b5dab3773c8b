//! One pass over all queues: who comes in, who goes, who waits and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    assign::{Assignment, Mode, assign},
    condition, evict, free, is_active, not_admitted,
    pending::rank,
    pod_sets,
    preempt::{Victim, victims},
    priority,
    quota::{Hall, Halls, usage},
    report, settings, told,
};
use crate::sim::{
    store::{
        Resource, Selector, Store,
        resource::{CLUSTERQUEUES, LOCALQUEUES, RESOURCEFLAVORS, WORKLOADS},
    },
    value::{
        self, after, annotation, has_condition, int, is_deleting, label, name, namespace, set, stamp, text, time, uid,
    },
    write::{Note, Write},
};

/// Who reserves and preempts.
const FROM: &str = "kueue-admission";
/// Who minds Workloads that have a reservation.
const KEEPER: &str = "kueue-workload-controller";

/// One pass; also when to look again though nothing changes.
pub(crate) fn admit(store: &Store, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let all = |resource: &'static Resource| store.list(resource, None, &Selector::default()).items;
    let by_name = |resource| all(resource).iter().map(|o| (o.name.to_string(), Value::clone(&o.value()))).collect();
    let objects: BTreeMap<String, Value> = by_name(&CLUSTERQUEUES);
    let queues = objects.iter().map(|(name, object)| (name.clone(), Hall::new(object))).collect();
    let locals: BTreeMap<(String, String), Value> = all(&LOCALQUEUES)
        .iter()
        .map(|q| ((q.namespace.to_string(), q.name.to_string()), Value::clone(&q.value())))
        .collect();
    let mut loads: Vec<Value> = all(&WORKLOADS).iter().map(|w| Value::clone(&w.value())).collect();
    let writes = loads.iter().filter(|w| is_deleting(w)).filter_map(free).collect();
    loads.retain(|w| {
        !has_condition(w, "Finished") && !is_deleting(w) && annotation(w, "sim.mpideck.io/fixed").is_empty()
    });
    loads.sort_by_key(rank);
    let halls = Halls { queues, flavors: by_name(&RESOURCEFLAVORS) };
    let waiting = settings::pods_ready(store);
    let (blocked, borrowers) = (BTreeSet::new(), Vec::new());
    let mut pass = Pass { halls, locals, waiting, blocked, borrowers, writes, wake: None, now };
    pass.seat(&loads);
    let mut counts = report::Counts::default();
    for load in &loads {
        pass.one(load, &loads, &mut counts);
    }
    // Who needs no more than its queue's own goes first.
    for load in std::mem::take(&mut pass.borrowers) {
        pass.enter(load, &loads, true);
    }
    report::statuses(&pass.halls, &pass.locals, &counts, &mut pass.writes, now);
    (pass.writes, pass.wake)
}

struct Pass<'a> {
    halls: Halls,
    locals: BTreeMap<(String, String), Value>,
    waiting: Option<settings::PodsReady>,
    /// Strict queues whose head waits.
    blocked: BTreeSet<String>,
    /// Who would fit by what others lend.
    borrowers: Vec<&'a Value>,
    writes: Vec<Write>,
    wake: Option<Timestamp>,
    now: Timestamp,
}

impl<'a> Pass<'a> {
    fn seat(&mut self, loads: &[Value]) {
        for load in loads.iter().filter(|w| has_condition(w, "QuotaReserved")) {
            if let Some(hall) = self.halls.queues.get_mut(text(load, "/status/admission/clusterQueue")) {
                hall.take(&usage(load), 1);
                hall.reserving += 1;
                hall.admitted += usize::from(has_condition(load, "Admitted"));
            }
        }
    }

    fn save(&mut self, load: &Value, next: Value) {
        if next.get("status") != load.get("status") {
            self.writes.push(Write::Status(&WORKLOADS, next));
        }
    }

    fn tell(&mut self, load: &Value, reason: &str, message: impl Into<String>) {
        self.writes.push(Write::Tell(told(Note::normal(load, FROM, reason, message))));
    }

    fn look_again(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    fn one(&mut self, load: &'a Value, all: &'a [Value], counts: &mut report::Counts) {
        let key = (namespace(load).to_owned(), text(load, "/spec/queueName").to_owned());
        let queue = self.locals.get(&key).map_or("", |l| text(l, "/spec/clusterQueue")).to_owned();
        if has_condition(load, "QuotaReserved") {
            counts.reserved(&key, load);
            return self.keep(load);
        }
        let held = self.local(load).is_some_and(is_held);
        if is_active(load) && !held {
            counts.pending(&key);
            if let Some(hall) = self.halls.queues.get_mut(&queue) {
                hall.pending += 1;
            }
        }
        let mut next = load.clone();
        if self.is_held_back(load, &mut next) {
            return self.save(load, next);
        }
        if let Some((reason, message)) = self.closed(load, &key, &queue) {
            if reason == "Deactivated" && !has_condition(load, "Evicted") {
                evict(&mut next, reason, &message, self.now);
            }
            self.refuse(load, next, reason, &message);
            return;
        }
        self.enter(load, all, false);
    }

    /// Lets a Workload in if it fits; those that borrow wait for the second round.
    fn enter(&mut self, load: &'a Value, all: &'a [Value], second: bool) {
        let key = (namespace(load).to_owned(), text(load, "/spec/queueName").to_owned());
        let queue = self.locals.get(&key).map_or("", |l| text(l, "/spec/clusterQueue")).to_owned();
        let Some(hall) = self.halls.queues.get(&queue) else { return };
        let strict = text(&hall.object, "/spec/queueingStrategy") == "StrictFIFO";
        let found = assign(&self.halls, hall, load);
        let own = |cell| hall.quotas.get(cell).map_or(0, |q| q.nominal);
        let borrows = found.wanted.iter().any(|(cell, n)| hall.used(cell) + n > own(cell));
        if found.mode == Mode::Fit {
            if borrows && !second {
                self.borrowers.push(load);
            } else if !self.blocked.contains(&queue) {
                self.let_in(load, load.clone(), &queue, &found);
            }
            return;
        }
        if strict {
            self.blocked.insert(queue.clone());
        }
        self.wait_or_preempt(load, load.clone(), &queue, &found, all);
    }

    /// Who is in stays, unless switched off, drained, or too slow.
    fn keep(&mut self, load: &Value) {
        if has_condition(load, "Evicted") {
            return;
        }
        let hall = self.halls.queues.get(text(load, "/status/admission/clusterQueue"));
        let drained = hall.is_some_and(|h| h.stop_policy() == "HoldAndDrain");
        let local = self.local(load).is_some_and(|local| text(local, "/spec/stopPolicy") == "HoldAndDrain");
        let mut next = load.clone();
        if !is_active(load) {
            self.send_away(&mut next, "Deactivated", "The workload is deactivated");
        } else if drained {
            self.send_away(&mut next, "ClusterQueueStopped", "The ClusterQueue is stopped");
        } else if local {
            self.send_away(&mut next, "LocalQueueStopped", "The LocalQueue is stopped");
        } else if let Some(due) = self.due(load) {
            if due > self.now {
                return self.look_again(due);
            }
            self.too_slow(&mut next);
        }
        self.save(load, next);
    }

    fn local(&self, load: &Value) -> Option<&Value> {
        self.locals.get(&(namespace(load).to_owned(), text(load, "/spec/queueName").to_owned()))
    }

    fn send_away(&mut self, next: &mut Value, reason: &str, message: &str) {
        evict(next, reason, message, self.now);
        let note = Note::normal(next, KEEPER, &format!("EvictedDueTo{reason}"), message);
        self.writes.push(Write::Tell(told(note)));
    }

    /// When an admitted Workload must have its pods ready; `None` if it has, or nobody waits for that.
    fn due(&self, load: &Value) -> Option<Timestamp> {
        let waiting = self.waiting.as_ref().filter(|_| !has_condition(load, "PodsReady"))?;
        let since = ["Admitted", "PodsReady"].map(|kind| value::condition(load, kind));
        let since = since.into_iter().flatten().filter_map(|c| time(c, "/lastTransitionTime")).max()?;
        has_condition(load, "Admitted").then(|| after(since, waiting.timeout))
    }

    fn too_slow(&mut self, next: &mut Value) {
        let Some(waiting) = self.waiting.clone() else { return };
        let count = int(next, "/status/requeueState/count").unwrap_or(0) + 1;
        if waiting.limit.is_some_and(|limit| count > limit) {
            let message = "exceeding the maximum number of re-queuing retries";
            condition(next, "DeactivationTarget", true, "RequeuingLimitExceeded", message, self.now);
            let mut off = next.clone();
            set(&mut off, "/spec/active", json!(false));
            self.writes.push(Write::Update(&WORKLOADS, off));
            let message = format!("The workload is deactivated due to {message}");
            return self.send_away(next, "DeactivatedDueToRequeuingLimitExceeded", &message);
        }
        let wait = (waiting.base * 2f64.powi(i32::try_from(count - 1).unwrap_or(30))).min(waiting.most);
        set(next, "/status/requeueState", json!({"count": count, "requeueAt": stamp(after(self.now, wait))}));
        let message = format!("Exceeded the PodsReady timeout {}/{}", namespace(next), name(next));
        self.send_away(next, "PodsReadyTimeout", &message);
    }

    /// Whether a Workload that was sent away must not come back yet.
    fn is_held_back(&mut self, load: &Value, next: &mut Value) -> bool {
        if value::condition(load, "Requeued").is_none_or(|c| text(c, "/status") != "False") {
            return false;
        }
        let reason = value::condition(load, "Evicted").map_or("", |c| text(c, "/reason"));
        let now = self.now;
        if reason.starts_with("Deactivated") {
            if is_active(load) {
                condition(next, "Requeued", true, "Reactivated", "The workload was reactivated", now);
            }
            return is_active(load);
        }
        if let Some(at) = time(load, "/status/requeueState/requeueAt").filter(|at| *at > now) {
            self.look_again(at);
            return true;
        }
        let queue = self.local(load);
        if reason == "LocalQueueStopped" {
            if queue.is_none_or(is_held) {
                return false;
            }
            let message = "The LocalQueue was restarted after being stopped";
            condition(next, "Requeued", true, "LocalQueueRestarted", message, now);
            return true;
        }
        if reason == "ClusterQueueStopped" {
            let hall = queue.and_then(|l| self.halls.queues.get(text(l, "/spec/clusterQueue")));
            if hall.is_some_and(|h| h.stop_policy().starts_with("Hold")) {
                return false;
            }
            let message = "The ClusterQueue was restarted after being stopped";
            condition(next, "Requeued", true, "ClusterQueueRestarted", message, now);
            return true;
        }
        if let Some(state) = next.pointer_mut("/status/requeueState").and_then(Value::as_object_mut) {
            state.remove("requeueAt");
        }
        condition(next, "Requeued", true, "BackoffFinished", "The workload backoff was finished", now);
        true
    }

    /// Why nobody comes in at all: switched off, or a queue that is missing or closed.
    fn closed(&self, load: &Value, key: &(String, String), queue: &str) -> Option<(&'static str, String)> {
        if !is_active(load) {
            return Some(("Deactivated", "The workload is deactivated".to_owned()));
        }
        let Some(local) = self.locals.get(key) else {
            return Some(("Misconfigured", format!("LocalQueue {} doesn't exist", key.1)));
        };
        if is_held(local) {
            return Some(("Suspended", format!("LocalQueue {} is inactive", key.1)));
        }
        let Some(hall) = self.halls.queues.get(queue) else {
            return Some(("Misconfigured", format!("ClusterQueue {queue} doesn't exist")));
        };
        if hall.stop_policy().starts_with("Hold") {
            return Some(("Suspended", format!("ClusterQueue {queue} is inactive")));
        }
        self.halls.inactive(hall).map(|_| ("Misconfigured", format!("ClusterQueue {queue} is inactive")))
    }

    /// Says why a Workload is not let in; whether that is news.
    fn refuse(&mut self, load: &Value, mut next: Value, reason: &'static str, message: &str) -> bool {
        let news = condition(&mut next, "QuotaReserved", false, reason, message, self.now);
        not_admitted(&mut next, self.now);
        self.save(load, next);
        news
    }

    fn let_in(&mut self, load: &Value, mut next: Value, queue: &str, found: &Assignment) {
        let now = self.now;
        let message = format!("Quota reserved in ClusterQueue {queue}");
        set(&mut next, "/status/admission", json!({"clusterQueue": queue, "podSetAssignments": found.sets}));
        if let Some(status) = next["status"].as_object_mut() {
            status.remove("resourceRequests");
        }
        condition(&mut next, "QuotaReserved", true, "QuotaReserved", &message, now);
        for kind in ["Evicted", "Preempted"] {
            if let Some(old) = value::condition(&next, kind).cloned().filter(|c| text(c, "/status") == "True") {
                let message = format!("Previously: {}", text(&old, "/message"));
                condition(&mut next, kind, false, "QuotaReserved", &message, now);
            }
        }
        condition(&mut next, "Admitted", true, "Admitted", "The workload is admitted", now);
        let used = usage(&next);
        if let Some(hall) = self.halls.queues.get_mut(queue) {
            hall.take(&used, 1);
            hall.pending = hall.pending.saturating_sub(1);
            hall.reserving += 1;
            hall.admitted += 1;
        }
        let queued = value::condition(load, "Requeued").and_then(|c| time(c, "/lastTransitionTime"));
        let since = queued.or_else(|| time(load, "/metadata/creationTimestamp")).unwrap_or(now);
        let waited = value::seconds_between(since, now).max(0.0);
        self.save(load, next);
        self.tell(load, "QuotaReserved", format!("{message}, wait time since queued was {waited:.0}s"));
        self.tell(load, "Admitted", format!("Admitted by ClusterQueue {queue}, wait time since reservation was 0s"));
    }

    /// Events are only of those that were tried.
    fn wait(&mut self, load: &Value, mut next: Value, reason: &'static str, message: &str) {
        set(&mut next, "/status/resourceRequests", pod_sets::requests(load));
        if self.refuse(load, next, reason, message) {
            self.writes.push(Write::Tell(told(Note::warning(load, FROM, reason, message))));
        }
    }

    fn wait_or_preempt(&mut self, load: &Value, next: Value, queue: &str, found: &Assignment, all: &[Value]) {
        let gone =
            if found.mode == Mode::Preempt { victims(&mut self.halls, queue, load, found, all) } else { Vec::new() };
        if gone.is_empty() {
            return self.wait(load, next, found.reason, &found.message);
        }
        let message = format!("{}. Pending the preemption of {} workload(s)", found.message, gone.len());
        for victim in gone.iter().filter(|v| !v.going) {
            self.preempt(load, queue, victim);
        }
        self.wait(load, next, "WaitingForPreemptedWorkloads", &message);
    }

    fn preempt(&mut self, load: &Value, queue: &str, victim: &Victim<'_>) {
        let path = |queue: &str| {
            let cohort = self.halls.queues.get(queue).map_or("", |h| h.cohort.as_str());
            if cohort.is_empty() { format!("/{queue}") } else { format!("/{cohort}/{queue}") }
        };
        let theirs = text(victim.load, "/status/admission/clusterQueue").to_owned();
        let why = match victim.reason {
            "InClusterQueue" => "prioritization in the ClusterQueue",
            _ => "reclamation within the cohort",
        };
        let message = format!(
            "Preempted to accommodate a workload (UID: {}, JobUID: {}) due to {why}; preemptor path: {}; preemptee path: {}",
            uid(load),
            label(load, "kueue.x-k8s.io/job-uid"),
            path(queue),
            path(&theirs)
        );
        let (mine, other) = (priority(load), priority(victim.load));
        let powers = format!(
            "preemptor effective priority: {mine} (base: {mine}, boost: 0); preemptee effective priority: {other} (base: {other}, boost: 0)"
        );
        let mut next = victim.load.clone();
        evict(&mut next, "Preempted", &message, self.now);
        condition(&mut next, "Preempted", true, victim.reason, &message, self.now);
        self.writes.push(Write::Status(&WORKLOADS, next));
        self.tell(victim.load, "EvictedDueToPreempted", message.clone());
        self.tell(victim.load, "Preempted", format!("{message}; {powers}"));
        let of = format!("{}/{} (UID: {})", namespace(victim.load), name(victim.load), uid(victim.load));
        self.tell(load, "PreemptedWorkload", format!("Preempted workload {of} in ClusterQueue {theirs}; {powers}"));
    }
}

/// Whether a `LocalQueue` is stopped.
fn is_held(local: &Value) -> bool {
    text(local, "/spec/stopPolicy").starts_with("Hold")
}
