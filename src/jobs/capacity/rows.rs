//! What we keep of nodes, of pods that hold something, and of quotas. `cluster/wire` makes these rows.

use crate::jobs::{
    amounts::{self, ByResource},
    row::{Phase, PodRow, Requests},
    taint::Taint,
    text::{Name, Sym, Uid},
};

/// One node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeRow {
    /// Its name.
    pub name: Sym,
    /// All labels.
    pub labels: Box<[(Sym, Sym)]>,
    /// Its taints.
    pub taints: Box<[Taint]>,
    /// `spec.unschedulable`: no new pods.
    pub closed: bool,
    /// Condition `Ready` is True.
    pub ready: bool,
    /// Conditions that should not be True and are: `MemoryPressure`, `DiskPressure`, ….
    pub pressure: Box<[Sym]>,
    /// What the machine has.
    pub capacity: ByResource,
    /// What pods may have of it.
    pub allocatable: ByResource,
}

impl NodeRow {
    /// What its accelerators are called, by the labels of the vendors' feature discovery.
    pub fn model(&self) -> Option<&Sym> {
        const KEYS: [&str; 5] = [
            "nvidia.com/gpu.product",
            "amd.com/gpu.product-name",
            "habana.ai/product",
            "gpu.intel.com/product",
            "cloud.google.com/gke-accelerator",
        ];
        KEYS.iter().find_map(|key| self.labels.iter().find(|(k, _)| k.as_str() == *key)).map(|(_, value)| value)
    }

    /// Accelerators that pods may have.
    pub fn gpus(&self) -> u64 {
        amounts::gpus(&self.allocatable)
    }

    /// Accelerators that are there and can't be had: taken out by their device plugin.
    pub fn unhealthy(&self) -> u64 {
        amounts::gpus(&self.capacity).saturating_sub(self.gpus())
    }

    /// Whether a pod that tolerates its taints could be sent there.
    pub fn is_open(&self) -> bool {
        self.ready && !self.closed
    }
}

/// A pod that holds something, or waits for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldPod {
    /// Its namespace.
    pub namespace: Sym,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
    /// The training job that it says it belongs to; empty if none.
    pub job: Name,
    /// Where it runs, if anywhere.
    pub node: Option<Sym>,
    /// What it asks for.
    pub requests: Requests,
}

impl HeldPod {
    /// What counts of a pod; `None` if it has ended and holds nothing.
    pub fn of(pod: &PodRow) -> Option<Self> {
        let ended = matches!(pod.phase, Phase::Succeeded | Phase::Failed);
        (!ended).then(|| Self {
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            uid: pod.uid.clone(),
            job: pod.job.clone(),
            node: pod.node.clone(),
            requests: pod.requests.clone(),
        })
    }
}

/// One `ResourceQuota`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaRow {
    /// Its namespace.
    pub namespace: Sym,
    /// Its name.
    pub name: Sym,
    /// It counts only some pods: scopes, or a selector of them.
    pub scoped: bool,
    /// It is one with other namespaces (OpenShift's `ClusterResourceQuota`); its use is that of all of them.
    pub shared: bool,
    /// Key (`requests.nvidia.com/gpu`), limit and use, in thousandths.
    pub lines: Box<[(Sym, u64, u64)]>,
}

/// One `ClusterResourceQuota`, or what a namespace sees of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SharedQuotaRow {
    /// The namespaces that it holds for.
    pub namespaces: Box<[Sym]>,
    /// The quota; its namespace means nothing.
    pub quota: QuotaRow,
}

impl SharedQuotaRow {
    /// As one of its namespaces sees it: its twin there names the others, too, which are not that one's business, and does
    /// not say where it was asked for.
    #[must_use]
    pub fn seen_in(self, namespace: Sym) -> Self {
        Self { namespaces: Box::from([namespace]), ..self }
    }

    /// As each of its namespaces has it.
    pub fn of_each(&self) -> impl Iterator<Item = QuotaRow> {
        self.namespaces.iter().map(|namespace| QuotaRow { namespace: namespace.clone(), ..self.quota.clone() })
    }
}

/// One namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpaceRow {
    /// Its name.
    pub name: Sym,
    /// Who asked for it, where that is written down (OpenShift).
    pub requester: Option<Sym>,
    /// Whose it is, by a label ([`super::TEAM_LABELS`]).
    pub team: Option<Sym>,
}
