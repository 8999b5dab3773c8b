//! Status of the queues themselves: counts, usage, whether they take anybody in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    condition,
    quota::{Cell, Hall, Halls, usage},
};
use crate::sim::{
    amounts::written,
    store::{
        Resource,
        resource::{CLUSTERQUEUES, LOCALQUEUES},
    },
    value::{has_condition, list, set, text},
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
        let all = by_flavor(hall, &hall.used, true);
        set(&mut next, "/status/flavorsReservation", all.clone());
        set(&mut next, "/status/flavorsUsage", all);
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
            set(&mut next, "/status/flavorsReservation", by_flavor(hall, &count.reserved, false));
            set(&mut next, "/status/flavorsUsage", by_flavor(hall, &count.used, false));
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

/// Totals of every flavor and resource that the queue names, in its order.
fn by_flavor(hall: &Hall, used: &BTreeMap<Cell, i64>, borrowed: bool) -> Value {
    let mut out = Vec::new();
    for group in list(&hall.object, "/spec/resourceGroups") {
        for flavor in list(group, "/flavors") {
            let resource = |r: &Value| {
                let cell = (text(flavor, "/name").to_owned(), text(r, "/name").to_owned());
                let mut one = json!({"name": cell.1, "total": written(&cell.1, used.get(&cell).copied().unwrap_or(0))});
                if borrowed {
                    one["borrowed"] = json!(written(&cell.1, hall.borrowed(&cell)));
                }
                one
            };
            let resources: Vec<Value> = list(flavor, "/resources").iter().map(resource).collect();
            out.push(json!({"name": flavor["name"], "resources": resources}));
        }
    }
    Value::Array(out)
}

fn push_if_changed(resource: &'static Resource, old: &Value, next: Value, writes: &mut Vec<Write>) {
    if next.get("status") != old.get("status") {
        writes.push(Write::Status(resource, next));
    }
}
