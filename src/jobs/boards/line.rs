//! Who waits in a `ClusterQueue`, in order.

use super::{Cell, Column, Goes, Row, Table, whys};
use crate::jobs::{
    amounts::{self, ByResource, is_accelerator, shown},
    columns::Tone,
    part::Part,
    queue::{LoadRow, Queues, WaitingRow, decode, queued_since, waiting},
    state::Severity,
    text::Clean,
    time::{Secs, duration},
};

static COLUMNS: &[Column] = &[
    Column::number("#", 0, "position, from 0"),
    Column::words("JOB", 0, "its job"),
    Column::words("NAMESPACE", 1, "its namespace"),
    Column::words("QUEUE", 4, "its LocalQueue"),
    Column::number("PRIORITY", 3, "what comes first"),
    Column::number("WAITING", 2, "since it was made or put out"),
    Column::number("GPU", 0, "GPUs it needs"),
    Column::number("CPU", 5, "cores it needs"),
    Column::words("WHY", 0, "why it is not in"),
];

/// The ordered list: Kueue's own where it was read, else computed.
pub fn line(queues: &Queues, told: &Part<WaitingRow>, cluster_queue: &str, now: Secs) -> Table {
    let rows = if told.rows.is_empty() {
        waiting(queues, cluster_queue).iter().enumerate().map(|(at, load)| known(at, load, now)).collect()
    } else {
        let mut rows: Vec<_> = told.rows.iter().collect();
        rows.sort_by_key(|row| row.place);
        let find = |row: &WaitingRow| {
            queues.loads.rows.iter().find(|load| load.namespace == row.namespace && load.name == row.name)
        };
        rows.into_iter()
            .map(|row| find(row).map_or_else(|| unseen(row, now), |load| known(row.place as usize, load, now)))
            .collect()
    };
    Table { columns: COLUMNS, rows, legend: Vec::new(), unread: whys([&queues.loads.unread, &told.unread]) }
}

fn known(at: usize, load: &LoadRow, now: Secs) -> Row {
    let message = load.condition("QuotaReserved").map_or("", |c| c.message.as_str());
    let decoded = decode(message);
    let whys: Vec<String> = decoded.whys.iter().map(|(_, why)| why.words()).collect();
    let tone =
        if decoded.whys.iter().any(|(_, why)| why.is_final()) { Tone::Severity(Severity::Bad) } else { Tone::Plain };
    let needs = load.needs();
    let since = queued_since(load);
    let cells = vec![
        Cell::number(u64::MAX - at as u64, at.to_string(), Tone::Plain),
        Cell::text(load.title(), Tone::Name),
        Cell::text(load.namespace.as_str(), Tone::Quiet),
        Cell::text(load.queue.as_str(), Tone::Quiet),
        priority(load.priority),
        Cell::number(u64::from(now.since(since)), duration(now.since(since)), Tone::Quiet),
        need(&needs, "gpu", is_accelerator),
        need(&needs, "cpu", |resource| resource == "cpu"),
        Cell::text(if whys.is_empty() { "not looked at yet".to_owned() } else { whys.join("; ") }, tone),
    ];
    row(load.namespace.as_str(), load.name.as_str(), load.title(), cells)
}

fn unseen(row: &WaitingRow, now: Secs) -> Row {
    let name = row.owner.as_ref().unwrap_or(&row.name).as_str();
    let quiet = || Cell::number(0, "", Tone::Quiet);
    let cells = vec![
        Cell::number(u64::MAX - u64::from(row.place), row.place.to_string(), Tone::Plain),
        Cell::text(name, Tone::Name),
        Cell::text(row.namespace.as_str(), Tone::Quiet),
        Cell::text(row.queue.as_str(), Tone::Quiet),
        priority(row.priority),
        Cell::number(u64::from(now.since(row.created)), duration(now.since(row.created)), Tone::Quiet),
        quiet(),
        quiet(),
        Cell::text("you may not see its Workload", Tone::Quiet),
    ];
    self::row(row.namespace.as_str(), row.name.as_str(), name, cells)
}

fn row(namespace: &str, id: &str, job: &str, cells: Vec<Cell>) -> Row {
    let goes = Some(Goes::Job(crate::jobs::Sym::new(namespace), Clean::new(job)));
    Row { id: format!("{namespace}/{id}"), depth: 0, cells, goes }
}

/// Priorities may be below zero.
fn priority(priority: i64) -> Cell {
    let order = priority.wrapping_add(i64::MIN).cast_unsigned();
    Cell::number(order, priority.to_string(), Tone::Plain)
}

fn need(needs: &ByResource, resource: &str, of: impl Fn(&str) -> bool) -> Cell {
    let mut sum = ByResource::new();
    amounts::add(&mut sum, needs, 1);
    sum.retain(|resource, _| of(resource.as_str()));
    let n = sum.values().sum();
    Cell::number(n, if n == 0 { "-".to_owned() } else { shown(resource, n) }, Tone::Plain)
}
