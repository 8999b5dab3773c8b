//! The cause of a state: which observations count for it, and the causes that speak for themselves.
//!
//! What has passed is not a cause: an event about a pod that is well now, a quota that has let the pods in since.

use std::sync::Arc;

use super::{Input, Logs, blocked, plain::plain, queue, team::Team, unsaid};
use crate::jobs::{
    causes::{self, At, LogSeen, Observation, Place, Seen, Subject},
    health::{self, Health},
    quantity::counted,
    replica,
    row::{Condition, ContainerRow, ContainerState, EventRow, PodRow, Terminated, WorkloadRow},
    state::{Cause, Evidence, Failure, Origin, State},
    text::{Clean, Sym},
};

pub(super) fn cause(input: &Input<'_>, team: &Team<'_>, state: &State, leaked_gpus: u32) -> Option<Cause> {
    match state {
        State::Remote | State::Terminating | State::Suspended => None,
        State::Paused => deactivated(input),
        State::Succeeded if leaked_gpus > 0 => Some(leaked(leaked_gpus)),
        State::Running => {
            let told = said_in_logs(input, team, state).or_else(|| unsaid::silent(input));
            told.or_else(|| unsaid::restarted(team)).or_else(|| measured(input, team))
        }
        State::Succeeded => said_in_logs(input, team, state),
        State::Unreadable => input.job.warning.as_ref().map(|why| {
            plain("unreadable", why.as_str(), "The object doesn't look like one of its kind: see its YAML.", false)
        }),
        State::OperatorSilent => Some(silent(input)),
        State::Queued | State::Inadmissible | State::Preempted => queued(input, state),
        State::Invalid | State::Blocked => found(input, team, state).or_else(|| blocked_words(input)),
        State::Failed(Failure::Deadline) if !is_end_said(input) => Some(deadline(input)),
        State::Failed(_) => found(input, team, state).or_else(|| failed_words(input)),
        State::Pending { .. } | State::Starting | State::Restarting { .. } | State::Degraded => {
            found(input, team, state)
        }
    }
}

fn leaked(gpus: u32) -> Cause {
    let title = format!("finished, still holding {}", counted(gpus.into(), "GPU"));
    let remedy = "Delete its workers, and set runPolicy.cleanPodPolicy to Running or All in the next one.";
    plain("leaked-gpus", &title, remedy, false)
}

/// Whether condition or event tell of the end.
fn is_end_said(input: &Input<'_>) -> bool {
    input.job.is("Failed").is_some() || blocked::launcher_end(input).is_some()
}

/// What the rule for it says, though there is nothing yet that it could match.
fn deadline(input: &Input<'_>) -> Cause {
    let rule = input.rules.get("deadline");
    let title = rule.map_or("ran into its activeDeadlineSeconds", |rule| &rule.title);
    let mut cause = plain("deadline", title, rule.map_or("", |rule| &rule.remedy), false);
    cause.class = "deadline_exceeded".into();
    cause
}

fn silent(input: &Input<'_>) -> Cause {
    let kind = input.job.kind.info().kind;
    match input.job.managed_by.as_ref().filter(|_| super::is_foreign(input.job)) {
        Some(by) => plain(
            "managed-by-other",
            &format!("left to {by} by managedBy, which has said nothing"),
            "Remove managedBy, or see whether that controller runs.",
            false,
        ),
        None => plain(
            "operator-silent",
            &format!("no operator has looked at this {kind}"),
            "Is its operator installed and running, and does it watch this namespace?",
            false,
        ),
    }
}

/// A Workload that Kueue itself, not a user, has deactivated.
fn deactivated(input: &Input<'_>) -> Option<Cause> {
    let workload = input.workload?;
    let out = workload.is("DeactivationTarget").or_else(|| workload.is("Evicted"));
    let by_kueue = |reason: &str| reason.starts_with("DeactivatedDue") || reason == "RequeuingLimitExceeded";
    let condition = out.filter(|condition| by_kueue(condition.reason.as_str()))?;
    told_by_kueue(input, workload, condition, false)
}

fn queued(input: &Input<'_>, state: &State) -> Option<Cause> {
    let workload = input.workload?;
    let waits = queue::unadmitted(workload);
    let put_out = workload.is("Preempted").or_else(|| workload.is("Evicted"));
    let condition = if *state == State::Preempted { put_out.or(waits) } else { waits }?;
    told_by_kueue(input, workload, condition, *state != State::Inadmissible)
}

fn told_by_kueue(input: &Input<'_>, workload: &WorkloadRow, condition: &Condition, recovers: bool) -> Option<Cause> {
    let at = At::Workload(workload.name.as_str(), condition.kind.as_str());
    let text = told(condition);
    let seen = Observation { place: Place::Queue, text: &text, at, subject: None, time: condition.since };
    causes::best(input.rules, std::slice::from_ref(&seen), 0).or_else(|| {
        let words = if condition.message.is_empty() { condition.reason.as_str() } else { condition.message.as_str() };
        let remedy = "These are Kueue's own words; see the queue for what it holds and who is before this job.";
        let mut cause = plain("kueue-message", words, remedy, recovers);
        cause.class = "kueue_inadmissible".into();
        cause.evidence = Box::new([Evidence {
            at: Clean::new(&seen.at.to_string()),
            line: None,
            text: Clean::new(seen.text),
            origin: Origin::Job,
        }]);
        (!words.is_empty()).then_some(cause)
    })
}

fn blocked_words(input: &Input<'_>) -> Option<Cause> {
    let refusal = input.events.iter().filter(|event| blocked::is_refusal(event)).max_by_key(|event| event.last);
    let event = refusal.copied().or_else(|| blocked::newest(input))?;
    let remedy = "These are the operator's own words; it tells them nowhere else.";
    let mut cause = plain("event-message", event.message.as_str(), remedy, false);
    cause.class = "policy_denied".into();
    Some(cause)
}

fn failed_words(input: &Input<'_>) -> Option<Cause> {
    let failed = input.job.is("Failed")?;
    let words = if failed.message.is_empty() { failed.reason.as_str() } else { failed.message.as_str() };
    let mut cause = plain("failed-message", words, "See the log of the launcher's last attempt.", false);
    cause.class = "app_exit_unknown".into();
    (!words.is_empty()).then_some(cause)
}

/// Condition texts are built here, so that observations can borrow them.
fn told(condition: &Condition) -> String {
    [condition.reason.as_str(), ": ", condition.message.as_str()].concat()
}

/// What the rules find in pods, events and conditions.
fn found(input: &Input<'_>, team: &Team<'_>, state: &State) -> Option<Cause> {
    let failed = input.job.is("Failed").or_else(|| input.job.is("Restarting")).map(|c| (c, told(c)));
    let pods = pods_that_count(input, team, state);
    let mut events = Vec::with_capacity(input.events.len());
    events.extend(input.events.iter().filter_map(|event| told_event(input, state, event)));
    let waits: Vec<Option<String>> =
        pods.iter().map(|pod| pod.unscheduled.as_ref().map(|(why, words)| format!("{why}: {words}"))).collect();
    let exits: Vec<Option<String>> =
        pods.iter().map(|pod| health::last_bad_end(pod).map(|end| end.exit_code.to_string())).collect();
    let mains: Vec<Arc<Subject>> = pods.iter().map(|pod| main_subject(pod)).collect();
    // A pod is seldom observed in more than two ways.
    let mut seen = Vec::with_capacity(2 * pods.len() + events.len() + 1);
    for (((pod, main), wait), exit) in pods.iter().zip(&mains).zip(&waits).zip(&exits) {
        observe_pod(pod, main, wait.as_deref(), exit.as_deref(), &mut seen);
    }
    for (event, text, pod) in &events {
        let at = At::Event(event.about_kind.as_str(), event.about_name.as_str());
        let known = |pod: &PodRow| pods.iter().zip(&mains).find(|(other, _)| std::ptr::eq(**other, pod));
        let subject = pod.map(|pod| known(pod).map_or_else(|| main_subject(pod), |(_, main)| Arc::clone(main)));
        seen.push(Observation { place: Place::Event, text, at, subject, time: Some(event.first) });
    }
    if let Some((condition, text)) = &failed {
        let at = At::Condition(condition.kind.as_str());
        seen.push(Observation { place: Place::Condition, text, at, subject: None, time: condition.since });
    }
    let replicas = team.workers.len().max(team.members_wanted as usize);
    let ended_well = *state == State::Succeeded;
    let retried = matches!(state, State::Failed(_) | State::Restarting { .. });
    let Logs { seen: logs, crew, launching } = input.logs;
    let logs: Vec<LogSeen<'_>> = logs.iter().filter(|log| retried || !log.past).copied().collect();
    let seen = Seen { told: &seen, logs: &logs, crew, replicas, ended_well, launching };
    let cause = causes::cause(input.rules, &seen)?;
    Some(unsaid::with_what_the_job_is(input, state, cause))
}

/// What is odd about what the replicas of a job use that is well otherwise.
fn measured(input: &Input<'_>, team: &Team<'_>) -> Option<Cause> {
    let words: Vec<(&PodRow, String)> = input
        .odd
        .iter()
        .filter_map(|(name, flag)| Some((*input.pods.iter().find(|pod| pod.name == *name)?, flag.to_string())))
        .collect();
    let seen: Vec<Observation<'_>> = words
        .iter()
        .map(|(pod, text)| {
            let subject = Some(main_subject(pod));
            Observation { place: Place::Metric, text, at: At::Pod(pod.name.as_str()), subject, time: pod.started }
        })
        .collect();
    causes::best(input.rules, &seen, team.workers.len().max(team.members_wanted as usize))
}

/// Of a job that is well by its objects, only logs can say otherwise.
fn said_in_logs(input: &Input<'_>, team: &Team<'_>, state: &State) -> Option<Cause> {
    if input.logs.seen.is_empty() { None } else { found(input, team, state) }
}

/// The newest pod of each replica that isn't well; of a job that fails or is tried again, the launcher's earlier
/// attempts, too.
fn pods_that_count<'a>(input: &Input<'a>, team: &Team<'a>, state: &State) -> Vec<&'a PodRow> {
    let retried = matches!(state, State::Failed(_) | State::Restarting { .. });
    let everyone = team.everyone().chain(&team.initializers);
    let unwell =
        |health: Health| health.is_bad() || matches!(health, Health::Unscheduled | Health::Stopped | Health::Gated);
    let ill = |pod: &PodRow, health: Health| unwell(health) || (retried && health::last_bad_end(pod).is_some());
    let mut pods: Vec<_> = everyone.filter(|(pod, health)| ill(pod, *health)).map(|(pod, _)| *pod).collect();
    if retried {
        let leader = team.leader.map(|(pod, _)| pod);
        let earlier = input.pods.iter().copied().filter(|pod| {
            let led = leader.is_some_and(|leader| pod.role == leader.role && pod.uid != leader.uid);
            led && replica::is_launcher(pod.role.as_str()) && health::last_bad_end(pod).is_some()
        });
        pods.extend(earlier);
    }
    pods
}

/// An event that still counts, with its text and the pod it is about.
fn told_event<'a>(
    input: &Input<'a>,
    state: &State,
    event: &'a EventRow,
) -> Option<(&'a EventRow, String, Option<&'a PodRow>)> {
    let text = || [event.reason.as_str(), ": ", event.message.as_str()].concat();
    if event.about_kind.as_str() == "Pod" {
        let pod = input.pods.iter().copied().find(|pod| pod.uid == event.about_uid)?;
        let placed = event.reason.as_str() == "FailedScheduling" && pod.node.is_some();
        let health = Health::of(pod);
        let counts = health.is_bad() || matches!(health, Health::Unscheduled | Health::Starting);
        return (counts && !placed).then(|| (event, text(), Some(pod)));
    }
    let begun = input.job.started.unwrap_or(input.job.created);
    let counts = match state {
        State::Failed(_) => event.last >= begun && !blocked::is_blocking(event),
        State::Invalid | State::Blocked => true,
        _ => blocked::newest(input).is_some_and(|newest| newest.uid == event.uid) && blocked::is_blocking(event),
    };
    counts.then(|| (event, text(), None))
}

fn observe_pod<'a>(
    pod: &'a PodRow,
    main: &Arc<Subject>,
    wait: Option<&'a str>,
    exit: Option<&'a str>,
    seen: &mut Vec<Observation<'a>>,
) {
    let at = At::Pod(pod.name.as_str());
    let mut push = |place, text: &'a str, subject: &Arc<Subject>, end: Option<&Terminated>| {
        if !text.is_empty() {
            let time = end.and_then(|end| end.finished).or(pod.started).or(Some(pod.created));
            seen.push(Observation { place, text, at, subject: Some(subject.clone()), time });
        }
    };
    push(Place::PodReason, pod.reason.as_ref().map_or("", |text| text.as_str()), main, None);
    push(Place::PodMessage, pod.message.as_ref().map_or("", Clean::as_str), main, None);
    push(Place::Disruption, pod.disruption.as_ref().map_or("", |text| text.as_str()), main, None);
    if pod.node.is_none() {
        push(Place::Unscheduled, wait.unwrap_or_default(), main, None);
    }
    for container in &pod.containers {
        let own = if container.name == main.container { main.clone() } else { subject(pod, Some(container)) };
        let end = match &container.state {
            Some(ContainerState::Waiting { reason, message }) => {
                push(Place::Waiting, reason.as_str(), &own, None);
                push(Place::Message, message.as_str(), &own, None);
                container.last.as_ref()
            }
            Some(ContainerState::Terminated(end)) => Some(end),
            _ => container.last.as_ref(),
        };
        if let Some(end) = end.filter(|end| end.exit_code != 0) {
            push(Place::Terminated, end.reason.as_str(), &own, Some(end));
            push(Place::Message, end.message.as_str(), &own, Some(end));
        }
    }
    if let Some(end) = health::last_bad_end(pod) {
        push(Place::Exit, exit.unwrap_or_default(), main, Some(end));
    }
}

/// A pod, by the container that does its work.
fn main_subject(pod: &PodRow) -> Arc<Subject> {
    subject(pod, pod.containers.iter().find(|container| !container.init))
}

fn subject(pod: &PodRow, container: Option<&ContainerRow>) -> Arc<Subject> {
    Arc::new(Subject {
        node: pod.node.clone(),
        limit: pod.requests.memory_limit,
        image: container.map_or_else(Sym::default, |container| container.image.clone()),
        container: container.map_or_else(Sym::default, |container| container.name.clone()),
        exit: health::last_bad_end(pod).map(|end| end.exit_code),
        role: pod.role.clone(),
        index: Subject::index_of(pod.role.as_str(), pod.index),
        rank: None,
    })
}
