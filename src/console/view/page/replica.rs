//! One replica in full, as lines: its attempts, their containers and how those ended, warnings, conditions, manifest.

use serde_json::Value;

use crate::{
    console::{
        model::page::{Fetched, Kept, workers::OpenReplica},
        theme::Role,
        widgets::rich::{RichLine, heading, labelled, table},
    },
    jobs::{
        Clean, PodRow, Secs, Sym,
        replica::Replica,
        row::{ContainerRow, ContainerState, Terminated},
        time::duration,
    },
};

/// The open replica, with what was read of its pod; `yaml`: the manifest too.
pub(super) fn open_lines(open: &OpenReplica, job: &Kept, yaml: bool, now: Secs, columns: u16) -> Vec<RichLine> {
    let all = job.replicas();
    let Some(replica) = all.iter().find(|replica| replica.id() == open.id) else {
        return vec![RichLine::of("This replica is gone. esc goes back to the others.", Role::Warn)];
    };
    let mut out = lines(replica, job, now, columns);
    match &open.pod {
        Fetched::Ready(pod) => {
            let rows = condition_rows(pod, now);
            if rows.len() > 1 {
                out.extend([RichLine::default(), RichLine::of("Conditions", Role::Title)]);
                out.extend(table(2, &rows, columns));
            }
            let title = if yaml { "Manifest of the pod" } else { "y shows the manifest of the pod" };
            out.extend([RichLine::default(), RichLine::of(title, if yaml { Role::Title } else { Role::Dim })]);
            if yaml {
                out.extend(super::config::lines(&open.yaml));
            }
        }
        Fetched::Failed(refusal) => {
            out.push(RichLine::default());
            out.extend(labelled("Manifest", 12, refusal.what.as_str(), Role::Warn, columns));
            out.extend(labelled("", 12, refusal.hint.as_str(), Role::Dim, columns));
        }
        Fetched::Loading => out.extend([RichLine::default(), RichLine::of("Reading the pod ...", Role::Wait)]),
        Fetched::Unasked => {}
    }
    out
}

/// What the fleet knows of a replica, the newest attempt first.
pub(super) fn lines(replica: &Replica<'_>, job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let status = replica.status();
    let title = RichLine::of(replica.title(), Role::Title).and("  ", Role::Text);
    let mut out = vec![title.and(status.word.as_str(), Role::of(status.severity))];
    if replica.attempts.is_empty() {
        out.extend(without_pod(replica, job, columns));
    }
    for (i, pod) in replica.attempts.iter().enumerate().rev() {
        if replica.attempts.len() > 1 {
            let title = format!("Attempt {} of {}", i + 1, replica.attempts.len());
            out.extend([RichLine::default(), RichLine::of(title, Role::Label)]);
        }
        out.extend(pod_lines(pod, now, columns));
    }
    let about = job.warnings.iter().filter(|w| replica.attempts.iter().any(|p| p.uid == w.about_uid));
    let rows: Vec<_> = about
        .map(|event| {
            vec![
                (format!("{:>5}", duration(now.since(event.last))), Role::Dim),
                (if event.count > 1 { format!("x{}", event.count) } else { String::new() }, Role::Dim),
                (event.reason.to_string(), Role::Warn),
                (event.message.to_string(), Role::Warn),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.extend([RichLine::default(), RichLine::of("Warnings", Role::Title)]);
        out.extend(table(2, &rows, columns));
    }
    out
}

/// Why it has no pod, and what to do.
fn without_pod(replica: &Replica<'_>, job: &Kept, columns: u16) -> Vec<RichLine> {
    let absence = job.absence(replica.role.as_str());
    match &job.derived.cause {
        Some(cause) if !job.derived.state.is_finished() => {
            let mut out = labelled("", 0, absence.why.as_str(), Role::of(absence.severity), columns);
            out.extend(super::state::cause_lines(cause, &job.derived.state, false, columns));
            out
        }
        _ => super::state::absence_lines(&absence, columns),
    }
}

fn pod_lines(pod: &PodRow, now: Secs, columns: u16) -> Vec<RichLine> {
    let mut out = Vec::new();
    let mut say = |label: &str, text: String, role: Role| {
        if !text.is_empty() {
            out.extend(labelled(label, 12, &text, role, columns));
        }
    };
    let shown = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let ready = if pod.ready { ", ready" } else { "" };
    let age = duration(now.since(pod.created));
    say("Pod", format!("{}, {:?}{ready}, {age} old", pod.name, pod.phase), Role::Text);
    say("Node", pod.node.as_ref().map_or_else(|| "none yet".to_owned(), ToString::to_string), Role::Text);
    say("Deleted", pod.deleting.map_or(String::new(), |at| format!("{} ago", duration(now.since(at)))), Role::Warn);
    say("Reason", shown(pod.reason.as_ref().map(Sym::as_str)), Role::Warn);
    say("Message", shown(pod.message.as_ref().map(Clean::as_str)), Role::Warn);
    say("Scheduling", pod.unscheduled.as_ref().map_or(String::new(), |(r, m)| format!("{r}: {m}")), Role::Warn);
    say("Disruption", shown(pod.disruption.as_ref().map(Sym::as_str)), Role::Warn);
    say("Unreadable", shown(pod.warning.as_ref().map(Clean::as_str)), Role::Warn);
    if !pod.containers.is_empty() {
        let mut rows = vec![heading(&["CONTAINER", "RESTARTS", "IMAGE", "STATE"])];
        rows.extend(pod.containers.iter().flat_map(|container| container_rows(container, now)));
        out.extend(table(2, &rows, columns));
    }
    out
}

/// How a container is, and below it how it ended before.
fn container_rows(container: &ContainerRow, now: Secs) -> Vec<Vec<(String, Role)>> {
    let ready = if container.ready { ", ready" } else { "" };
    let (how, role) = match &container.state {
        None => ("not reported yet".to_owned(), Role::Dim),
        Some(ContainerState::Waiting { reason, message }) if message.is_empty() => {
            (format!("waiting: {reason}"), Role::Wait)
        }
        Some(ContainerState::Waiting { reason, message }) => (format!("waiting: {reason}: {message}"), Role::Warn),
        Some(ContainerState::Running(since)) => {
            let since = since.map_or(String::new(), |at| format!(" for {}", duration(now.since(at))));
            (format!("running{since}{ready}"), Role::Good)
        }
        Some(ContainerState::Terminated(end)) => {
            (ended(end, now), if end.exit_code == 0 { Role::Done } else { Role::Bad })
        }
    };
    let init = if container.init { " (init)" } else { "" };
    let restarts = container.restarts.to_string();
    let mut out = vec![vec![
        (format!("{}{init}", container.name), Role::Text),
        (restarts, if container.restarts > 0 { Role::Warn } else { Role::Text }),
        (image(container.image.as_str()), Role::Dim),
        (how, role),
    ]];
    if let Some(last) = &container.last {
        let blank = || (String::new(), Role::Text);
        out.push(vec![blank(), blank(), blank(), (format!("before: {}", ended(last, now)), Role::Warn)]);
    }
    out
}

/// The end of an image's name, which tells it apart: the manifest has all of it.
fn image(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

fn ended(end: &Terminated, now: Secs) -> String {
    let ago = end.finished.map_or(String::new(), |at| format!(" {} ago", duration(now.since(at))));
    let ran = match (end.started, end.finished) {
        (Some(from), Some(to)) => format!(" after {}", duration(to.since(from))),
        _ => String::new(),
    };
    let message = if end.message.is_empty() { String::new() } else { format!(": {}", end.message) };
    format!("exit {} {}{ran}{ago}{message}", end.exit_code, end.reason)
}

/// The conditions of a pod, a heading first.
fn condition_rows(pod: &Value, now: Secs) -> Vec<Vec<(String, Role)>> {
    let mut rows = vec![heading(&["TYPE", "STATUS", "SINCE", "REASON AND MESSAGE"])];
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    rows.extend(conditions.map(|condition| {
        let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
        let since = Secs::parse(text("lastTransitionTime")).map_or(String::new(), |at| duration(now.since(at)));
        let words = [text("reason"), text("message")].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let role = if text("status") == "True" { Role::Text } else { Role::Warn };
        [
            (text("type").to_owned(), role),
            (text("status").to_owned(), role),
            (since, Role::Dim),
            (words.join(": "), role),
        ]
        .map(|(text, role)| (Clean::new(&text).to_string(), role))
        .into()
    }));
    rows
}
