//! A launcher that is ended by its deadline, while nobody has said so yet.

use super::*;

fn leaving(state: ContainerState, deadline: u32) -> Case {
    let mut pods = team(state, runs(), runs());
    for pod in pods.iter_mut().filter(|pod| pod.role.as_str() == "launcher") {
        pod.deleting = Some(Secs(9990));
    }
    let mut case = mpi(pods).with("Running", Truth::True, "MPIJobRunning", "");
    case.job.policy.deadline = Some(deadline);
    case
}

#[test]
fn it_has_failed_from_the_moment_it_leaves() {
    for state in [runs(), ended("Error", 143, 9995)] {
        let case = leaving(state, 900);
        assert_eq!(case.told(), "Failed (deadline): Ran into its activeDeadlineSeconds");
        let cause = case.derive().cause.expect("a cause");
        assert_eq!((&*cause.class, cause.remedy.is_empty()), ("deadline_exceeded", false));
    }
}

#[test]
fn who_is_removed_before_has_not() {
    let state = leaving(runs(), 901).derive().state;
    assert!(!matches!(state, State::Failed(_)), "its first pod is 900 s old: {state}");
    let mut case = leaving(runs(), 900);
    case.job.policy.deadline = None;
    assert!(!matches!(case.derive().state, State::Failed(_)));
}

/// The launcher's pod has gone, and its Job has not said yet that it ends.
fn gone(deadline: u32) -> Case {
    let mut pods = team(runs(), runs(), runs());
    pods.retain(|pod| pod.role.as_str() != "launcher");
    let mut case = mpi(pods).with("Running", Truth::True, "MPIJobRunning", "");
    case.job.started = Some(Secs(9100));
    case.job.policy.deadline = Some(deadline);
    case.job.counts = Box::new([ReplicaCount { role: Sym::new("Launcher"), failed: 1, ..ReplicaCount::default() }]);
    case
}

#[test]
fn it_has_failed_also_when_its_pod_is_gone() {
    assert_eq!(gone(900).told(), "Failed (deadline): Ran into its activeDeadlineSeconds");
    assert_eq!(gone(901).derive().state, State::Restarting { attempt: 2, of: 7 }, "its time is not over");
    let mut waits = gone(900);
    waits.job.policy.launcher_creation = Some(Sym::new("WaitForWorkersReady"));
    assert!(!matches!(waits.derive().state, State::Failed(_)), "when its time began is not known");
    let mut first = gone(900);
    first.job.counts = Box::default();
    assert!(!matches!(first.derive().state, State::Failed(_)), "there was none yet");
}

#[test]
fn what_is_said_then_tells_it() {
    let case = leaving(ended("Error", 143, 9995), 900);
    let case = case.event("Job", "DeadlineExceeded", "Job was active longer than specified deadline", 9999);
    let cause = case.derive().cause.expect("a cause");
    assert_eq!((cause.title.as_str(), cause.evidence.is_empty()), ("Ran into its activeDeadlineSeconds", false));
}
