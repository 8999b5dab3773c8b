//! One pass over all queues: who comes in, who goes, who waits and why.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    assign::{Ask, Assignment, Mode, assign},
    checks::{self, Checks},
    condition, deactivated, evict, fair, free, is_active, not_admitted,
    pending::rank,
    pod_sets,
    preempt::Seat,
    priority,
    quota::{Hall, Halls, usage},
    report, settings, told,
    tree::Tree,
};
use crate::sim::{
    store::{
        Resource, Selector, Store,
        resource::{ADMISSIONCHECKS, CLUSTERQUEUES, COHORTS, LOCALQUEUES, RESOURCEFLAVORS, WORKLOADS},
    },
    value::{self, annotation, has_condition, is_deleting, label, name, namespace, set, text, time, uid},
    write::{Note, Write},
};

/// Who reserves and preempts.
const FROM: &str = "kueue-admission";

/// One pass; also when to look again though nothing changes.
pub(crate) fn admit(store: &Store, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let all = |resource: &'static Resource| store.list(resource, None, &Selector::default()).items;
    let by_name = |resource| all(resource).iter().map(|o| (o.name.to_string(), Value::clone(&o.value()))).collect();
    let objects: BTreeMap<String, Value> = by_name(&CLUSTERQUEUES);
    let queues: BTreeMap<_, _> = objects.iter().map(|(name, object)| (name.clone(), Hall::new(object))).collect();
    let cohorts: BTreeMap<String, Value> = by_name(&COHORTS);
    let checks: BTreeMap<String, Value> = by_name(&ADMISSIONCHECKS);
    let locals: BTreeMap<(String, String), Value> = all(&LOCALQUEUES)
        .iter()
        .map(|q| ((q.namespace.to_string(), q.name.to_string()), Value::clone(&q.value())))
        .collect();
    let mut loads: Vec<Value> = all(&WORKLOADS).iter().map(|w| Value::clone(&w.value())).collect();
    let mut writes: Vec<Write> = loads.iter().filter(|w| is_deleting(w)).filter_map(free).collect();
    loads.retain(|w| {
        !has_condition(w, "Finished") && !is_deleting(w) && annotation(w, "sim.mpideck.io/fixed").is_empty()
    });
    loads.sort_by_key(rank);
    for load in &mut loads {
        let key = (namespace(load).to_owned(), text(load, "/spec/queueName").to_owned());
        let queue = locals.get(&key).and_then(|local| objects.get(text(local, "/spec/clusterQueue")));
        if queue.is_some_and(|queue| checks::follow(load, queue, now)) {
            writes.push(Write::Status(&WORKLOADS, load.clone()));
        }
    }
    let tree = Tree::new(&cohorts, queues.values().map(|hall| &hall.node));
    let halls = Halls { queues, flavors: by_name(&RESOURCEFLAVORS), checks: Checks::new(checks.values()), tree };
    let (settings, seats) = (settings::read(store), Seat::all(&loads));
    let (blocked, borrowers) = (BTreeSet::new(), VecDeque::new());
    let mut pass = Pass { halls, locals, settings, seats, blocked, borrowers, writes, wake: None, now };
    pass.seat();
    let mut counts = report::Counts::default();
    for load in &loads {
        pass.one(load, &mut counts);
    }
    // Who needs no more than its queue's own goes first, then who is nearest to that.
    pass.borrowers.make_contiguous().sort_by_key(|(far, _)| *far);
    while let Some((at, found)) = pass.next_borrower() {
        let Some((_, load)) = pass.borrowers.remove(at) else { break };
        pass.let_or_wait(load, &found, true);
    }
    let fair = pass.settings.fair.is_some();
    report::statuses(&pass.halls, &pass.locals, &counts, fair, &mut pass.writes, now);
    if fair {
        report::shares(&pass.halls, &cohorts, &mut pass.writes);
    }
    (pass.writes, pass.wake)
}

/// One pass over all queues.
pub(super) struct Pass<'a> {
    pub(super) halls: Halls,
    pub(super) locals: BTreeMap<(String, String), Value>,
    pub(super) settings: settings::Settings,
    seats: Vec<Seat<'a>>,
    /// Strict queues whose head waits.
    blocked: BTreeSet<String>,
    /// Who would fit by what others lend, and how far up it borrows.
    borrowers: VecDeque<(usize, &'a Value)>,
    pub(super) writes: Vec<Write>,
    pub(super) wake: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl<'a> Pass<'a> {
    fn seat(&mut self) {
        for seat in &self.seats {
            self.halls.take(seat.queue, &seat.usage, 1);
            if let Some(hall) = self.halls.queues.get_mut(seat.queue) {
                hall.count(&seat.usage, has_condition(seat.load, "Admitted"));
            }
        }
    }

    pub(super) fn save(&mut self, load: &Value, next: Value) {
        if next.get("status") != load.get("status") {
            self.writes.push(Write::Status(&WORKLOADS, next));
        }
    }

    fn tell(&mut self, load: &Value, reason: &str, message: impl Into<String>) {
        self.writes.push(Write::Tell(told(Note::normal(load, FROM, reason, message))));
    }

    pub(super) fn look_again(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    fn one(&mut self, load: &'a Value, counts: &mut report::Counts) {
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
                let (reason, message) = deactivated(load);
                evict(&mut next, &reason, &message, self.now);
            }
            self.refuse(load, next, reason, &message);
            return;
        }
        let found = self.find(load);
        self.let_or_wait(load, &found, false);
    }

    fn queue(&self, load: &Value) -> String {
        self.local(load).map_or("", |local| text(local, "/spec/clusterQueue")).to_owned()
    }

    fn find(&mut self, load: &Value) -> Assignment {
        let queue = self.queue(load);
        let ask = Ask { queue: &queue, load, seats: &self.seats, rules: self.settings.fair.as_deref() };
        assign(&mut self.halls, &ask)
    }

    /// Which of those that borrow goes next: the first, or where queues share fairly, who would have least.
    fn next_borrower(&mut self) -> Option<(usize, Assignment)> {
        if self.settings.fair.is_none() {
            let (_, load) = *self.borrowers.front()?;
            return Some((0, self.find(load)));
        }
        let mut best: Option<(usize, Assignment)> = None;
        let mut seen = BTreeSet::new();
        for at in 0..self.borrowers.len() {
            let load = self.borrowers[at].1;
            let queue = self.queue(load);
            // The first of a queue speaks for it.
            if !seen.insert(queue.clone()) {
                continue;
            }
            let found = self.find(load);
            let before = best.as_ref().is_none_or(|(other, old)| {
                let other = self.queue(self.borrowers[*other].1);
                self.halls.take(&queue, &found.wanted, 1);
                let mine = fair::shares(&self.halls, &queue, &other).map(|(mine, _)| mine);
                self.halls.take(&queue, &found.wanted, -1);
                self.halls.take(&other, &old.wanted, 1);
                let theirs = fair::shares(&self.halls, &queue, &other).map(|(_, theirs)| theirs);
                self.halls.take(&other, &old.wanted, -1);
                mine.zip(theirs).is_some_and(|(mine, theirs)| mine.compare(&theirs).is_lt())
            });
            if before {
                best = Some((at, found));
            }
        }
        best
    }

    /// Lets a Workload in if it fits; those that borrow wait for the second round.
    fn let_or_wait(&mut self, load: &'a Value, found: &Assignment, second: bool) {
        let queue = self.queue(load);
        let Some(hall) = self.halls.queues.get(&queue) else { return };
        let strict = text(&hall.object, "/spec/queueingStrategy") == "StrictFIFO";
        if found.mode == Mode::Fit {
            if found.borrows > 0 && !second {
                self.borrowers.push_back((found.borrows, load));
            } else if !self.blocked.contains(&queue) {
                self.let_in(load, load.clone(), &queue, found);
            }
            return;
        }
        if strict {
            self.blocked.insert(queue.clone());
        }
        self.wait_or_preempt(load, load.clone(), &queue, found);
    }

    pub(super) fn local(&self, load: &Value) -> Option<&Value> {
        self.locals.get(&(namespace(load).to_owned(), text(load, "/spec/queueName").to_owned()))
    }

    /// Whether a Workload that was sent away must not come back yet.
    fn is_held_back(&mut self, load: &Value, next: &mut Value) -> bool {
        if value::condition(load, "Requeued").is_none_or(|c| text(c, "/status") != "False") {
            return false;
        }
        let reason = value::condition(load, "Evicted").map_or("", |c| text(c, "/reason"));
        let now = self.now;
        if reason.starts_with("Deactivated") {
            if is_active(load) && reason == "Deactivated" {
                condition(next, "Requeued", true, "Reactivated", "The workload was reactivated", now);
            } else if is_active(load) {
                // Who was switched off by Kueue itself is not queued again.
                let message = "Workload is pending evaluation in the scheduling queue";
                condition(next, "QuotaReserved", false, "PendingEvaluation", message, now);
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
            return self.let_first(load);
        }
        if reason == "ClusterQueueStopped" {
            let hall = queue.and_then(|l| self.halls.queues.get(text(l, "/spec/clusterQueue")));
            if hall.is_some_and(|h| h.stop_policy().starts_with("Hold")) {
                return false;
            }
            let message = "The ClusterQueue was restarted after being stopped";
            condition(next, "Requeued", true, "ClusterQueueRestarted", message, now);
            return self.let_first(load);
        }
        if let Some(state) = next.pointer_mut("/status/requeueState").and_then(Value::as_object_mut) {
            state.remove("requeueAt");
        }
        condition(next, "Requeued", true, "BackoffFinished", "The workload backoff was finished", now);
        true
    }

    /// Who was sent away by a queue that was stopped comes in before those behind it: they wait for the next pass.
    fn let_first(&mut self, load: &Value) -> bool {
        let queue = self.queue(load);
        self.blocked.insert(queue);
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
        let closed = self.halls.inactive(hall).is_some() || self.halls.tree.is_in_circle(&hall.node.parent);
        closed.then(|| ("Suspended", format!("ClusterQueue {queue} is inactive")))
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
        let verdict = checks::verdict(&next);
        condition(&mut next, verdict.kind, verdict.truth, verdict.reason, verdict.message, now);
        let used = usage(&next);
        self.halls.take(queue, &used, 1);
        if let Some(hall) = self.halls.queues.get_mut(queue) {
            hall.pending = hall.pending.saturating_sub(1);
            hall.count(&used, verdict.truth);
        }
        let queued = value::condition(load, "Requeued").and_then(|c| time(c, "/lastTransitionTime"));
        let since = queued.or_else(|| time(load, "/metadata/creationTimestamp")).unwrap_or(now);
        let waited = value::seconds_between(since, now).max(0.0);
        self.save(load, next);
        let mut said = format!("{message}, wait time since queued was {waited:.0}s");
        if !found.considered.is_empty() {
            said.push_str("; Flavors considered: ");
            said.push_str(&found.considered);
        }
        self.tell(load, "QuotaReserved", said);
        if verdict.truth {
            let message = format!("Admitted by ClusterQueue {queue}, wait time since reservation was 0s");
            self.tell(load, "Admitted", message);
        }
    }

    /// Events are only of those that were tried.
    fn wait(&mut self, load: &Value, mut next: Value, reason: &'static str, message: &str) {
        set(&mut next, "/status/resourceRequests", pod_sets::requests(load));
        if self.refuse(load, next, reason, message) {
            self.writes.push(Write::Tell(told(Note::warning(load, FROM, reason, message))));
        }
    }

    fn wait_or_preempt(&mut self, load: &Value, next: Value, queue: &str, found: &Assignment) {
        let gone: Vec<(Value, bool, &'static str)> = if matches!(found.mode, Mode::Preempt | Mode::Reclaim) {
            let ask = Ask { queue, load, seats: &self.seats, rules: self.settings.fair.as_deref() };
            let gone = ask.victims(&mut self.halls, &found.short, &found.wanted);
            gone.iter().map(|v| (v.seat.load.clone(), v.seat.going, v.reason)).collect()
        } else {
            Vec::new()
        };
        if gone.is_empty() {
            return self.wait(load, next, found.reason, &found.message);
        }
        let message = format!("{}. Pending the preemption of {} workload(s)", found.message, gone.len());
        for (victim, _, reason) in gone.iter().filter(|(_, going, _)| !going) {
            self.preempt(load, queue, victim, reason);
        }
        self.wait(load, next, "WaitingForPreemptedWorkloads", &message);
    }

    fn preempt(&mut self, load: &Value, queue: &str, victim: &Value, reason: &str) {
        let theirs = text(victim, "/status/admission/clusterQueue").to_owned();
        let why = match reason {
            "InClusterQueue" => "prioritization in the ClusterQueue",
            "InCohortFairSharing" => "Fair Sharing within the cohort",
            "InCohortReclaimWhileBorrowing" => "reclamation within the cohort while borrowing",
            _ => "reclamation within the cohort",
        };
        let message = format!(
            "Preempted to accommodate a workload (UID: {}, JobUID: {}) due to {why}; preemptor path: {}; preemptee path: {}",
            uid(load),
            label(load, "kueue.x-k8s.io/job-uid"),
            self.halls.path(queue),
            self.halls.path(&theirs)
        );
        let (mine, other) = (priority(load), priority(victim));
        let powers = format!(
            "preemptor effective priority: {mine} (base: {mine}, boost: 0); preemptee effective priority: {other} (base: {other}, boost: 0)"
        );
        let mut next = victim.clone();
        evict(&mut next, "Preempted", &message, self.now);
        condition(&mut next, "Preempted", true, reason, &message, self.now);
        self.writes.push(Write::Status(&WORKLOADS, next));
        self.tell(victim, "EvictedDueToPreempted", message.clone());
        self.tell(victim, "Preempted", format!("{message}; {powers}"));
        let of = format!("{}/{} (UID: {})", namespace(victim), name(victim), uid(victim));
        self.tell(load, "PreemptedWorkload", format!("Preempted workload {of} in ClusterQueue {theirs}; {powers}"));
    }
}

/// Whether a `LocalQueue` is stopped.
fn is_held(local: &Value) -> bool {
    text(local, "/spec/stopPolicy").starts_with("Hold")
}
