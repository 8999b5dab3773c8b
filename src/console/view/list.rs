//! The job list as cells: a line of counts, the filter, headings, and the visible rows. No more rows are looked at.

mod detail;
mod empty;
mod summary;

use ratatui::{buffer::Buffer, layout::Rect};

pub use summary::summary;

use crate::{
    console::{
        layout,
        model::{
            Model,
            list::grid,
            overlay::{Overlay, Purpose},
            session::{Phase, Scope},
        },
        theme::{Role, Theme},
        widgets::{
            table::{TableCell, put_cell},
            text::{cut, put, width},
        },
    },
    jobs::{
        columns::{ColumnId, Fitted, Tone, cell, cut as cut_text},
        filter::Subject,
        fleet::{JobKey, ListKey, ListOf, ListPhase},
    },
};

/// With fewer cells, causes are told in short, all of them, so that they read alike.
const WHOLE_CAUSE: u16 = 50;

/// Draws the list.
pub fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let areas = layout::list(area, model.list.has_filter_line());
    if areas.filter.height > 0 {
        draw_filter(model, theme, areas.filter, buf);
    }
    if model.list.order.is_empty() {
        let below = Rect { y: areas.heading.y, height: area.bottom().saturating_sub(areas.heading.y), ..area };
        empty::draw(model, theme, below, buf);
        return;
    }
    draw_heading(model, theme, areas.heading, buf);
    let stale = is_stale(model);
    for (y, key) in (areas.rows.y..areas.rows.bottom()).zip(model.list.visible()) {
        draw_row(model, theme, Rect { y, height: 1, ..areas.rows }, key, stale, buf);
    }
    detail::draw(model, theme, areas.detail, buf);
}

/// What is filtered for, how many that hides, and what of it was not understood.
fn draw_filter(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let list = &model.list;
    let attention = if list.attention { "Needs attention" } else { "" };
    let and = if list.attention && !list.filter.text.is_empty() { " and " } else { "" };
    let count = format!("{} of {} shown, {} hidden by filter", list.order.len(), list.order.total(), list.hidden());
    let room = area.width.saturating_sub(width(&count) + 2).max(12);
    let slash = if list.filter.text.is_empty() { "" } else { "/ " };
    let what = cut(&format!("{slash}{attention}{and}{}", list.filter.text), room, theme.ellipsis());
    let x = put(buf, area, area.x, area.y, &what, theme.style(Role::Title));
    let x = put(buf, area, x + 2, area.y, &count, theme.style(Role::Dim));
    // While one types, the hint stands beside the line.
    let typing =
        matches!(model.overlays.last(), Some(Overlay::Prompt(prompt)) if prompt.purpose == Purpose::ListFilter);
    if let Some(hint) = list.filter.hints.first().filter(|_| !typing) {
        let text = format!("at {}: {}", hint.span.start + 1, hint.text);
        let room = area.right().saturating_sub(x + 2);
        let role = if hint.partial { Role::Wait } else { Role::Warn };
        if room > 8 {
            put(buf, area, x + 2, area.y, &cut(&text, room, theme.ellipsis()), theme.style(role));
        }
    }
}

fn draw_heading(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let style = theme.style(Role::Heading);
    let sort = &model.list.columns.sort;
    let arrow = match (sort.descending, theme.ascii) {
        (false, false) => "↑",
        (true, false) => "↓",
        (false, true) => "^",
        (true, true) => "v",
    };
    let mut end = area.x;
    for (column, at) in model.list.placed() {
        let mut text = column.title_in(at.width);
        if sort.column == *column {
            text = format!("{}{arrow}", cut_text::end(&text, usize::from(at.width.saturating_sub(1)), theme.ascii));
        }
        let (x, width) = after_symbol(column, at);
        end = area.x + x + u16::try_from(cut_text::width(&text)).unwrap_or(width).min(width);
        let cell = TableCell { text: text.into(), style, align: column.spec().align, cut_middle: false };
        put_cell(buf, area, x, width, &cell, theme.ascii);
    }
    let more = format!("+{}", model.list.hidden_columns());
    let at = area.right().saturating_sub(width(&more));
    if model.list.hidden_columns() > 0 && at > end + 1 {
        put(buf, area, at, area.y, &more, theme.style(Role::Dim));
    }
}

/// A state's word and its heading stand after the symbol.
fn after_symbol(column: &ColumnId, at: Fitted) -> (u16, u16) {
    let symbol = grid::symbol(column).min(at.width);
    (at.x + symbol, at.width - symbol)
}

fn draw_row(model: &Model, theme: &Theme, row: Rect, key: &JobKey, stale: bool, buf: &mut Buffer) {
    let Some(job) = model.fleet.get(key) else { return };
    let selected = model.list.selected.as_ref() == Some(key);
    if selected {
        put(buf, row, row.x, row.y, theme.marker(), theme.style(Role::Marker));
    }
    if model.list.marks.contains(key) {
        put(buf, row, row.x + 1, row.y, "*", theme.style(Role::Marker));
    }
    let needs_pods = model.list.placed().any(|(column, _)| column.needs_pods());
    let pods = if needs_pods { model.fleet.pods(key) } else { Vec::new() };
    let subject = Subject { job, pods: &pods };
    for (column, at) in model.list.placed() {
        let cell = cell(column, subject, model.now);
        let style = match cell.tone {
            Tone::Name if selected => theme.style(Role::Selected),
            _ if stale => theme.style(Role::Stale),
            Tone::Name | Tone::Plain => theme.style(Role::Text),
            Tone::Quiet => theme.style(Role::Dim),
            Tone::Severity(severity) => theme.severity(severity),
        };
        if *column == ColumnId::State {
            put(buf, row, row.x + at.x, row.y, theme.symbol(&job.derived.state), style);
        }
        let (x, width) = after_symbol(column, at);
        let whole = match column {
            ColumnId::Cause => width >= WHOLE_CAUSE,
            _ => cut_text::width(&cell.text) <= usize::from(width),
        };
        let text = if whole { cell.text } else { cell.short.unwrap_or(cell.text) };
        let cell = TableCell { text, style, align: column.spec().align, cut_middle: column.is_told_by_its_end() };
        put_cell(buf, row, x, width, &cell, theme.ascii);
    }
}

/// Whether what is shown was read some time ago: the connection or a list of jobs is not to be had. The header says
/// since when.
fn is_stale(model: &Model) -> bool {
    let stale = |(key, phase): (&ListKey, &ListPhase)| {
        matches!(key.of, ListOf::Jobs(_)) && matches!(phase, ListPhase::Stale(..) | ListPhase::Error(_))
    };
    matches!(model.session.phase, Phase::Down(_)) || model.session.lists.iter().any(stale)
}

/// The scope in words, for texts about it.
fn scope_words(scope: &Scope) -> String {
    match scope {
        Scope::All => "any namespace".to_owned(),
        Scope::Named(names) if names.len() == 1 => format!("namespace {scope}"),
        Scope::Named(_) => format!("namespaces {scope}"),
    }
}
