//! Tab Logs as cells: what is followed and how, and the visible lines.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::{
    console::{
        model::page::logs::{Flow, LogsModel, Stamps},
        theme::{Role, Theme},
        widgets::{
            rich::{RichLine, draw_line},
            text::{cut, put, width},
        },
    },
    jobs::{Secs, quantity::format_bytes, time::duration},
    logs::{Line, LineSpan},
};

/// The line above the log: target, how far back, whether it moves, what it costs.
pub fn summary(logs: &LogsModel) -> RichLine {
    let Some(target) = &logs.target else { return RichLine::of("No pod to read a log of yet.", Role::Dim) };
    let window = &logs.window;
    let previous = if target.previous { ", previous run" } else { "" };
    let mut line = RichLine::of(format!("{}/{}{previous}", target.pod, target.container), Role::Title)
        .and(format!("  {}", target.past.title()), Role::Dim);
    line = if logs.paused { line.and("  paused", Role::Warn) } else { line.and("  following", Role::Good) };
    let (role, flow) = match &window.flow {
        Flow::Open => (Role::Dim, String::new()),
        Flow::Opening => (Role::Wait, "  opening ...".to_owned()),
        Flow::Waiting(why) => (Role::Wait, format!("  {why}")),
        Flow::Ended => (Role::Done, "  ended".to_owned()),
        Flow::Refused(refusal) => (Role::Warn, format!("  {}", refusal.what)),
    };
    line = line.and(flow, role);
    let kept = window.end - window.first;
    line = line.and(
        format!("  {kept} lines, {} of {}", format_bytes(window.bytes as u64), format_bytes(window.max_bytes as u64)),
        Role::Dim,
    );
    if window.first > 0 {
        line = line.and(format!(", {} older dropped", window.first), Role::Warn);
    }
    line
}

/// Draws the visible lines; following, the newest is at the bottom.
pub fn draw(logs: &LogsModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.height == 0 || area.width == 0 {
        return;
    }
    if logs.window.lines.is_empty() {
        draw_empty(logs, theme, area, buf);
        return;
    }
    let rows: Vec<Row<'_>> = rows(logs, now, area.width);
    let skip = if logs.paused { 0 } else { rows.len().saturating_sub(usize::from(area.height)) };
    for (row, y) in rows.iter().skip(skip).zip(area.y..area.bottom()) {
        draw_row(logs, row, theme, Rect { y, height: 1, ..area }, buf);
    }
}

fn draw_empty(logs: &LogsModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = match &logs.window.flow {
        Flow::Refused(refusal) => vec![(refusal.what.to_string(), Role::Warn), (refusal.hint.to_string(), Role::Dim)],
        Flow::Waiting(why) => vec![(why.to_string(), Role::Wait)],
        Flow::Ended => vec![("The log is empty.".to_owned(), Role::Dim)],
        Flow::Open | Flow::Opening => vec![("No line yet.".to_owned(), Role::Dim)],
    };
    for ((text, role), y) in lines.into_iter().zip(area.y..area.bottom()) {
        put(buf, area, area.x, y, &cut(&text, area.width, theme.ellipsis()), theme.style(role));
    }
}

/// A row of the screen: a stretch of a line, with its time before the first one.
struct Row<'a> {
    number: u64,
    line: &'a Line,
    stamp: String,
    from: usize,
    to: usize,
}

fn rows(logs: &LogsModel, now: Secs, columns: u16) -> Vec<Row<'_>> {
    let mut out = Vec::new();
    for (number, line) in (logs.window.top..).zip(&logs.window.lines) {
        let stamp = stamp(logs.stamps, line, now);
        let room = columns.saturating_sub(width(&stamp)).max(1);
        let text = line.text.as_str();
        if !logs.wrap {
            let from = byte_at(text, logs.left);
            out.push(Row { number, line, stamp, from, to: text.len() });
            continue;
        }
        let (mut from, mut stamp) = (0, stamp);
        loop {
            let to = from + byte_at(&text[from..], room).max(text[from..].chars().next().map_or(0, char::len_utf8));
            let blank = " ".repeat(usize::from(width(&stamp)));
            out.push(Row { number, line, stamp: std::mem::replace(&mut stamp, blank), from, to });
            from = to;
            if from >= text.len() {
                break;
            }
        }
    }
    out
}

/// The byte at which column `columns` begins (or the end).
fn byte_at(text: &str, columns: u16) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            return at;
        }
    }
    text.len()
}

fn stamp(stamps: Stamps, line: &Line, now: Secs) -> String {
    match (stamps, line.at) {
        (Stamps::Off, _) => String::new(),
        (_, None) => " ".repeat(9),
        (Stamps::Relative, Some(at)) => format!("{:>7}  ", duration(now.since(at.secs()))),
        (Stamps::Absolute, Some(at)) => format!("{} ", &at.to_string()[11..23.min(at.to_string().len())]),
    }
}

fn draw_row(logs: &LogsModel, row: &Row<'_>, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let x = put(buf, area, area.x, area.y, &row.stamp, theme.style(Role::Dim));
    let text = row.line.text.as_str();
    let shown = &text[row.from..row.to];
    let plain = if logs.hit == Some(row.number) { Role::Selected } else { Role::Text };
    let end = put(buf, area, x, area.y, shown, theme.style(plain));
    if !logs.wrap && width(shown) > area.right().saturating_sub(x) {
        put(buf, area, area.right() - 1, area.y, theme.ellipsis(), theme.style(Role::Dim));
    }
    for span in &row.line.spans {
        let style = look(span, theme);
        paint(buf, area, x, row, span.start as usize..span.end as usize, style);
    }
    if let Some(search) = &logs.search {
        for hit in search.hits(text) {
            paint(buf, area, x, row, hit, theme.style(Role::Match));
        }
    }
    debug_assert!(end <= area.right());
}

/// Gives a byte range of the line its look, as far as it is in this row.
fn paint(buf: &mut Buffer, area: Rect, x: u16, row: &Row<'_>, range: std::ops::Range<usize>, style: Style) {
    let (from, to) = (range.start.max(row.from), range.end.min(row.to));
    if from < to {
        let text = row.line.text.as_str();
        let at = x.saturating_add(width(&text[row.from..from]));
        put(buf, area, at, area.y, &text[from..to], style);
    }
}

fn look(span: &LineSpan, theme: &Theme) -> Style {
    theme.sgr(span.look.fg, span.look.bold, span.look.underline)
}

/// Draws the newest lines in a corner of another tab, under a heading.
pub fn draw_tail(logs: &LogsModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let title = logs.target.as_ref().map_or_else(|| "Log".to_owned(), |t| format!("Log of {}", t.pod));
    draw_line(&RichLine::of(title, Role::Title), None, area, buf, theme);
    draw(logs, now, theme, Rect { y: area.y + 1, height: area.height - 1, ..area }, buf);
}
