//! The change log as lines: what is under way, then what was done, the newest first.

use std::collections::HashSet;

use crate::{
    console::{
        model::{Model, change::Running},
        theme::Role,
        widgets::rich::RichLine,
    },
    disk::changes::{Entry, Stage},
    jobs::{Clean, time::duration},
};

/// The lines.
pub(super) fn lines(model: &Model) -> Vec<RichLine> {
    let mut lines = Vec::new();
    if !model.changes.running.is_empty() {
        lines.push(RichLine::of("Under way", Role::Title));
        for running in model.changes.running.values() {
            lines.extend(under_way(model, running));
        }
        lines.push(RichLine::default());
    }
    match &model.changes.log {
        None => lines.push(RichLine::of("reading ...", Role::Dim)),
        Some(Err(why)) => lines.push(RichLine::of(format!("The change log could not be read: {why}"), Role::Bad)),
        Some(Ok(entries)) => lines.extend(done(model, entries)),
    }
    lines
}

fn under_way(model: &Model, running: &Running) -> Vec<RichLine> {
    let since = format!("{:>7}      ", duration(model.now.since(running.since)));
    let mut lines =
        vec![RichLine::of(since, Role::Dim).and(format!("{} (in {})", running.what, running.context), Role::Wait)];
    if let Some(progress) = running.progress.as_ref().filter(|_| running.of > 1) {
        let failed = if progress.failed > 0 { format!(", {} failed", progress.failed) } else { String::new() };
        let text = format!("{:13}{} of {} over{failed}; now: {}", "", progress.over, running.of, progress.now);
        lines.push(RichLine::of(text, Role::Text));
    }
    lines
}

/// Whether an entry without an answer is one of those that are under way; each of them is found once.
fn goes_on(running: &mut Vec<&Running>, entry: &Entry) -> bool {
    let is_it = |running: &Running| match running.of {
        1 => running.what == entry.what && running.context == entry.context && entry.at >= running.since,
        _ => running.progress.as_ref().is_some_and(|progress| progress.now == entry.what),
    };
    let found = running.iter().position(|running| is_it(running));
    found.map(|at| running.swap_remove(at)).is_some()
}

/// A line a change: its last word, or that it never had one.
fn done(model: &Model, entries: &[Entry]) -> Vec<RichLine> {
    let mut seen: HashSet<&Clean> = HashSet::new();
    let mut lines = Vec::new();
    let mut running: Vec<&Running> = model.changes.running.values().collect();
    for entry in entries.iter().rev().filter(|entry| seen.insert(&entry.id)) {
        let (word, role) = match entry.stage {
            Stage::Begun if goes_on(&mut running, entry) => ("goes on", Role::Wait),
            Stage::Begun => ("no answer", Role::Warn),
            Stage::Done => ("done", Role::Good),
            Stage::Failed => ("failed", Role::Bad),
            Stage::Unknown => ("not known", Role::Warn),
        };
        let ago = format!("{:>7} ago  ", duration(model.now.since(entry.at)));
        let user = if entry.user.is_empty() { String::new() } else { format!(" as {}", entry.user) };
        let what = format!("{} (in {}{user})", entry.what, entry.context);
        lines.push(RichLine::of(ago, Role::Dim).and(format!("{word:<10} "), role).and(what, Role::Text));
        if !entry.result.is_empty() {
            lines.push(RichLine::of(format!("{:13}", ""), Role::Text).and(entry.result.to_string(), Role::Dim));
        }
    }
    if lines.is_empty() { vec![RichLine::of("Nothing was changed yet from this machine.", Role::Dim)] } else { lines }
}
