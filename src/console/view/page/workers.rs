//! Tab Workers: a grid with a symbol for each replica, or a table with a line each; and one replica in full.

use ratatui::{buffer::Buffer, layout::Rect};

use super::overview::role_of;
use crate::{
    console::{
        model::page::{
            Fetched, Kept, WorkersModel,
            workers::{OpenReplica, Shape},
        },
        theme::{Role, Theme},
        widgets::{
            rich::{RichLine, draw_line, labelled, table},
            text::{cut, put},
        },
    },
    jobs::{
        Clean, PodRow, Secs, Sym,
        replica::Replica,
        row::{ContainerRow, ContainerState, Terminated},
        time::duration,
    },
};

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

/// The replicas in the order in which they are shown.
pub fn ordered<'a>(workers: &WorkersModel, job: &'a Kept) -> Vec<Replica<'a>> {
    let mut all = job.replicas();
    if workers.by_node {
        all.sort_by_key(|replica| node(replica).to_owned());
    }
    all
}

fn node<'a>(replica: &Replica<'a>) -> &'a str {
    replica.pod().and_then(|pod| pod.node.as_ref()).map_or("(no node)", |node| node.as_str())
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
    match workers.shape {
        Shape::Grid => draw_grid(workers, &all, theme, body, buf),
        Shape::Table => draw_table(workers, &all, now, theme, body, buf),
    }
    let detail = Rect { y: area.bottom() - 1, height: 1, ..area };
    if let Some(replica) = all.iter().find(|replica| Some(replica.id()) == workers.selected) {
        let line = detail_line(replica, now);
        let text = cut(&line, area.width, theme.ellipsis());
        put(buf, detail, detail.x, detail.y, &text, theme.style(role_of(replica.status().severity)));
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
        line.and("   ", Role::Text).and(format!("{symbol} {n} {}", status.word), role_of(status.severity))
    })
}

/// Draws the grid alone, from the line that `workers.top` says.
pub fn draw_grid(workers: &WorkersModel, all: &[Replica<'_>], theme: &Theme, area: Rect, buf: &mut Buffer) {
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
                    cell(workers, &all[*at], i, theme, Rect { y, height: 1, ..area }, buf);
                }
            }
        }
    }
}

fn cell(workers: &WorkersModel, replica: &Replica<'_>, i: usize, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let status = replica.status();
    let symbol = if theme.ascii { status.ascii() } else { status.symbol };
    let selected = workers.selected.as_ref().is_some_and(|id| *id == replica.id());
    let x = area.x.saturating_add(RULER).saturating_add(2 * i as u16);
    let style = theme.style(role_of(status.severity));
    if selected {
        let marker = if theme.ascii { "[" } else { "▐" };
        put(buf, area, x - 1, area.y, marker, theme.style(Role::Marker));
        put(buf, area, x, area.y, &symbol.to_string(), style.patch(theme.style(Role::Selected)));
    } else {
        put(buf, area, x, area.y, &symbol.to_string(), style);
    }
}

/// The rows of the table, a heading first.
pub fn table_lines(all: &[Replica<'_>], now: Secs, columns: u16) -> Vec<RichLine> {
    let head = ["REPLICA", "STATE", "READY", "RESTARTS", "GPUS", "AGE", "NODE", "POD"];
    let mut rows: Vec<Vec<(String, Role)>> = vec![head.iter().map(|h| ((*h).to_owned(), Role::Heading)).collect()];
    rows.extend(all.iter().map(|replica| table_row(replica, now)));
    // One line each: what does not fit is cut, not wrapped.
    table(2, &rows, columns.max(400))
}

fn table_row(replica: &Replica<'_>, now: Secs) -> Vec<(String, Role)> {
    let status = replica.status();
    let pod = replica.pod();
    let of = |f: &dyn Fn(&PodRow) -> String| pod.map_or_else(|| "-".to_owned(), f);
    let ready = |pod: &PodRow| {
        let mains: Vec<_> = pod.containers.iter().filter(|c| !c.init).collect();
        format!("{}/{}", mains.iter().filter(|c| c.ready).count(), mains.len())
    };
    vec![
        (replica.title(), Role::Text),
        (status.word.to_string(), role_of(status.severity)),
        (of(&ready), Role::Text),
        (replica.restarts().to_string(), if replica.restarts() > 0 { Role::Warn } else { Role::Text }),
        (of(&|pod| pod.requests.gpus.to_string()), Role::Text),
        (of(&|pod| duration(now.since(pod.created))), Role::Dim),
        (of(&|pod| pod.node.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)), Role::Text),
        (of(&|pod| pod.name.to_string()), Role::Dim),
    ]
}

fn draw_table(workers: &WorkersModel, all: &[Replica<'_>], now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = table_lines(all, now, area.width);
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

fn detail_line(replica: &Replica<'_>, now: Secs) -> String {
    let status = replica.status();
    let Some(pod) = replica.pod() else { return format!("{}: {}", replica.title(), status.word) };
    let age = duration(now.since(pod.created));
    let gpus = if pod.requests.gpus > 0 { format!(", {} GPUs", pod.requests.gpus) } else { String::new() };
    let restarts = if replica.restarts() > 0 { format!(", {} restarts", replica.restarts()) } else { String::new() };
    format!("{}: {} on {}{gpus}{restarts}, {age} old, {}", replica.title(), status.word, node(replica), pod.name)
}

/// One replica in full: its attempts, containers, how they ended, events, and its pod's YAML.
pub fn open_lines(open: &OpenReplica, job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let all = job.replicas();
    let Some(replica) = all.iter().find(|replica| replica.id() == open.id) else {
        return vec![RichLine::of("This replica is gone.", Role::Warn)];
    };
    let status = replica.status();
    let mut out = vec![
        RichLine::of(replica.title(), Role::Title)
            .and("  ", Role::Text)
            .and(status.word.as_str(), role_of(status.severity)),
    ];
    if replica.attempts.is_empty() {
        out.push(RichLine::of("No pod was made for it yet.", Role::Dim));
    }
    for pod in replica.attempts.iter().rev() {
        out.push(RichLine::default());
        out.extend(pod_lines(pod, now, columns));
    }
    let about: Vec<_> = job.warnings.iter().filter(|w| replica.attempts.iter().any(|p| p.uid == w.about_uid)).collect();
    if !about.is_empty() {
        out.push(RichLine::default());
        out.push(RichLine::of("Warnings", Role::Title));
        for event in about {
            let text = format!(
                "{} ago, x{}: {}: {}",
                duration(now.since(event.last)),
                event.count,
                event.reason,
                event.message
            );
            out.extend(labelled("", 2, &text, Role::Warn, columns));
        }
    }
    out.push(RichLine::default());
    out.push(RichLine::of("Manifest of the pod", Role::Title));
    match &open.pod {
        Fetched::Ready(_) => out.extend(super::config::lines(&open.yaml)),
        Fetched::Failed(refusal) => {
            out.extend(labelled("", 2, refusal.what.as_str(), Role::Warn, columns));
            out.extend(labelled("", 2, refusal.hint.as_str(), Role::Dim, columns));
        }
        Fetched::Unasked | Fetched::Loading => out.push(RichLine::of("  reading ...", Role::Dim)),
    }
    out
}

fn pod_lines(pod: &PodRow, now: Secs, columns: u16) -> Vec<RichLine> {
    let mut out = Vec::new();
    let mut say = |label: &str, text: String, role: Role| {
        if !text.is_empty() {
            out.extend(labelled(label, 12, &text, role, columns));
        }
    };
    let shown = |text: Option<&str>| text.unwrap_or_default().to_owned();
    say("Pod", format!("{} ({} old)", pod.name, duration(now.since(pod.created))), Role::Text);
    say("Node", shown(pod.node.as_ref().map(Sym::as_str)), Role::Text);
    say("Phase", format!("{:?}{}", pod.phase, if pod.ready { ", ready" } else { "" }), Role::Text);
    say("Deleted", pod.deleting.map_or(String::new(), |at| format!("{} ago", duration(now.since(at)))), Role::Warn);
    say("Reason", shown(pod.reason.as_ref().map(Sym::as_str)), Role::Warn);
    say("Message", shown(pod.message.as_ref().map(Clean::as_str)), Role::Warn);
    say("Scheduling", pod.unscheduled.as_ref().map_or(String::new(), |(r, m)| format!("{r}: {m}")), Role::Warn);
    say("Disruption", shown(pod.disruption.as_ref().map(Sym::as_str)), Role::Warn);
    say("Unreadable", shown(pod.warning.as_ref().map(Clean::as_str)), Role::Warn);
    for container in &pod.containers {
        out.extend(container_lines(container, now, columns));
    }
    out
}

fn container_lines(container: &ContainerRow, now: Secs, columns: u16) -> Vec<RichLine> {
    let kind = if container.init { "Init" } else { "Container" };
    let restarts = if container.restarts > 0 { format!(", {} restarts", container.restarts) } else { String::new() };
    let ready = if container.ready { ", ready" } else { "" };
    let (how, role) = match &container.state {
        None => ("not reported yet".to_owned(), Role::Dim),
        Some(ContainerState::Waiting { reason, message }) if message.is_empty() => {
            (format!("waiting: {reason}"), Role::Wait)
        }
        Some(ContainerState::Waiting { reason, message }) => (format!("waiting: {reason}: {message}"), Role::Warn),
        Some(ContainerState::Running(since)) => {
            let since = since.map_or(String::new(), |at| format!(" for {}", duration(now.since(at))));
            (format!("running{since}{ready}"), Role::Good)
        }
        Some(ContainerState::Terminated(end)) => {
            (ended(end, now), if end.exit_code == 0 { Role::Done } else { Role::Bad })
        }
    };
    let mut out = labelled(kind, 12, &format!("{}  {}", container.name, container.image), Role::Text, columns);
    out.extend(labelled("", 14, &format!("{how}{restarts}"), role, columns));
    if let Some(last) = &container.last {
        out.extend(labelled("", 14, &format!("before that: {}", ended(last, now)), Role::Warn, columns));
    }
    out
}

fn ended(end: &Terminated, now: Secs) -> String {
    let ago = end.finished.map_or(String::new(), |at| format!(" {} ago", duration(now.since(at))));
    let ran = match (end.started, end.finished) {
        (Some(from), Some(to)) => format!(" after {}", duration(to.since(from))),
        _ => String::new(),
    };
    let message = if end.message.is_empty() { String::new() } else { format!(": {}", end.message) };
    format!("exit {} {}{ran}{ago}{message}", end.exit_code, end.reason)
}
