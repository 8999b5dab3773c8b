//! cAdvisor's metrics, as the kubelet serves them: a series for each container, for each pod's cgroup and its network.

use std::sync::Arc;

use jiff::Timestamp;

use super::family::{Family, Row, counter, gauge};
use super::scene::{Container, Pod, Scene};
use crate::sim::output::{Meter, Usage};
use crate::sim::promql::Labels;

/// Bytes in a GiB.
const GIB: f64 = 1_073_741_824.0;
/// Bytes a second over the network for each percent of a busy GPU and each busy core.
const TRAFFIC: (f64, f64) = (6_500_000.0, 2_200_000.0);

/// What is read of a meter.
type Measure = fn(&dyn Meter, Timestamp) -> Option<f64>;

fn used(meter: &dyn Meter, at: Timestamp, part: fn(&Usage) -> f64) -> Option<f64> {
    meter.used(at).map(|used| part(&used))
}

fn memory(meter: &dyn Meter, at: Timestamp, share: f64) -> Option<f64> {
    meter.usage(at).map(|usage| (usage.memory * share * GIB / 4096.0).round() * 4096.0)
}

fn traffic(meter: &dyn Meter, at: Timestamp, share: f64) -> Option<f64> {
    used(meter, at, |used| used.gpu * TRAFFIC.0 + used.cpu * TRAFFIC.1).map(|bytes| (bytes * share).round())
}

fn cgroup(pod: &Pod) -> String {
    format!("/kubepods.slice/kubepods-pod{}.slice", pod.uid.replace('-', "_"))
}

fn labels(pod: &Pod, container: Option<&Container>, more: &[(&str, &str)]) -> Labels {
    let group = cgroup(pod);
    let (id, name) = match container {
        Some(container) => {
            let id = container.id.trim_start_matches("containerd://");
            (format!("{group}/cri-containerd-{id}.scope"), id.to_owned())
        }
        None => (group, String::new()),
    };
    let own = [
        ("container", container.map_or("", |c| c.name.as_str())),
        ("image", container.map_or("", |c| c.image.as_str())),
        ("id", &id),
        ("name", &name),
        ("namespace", &pod.namespace),
        ("pod", &pod.name),
    ];
    Labels::new(own.into_iter().chain(more.iter().copied()))
}

fn row(scene: &Scene, pod: &Arc<Pod>, labels: Labels, measure: Measure) -> Row {
    let (own, node) = (Arc::clone(pod), scene.node_of(pod));
    let read = move |at| {
        let meter = own.meter.as_deref().filter(|_| node.speaks(at) && own.is_there(at))?;
        measure(meter, at)
    };
    Row { labels, node: pod.node.to_string(), read: Box::new(read) }
}

/// The first container, which is the one that is measured, and its pod's cgroup, which has the same.
fn rows(scene: &Scene, more: &[(&str, &str)], measure: Measure) -> Vec<Row> {
    let both = |pod: &Arc<Pod>| {
        let container = pod.containers.first().map(|container| labels(pod, Some(container), more));
        let all = container.into_iter().chain([labels(pod, None, more)]);
        all.map(|labels| row(scene, pod, labels, measure)).collect::<Vec<_>>()
    };
    measured(scene).flat_map(both).collect()
}

/// The network is the pod's.
fn network(scene: &Scene, measure: Measure) -> Vec<Row> {
    measured(scene).map(|pod| row(scene, pod, labels(pod, None, &[("interface", "eth0")]), measure)).collect()
}

fn measured(scene: &Scene) -> impl Iterator<Item = &Arc<Pod>> {
    scene.pods.iter().filter(|pod| pod.meter.is_some() && !pod.node.is_empty() && pod.started.is_some())
}

/// A limit of the first container; 0 for none, as cAdvisor says.
fn limits(scene: &Scene, resource: &'static str, unit: f64) -> Vec<Row> {
    let one = |pod: &Arc<Pod>| {
        let container = pod.containers.first()?;
        let limit = container.limits.get(resource).map_or(0.0, |n| *n as f64 * unit);
        let (own, node) = (Arc::clone(pod), scene.node_of(pod));
        let runs = move |at| {
            let there = node.speaks(at) && own.is_there(at) && own.meter.as_ref()?.usage(at).is_some();
            there.then_some(limit)
        };
        Some(Row { labels: labels(pod, Some(container), &[]), node: pod.node.to_string(), read: Box::new(runs) })
    };
    measured(scene).filter_map(one).collect()
}

/// Those that dashboards use.
pub(super) const FAMILIES: &[Family] = &[
    counter("container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.", |s| {
        rows(s, &[("cpu", "total")], |meter, at| used(meter, at, |used| used.cpu))
    }),
    gauge("container_memory_working_set_bytes", "Current working set in bytes.", |s| {
        rows(s, &[], |meter, at| memory(meter, at, 1.0))
    }),
    gauge("container_memory_rss", "Size of RSS in bytes.", |s| rows(s, &[], |meter, at| memory(meter, at, 0.91))),
    gauge(
        "container_memory_usage_bytes",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        |s| rows(s, &[], |meter, at| memory(meter, at, 1.07)),
    ),
    gauge("container_spec_memory_limit_bytes", "Memory limit for the container.", |s| limits(s, "memory", 1.0)),
    gauge("container_spec_cpu_quota", "CPU quota of the container.", |s| limits(s, "cpu", 100.0)),
    counter("container_network_receive_bytes_total", "Cumulative count of bytes received", |s| {
        network(s, |meter, at| traffic(meter, at, 1.0))
    }),
    counter("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", |s| {
        network(s, |meter, at| traffic(meter, at, 0.97))
    }),
];
