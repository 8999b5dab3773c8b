//! Queues as a pass of admission sees them: quotas by flavor and resource, what is used, what a cohort lends.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sim::{
    amounts::amount,
    value::{list, name, text},
};

/// A flavor and a resource.
pub(super) type Cell = (String, String);

/// What a queue has of one resource in one flavor.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quota {
    pub(super) nominal: i64,
    borrowing: Option<i64>,
    lending: Option<i64>,
}

impl Quota {
    /// What is never lent.
    fn guaranteed(&self) -> i64 {
        self.lending.map_or(0, |lent| (self.nominal - lent).max(0))
    }
}

/// Resources that share their flavors.
pub(super) struct Group {
    pub(super) covered: Vec<String>,
    pub(super) flavors: Vec<String>,
}

/// One `ClusterQueue`.
pub(super) struct Hall {
    pub(super) object: Value,
    pub(super) cohort: String,
    pub(super) groups: Vec<Group>,
    pub(super) quotas: BTreeMap<Cell, Quota>,
    pub(super) used: BTreeMap<Cell, i64>,
    pub(super) pending: usize,
    pub(super) reserving: usize,
    pub(super) admitted: usize,
}

impl Hall {
    /// An empty queue.
    pub(super) fn new(object: &Value) -> Self {
        let (mut groups, mut quotas) = (Vec::new(), BTreeMap::new());
        for group in list(object, "/spec/resourceGroups") {
            let words = |v: &[Value]| v.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect::<Vec<_>>();
            let flavors = list(group, "/flavors");
            for flavor in flavors {
                for resource in list(flavor, "/resources") {
                    let key = text(resource, "/name").to_owned();
                    let of = |field: &str| resource.get(field).filter(|v| !v.is_null()).map(|v| amount(&key, v));
                    let quota = Quota {
                        nominal: of("nominalQuota").unwrap_or(0),
                        borrowing: of("borrowingLimit"),
                        lending: of("lendingLimit"),
                    };
                    quotas.insert((text(flavor, "/name").to_owned(), key), quota);
                }
            }
            groups.push(Group {
                covered: words(list(group, "/coveredResources")),
                flavors: flavors.iter().map(|f| text(f, "/name").to_owned()).collect(),
            });
        }
        let cohort = ["/spec/cohortName", "/spec/cohort"].map(|path| text(object, path));
        let cohort = cohort.into_iter().find(|c| !c.is_empty()).unwrap_or("").to_owned();
        let (used, object) = (BTreeMap::new(), object.clone());
        Self { object, cohort, groups, quotas, used, pending: 0, reserving: 0, admitted: 0 }
    }

    /// `None`, `Hold` or `HoldAndDrain`.
    pub(super) fn stop_policy(&self) -> &str {
        text(&self.object, "/spec/stopPolicy")
    }

    /// What is used of a cell.
    pub(super) fn used(&self, cell: &Cell) -> i64 {
        self.used.get(cell).copied().unwrap_or(0)
    }

    /// What is used beyond the queue's own.
    pub(super) fn borrowed(&self, cell: &Cell) -> i64 {
        let nominal = self.quotas.get(cell).map_or(0, |q| q.nominal);
        if self.cohort.is_empty() { 0 } else { (self.used(cell) - nominal).max(0) }
    }

    /// Counts a usage in (or out with -1).
    pub(super) fn take(&mut self, usage: &[(Cell, i64)], sign: i64) {
        for (cell, n) in usage {
            let used = self.used.entry(cell.clone()).or_default();
            *used = used.saturating_add(n.saturating_mul(sign));
        }
    }
}

/// All queues and flavors.
pub(super) struct Halls {
    pub(super) queues: BTreeMap<String, Hall>,
    pub(super) flavors: BTreeMap<String, Value>,
}

impl Halls {
    fn cohort<'a>(&'a self, hall: &'a Hall) -> impl Iterator<Item = &'a Hall> {
        let alone = hall.cohort.is_empty();
        self.queues.values().filter(move |other| {
            if alone { name(&other.object) == name(&hall.object) } else { other.cohort == hall.cohort }
        })
    }

    /// How much of a cell is free for `hall`: its own, and what its cohort lends now.
    pub(super) fn available(&self, hall: &Hall, cell: &Cell) -> i64 {
        let quota = hall.quotas.get(cell).copied().unwrap_or_default();
        if hall.cohort.is_empty() {
            return quota.nominal - hall.used(cell);
        }
        let own = (quota.guaranteed() - hall.used(cell)).max(0);
        let lent = |h: &Hall| h.quotas.get(cell).map_or(0, |q| q.nominal - q.guaranteed());
        let taken = |h: &Hall| (h.used(cell) - h.quotas.get(cell).map_or(0, Quota::guaranteed)).max(0);
        let mut shared: i64 = self.cohort(hall).map(|h| lent(h) - taken(h)).sum();
        if let Some(limit) = quota.borrowing {
            shared = shared.min(lent(hall) - taken(hall) + limit);
        }
        own + shared
    }

    /// How much of a cell `hall` could have if nobody used any.
    pub(super) fn potential(&self, hall: &Hall, cell: &Cell) -> i64 {
        let quota = hall.quotas.get(cell).copied().unwrap_or_default();
        if hall.cohort.is_empty() {
            return quota.nominal;
        }
        let lent = |h: &Hall| h.quotas.get(cell).map_or(0, |q| q.nominal - q.guaranteed());
        let all: i64 = self.cohort(hall).map(lent).sum();
        quota.guaranteed() + quota.borrowing.map_or(all, |limit| all.min(lent(hall) + limit))
    }

    /// Flavors that a queue names and nobody made.
    pub(super) fn missing_flavors(&self, hall: &Hall) -> Vec<String> {
        let mut all: Vec<String> = hall.groups.iter().flat_map(|g| g.flavors.clone()).collect();
        all.retain(|flavor| !self.flavors.contains_key(flavor));
        all.sort();
        all.dedup();
        all
    }

    /// Why a queue takes nobody in: reason and what is said of it.
    pub(super) fn inactive(&self, hall: &Hall) -> Option<(&'static str, String)> {
        let missing = self.missing_flavors(hall);
        let stopped = hall.stop_policy().starts_with("Hold");
        let mut said = Vec::new();
        if stopped {
            said.push("is stopped".to_owned());
        }
        if !missing.is_empty() {
            said.push(format!("references missing ResourceFlavor(s): {}", missing.join(",")));
        }
        let reason = if stopped { "Stopped" } else { "FlavorNotFound" };
        (!said.is_empty()).then(|| (reason, format!("Can't admit new workloads: {}.", said.join(", "))))
    }
}

/// What an admitted Workload uses, by its status.
pub(super) fn usage(load: &Value) -> Vec<(Cell, i64)> {
    let mut all = Vec::new();
    for set_of in list(load, "/status/admission/podSetAssignments") {
        for (resource, n) in set_of["resourceUsage"].as_object().into_iter().flatten() {
            if let Some(flavor) = set_of["flavors"].get(resource).and_then(Value::as_str) {
                all.push(((flavor.to_owned(), resource.clone()), amount(resource, n)));
            }
        }
    }
    all
}
