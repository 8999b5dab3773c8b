//! What a `ClusterQueue` has free, and could have at most: its own, and what its cohort lends.
//!
//! The arithmetic of Kueue's resource nodes (`available`, `potentialAvailable`): what is not lent is kept, the rest is one
//! pot a cohort, cohorts lie in each other, and a limit to borrowing caps what comes out of the pot.

use super::{
    Queues,
    rows::{Cell, ClusterQueueRow, CohortRow, Quota},
};
use crate::jobs::Sym;

/// Cohorts lie in each other no deeper than that; more is a circle.
const DEEP: u8 = 16;

/// How a queue stands in one flavor and resource. In thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Flavor and resource.
    pub cell: Cell,
    /// The queue's own.
    pub nominal: u64,
    /// What is reserved there.
    pub used: u64,
    /// Of that, borrowed.
    pub borrowed: u64,
    /// What could be reserved now, by borrowing too.
    pub free: u64,
    /// What could be reserved if nobody held any.
    pub most: u64,
}

/// How a queue stands, in the order of its quotas.
pub fn rooms(queues: &Queues, queue: &ClusterQueueRow) -> Vec<Room> {
    queue.quotas.iter().map(|quota| room(queues, queue, quota)).collect()
}

fn room(queues: &Queues, queue: &ClusterQueueRow, quota: &Quota) -> Room {
    let tree = Tree { queues, cell: &quota.cell };
    let own = Node::of(quota, signed(quota.nominal), signed(quota.used));
    let (free, most) = match &queue.cohort {
        None => (own.subtree - own.used, own.subtree),
        Some(cohort) => {
            (own.available(tree.available(cohort.as_str(), 0)), own.potential(tree.potential(cohort.as_str(), 0)))
        }
    };
    Room {
        cell: quota.cell.clone(),
        nominal: quota.nominal,
        used: quota.used,
        borrowed: quota.borrowed,
        free: unsigned(free),
        most: unsigned(most),
    }
}

/// A queue or cohort in the tree of one cell.
struct Node {
    subtree: i128,
    used: i128,
    /// What it does not lend.
    kept: i128,
    borrowing: Option<i128>,
}

impl Node {
    fn of(quota: &Quota, subtree: i128, used: i128) -> Self {
        let kept = quota.lending.map_or(0, |lent| (subtree - signed(lent)).max(0));
        Self { subtree, used, kept, borrowing: quota.borrowing.map(signed) }
    }

    /// What it puts into the pot above it.
    fn lent(&self) -> i128 {
        self.subtree - self.kept
    }

    /// What it takes out of it.
    fn taken(&self) -> i128 {
        (self.used - self.kept).max(0)
    }

    fn available(&self, above: i128) -> i128 {
        let cap = self.borrowing.map_or(above, |limit| above.min(self.lent() - self.taken() + limit));
        (self.kept - self.used).max(0) + cap
    }

    fn potential(&self, above: i128) -> i128 {
        let all = self.kept + above;
        self.borrowing.map_or(all, |limit| all.min(self.subtree + limit))
    }
}

struct Tree<'a> {
    queues: &'a Queues,
    cell: &'a Cell,
}

impl Tree<'_> {
    fn quota<'q>(&self, quotas: &'q [Quota]) -> Option<&'q Quota> {
        quotas.iter().find(|quota| quota.cell == *self.cell)
    }

    fn row(&self, cohort: &str) -> Option<&CohortRow> {
        self.queues.cohorts.rows.iter().find(|row| row.name.as_str() == cohort)
    }

    /// A cohort with all that lies in it.
    fn node(&self, cohort: &str, depth: u8) -> Node {
        let own = self.row(cohort).and_then(|row| self.quota(&row.quotas)).cloned().unwrap_or_default();
        let (mut subtree, mut used) = (signed(own.nominal), 0);
        let mut take = |node: &Node| {
            subtree += node.lent();
            used += node.taken();
        };
        let members = self.queues.clusters.rows.iter();
        for queue in members.filter(|q| q.cohort.as_ref().is_some_and(|name| name.as_str() == cohort)) {
            if let Some(quota) = self.quota(&queue.quotas) {
                take(&Node::of(quota, signed(quota.nominal), signed(quota.used)));
            }
        }
        let inside = self.queues.cohorts.rows.iter();
        for row in inside.filter(|c| depth < DEEP && c.parent.as_ref().is_some_and(|name| name.as_str() == cohort)) {
            take(&self.node(row.name.as_str(), depth + 1));
        }
        Node::of(&own, subtree, used)
    }

    fn above(&self, cohort: &str, depth: u8) -> Option<&str> {
        self.row(cohort)?.parent.as_ref().filter(|_| depth < DEEP).map(Sym::as_str)
    }

    fn available(&self, cohort: &str, depth: u8) -> i128 {
        let node = self.node(cohort, depth);
        match self.above(cohort, depth) {
            Some(above) => node.available(self.available(above, depth + 1)),
            None => node.subtree - node.used,
        }
    }

    fn potential(&self, cohort: &str, depth: u8) -> i128 {
        let node = self.node(cohort, depth);
        match self.above(cohort, depth) {
            Some(above) => node.potential(self.potential(above, depth + 1)),
            None => node.subtree,
        }
    }
}

fn signed(amount: u64) -> i128 {
    i128::from(amount)
}

/// Nothing is free where more is used than there is.
fn unsigned(amount: i128) -> u64 {
    u64::try_from(amount.max(0)).unwrap_or(u64::MAX)
}
