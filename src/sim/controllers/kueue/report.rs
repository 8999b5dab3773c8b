//! Status of the queues themselves: counts, usage, whether they take anybody in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    condition,
    quota::{Hall, Halls, usage},
    share::Share,
    tree::{Cell, Node},
};
use crate::sim::{
    amounts::written,
    store::{
        Resource,
        resource::{CLUSTERQUEUES, COHORTS, LOCALQUEUES},
    },
    value::{self, has_condition, list, set, text},
    write::Write,
};

type Key = (String, String);

/// What each `LocalQueue` holds, by namespace and name.
#[derive(Default)]
pub(super) struct Counts(BTreeMap<Key, Count>);

#[derive(Default)]
struct Count {
    pending: usize,
    reserving: usize,
    admitted: usize,
    reserved: BTreeMap<Cell, i64>,
    used: BTreeMap<Cell, i64>,
}

impl Counts {
    /// One more that waits.
    pub(super) fn pending(&mut self, key: &Key) {
        self.0.entry(key.clone()).or_default().pending += 1;
    }

    /// One more that is in.
    pub(super) fn reserved(&mut self, key: &Key, load: &Value) {
        let count = self.0.entry(key.clone()).or_default();
        let admitted = has_condition(load, "Admitted");
        count.reserving += 1;
        count.admitted += usize::from(admitted);
        for (cell, n) in usage(load) {
            if admitted {
                *count.used.entry(cell.clone()).or_default() += n;
            }
            *count.reserved.entry(cell).or_default() += n;
        }
    }
}

/// Writes the status of every queue that changed.
pub(super) fn statuses(
    halls: &Halls,
    locals: &BTreeMap<Key, Value>,
    counts: &Counts,
    fair: bool,
    writes: &mut Vec<Write>,
    now: Timestamp,
) {
    for hall in halls.queues.values() {
        let mut next = hall.object.clone();
        let (truth, reason, message) = match halls.inactive(hall) {
            Some((reason, message)) => (false, reason, message),
            None => (true, "Ready", "Can admit new workloads".to_owned()),
        };
        condition(&mut next, "Active", truth, reason, &message, now);
        set(&mut next, "/status/pendingWorkloads", json!(hall.pending));
        set(&mut next, "/status/admittedWorkloads", json!(hall.admitted));
        set(&mut next, "/status/reservingWorkloads", json!(hall.reserving));
        let borrows = !hall.node.parent.is_empty();
        set(&mut next, "/status/flavorsReservation", by_flavor(hall, &|cell| hall.node.used(cell), Some(borrows)));
        let running = |cell: &Cell| hall.running.get(cell).copied().unwrap_or(0);
        set(&mut next, "/status/flavorsUsage", by_flavor(hall, &running, Some(borrows)));
        if fair {
            share(halls, &hall.node, &mut next);
        }
        push_if_changed(&CLUSTERQUEUES, &hall.object, next, writes);
    }
    let none = Count::default();
    for (key, local) in locals {
        let mut next = local.clone();
        let hall = halls.queues.get(text(local, "/spec/clusterQueue"));
        let (truth, reason, message) = open(halls, hall, local);
        condition(&mut next, "Active", truth, reason, message, now);
        let count = counts.0.get(key).unwrap_or(&none);
        set(&mut next, "/status/pendingWorkloads", json!(count.pending));
        set(&mut next, "/status/admittedWorkloads", json!(count.admitted));
        set(&mut next, "/status/reservingWorkloads", json!(count.reserving));
        if let Some(hall) = hall {
            set(&mut next, "/status/flavorsReservation", by_flavor(hall, &|cell| of(&count.reserved, cell), None));
            set(&mut next, "/status/flavorsUsage", by_flavor(hall, &|cell| of(&count.used, cell), None));
        }
        push_if_changed(&LOCALQUEUES, local, next, writes);
    }
}

fn open(halls: &Halls, hall: Option<&Hall>, local: &Value) -> (bool, &'static str, &'static str) {
    let closed = "Can't submit new workloads to clusterQueue";
    match hall {
        _ if text(local, "/spec/stopPolicy").starts_with("Hold") => (false, "Stopped", "LocalQueue is stopped"),
        None => (false, "ClusterQueueDoesNotExist", closed),
        Some(hall) if halls.inactive(hall).is_some() => (false, "ClusterQueueIsInactive", closed),
        Some(_) => (true, "Ready", "Can submit new workloads to localQueue"),
    }
}

fn of(all: &BTreeMap<Cell, i64>, cell: &Cell) -> i64 {
    all.get(cell).copied().unwrap_or(0)
}

/// Totals of every flavor and resource that the queue names, in its order; of a `ClusterQueue` also what of it is borrowed.
fn by_flavor(hall: &Hall, used: &dyn Fn(&Cell) -> i64, borrows: Option<bool>) -> Value {
    let mut out = Vec::new();
    for group in list(&hall.object, "/spec/resourceGroups") {
        for flavor in list(group, "/flavors") {
            let resource = |r: &Value| {
                let cell = (text(flavor, "/name").to_owned(), text(r, "/name").to_owned());
                let total = used(&cell);
                let mut one = json!({"name": cell.1, "total": written(&cell.1, total)});
                if let Some(borrows) = borrows {
                    let beyond = total.saturating_sub(hall.quota(&cell).nominal).max(0);
                    one["borrowed"] = json!(written(&cell.1, if borrows { beyond } else { 0 }));
                }
                one
            };
            let resources: Vec<Value> = list(flavor, "/resources").iter().map(resource).collect();
            out.push(json!({"name": flavor["name"], "resources": resources}));
        }
    }
    Value::Array(out)
}

/// The share of a queue or cohort, as its status has it.
fn share(halls: &Halls, node: &Node, next: &mut Value) {
    set(next, "/status/fairSharing", json!({"weightedShare": Share::of(&halls.tree, node).written()}));
}

/// Writes the share of every cohort that changed.
pub(super) fn shares(halls: &Halls, cohorts: &BTreeMap<String, Value>, writes: &mut Vec<Write>) {
    for (cohort, node) in cohorts.values().filter_map(|c| Some((c, halls.tree.get(value::name(c))?))) {
        let mut next = cohort.clone();
        share(halls, node, &mut next);
        push_if_changed(&COHORTS, cohort, next, writes);
    }
}

fn push_if_changed(resource: &'static Resource, old: &Value, next: Value, writes: &mut Vec<Write>) {
    if next.get("status") != old.get("status") {
        writes.push(Write::Status(resource, next));
    }
}
