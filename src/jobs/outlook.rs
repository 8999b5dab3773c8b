//! Whether a job that is not made yet would start at once, wait, or never come in.
//!
//! By its queue where it has one, else by what is free on each node. What preemption, topology or another scheduler would
//! do is not foreseen.

use serde_json::Value;

use super::{
    amounts,
    capacity::{self, HeldPod, NodeRow, NodeUse},
    checks::cluster::{Facts, Need, needs_as_served},
    kind::Kind,
    part::Part,
    quantity::counted,
    queue::{self, Chance, PodSetNeed, Queues, Short},
    row::Requests,
    taint::Toleration,
    text::Clean,
};

const QUEUE: &str = "/metadata/labels/kueue.x-k8s.io~1queue-name";

/// What becomes of a job once it is made, as far as can be told; each with why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It starts at once.
    Starts(Clean),
    /// It waits, and for what.
    Waits(Clean),
    /// As it is, it never starts.
    Never(Clean),
    /// Not known, and why not.
    Unknown(Clean),
}

/// What a cluster has, and who holds it.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Nodes.
    pub nodes: &'a Part<NodeRow>,
    /// All pods that hold something.
    pub pods: &'a Part<HeldPod>,
    /// Queues.
    pub queues: &'a Queues,
}

/// What becomes of a job in this namespace, by what the cluster said to it. A `TrainJob` is not known without the runtime
/// that it builds on.
pub fn outlook(kind: Kind, job: &Value, facts: &Facts, namespace: &str, ground: &Ground<'_>) -> Outlook {
    if kind == Kind::TrainJob && facts.runtime(job).is_none() {
        return Outlook::Unknown(Clean::new("what its runtime adds could not be read"));
    }
    let needs = needs_as_served(kind, job, facts);
    let queue = job.pointer(QUEUE).and_then(Value::as_str).filter(|name| !name.is_empty());
    let queues = ground.queues;
    let governed = !queues.locals.rows.is_empty() || !queues.clusters.rows.is_empty() || !queues.locals.is_whole();
    match queue.filter(|_| governed) {
        Some(queue) => by_queue(queues, namespace, queue, &needs),
        None => by_nodes(ground, needs),
    }
}

fn by_queue(queues: &Queues, namespace: &str, name: &str, needs: &[Need]) -> Outlook {
    let sets: Vec<_> =
        needs.iter().map(|need| PodSetNeed::of(&need.role, need.pods, &need.requests, &need.spec)).collect();
    let local = queues.local(namespace, name);
    let ahead = local.map_or(0, |local| queue::waiting(queues, local.cluster_queue.as_str()).len());
    let before = match ahead {
        0 => String::new(),
        1 => "; 1 other waits there".to_owned(),
        n => format!("; {n} others wait there"),
    };
    match queue::chance(queues, (namespace, name), &sets, ahead) {
        Chance::Now(0) => Outlook::Starts(Clean::new(&format!("queue {name} has room for it"))),
        Chance::Now(_) => Outlook::Waits(Clean::new(&format!("queue {name} has room for it{before}"))),
        Chance::Waits(short, _) => {
            let short = short.iter().map(Short::words).collect::<Vec<_>>().join("; ");
            Outlook::Waits(Clean::new(&format!("in queue {name}: {short}{before}")))
        }
        Chance::Never(why) => Outlook::Never(Clean::new(&format!("queue {name}: {}", why.join("; ")))),
        Chance::Unknown(why) => Outlook::Unknown(Clean::new(&format!("queue {name}: {why}"))),
    }
}

fn by_nodes(ground: &Ground<'_>, mut needs: Vec<Need>) -> Outlook {
    let unread = [&ground.nodes.unread, &ground.pods.unread].into_iter().flatten().next();
    if let Some(why) = unread {
        return Outlook::Unknown(Clean::new(&format!("who holds what on the nodes can't be read: {why}")));
    }
    let mut nodes = capacity::nodes(&ground.nodes.rows, &ground.pods.rows);
    let total: u64 = nodes.iter().map(|node| node.node.gpus()).sum();
    let free: u64 = nodes.iter().filter(|node| node.node.is_open()).map(|node| u64::from(node.free().gpus)).sum();
    needs.sort_by_key(|need| std::cmp::Reverse(requests(need).gpus));
    let wanted: u64 = needs.iter().map(|need| need.pods * u64::from(requests(need).gpus)).sum();
    let gpus = if wanted > 0 {
        format!("; it needs {}, {free} of {total} are free", counted(wanted, "GPU"))
    } else {
        String::new()
    };
    let mut homeless = Vec::new();
    for need in &needs {
        let placed = place(&mut nodes, need);
        if placed < need.pods {
            homeless.push(format!("{} of {} {} pods", need.pods - placed, need.pods, need.role));
        }
    }
    if homeless.is_empty() {
        return Outlook::Starts(Clean::new(&format!("all its pods find room on the nodes{gpus}")));
    }
    Outlook::Waits(Clean::new(&format!("{} find no room now{gpus}", homeless.join(" and "))))
}

/// Puts pods where most is free, one after the other; how many found room.
fn place(nodes: &mut [NodeUse<'_>], need: &Need) -> u64 {
    let (each, tolerations) = (requests(need), Toleration::all_of(&need.spec));
    for placed in 0..need.pods {
        let takes = |node: &&mut NodeUse<'_>| is_for(node.node, need, &tolerations) && node.lacks(&each).is_none();
        let Some(node) = nodes.iter_mut().filter(takes).max_by_key(|node| (node.free().gpus, node.free().cpu_milli))
        else {
            return placed;
        };
        node.used.gpus = node.used.gpus.saturating_add(each.gpus);
        node.used.cpu_milli = node.used.cpu_milli.saturating_add(each.cpu_milli);
        node.used.memory = node.used.memory.saturating_add(each.memory);
    }
    need.pods
}

/// Whether a node is one that pods of a role may run on at all.
fn is_for(node: &NodeRow, need: &Need, tolerations: &[Toleration]) -> bool {
    let has = |key: &str, value: &Value| {
        node.labels.iter().any(|(k, v)| k.as_str() == key && value.as_str() == Some(v.as_str()))
    };
    let selected = need.spec["nodeSelector"].as_object().into_iter().flatten().all(|(key, value)| has(key, value));
    selected && node.taints.iter().all(|taint| !taint.is_hard() || taint.is_tolerated(tolerations))
}

/// What one pod of a role asks for.
fn requests(need: &Need) -> Requests {
    let of = |resource: &str| need.requests.get(resource).copied().unwrap_or(0);
    let gpus = need.requests.iter().filter(|(resource, _)| amounts::is_accelerator(resource)).map(|(_, n)| n / 1000);
    Requests {
        gpus: u32::try_from(gpus.sum::<u64>()).unwrap_or(u32::MAX),
        cpu_milli: of("cpu"),
        memory: of("memory") / 1000,
        ..Requests::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jobs::{
        queue::{Cell, ClusterQueueRow, FlavorRow, Group, LocalQueueRow, Quota},
        text::{Name, Sym, Uid},
    };

    fn node(name: &str, gpus: u64) -> NodeRow {
        let amounts = [("cpu", 32_000), ("memory", 256 << 30), ("nvidia.com/gpu", gpus * 1000)];
        let amounts: amounts::ByResource =
            amounts.into_iter().map(|(key, n)| (Sym::new(key), if key == "memory" { n * 1000 } else { n })).collect();
        NodeRow {
            name: Sym::new(name),
            ready: true,
            labels: [(Sym::new("zone"), Sym::new(name))].into(),
            capacity: amounts.clone(),
            allocatable: amounts,
            ..NodeRow::default()
        }
    }

    fn pod(node: &str, gpus: u32) -> HeldPod {
        let requests = Requests { gpus, ..Requests::default() };
        HeldPod {
            uid: Uid::new(node),
            name: Name::lossy("p"),
            node: Some(Sym::new(node)),
            requests,
            ..HeldPod::default()
        }
    }

    fn job(workers: u64, gpus: u64, queue: Option<&str>) -> Value {
        let resources = json!({"limits": {"nvidia.com/gpu": gpus, "cpu": 1}});
        let pod = |resources: &Value| json!({"spec": {"containers": [{"name": "c", "resources": resources}]}});
        json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
            "metadata": {"name": "a", "labels": {"kueue.x-k8s.io/queue-name": queue}},
            "spec": {"mpiReplicaSpecs": {"Launcher": {"replicas": 1, "template": pod(&json!({}))},
                "Worker": {"replicas": workers, "template": pod(&resources)}}}})
    }

    fn by_nodes_of(job: &Value, pods: Vec<HeldPod>) -> Outlook {
        let (nodes, pods) = (Part::whole(vec![node("a", 8), node("b", 8)]), Part::whole(pods));
        let ground = Ground { nodes: &nodes, pods: &pods, queues: &Queues::default() };
        outlook(Kind::MpiJob, job, &Facts::default(), "v", &ground)
    }

    #[test]
    fn pods_are_counted_out_over_what_is_free_on_each_node() {
        let words = |text: &str| Clean::new(text);
        let all = "all its pods find room on the nodes; it needs 16 GPUs, 16 of 16 are free";
        assert_eq!(by_nodes_of(&job(4, 4, None), vec![]), Outlook::Starts(words(all)));
        // Six are free on each of two nodes: twelve, but no node has room for more than one pod of four.
        let held = vec![pod("a", 2), pod("b", 2)];
        let some = "1 of 3 Worker pods find no room now; it needs 12 GPUs, 12 of 16 are free";
        assert_eq!(by_nodes_of(&job(3, 4, None), held), Outlook::Waits(words(some)));
        let mut picky = job(3, 4, None);
        picky["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["nodeSelector"] = json!({"zone": "a"});
        assert!(matches!(by_nodes_of(&picky, vec![]), Outlook::Waits(why) if why.as_str().starts_with("1 of 3")));
    }

    #[test]
    fn what_may_not_be_read_is_not_guessed() {
        let (nodes, pods) = (Part::whole(vec![node("a", 8)]), Part::unread(Clean::new("list pods in all namespaces")));
        let ground = Ground { nodes: &nodes, pods: &pods, queues: &Queues::default() };
        let said = outlook(Kind::MpiJob, &job(1, 1, None), &Facts::default(), "v", &ground);
        assert!(matches!(said, Outlook::Unknown(why) if why.as_str().contains("list pods in all namespaces")));
    }

    #[test]
    fn a_queue_that_can_never_give_so_much_is_told() {
        let cell: Cell = (Sym::new("a100"), Sym::new("nvidia.com/gpu"));
        let cpu: Cell = (Sym::new("a100"), Sym::new("cpu"));
        let quota = |cell: Cell, nominal| Quota { cell, nominal, ..Quota::default() };
        let group = Group {
            resources: [Sym::new("cpu"), Sym::new("nvidia.com/gpu")].into(),
            flavors: [Sym::new("a100")].into(),
        };
        let queue = ClusterQueueRow {
            name: Sym::new("cq"),
            groups: [group].into(),
            quotas: [quota(cell, 16_000), quota(cpu, 900_000)].into(),
            ..ClusterQueueRow::default()
        };
        let clusters = vec![queue];
        let local = LocalQueueRow {
            namespace: Sym::new("v"),
            name: Sym::new("gpu"),
            cluster_queue: Sym::new("cq"),
            ..LocalQueueRow::default()
        };
        let flavors = vec![FlavorRow { name: Sym::new("a100"), ..FlavorRow::default() }];
        let (clusters, locals, flavors) = (Part::whole(clusters), Part::whole(vec![local]), Part::whole(flavors));
        let queues = Queues { clusters, locals, flavors, ..Queues::default() };
        let ground = Ground { nodes: &Part::default(), pods: &Part::default(), queues: &queues };
        let said = |workers| outlook(Kind::MpiJob, &job(workers, 8, Some("gpu")), &Facts::default(), "v", &ground);
        assert!(matches!(said(2), Outlook::Starts(_)), "{:?}", said(2));
        assert!(matches!(said(4), Outlook::Never(why) if why.as_str().contains("can never give more than 16")));
    }
}
