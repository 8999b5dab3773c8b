//! How a job is and why: from its row, pods, warnings and Workload to a [`Derived`].
//!
//! A pure function of values. The operators' own words are not enough for it: `Running=True` is never taken back, the
//! last condition is not the current state, and some jobs get no status at all. First match wins, in the order of
//! `Look::state`.

mod blocked;
mod plain;
mod queue;
#[cfg(test)]
mod replay;
mod team;
#[cfg(test)]
mod tests;
mod unsaid;
mod why;

use std::sync::Arc;

use self::team::Team;
use super::{
    causes::{Crew, LogSeen, Rules},
    health::{self, Health},
    kind::Kind,
    progress::Progress,
    reach::Reach,
    resources,
    row::{Condition, EventRow, JobRow, PodRow, WorkloadRow},
    state::{Derived, Failure, State},
    text::{Name, Sym},
    time::Secs,
    usage::Flag,
};

/// Everything that is known about one job.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its row.
    pub job: &'a JobRow,
    /// Its pods, the leading role first, then by role, index and creation.
    pub pods: &'a [&'a PodRow],
    /// Its warnings.
    pub events: &'a [&'a EventRow],
    /// Its Workload.
    pub workload: Option<&'a WorkloadRow>,
    /// Since when we know it, by the same clock as `now`.
    pub since: Secs,
    /// Rules for the cause.
    pub rules: &'a Rules,
    /// What its logs say, as far as they were read.
    pub logs: Logs<'a>,
    /// What is odd about what its pods use, where that was measured.
    pub odd: &'a [(Name, Flag)],
    /// What network policies leave between its replicas, where that was asked.
    pub reach: Option<&'a Reach>,
}

/// What the logs of a job say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logs<'a> {
    /// The launcher's first.
    pub seen: &'a [LogSeen<'a>],
    /// Who has which rank.
    pub crew: Option<&'a Crew>,
    /// The launcher has just begun: that replicas can't be reached yet passes. Found out by [`derive()`].
    launching: bool,
}

impl<'a> Logs<'a> {
    /// What these say.
    pub const fn new(seen: &'a [LogSeen<'a>], crew: Option<&'a Crew>) -> Self {
        Self { seen, crew, launching: false }
    }
}

/// An operator that has said nothing for so long is silent.
const SILENT_AFTER: u32 = 10;
/// A job this old owes us no patience when we first see it.
const OLD: u32 = 600;
/// An attempt that has run for so long is no longer a restart.
const SETTLED_AFTER: u32 = 300;
/// The operator's time to clean up pods of a finished job.
const CLEANED_AFTER: u32 = 30;

/// Derives it all. `now` is the cluster's time as well as we know it.
pub fn derive(input: &Input<'_>, now: Secs) -> Derived {
    let mut look = Look { input: *input, team: Team::of(input.job, input.pods), now, until: None };
    let state = look.state();
    let finished = state.is_finished().then(|| look.finished()).flatten();
    let leaked_gpus = look.leaked(&state, finished);
    if let Some(until) = unsaid::launching(&look.team, now).filter(|_| !input.logs.seen.is_empty()) {
        look.input.logs.launching = true;
        look.until = Some(look.until.map_or(until, |other| other.min(until)));
    }
    let cause = why::cause(&look.input, &look.team, &state, leaked_gpus);
    let reported = reported(input.job);
    let disagrees = disagrees(reported.as_str(), &state);
    let team = &look.team;
    Derived {
        disagrees,
        reported,
        cause,
        ready: team.ready(input.job),
        total: team.members_wanted.min(u32::from(u16::MAX)) as u16,
        gpus: resources::gpus(input.job, input.pods),
        leaked_gpus,
        restarts: restarts(input, team),
        started: started(input.job, input.pods),
        finished,
        progress: progress(input),
        valid_until: look.until,
        state,
    }
}

/// What the training program says of itself, else what its logs say, the leading replica's first.
fn progress(input: &Input<'_>) -> Option<Arc<Progress>> {
    let told = input.job.progress.as_deref().cloned();
    told.or_else(|| input.logs.seen.iter().find_map(|seen| seen.scan.trained())).map(Arc::new)
}

/// One look at a job. Remembers the earliest moment at which it would look different with no new data.
struct Look<'a> {
    input: Input<'a>,
    team: Team<'a>,
    now: Secs,
    until: Option<Secs>,
}

impl Look<'_> {
    fn state(&mut self) -> State {
        let job = self.input.job;
        if job.deleting.is_some() {
            return State::Terminating;
        }
        if let Some(end) = ended(job) {
            return end;
        }
        if job.warning.is_some() && job.replicas.is_empty() && job.conditions.is_empty() {
            return State::Unreadable;
        }
        if managed_by(job, "kueue.x-k8s.io/multikueue") {
            return State::Remote;
        }
        if job.suspend
            && let Some(workload) = self.input.workload
        {
            return queue::state(workload, self.team.total());
        }
        if is_foreign(job) && job.conditions.is_empty() {
            return State::OperatorSilent;
        }
        if !self.team.is_noticed(job) {
            return self.unnoticed();
        }
        if job.suspend {
            return State::Suspended;
        }
        self.by_pods()
    }

    /// No condition, no count, no pod: has anybody read the manifest?
    fn unnoticed(&mut self) -> State {
        let job = self.input.job;
        if self.input.events.iter().any(|event| blocked::is_refusal(event)) {
            return State::Invalid;
        }
        if blocked::newest(&self.input).is_some() {
            return State::Blocked;
        }
        let from = if self.now.since(job.created) > OLD { job.created } else { job.created.max(self.input.since) };
        if self.has_passed(from, SILENT_AFTER) && self.input.workload.is_none() {
            return State::OperatorSilent;
        }
        if job.suspend { State::Suspended } else { self.team.pending() }
    }

    fn by_pods(&mut self) -> State {
        if let Some(end) = self.end_before_it_is_said() {
            return end;
        }
        let job = self.input.job;
        let running = job.is("Running").is_some();
        if self.team.has_trouble(job, running) {
            return State::Degraded;
        }
        if let Some(restarting) = self.restarting() {
            return restarting;
        }
        if self.team.is_incomplete() && blocked::newest(&self.input).is_some() {
            return State::Blocked;
        }
        self.team.progress(self.input.job, running)
    }

    /// The operator tells the end seconds after the launcher's: its exit and the Job's own warnings are sooner.
    fn end_before_it_is_said(&self) -> Option<State> {
        let (job, leader) = (self.input.job, self.team.leader);
        let mpi = matches!(job.kind, Kind::MpiJob | Kind::MpiJobV1);
        if mpi && leader.is_some_and(|(_, health)| health == Health::Completed) {
            return Some(State::Succeeded);
        }
        if job.kind != Kind::MpiJob {
            return None;
        }
        if let Some(failure) = blocked::launcher_end(&self.input) {
            return Some(State::Failed(failure.1));
        }
        if self.is_ended_by_deadline() {
            return Some(State::Failed(Failure::Deadline));
        }
        let ended = leader.is_some_and(|(_, health)| health.has_ended());
        let (attempt, of) = self.team.attempt(job);
        (ended && attempt > of).then_some(State::Failed(Failure::BackOff))
    }

    /// Whether the launcher is being removed because its time is over. Its Job says so a moment after the pod is gone.
    fn is_ended_by_deadline(&self) -> bool {
        let job = self.input.job;
        let Some(seconds) = job.policy.deadline else { return false };
        let Some((pod, _)) = self.team.leader else {
            // Of a launcher that waits for its workers it is not known when its time began.
            let at_once = job.policy.launcher_creation.as_ref().is_none_or(|policy| policy.as_str() == "AtStartup");
            let over = job.started.is_some_and(|begun| self.now >= begun.plus(seconds));
            return at_once && over && self.team.failed_attempts(job) > 0;
        };
        // The Job's time begins with its first pod.
        let launchers = self.input.pods.iter().filter(|other| other.role == pod.role);
        let first = launchers.map(|pod| pod.created).min().unwrap_or(pod.created);
        let begun = first.max(job.started.unwrap_or_default());
        pod.deleting.is_some() && self.now >= begun.plus(seconds)
    }

    fn restarting(&mut self) -> Option<State> {
        let job = self.input.job;
        let (attempt, of) = self.team.attempt(job);
        let said = job.is("Restarting").is_some();
        if attempt < 2 && !said {
            return None;
        }
        let since = self.team.leader_runs_since();
        if !said && since.is_some_and(|at| self.has_passed(at, SETTLED_AFTER)) {
            return None;
        }
        // An operator that says so means a further attempt, also of a replica whose failures nobody counts.
        let attempt = if said { attempt.max(2) } else { attempt };
        let attempt = if of > 0 { attempt.min(of) } else { attempt };
        Some(State::Restarting { attempt, of })
    }

    fn finished(&self) -> Option<Secs> {
        let job = self.input.job;
        let said = || ["Succeeded", "Complete", "Failed"].iter().find_map(|kind| job.is(kind)?.since);
        let by_leader = || self.team.leader.and_then(|(pod, _)| ended_at(pod));
        job.completed.or_else(said).or_else(by_leader).or_else(|| blocked::launcher_end(&self.input).map(|end| end.0))
    }

    /// Accelerators of pods that go on living after the end. Where the operator is going to remove them, it gets a
    /// little time first.
    fn leaked(&mut self, state: &State, finished: Option<Secs>) -> u32 {
        if !state.is_finished() {
            return 0;
        }
        let held = |pod: &&&PodRow| !Health::of(pod).has_ended() && pod.deleting.is_none() && pod.node.is_some();
        let gpus = self.input.pods.iter().filter(held).fold(0u32, |sum, pod| sum.saturating_add(pod.requests.gpus));
        let policy = self.input.job.policy.clean_pods.as_ref().map_or("None", Sym::as_str);
        let cleans = self.input.job.kind == Kind::TrainJob || policy != "None";
        let patient = cleans && gpus > 0 && finished.is_some_and(|at| !self.has_passed(at, CLEANED_AFTER));
        if patient { 0 } else { gpus }
    }

    /// Whether `seconds` have passed since `from`; if not, this look holds only until then.
    fn has_passed(&mut self, from: Secs, seconds: u32) -> bool {
        let at = from.plus(seconds);
        if self.now >= at {
            return true;
        }
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
        false
    }
}

/// The end, where the status tells it.
fn ended(job: &JobRow) -> Option<State> {
    if job.is("Succeeded").or_else(|| job.is("Complete")).is_some() {
        return Some(State::Succeeded);
    }
    let failed = job.is("Failed")?;
    if failed.reason.as_str().ends_with("FailedValidation") {
        return Some(State::Invalid);
    }
    Some(State::Failed(failure(failed)))
}

fn failure(condition: &Condition) -> Failure {
    // training-operator gives one reason for everything, and tells only in its words.
    let (reason, words) = (condition.reason.as_str(), condition.message.as_str());
    if reason.contains("DeadlineExceeded") || words.contains("active longer than specified deadline") {
        Failure::Deadline
    } else if reason.contains("BackoffLimitExceeded")
        || reason == "ReachedMaxRestarts"
        || words.contains("reached the specified backoff limit")
    {
        Failure::BackOff
    } else if reason.ends_with("Evicted") {
        Failure::Evicted
    } else {
        Failure::Other
    }
}

fn managed_by(job: &JobRow, who: &str) -> bool {
    job.managed_by.as_ref().is_some_and(|by| by.as_str() == who)
}

/// Whether the manifest gives the job to a controller that is none of ours.
fn is_foreign(job: &JobRow) -> bool {
    const OURS: [&str; 3] =
        ["kubeflow.org/mpi-operator", "kubeflow.org/training-operator", "trainer.kubeflow.org/trainjob-controller"];
    job.managed_by.as_ref().is_some_and(|by| !by.is_empty() && !OURS.contains(&by.as_str()))
}

/// The type of the last condition that is True.
fn reported(job: &JobRow) -> Sym {
    let last = job.conditions.iter().rev().find(|c| c.status == super::row::Truth::True);
    last.map_or_else(Sym::default, |condition| condition.kind.clone())
}

fn disagrees(reported: &str, state: &State) -> bool {
    match reported {
        "Running" => !matches!(state, State::Running | State::Remote | State::Terminating),
        "Succeeded" | "Complete" => !matches!(state, State::Succeeded | State::Terminating),
        "Failed" => !matches!(state, State::Failed(_) | State::Invalid | State::Terminating),
        "Restarting" => !matches!(state, State::Restarting { .. } | State::Degraded | State::Terminating),
        "Suspended" => matches!(state, State::Running | State::Pending { .. } | State::Starting | State::Degraded),
        "Created" => state.is_finished(),
        _ => false,
    }
}

fn started(job: &JobRow, pods: &[&PodRow]) -> Option<Secs> {
    let resumed = || job.condition("Suspended").filter(|c| c.status == super::row::Truth::False)?.since;
    job.started.or_else(resumed).or_else(|| pods.iter().filter_map(|pod| pod.started).min())
}

fn restarts(input: &Input<'_>, team: &Team<'_>) -> u16 {
    let in_place = input.pods.iter().fold(0u16, |sum, pod| sum.saturating_add(health::restarts(pod)));
    in_place.saturating_add(team.failed_attempts(input.job))
}

fn ended_at(pod: &PodRow) -> Option<Secs> {
    let ends = pod.containers.iter().filter_map(|container| match &container.state {
        Some(super::row::ContainerState::Terminated(end)) => end.finished,
        _ => None,
    });
    ends.max()
}
