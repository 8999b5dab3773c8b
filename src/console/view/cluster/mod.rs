//! The views of the cluster as cells: a line of tabs, a table with more about its selected row, or the overview.

mod about;
mod overview;

pub use overview::Line;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::{
    console::{
        commands::{ClusterCommand, CommandId, Context},
        layout,
        model::{
            Model,
            cluster::{ClusterModel, ClusterView},
            survey::OLD,
        },
        theme::{Role, Theme},
        widgets::{
            rich::{self, RichLine},
            table::{TableCell, put_cell},
            text::{cut, put, width},
        },
    },
    jobs::{
        boards::{Cell, Column, Mark, Row},
        columns::{Fitted, Tone, fit},
        time::duration,
    },
};

/// Cells before the first column.
const GUTTER: u16 = 2;

/// What the header's second line says.
pub fn breadcrumb(cluster: &ClusterModel) -> String {
    let line = cluster.line.as_ref().map_or_else(String::new, |queue| format!(" > waiting in {queue}"));
    let rows = cluster.table.rows.len();
    let is_text = cluster.view == ClusterView::Overview;
    let place = if rows == 0 || is_text { String::new() } else { format!("  {} of {rows}", cluster.spot().at + 1) };
    format!("Cluster > {}{line}{place}", cluster.view.title())
}

/// The lines of the overview, if that is what is open.
pub fn overview_lines(model: &Model) -> Option<Vec<Line>> {
    let cluster = model.cluster.as_ref().filter(|cluster| cluster.view == ClusterView::Overview)?;
    Some(overview::lines(model, cluster, model.size.width.saturating_sub(GUTTER)))
}

/// Draws the open view.
pub fn draw(model: &Model, cluster: &ClusterModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let areas = layout::cluster(area);
    draw_tabs(model, cluster, theme, areas.tabs, buf);
    if let Some(lines) = overview_lines(model) {
        let below = Rect { height: area.bottom().saturating_sub(areas.heading.y), ..areas.heading };
        overview::draw(&lines, cluster.spot(), theme, below, buf);
        return;
    }
    if cluster.table.rows.is_empty() {
        draw_empty(model, cluster, theme, areas.heading, area, buf);
        return;
    }
    draw_table(cluster, theme, areas, buf);
    let lines = about::lines(cluster, theme, areas.about.width, usize::from(areas.about.height));
    about::draw(&lines, theme, areas.about, buf);
}

fn draw_tabs(model: &Model, cluster: &ClusterModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (text, role) = freshness(model);
    let mut x = put(buf, area, area.x, area.y, "v ", theme.style(Role::Dim));
    let room = area.width.saturating_sub(width(&text) + 2);
    let wide = ClusterView::ALL.iter().map(|view| width(view.title()) + 4).sum::<u16>() <= room;
    for view in ClusterView::ALL {
        let open = view == cluster.view;
        let id = CommandId::Cluster(ClusterCommand::View(view));
        let keys = model.keys.map.key_in(&[Context::Cluster, Context::Any], id).unwrap_or_default();
        x = put(buf, area, x, area.y, keys.trim_start_matches("v "), theme.style(Role::Key));
        if wide || open {
            let role = if open { Role::Selected } else { Role::Dim };
            x = put(buf, area, x + 1, area.y, view.title(), theme.style(role));
        }
        x += if wide { 2 } else { 1 };
    }
    let text = cut(&text, area.right().saturating_sub(x), theme.ellipsis());
    put(buf, area, area.right().saturating_sub(width(&text)), area.y, &text, theme.style(role));
}

/// Whether what is shown is of now.
fn freshness(model: &Model) -> (String, Role) {
    match model.survey.at {
        None if model.survey.wanted.is_none() => ("not connected".to_owned(), Role::Warn),
        None => ("reading ...".to_owned(), Role::Wait),
        Some(at) if model.now.since(at) > OLD => (format!("as of {} ago", duration(model.now.since(at))), Role::Stale),
        Some(_) => (String::new(), Role::Dim),
    }
}

fn draw_empty(model: &Model, cluster: &ClusterModel, theme: &Theme, from: Rect, area: Rect, buf: &mut Buffer) {
    let mut lines = Vec::new();
    let says = match (model.survey.at.is_some(), cluster.view, &cluster.line) {
        (false, ..) => "",
        (true, ClusterView::Queues, Some(_)) => "Nobody waits in this queue.",
        (true, ClusterView::Queues, None) => "There are no queues: Kueue is not installed here, or you may not see it.",
        (true, ..) => "There is nothing to show.",
    };
    lines.push(RichLine::of(says, Role::Dim));
    lines.extend(about::unread(cluster, area.width));
    let below = Rect { y: from.y, height: area.bottom().saturating_sub(from.y), ..area };
    rich::draw(&lines, 0, None, below, buf, theme);
}

fn cells_of(cell: &Cell) -> u16 {
    if cell.strip.is_empty() { width(&cell.text) } else { u16::try_from(cell.strip.len()).unwrap_or(u16::MAX) }
}

fn places(cluster: &ClusterModel, columns: u16) -> Vec<Fitted> {
    let table = &cluster.table;
    let widest = |at: usize, column: &Column| {
        let cells = table.rows.iter().filter_map(|row| row.cells.get(at)).map(cells_of);
        cells.max().unwrap_or(0).max(width(column.title))
    };
    // A column that says nothing takes no room.
    let says = |at: usize| {
        table.rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !matches!(cell.text.as_str(), "" | "-")))
    };
    let shown: Vec<usize> =
        (0..table.columns.len()).filter(|at| says(*at) || table.columns[*at].gives_way == 0).collect();
    let wanted: Vec<_> = shown.iter().map(|at| table.columns[*at].wanted(widest(*at, &table.columns[*at]))).collect();
    let placed = fit(&wanted, columns.saturating_sub(GUTTER), 2);
    placed.into_iter().map(|at| Fitted { index: shown[at.index], ..at }).collect()
}

fn draw_table(cluster: &ClusterModel, theme: &Theme, areas: layout::ClusterAreas, buf: &mut Buffer) {
    let placed = places(cluster, areas.rows.width);
    let sorted = cluster.spot().sort;
    for at in &placed {
        let column = &cluster.table.columns[at.index];
        let role = if sorted.is_some_and(|(by, _)| by == at.index) { Role::Label } else { Role::Heading };
        let cell =
            TableCell { text: column.title.into(), style: theme.style(role), align: column.align, cut_middle: false };
        put_cell(buf, areas.heading, at.x + GUTTER, at.width, &cell, theme.ascii);
    }
    let rows = cluster.table.rows.iter().enumerate().skip(cluster.spot().top);
    for (y, (n, row)) in (areas.rows.y..areas.rows.bottom()).zip(rows) {
        let line = Rect { y, height: 1, ..areas.rows };
        draw_row(cluster, theme, row, n == cluster.spot().at, &placed, line, buf);
    }
}

fn draw_row(
    cluster: &ClusterModel,
    theme: &Theme,
    row: &Row,
    selected: bool,
    placed: &[Fitted],
    line: Rect,
    buf: &mut Buffer,
) {
    if selected {
        put(buf, line, line.x, line.y, theme.marker(), theme.style(Role::Marker));
    }
    for at in placed {
        let (Some(cell), column) = (row.cells.get(at.index), &cluster.table.columns[at.index]) else { continue };
        if !cell.strip.is_empty() {
            draw_strip(cell, theme, Rect { x: line.x + at.x + GUTTER, width: at.width, ..line }, buf);
            continue;
        }
        let style = match cell.tone {
            Tone::Name if selected => theme.style(Role::Selected),
            Tone::Plain if selected && at.index == 0 => theme.style(Role::Selected),
            tone => tone_style(theme, tone),
        };
        let text = cell.text.as_str().into();
        let cell = TableCell { text, style, align: column.align, cut_middle: at.index == 0 };
        put_cell(buf, line, at.x + GUTTER, at.width, &cell, theme.ascii);
    }
}

fn tone_style(theme: &Theme, tone: Tone) -> Style {
    match tone {
        Tone::Name | Tone::Plain => theme.style(Role::Text),
        Tone::Quiet => theme.style(Role::Dim),
        Tone::Severity(severity) => theme.severity(severity),
    }
}

/// Accelerators one by one, in the colours of their holders.
fn draw_strip(cell: &Cell, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut x = area.x;
    let mut text = [0; 4];
    for mark in &cell.strip {
        x = put(buf, area, x, area.y, mark.symbol.encode_utf8(&mut text), mark_style(theme, *mark));
    }
}

/// Six colours go round; the letter tells who is meant.
fn mark_style(theme: &Theme, mark: Mark) -> Style {
    const COLOURS: [u8; 6] = [2, 4, 3, 5, 6, 1];
    match (mark.series, mark.symbol) {
        (Some(series), _) => theme.sgr(Some(COLOURS[usize::from(series) % COLOURS.len()]), false, false),
        (None, 'x') => theme.style(Role::Bad),
        (None, _) => theme.style(Role::Dim),
    }
}
