//! Visits to replicas: ports that are led to them, and whom a command is about.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    change::ChangeId,
    page::{Kept, PageId, PageModel, Tab},
    session::SessionId,
};
use crate::{
    changes::{Confirmed, Traffic, visit::Places},
    jobs::{
        Clean, Name, PodRow, Sym, Uid,
        row::{ContainerRow, ContainerState, Phase},
    },
    metrics::nvidia_smi,
};

/// Ports that are led to replicas.
#[derive(Debug, Default)]
pub struct VisitModel {
    /// By the change that began each.
    pub forwards: BTreeMap<ChangeId, Forward>,
    /// Where copies go when nobody says: a directory of this machine.
    pub saved: Option<PathBuf>,
}

/// A port of this machine that leads to one of a replica.
#[derive(Clone, Debug)]
pub struct Forward {
    /// `127.0.0.1:6006`.
    pub local: Clean,
    /// `vision/train-worker-0:6006`.
    pub far: Clean,
    /// The context that leads there.
    pub context: Clean,
    /// What went through.
    pub traffic: Traffic,
}

/// A container that can be visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visited {
    /// Its pod.
    pub pod: Name,
    /// The pod's uid.
    pub uid: Uid,
    /// Its namespace.
    pub namespace: Name,
    /// The container.
    pub container: Sym,
    /// The pod's node.
    pub node: Option<Sym>,
}

/// What the console wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum VisitEffect {
    /// Hand the terminal over: to a program in a replica, or to one of the user's own that makes changes.
    Lend(ChangeId, SessionId, Confirmed),
    /// Hand the terminal to a program of the user's own; the flag: what it showed stays until a key is pressed.
    Program(Vec<String>, bool),
    /// Run a program in replicas for what it prints, for this page: once, or again and again.
    Measure(ChangeId, SessionId, PageId, Confirmed),
    /// Take a port of this machine and lead it on.
    Forward(ChangeId, SessionId, Confirmed),
    /// A program that runs again and again runs in these pods from now on.
    Pods(ChangeId, Places),
    /// What goes on until it is stopped goes on no more: a port that is led, a program that runs again and again.
    Stop(ChangeId),
}

/// What happened.
#[derive(Debug)]
pub enum VisitMessage {
    /// A port leads on.
    Forwarding(ChangeId, Forward),
}

impl PageModel {
    /// The container that a visit is to: of the selected replica on tab Workers, else of the launcher, else of the first
    /// replica that runs.
    pub fn visited(page: &Self) -> Result<Visited, String> {
        let replicas = page.job.replicas();
        let selected = page.workers.selected.as_ref().filter(|_| page.tab == Tab::Workers);
        let replica = match selected {
            Some(id) => replicas.iter().find(|replica| replica.id() == *id),
            None => replicas.iter().find(|replica| replica.pod().is_some_and(|pod| running(pod).is_some())),
        };
        let Some(replica) = replica else { return Err("no replica of this job runs".to_owned()) };
        let pod = replica.pod().ok_or_else(|| format!("{} has no pod", replica.id()))?;
        let container = running(pod).ok_or_else(|| format!("{} does not run", pod.name))?;
        Ok(Visited {
            pod: pod.name.clone(),
            uid: pod.uid.clone(),
            namespace: page.job.row.namespace.clone(),
            container,
            node: pod.node.clone(),
        })
    }
}

impl Kept {
    /// Its pods that run and have GPUs which `nvidia-smi` knows, each with the container that is measured.
    pub fn gpu_pods(&self) -> Places {
        let is_known = |pod: &&PodRow| nvidia_smi::knows(pod.requests.gpu_resource.as_ref().map(Sym::as_str));
        let with_gpus = self.pods.iter().filter(|pod| pod.requests.gpus > 0).filter(is_known);
        with_gpus.filter_map(|pod| Some((pod.name.clone(), Some(running(pod)?)))).collect()
    }
}

/// The first container of a pod that runs, init containers last.
fn running(pod: &PodRow) -> Option<Sym> {
    if pod.phase != Phase::Running {
        return None;
    }
    let runs = |container: &&ContainerRow| matches!(container.state, Some(ContainerState::Running { .. }));
    let mut running = pod.containers.iter().filter(runs);
    let first = running.next()?;
    let main = if first.init { running.find(|container| !container.init).unwrap_or(first) } else { first };
    Some(main.name.clone())
}
