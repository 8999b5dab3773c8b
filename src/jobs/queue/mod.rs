//! Kueue's queues: who waits where, what is free, and whether a job can ever come in.
//!
//! Owns the rows of Kueue's objects beside the Workloads of the fleet, Kueue's order and arithmetic, and its messages taken
//! apart. Pure: `cluster::survey` reads. What could not be read is said ([`Part::unread`]) and never counts as empty.

mod chance;
mod decode;
mod forecast;
mod order;
mod room;
mod rows;
mod standing;
#[cfg(test)]
mod tests;

pub use chance::{Chance, PodSetNeed, Short, chance};
pub use decode::{Decoded, Preempted, Shut, Why, decode, preempted};
pub use forecast::{Forecast, forecast};
pub use order::{queued_since, rank, waiting};
pub use room::{Pool, Room, Rooms, rooms};
pub use rows::{
    Cell, ClusterQueueRow, CohortRow, FlavorRow, Group, LoadRow, LocalQueueRow, PodSetRow, Quota, Stop, WaitingRow,
};
pub use standing::{Ahead, Holder, Lack, Place, Standing, standing};

use super::{part::Part, text::Sym};

/// What is known of all queues.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queues {
    /// `ClusterQueue`s.
    pub clusters: Part<ClusterQueueRow>,
    /// `Cohort`s that are objects; others exist by name alone.
    pub cohorts: Part<CohortRow>,
    /// `LocalQueue`s.
    pub locals: Part<LocalQueueRow>,
    /// `ResourceFlavor`s.
    pub flavors: Part<FlavorRow>,
    /// Workloads.
    pub loads: Part<LoadRow>,
}

impl Queues {
    /// A `ClusterQueue` by name.
    pub fn cluster(&self, name: &str) -> Option<&ClusterQueueRow> {
        self.clusters.rows.iter().find(|queue| queue.name.as_str() == name)
    }

    /// A `LocalQueue`.
    pub fn local(&self, namespace: &str, name: &str) -> Option<&LocalQueueRow> {
        self.locals.rows.iter().find(|q| q.namespace.as_str() == namespace && q.name.as_str() == name)
    }

    /// The `ClusterQueue` of a Workload: where it has quota, else where its `LocalQueue` leads.
    pub fn cluster_queue_of(&self, load: &LoadRow) -> Option<Sym> {
        let by_queue = || Some(self.local(load.namespace.as_str(), load.queue.as_str())?.cluster_queue.clone());
        load.cluster_queue.clone().or_else(by_queue)
    }
}
