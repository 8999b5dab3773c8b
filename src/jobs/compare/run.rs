//! One run: what of a job is compared.

use std::sync::Arc;

use crate::jobs::{
    progress::{Progress, Rate},
    quantity::{format_bytes, format_cpu},
    resources,
    row::{JobRow, PodRow, Requests, WorkloadRow},
    state::{Derived, Severity, State},
    text::{Clean, Name, Sym},
    time::Secs,
    timeline::{Step, timeline},
};

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: String,
    /// Its API kind.
    pub kind: &'static str,
    /// It is known from its record.
    pub recorded: bool,
    /// How it is, in words.
    pub state: String,
    /// How urgent that is.
    pub severity: Severity,
    /// Whether that is an end.
    pub finished: bool,
    /// Whether it is a good end.
    pub succeeded: bool,
    /// Why, where that is known.
    pub cause: Option<Clean>,
    /// Seconds until it ran, or so far.
    pub waited: Option<u32>,
    /// Seconds that it ran, or has so far.
    pub ran: Option<u32>,
    /// Workers that it wants.
    pub workers: u32,
    /// Processes a worker.
    pub slots: Option<u32>,
    /// Accelerators of the whole job.
    pub gpus: u32,
    /// Image of its workers.
    pub image: Sym,
    /// How far its training has come.
    pub progress: Option<Arc<Progress>>,
    /// Fields of its manifest that matter beside those: name and value.
    pub fields: Vec<(&'static str, String)>,
}

impl Run {
    /// Of a job's rows.
    pub fn of(
        row: &JobRow,
        pods: &[&PodRow],
        workload: Option<&WorkloadRow>,
        derived: &Derived,
        now: Secs,
        recorded: bool,
    ) -> Self {
        let steps = timeline(row, pods, workload, derived, now);
        let began = steps.iter().find(|reached| reached.step == Step::Running).map(|reached| reached.at);
        let finished = derived.state.is_finished();
        let end = if finished { derived.finished } else { Some(now) };
        let roles = resources::by_role(row, pods);
        let works = roles.iter().rev().find(|role| !role.role.as_str().eq_ignore_ascii_case("launcher"));
        let each = works.or(roles.first()).map(|role| role.each.clone()).unwrap_or_default();
        let spec = row.replicas.last();
        Self {
            namespace: row.namespace.clone(),
            name: row.name.clone(),
            uid: row.uid.to_string(),
            kind: row.kind.info().kind,
            recorded,
            state: derived.state.to_string(),
            severity: derived.state.severity(),
            finished,
            succeeded: derived.state == State::Succeeded,
            cause: derived.cause.as_ref().map(|cause| cause.title.clone()),
            waited: began.or(end).map(|until| until.since(row.created)),
            ran: began.and_then(|from| Some(end?.since(from))),
            workers: u32::from(derived.total),
            slots: row.slots,
            gpus: derived.gpus,
            image: spec.and_then(|spec| spec.image.clone()).unwrap_or_default(),
            progress: derived.progress.clone(),
            fields: fields(row, &each),
        }
    }

    /// `namespace/name`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Its mean speed, of the whole job: where one accelerator's share was told, that times their number.
    pub fn speed(&self) -> Option<Rate> {
        let rate = self.progress.as_ref()?.rate?;
        let times = if rate.per_gpu { f64::from(self.gpus.max(1)) } else { 1.0 };
        Some(Rate { last: rate.last * times, mean: rate.mean * times, per_gpu: false, ..rate })
    }
}

/// What else of a manifest makes two runs differ.
fn fields(row: &JobRow, each: &Requests) -> Vec<(&'static str, String)> {
    let text = |value: &Option<Sym>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let count = |value: Option<u32>| value.map(|n| n.to_string()).unwrap_or_default();
    let amount = |is_none: bool, text: String| if is_none { String::new() } else { text };
    let policy = &row.policy;
    vec![
        ("kind", row.kind.info().kind.to_owned()),
        ("GPUs each", amount(each.gpus == 0, each.gpus.to_string())),
        ("GPU", text(&each.gpu_resource)),
        ("CPU each", amount(each.cpu_milli == 0, format_cpu(each.cpu_milli))),
        ("memory each", amount(each.memory == 0, format_bytes(each.memory))),
        ("MPI", text(&policy.mpi)),
        ("runtime", text(&policy.runtime)),
        ("launcher works", amount(!policy.launcher_is_worker, "yes".to_owned())),
        ("queue", text(&row.queue)),
        ("priority", text(&row.priority)),
        ("clean pods", text(&policy.clean_pods)),
        ("backoff limit", count(policy.backoff_limit)),
        ("deadline", count(policy.deadline)),
        ("creator", text(&row.creator)),
    ]
}
