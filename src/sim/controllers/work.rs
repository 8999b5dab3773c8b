//! Pieces of work: what is looked at, and how fast the world lives. Owns the words only; [`manager`](super::manager) has the
//! queue and [`desk`](super::desk) does them.

use crate::{jobs::Kind, sim::release::Release};

/// A piece of work; with namespace and name it is one object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Work {
    /// An MPIJob v2beta1.
    MpiJob,
    /// A training-operator v1 job.
    Training(Kind),
    /// A batch Job.
    Batch,
    /// A TrainJob.
    TrainJob,
    /// A JobSet.
    JobSet,
    /// A pod without node.
    Schedule,
    /// A pod with one.
    Kubelet,
    /// A pod that nobody may be there to end.
    Collect,
    /// The Workload of a job (namespace, `plural/name`).
    Queued,
    /// All queues: admission.
    Admission,
    /// Where a Service's pods are.
    Endpoints,
    /// A cluster role that gathers the rules of others.
    Aggregate,
    /// A volume claim.
    Claim,
    /// A volume.
    Volume,
    /// A resource quota's `used`.
    Quota,
    /// A group of pods that are placed together.
    Gang,
    /// What a namespace always has.
    Namespace,
    /// A node's life.
    Node,
    /// Leases that are renewed.
    Heartbeat,
    /// Old events.
    Sweep,
    /// The scenario's next act.
    Act,
}

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Which work.
    pub(crate) work: Work,
    /// Of what.
    pub(crate) namespace: String,
    /// Of whom.
    pub(crate) name: String,
}

impl Key {
    /// A key.
    pub(crate) fn new(work: Work, namespace: &str, name: &str) -> Self {
        Self { work, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// How to run.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// Chance.
    pub(crate) seed: u64,
    /// Script seconds a second.
    pub(crate) speed: f64,
    /// Seconds by which mpi-operator lags behind (a busy one may miss a state).
    pub(crate) operator_lag: f64,
    /// Whose words the scheduler has.
    pub(crate) release: Release,
}

impl Default for Pace {
    fn default() -> Self {
        Self { seed: 1, speed: 1.0, operator_lag: 0.01, release: Release::default() }
    }
}
