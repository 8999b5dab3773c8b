//! Makes equal [`Sym`]s of all rows share their memory.

use std::collections::HashSet;

use crate::jobs::{
    row::{Condition, ContainerRow, ContainerState, EventRow, JobRow, PodRow, Requests, Terminated, WorkloadRow},
    text::Sym,
};

/// The set of texts in use. What nobody holds any more is forgotten when the set has doubled.
#[derive(Debug, Default)]
pub(super) struct Interner {
    known: HashSet<Sym>,
    prune_at: usize,
}

impl Interner {
    pub(super) fn job(&mut self, row: &mut JobRow) {
        for (key, value) in &mut row.labels {
            self.sym(key);
            self.sym(value);
        }
        for text in [&mut row.creator, &mut row.creator_by, &mut row.queue, &mut row.priority, &mut row.managed_by] {
            self.maybe(text);
        }
        for spec in &mut row.replicas {
            self.sym(&mut spec.role);
            self.maybe(&mut spec.restart_policy);
            self.maybe(&mut spec.image);
            self.requests(&mut spec.each);
        }
        let policy = &mut row.policy;
        for text in [&mut policy.clean_pods, &mut policy.launcher_creation, &mut policy.mpi, &mut policy.runtime] {
            self.maybe(text);
        }
        for count in &mut row.counts {
            self.sym(&mut count.role);
        }
        self.conditions(&mut row.conditions);
    }

    pub(super) fn pod(&mut self, row: &mut PodRow) {
        for text in [&mut row.namespace, &mut row.operator, &mut row.role] {
            self.sym(text);
        }
        for text in [&mut row.node, &mut row.reason, &mut row.disruption] {
            self.maybe(text);
        }
        if let Some(owner) = &mut row.owner {
            self.sym(&mut owner.kind);
        }
        if let Some((reason, _)) = &mut row.unscheduled {
            self.sym(reason);
        }
        for container in &mut row.containers {
            self.container(container);
        }
        self.requests(&mut row.requests);
    }

    pub(super) fn event(&mut self, row: &mut EventRow) {
        for text in [&mut row.namespace, &mut row.about_kind, &mut row.reason, &mut row.source] {
            self.sym(text);
        }
    }

    pub(super) fn workload(&mut self, row: &mut WorkloadRow) {
        self.sym(&mut row.namespace);
        self.sym(&mut row.queue);
        self.maybe(&mut row.cluster_queue);
        self.conditions(&mut row.conditions);
    }

    fn container(&mut self, row: &mut ContainerRow) {
        self.sym(&mut row.name);
        self.sym(&mut row.image);
        if let Some(ContainerState::Waiting { reason, .. } | ContainerState::Terminated(Terminated { reason, .. })) =
            &mut row.state
        {
            self.sym(reason);
        }
        if let Some(last) = &mut row.last {
            self.sym(&mut last.reason);
        }
    }

    fn conditions(&mut self, rows: &mut [Condition]) {
        for row in rows {
            self.sym(&mut row.kind);
            self.sym(&mut row.reason);
        }
    }

    fn requests(&mut self, row: &mut Requests) {
        self.maybe(&mut row.gpu_resource);
    }

    fn maybe(&mut self, text: &mut Option<Sym>) {
        if let Some(text) = text {
            self.sym(text);
        }
    }

    pub(super) fn sym(&mut self, text: &mut Sym) {
        if let Some(known) = self.known.get(text) {
            *text = known.clone();
            return;
        }
        if self.known.len() >= self.prune_at.max(1024) {
            self.known.retain(Sym::is_shared);
            self.prune_at = self.known.len() * 2;
        }
        self.known.insert(text.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let mut interner = Interner::default();
        let mut kept = Sym::new("kept");
        interner.sym(&mut kept);
        for i in 0..10_000 {
            interner.sym(&mut Sym::new(&format!("text {i}")));
        }
        assert!(interner.known.len() <= 1100, "{}", interner.known.len());
        let mut again = Sym::new("kept");
        interner.sym(&mut again);
        assert!(std::ptr::eq(kept.as_str(), again.as_str()));
    }
}
