//! Tab Events as lines: when, what, how often, about what, in whose words.

use crate::{
    console::{
        model::page::{EventsModel, Fetched, Kept},
        theme::Role,
        widgets::rich::{RichLine, table},
    },
    jobs::{EventRow, Secs, time::duration},
};

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

/// The lines of these events.
pub fn lines(events: &EventsModel, job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let rows: Vec<_> = shown(events, job).into_iter().map(|event| row(event, job, now)).collect();
    table(0, &rows, columns)
}

fn row(event: &EventRow, job: &Kept, now: Secs) -> Vec<(String, Role)> {
    let role = if event.warning { Role::Warn } else { Role::Text };
    let count = if event.count > 1 { format!("x{}", event.count) } else { String::new() };
    let reason = if event.warning { format!("! {}", event.reason) } else { format!("  {}", event.reason) };
    // What belongs to the job mostly begins with its name: the rest tells it apart.
    let name = event.about_name.as_str();
    let about = match name.strip_prefix(job.row.name.as_str()) {
        Some("") => event.about_kind.to_string(),
        Some(rest) if rest.starts_with('-') => format!("..{rest}"),
        _ => name.to_owned(),
    };
    vec![
        (format!("{:>5}", duration(now.since(event.last))), Role::Dim),
        (count, Role::Dim),
        (reason, role),
        (about, Role::Label),
        (event.message.to_string(), role),
    ]
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
