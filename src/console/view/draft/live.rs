//! The last page of an edit of a living job: what is to be decided, what would be changed, what of it does nothing.

use serde_json::Value;

use super::{
    fix::diff_line,
    send::{CLUSTER, VALUES, answer, cluster_says, own_checks, place, problems},
};
use crate::{
    console::{
        commands::{CommandId, Context, DraftCommand},
        model::{
            Model,
            draft::{Draft, Live},
        },
        theme::Role,
        widgets::rich::{RichLine, labelled},
    },
    jobs::{
        Clean,
        checks::Problem,
        drafting::{Conflict, Side},
    },
};

/// Its lines.
pub(super) fn lines(model: &Model, draft: &Draft, live: &Live, columns: u16) -> Vec<RichLine> {
    let mut out = answer(model, draft, columns);
    if !out.is_empty() {
        out.push(RichLine::default());
    }
    let key = &live.key;
    let what = format!("{} {}/{}", key.kind.info().kind, key.namespace, key.name);
    out.extend(labelled("Changes", VALUES, &what, Role::Title, columns));
    out.extend(place(model, draft, columns));
    if let Some(why) = &live.gone {
        out.extend(labelled("Gone", VALUES, &format!("{why}: there is nothing to change"), Role::Bad, columns));
    }
    if let Some(first) = live.conflicts.first() {
        out.extend(conflict(model, first, live.conflicts.len(), columns));
    }
    let (cluster, own): (Vec<&Problem>, Vec<&Problem>) =
        draft.problems.iter().partition(|problem| problem.area == CLUSTER);
    out.extend(own_checks(draft, &own, columns));
    if draft.asked.question.is_some() {
        out.extend(cluster_says(model, draft, &cluster, columns));
    }
    out.push(RichLine::default());
    let count = |side: Side| live.review.diff.iter().filter(|line| line.side == side).count();
    let heading = match (count(Side::Old), count(Side::New)) {
        (0, 0) => "Nothing differs from what is on the server".to_owned(),
        (old, new) => format!("Against what is on the server: -{old} +{new} lines"),
    };
    out.push(RichLine::of(heading, Role::Heading));
    out.extend(live.review.diff.iter().map(diff_line));
    if !live.review.late.is_empty() {
        out.push(RichLine::default());
        out.push(RichLine::of("Too late for a job that has started", Role::Heading));
    }
    for (at, why) in &live.review.late {
        out.extend(labelled("!", 2, &format!("{}: {why}", Clean::new(at)), Role::Warn, columns));
    }
    out.extend(problems(draft, columns));
    out
}

fn conflict(model: &Model, first: &Conflict, of: usize, columns: u16) -> Vec<RichLine> {
    let at = Clean::new(&first.at);
    let what = if of == 1 { format!("at {at}") } else { format!("1 of {of}, at {at}") };
    let mut out = labelled("Conflict", VALUES, &what, Role::Bad, columns);
    let sides = [("it was", &first.base), ("the server has", &first.theirs), ("you wrote", &first.mine)];
    for (who, value) in sides {
        out.extend(labelled("", VALUES, &format!("{who} {}", shown(value.as_ref())), Role::Text, columns));
    }
    let key = |command| model.keys.map.key_in(&[Context::Review], CommandId::Draft(command)).unwrap_or_default();
    let (mine, theirs) = (key(DraftCommand::Mine), key(DraftCommand::Theirs));
    out.extend(labelled("", VALUES, &format!("{mine} takes yours, {theirs} the server's"), Role::Label, columns));
    out
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => Clean::new(text).to_string(),
        Some(value) => Clean::new(&value.to_string()).to_string(),
    }
}
