//! Queues as a pass of admission sees them: their flavors, who is in them, and their place in the tree of quotas.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    checks::Checks,
    tree::{Cell, Node, Quota, Tree},
};
use crate::sim::{
    amounts::amount,
    value::{list, text},
};

/// Resources that share their flavors.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) covered: Vec<String>,
    pub(super) flavors: Vec<String>,
}

/// One `ClusterQueue`.
pub(super) struct Hall {
    pub(super) object: Value,
    pub(super) groups: Vec<Group>,
    pub(super) node: Node,
    /// What those use that are admitted.
    pub(super) running: BTreeMap<Cell, i64>,
    pub(super) pending: usize,
    pub(super) reserving: usize,
    pub(super) admitted: usize,
}

impl Hall {
    /// An empty queue.
    pub(super) fn new(object: &Value) -> Self {
        let words = |v: &[Value]| v.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect::<Vec<_>>();
        let group = |group: &Value| Group {
            covered: words(list(group, "/coveredResources")),
            flavors: list(group, "/flavors").iter().map(|f| text(f, "/name").to_owned()).collect(),
        };
        let groups = list(object, "/spec/resourceGroups").iter().map(group).collect();
        let cohort = ["/spec/cohortName", "/spec/cohort"].map(|path| text(object, path));
        let cohort = cohort.into_iter().find(|c| !c.is_empty()).unwrap_or("");
        let (node, object, running) = (Node::new(object, cohort), object.clone(), BTreeMap::new());
        Self { object, groups, node, running, pending: 0, reserving: 0, admitted: 0 }
    }

    /// `None`, `Hold` or `HoldAndDrain`.
    pub(super) fn stop_policy(&self) -> &str {
        text(&self.object, "/spec/stopPolicy")
    }

    /// What the queue itself has of a cell.
    pub(super) fn quota(&self, cell: &Cell) -> Quota {
        self.node.quotas.get(cell).copied().unwrap_or_default()
    }

    /// A word of `spec.preemption`; what is not said is `Never`.
    pub(super) fn preemption(&self, field: &str) -> &str {
        let word = text(&self.object, &format!("/spec/preemption/{field}"));
        if word.is_empty() { "Never" } else { word }
    }

    /// Counts one more that has its quota.
    pub(super) fn count(&mut self, usage: &[(Cell, i64)], admitted: bool) {
        self.reserving += 1;
        self.admitted += usize::from(admitted);
        for (cell, n) in usage.iter().filter(|_| admitted) {
            let total = self.running.entry(cell.clone()).or_default();
            *total = total.saturating_add(*n);
        }
    }

    /// What is used of a cell beyond what the queue itself has.
    pub(super) fn borrowed(&self, cell: &Cell) -> i64 {
        if self.node.parent.is_empty() { 0 } else { self.node.beyond(cell) }
    }
}

/// All queues and flavors.
pub(super) struct Halls {
    pub(super) queues: BTreeMap<String, Hall>,
    pub(super) flavors: BTreeMap<String, Value>,
    pub(super) checks: Checks,
    pub(super) tree: Tree,
}

impl Halls {
    /// How much of a cell is free for `hall`: its own, and what its cohorts lend now; where more is used than there is, nothing.
    pub(super) fn available(&self, hall: &Hall, cell: &Cell) -> i64 {
        self.tree.available(&hall.node, cell).max(0)
    }

    /// Whether all of `wanted` is free.
    pub(super) fn fits(&self, hall: &Hall, wanted: &[(Cell, i64)]) -> bool {
        wanted.iter().all(|(cell, n)| *n <= self.available(hall, cell))
    }

    /// Counts a usage of a queue in (or out with -1).
    pub(super) fn take(&mut self, queue: &str, usage: &[(Cell, i64)], sign: i64) {
        let Some(hall) = self.queues.get_mut(queue) else { return };
        for (cell, n) in usage {
            self.tree.take(&mut hall.node, cell, n.saturating_mul(sign));
        }
    }

    /// A queue and the cohorts above it, as Kueue writes it.
    pub(super) fn path(&self, queue: &str) -> String {
        let above = self.queues.get(queue).map_or("", |hall| hall.node.parent.as_str());
        let mut parts: Vec<&str> = self.tree.path(above).map(|(name, _)| name).collect();
        parts.reverse();
        parts.push(queue);
        format!("/{}", parts.join("/"))
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
        let stopped = hall.stop_policy().starts_with("Hold");
        let [unknown, asleep] = self.checks.wanting(&hall.object);
        let names = [
            ("FlavorNotFound", "missing ResourceFlavor(s)", self.missing_flavors(hall)),
            ("AdmissionCheckNotFound", "missing AdmissionCheck(s)", unknown),
            ("AdmissionCheckInactive", "inactive AdmissionCheck(s)", asleep),
        ];
        let mut said: Vec<(&str, String)> = Vec::new();
        if stopped {
            said.push(("Stopped", "is stopped".to_owned()));
        }
        for (reason, what, names) in names.into_iter().filter(|(.., names)| !names.is_empty()) {
            said.push((reason, format!("references {what}: {}", names.join(","))));
        }
        let reason = said.first()?.0;
        let said: Vec<String> = said.into_iter().map(|(_, said)| said).collect();
        Some((reason, format!("Can't admit new workloads: {}.", said.join(", "))))
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
