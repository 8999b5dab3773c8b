//! What a scrape adds to an exporter's labels: which target it was.

use super::exporter::Exporter;
use super::scene::{GpuLabels, Scene};
use crate::sim::promql::{Labels, NAME};
use crate::sim::value::{hash, suffix};

/// Where the GPU operator lives.
const OPERATOR: &str = "gpu-operator";

/// The target of an exporter on a node: the labels that Prometheus knows it by.
pub(super) fn target(exporter: Exporter, scene: &Scene, node: &str) -> Vec<(&'static str, String)> {
    let ip = scene.nodes.get(node).map(|node| node.ip.clone()).unwrap_or_default();
    let instance = |port: u16| format!("{}:{port}", if ip.is_empty() { node } else { &ip });
    match exporter {
        Exporter::Dcgm => {
            let pod = format!("nvidia-dcgm-exporter-{}", suffix(hash(node)));
            let mut labels = vec![
                ("job", "nvidia-dcgm-exporter".to_owned()),
                ("instance", instance(9400)),
                ("endpoint", "gpu-metrics".to_owned()),
                ("service", "nvidia-dcgm-exporter".to_owned()),
            ];
            if scene.labels != GpuLabels::Plain {
                let container = "nvidia-dcgm-exporter".to_owned();
                labels.extend([("namespace", OPERATOR.to_owned()), ("pod", pod), ("container", container)]);
            }
            labels
        }
        Exporter::Cadvisor => vec![
            ("job", "kubelet".to_owned()),
            ("instance", instance(10250)),
            ("metrics_path", "/metrics/cadvisor".to_owned()),
            ("node", node.to_owned()),
        ],
        Exporter::KubeState => {
            vec![("job", "kube-state-metrics".to_owned()), ("instance", "10.244.1.12:8080".to_owned())]
        }
    }
}

/// The labels under which a series is kept. Where the target has a label of its own, the exporter's is `exported_…`; the
/// kubelet's and kube-state-metrics' come first (`honorLabels: true`, as kube-prometheus sets it).
pub(super) fn kept(exporter: Exporter, name: &str, own: &Labels, target: &[(&'static str, String)]) -> Labels {
    let is_taken = |label: &str| exporter == Exporter::Dcgm && target.iter().any(|(name, _)| *name == label);
    let renamed: Vec<(String, &str)> = own
        .iter()
        .map(|(label, value)| (if is_taken(label) { format!("exported_{label}") } else { label.to_owned() }, value))
        .collect();
    let added = target.iter().map(|(label, value)| (*label, value.as_str()));
    let own = renamed.iter().map(|(label, value)| (label.as_str(), *value));
    Labels::new([(NAME, name)].into_iter().chain(added).chain(own))
}

/// Every target that there is: exporter and node.
pub(super) fn targets(scene: &Scene) -> Vec<(Exporter, String)> {
    let known = || scene.nodes.values().filter(|node| !node.capacity.is_empty());
    let gpus = known().filter(|node| node.capacity.get("nvidia.com/gpu").is_some_and(|n| *n > 0));
    let dcgm = gpus.map(|node| (Exporter::Dcgm, node.name.to_string()));
    let cadvisor = known().map(|node| (Exporter::Cadvisor, node.name.to_string()));
    let state = (!scene.nodes.is_empty()).then(|| (Exporter::KubeState, String::new()));
    dcgm.chain(cadvisor).chain(state).collect()
}
