//! What there is to measure: pods with their containers, nodes, GPUs with who had them when.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sim::amounts::Amounts;
use crate::sim::output::Meter;
use crate::sim::store::Obj;

/// How GPU series tell whose they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuLabels {
    /// By `exported_pod`: Prometheus keeps `pod` for the exporter's own (`honorLabels: false`, the GPU operator's default).
    #[default]
    Exported,
    /// By `pod`.
    Plain,
    /// Not at all: the exporter does not know pods.
    None,
}

/// One container of a pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Container {
    pub(crate) name: CompactString,
    pub(crate) image: String,
    pub(crate) id: String,
    pub(crate) requests: Amounts,
    pub(crate) limits: Amounts,
    pub(crate) restarts: i64,
    pub(crate) waiting: String,
    pub(crate) last_terminated: String,
}

/// A pod, as it is or was.
#[derive(Clone)]
pub(crate) struct Pod {
    pub(crate) namespace: CompactString,
    pub(crate) name: CompactString,
    pub(crate) uid: CompactString,
    pub(crate) node: CompactString,
    pub(crate) ip: String,
    pub(crate) host_ip: String,
    /// Kind and name.
    pub(crate) owner: (String, String),
    pub(crate) containers: Vec<Container>,
    pub(crate) created: Timestamp,
    /// When its node took it on.
    pub(crate) taken: Option<Timestamp>,
    /// When its first container began to run, as far as is known.
    pub(crate) started: Option<Timestamp>,
    /// When it came to its end.
    pub(crate) ended: Option<Timestamp>,
    /// When it went from the cluster.
    pub(crate) gone: Option<Timestamp>,
    /// Its phase, at last.
    pub(crate) phase: String,
    /// GPUs that it asks for.
    pub(crate) gpus: usize,
    /// What its first container uses.
    pub(crate) meter: Option<Arc<dyn Meter>>,
}

impl Pod {
    /// Whether it was there.
    pub(crate) fn is_there(&self, at: Timestamp) -> bool {
        self.created <= at && self.gone.is_none_or(|gone| at < gone)
    }

    /// Its phase at a moment.
    pub(crate) fn phase(&self, at: Timestamp) -> &str {
        match (self.started, self.ended) {
            (_, Some(ended)) if ended <= at => &self.phase,
            (Some(started), _) if started <= at => "Running",
            (None, None) => &self.phase,
            _ => "Pending",
        }
    }
}

/// Who had a GPU, from when until when.
#[derive(Clone)]
pub(crate) struct Tenancy {
    pub(crate) pod: Arc<Pod>,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

impl Tenancy {
    /// Whether it holds at a moment.
    pub(crate) fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// One GPU of a node.
#[derive(Clone)]
pub(crate) struct Gpu {
    pub(crate) node: Arc<Node>,
    pub(crate) index: usize,
    pub(crate) tenancies: Vec<Tenancy>,
}

/// A node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: CompactString,
    pub(crate) ip: String,
    /// The product of its GPUs, as its label says.
    pub(crate) product: String,
    pub(crate) capacity: Amounts,
    pub(crate) allocatable: Amounts,
    pub(crate) kubelet: String,
    pub(crate) unschedulable: bool,
    /// Types of its conditions, whether each is true (`None`: unknown).
    pub(crate) conditions: Vec<(String, Option<bool>)>,
    /// Since when nothing is heard from it.
    pub(crate) silent: Option<Timestamp>,
}

impl Node {
    /// Whether what runs on it could be asked.
    pub(crate) fn speaks(&self, at: Timestamp) -> bool {
        self.silent.is_none_or(|since| at < since)
    }
}

/// All of it.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    pub(crate) pods: Vec<Arc<Pod>>,
    pub(crate) nodes: BTreeMap<CompactString, Arc<Node>>,
    pub(crate) gpus: Vec<Arc<Gpu>>,
    /// Whether GPUs are asked for that no pod has.
    pub(crate) unowned: bool,
    pub(crate) quotas: Vec<Obj>,
    pub(crate) labels: GpuLabels,
}

impl Scene {
    /// A pod's node; one without a name where there is none.
    pub(crate) fn node_of(&self, pod: &Pod) -> Arc<Node> {
        self.nodes.get(&pod.node).map(Arc::clone).unwrap_or_default()
    }

    /// The same with those pods only.
    pub(crate) fn narrowed(&self, wanted: impl Fn(&Pod) -> bool) -> Self {
        let mut scene = self.clone();
        scene.pods.retain(|pod| wanted(pod));
        scene
    }
}
