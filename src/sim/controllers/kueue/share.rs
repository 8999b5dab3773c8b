//! Fair sharing: what a queue or cohort has beyond its own, measured against what could be lent to it, by its weight.

use std::{cmp::Ordering, collections::BTreeMap};

use super::tree::{Cell, Node, Tree};

/// The largest of a node's shares of its resources.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Share {
    weight: f64,
    /// Thousandths of what could be lent.
    ratio: f64,
    /// The cells of which the node has more than its own.
    pub(super) beyond: Vec<Cell>,
}

impl Share {
    /// The share of a node; nobody at the top of a tree has one.
    pub(super) fn of(tree: &Tree, node: &Node) -> Self {
        let mut out = Self { weight: node.weight, ratio: 0.0, beyond: Vec::new() };
        let Some(parent) = tree.get(&node.parent) else { return out };
        let mut by_resource = BTreeMap::<String, i64>::new();
        for cell in node.cells() {
            let more = node.beyond(cell);
            if more > 0 {
                let total = by_resource.entry(cell.1.clone()).or_default();
                *total = total.saturating_add(more);
                out.beyond.push(cell.clone());
            }
        }
        if out.beyond.is_empty() {
            return out;
        }
        let lendable = tree.lendable(parent);
        for (resource, n) in by_resource {
            if let Some(all) = lendable.get(&resource).filter(|all| **all > 0) {
                out.ratio = out.ratio.max(n as f64 * 1000.0 / *all as f64);
            }
        }
        out
    }

    fn value(&self) -> f64 {
        if self.ratio == 0.0 { 0.0 } else { self.ratio / self.weight }
    }

    /// `status.fairSharing.weightedShare`.
    pub(super) fn written(&self) -> i64 {
        // A weight of nothing makes it infinite; the cast stops at the largest number.
        self.value().ceil() as i64
    }

    /// Who has more than what: who weighs nothing and borrows has most.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let free = |share: &Self| share.weight == 0.0 && share.ratio > 0.0;
        match (free(self), free(other)) {
            (true, true) => self.ratio.total_cmp(&other.ratio),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.value().total_cmp(&other.value()),
        }
    }
}
