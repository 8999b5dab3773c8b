//! The last page before a draft is sent: what will be made, where, as whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::problem::sign;
use crate::{
    console::{
        commands::{CommandId, Context, DraftCommand},
        model::{
            Model,
            draft::{Draft, send::Object},
            session::Phase,
        },
        theme::Role,
        widgets::rich::{RichLine, labelled},
    },
    jobs::{
        Kind,
        amounts::is_accelerator,
        checks::{Problem, Verdict, cluster::Part},
        outlook::Outlook,
        quantity::parse_count,
    },
};

/// Column in which values begin.
pub(super) const VALUES: u16 = 10;
/// Area of the rules about what a cluster says.
pub(super) const CLUSTER: &str = "cluster";

/// Its lines.
pub(super) fn lines(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    // What came of it stands where it is seen without scrolling.
    let mut out = answer(model, draft, columns);
    if !out.is_empty() {
        out.push(RichLine::default());
    }
    for object in &draft.send.objects {
        out.extend(labelled("Makes", VALUES, &object.subject.to_string(), Role::Title, columns));
        for part in parts(object) {
            out.extend(labelled("", VALUES, &part, Role::Text, columns));
        }
    }
    out.extend(place(model, draft, columns));
    out.extend(checks(model, draft, columns));
    out
}

/// Where, and as whom.
pub(super) fn place(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    let session = &model.session;
    let shown = session.info().map_or_else(|| session.context.clone(), |info| info.shown.to_string());
    let cluster = session.info().map_or_else(String::new, |info| format!(" (cluster {})", info.cluster));
    let mut out = labelled("Where", VALUES, &format!("context {shown}{cluster}"), Role::Text, columns);
    out.extend(labelled("As", VALUES, &format!("user {}", session.user), Role::Text, columns));
    if !draft.context.is_empty() && draft.context != session.context {
        let text = format!("this draft was begun in context {}", draft.context);
        out.extend(labelled("", VALUES, &text, Role::Warn, columns));
    }
    out
}

/// What an object brings with it, in numbers.
fn parts(object: &Object) -> Vec<String> {
    let value = &object.value;
    let text = |at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let Some(kind) = Kind::of(text("/apiVersion"), text("/kind")) else { return Vec::new() };
    let roles = value.pointer(&format!("/spec/{}", kind.info().replica_specs)).and_then(Value::as_object);
    let one = |(role, spec): (&String, &Value)| {
        let count = spec["replicas"].as_u64().unwrap_or(1);
        let container = &spec["template"]["spec"]["containers"][0];
        let limits = container["resources"]["limits"].as_object();
        let gpus = limits.into_iter().flatten().find(|(name, _)| is_accelerator(name));
        let gpus = gpus.and_then(|(_, n)| n.as_u64().or_else(|| parse_count(n.as_str()?).map(u64::from))).unwrap_or(0);
        let gpus = if gpus > 0 { format!(", {gpus} GPUs each, {} in all", gpus * count) } else { String::new() };
        let image = container["image"].as_str().unwrap_or("no image");
        format!("{count} {role}: {image}{gpus}")
    };
    let mut out: Vec<_> = roles.into_iter().flatten().map(one).collect();
    if kind == Kind::TrainJob {
        out.push(nodes(value));
    }
    let queue = text("/metadata/labels/kueue.x-k8s.io~1queue-name");
    if !queue.is_empty() {
        out.push(format!("through queue {queue}"));
    }
    out
}

/// What a TrainJob says of its nodes; the rest is its runtime's.
fn nodes(job: &Value) -> String {
    let (trainer, runtime) = (&job["spec"]["trainer"], &job["spec"]["runtimeRef"]["name"]);
    let count = trainer["numNodes"]
        .as_u64()
        .map_or_else(|| "as many nodes as its runtime says".to_owned(), |n| format!("{n} nodes"));
    let image = trainer["image"].as_str().unwrap_or("the runtime's image");
    format!("{count}: {image}, on runtime {}", runtime.as_str().unwrap_or("(none)"))
}

/// What becomes of it by the checks, and by the cluster; then what is wrong, the worst first.
fn checks(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    let (cluster, own): (Vec<&Problem>, Vec<&Problem>) =
        draft.problems.iter().partition(|problem| problem.area == CLUSTER);
    let mut out = own_checks(draft, &own, columns);
    out.extend(cluster_says(model, draft, &cluster, columns));
    out.extend(starts(model, draft, columns));
    out.extend(problems(draft, columns));
    out
}

/// Whether the jobs would start at once.
fn starts(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    let asked = &draft.asked;
    if model.session.phase != Phase::Up || asked.question.is_none() || (asked.answered && asked.said.is_empty()) {
        return Vec::new();
    }
    if asked.outlooks.is_empty() {
        return labelled("Starts", VALUES, "asking who holds what ...", Role::Wait, columns);
    }
    let say = |outlook: &Outlook| match outlook {
        Outlook::Starts(why) => (format!("at once: {why}"), Role::Good),
        Outlook::Waits(why) => (format!("later: {why}"), Role::Warn),
        Outlook::Never(why) => (format!("never: {why}"), Role::Bad),
        Outlook::Unknown(why) => (format!("not known when: {why}"), Role::Dim),
    };
    let lines = asked.outlooks.iter().enumerate().flat_map(|(at, outlook)| {
        let (text, role) = say(outlook);
        labelled(if at == 0 { "Starts" } else { "" }, VALUES, &text, role, columns)
    });
    lines.collect()
}

/// What becomes of it by the checks that need no cluster.
pub(super) fn own_checks(draft: &Draft, own: &[&Problem], columns: u16) -> Vec<RichLine> {
    if draft.checked.1 != Some(draft.editor.version) {
        return labelled("Checks", VALUES, "under way ...", Role::Wait, columns);
    }
    let (words, role) = verdict(own);
    labelled("Checks", VALUES, &format!("without the cluster: {words}"), role, columns)
}

/// What is wrong, the worst first.
pub(super) fn problems(draft: &Draft, columns: u16) -> Vec<RichLine> {
    let mut out = Vec::new();
    let mut all: Vec<&Problem> = draft.problems.iter().collect();
    all.sort_by_key(|problem| (problem.severity, problem.area != CLUSTER));
    if !all.is_empty() {
        out.push(RichLine::default());
    }
    for problem in all {
        let (sign, role) = sign(problem.severity);
        let line = problem.place.as_ref().map_or(String::new(), |place| format!("line {}: ", place.line));
        let text = format!("{line}{}. {}", problem.reason.as_str().trim_end_matches('.'), problem.remedy);
        out.extend(labelled(sign, 2, &text, role, columns));
    }
    out
}

/// What becomes of a manifest with these problems, in a few words.
fn verdict(problems: &[&Problem]) -> (&'static str, Role) {
    let verdict = Verdict::of(problems.iter().copied());
    match verdict {
        Verdict::Refused(_) => (verdict.words(), Role::Bad),
        Verdict::Accepted if problems.is_empty() => ("nothing to complain about", Role::Good),
        Verdict::Accepted => ("accepted, with remarks", Role::Warn),
    }
}

/// What the cluster says so far, what it is still asked, and what it does not tell.
pub(super) fn cluster_says(model: &Model, draft: &Draft, problems: &[&Problem], columns: u16) -> Vec<RichLine> {
    let asked = &draft.asked;
    if model.session.phase != Phase::Up || asked.question.is_none() {
        return labelled("Cluster", VALUES, "no connection: it was asked nothing", Role::Warn, columns);
    }
    let (words, role) = verdict(problems);
    let mut out = if !asked.is_out() {
        labelled("Cluster", VALUES, words, role, columns)
    } else if problems.is_empty() {
        Vec::new()
    } else {
        labelled("Cluster", VALUES, &format!("so far: {words}"), role, columns)
    };
    if asked.is_out() {
        let parts: BTreeSet<String> = asked.said.iter().flat_map(|said| &said.out).map(Part::words).collect();
        let parts: Vec<_> = parts.into_iter().collect();
        let label = if out.is_empty() { "Cluster" } else { "" };
        let text = format!("asking {} ...", if parts.is_empty() { "it".to_owned() } else { parts.join(", ") });
        out.extend(labelled(label, VALUES, &text, Role::Wait, columns));
    }
    let mut unread: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (part, why) in asked.said.iter().flat_map(|said| &said.unread) {
        let (parts, words) = (unread.entry(why.as_str()).or_default(), part.words());
        if !parts.contains(&words) {
            parts.push(words);
        }
    }
    for (why, parts) in unread {
        let text = format!("not checked: {} ({why})", parts.join(", "));
        out.extend(labelled("", VALUES, &text, Role::Dim, columns));
    }
    out
}

/// What came of sending it.
pub(super) fn answer(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    if let Some(id) = draft.send.sent {
        let now = model.changes.running.get(&id).and_then(|running| running.progress.as_ref());
        let now = now.map_or_else(String::new, |progress| format!(": {}", progress.now));
        return vec![RichLine::of(format!("Sent, waiting for the answer{now}"), Role::Wait)];
    }
    if draft.send.pressed {
        let key = |command| model.keys.map.key_in(&[Context::Send], CommandId::Draft(command)).unwrap_or_default();
        let (now, back) = (key(DraftCommand::Anyway), key(DraftCommand::Back));
        let text = format!("It is sent when the cluster has answered; {now} sends it now, {back} does not send it.");
        return vec![RichLine::of(text, Role::Wait)];
    }
    let mut out = Vec::new();
    for failure in &draft.send.failed {
        let label = if draft.live.is_some() { "Unchanged" } else { "Not made" };
        out.extend(labelled(label, VALUES, failure.what.as_str(), Role::Bad, columns));
        out.extend(labelled("", VALUES, failure.hint.as_str(), Role::Text, columns));
    }
    if !out.is_empty() {
        out.push(RichLine::of("The draft is as it was.", Role::Dim));
    }
    out
}

/// The line below: which part of a long page is seen.
pub(super) fn status(model: &Model) -> RichLine {
    let Some((lines, area)) = super::send_lines(model) else { return RichLine::default() };
    let (top, rows) = (model.draft().map_or(0, |draft| draft.send.top), usize::from(area.height));
    if lines.len() <= rows {
        return RichLine::default();
    }
    let last = (top + rows).min(lines.len());
    let line = RichLine::of(format!("lines {}-{last} of {}", top + 1, lines.len()), Role::Dim);
    let key = |command| model.keys.map.key_in(&[Context::Send], CommandId::Draft(command)).unwrap_or_default();
    let keys = format!("  {} {}", key(DraftCommand::ScrollDown), key(DraftCommand::ScrollUp));
    line.and(keys, Role::Key).and(" scroll", Role::Dim)
}
