//! Who exports what.

use super::family::Family;
use super::{cadvisor, dcgm, kube_state};

/// Who exports a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exporter {
    /// dcgm-exporter, on each node with GPUs.
    Dcgm,
    /// The kubelet's cAdvisor, on each node.
    Cadvisor,
    /// kube-state-metrics, once.
    KubeState,
}

impl Exporter {
    /// All of them, in the order of the page.
    pub(super) const ALL: [Self; 3] = [Self::Dcgm, Self::Cadvisor, Self::KubeState];

    /// How it is asked for.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Dcgm => "dcgm",
            Self::Cadvisor => "cadvisor",
            Self::KubeState => "kube-state",
        }
    }

    /// What it offers.
    pub(super) fn families(self) -> &'static [Family] {
        match self {
            Self::Dcgm => dcgm::FAMILIES,
            Self::Cadvisor => cadvisor::FAMILIES,
            Self::KubeState => kube_state::FAMILIES,
        }
    }
}
