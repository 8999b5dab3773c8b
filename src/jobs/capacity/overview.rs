//! The whole cluster in a few figures.

use std::collections::BTreeMap;

use super::{node::NodeUse, rows::HeldPod};
use crate::jobs::{
    fleet::Fleet,
    state::Severity,
    text::{Clean, Sym},
    time::Secs,
};

/// Accelerators of one model, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gpus {
    /// That pods may have.
    pub total: u64,
    /// That pods hold.
    pub allocated: u64,
    /// That are there and can't be had: taken out by their device plugin, or on a node that is not ready.
    pub unhealthy: u64,
    /// On nodes that take no new pods, and held by nobody.
    pub closed: u64,
}

impl Gpus {
    /// That a pod could have now.
    pub fn free(self) -> u64 {
        self.total.saturating_sub(self.allocated).saturating_sub(self.closed)
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// All accelerators.
    pub gpus: Gpus,
    /// By model, as nodes are labelled; most first.
    pub models: Vec<(Sym, Gpus)>,
    /// Nodes, and of them those that are not ready or closed.
    pub nodes: (u32, u32),
    /// Jobs by state.
    pub states: Vec<(Clean, Severity, u32)>,
    /// Accelerators that waiting jobs want.
    pub wanted: u64,
    /// Held by jobs that have ended: accelerators, jobs, and hours of them so far.
    pub leaked: (u64, u32, u64),
    /// Who holds most: namespaces.
    pub namespaces: Vec<(Sym, u64)>,
}

/// Counts it all.
pub fn overview(fleet: &Fleet, nodes: &[NodeUse<'_>], pods: &[HeldPod], now: Secs) -> Overview {
    let mut out = Overview::default();
    let mut models: BTreeMap<Sym, Gpus> = BTreeMap::new();
    for at in nodes {
        let node = at.node;
        out.nodes.0 += 1;
        out.nodes.1 += u32::from(!node.is_open());
        let (there, held) = (node.gpus(), u64::from(at.used.gpus).min(node.gpus()));
        if there + node.unhealthy() == 0 {
            continue;
        }
        let dead = if node.ready { 0 } else { there - held };
        let gpus = Gpus {
            total: there - dead,
            allocated: held,
            unhealthy: node.unhealthy() + dead,
            closed: if node.ready && node.closed { there - held } else { 0 },
        };
        let model = node.model().cloned().unwrap_or_else(|| Sym::new("unlabelled"));
        for sum in [&mut out.gpus, models.entry(model).or_default()] {
            sum.total += gpus.total;
            sum.allocated += gpus.allocated;
            sum.unhealthy += gpus.unhealthy;
            sum.closed += gpus.closed;
        }
    }
    out.models = models.into_iter().collect();
    out.models.sort_by(|a, b| (b.1.total, &a.0).cmp(&(a.1.total, &b.0)));
    jobs(&mut out, fleet, now);
    let mut held: BTreeMap<Sym, u64> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.node.is_some() && pod.requests.gpus > 0) {
        *held.entry(pod.namespace.clone()).or_default() += u64::from(pod.requests.gpus);
    }
    out.namespaces = held.into_iter().collect();
    out.namespaces.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    out
}

fn jobs(out: &mut Overview, fleet: &Fleet, now: Secs) {
    let (mut leaked_seconds, mut states) = (0_u64, BTreeMap::<(Severity, &'static str), u32>::new());
    for job in fleet.jobs() {
        let derived = &job.derived;
        *states.entry((derived.state.severity(), derived.state.in_words())).or_default() += 1;
        if derived.state.is_waiting() {
            out.wanted += u64::from(derived.gpus);
        }
        if derived.leaked_gpus > 0 {
            out.leaked.0 += u64::from(derived.leaked_gpus);
            out.leaked.1 += 1;
            let since = derived.finished.map_or(0, |end| now.since(end));
            leaked_seconds += u64::from(derived.leaked_gpus) * u64::from(since);
        }
    }
    out.leaked.2 = leaked_seconds / 3600;
    out.states = states.into_iter().map(|((severity, word), n)| (Clean::new(word), severity, n)).collect();
}
