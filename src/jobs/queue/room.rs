//! What a `ClusterQueue` has free, and could have at most: its own, and what its cohort lends.
//!
//! The arithmetic of Kueue's resource nodes (`available`, `potentialAvailable`): what is not lent is kept, the rest is one
//! pot a cohort, cohorts lie in each other, and a limit to borrowing caps what comes out of the pot.

use std::collections::HashMap;

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

/// What a cohort has of one flavor and resource. In thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Flavor and resource.
    pub cell: Cell,
    /// Queues that have a quota of it.
    pub queues: usize,
    /// Their own quotas, added up.
    pub nominal: u64,
    /// What is reserved in them.
    pub used: u64,
}

/// How a queue stands, in the order of its quotas.
pub fn rooms(queues: &Queues, queue: &ClusterQueueRow) -> Vec<Room> {
    Rooms::new(queues).of(queue)
}

/// How queues stand, asked for one after the other: what their cohorts come to is added up once.
#[derive(Debug)]
pub struct Rooms<'a> {
    rows: HashMap<&'a str, &'a CohortRow>,
    queues: HashMap<&'a str, Vec<&'a ClusterQueueRow>>,
    cohorts: HashMap<&'a str, Vec<&'a CohortRow>>,
    known: HashMap<(Sym, Cell), Pot>,
}

/// What can come out of a cohort now, and at most.
#[derive(Clone, Copy, Debug)]
struct Pot {
    free: i128,
    most: i128,
}

impl<'a> Rooms<'a> {
    /// Of these queues.
    pub fn new(queues: &'a Queues) -> Self {
        let mut rooms =
            Self { rows: HashMap::new(), queues: HashMap::new(), cohorts: HashMap::new(), known: HashMap::new() };
        for queue in &queues.clusters.rows {
            if let Some(cohort) = &queue.cohort {
                rooms.queues.entry(cohort.as_str()).or_default().push(queue);
            }
        }
        for row in &queues.cohorts.rows {
            rooms.rows.insert(row.name.as_str(), row);
            if let Some(parent) = &row.parent {
                rooms.cohorts.entry(parent.as_str()).or_default().push(row);
            }
        }
        rooms
    }

    /// How one stands, in the order of its quotas.
    pub fn of(&mut self, queue: &ClusterQueueRow) -> Vec<Room> {
        queue.quotas.iter().map(|quota| self.room(queue, quota)).collect()
    }

    /// What a cohort has of one flavor and resource, with all that lies in it.
    pub fn pool(&self, cohort: &Sym, cell: &Cell) -> Pool {
        let mut pool = Pool { cell: cell.clone(), ..Pool::default() };
        self.add_to(&mut pool, cohort.as_str(), 0);
        pool
    }

    fn add_to(&self, pool: &mut Pool, cohort: &str, depth: u8) {
        let is_it = |quota: &&Quota| quota.cell == pool.cell;
        let own = self.rows.get(cohort).and_then(|row| row.quotas.iter().find(is_it)).cloned();
        let queues = self.queues.get(cohort).into_iter().flatten();
        let all: Vec<Quota> = queues.filter_map(|queue| queue.quotas.iter().find(is_it).cloned()).collect();
        pool.queues += all.len();
        for quota in all.into_iter().chain(own) {
            pool.nominal = pool.nominal.saturating_add(quota.nominal);
            pool.used = pool.used.saturating_add(quota.used);
        }
        for row in self.cohorts.get(cohort).into_iter().flatten().filter(|_| depth < DEEP) {
            self.add_to(pool, row.name.as_str(), depth + 1);
        }
    }

    fn room(&mut self, queue: &ClusterQueueRow, quota: &Quota) -> Room {
        let own = Node::of(quota, signed(quota.nominal), signed(quota.used));
        let (free, most) = match &queue.cohort {
            None => (own.subtree - own.used, own.subtree),
            Some(cohort) => {
                let pot = self.pot(cohort, &quota.cell, 0);
                (own.available(pot.free), own.potential(pot.most))
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

    fn pot(&mut self, cohort: &Sym, cell: &Cell, depth: u8) -> Pot {
        let key = (cohort.clone(), cell.clone());
        if let Some(pot) = self.known.get(&key) {
            return *pot;
        }
        let node = self.node(cohort.as_str(), cell, depth);
        let above = self.rows.get(cohort.as_str()).and_then(|row| row.parent.clone()).filter(|_| depth < DEEP);
        let pot = match above {
            Some(above) => {
                let above = self.pot(&above, cell, depth + 1);
                Pot { free: node.available(above.free), most: node.potential(above.most) }
            }
            None => Pot { free: node.subtree - node.used, most: node.subtree },
        };
        self.known.insert(key, pot);
        pot
    }

    /// A cohort with all that lies in it.
    fn node(&self, cohort: &str, cell: &Cell, depth: u8) -> Node {
        let of = |quotas: &[Quota]| quotas.iter().find(|quota| quota.cell == *cell).cloned();
        let own = self.rows.get(cohort).and_then(|row| of(&row.quotas)).unwrap_or_default();
        let (mut subtree, mut used) = (signed(own.nominal), 0);
        let mut take = |node: &Node| {
            subtree += node.lent();
            used += node.taken();
        };
        for quota in self.queues.get(cohort).into_iter().flatten().filter_map(|queue| of(&queue.quotas)) {
            take(&Node::of(&quota, signed(quota.nominal), signed(quota.used)));
        }
        for row in self.cohorts.get(cohort).into_iter().flatten().filter(|_| depth < DEEP) {
            take(&self.node(row.name.as_str(), cell, depth + 1));
        }
        Node::of(&own, subtree, used)
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

fn signed(amount: u64) -> i128 {
    i128::from(amount)
}

/// Nothing is free where more is used than there is.
fn unsigned(amount: i128) -> u64 {
    u64::try_from(amount.max(0)).unwrap_or(u64::MAX)
}
