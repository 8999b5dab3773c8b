//! Lines of a log as cells: whose they are before them, their tags taken away, their kinds and hits made visible.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::{
    console::{
        model::page::logs::{LogsModel, Shown, Stamps},
        theme::{Role, Theme},
        widgets::text::{cut, put, width},
    },
    jobs::{Secs, time::duration},
    logs::{Line, LineKind, SourceId, Stream, Who},
};

/// Columns of a writer's name at most.
const NAME: u16 = 12;

/// A row of the screen: a stretch of a line, with what stands before the first one.
struct Row<'a> {
    shown: &'a Shown,
    before: String,
    from: usize,
    to: usize,
}

/// Draws lines; following, the newest is at the bottom.
pub(super) fn draw(logs: &LogsModel, lines: &[Shown], now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let names = Names::of(logs, lines);
    let rows: Vec<Row<'_>> =
        lines.iter().flat_map(|shown| rows(logs, shown, names.before(logs, shown, now, theme), area.width)).collect();
    let skip = if logs.window.paused { 0 } else { rows.len().saturating_sub(usize::from(area.height)) };
    for (row, y) in rows.iter().skip(skip).zip(area.y..area.bottom()) {
        draw_row(logs, row, theme, Rect { y, height: 1, ..area }, buf);
    }
}

/// How much room names of writers take.
struct Names {
    columns: u16,
    marks: bool,
}

impl Names {
    fn of(logs: &LogsModel, lines: &[Shown]) -> Self {
        let view = &logs.choice.view;
        let several = logs.window.ranks_heard > 1 || logs.window.streams.len() > 1;
        let one = view.ranks.len() + logs.choice.streams.len() == 1 && logs.second.is_none();
        let columns = lines.iter().filter(|_| several && !one).map(|shown| width(&name(logs, &shown.line))).max();
        Self { columns: columns.unwrap_or(0).min(NAME), marks: lines.iter().any(|shown| shown.marked) }
    }

    /// What stands before a line: its mark, its writer, its time.
    fn before(&self, logs: &LogsModel, shown: &Shown, now: Secs, theme: &Theme) -> String {
        let mut before = String::new();
        if self.marks {
            before.push_str(if shown.marked { "* " } else { "  " });
        }
        if shown.line.kind == LineKind::Notice {
            return before;
        }
        if self.columns > 0 {
            let name = cut(&name(logs, &shown.line), self.columns, theme.ellipsis());
            let pad = usize::from(self.columns.saturating_sub(width(&name)));
            before.extend(std::iter::repeat_n(' ', pad));
            before.push_str(&name);
            before.push_str(if shown.line.stream == Some(Stream::Err) { "! " } else { "  " });
        }
        before.push_str(&stamp(logs.stamps, &shown.line, now));
        before
    }
}

/// A writer in a few letters: `r3`, `Worker 2`.
fn name(logs: &LogsModel, line: &Line) -> String {
    let title = |SourceId(nth): SourceId| logs.window.streams.get(usize::from(nth)).map(|s| s.title.to_string());
    match (line.kind, line.rank) {
        (LineKind::Notice, _) => String::new(),
        (_, Some(rank)) => format!("r{rank}"),
        // One stream with ranks: what has none is the launcher's own, and says so by having no name.
        (_, None) if logs.window.streams.len() == 1 => String::new(),
        (_, None) => {
            let title = title(line.source).unwrap_or_default();
            title.split(',').next().unwrap_or_default().to_owned()
        }
    }
}

fn rows<'a>(logs: &LogsModel, shown: &'a Shown, before: String, columns: u16) -> Vec<Row<'a>> {
    let room = columns.saturating_sub(width(&before)).max(1);
    let text = shown.line.text.as_str();
    let start = usize::from(shown.line.tag);
    if !logs.wrap {
        let from = start + byte_at(&text[start..], logs.left);
        return vec![Row { shown, before, from, to: text.len() }];
    }
    let blank = " ".repeat(usize::from(width(&before)));
    let (mut out, mut from, mut before) = (Vec::new(), start, before);
    loop {
        let to = from + byte_at(&text[from..], room).max(text[from..].chars().next().map_or(0, char::len_utf8));
        out.push(Row { shown, before: std::mem::replace(&mut before, blank.clone()), from, to });
        from = to;
        if from >= text.len() {
            return out;
        }
    }
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
        (Stamps::Relative, None) => " ".repeat(9),
        (Stamps::Absolute, None) => " ".repeat(13),
        (Stamps::Relative, Some(at)) => format!("{:>7}  ", duration(now.since(at.secs()))),
        (Stamps::Absolute, Some(at)) => format!("{} ", at.to_string().get(11..23).unwrap_or_default()),
    }
}

fn draw_row(logs: &LogsModel, row: &Row<'_>, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let line = &row.shown.line;
    let x = put(buf, area, area.x, area.y, &row.before, theme.style(Role::Dim));
    let text = line.text.as_str();
    if line.kind == LineKind::Notice {
        let words = format!("--- {text} ---");
        put(
            buf,
            area,
            x,
            area.y,
            &cut(&words, area.right().saturating_sub(x), theme.ellipsis()),
            theme.style(Role::Stale),
        );
        return;
    }
    let shown = &text[row.from..row.to];
    let is_hit = logs.window.at == Some(row.shown.number);
    let role = match line.kind {
        _ if is_hit => Role::Selected,
        LineKind::Error => Role::Bad,
        LineKind::Warn | LineKind::Nccl => Role::Warn,
        LineKind::Trace | LineKind::Banner => Role::Dim,
        LineKind::Text | LineKind::Notice => Role::Text,
    };
    put(buf, area, x, area.y, shown, theme.style(role));
    if !logs.wrap && width(shown) > area.right().saturating_sub(x) {
        put(buf, area, area.right() - 1, area.y, theme.ellipsis(), theme.style(Role::Dim));
    }
    if logs.colours {
        for span in &line.spans {
            let style = theme.sgr(span.look.fg, span.look.bold, span.look.underline);
            paint(buf, area, x, row, span.start as usize..span.end as usize, style);
        }
    }
    let filter = logs.choice.view.with.as_ref().map(|(query, _)| query);
    for query in [filter, logs.search.as_ref()].into_iter().flatten() {
        for hit in query.hits(text) {
            paint(buf, area, x, row, hit, theme.style(Role::Match));
        }
    }
}

/// Gives a byte range of the line its look, as far as it is in this row.
fn paint(buf: &mut Buffer, area: Rect, x: u16, row: &Row<'_>, range: std::ops::Range<usize>, style: Style) {
    let (from, to) = (range.start.max(row.from), range.end.min(row.to));
    if from < to {
        let text = row.shown.line.text.as_str();
        let at = x.saturating_add(width(&text[row.from..from]));
        put(buf, area, at, area.y, &text[from..to], style);
    }
}

/// A writer in words: `rank 3`, `Worker 2`.
pub(super) fn writer(logs: &LogsModel, who: Who) -> String {
    match who {
        Who::Rank(rank) => format!("r{rank}"),
        Who::Source(_) => logs.stream(who).map(|stream| stream.title.to_string()).unwrap_or_default(),
    }
}
