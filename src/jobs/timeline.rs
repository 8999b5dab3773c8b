//! What happened to a job when: created, queued, admitted, scheduled, images, running, ended.
//!
//! Only what was recorded somewhere; a step of which no time is known is left out, never guessed.

use super::{
    kind::Kind,
    replica::is_initializer,
    row::{ContainerRow, ContainerState, JobRow, PodRow, WorkloadRow},
    state::Derived,
    time::Secs,
};

/// A step in a job's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The object was made.
    Created,
    /// Kueue made a Workload of it.
    Queued,
    /// Kueue let it in.
    Admitted,
    /// The last of its pods was taken on by a node.
    Scheduled,
    /// The last of its pods had its images and started.
    Images,
    /// All ran, as the operator saw it.
    Running,
    /// It came to its end.
    Ended,
}

impl Step {
    /// A word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Queued => "queued",
            Self::Admitted => "admitted",
            Self::Scheduled => "scheduled",
            Self::Images => "images",
            Self::Running => "running",
            Self::Ended => "ended",
        }
    }
}

/// A step that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub step: Step,
    /// When.
    pub at: Secs,
    /// Seconds until the next one that is known, or until now if the job goes on; `None` for the end.
    pub took: Option<u32>,
}

/// The steps that were reached, in order of the steps. Clocks differ: a step that seems to come before an earlier one
/// took no time.
pub fn timeline(
    job: &JobRow,
    pods: &[&PodRow],
    workload: Option<&WorkloadRow>,
    derived: &Derived,
    now: Secs,
) -> Vec<Reached> {
    let admitted = |w: &WorkloadRow| w.is("Admitted").or_else(|| w.is("QuotaReserved"))?.since;
    let steps = [
        (Step::Created, Some(job.created)),
        (Step::Queued, workload.map(|w| w.created)),
        (Step::Admitted, workload.and_then(admitted)),
        (Step::Scheduled, of_all(pods, |pod| pod.started)),
        (Step::Images, of_all(pods, container_start)),
        (Step::Running, running(job, pods)),
        (Step::Ended, derived.finished),
    ];
    let mut out: Vec<Reached> = Vec::new();
    for (step, at) in steps.into_iter().filter_map(|(step, at)| Some((step, at?))) {
        let at = out.last().map_or(at, |before| at.max(before.at));
        out.push(Reached { step, at, took: None });
    }
    for i in 0..out.len() {
        let until = out.get(i + 1).map(|next| next.at);
        let ongoing = (!derived.state.is_finished()).then_some(now);
        out[i].took = until.or(ongoing).map(|until| until.since(out[i].at));
    }
    out
}

/// The latest of a time that every pod has (initializers aside); `None` while one hasn't, or where there is no pod.
fn of_all(pods: &[&PodRow], time: impl Fn(&PodRow) -> Option<Secs>) -> Option<Secs> {
    let trains = pods.iter().filter(|pod| !is_initializer(pod.role.as_str()));
    trains.map(|pod| time(pod)).try_fold(None, |latest: Option<Secs>, at| Some(latest.max(Some(at?)))).flatten()
}

/// When a pod's first main container started, as far back as its status goes.
fn container_start(pod: &PodRow) -> Option<Secs> {
    pod.containers.iter().filter(|container| !container.init).filter_map(first_start).min()
}

fn first_start(container: &ContainerRow) -> Option<Secs> {
    let earlier = container.last.as_ref().and_then(|end| end.started);
    earlier.or(match &container.state {
        Some(ContainerState::Running(since)) => *since,
        Some(ContainerState::Terminated(end)) => end.started,
        _ => None,
    })
}

/// `Running=True` has the time; once it was set back at the end, the launcher's start is what is left of it. A `TrainJob`
/// has no such condition: it runs when all its pods do.
fn running(job: &JobRow, pods: &[&PodRow]) -> Option<Secs> {
    if job.kind == Kind::TrainJob {
        return of_all(pods, container_start);
    }
    let leader = || pods.first().filter(|pod| super::replica::is_launcher(pod.role.as_str()));
    let said = job.is("Running").and_then(|condition| condition.since);
    said.or_else(|| job.condition("Running").and(leader()).and_then(|pod| container_start(pod)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        row::{Condition, Truth},
        state::State,
        text::{Clean, Name, Sym, Uid},
    };

    fn pod(started: Option<u32>, runs: Option<u32>) -> PodRow {
        let main = ContainerRow { state: runs.map(|at| ContainerState::Running(Some(Secs(at)))), ..Default::default() };
        PodRow { started: started.map(Secs), containers: Box::new([main]), ..PodRow::default() }
    }

    fn job() -> JobRow {
        let mut job = JobRow::bare(Kind::MpiJob, Name::lossy("ns"), Name::lossy("a"), Uid::new("a"));
        job.created = Secs(100);
        job.conditions = Box::new([Condition {
            kind: Sym::new("Running"),
            status: Truth::True,
            reason: Sym::default(),
            message: Clean::default(),
            since: Some(Secs(160)),
        }]);
        job
    }

    fn steps(pods: &[PodRow], derived: &Derived) -> Vec<(&'static str, u32, Option<u32>)> {
        let pods: Vec<&PodRow> = pods.iter().collect();
        let all = timeline(&job(), &pods, None, derived, Secs(200));
        all.into_iter().map(|r| (r.step.word(), r.at.0, r.took)).collect()
    }

    #[test]
    fn each_step_lasts_until_the_next() {
        let derived = Derived { state: State::Running, ..Derived::unsettled() };
        assert_eq!(
            steps(&[pod(Some(110), Some(150)), pod(Some(120), Some(130))], &derived),
            [
                ("created", 100, Some(20)),
                ("scheduled", 120, Some(30)),
                ("images", 150, Some(10)),
                ("running", 160, Some(40))
            ]
        );
    }

    #[test]
    fn a_train_job_runs_when_all_its_pods_do() {
        let mut job = job();
        (job.kind, job.conditions) = (Kind::TrainJob, Box::default());
        let derived = Derived { state: State::Running, ..Derived::unsettled() };
        let runs = |pods: &[PodRow]| {
            let pods: Vec<&PodRow> = pods.iter().collect();
            let steps = timeline(&job, &pods, None, &derived, Secs(200));
            steps.into_iter().find(|step| step.step == Step::Running).map(|step| (step.at.0, step.took))
        };
        assert_eq!(runs(&[pod(Some(110), Some(150)), pod(Some(120), Some(130))]), Some((150, Some(50))));
        assert_eq!(runs(&[pod(Some(110), Some(150)), pod(Some(120), None)]), None);
    }

    #[test]
    fn unknown_steps_are_left_out_and_time_never_runs_back() {
        let derived = Derived { state: State::Succeeded, finished: Some(Secs(150)), ..Derived::unsettled() };
        assert_eq!(
            steps(&[pod(Some(110), None), pod(None, None)], &derived),
            [("created", 100, Some(60)), ("running", 160, Some(0)), ("ended", 160, None)]
        );
    }
}
