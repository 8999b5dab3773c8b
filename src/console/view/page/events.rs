//! Tab Events as lines: when, what, how often, about what, in whose words.

use std::collections::HashMap;

use crate::{
    console::{
        model::page::{EventsModel, Fetched, Kept},
        theme::Role,
        widgets::{
            rich::{RichLine, labelled, table},
            text::width,
        },
    },
    jobs::{EventRow, Secs, time::duration},
};

/// Columns that a message wants beside the rest.
const MESSAGE: u16 = 32;

/// The events that the filter leaves, oldest first: all of them once read, before that the warnings the fleet knows.
pub fn shown<'a>(events: &'a EventsModel, job: &'a Kept) -> Vec<&'a EventRow> {
    let mut rows: Vec<&EventRow> = match &events.all {
        Fetched::Ready(all) => all.iter().collect(),
        _ => job.warnings.iter().collect(),
    };
    rows.retain(|event| (event.warning || !events.warnings_only) && has(event, &events.filter));
    rows.sort_by_key(|event| (event.last, event.first));
    rows
}

/// How many there are without the filter.
pub fn total(events: &EventsModel, job: &Kept) -> usize {
    events.all.ready().map_or(job.warnings.len(), Vec::len)
}

fn has(event: &EventRow, filter: &str) -> bool {
    let wanted = filter.to_lowercase();
    let text = [event.reason.as_str(), event.message.as_str(), event.about_name.as_str(), event.about_kind.as_str()];
    wanted.is_empty() || text.iter().any(|text| text.to_lowercase().contains(&wanted))
}

/// A heading and the lines of these events; one that several objects have in the same words is told once.
pub fn lines(events: &EventsModel, job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let groups = grouped(shown(events, job));
    if groups.is_empty() {
        return vec![RichLine::of(nothing(events), Role::Dim)];
    }
    let heading = ["LAST", "TIMES", "  REASON", "ABOUT", "MESSAGE"].map(|word| (word.to_owned(), Role::Heading)).into();
    let rows: Vec<_> = std::iter::once(heading).chain(groups.iter().map(|group| row(group, job, now))).collect();
    let beside: u16 = (0..rows[0].len() - 1).map(|i| widest(&rows, i) + 2).sum();
    if beside + MESSAGE <= columns {
        return table(0, &rows, columns);
    }
    // Too narrow for the words beside all that: they go below it.
    let heads: Vec<_> = rows.iter().map(|row| row[..row.len() - 1].to_vec()).collect();
    let lines = table(0, &heads, columns.max(400)).into_iter().zip(&rows).enumerate();
    lines
        .flat_map(|(at, (line, row))| {
            let (words, role) = &row[row.len() - 1];
            let words = if at == 0 { Vec::new() } else { labelled("", 9, words, *role, columns) };
            std::iter::once(line).chain(words)
        })
        .collect()
}

fn widest(rows: &[Vec<(String, Role)>], column: usize) -> u16 {
    rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| width(text)).max().unwrap_or(0)
}

fn nothing(events: &EventsModel) -> &'static str {
    match &events.all {
        Fetched::Unasked | Fetched::Loading => "No event is read yet.",
        _ if !events.filter.is_empty() => "No event has this text; an empty filter shows all.",
        _ if events.warnings_only => "No warning. W shows the other events too.",
        _ => "No event: the cluster keeps them for an hour, mostly.",
    }
}

/// Events in the same words, by when the last of them came.
fn grouped(rows: Vec<&EventRow>) -> Vec<Vec<&EventRow>> {
    let mut out: Vec<Vec<&EventRow>> = Vec::new();
    let mut known: HashMap<(bool, &str, &str), usize> = HashMap::new();
    for event in rows {
        let at = *known.entry((event.warning, event.reason.as_str(), event.message.as_str())).or_insert(out.len());
        match out.get_mut(at) {
            Some(group) => group.push(event),
            None => out.push(vec![event]),
        }
    }
    out.sort_by_key(|group| group.last().map(|event| event.last));
    out
}

fn row(group: &[&EventRow], job: &Kept, now: Secs) -> Vec<(String, Role)> {
    let Some(event) = group.last() else { return Vec::new() };
    let role = if event.warning { Role::Warn } else { Role::Dim };
    let times: u32 = group.iter().map(|event| event.count).sum();
    let reason = if event.warning { format!("! {}", event.reason) } else { format!("  {}", event.reason) };
    let mut names: Vec<String> = group.iter().map(|event| short(event, job)).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(1);
    let about = names.into_iter().next().unwrap_or_default();
    vec![
        (format!("{:>5}", duration(now.since(event.last))), Role::Dim),
        (if times > 1 { format!("x{times}") } else { String::new() }, Role::Dim),
        (reason, role),
        (if more > 0 { format!("{about} +{more}") } else { about }, Role::Label),
        (event.message.to_string(), role),
    ]
}

/// What belongs to the job mostly begins with its name: the rest tells it apart. It has but one Workload.
fn short(event: &EventRow, job: &Kept) -> String {
    if event.about_kind.as_str() == "Workload" {
        return event.about_kind.to_string();
    }
    match event.about_name.as_str().strip_prefix(job.row.name.as_str()) {
        Some("") => event.about_kind.to_string(),
        Some(rest) if rest.starts_with('-') => format!("..{rest}"),
        _ => event.about_name.to_string(),
    }
}

/// The line above the events: how many, and how they come.
pub fn summary(events: &EventsModel, job: &Kept) -> RichLine {
    let (shown, total) = (shown(events, job).len(), total(events, job));
    let warnings = job.warnings.len();
    let mut line = match &events.all {
        Fetched::Ready(all) => {
            let warnings = all.iter().filter(|event| event.warning).count();
            RichLine::of(format!("{total} events, warnings: {warnings}"), Role::Dim)
        }
        Fetched::Failed(refusal) => RichLine::of(format!("warnings only ({warnings}): {}", refusal.what), Role::Warn)
            .and(format!("  {}", refusal.hint), Role::Dim),
        Fetched::Unasked | Fetched::Loading => {
            RichLine::of(format!("warnings: {warnings}, reading the rest ..."), Role::Dim)
        }
    };
    if let Some(stale) = &events.stale {
        line = line.and(format!("  not read again: {}", stale.what), Role::Warn);
    }
    if events.warnings_only {
        line = line.and("  warnings only", Role::Match);
    }
    if !events.filter.is_empty() {
        line = line.and(format!("  /{} ({} hidden)", events.filter, total - shown), Role::Match);
    }
    line
}
