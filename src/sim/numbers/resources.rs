//! What metrics-server tells of pods and nodes: CPU over the time between its last two looks, memory at the last.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Numbers;
use super::history::SCRAPE;
use super::scene::{GpuLabels, Pod, Scene};
use crate::sim::output::Usage;
use crate::sim::value::stamp;

/// What a node uses beside its pods: cores, GiB.
const SYSTEM: (f64, f64) = (0.31, 2.4);
/// KiB in a GiB.
const KIB: f64 = 1_048_576.0;

/// What was known at the last look.
pub(crate) struct Resources {
    scene: Scene,
    at: Timestamp,
}

impl Numbers {
    /// What metrics-server knows now.
    pub(crate) fn resources(&self) -> Resources {
        let now = self.now().as_millisecond();
        let at = Timestamp::from_millisecond(now - now.rem_euclid(SCRAPE)).unwrap_or(Timestamp::UNIX_EPOCH);
        Resources { scene: self.scene(GpuLabels::default()), at }
    }
}

impl Resources {
    /// The use of a pod's first container; `None` until it was looked at twice.
    fn used(&self, pod: &Pod) -> Option<Usage> {
        let meter = pod.meter.as_ref().filter(|_| pod.is_there(self.at) && self.scene.node_of(pod).speaks(self.at))?;
        let before = self.at.checked_sub(SignedDuration::from_millis(SCRAPE)).ok()?;
        let (earlier, later) = (meter.used(before)?, meter.used(self.at)?);
        let cpu = (later.cpu - earlier.cpu) * 1000.0 / SCRAPE as f64;
        // A run that began between the two looks has not used that much yet.
        Some(Usage { cpu: cpu.max(0.0), ..meter.usage(self.at)? })
    }

    /// A pod's metrics, by its uid; `None` where there are none yet.
    pub(crate) fn of_pod(&self, uid: &str, labels: &Value) -> Option<Value> {
        let at = self.scene.pods.binary_search_by(|pod| pod.uid.as_str().cmp(uid)).ok()?;
        let pod = self.scene.pods.get(at)?;
        let used = self.used(pod)?;
        let container = |(index, name): (usize, &str)| {
            // The others of a pod wait.
            let (cpu, memory) = if index == 0 { (used.cpu, used.memory) } else { (0.001, 0.02) };
            json!({"name": name, "usage": amounts(cpu, memory)})
        };
        let containers: Vec<Value> =
            pod.containers.iter().map(|c| c.name.as_str()).enumerate().map(container).collect();
        let mut told = self.head("PodMetrics", &pod.name, labels);
        told["metadata"]["namespace"] = json!(pod.namespace);
        told["containers"] = Value::Array(containers);
        Some(told)
    }

    /// A node's metrics; `None` where nothing is heard from it.
    pub(crate) fn of_node(&self, name: &str, labels: &Value) -> Option<Value> {
        let node = self.scene.nodes.get(name).filter(|node| node.speaks(self.at))?;
        let pods = self.scene.pods.iter().filter(|pod| pod.node == node.name);
        let all = pods.filter_map(|pod| self.used(pod)).fold(Usage::default(), |sum, used| sum.plus(used, 1.0));
        let mut told = self.head("NodeMetrics", name, labels);
        told["usage"] = amounts(all.cpu + SYSTEM.0, all.memory + SYSTEM.1);
        Some(told)
    }

    fn head(&self, kind: &str, name: &str, labels: &Value) -> Value {
        let mut metadata = json!({"name": name, "creationTimestamp": stamp(self.at)});
        if labels.is_object() {
            metadata["labels"] = labels.clone();
        }
        let window = format!("{}s", SCRAPE / 1000);
        json!({"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": metadata, "timestamp": stamp(self.at), "window": window})
    }
}

fn amounts(cpu: f64, memory: f64) -> Value {
    json!({"cpu": format!("{:.0}n", cpu * 1e9), "memory": format!("{:.0}Ki", memory * KIB)})
}
