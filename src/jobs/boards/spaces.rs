//! Namespaces: what quotas allow, what is used of it, how their jobs do.

use super::{Cell, Column, Goes, Row, Table, only, whys};
use crate::jobs::{
    amounts::shown,
    capacity::{HeldPod, NEARLY, QuotaRow, SpaceRow, SpaceUse, TeamUse, Use, held, spaces as counted, teams},
    columns::Tone,
    fleet::Fleet,
    part::Part,
    state::Severity,
};

static COLUMNS: &[Column] = &[
    Column::words("NAMESPACE", 0, "its name, below its team where one is known"),
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

/// All namespaces that are known of; where they say whose they are, below their teams.
pub fn spaces(fleet: &Fleet, quotas: &Part<QuotaRow>, known: &Part<SpaceRow>, pods: &Part<HeldPod>) -> Table {
    let (teams, others) = teams(counted(fleet, &quotas.rows, &known.rows, &held(fleet, pods)));
    let mut rows: Vec<Row> = Vec::new();
    for TeamUse { all, spaces } in &teams {
        // A comma is «or».
        let every: Vec<String> = spaces.iter().map(|space| format!("={}", space.name)).collect();
        let goes = Goes::Jobs(format!("ns:{}", every.join(",")));
        let name = format!("team {}", all.name);
        rows.push(row(all, &name, (format!("team/{}", all.name), 0), goes));
        rows.extend(spaces.iter().map(|space| of_space(space, 1)));
    }
    rows.extend(others.iter().map(|space| of_space(space, 0)));
    let unread = whys([&quotas.unread, &known.unread, &pods.unread]);
    Table { columns: COLUMNS, rows, legend: Vec::new(), unread }
}

fn of_space(space: &SpaceUse, depth: u8) -> Row {
    let name = space.name.as_str();
    row(space, name, (name.to_owned(), depth), Goes::Jobs(only("ns", name)))
}

fn row(space: &SpaceUse, name: &str, (id, depth): (String, u8), goes: Goes) -> Row {
    let [jobs, running, waiting] = space.jobs.map(u64::from);
    let name = if depth > 0 { format!("  {name}") } else { name.to_owned() };
    let cells = vec![
        Cell::text(name, if depth > 0 { Tone::Plain } else { Tone::Name }),
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
    Row { id, depth, cells, goes: Some(goes) }
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
