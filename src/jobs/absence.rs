//! Why a replica has no pod, what it waits for, and what to do about it.
//!
//! Owns the words for that, by the job's state. Must not decide the state.

use super::{
    kind::Kind,
    replica,
    row::{JobRow, WorkloadRow},
    state::{Derived, Severity, State},
    text::{Clean, Sym},
};

/// How it is with a replica that has no pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Absence {
    /// In a word, as other replicas have `Ready` or `OOMKilled`: `Queued`, `Suspended`, `Removed`, ….
    pub word: &'static str,
    /// How urgent that is.
    pub severity: Severity,
    /// In few words, for a cell of a table: `waits in the queue`.
    pub brief: &'static str,
    /// A sentence: why there is no pod, and until when.
    pub why: Clean,
    /// What to do, empty where there is nothing to do.
    pub remedy: Clean,
}

impl Absence {
    /// Of a replica with this role, in a job that is so.
    pub fn of(job: &JobRow, derived: &Derived, workload: Option<&WorkloadRow>, role: &str) -> Self {
        let state = &derived.state;
        let waits = job.policy.launcher_creation.as_ref().is_some_and(|policy| policy.as_str() != "AtStartup");
        let alive = matches!(
            state,
            State::Pending { .. } | State::Starting | State::Running | State::Degraded | State::Blocked
        );
        if alive && waits && job.kind == Kind::MpiJob && replica::is_launcher(role) {
            return Self::new(
                "Waits",
                Severity::Wait,
                "waits for the workers",
                "Its pod is made when all workers are ready (launcherCreationPolicy WaitForWorkersReady).",
            );
        }
        Self::by_state(job, derived, workload)
    }

    fn by_state(job: &JobRow, derived: &Derived, workload: Option<&WorkloadRow>) -> Self {
        let state = &derived.state;
        let severity = if state.is_finished() { Severity::Done } else { state.severity() };
        let new = |word, brief, why: &str| Self::new(word, severity, brief, why);
        let queue = queue(job, workload);
        match state {
            State::Queued => {
                new("Queued", "waits in the queue", &format!("No pod is made until {queue} admits the job."))
                    .with("It starts by itself when quota is free; fewer workers or accelerators start sooner.")
            }
            State::Preempted => new(
                "Preempted",
                "waits in the queue again",
                &format!("Its pod had to make room for another job and is made again once {queue} admits the job."),
            )
            .with("It is queued again by itself; a higher priority class is preempted less."),
            State::Inadmissible => new(
                "Not admitted",
                "the queue can't admit it",
                &format!("No pod is made: {queue} can't admit the job as it is."),
            )
            .with("Ask for less, or correct the queue it names."),
            State::Paused => paused(job, workload, severity),
            State::Suspended => suspended(job, severity),
            State::Remote => new("Elsewhere", "on another cluster", "Its pod is on another cluster (MultiKueue).")
                .with("The workers and their logs are shown in a context of that cluster."),
            State::Invalid => new("Refused", "manifest refused", "No pod is made: the operator refuses the manifest.")
                .with("Correct the manifest and create the job again."),
            State::OperatorSilent => silent(job, severity),
            State::Blocked => new("Blocked", "can't be made", "Its pod can't be made; the operator keeps trying."),
            State::Terminating => new("Removed", "removed", "The job is being deleted, and its pods with it."),
            State::Succeeded | State::Failed(_) => removed(job),
            State::Pending { .. } | State::Starting => new("Not made", "not made yet", "Its pod is not made yet.")
                .with("The operator makes it within seconds; if not, events and conditions tell why."),
            State::Restarting { .. } => {
                new("Not made", "next attempt not made yet", "The pod of the next attempt is not made yet.")
            }
            State::Running | State::Degraded | State::Unreadable => {
                Self::new("Missing", Severity::Wait, "no pod", "It has no pod: it was deleted, or is not made yet.")
            }
        }
    }

    fn new(word: &'static str, severity: Severity, brief: &'static str, why: &str) -> Self {
        Self { word, severity, brief, why: Clean::new(why), remedy: Clean::default() }
    }

    fn with(self, remedy: &str) -> Self {
        Self { remedy: Clean::new(remedy), ..self }
    }
}

/// The queue, as a name to look for.
fn queue(job: &JobRow, workload: Option<&WorkloadRow>) -> String {
    let name = workload.map(|w| &w.queue).filter(|queue| !queue.is_empty()).or(job.queue.as_ref());
    name.map_or_else(|| "its queue".to_owned(), |name| format!("LocalQueue {name}"))
}

fn paused(job: &JobRow, workload: Option<&WorkloadRow>, severity: Severity) -> Absence {
    let name = workload.map_or("of the job", |w| w.name.as_str());
    let resume = patch("workload", name, &job.namespace, r#"{"spec":{"active":true}}"#);
    Absence::new(
        "Paused",
        severity,
        "while it is paused",
        &format!("No pod is made while Workload {name} is inactive."),
    )
    .with(&format!("To go on: {resume}"))
}

fn suspended(job: &JobRow, severity: Severity) -> Absence {
    let (field, change) = if job.kind == Kind::TrainJob {
        ("spec.suspend", r#"{"spec":{"suspend":false}}"#)
    } else {
        ("spec.runPolicy.suspend", r#"{"spec":{"runPolicy":{"suspend":false}}}"#)
    };
    let resume = patch(&job.kind.info().kind.to_ascii_lowercase(), job.name.as_str(), &job.namespace, change);
    Absence::new("Suspended", severity, "while it is suspended", &format!("No pod is made while {field} is true."))
        .with(&format!("To go on: {resume}"))
}

fn patch(kind: &str, name: &str, namespace: &super::text::Name, change: &str) -> String {
    format!("kubectl patch {kind} {name} -n {namespace} --type merge -p '{change}'")
}

fn silent(job: &JobRow, severity: Severity) -> Absence {
    let kind = job.kind.info().kind;
    let manager = job.managed_by.as_ref().map(Sym::as_str).filter(|manager| !manager.is_empty());
    let why = manager.map_or_else(
        || format!("No pod is made: no operator has looked at this {kind}."),
        |manager| format!("No pod is made: {manager}, which is to manage this {kind}, has not looked at it."),
    );
    let remedy =
        format!("See whether that operator runs and watches namespace {}; :health shows the operators.", job.namespace);
    Absence::new("Not seen", severity, "no operator acts", &why).with(&remedy)
}

fn removed(job: &JobRow) -> Absence {
    let policy = job.policy.clean_pods.as_ref().map(Sym::as_str).filter(|policy| *policy != "None");
    let why = policy.map_or_else(
        || "It has no pod any more: the job is over.".to_owned(),
        |policy| format!("Its pod was removed when the job had ended (cleanPodPolicy {policy})."),
    );
    Absence::new("Removed", Severity::Done, "removed after the end", &why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        row::RunPolicy,
        state::Failure,
        text::{Name, Uid},
    };

    fn job(kind: Kind) -> JobRow {
        let mut job = JobRow::bare(kind, Name::lossy("nlp"), Name::lossy("bert"), Uid::new("b"));
        job.queue = Some(Sym::new("gold"));
        job
    }

    fn absence(kind: Kind, state: State, role: &str) -> Absence {
        let derived = Derived { state, ..Derived::unsettled() };
        Absence::of(&job(kind), &derived, None, role)
    }

    #[test]
    fn who_waits_is_told_for_what_and_what_to_do() {
        let waiting = [
            (State::Queued, "LocalQueue gold admits"),
            (State::Preempted, "LocalQueue gold admits"),
            (State::Inadmissible, "LocalQueue gold can't admit"),
            (State::Paused, "inactive"),
            (State::Suspended, "spec.runPolicy.suspend is true"),
            (State::Remote, "another cluster"),
            (State::Invalid, "refuses the manifest"),
            (State::OperatorSilent, "no operator has looked at this MPIJob"),
            (State::Unreadable, "no pod"),
        ];
        for (state, words) in waiting {
            let told = absence(Kind::MpiJob, state.clone(), "Worker");
            assert!(told.why.as_str().contains(words), "{state}: {}", told.why);
            assert!(!told.remedy.is_empty() || state == State::Unreadable, "{state}: what to do?");
            assert!(!told.brief.is_empty() && !told.word.is_empty());
        }
    }

    #[test]
    fn a_suspended_job_is_resumed_where_its_kind_has_the_field() {
        let remedy = |kind| absence(kind, State::Suspended, "Node").remedy.to_string();
        assert_eq!(
            remedy(Kind::TrainJob),
            r#"To go on: kubectl patch trainjob bert -n nlp --type merge -p '{"spec":{"suspend":false}}'"#
        );
        assert!(remedy(Kind::PyTorchJob).contains(r#"{"runPolicy":{"suspend":false}}"#));
    }

    #[test]
    fn a_launcher_may_wait_for_its_workers_but_not_after_the_end() {
        let mut row = job(Kind::MpiJob);
        row.policy = RunPolicy {
            launcher_creation: Some(Sym::new("WaitForWorkersReady")),
            clean_pods: Some(Sym::new("All")),
            ..RunPolicy::default()
        };
        let word = |state, role| {
            let derived = Derived { state, ..Derived::unsettled() };
            Absence::of(&row, &derived, None, role).word
        };
        assert_eq!(word(State::Degraded, "Launcher"), "Waits");
        assert_eq!(word(State::Degraded, "Worker"), "Missing");
        assert_eq!(word(State::Queued, "Launcher"), "Queued");
        assert_eq!(word(State::Failed(Failure::BackOff), "Launcher"), "Removed");
        let ended = Derived { state: State::Succeeded, ..Derived::unsettled() };
        let told = Absence::of(&row, &ended, None, "Worker");
        assert_eq!((told.severity, told.why.as_str().contains("cleanPodPolicy All")), (Severity::Done, true));
    }
}
