//! Nodes: who holds their accelerators, what is free, and what could start there.

use std::collections::HashMap;

use super::rows::{HeldPod, NodeRow};
use crate::jobs::{
    fleet::{Fleet, Job},
    row::Requests,
    state::State,
    text::{Name, Sym},
};

/// Who holds accelerators of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// Its namespace.
    pub namespace: Sym,
    /// Name of the job; of the pod, if it belongs to none.
    pub name: Name,
    /// It is a training job.
    pub is_job: bool,
}

impl Holder {
    /// Whose pod it is.
    pub fn of(pod: &HeldPod) -> Self {
        let is_job = !pod.job.is_empty();
        let name = if is_job { pod.job.clone() } else { pod.name.clone() };
        Self { namespace: pod.namespace.clone(), name, is_job }
    }
}

/// One node, with what is held there.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeUse<'a> {
    /// The node.
    pub node: &'a NodeRow,
    /// Accelerators by holder, most first.
    pub held: Vec<(Holder, u32)>,
    /// What all pods there ask for.
    pub used: Requests,
    /// How many pods.
    pub pods: u32,
}

impl NodeUse<'_> {
    /// What is left for pods.
    pub fn free(&self) -> Requests {
        let of = |resource: &str| self.node.allocatable.get(resource).copied().unwrap_or(0);
        let gpus = u32::try_from(self.node.gpus()).unwrap_or(u32::MAX);
        Requests {
            gpus: gpus.saturating_sub(self.used.gpus),
            cpu_milli: of("cpu").saturating_sub(self.used.cpu_milli),
            memory: (of("memory") / 1000).saturating_sub(self.used.memory),
            ..Requests::default()
        }
    }

    /// Why a pod that asks for this can't start there; `None` if it can, its taints aside.
    pub fn lacks(&self, each: &Requests) -> Option<&'static str> {
        let free = self.free();
        if !self.node.ready {
            return Some("not ready");
        }
        if self.node.closed {
            return Some("closed for new pods");
        }
        if each.gpus > free.gpus {
            return Some("too few GPUs free");
        }
        if each.cpu_milli > free.cpu_milli {
            return Some("too little CPU free");
        }
        (each.memory > free.memory).then_some("too little memory free")
    }
}

/// Every node in the order given, with what these pods hold there.
pub fn nodes<'a>(rows: &'a [NodeRow], pods: &[HeldPod]) -> Vec<NodeUse<'a>> {
    let mut at: HashMap<&Sym, usize> = HashMap::with_capacity(rows.len());
    let mut all: Vec<NodeUse<'a>> = Vec::with_capacity(rows.len());
    for node in rows {
        at.insert(&node.name, all.len());
        all.push(NodeUse { node, held: Vec::new(), used: Requests::default(), pods: 0 });
    }
    for pod in pods {
        let Some(node) = pod.node.as_ref().and_then(|name| at.get(name)).and_then(|at| all.get_mut(*at)) else {
            continue;
        };
        node.pods += 1;
        node.used.gpus = node.used.gpus.saturating_add(pod.requests.gpus);
        node.used.cpu_milli = node.used.cpu_milli.saturating_add(pod.requests.cpu_milli);
        node.used.memory = node.used.memory.saturating_add(pod.requests.memory);
        if pod.requests.gpus > 0 {
            let holder = Holder::of(pod);
            match node.held.iter_mut().find(|(known, _)| *known == holder) {
                Some((_, gpus)) => *gpus = gpus.saturating_add(pod.requests.gpus),
                None => node.held.push((holder, pod.requests.gpus)),
            }
        }
    }
    for node in &mut all {
        node.held.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    }
    all
}

/// Jobs of the fleet that wait for room, whose largest pod would find it on this node, and how many others wait.
pub fn starts<'f>(fleet: &'f Fleet, node: &NodeUse<'_>) -> (Vec<&'f Job>, usize) {
    let waits = |job: &&Job| {
        matches!(job.derived.state, State::Queued | State::Preempted | State::Pending { .. } | State::Blocked)
    };
    let (mut fitting, mut others) = (Vec::new(), 0);
    for job in fleet.jobs().filter(waits) {
        let largest = job.row.replicas.iter().map(|role| &role.each).max_by_key(|each| (each.gpus, each.cpu_milli));
        match largest {
            Some(each) if node.lacks(each).is_none() => fitting.push(job),
            _ => others += 1,
        }
    }
    fitting.sort_by_key(|job| (job.row.created, job.row.name.clone()));
    (fitting, others)
}
