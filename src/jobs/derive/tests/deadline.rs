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

#[test]
fn what_is_said_then_tells_it() {
    let case = leaving(ended("Error", 143, 9995), 900);
    let case = case.event("Job", "DeadlineExceeded", "Job was active longer than specified deadline", 9999);
    let cause = case.derive().cause.expect("a cause");
    assert_eq!((cause.title.as_str(), cause.evidence.is_empty()), ("Ran into its activeDeadlineSeconds", false));
}
