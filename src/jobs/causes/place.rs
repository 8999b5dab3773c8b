//! Where something was observed, and what about: the values that rules are matched against.

use std::{fmt, sync::Arc};

use crate::jobs::{
    replica::{self, Replica},
    row::PodRow,
    text::{Name, Sym},
    time::Secs,
};

/// Where something was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Why a container waits: its reason.
    Waiting,
    /// The kubelet's words on a container that waits or has ended.
    Message,
    /// Why a container ended: its reason.
    Terminated,
    /// With which code a container ended.
    Exit,
    /// The reason of a pod's status.
    PodReason,
    /// The message of a pod's status.
    PodMessage,
    /// The reason of a pod's `DisruptionTarget` condition.
    Disruption,
    /// Why a pod has no node: `reason: message`.
    Unscheduled,
    /// An event: `reason: message`.
    Event,
    /// A condition of the job: `reason: message`.
    Condition,
    /// A condition of the Workload: `reason: message`.
    Queue,
    /// A refusal of the API server.
    Api,
    /// A line of a log, without its tag.
    Log,
    /// What is odd about what a replica uses, in our words (`usage::Flag`).
    Metric,
}

impl Place {
    /// How many there are.
    pub(super) const COUNT: usize = Self::NAMES.len();

    /// In the order of the enum.
    const NAMES: [(&'static str, Self); 14] = [
        ("waiting", Self::Waiting),
        ("message", Self::Message),
        ("terminated", Self::Terminated),
        ("exit", Self::Exit),
        ("pod-reason", Self::PodReason),
        ("pod-message", Self::PodMessage),
        ("disruption", Self::Disruption),
        ("unscheduled", Self::Unscheduled),
        ("event", Self::Event),
        ("condition", Self::Condition),
        ("queue", Self::Queue),
        ("api", Self::Api),
        ("log", Self::Log),
        ("metric", Self::Metric),
    ];

    /// The place that a rule file calls so.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place)
    }
}

/// The replica that an observation is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// Its role, as its pods are labelled: `worker`; empty where only the rank is known.
    pub role: Sym,
    /// Its index, if its role has several.
    pub index: Option<u16>,
    /// Its node, if it has one.
    pub node: Option<Sym>,
    /// Its memory limit in bytes, 0 if it has none.
    pub limit: u64,
    /// The container's image.
    pub image: Sym,
    /// The container's name.
    pub container: Sym,
    /// The exit code, if it ended badly.
    pub exit: Option<i32>,
    /// The MPI rank, if it is about one.
    pub rank: Option<u32>,
}

impl Subject {
    /// The replica `role` `index`, as a pod has them.
    pub fn of(role: Sym, index: Option<u16>) -> Self {
        Self { index: Self::index_of(role.as_str(), index), role, ..Self::default() }
    }

    /// The index that people know it by: there is one launcher, whatever the number of its pod.
    pub fn index_of(role: &str, index: Option<u16>) -> Option<u16> {
        index.filter(|_| !replica::is_launcher(role))
    }

    /// The replica that a pod is, on its node.
    pub fn of_pod(pod: &PodRow) -> Self {
        Self { node: pod.node.clone(), ..Self::of(pod.role.clone(), pod.index) }
    }

    /// Whether both are about the same replica.
    pub(super) fn is_same_replica(&self, other: &Self) -> bool {
        self.index == other.index && self.role.as_str().eq_ignore_ascii_case(other.role.as_str())
    }

    fn replica(&self) -> Replica<'static> {
        Replica {
            role: replica::shown(self.role.as_str()),
            index: self.index,
            attempts: Vec::new(),
            absent: replica::MISSING,
        }
    }

    /// `Worker 2`.
    pub fn title(&self) -> String {
        self.replica().title()
    }

    /// A machine, where no replica is known.
    pub fn of_node(node: &str) -> Self {
        Self { node: Some(Sym::new(node)), ..Self::default() }
    }

    /// `Worker 2`, `Worker 2 (rank 9, node gpu-7)`, `Rank 9`, `Node gpu-7`.
    pub fn in_words(&self) -> String {
        if self.role.is_empty() {
            return match (self.rank, &self.node) {
                (Some(rank), Some(node)) => format!("Rank {rank} (node {node})"),
                (Some(rank), None) => format!("Rank {rank}"),
                (None, node) => node.as_ref().map_or_else(String::new, |node| format!("Node {node}")),
            };
        }
        let Some(rank) = self.rank else { return self.title() };
        let node = self.node.as_ref().map_or_else(String::new, |node| format!(", node {node}"));
        format!("{} (rank {rank}{node})", self.title())
    }

    /// `worker-2`.
    pub fn id(&self) -> Name {
        self.replica().id()
    }
}

/// Where something was observed, for people. Written out only for what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At<'a> {
    /// In the status of a pod.
    Pod(&'a str),
    /// In an event about something of this kind and name.
    Event(&'a str, &'a str),
    /// In a condition of the job.
    Condition(&'a str),
    /// In a condition of this Workload.
    Workload(&'a str, &'a str),
    /// In this log, on this line; whether lines were counted from its start.
    Log(&'a str, u32, bool),
}

impl<'a> At<'a> {
    /// The pod's name, if it is one.
    pub(super) fn pod(&self) -> Option<&'a str> {
        match self {
            Self::Pod(name) => Some(name),
            _ => None,
        }
    }

    /// The line of a log, if it is one.
    pub(super) fn line(&self) -> Option<u32> {
        match self {
            Self::Log(_, line, _) => Some(*line),
            _ => None,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(name) => write!(f, "pod {name}"),
            Self::Event(kind, name) => write!(f, "event on {kind} {name}"),
            Self::Condition(kind) => write!(f, "condition {kind}"),
            Self::Log(of, line, true) => write!(f, "{of}, line {line}"),
            Self::Log(of, line, false) => write!(f, "{of}, line {line} of those read"),
            Self::Workload(name, kind) => write!(f, "Workload {name}, condition {kind}"),
        }
    }
}

/// One thing that was observed.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// Where.
    pub place: Place,
    /// What, in the cluster's words.
    pub text: &'a str,
    /// Where, for people.
    pub at: At<'a>,
    /// The replica it is about, if one.
    pub subject: Option<Arc<Subject>>,
    /// When.
    pub time: Option<Secs>,
}
