//! The last page before a draft is sent: what will be made, where, as whom.

use serde_json::Value;

use super::problem::sign;
use crate::{
    console::{
        model::{
            Model,
            draft::{Draft, send::Object},
        },
        theme::Role,
        widgets::rich::{RichLine, labelled},
    },
    jobs::{Kind, checks::Verdict, quantity::parse_count},
};

/// Column in which values begin.
const VALUES: u16 = 10;
/// Remarks that are told one by one.
const MOST: usize = 8;

/// Its lines.
pub(super) fn lines(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    let mut out = Vec::new();
    for object in &draft.send.objects {
        out.extend(labelled("Makes", VALUES, &object.subject.to_string(), Role::Title, columns));
        for part in parts(object) {
            out.extend(labelled("", VALUES, &part, Role::Text, columns));
        }
    }
    let session = &model.session;
    let shown = session.info().map_or_else(|| session.context.clone(), |info| info.shown.to_string());
    let cluster = session.info().map_or_else(String::new, |info| format!(" (cluster {})", info.cluster));
    out.extend(labelled("Where", VALUES, &format!("context {shown}{cluster}"), Role::Text, columns));
    out.extend(labelled("As", VALUES, &format!("user {}", session.user), Role::Text, columns));
    if !draft.context.is_empty() && draft.context != session.context {
        let text = format!("this draft was begun in context {}", draft.context);
        out.extend(labelled("", VALUES, &text, Role::Warn, columns));
    }
    out.extend(checks(draft, columns));
    out.push(RichLine::default());
    out.extend(answer(model, draft, columns));
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
        let gpus = limits.into_iter().flatten().find(|(name, _)| name.ends_with("/gpu"));
        let gpus = gpus.and_then(|(_, n)| n.as_u64().or_else(|| parse_count(n.as_str()?).map(u64::from))).unwrap_or(0);
        let gpus = if gpus > 0 { format!(", {gpus} GPUs each, {} in all", gpus * count) } else { String::new() };
        let image = container["image"].as_str().unwrap_or("no image");
        format!("{count} {role}: {image}{gpus}")
    };
    let mut out: Vec<_> = roles.into_iter().flatten().map(one).collect();
    let queue = text("/metadata/labels/kueue.x-k8s.io~1queue-name");
    if !queue.is_empty() {
        out.push(format!("through queue {queue}"));
    }
    out
}

/// What the checks say of it.
fn checks(draft: &Draft, columns: u16) -> Vec<RichLine> {
    if draft.checked.1 != Some(draft.editor.version) {
        return labelled("Checks", VALUES, "under way ...", Role::Wait, columns);
    }
    let (words, role) = match draft.verdict {
        Some(Verdict::Refused(_)) => (draft.verdict.map_or("", Verdict::words), Role::Bad),
        _ if draft.problems.is_empty() => ("nothing to complain about", Role::Good),
        _ => ("accepted, with remarks", Role::Warn),
    };
    let mut out = labelled("Checks", VALUES, &format!("without the cluster: {words}"), role, columns);
    for problem in draft.problems.iter().take(MOST) {
        let (sign, role) = sign(problem.severity);
        let line = problem.place.as_ref().map_or(String::new(), |place| format!("line {}: ", place.line));
        let text = format!("{sign} {line}{} {}", problem.reason, problem.remedy);
        out.extend(labelled("", VALUES, &text, role, columns));
    }
    if draft.problems.len() > MOST {
        out.extend(labelled("", VALUES, &format!("and {} more", draft.problems.len() - MOST), Role::Dim, columns));
    }
    out
}

/// What came of sending it.
fn answer(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    if let Some(id) = draft.send.sent {
        let now = model.changes.running.get(&id).and_then(|running| running.progress.as_ref());
        let now = now.map_or_else(String::new, |progress| format!(": {}", progress.now));
        return vec![RichLine::of(format!("Sent, waiting for the answer{now}"), Role::Wait)];
    }
    let mut out = Vec::new();
    for failure in &draft.send.failed {
        out.extend(labelled("Not made", VALUES, failure.what.as_str(), Role::Bad, columns));
        out.extend(labelled("", VALUES, failure.hint.as_str(), Role::Text, columns));
    }
    if !out.is_empty() {
        out.push(RichLine::of("The draft is as it was.", Role::Dim));
    }
    out
}
