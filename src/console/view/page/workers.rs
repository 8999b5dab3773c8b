//! Tab Workers: a grid with a symbol for each replica, or a table with a line each; below it the selected one.

use ratatui::{buffer::Buffer, layout::Rect};

use super::replica;
use crate::{
    console::{
        model::page::{Kept, WorkersModel, workers::Shape},
        theme::{Role, Theme},
        widgets::{
            rich::{self, RichLine, draw_line, heading, table},
            text::{cut, put},
        },
    },
    jobs::{Secs, quantity::counted, replica::Replica, state::Severity, time::duration, usage::Flag},
};

/// Lines that must be free below for the selected replica in full; else it has one.
const DETAIL: u16 = 7;
/// Columns of the index ruler at the left of the grid.
const RULER: u16 = 8;

/// Where a replica is in the grid, or a heading between groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridLine {
    /// Of a group: a role, or a node.
    Heading(String),
    /// Index of the first, and positions in the list of replicas.
    Cells(String, Vec<usize>),
}

/// Where a replica is that is nowhere yet.
const NO_NODE: &str = "(no node)";

/// The replicas in the order in which they are shown.
pub fn ordered<'a>(workers: &WorkersModel, job: &'a Kept) -> Vec<Replica<'a>> {
    let mut all = job.replicas();
    if workers.by_node {
        // Those that have none come last.
        all.sort_by_key(|replica| (node(replica) == NO_NODE, node(replica).to_owned()));
    }
    all
}

fn node<'a>(replica: &Replica<'a>) -> &'a str {
    replica.pod().and_then(|pod| pod.node.as_ref()).map_or(NO_NODE, |node| node.as_str())
}

/// Lays replicas out in lines of cells, ten or more of them in one, grouped by role or node.
pub fn grid(all: &[Replica<'_>], by_node: bool, columns: u16) -> Vec<GridLine> {
    let per_line = usize::from(columns.saturating_sub(RULER) / 2).max(1);
    let per_line = if per_line >= 10 { per_line / 10 * 10 } else { per_line };
    let group = |replica: &Replica<'_>| {
        if by_node { node(replica).to_owned() } else { replica.role.to_string() }
    };
    let (mut out, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let name = group(&all[at]);
        let len = all[at..].iter().take_while(|replica| group(replica) == name).count();
        out.push(GridLine::Heading(name));
        let positions: Vec<usize> = (at..at + len).collect();
        for line in positions.chunks(per_line.min(50)) {
            let index = all[line[0]].index.filter(|_| !by_node);
            out.push(GridLine::Cells(index.map_or(String::new(), |i| i.to_string()), line.to_vec()));
        }
        at += len;
    }
    out
}

/// Draws the tab.
pub fn draw(workers: &WorkersModel, job: &Kept, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let all = ordered(workers, job);
    draw_line(&legend(&all, theme.ascii), None, area, buf, theme);
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let shape = workers.shape(all.len());
    let used = match shape {
        Shape::Grid => grid(&all, workers.by_node, area.width).len(),
        Shape::Table => all.len() + 1,
    };
    match shape {
        Shape::Grid => draw_grid(workers, job, &all, theme, body, buf),
        Shape::Table => draw_table(workers, job, &all, now, theme, body, buf),
    }
    let Some(replica) = all.iter().find(|replica| Some(replica.id()) == workers.selected) else { return };
    let used = u16::try_from(used).unwrap_or(u16::MAX).saturating_add(1);
    if used.saturating_add(DETAIL) <= body.height {
        let detail = Rect { y: body.y + used, height: area.bottom() - body.y - used, ..area };
        rich::draw(&replica::lines(replica, job, now, area.width), 0, None, detail, buf, theme);
    } else {
        let detail = Rect { y: area.bottom() - 1, height: 1, ..area };
        let line = detail_line(replica, job, now);
        let text = cut(&line, area.width, theme.ellipsis());
        put(buf, detail, detail.x, detail.y, &text, theme.style(Role::of(replica.status().severity)));
    }
}

/// What each symbol means and how many there are of it, worst first.
pub fn legend(all: &[Replica<'_>], ascii: bool) -> RichLine {
    let mut counts: Vec<(crate::jobs::replica::ReplicaStatus, usize)> = Vec::new();
    for status in all.iter().map(Replica::status) {
        match counts.iter_mut().find(|(known, _)| *known == status) {
            Some((_, n)) => *n += 1,
            None => counts.push((status, 1)),
        }
    }
    counts.sort_by_key(|(status, _)| status.severity);
    let start = RichLine::of(format!("{} replicas", all.len()), Role::Dim);
    counts.into_iter().fold(start, |line, (status, n)| {
        let symbol = if ascii { status.ascii() } else { status.symbol };
        line.and("   ", Role::Text).and(format!("{symbol} {n} {}", status.word), Role::of(status.severity))
    })
}

/// Draws what stands beside the Overview: a table while its rows fit, else the grid.
pub fn draw_beside(workers: &WorkersModel, job: &Kept, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let all = ordered(workers, job);
    draw_line(&legend(&all, theme.ascii), None, area, buf, theme);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if all.len() >= usize::from(below.height) {
        draw_grid(workers, job, &all, theme, below, buf);
        return;
    }
    let lines = table_lines(&all, job, workers.by_node, now, below.width);
    rich::draw(&lines, 0, None, below, buf, theme);
}

/// Draws the grid alone, from the line that `workers.top` says.
pub fn draw_grid(workers: &WorkersModel, job: &Kept, all: &[Replica<'_>], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = grid(all, workers.by_node, area.width);
    for (line, y) in lines.iter().skip(workers.top).zip(area.y..area.bottom()) {
        match line {
            GridLine::Heading(text) => {
                let text = cut(text, area.width, theme.ellipsis());
                put(buf, area, area.x, y, &text, theme.style(Role::Label));
            }
            GridLine::Cells(index, positions) => {
                put(buf, area, area.x, y, &format!("{index:>6}"), theme.style(Role::Dim));
                for (i, at) in positions.iter().enumerate() {
                    cell(workers, job, &all[*at], i, theme, Rect { y, height: 1, ..area }, buf);
                }
            }
        }
    }
}

fn cell(
    workers: &WorkersModel,
    job: &Kept,
    replica: &Replica<'_>,
    i: usize,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let status = replica.status();
    // What is odd about one that is well otherwise stands in its place.
    let odd = job.flags(replica).next().filter(|_| status.severity == Severity::Good);
    let own = if theme.ascii { status.ascii() } else { status.symbol };
    let symbol = odd.map_or(own, Flag::symbol);
    let severity = odd.map_or(status.severity, Flag::severity);
    let selected = workers.selected.as_ref().is_some_and(|id| *id == replica.id());
    let x = area.x.saturating_add(RULER).saturating_add(2 * i as u16);
    let style = theme.style(Role::of(severity));
    if selected {
        let marker = if theme.ascii { "[" } else { "▐" };
        put(buf, area, x - 1, area.y, marker, theme.style(Role::Marker));
        put(buf, area, x, area.y, &symbol.to_string(), style.patch(theme.style(Role::Selected)));
    } else {
        put(buf, area, x, area.y, &symbol.to_string(), style);
    }
}

/// Where the node is in a row of the table.
const NODE: usize = 6;

/// The rows of the table, a heading first.
pub fn table_lines(all: &[Replica<'_>], job: &Kept, by_node: bool, now: Secs, columns: u16) -> Vec<RichLine> {
    if all.iter().all(|replica| replica.attempts.is_empty()) {
        return waiting_lines(all, job, columns);
    }
    let head = ["REPLICA", "STATE", "READY", "RESTARTS", "GPUS", "AGE", "NODE", "POD"];
    let mut rows: Vec<Vec<(String, Role)>> = vec![head.iter().map(|h| ((*h).to_owned(), Role::Heading)).collect()];
    rows.extend(all.iter().map(|replica| table_row(replica, job, now)));
    let mut lines = arranged(rows.clone(), all, by_node);
    if lines.iter().any(|line| line.width() > columns) {
        // What all names begin with tells nothing apart.
        for row in &mut rows {
            if let Some((pod, _)) = row.last_mut()
                && let Some(rest) = pod.strip_prefix(job.row.name.as_str()).filter(|rest| rest.starts_with('-'))
            {
                *pod = format!("..{rest}");
            }
        }
        lines = arranged(rows, all, by_node);
    }
    lines
}

/// The rows as lines, the node first where replicas are grouped by it.
fn arranged(mut rows: Vec<Vec<(String, Role)>>, all: &[Replica<'_>], by_node: bool) -> Vec<RichLine> {
    if by_node {
        for row in &mut rows {
            row[1..=NODE].rotate_right(1);
        }
        // Of a node's replicas the first names it.
        for at in (1..all.len()).rev().filter(|at| node(&all[*at]) == node(&all[at - 1])) {
            rows[at + 1][1].0.clear();
        }
    }
    // One line each: what does not fit is cut, not wrapped.
    table(2, &rows, 400)
}

/// The table while no replica has a pod: what each is to have, and what it waits for.
fn waiting_lines(all: &[Replica<'_>], job: &Kept, columns: u16) -> Vec<RichLine> {
    let mut rows = vec![heading(&["REPLICA", "STATE", "GPUS", "WHY NO POD"])];
    rows.extend(all.iter().map(|replica| {
        let (status, role) = (replica.status(), replica.role.as_str());
        vec![
            (replica.title(), Role::Text),
            (status.word.to_string(), Role::of(status.severity)),
            (gpus_asked(job, role).to_string(), Role::Text),
            (job.absence(role).brief.to_owned(), Role::Dim),
        ]
    }));
    table(2, &rows, columns.max(400))
}

/// Accelerators that one pod of a role is to have.
fn gpus_asked(job: &Kept, role: &str) -> u32 {
    let spec = job.row.replicas.iter().find(|spec| spec.role.as_str().eq_ignore_ascii_case(role));
    spec.map_or(0, |spec| spec.each.gpus)
}

fn table_row(replica: &Replica<'_>, job: &Kept, now: Secs) -> Vec<(String, Role)> {
    let status = replica.status();
    let Some(pod) = replica.pod() else {
        let blank = || (String::new(), Role::Text);
        let role = replica.role.as_str();
        return vec![
            (replica.title(), Role::Text),
            (status.word.to_string(), Role::of(status.severity)),
            blank(),
            blank(),
            (gpus_asked(job, role).to_string(), Role::Dim),
            blank(),
            blank(),
            (job.absence(role).brief.to_owned(), Role::Dim),
        ];
    };
    let mains: Vec<_> = pod.containers.iter().filter(|c| !c.init).collect();
    let ready = format!("{}/{}", mains.iter().filter(|c| c.ready).count(), mains.len());
    let node = pod.node.as_ref().map_or_else(|| "none yet".to_owned(), ToString::to_string);
    let odd = job.flags(replica).next().filter(|_| status.severity == Severity::Good);
    let state = odd.map_or_else(|| status.word.to_string(), |flag| format!("{}, {}", status.word, flag.word()));
    let severity = odd.map_or(status.severity, Flag::severity);
    vec![
        (replica.title(), Role::Text),
        (state, Role::of(severity)),
        (ready, Role::Text),
        (replica.restarts().to_string(), if replica.restarts() > 0 { Role::Warn } else { Role::Text }),
        (pod.requests.gpus.to_string(), Role::Text),
        (duration(now.since(pod.created)), Role::Dim),
        (node, Role::Text),
        (pod.name.to_string(), Role::Dim),
    ]
}

fn draw_table(
    workers: &WorkersModel,
    job: &Kept,
    all: &[Replica<'_>],
    now: Secs,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let lines = table_lines(all, job, workers.by_node, now, area.width);
    let Some((head, rows)) = lines.split_first() else { return };
    draw_line(head, None, area, buf, theme);
    let search = workers.search.search.as_ref();
    for ((line, replica), y) in rows.iter().zip(all).skip(workers.top).zip(area.y + 1..area.bottom()) {
        let row = Rect { y, height: 1, ..area };
        draw_line(line, search, row, buf, theme);
        if workers.selected.as_ref().is_some_and(|id| *id == replica.id()) {
            put(buf, row, row.x, y, theme.marker(), theme.style(Role::Marker));
            put(buf, row, row.x + 2, y, &replica.title(), theme.style(Role::Selected));
        }
    }
}

fn detail_line(replica: &Replica<'_>, job: &Kept, now: Secs) -> String {
    let status = replica.status();
    let Some(pod) = replica.pod() else {
        return format!("{}: {}. {}", replica.title(), status.word, job.absence(replica.role.as_str()).why);
    };
    let age = duration(now.since(pod.created));
    let gpus =
        if pod.requests.gpus > 0 { format!(", {}", counted(pod.requests.gpus.into(), "GPU")) } else { String::new() };
    let restarts = if replica.restarts() > 0 {
        format!(", {}", counted(replica.restarts().into(), "restart"))
    } else {
        String::new()
    };
    let odd = job.flags(replica).fold(String::new(), |odd, flag| odd + &format!(", {flag}"));
    format!("{}: {} on {}{gpus}{restarts}, {age} old, {}{odd}", replica.title(), status.word, node(replica), pod.name)
}
