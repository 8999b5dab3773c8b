//! kube-state-metrics: what the API server says of pods, nodes and quotas, as numbers.

use std::sync::Arc;

use jiff::Timestamp;

use super::family::{Family, Row, counter, gauge};
use super::scene::{Container, Node, Pod, Scene};
use crate::sim::amounts::{Amounts, amount};
use crate::sim::promql::Labels;
use crate::sim::value::{name, namespace};

const PHASES: [&str; 5] = ["Pending", "Succeeded", "Failed", "Unknown", "Running"];

fn of_pod(pod: &Pod, more: &[(&str, &str)]) -> Labels {
    let own = [("namespace", pod.namespace.as_str()), ("pod", &pod.name), ("uid", &pod.uid)];
    Labels::new(own.into_iter().chain(more.iter().copied()))
}

/// Something of a pod, for as long as it is there.
fn pod_row(pod: &Arc<Pod>, more: &[(&str, &str)], read: impl Fn(&Pod, Timestamp) -> Option<f64> + 'static) -> Row {
    let own = Arc::clone(pod);
    let there = move |at| if own.is_there(at) { read(&own, at) } else { None };
    Row { labels: of_pod(pod, more), node: String::new(), read: Box::new(there) }
}

fn infos(scene: &Scene) -> Vec<Row> {
    let one = |pod: &Arc<Pod>| {
        let more = [
            ("host_ip", pod.host_ip.as_str()),
            ("pod_ip", &pod.ip),
            ("node", &pod.node),
            ("created_by_kind", &pod.owner.0),
            ("created_by_name", &pod.owner.1),
            ("host_network", "false"),
        ];
        pod_row(pod, &more, |_, _| Some(1.0))
    };
    scene.pods.iter().map(one).collect()
}

fn phases(scene: &Scene) -> Vec<Row> {
    let all = |pod: &Arc<Pod>| {
        PHASES.map(|phase| {
            pod_row(pod, &[("phase", phase)], move |pod, at| Some(f64::from(u8::from(pod.phase(at) == phase))))
        })
    };
    scene.pods.iter().flat_map(all).collect()
}

fn starts(scene: &Scene) -> Vec<Row> {
    let one =
        |pod: &Arc<Pod>| pod_row(pod, &[], |pod, at| pod.taken.filter(|t| *t <= at).map(|t| t.as_second() as f64));
    scene.pods.iter().map(one).collect()
}

/// As kube-state-metrics writes resources: with `_` for what is no letter, in base units.
fn resource(name: &str, n: i64) -> (String, &'static str, f64) {
    let written = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    match name {
        "cpu" => (written, "core", n as f64 / 1000.0),
        "memory" | "ephemeral-storage" => (written, "byte", n as f64),
        _ => (written, "integer", n as f64),
    }
}

fn amounts(scene: &Scene, of: fn(&Container) -> &Amounts) -> Vec<Row> {
    let mut rows = Vec::new();
    for pod in &scene.pods {
        for container in &pod.containers {
            for (name, n) in of(container) {
                let (resource, unit, value) = resource(name, *n);
                let more = [
                    ("container", container.name.as_str()),
                    ("node", &pod.node),
                    ("resource", &resource),
                    ("unit", unit),
                ];
                rows.push(pod_row(pod, &more, move |_, _| Some(value)));
            }
        }
    }
    rows
}

fn restarts(scene: &Scene) -> Vec<Row> {
    let all = |pod: &Arc<Pod>| {
        let one = |c: &Container| {
            let restarts = c.restarts as f64;
            pod_row(pod, &[("container", c.name.as_str())], move |_, _| Some(restarts))
        };
        pod.containers.iter().map(one).collect::<Vec<_>>()
    };
    scene.pods.iter().flat_map(all).collect()
}

/// Reasons, where there is one.
fn reasons(scene: &Scene, of: fn(&Container) -> &str) -> Vec<Row> {
    let all = |pod: &Arc<Pod>| {
        let told = pod.containers.iter().filter(|c| !of(c).is_empty());
        told.map(|c| pod_row(pod, &[("container", c.name.as_str()), ("reason", of(c))], |_, _| Some(1.0)))
            .collect::<Vec<_>>()
    };
    scene.pods.iter().flat_map(all).collect()
}

fn node_row(node: &Node, more: &[(&str, &str)], value: f64) -> Row {
    let labels = Labels::new([("node", node.name.as_str())].into_iter().chain(more.iter().copied()));
    Row { labels, node: String::new(), read: Box::new(move |_| Some(value)) }
}

/// The nodes that the API server has.
fn nodes(scene: &Scene) -> impl Iterator<Item = &Arc<Node>> {
    scene.nodes.values().filter(|node| !node.capacity.is_empty())
}

fn node_amounts(scene: &Scene, of: fn(&Node) -> &Amounts) -> Vec<Row> {
    let mut rows = Vec::new();
    for node in nodes(scene) {
        for (name, n) in of(node) {
            let (resource, unit, value) = resource(name, *n);
            rows.push(node_row(node, &[("resource", &resource), ("unit", unit)], value));
        }
    }
    rows
}

fn conditions(scene: &Scene) -> Vec<Row> {
    let mut rows = Vec::new();
    for node in nodes(scene) {
        for (condition, is) in &node.conditions {
            for (status, holds) in
                [("true", *is == Some(true)), ("false", *is == Some(false)), ("unknown", is.is_none())]
            {
                rows.push(node_row(node, &[("condition", condition), ("status", status)], f64::from(u8::from(holds))));
            }
        }
    }
    rows
}

fn quotas(scene: &Scene) -> Vec<Row> {
    let mut rows = Vec::new();
    for quota in &scene.quotas {
        let tree = quota.value();
        for kind in ["hard", "used"] {
            let all = tree["status"][kind].as_object().into_iter().flatten();
            for (resource, value) in all {
                let n = amount(resource, value) as f64 * if resource.ends_with("cpu") { 0.001 } else { 1.0 };
                let labels = [
                    ("namespace", namespace(&tree)),
                    ("resourcequota", name(&tree)),
                    ("resource", resource),
                    ("type", kind),
                ];
                let read = Box::new(move |_| Some(n));
                rows.push(Row { labels: Labels::new(labels), node: String::new(), read });
            }
        }
    }
    rows
}

fn node_infos(scene: &Scene) -> Vec<Row> {
    nodes(scene).map(|n| node_row(n, &[("internal_ip", &n.ip), ("kubelet_version", &n.kubelet)], 1.0)).collect()
}

fn unschedulable(scene: &Scene) -> Vec<Row> {
    nodes(scene).map(|n| node_row(n, &[], f64::from(u8::from(n.unschedulable)))).collect()
}

/// Those that dashboards use. Labels of objects are not exported, as by default.
pub(super) const FAMILIES: &[Family] = &[
    gauge("kube_pod_info", "Information about pod.", infos),
    gauge("kube_pod_labels", "Kubernetes labels converted to Prometheus labels.", |s| {
        s.pods.iter().map(|pod| pod_row(pod, &[], |_, _| Some(1.0))).collect()
    }),
    gauge("kube_pod_status_phase", "The pods current phase.", phases),
    gauge("kube_pod_start_time", "Start time in unix timestamp for a pod.", starts),
    gauge("kube_pod_container_resource_requests", "The number of requested request resource by a container.", |s| {
        amounts(s, |c| &c.requests)
    }),
    gauge("kube_pod_container_resource_limits", "The number of requested limit resource by a container.", |s| {
        amounts(s, |c| &c.limits)
    }),
    counter("kube_pod_container_status_restarts_total", "The number of container restarts per container.", restarts),
    gauge(
        "kube_pod_container_status_waiting_reason",
        "Describes the reason the container is currently in waiting state.",
        |s| reasons(s, |c| &c.waiting),
    ),
    gauge(
        "kube_pod_container_status_last_terminated_reason",
        "Describes the last reason the container was in terminated state.",
        |s| reasons(s, |c| &c.last_terminated),
    ),
    gauge("kube_node_info", "Information about a cluster node.", node_infos),
    gauge("kube_node_spec_unschedulable", "Whether a node can schedule new pods.", unschedulable),
    gauge("kube_node_status_condition", "The condition of a cluster node.", conditions),
    gauge("kube_node_status_capacity", "The capacity for different resources of a node.", |s| {
        node_amounts(s, |n| &n.capacity)
    }),
    gauge("kube_node_status_allocatable", "The allocatable for different resources of a node.", |s| {
        node_amounts(s, |n| &n.allocatable)
    }),
    gauge("kube_resourcequota", "Information about resource quota.", quotas),
];
