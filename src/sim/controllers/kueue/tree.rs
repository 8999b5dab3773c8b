//! Quotas in a tree: queues are its leaves, cohorts of cohorts its branches. What a node lends goes up, what it lacks
//! comes from above.
//!
//! Amounts saturate: a quota may be as large as a number can be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sim::{
    amounts::amount,
    value::{list, text},
};

/// A flavor and a resource.
pub(super) type Cell = (String, String);

/// What a node itself has of one resource in one flavor.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quota {
    pub(super) nominal: i64,
    pub(super) borrowing: Option<i64>,
    lending: Option<i64>,
}

/// A queue or a cohort, as far as quotas go.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The cohort that it is in; empty at the top.
    pub(super) parent: String,
    pub(super) quotas: BTreeMap<Cell, Quota>,
    /// Its own and what its children lend it.
    subtree: BTreeMap<Cell, i64>,
    used: BTreeMap<Cell, i64>,
    /// Its share counts as this many.
    pub(super) weight: f64,
}

impl Node {
    /// The node of a `ClusterQueue` or a `Cohort`, before it knows of others.
    pub(super) fn new(object: &Value, parent: &str) -> Self {
        let mut quotas = BTreeMap::new();
        for flavor in list(object, "/spec/resourceGroups").iter().flat_map(|group| list(group, "/flavors")) {
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
        let subtree = quotas.iter().map(|(cell, quota)| (cell.clone(), quota.nominal)).collect();
        let weight = object.pointer("/spec/fairSharing/weight").filter(|w| !w.is_null());
        let weight = weight.map_or(1.0, |weight| amount("cpu", weight) as f64 / 1000.0);
        Self { parent: parent.to_owned(), quotas, subtree, used: BTreeMap::new(), weight }
    }

    fn quota(&self, cell: &Cell) -> Quota {
        self.quotas.get(cell).copied().unwrap_or_default()
    }

    fn subtree(&self, cell: &Cell) -> i64 {
        self.subtree.get(cell).copied().unwrap_or(0)
    }

    /// What is used of a cell.
    pub(super) fn used(&self, cell: &Cell) -> i64 {
        self.used.get(cell).copied().unwrap_or(0)
    }

    /// All cells of which it or who is below it has anything.
    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.subtree.keys()
    }

    /// What is never lent.
    fn guaranteed(&self, cell: &Cell) -> i64 {
        self.quota(cell).lending.map_or(0, |lent| self.subtree(cell).saturating_sub(lent).max(0))
    }

    /// What is left of what is never lent.
    pub(super) fn left(&self, cell: &Cell) -> i64 {
        self.guaranteed(cell).saturating_sub(self.used(cell)).max(0)
    }

    /// What the parent has to carry.
    fn above(&self, cell: &Cell) -> i64 {
        self.used(cell).saturating_sub(self.guaranteed(cell)).max(0)
    }

    /// Whether `more` of a cell would go beyond the node's own.
    pub(super) fn exceeds(&self, cell: &Cell, more: i64) -> bool {
        self.subtree(cell) < self.used(cell).saturating_add(more)
    }

    /// What is used of a cell beyond the node's own.
    pub(super) fn beyond(&self, cell: &Cell) -> i64 {
        self.used(cell).saturating_sub(self.subtree(cell)).max(0)
    }

    fn take(&mut self, cell: &Cell, n: i64) -> i64 {
        let before = self.above(cell);
        let used = self.used.entry(cell.clone()).or_default();
        *used = used.saturating_add(n);
        self.above(cell).saturating_sub(before)
    }

    fn lend_to(&self, parent: &mut Node) {
        for (cell, all) in &self.subtree {
            let total = parent.subtree.entry(cell.clone()).or_default();
            *total = total.saturating_add(all.saturating_sub(self.guaranteed(cell)));
        }
    }
}

/// All cohorts, by name.
#[derive(Debug, Default)]
pub(super) struct Tree {
    cohorts: BTreeMap<String, Node>,
    /// Cohorts that are above themselves.
    circles: BTreeSet<String>,
    /// Cohorts with queues right below them.
    homes: BTreeSet<String>,
}

impl Tree {
    /// The cohorts of `objects`, and those that are only named, with what `leaves` lend them.
    pub(super) fn new<'a>(objects: &BTreeMap<String, Value>, leaves: impl Iterator<Item = &'a Node>) -> Self {
        let mut cohorts: BTreeMap<String, Node> = objects
            .iter()
            .map(|(name, object)| (name.clone(), Node::new(object, text(object, "/spec/parentName"))))
            .collect();
        let leaves: Vec<&Node> = leaves.collect();
        let named: Vec<String> = cohorts.values().chain(leaves.iter().copied()).map(|n| n.parent.clone()).collect();
        for name in named.into_iter().filter(|name| !name.is_empty()) {
            cohorts.entry(name).or_insert_with(|| Node { weight: 1.0, ..Node::default() });
        }
        let homes = leaves.iter().map(|leaf| leaf.parent.clone()).collect();
        let mut tree = Self { cohorts, circles: BTreeSet::new(), homes };
        tree.cut_circles();
        for leaf in leaves {
            if let Some(parent) = tree.cohorts.get_mut(&leaf.parent) {
                leaf.lend_to(parent);
            }
        }
        let mut deepest: Vec<String> = tree.cohorts.keys().cloned().collect();
        deepest.sort_by_key(|name| std::cmp::Reverse(tree.path(name).count()));
        for name in deepest {
            let Some(node) = tree.cohorts.remove(&name) else { continue };
            if let Some(parent) = tree.cohorts.get_mut(&node.parent) {
                node.lend_to(parent);
            }
            tree.cohorts.insert(name, node);
        }
        tree
    }

    /// Who is above itself is at the top, so that no way up is endless.
    fn cut_circles(&mut self) {
        let mut found = BTreeSet::new();
        for start in self.cohorts.keys() {
            let mut seen = BTreeSet::new();
            let mut at = start.as_str();
            while let Some(node) = self.cohorts.get(at).filter(|_| seen.insert(at)) {
                at = &node.parent;
            }
            if at == start {
                found.insert(start.clone());
            }
        }
        for name in &found {
            if let Some(node) = self.cohorts.get_mut(name) {
                node.parent.clear();
            }
        }
        self.circles = found;
    }

    /// Whether the way up from a cohort ends in a circle.
    pub(super) fn is_in_circle(&self, cohort: &str) -> bool {
        self.path(cohort).any(|(name, _)| self.circles.contains(name))
    }

    /// From a cohort up to the top.
    pub(super) fn path<'a>(&'a self, cohort: &str) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        let first = self.cohorts.get_key_value(cohort);
        std::iter::successors(first, |(_, node)| self.cohorts.get_key_value(&node.parent))
            .map(|(name, node)| (name.as_str(), node))
    }

    /// All cohorts.
    pub(super) fn cohorts(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.cohorts.iter().map(|(name, node)| (name.as_str(), node))
    }

    fn parent(&self, node: &Node) -> Option<&Node> {
        self.cohorts.get(&node.parent)
    }

    /// Counts a usage of a queue in, or out if it is less than nothing.
    pub(super) fn take(&mut self, leaf: &mut Node, cell: &Cell, n: i64) {
        let mut rest = leaf.take(cell, n);
        let mut at = leaf.parent.clone();
        while let Some(node) = self.cohorts.get_mut(&at).filter(|_| rest != 0) {
            rest = node.take(cell, rest);
            at.clone_from(&node.parent);
        }
    }

    /// How much of a cell is free for `node`: its own, and what it gets from above now.
    pub(super) fn available(&self, node: &Node, cell: &Cell) -> i64 {
        let Some(parent) = self.parent(node) else {
            return node.subtree(cell).saturating_sub(node.used(cell));
        };
        let mut from_above = self.available(parent, cell);
        if let Some(limit) = node.quota(cell).borrowing {
            let lent = node.subtree(cell).saturating_sub(node.guaranteed(cell));
            from_above = from_above.min(lent.saturating_sub(node.above(cell)).saturating_add(limit));
        }
        node.left(cell).saturating_add(from_above)
    }

    /// How much of a cell `node` could have if nobody used any.
    pub(super) fn potential(&self, node: &Node, cell: &Cell) -> i64 {
        let Some(parent) = self.parent(node) else { return node.subtree(cell) };
        let all = node.guaranteed(cell).saturating_add(self.potential(parent, cell));
        let limit = node.quota(cell).borrowing.map(|limit| node.subtree(cell).saturating_add(limit));
        limit.map_or(all, |limit| all.min(limit))
    }

    /// How far up `n` more of a cell must be looked for: 0 is at home. And whether somebody is above that.
    pub(super) fn reach(&self, leaf: &Node, cell: &Cell, n: i64) -> (usize, bool) {
        if !leaf.exceeds(cell, n) || self.parent(leaf).is_none() {
            return (0, self.parent(leaf).is_some());
        }
        let mut rest = n.saturating_sub(leaf.left(cell));
        let mut top = 0;
        for (name, node) in self.path(&leaf.parent) {
            top = self.height(name);
            if !node.exceeds(cell, rest) {
                return (top, self.parent(node).is_some());
            }
            rest = rest.saturating_sub(node.left(cell));
        }
        (top, false)
    }

    /// How far the furthest leaf below a cohort is.
    fn height(&self, cohort: &str) -> usize {
        let below = self.cohorts.iter().filter(|(_, node)| node.parent == cohort);
        below.map(|(name, _)| self.height(name) + 1).max().unwrap_or(usize::from(self.homes.contains(cohort)))
    }

    /// What a node may count on of each resource in all flavors that its tree has.
    pub(super) fn lendable(&self, node: &Node) -> BTreeMap<String, i64> {
        let mut top = node;
        while let Some(parent) = self.parent(top) {
            top = parent;
        }
        let mut all = BTreeMap::<String, i64>::new();
        for cell in top.subtree.keys() {
            let total = all.entry(cell.1.clone()).or_default();
            *total = total.saturating_add(self.potential(node, cell));
        }
        all
    }

    /// A cohort by its name.
    pub(super) fn get(&self, cohort: &str) -> Option<&Node> {
        self.cohorts.get(cohort)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(gpus: i64, lending: Option<i64>, borrowing: Option<i64>) -> Value {
        let mut resource = json!({"name": "nvidia.com/gpu", "nominalQuota": gpus.to_string()});
        for (field, limit) in [("lendingLimit", lending), ("borrowingLimit", borrowing)] {
            if let Some(limit) = limit {
                resource[field] = json!(limit.to_string());
            }
        }
        json!({"spec": {"resourceGroups": [{"flavors": [{"name": "gpu", "resources": [resource]}]}]}})
    }

    fn cell() -> Cell {
        ("gpu".to_owned(), "nvidia.com/gpu".to_owned())
    }

    fn cohort(mut object: Value, parent: &str) -> Value {
        object["spec"]["parentName"] = json!(parent);
        object
    }

    #[test]
    fn a_leaf_has_what_the_whole_tree_lends_it() {
        let objects = BTreeMap::from([
            ("root".to_owned(), quota(4, None, None)),
            ("left".to_owned(), cohort(json!({}), "root")),
            ("right".to_owned(), cohort(json!({}), "root")),
        ]);
        let mut a = Node::new(&quota(2, None, None), "left");
        let b = Node::new(&quota(3, Some(1), None), "right");
        let mut tree = Tree::new(&objects, [&a, &b].into_iter());
        // 2 of its own, 4 of the root, 1 that b lends.
        assert_eq!((tree.available(&a, &cell()), tree.potential(&a, &cell())), (7, 7));
        assert_eq!((tree.available(&b, &cell()), tree.potential(&b, &cell())), (9, 9));
        let heights = [2, 3, 6, 7].map(|n| tree.reach(&a, &cell(), n));
        assert_eq!(heights, [(0, true), (2, false), (2, false), (2, false)]);
        tree.take(&mut a, &cell(), 5);
        assert_eq!((tree.available(&a, &cell()), tree.available(&b, &cell()), a.beyond(&cell())), (2, 4, 3));
        tree.take(&mut a, &cell(), -5);
        assert_eq!((tree.available(&a, &cell()), tree.available(&b, &cell())), (7, 9));
    }

    #[test]
    fn limits_hold_at_every_step() {
        let objects = BTreeMap::from([
            ("root".to_owned(), quota(10, None, None)),
            ("team".to_owned(), cohort(quota(1, None, Some(2)), "root")),
        ]);
        let a = Node::new(&quota(1, None, None), "team");
        let tree = Tree::new(&objects, std::iter::once(&a));
        assert_eq!((tree.available(&a, &cell()), tree.potential(&a, &cell())), (4, 4));
        assert_eq!(tree.lendable(&a), BTreeMap::from([("nvidia.com/gpu".to_owned(), 4)]));
    }

    #[test]
    fn a_circle_of_cohorts_ends_and_huge_quotas_do_not_overflow() {
        let circle = [("a", "b"), ("b", "a"), ("c", "b")];
        let objects = circle.map(|(name, parent)| (name.to_owned(), cohort(quota(i64::MAX, None, None), parent)));
        let leaf = Node::new(&quota(i64::MAX, None, Some(i64::MAX)), "c");
        let tree = Tree::new(&BTreeMap::from(objects), std::iter::once(&leaf));
        assert!(tree.is_in_circle("c") && tree.is_in_circle("a") && !tree.is_in_circle("none"));
        assert_eq!(tree.available(&leaf, &cell()), i64::MAX);
    }
}
