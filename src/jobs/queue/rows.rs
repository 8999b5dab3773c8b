//! What we keep of each object of Kueue, small and safe to show. `cluster/wire` makes these rows.

use crate::jobs::{
    amounts::{self, ByResource},
    row::{Condition, Owner, Truth},
    taint::Taint,
    text::{Clean, Name, Sym, Uid},
    time::Secs,
};

/// Whether a queue takes anybody in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// It does.
    #[default]
    Open,
    /// Nobody new.
    Hold,
    /// Nobody, and who is in must go.
    Drain,
}

impl Stop {
    /// From `stopPolicy`.
    pub fn named(text: &str) -> Self {
        match text {
            "Hold" => Self::Hold,
            "HoldAndDrain" => Self::Drain,
            _ => Self::Open,
        }
    }
}

/// A flavor and a resource.
pub type Cell = (Sym, Sym);

/// What a queue or cohort has of one resource in one flavor. In thousandths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quota {
    /// Flavor and resource.
    pub cell: Cell,
    /// Its own.
    pub nominal: u64,
    /// What it may borrow at most; `None`: whatever the cohort lends.
    pub borrowing: Option<u64>,
    /// What it lends at most; `None`: all of its own.
    pub lending: Option<u64>,
    /// Reserved by Workloads, as its status counts.
    pub used: u64,
    /// Of that, borrowed.
    pub borrowed: u64,
}

/// Resources that come from one flavor together, and the flavors in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// `coveredResources`.
    pub resources: Box<[Sym]>,
    /// Its flavors.
    pub flavors: Box<[Sym]>,
}

/// One `ClusterQueue`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterQueueRow {
    /// Its name.
    pub name: Sym,
    /// Its cohort, if it is in one.
    pub cohort: Option<Sym>,
    /// `StrictFIFO`: nobody passes the first.
    pub strict: bool,
    /// `stopPolicy`.
    pub stop: Stop,
    /// How resources and flavors go together.
    pub groups: Box<[Group]>,
    /// Quotas in the order of the spec.
    pub quotas: Box<[Quota]>,
    /// `preemption.withinClusterQueue`, `reclaimWithinCohort`, `borrowWithinCohort.policy`; empty: `Never`.
    pub preemption: [Sym; 3],
    /// `fairSharing.weight` in thousandths; 1000 if it is not set.
    pub weight: u64,
    /// `status.fairSharing.weightedShare`, where fair sharing is on.
    pub share: Option<u64>,
    /// Waiting.
    pub pending: u32,
    /// With a reservation.
    pub reserving: u32,
    /// Admitted.
    pub admitted: u32,
    /// Why it is not active, if it isn't.
    pub inactive: Option<Clean>,
}

/// One `Cohort`; its quotas are beside those of its members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortRow {
    /// Its name.
    pub name: Sym,
    /// The cohort above it.
    pub parent: Option<Sym>,
    /// What it has by itself.
    pub quotas: Box<[Quota]>,
    /// `fairSharing.weight` in thousandths.
    pub weight: u64,
}

/// One `LocalQueue`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalQueueRow {
    /// Its namespace.
    pub namespace: Sym,
    /// Its name.
    pub name: Sym,
    /// The `ClusterQueue` that it leads to.
    pub cluster_queue: Sym,
    /// `stopPolicy`.
    pub stop: Stop,
    /// Waiting.
    pub pending: u32,
    /// With a reservation.
    pub reserving: u32,
    /// Admitted.
    pub admitted: u32,
    /// Why it is not active, if it isn't.
    pub inactive: Option<Clean>,
    /// What its Workloads reserve, by flavor and resource.
    pub used: Box<[(Cell, u64)]>,
    /// `fairSharing.weight` in thousandths.
    pub weight: u64,
}

/// One `ResourceFlavor`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlavorRow {
    /// Its name.
    pub name: Sym,
    /// Labels of its nodes.
    pub labels: Box<[(Sym, Sym)]>,
    /// Taints of its nodes.
    pub taints: Box<[Taint]>,
}

/// One set of pods of a Workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSetRow {
    /// `launcher`, `worker`, ….
    pub name: Sym,
    /// How many pods.
    pub count: u32,
    /// What they need in all.
    pub needs: ByResource,
    /// The flavor of each resource, once reserved.
    pub flavors: Box<[(Sym, Sym)]>,
}

/// One Workload, as a queue sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadRow {
    /// Its namespace.
    pub namespace: Sym,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
    /// When it was made.
    pub created: Secs,
    /// The job that it stands for.
    pub job: Option<Owner>,
    /// Its `LocalQueue`.
    pub queue: Sym,
    /// Where quota is reserved.
    pub cluster_queue: Option<Sym>,
    /// `spec.active`.
    pub active: bool,
    /// `spec.priority` and the boost of its annotation.
    pub priority: i64,
    /// Name of its priority class.
    pub class: Option<Sym>,
    /// Its pods.
    pub sets: Box<[PodSetRow]>,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
    /// Not before then is it looked at again.
    pub requeue_at: Option<Secs>,
    /// How often it was put out, by reason.
    pub evictions: Box<[(Sym, u32)]>,
    /// `spec.maximumExecutionTimeSeconds`.
    pub most_seconds: Option<u32>,
}

impl LoadRow {
    /// The condition of this type, if it is True.
    pub fn is(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|c| c.status == Truth::True)
    }

    /// The condition of this type, whatever its status.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.kind.as_str() == kind)
    }

    /// Whether it waits in its queue: no quota yet, not over, not switched off.
    pub fn waits(&self) -> bool {
        self.active && self.is("QuotaReserved").is_none() && self.is("Finished").is_none()
    }

    /// Whether it holds quota.
    pub fn holds(&self) -> bool {
        self.is("QuotaReserved").is_some() && self.is("Finished").is_none()
    }

    /// The name that people know it by: its job's, else its own.
    pub fn title(&self) -> &str {
        self.job.as_ref().map_or(self.name.as_str(), |job| job.name.as_str())
    }

    /// What it needs in all.
    pub fn needs(&self) -> ByResource {
        let mut sum = ByResource::new();
        for set in &self.sets {
            amounts::add(&mut sum, &set.needs, 1);
        }
        sum
    }

    /// What it holds of a flavor's resource.
    pub fn held(&self, cell: &Cell) -> u64 {
        let of = |set: &PodSetRow| {
            let here = set.flavors.iter().any(|(resource, flavor)| (flavor, resource) == (&cell.0, &cell.1));
            if here { set.needs.get(&cell.1).copied().unwrap_or(0) } else { 0 }
        };
        self.sets.iter().map(of).sum()
    }
}

/// One entry of the visibility API: who waits at which place, also of namespaces that one may not read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaitingRow {
    /// Its namespace.
    pub namespace: Sym,
    /// Name of the Workload.
    pub name: Name,
    /// Name of its owner, if it tells.
    pub owner: Option<Name>,
    /// Its priority.
    pub priority: i64,
    /// Its `LocalQueue`.
    pub queue: Sym,
    /// Place in the `ClusterQueue`, from 0.
    pub place: u32,
    /// Place in the `LocalQueue`, from 0.
    pub local_place: u32,
    /// When it was made.
    pub created: Secs,
}
