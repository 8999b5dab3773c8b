//! Rows of the views of the cluster as JSON objects. Their fields are documented in docs/cli.md: CPU in cores, memory in
//! bytes, GPUs as whole numbers.

use serde_json::{Value, json};

use crate::{
    cluster::survey::Survey,
    jobs::{
        amounts::is_accelerator,
        capacity::{Use, held, nodes as used, spaces as counted, users as of_users},
        fleet::Fleet,
        queue::{Queues, Room, Rooms},
        text::{Clean, Sym},
    },
};

/// Cores of thousandths.
fn cores(milli: u64) -> f64 {
    milli as f64 / 1000.0
}

/// An amount in the unit of its resource.
fn amount(resource: &str, milli: u64) -> Value {
    if resource == "cpu" { json!(cores(milli)) } else { json!(milli / 1000) }
}

fn texts(all: &[Sym]) -> Vec<&str> {
    all.iter().map(Sym::as_str).collect()
}

/// Of `top nodes`.
pub(super) fn nodes(read: &Survey) -> Vec<Value> {
    used(&read.nodes.rows, &read.pods.rows)
        .iter()
        .map(|node| {
            let (row, free) = (node.node, node.free());
            let holders = node.held.iter().map(|(holder, gpus)| {
                let (namespace, name) = (holder.namespace.as_str(), holder.name.as_str());
                json!({"namespace": namespace, "name": name, "job": holder.is_job, "gpus": gpus})
            });
            let all = |resource: &str| row.allocatable.get(resource).copied().unwrap_or(0);
            let taints = row.taints.iter().map(|t| format!("{}={}:{}", t.key, t.value, t.effect));
            json!({
                "name": row.name.as_str(),
                "model": row.model().map(Sym::as_str),
                "ready": row.ready,
                "closed": row.closed,
                "pressure": texts(&row.pressure),
                "taints": taints.collect::<Vec<_>>(),
                "gpus": {"total": row.gpus(), "held": node.used.gpus, "free": free.gpus, "unhealthy": row.unhealthy()},
                "cpu": {"total": cores(all("cpu")), "requested": cores(node.used.cpu_milli)},
                "memory": {"total": all("memory") / 1000, "requested": node.used.memory},
                "pods": node.pods,
                "holders": holders.collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn quota(room: &Room) -> Value {
    let (flavor, resource) = &room.cell;
    let of = |milli| amount(resource.as_str(), milli);
    json!({
        "flavor": flavor.as_str(), "resource": resource.as_str(), "gpu": is_accelerator(resource.as_str()),
        "nominal": of(room.nominal), "reserved": of(room.used), "borrowed": of(room.borrowed),
        "free": of(room.free), "most": of(room.most),
    })
}

/// Of `top queues`: `ClusterQueue`s, then `LocalQueue`s.
pub(super) fn queues(queues: &Queues) -> Vec<Value> {
    let mut rooms = Rooms::new(queues);
    let clusters = queues.clusters.rows.iter().map(|queue| {
        json!({
            "kind": "ClusterQueue",
            "name": queue.name.as_str(),
            "cohort": queue.cohort.as_ref().map(Sym::as_str),
            "strict": queue.strict,
            "waiting": queue.pending,
            "reserving": queue.reserving,
            "admitted": queue.admitted,
            "inactive": queue.inactive.as_ref().map(Clean::as_str),
            "quotas": rooms.of(queue).iter().map(quota).collect::<Vec<_>>(),
        })
    });
    let locals = queues.locals.rows.iter().map(|queue| {
        json!({
            "kind": "LocalQueue",
            "namespace": queue.namespace.as_str(),
            "name": queue.name.as_str(),
            "clusterQueue": queue.cluster_queue.as_str(),
            "waiting": queue.pending,
            "reserving": queue.reserving,
            "admitted": queue.admitted,
            "inactive": queue.inactive.as_ref().map(Clean::as_str),
        })
    });
    clusters.chain(locals).collect()
}

/// Of `top namespaces`.
pub(super) fn spaces(fleet: &Fleet, read: &Survey) -> Vec<Value> {
    let pods = held(fleet, &read.pods);
    let limit = |resource: &str, limit: Option<Use>| {
        limit.map(|limit| json!({"used": amount(resource, limit.used), "hard": amount(resource, limit.hard)}))
    };
    let row = |space: crate::jobs::capacity::SpaceUse| {
        let [jobs, running, waiting] = space.jobs;
        json!({
            "name": space.name.as_str(),
            "team": space.team.as_ref().map(Sym::as_str),
            "gpuQuota": limit("gpu", space.gpus),
            "cpuQuota": limit("cpu", space.cpu),
            "memoryQuota": limit("memory", space.memory),
            "jobQuota": limit("jobs", space.count),
            "scopedQuotas": space.scoped,
            "gpusHeld": space.held,
            "jobs": jobs, "running": running, "waiting": waiting,
        })
    };
    counted(fleet, &read.quotas.rows, &read.spaces.rows, &pods).into_iter().map(row).collect()
}

/// Of `top users`.
pub(super) fn users(fleet: &Fleet, read: &Survey) -> Vec<Value> {
    let row = |user: crate::jobs::capacity::UserUse| {
        let [jobs, running, waiting, failed] = user.jobs;
        json!({
            "name": user.name.as_ref().map(Sym::as_str),
            "knownBy": texts(&user.by),
            "namespaces": texts(&user.namespaces),
            "gpusHeld": user.gpus, "gpusLeaked": user.leaked,
            "jobs": jobs, "running": running, "waiting": waiting, "failed": failed,
        })
    };
    of_users(fleet, &read.spaces.rows).into_iter().map(row).collect()
}
