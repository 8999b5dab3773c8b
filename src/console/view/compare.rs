//! Runs side by side as cells: a column each, the baseline and the selected one marked.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    console::{
        layout,
        model::{Model, compare::CompareModel},
        theme::{Role, Theme},
        widgets::{
            frame::frame,
            rich::{self, RichLine},
            text::{cut, wrap},
        },
    },
    jobs::{
        columns::Tone,
        compare::{Run, Sheet},
    },
};

/// Lines above the table: names of namespaces, of runs.
pub const HEAD: u16 = 2;
/// Columns of what is compared.
const LABEL: u16 = 15;
/// A run has at least and at most so many.
const COLUMN: (u16, u16) = (19, 34);

/// The comparison that is open.
pub fn sheet<'a>(model: &Model, open: &CompareModel, runs: &'a [Run]) -> Sheet<'a> {
    Sheet { runs, base: open.base.min(runs.len().saturating_sub(1)), goals: model.goals }
}

/// Columns inside the frame.
fn columns(model: &Model) -> u16 {
    layout::regions(model.size).body.width.saturating_sub(4)
}

/// Places of the runs that there is room for, the selected one among them, and columns of each.
fn shown(open: &CompareModel, count: usize, columns: u16) -> (std::ops::Range<usize>, u16) {
    let rest = columns.saturating_sub(LABEL).max(COLUMN.0);
    let fits = usize::from(rest / COLUMN.0).clamp(1, count.max(1));
    let wide = (rest / fits as u16).min(COLUMN.1);
    let from = (open.at + 1).saturating_sub(fits).min(count.saturating_sub(fits));
    (from..(from + fits).min(count), wide)
}

/// All lines below the head.
pub fn lines(model: &Model, open: &CompareModel) -> Vec<RichLine> {
    let runs = open.runs(&model.fleet, model.now);
    let (sheet, columns) = (sheet(model, open, &runs), columns(model));
    let (range, wide) = shown(open, runs.len(), columns);
    let mut out = Vec::new();
    for row in sheet.rows() {
        let mut line = RichLine::of(row.title, Role::Label).pad_to(LABEL);
        for (nth, cell) in row.cells[range.clone()].iter().enumerate() {
            let text = if cell.text.is_empty() { "-" } else { &cell.text };
            let role = if cell.text.is_empty() { Role::Dim } else { role(cell.tone) };
            let text = cut(text, wide - 2, ellipsis(model));
            line = line.and(text, role).pad_to(LABEL + wide * (nth as u16 + 1));
        }
        out.push(line);
    }
    out.push(RichLine::default());
    let waits = open.wanted.len();
    let reading = (waits > 0).then(|| format!("reading {waits} more ..."));
    for note in sheet.notes().into_iter().chain(reading) {
        out.extend(wrap(&note, columns).into_iter().map(|part| RichLine::of(part, Role::Dim)));
    }
    out
}

const fn ellipsis(model: &Model) -> &'static str {
    if model.ascii { "~" } else { "…" }
}

const fn role(tone: Tone) -> Role {
    match tone {
        Tone::Name => Role::Title,
        Tone::Plain => Role::Text,
        Tone::Quiet => Role::Dim,
        Tone::Severity(severity) => Role::of(severity),
    }
}

/// Namespaces above, names below them; the selected one marked, the baseline named.
fn head(model: &Model, open: &CompareModel, runs: &[Run], theme: &Theme) -> [RichLine; HEAD as usize] {
    let base = sheet(model, open, runs).base;
    let (range, wide) = shown(open, runs.len(), columns(model));
    let hidden = runs.len() - range.len();
    let more = if hidden > 0 { format!("+{hidden} runs") } else { String::new() };
    let mut above = RichLine::of(more, Role::Dim).pad_to(LABEL);
    let mut names = RichLine::default();
    for (nth, at) in range.enumerate() {
        let (run, end) = (&runs[at], LABEL + wide * (nth as u16 + 1));
        let kind = match (at == base, run.recorded) {
            (true, true) => "baseline, record",
            (true, false) => "baseline",
            (false, true) => "record",
            (false, false) => "",
        };
        let name = |text: &str, room| cut(text, room, theme.ellipsis());
        let space = if kind.is_empty() { run.namespace.to_string() } else { format!("{} ({kind})", run.namespace) };
        above = above.and(name(&space, wide - 2), Role::Dim).pad_to(end);
        let is_selected = at == open.at;
        let mark = if is_selected { theme.marker() } else { " " };
        let role = if is_selected { Role::Selected } else { Role::Title };
        names = names.pad_to(end - wide - 1).and(mark, Role::Marker).and(name(run.name.as_str(), wide - 2), role);
    }
    [above, names]
}

/// Draws it over the whole body.
pub fn draw(model: &Model, open: &CompareModel, theme: &Theme, body: Rect, buf: &mut Buffer) {
    let inner = frame("Compare", theme, body, buf);
    let runs = open.runs(&model.fleet, model.now);
    rich::draw(&head(model, open, &runs, theme), 0, None, inner, buf, theme);
    let below = Rect { y: inner.y + HEAD.min(inner.height), height: inner.height.saturating_sub(HEAD), ..inner };
    rich::draw(&lines(model, open), open.top, None, below, buf, theme);
}
