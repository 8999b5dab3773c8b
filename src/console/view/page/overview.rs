//! Tab Overview as lines: how the job is and why, what happened when, what it consists of and what it owns.
//!
//! Pure text with roles, so that update can scroll and search what the view draws.

use super::VALUES;
use crate::{
    console::{
        model::page::{Fetched, Kept, PageModel},
        theme::Role,
        widgets::rich::{RichLine, heading, labelled, table},
    },
    jobs::{
        PodRow, Secs,
        absence::Absence,
        quantity::{format_bytes, format_cpu},
        replica::Replica,
        resources,
        row::{Condition, ContainerState, Requests, Terminated, Truth},
        state::Severity,
        time::duration,
    },
};

/// All lines of the Overview, for this many columns.
pub fn lines(page: &PageModel, now: Secs, columns: u16, ascii: bool) -> Vec<RichLine> {
    let job = &page.job;
    let mut out = super::state::lines(page, now, columns);
    let sections = [
        ("Timeline", super::timeline::lines(job, now, columns, ascii)),
        ("Replicas", replicas(job, now, columns)),
        ("Resources asked for", asked(job, columns)),
        ("Conditions", conditions(&job.row.conditions, now, columns)),
        ("Queue", queue(job, now, columns)),
        ("About", about(job, now, columns)),
        ("Owns", owned(page, columns, ascii)),
    ];
    for (title, mut lines) in sections {
        if !lines.is_empty() {
            out.push(RichLine::default());
            out.push(RichLine::of(title, Role::Title));
            out.append(&mut lines);
        }
    }
    out
}

fn replicas(job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let all = job.replicas();
    let mut rows = vec![heading(&["ROLE", "READY", "RESTARTS", "HOW"])];
    let mut at = 0;
    while at < all.len() {
        let role = &all[at].role;
        let len = all[at..].iter().take_while(|replica| replica.role == *role).count();
        rows.push(role_row(&all[at..at + len]));
        at += len;
    }
    if rows.len() == 1 {
        return Vec::new();
    }
    let mut out = table(2, &rows, columns);
    out.extend(absences(job, &all, columns));
    let retried: Vec<_> = all.iter().filter(|r| r.attempts.len() > 1 || has_restarted(r)).take(20).collect();
    if !retried.is_empty() {
        let mut rows = vec![heading(&["REPLICA", "ATTEMPT", "POD", "AGE", "HOW IT WENT"])];
        for replica in retried {
            rows.extend(attempt_rows(replica, now));
        }
        out.extend(table(2, &rows, columns));
    }
    out
}

/// Why replicas have no pod, each reason once, where the lines above don't tell it.
fn absences(job: &Kept, all: &[Replica<'_>], columns: u16) -> Vec<RichLine> {
    if super::state::waits(job) && job.derived.cause.is_none() {
        return Vec::new();
    }
    let mut told: Vec<Absence> = Vec::new();
    for replica in all.iter().filter(|replica| replica.attempts.is_empty()) {
        let known = told.iter().any(|absence| absence.word == replica.absent.0);
        if !known {
            told.push(job.absence(replica.role.as_str()));
        }
    }
    let lines = told.iter().map(|absence| format!("{}: {}", absence.word, absence.why));
    lines.flat_map(|text| labelled("", 2, &text, Role::Dim, columns)).collect()
}

fn has_restarted(replica: &Replica<'_>) -> bool {
    replica.pod().is_some_and(|pod| pod.containers.iter().any(|c| c.restarts > 0))
}

fn role_row(replicas: &[Replica<'_>]) -> Vec<(String, Role)> {
    let ready = replicas.iter().filter(|r| r.pod().is_some_and(|pod| pod.ready)).count();
    let restarts: u32 = replicas.iter().map(|r| u32::from(r.restarts())).sum();
    let mut counts: Vec<(String, Severity, usize)> = Vec::new();
    for status in replicas.iter().map(Replica::status) {
        match counts.iter_mut().find(|(word, ..)| *word == status.word.as_str()) {
            Some((.., n)) => *n += 1,
            None => counts.push((status.word.to_string(), status.severity, 1)),
        }
    }
    counts.sort_by_key(|(_, severity, _)| *severity);
    let worst = counts.first().map_or(Role::Text, |(_, severity, _)| Role::of(*severity));
    let how = counts.iter().map(|(word, _, n)| if *n == 1 { word.clone() } else { format!("{n} {word}") });
    let role = if restarts > 0 { Role::Warn } else { Role::Text };
    vec![
        (replicas[0].role.to_string(), Role::Text),
        (format!("{ready}/{}", replicas.len()), Role::Text),
        (restarts.to_string(), role),
        (how.collect::<Vec<_>>().join(", "), worst),
    ]
}

fn attempt_rows(replica: &Replica<'_>, now: Secs) -> Vec<Vec<(String, Role)>> {
    let attempts = replica.attempts.iter().enumerate();
    attempts
        .map(|(i, pod)| {
            let title = if i == 0 { replica.title() } else { String::new() };
            vec![
                (title, Role::Text),
                (format!("{}", i + 1), Role::Text),
                (pod.name.to_string(), Role::Text),
                (duration(now.since(pod.created)), Role::Dim),
                (went(pod), Role::Text),
            ]
        })
        .collect()
}

/// How an attempt went: how it ended, how it ended before, or how it is.
fn went(pod: &PodRow) -> String {
    let told = |end: &Terminated| {
        let reason = if end.reason.is_empty() { String::new() } else { format!(" ({})", end.reason) };
        format!("exit {}{reason}", end.exit_code)
    };
    let main = pod.containers.iter().find(|container| !container.init);
    let Some(main) = main else { return format!("{:?}", pod.phase) };
    let now = match &main.state {
        Some(ContainerState::Terminated(end)) => told(end),
        Some(ContainerState::Waiting { reason, .. }) if !reason.is_empty() => reason.to_string(),
        _ => format!("{:?}", pod.phase),
    };
    match &main.last {
        Some(last) if main.restarts > 0 => format!("{now}, restarted {} times, last: {}", main.restarts, told(last)),
        _ => now,
    }
}

fn asked(job: &Kept, columns: u16) -> Vec<RichLine> {
    let by_role = resources::by_role(&job.row, &job.pod_refs());
    if by_role.is_empty() {
        return Vec::new();
    }
    let total = resources::total(&job.row, &job.pod_refs());
    let gpu = total.gpu_resource.as_ref().map_or("GPU", |name| name.as_str()).to_owned();
    let mut rows = vec![heading(&["", "PODS", "CPU EACH", "MEMORY EACH", gpu.as_str()])];
    for role in &by_role {
        rows.push(amounts(role.role.as_str(), &role.replicas.to_string(), &role.each));
    }
    let pods: u32 = by_role.iter().map(|role| role.replicas).sum();
    rows.push(amounts("in all", &pods.to_string(), &total));
    table(2, &rows, columns)
}

fn amounts(name: &str, pods: &str, amounts: &Requests) -> Vec<(String, Role)> {
    let or_dash = |zero: bool, text: String| if zero { "-".to_owned() } else { text };
    [
        name.to_owned(),
        pods.to_owned(),
        or_dash(amounts.cpu_milli == 0, format_cpu(amounts.cpu_milli)),
        or_dash(amounts.memory == 0, format_bytes(amounts.memory)),
        or_dash(amounts.gpus == 0, amounts.gpus.to_string()),
    ]
    .map(|text| (text, Role::Text))
    .into()
}

/// Conditions by type and status; the order in which they are stored says nothing.
pub(super) fn conditions(conditions: &[Condition], now: Secs, columns: u16) -> Vec<RichLine> {
    if conditions.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![heading(&["TYPE", "STATUS", "SINCE", "REASON AND MESSAGE"])];
    for condition in conditions {
        let role = if condition.status == Truth::True { Role::Text } else { Role::Dim };
        let since = condition.since.map_or_else(|| "-".to_owned(), |at| duration(now.since(at)));
        let words = match (condition.reason.is_empty(), condition.message.is_empty()) {
            (false, false) => format!("{}: {}", condition.reason, condition.message),
            (false, true) => condition.reason.to_string(),
            _ => condition.message.to_string(),
        };
        rows.push(vec![
            (condition.kind.to_string(), role),
            (format!("{:?}", condition.status), role),
            (since, Role::Dim),
            (words, role),
        ]);
    }
    table(2, &rows, columns)
}

fn queue(job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let mut out = Vec::new();
    let mut say = |label: &str, text: &str| out.extend(labelled(label, VALUES, text, Role::Text, columns));
    if let Some(queue) = &job.row.queue {
        say("  queue", queue.as_str());
    }
    if let Some(priority) = &job.row.priority {
        say("  priority", priority.as_str());
    }
    let Some(workload) = &job.workload else { return out };
    let admitted = workload
        .cluster_queue
        .as_ref()
        .map_or_else(|| "no quota reserved".to_owned(), |queue| format!("quota reserved in ClusterQueue {queue}"));
    let active = if workload.active { "" } else { ", deactivated" };
    let requeued =
        if workload.requeues > 0 { format!(", requeued {} times", workload.requeues) } else { String::new() };
    say("  workload", &format!("{} ({admitted}{active}{requeued})", workload.name));
    out.extend(conditions(&workload.conditions, now, columns));
    out
}

fn about(job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let row = &job.row;
    let mut out = Vec::new();
    let mut say = |label: &str, text: &str| {
        if !text.is_empty() {
            out.extend(labelled(label, VALUES, text, Role::Text, columns));
        }
    };
    let info = row.kind.info();
    say("  kind", &format!("{} ({}/{})", info.kind, info.group, info.version));
    say("  created", &format!("{}, {} ago", row.created, duration(now.since(row.created))));
    say("  creator", row.creator.as_ref().map_or("", |creator| creator.as_str()));
    say("  manager", row.managed_by.as_ref().map_or("", |manager| manager.as_str()));
    say("  uid", &row.uid.to_string());
    for spec in &row.replicas {
        let image = spec.image.as_ref().map_or("", |image| image.as_str());
        if !image.is_empty() {
            say("  image", &format!("{image} ({})", spec.role));
        }
    }
    for (i, (key, value)) in row.labels.iter().enumerate() {
        say(if i == 0 { "  labels" } else { "" }, &format!("{key}={value}"));
    }
    out
}

fn owned(page: &PageModel, columns: u16, ascii: bool) -> Vec<RichLine> {
    let note = |text: &str| vec![RichLine::of(format!("  {text}"), Role::Dim)];
    match &page.owned {
        Fetched::Unasked => Vec::new(),
        Fetched::Loading => note("reading ..."),
        Fetched::Failed(refusal) => {
            let mut out = labelled("", 2, refusal.what.as_str(), Role::Warn, columns);
            out.extend(labelled("", 2, refusal.hint.as_str(), Role::Dim, columns));
            out
        }
        Fetched::Ready(objects) if objects.is_empty() && page.job.derived.state.is_finished() => {
            note("nothing is left of it")
        }
        Fetched::Ready(objects) if objects.is_empty() => note("nothing yet: no operator has made anything for it"),
        Fetched::Ready(objects) => super::tree::lines(page, objects, columns, ascii),
    }
}
