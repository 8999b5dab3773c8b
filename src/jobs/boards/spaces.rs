//! Namespaces: what quotas allow, what is used of it, how their jobs do.

use super::{Cell, Column, Goes, Row, Table, only, whys};
use crate::jobs::{
    amounts::shown,
    capacity::{HeldPod, NEARLY, QuotaRow, SpaceRow, Use, held, spaces as counted},
    columns::Tone,
    fleet::Fleet,
    part::Part,
    state::Severity,
};

static COLUMNS: &[Column] = &[
    Column::words("NAMESPACE", 0, "its name"),
    Column::number("GPU QUOTA", 0, "GPUs used, of the tightest quota"),
    Column::number("HELD", 0, "GPUs that its pods hold"),
    Column::number("CPU QUOTA", 2, "cores used, of the tightest quota"),
    Column::number("MEMORY QUOTA", 3, "memory used, of the tightest quota"),
    Column::number("JOB QUOTA", 5, "jobs, of the tightest quota on their number"),
    Column::number("JOBS", 0, "jobs in scope"),
    Column::number("RUN", 1, "of them at work"),
    Column::number("WAIT", 1, "of them waiting"),
    Column::words("REQUESTER", 4, "who asked for it"),
];

/// All namespaces that are known of.
pub fn spaces(fleet: &Fleet, quotas: &Part<QuotaRow>, known: &Part<SpaceRow>, pods: &Part<HeldPod>) -> Table {
    let all = counted(fleet, &quotas.rows, &known.rows, &held(fleet, pods));
    let rows = all.into_iter().map(|space| {
        let [jobs, running, waiting] = space.jobs.map(u64::from);
        let cells = vec![
            Cell::text(space.name.as_str(), Tone::Name),
            limit("gpu", space.gpus),
            Cell::count(u64::from(space.held)),
            limit("cpu", space.cpu),
            limit("memory", space.memory),
            limit("jobs", space.count),
            Cell::count(jobs),
            Cell::count(running),
            Cell::count(waiting),
            Cell::text(space.requester.as_ref().map_or("-", |name| name.as_str()), Tone::Quiet),
        ];
        let goes = Some(Goes::Jobs(only("ns", space.name.as_str())));
        Row { id: space.name.to_string(), depth: 0, cells, goes }
    });
    let unread = whys([&quotas.unread, &known.unread, &pods.unread]);
    Table { columns: COLUMNS, rows: rows.collect(), legend: Vec::new(), unread }
}

fn limit(resource: &str, limit: Option<Use>) -> Cell {
    let Some(limit) = limit else { return Cell::number(0, "-", Tone::Quiet) };
    let percent = limit.percent();
    let tone = match percent {
        100.. => Tone::Severity(Severity::Bad),
        NEARLY.. => Tone::Severity(Severity::Warn),
        _ => Tone::Plain,
    };
    let text = format!("{}/{} {percent}%", shown(resource, limit.used), shown(resource, limit.hard));
    Cell::number(percent, text, tone)
}
