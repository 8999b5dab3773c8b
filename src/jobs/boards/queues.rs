//! `ClusterQueue`s with their `LocalQueue`s below them: who waits, who is in, what is used of the quota.

use super::{Cell, Column, Goes, Row, Table, only, whys};
use crate::jobs::{
    amounts::{is_accelerator, short, shown},
    columns::Tone,
    queue::{ClusterQueueRow, LocalQueueRow, Queues, Room, Rooms, Stop, rooms},
    state::Severity,
    text::Clean,
};

static COLUMNS: &[Column] = &[
    Column::words("QUEUE", 0, "ClusterQueue, and below it its LocalQueues"),
    Column::words("COHORT", 4, "with whom it lends and borrows"),
    Column::number("WAITING", 0, "Workloads that wait"),
    Column::number("IN", 0, "Workloads with quota"),
    Column::number("GPU", 0, "GPUs reserved, of its own"),
    Column::number("FREE", 1, "GPUs that could be reserved now, by borrowing too"),
    Column::number("BORROWED", 3, "GPUs reserved beyond its own"),
    Column::number("CPU", 5, "cores reserved, of its own"),
    Column::number("MEMORY", 6, "memory reserved, of its own"),
    Column::words("STATE", 0, "open, stopped, not active"),
];

/// All queues.
pub fn queues(queues: &Queues) -> Table {
    let mut rows = Vec::new();
    let mut clusters: Vec<_> = queues.clusters.rows.iter().collect();
    clusters.sort_by(|a, b| (&a.cohort, &a.name).cmp(&(&b.cohort, &b.name)));
    let mut known: Vec<&LocalQueueRow> = queues.locals.rows.iter().collect();
    known.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let mut rooms = Rooms::new(queues);
    for queue in &clusters {
        rows.push(cluster(&rooms.of(queue), queue));
        let (below, rest) = known.into_iter().partition(|local| local.cluster_queue == queue.name);
        known = rest;
        rows.extend(Vec::from_iter(below).into_iter().map(|row: &LocalQueueRow| local(row, 1)));
    }
    // Of those whose ClusterQueue may not be read, or is not there.
    rows.extend(known.into_iter().map(|row| local(row, 0)));
    let unread = whys([&queues.clusters.unread, &queues.locals.unread, &queues.loads.unread]);
    Table { columns: COLUMNS, rows, legend: Vec::new(), unread }
}

/// A sum over all flavors: of accelerators, or of one resource.
fn sum(rooms: &[Room], of: impl Fn(&str) -> bool, what: impl Fn(&Room) -> u64) -> u64 {
    rooms.iter().filter(|room| of(room.cell.1.as_str())).map(what).sum()
}

/// What is used of a quota, in numbers of a resource.
fn used(rooms: &[Room], resource: &'static str, of: impl Fn(&str) -> bool + Copy) -> Cell {
    let (used, own) = (sum(rooms, of, |room| room.used), sum(rooms, of, |room| room.nominal));
    if own == 0 && used == 0 {
        return Cell::number(0, "-", Tone::Quiet);
    }
    let tone = if used >= own { Tone::Severity(Severity::Wait) } else { Tone::Plain };
    Cell::number(used, format!("{}/{}", shown(resource, used), shown(resource, own)), tone)
}

fn cluster(rooms: &[Room], queue: &ClusterQueueRow) -> Row {
    let free = sum(rooms, is_accelerator, |room| room.free);
    let borrowed = sum(rooms, is_accelerator, |room| room.borrowed);
    let free_tone = if free > 0 { Tone::Severity(Severity::Good) } else { Tone::Quiet };
    let cells = vec![
        Cell::text(queue.name.as_str(), Tone::Name),
        Cell::text(queue.cohort.as_ref().map_or("-", |name| name.as_str()), Tone::Quiet),
        Cell::count(u64::from(queue.pending)),
        Cell::count(u64::from(queue.reserving)),
        used(rooms, "gpu", is_accelerator),
        Cell::number(free, shown("gpu", free), free_tone),
        Cell::number(borrowed, if borrowed == 0 { "-".to_owned() } else { shown("gpu", borrowed) }, Tone::Plain),
        used(rooms, "cpu", |resource| resource == "cpu"),
        used(rooms, "memory", |resource| resource == "memory"),
        state(queue.stop, queue.inactive.as_ref().map(Clean::as_str)),
    ];
    Row { id: format!("cluster/{}", queue.name), depth: 0, cells, goes: Some(Goes::Line(queue.name.clone())) }
}

fn local(queue: &LocalQueueRow, depth: u8) -> Row {
    let of = |wanted: &dyn Fn(&str) -> bool| -> u64 {
        queue.used.iter().filter(|((_, resource), _)| wanted(resource.as_str())).map(|(_, n)| *n).sum()
    };
    let amount = |resource: &'static str, wanted: &dyn Fn(&str) -> bool| {
        let n = of(wanted);
        Cell::number(n, if n == 0 { "-".to_owned() } else { shown(resource, n) }, Tone::Plain)
    };
    let none = || Cell::number(0, "", Tone::Quiet);
    let name = format!("{}{}/{}", if depth > 0 { "  " } else { "" }, queue.namespace, queue.name);
    let cells = vec![
        Cell::text(name, if depth > 0 { Tone::Plain } else { Tone::Name }),
        if depth > 0 { none() } else { Cell::text(format!("in {}", queue.cluster_queue), Tone::Quiet) },
        Cell::count(u64::from(queue.pending)),
        Cell::count(u64::from(queue.reserving)),
        amount("gpu", &is_accelerator),
        none(),
        none(),
        amount("cpu", &|resource| resource == "cpu"),
        amount("memory", &|resource| resource == "memory"),
        state(queue.stop, queue.inactive.as_ref().map(Clean::as_str)),
    ];
    let filter = format!("{} {}", only("queue", queue.name.as_str()), only("ns", queue.namespace.as_str()));
    let id = format!("local/{}/{}", queue.namespace, queue.name);
    Row { id, depth, cells, goes: Some(Goes::Jobs(filter)) }
}

fn state(stop: Stop, inactive: Option<&str>) -> Cell {
    let (text, severity) = match (stop, inactive) {
        (Stop::Hold, _) => ("stopped", Severity::Warn),
        (Stop::Drain, _) => ("drained", Severity::Warn),
        (Stop::Open, Some(_)) => ("not active", Severity::Bad),
        (Stop::Open, None) => ("open", Severity::Good),
    };
    Cell::text(text, Tone::Severity(severity))
}

/// How a `ClusterQueue` stands by flavor, a line each; what it does to others comes last.
pub fn of_queue(queues: &Queues, name: &str) -> Vec<String> {
    let Some(queue) = queues.cluster(name) else { return Vec::new() };
    let mut rooms = rooms(queues, queue);
    // What queues are for comes first.
    rooms.sort_by_key(|room| !is_accelerator(room.cell.1.as_str()));
    let mut out: Vec<String> = rooms.iter().map(|room| flavor(queue, room)).collect();
    let policy = |text: &str| if text.is_empty() { "Never".to_owned() } else { text.to_owned() };
    let [within, reclaim, borrow] = &queue.preemption;
    let order = if queue.strict { "strictly in order" } else { "who fits may pass" };
    let share = queue.share.map_or_else(String::new, |share| format!(", share {share}"));
    out.push(format!(
        "{order}; preempts in the queue: {}, to take back what it lent: {}, while borrowing: {}; fair-share weight {}{share}",
        policy(within.as_str()),
        policy(reclaim.as_str()),
        policy(borrow.as_str()),
        shown("", queue.weight)
    ));
    out.extend(queue.inactive.as_ref().map(ToString::to_string));
    out
}

fn flavor(queue: &ClusterQueueRow, room: &Room) -> String {
    let (flavor, resource) = &room.cell;
    let amount = |n: u64| shown(resource.as_str(), n);
    let quota = queue.quotas.iter().find(|quota| quota.cell == room.cell);
    let limit =
        |word: &str, limit: Option<u64>| limit.map_or_else(String::new, |n| format!(", {word} at most {}", amount(n)));
    let limits = quota.map_or_else(String::new, |q| limit("borrows", q.borrowing) + &limit("lends", q.lending));
    let borrowed =
        if room.borrowed > 0 { format!(", {} of it borrowed", amount(room.borrowed)) } else { String::new() };
    format!(
        "{flavor} {}: {} of {} reserved{borrowed}, {} free, at most {}{limits}",
        short(resource.as_str()),
        amount(room.used),
        amount(room.nominal),
        amount(room.free),
        amount(room.most)
    )
}
