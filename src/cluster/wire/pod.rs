//! Pods of jobs: who they belong to, and what the kubelet says of them.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{Flag, List, Num, Obj, Pairs, Text},
    parts::{Conditions, ContainerWire, Meta, PodSpec, clean, name, sym, time},
    slim::SlimWire,
};
use crate::jobs::{
    capacity::HeldPod,
    row::{ContainerRow, ContainerState, Phase, PodRow, Terminated, Truth},
    text::{Clean, Name, Sym},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodWire<'a> {
    #[serde(borrow)]
    pub(super) metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<PodSpec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    phase: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    start_time: Text<'a>,
    #[serde(borrow)]
    conditions: Conditions<'a>,
    #[serde(borrow)]
    init_container_statuses: List<Obj<ContainerStatus<'a>>>,
    #[serde(borrow)]
    container_statuses: List<Obj<ContainerStatus<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    state: Obj<State<'a>>,
    #[serde(borrow)]
    last_state: Obj<State<'a>>,
    ready: Flag,
    restart_count: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State<'a> {
    #[serde(borrow)]
    waiting: Option<Obj<Waiting<'a>>>,
    #[serde(borrow)]
    running: Option<Obj<Running<'a>>>,
    #[serde(borrow)]
    terminated: Option<Obj<TerminatedWire<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running<'a> {
    #[serde(borrow)]
    started_at: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TerminatedWire<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
    exit_code: Num,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    started_at: Text<'a>,
    #[serde(borrow)]
    finished_at: Text<'a>,
}

const JOB_NAME: &str = "training.kubeflow.org/job-name";
const OPERATOR: &str = "training.kubeflow.org/operator-name";
/// The v1 kinds' role. Their `job-role` only marks the pod that leads: `master`, whatever its role is.
const ROLE: &str = "training.kubeflow.org/replica-type";
const ROLE_V2: &str = "training.kubeflow.org/job-role";
const INDEX: &str = "training.kubeflow.org/replica-index";
const JOBSET: &str = "jobset.sigs.k8s.io/jobset-name";
const JOBSET_ROLE: &str = "jobset.sigs.k8s.io/replicatedjob-name";
const JOBSET_INDEX: &str = "jobset.sigs.k8s.io/job-index";
const JOBSET_ATTEMPT: &str = "jobset.sigs.k8s.io/restart-attempt";
const COMPLETION_INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// What its labels (and its name) say of a pod's place in a job.
#[derive(Default)]
struct Place {
    job: String,
    operator: Sym,
    role: String,
    index: Option<u16>,
    attempt: u16,
}

fn place(labels: &Pairs<'_>, pod: &str) -> Place {
    let number = |key| labels.text(key).and_then(|v| v.parse::<u16>().ok());
    if let Some(job) = labels.text(JOB_NAME) {
        let operator = labels.text(OPERATOR).unwrap_or_default();
        let role = labels.text(ROLE).or_else(|| labels.text(ROLE_V2)).unwrap_or_default().to_ascii_lowercase();
        // mpi-operator shifts the label by one when the launcher is a worker; names are never shifted.
        let by_name = index_in_name(pod, job, &role);
        let index = if role == "launcher" { Some(0) } else { by_name.or_else(|| number(INDEX)) };
        return Place { job: job.to_owned(), operator: Sym::new(operator), role, index, attempt: 0 };
    }
    let job = labels.text(JOBSET).unwrap_or_default().to_owned();
    let role = labels.text(JOBSET_ROLE).unwrap_or_default().to_owned();
    let index = number(COMPLETION_INDEX).filter(|i| *i > 0).or_else(|| number(JOBSET_INDEX).filter(|i| *i > 0));
    let index = index.or_else(|| number(COMPLETION_INDEX)).or_else(|| number(JOBSET_INDEX));
    Place { job, operator: Sym::new("jobset"), role, index, attempt: number(JOBSET_ATTEMPT).unwrap_or(0) }
}

/// `3` of `train-worker-3`.
fn index_in_name(pod: &str, job: &str, role: &str) -> Option<u16> {
    pod.strip_prefix(job)?.strip_prefix('-')?.strip_prefix(role)?.strip_prefix('-')?.parse().ok()
}

impl PodWire<'_> {
    pub(super) fn row(self, odd: bool) -> PodRow {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let place = place(&meta.labels, meta.name.as_str());
        let condition = |kind: &str| status.conditions.0.iter().map(|c| &c.0).find(|c| c.r#type.as_str() == kind);
        let unscheduled = condition("PodScheduled").filter(|c| c.truth() != Truth::True);
        let disrupted = condition("DisruptionTarget").filter(|c| c.truth() == Truth::True);
        PodRow {
            namespace: meta.namespace_sym(),
            name: meta.name(),
            uid: meta.uid(),
            created: meta.created(),
            deleting: meta.deleting(),
            job: if place.job.is_empty() { Name::default() } else { name(&place.job) },
            operator: place.operator,
            role: Sym::new(&place.role),
            index: place.index,
            attempt: place.attempt,
            owner: meta.controller(),
            node: sym(&spec.node_name),
            phase: phase(status.phase.as_str()),
            reason: sym(&status.reason),
            message: status.message.some().map(Clean::new),
            unscheduled: unscheduled.map(|c| (Sym::new(c.reason.as_str()), clean(&c.message))),
            ready: condition("Ready").is_some_and(|c| c.truth() == Truth::True),
            disruption: disrupted.map(|c| Sym::new(c.reason.as_str())),
            started: time(&status.start_time),
            containers: containers(&spec, &status),
            requests: spec.requests(),
            warning: odd.then(|| Clean::new("a field is of another type than the API says")),
        }
    }
}

impl<'a> SlimWire<'a> for PodWire<'a> {
    type Row = HeldPod;

    fn row(self) -> Option<HeldPod> {
        HeldPod::of(&Self::row(self, false))
    }
}

fn phase(word: &str) -> Phase {
    match word {
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        "Unknown" => Phase::Unknown,
        _ => Phase::Pending,
    }
}

fn containers(spec: &PodSpec<'_>, status: &Status<'_>) -> Box<[ContainerRow]> {
    let init = spec.init_containers.0.iter().map(|c| container(&c.0, true, &status.init_container_statuses));
    init.chain(spec.containers.0.iter().map(|c| container(&c.0, false, &status.container_statuses))).collect()
}

fn container(spec: &ContainerWire<'_>, init: bool, statuses: &List<Obj<ContainerStatus<'_>>>) -> ContainerRow {
    let status = statuses.0.iter().map(|s| &s.0).find(|s| s.name == spec.name);
    ContainerRow {
        name: Sym::new(spec.name.as_str()),
        image: Sym::new(spec.image.as_str()),
        init,
        state: status.and_then(|s| state(&s.state.0)),
        last: status.and_then(|s| s.last_state.0.terminated.as_ref()).map(|t| terminated(&t.0)),
        ready: status.is_some_and(|s| s.ready.0 == Some(true)),
        restarts: status.and_then(|s| s.restart_count.0).map_or(0, |n| u16::try_from(n).unwrap_or(u16::MAX)),
    }
}

fn state(state: &State<'_>) -> Option<ContainerState> {
    if let Some(Obj(t)) = &state.terminated {
        return Some(ContainerState::Terminated(terminated(t)));
    }
    if let Some(Obj(running)) = &state.running {
        return Some(ContainerState::Running(time(&running.started_at)));
    }
    let Obj(waiting) = state.waiting.as_ref()?;
    Some(ContainerState::Waiting { reason: Sym::new(waiting.reason.as_str()), message: clean(&waiting.message) })
}

fn terminated(wire: &TerminatedWire<'_>) -> Terminated {
    Terminated {
        reason: Sym::new(wire.reason.as_str()),
        exit_code: wire.exit_code.0.and_then(|n| i32::try_from(n).ok()).unwrap_or(-1),
        message: clean(&wire.message),
        started: time(&wire.started_at),
        finished: time(&wire.finished_at),
    }
}
