//! Users: whose jobs hold what, and by what that is known.

use super::{Cell, Column, Goes, Row, Table, only, whys};
use crate::jobs::{
    capacity::{SpaceRow, UserUse, users as counted},
    columns::Tone,
    fleet::Fleet,
    part::Part,
    state::Severity,
    text::Sym,
};

static COLUMNS: &[Column] = &[
    Column::words("USER", 0, "whoever made the jobs"),
    Column::number("GPUS", 0, "GPUs that their pods hold"),
    Column::number("LEAKED", 0, "of them held by jobs that have ended"),
    Column::number("JOBS", 0, "jobs in scope"),
    Column::number("RUN", 1, "of them at work"),
    Column::number("WAIT", 1, "of them waiting"),
    Column::number("FAILED", 2, "of them failed"),
    Column::words("NAMESPACES", 4, "where they are"),
    Column::words("KNOWN BY", 0, "what says who made them"),
];

/// All users of the jobs in scope.
pub fn users(fleet: &Fleet, spaces: &Part<SpaceRow>) -> Table {
    let rows = counted(fleet, &spaces.rows).iter().map(row).collect();
    // Only OpenShift writes down who asked for a namespace; elsewhere nothing is missing.
    Table { columns: COLUMNS, rows, legend: Vec::new(), unread: whys([&spaces.unread]) }
}

fn row(user: &UserUse) -> Row {
    let [jobs, running, waiting, failed] = user.jobs.map(u64::from);
    let words = |all: &[Sym]| all.iter().map(Sym::as_str).collect::<Vec<_>>().join(",");
    let leaked = match u64::from(user.leaked) {
        0 => Cell::count(0),
        n => Cell::number(n, n.to_string(), Tone::Severity(Severity::Warn)),
    };
    let name = user.name.as_ref().map_or("(nobody named)", |name| name.as_str());
    let by_jobs = user.by.iter().any(|by| by.as_str().starts_with("annotation") || by.as_str().starts_with("label"));
    let filter = match (&user.name, by_jobs) {
        (Some(name), true) => only("user", name.as_str()),
        (Some(_), false) => {
            format!("ns:{}", user.namespaces.iter().map(|n| format!("={n}")).collect::<Vec<_>>().join(","))
        }
        (None, _) => "user:\"\"".to_owned(),
    };
    let cells = vec![
        Cell::text(name, Tone::Name),
        Cell::count(u64::from(user.gpus)),
        leaked,
        Cell::count(jobs),
        Cell::count(running),
        Cell::count(waiting),
        Cell::count(failed),
        Cell::text(words(&user.namespaces), Tone::Quiet),
        Cell::text(words(&user.by), Tone::Quiet),
    ];
    Row { id: name.to_owned(), depth: 0, cells, goes: Some(Goes::Jobs(filter)) }
}
