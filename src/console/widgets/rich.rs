//! Lines of text with roles: what the tabs of a page, and every other text view, are made of.
//!
//! Owns wrapping, aligning and finding in such lines. Must not know the model; which colour a role has is the theme's.

use ratatui::{buffer::Buffer, layout::Rect};

use super::text::{put, width, wrap};
use crate::{
    console::theme::{Role, Theme},
    logs::Query,
};

/// A stretch of text with one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Its role.
    pub role: Role,
}

/// A line of pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RichLine {
    /// From left to right.
    pub pieces: Vec<Piece>,
}

impl RichLine {
    /// A line of one piece.
    pub fn of(text: impl Into<String>, role: Role) -> Self {
        Self::default().and(text, role)
    }

    /// An ordinary line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::of(text, Role::Text)
    }

    /// This and another piece.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.pieces.push(Piece { text, role });
        }
        self
    }

    /// The text alone.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// Columns it takes.
    pub fn width(&self) -> u16 {
        self.pieces.iter().map(|piece| width(&piece.text)).fold(0, u16::saturating_add)
    }

    /// Blanks up to this column.
    #[must_use]
    pub fn pad_to(self, column: u16) -> Self {
        let missing = column.saturating_sub(self.width());
        self.and(" ".repeat(usize::from(missing)), Role::Text)
    }
}

/// `label` in its column, then `text` wrapped beside it.
pub fn labelled(label: &str, column: u16, text: &str, role: Role, columns: u16) -> Vec<RichLine> {
    let room = columns.saturating_sub(column).max(8);
    wrap(text, room)
        .into_iter()
        .enumerate()
        .map(|(i, part)| {
            let label = if i == 0 { label } else { "" };
            RichLine::of(label, Role::Label).pad_to(column).and(part, role)
        })
        .collect()
}

/// Cells of a table's heading.
pub fn heading(words: &[&str]) -> Vec<(String, Role)> {
    words.iter().map(|word| ((*word).to_owned(), Role::Heading)).collect()
}

/// Rows of cells in aligned columns, two blanks between; the last cell of a row wraps under its own column.
pub fn table(indent: u16, rows: &[Vec<(String, Role)>], columns: u16) -> Vec<RichLine> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![0u16; count];
    for row in rows {
        for (i, (text, _)) in row.iter().enumerate().take(count.saturating_sub(1)) {
            widths[i] = widths[i].max(width(text));
        }
    }
    rows.iter().flat_map(|row| table_row(indent, row, &widths, columns)).collect()
}

fn table_row(indent: u16, row: &[(String, Role)], widths: &[u16], columns: u16) -> Vec<RichLine> {
    let mut line = RichLine::default().pad_to(indent);
    let mut at = indent;
    let Some(((last, role), cells)) = row.split_last() else { return vec![line] };
    for ((text, role), width) in cells.iter().zip(widths) {
        line = line.and(text.as_str(), *role);
        at = at.saturating_add(*width).saturating_add(2);
        line = line.pad_to(at);
    }
    let room = columns.saturating_sub(at);
    if room < 12 {
        return vec![line.and(last.as_str(), *role)];
    }
    let mut out = Vec::new();
    for part in wrap(last, room) {
        out.push(std::mem::take(&mut line).pad_to(at).and(part, *role));
    }
    out
}

/// Draws the lines from `scroll` on into `area`, with the hits of a search shown.
pub fn draw(lines: &[RichLine], scroll: usize, search: Option<&Query>, area: Rect, buf: &mut Buffer, theme: &Theme) {
    for (line, y) in lines.iter().skip(scroll).zip(area.y..area.bottom()) {
        draw_line(line, search, Rect { y, height: 1, ..area }, buf, theme);
    }
}

/// Draws one line into the first row of `area`.
pub fn draw_line(line: &RichLine, search: Option<&Query>, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let mut x = area.x;
    for piece in &line.pieces {
        x = put(buf, area, x, area.y, &piece.text, theme.style(piece.role));
    }
    if line.width() > area.width && area.width > 0 {
        put(buf, area, area.right() - 1, area.y, theme.ellipsis(), theme.style(Role::Dim));
    }
    if let Some(search) = search {
        let text = line.text();
        for hit in search.hits(&text) {
            let from = area.x.saturating_add(width(&text[..hit.start]));
            put(buf, area, from, area.y, &text[hit], theme.style(Role::Match));
        }
    }
}

/// The first line after (or before, going back) `from` that has it, going round the end.
pub fn find(lines: &[RichLine], search: &Query, from: Option<usize>, back: bool) -> Option<usize> {
    let len = lines.len();
    let has = |at: &usize| lines.get(*at).is_some_and(|line| search.is_in(&line.text()));
    match (from, back) {
        (None, false) => (0..len).find(has),
        (None, true) => (0..len).rev().find(has),
        (Some(at), false) => (1..=len).map(|step| (at + step) % len.max(1)).find(has),
        (Some(at), true) => (1..=len).map(|step| (at + len - step) % len.max(1)).find(has),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[RichLine]) -> Vec<String> {
        lines.iter().map(|line| line.text().trim_end().to_owned()).collect()
    }

    #[test]
    fn the_last_column_wraps_under_itself() {
        let row = |a: &str, b: &str| vec![(a.to_owned(), Role::Text), (b.to_owned(), Role::Text)];
        let lines = table(2, &[row("a", "short"), row("long", "one two three four")], 22);
        assert_eq!(texts(&lines), ["  a     short", "  long  one two three", "        four"]);
    }

    #[test]
    fn a_search_goes_round() {
        let lines: Vec<_> = ["a", "b", "a"].map(RichLine::plain).into();
        let query = Query::parse("a").expect("valid").expect("typed");
        assert_eq!([None, Some(0), Some(2)].map(|from| find(&lines, &query, from, false)), [Some(0), Some(2), Some(0)]);
        assert_eq!([None, Some(2), Some(0)].map(|from| find(&lines, &query, from, true)), [Some(2), Some(0), Some(2)]);
        assert_eq!(find(&[], &query, None, false), None);
    }
}
