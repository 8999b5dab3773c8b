//! The text of a draft: numbers of lines, colours, cursor, selection, hits of a search. Only what is in view is looked at.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::problem;
use crate::{
    console::{
        commands::{CommandId, EditorCommand},
        model::{
            Model,
            draft::{Draft, Editor, editor::Place, popup::MOST},
        },
        theme::{Role, Theme},
        view::page::config::role_of,
        widgets::{
            frame::frame,
            rich::RichLine,
            text::{cut, put, width},
        },
    },
    jobs::manifest::YamlLine,
};

/// Columns left of the text: a sign, the number, a blank.
fn gutter(editor: &Editor) -> u16 {
    let digits = editor.lines().len().max(100).ilog10() as u16 + 1;
    digits + 2
}

/// Where the text itself stands.
pub(super) fn text(draft: &Draft, area: Rect) -> Rect {
    let gutter = gutter(&draft.editor).min(area.width);
    Rect { x: area.x + gutter, width: area.width - gutter, ..area }
}

/// Draws the lines in view; those that are too long go on in the rows below.
pub(super) fn draw(draft: &Draft, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let editor = &draft.editor;
    let text = text(draft, area);
    let digits = usize::from(text.x - area.x).saturating_sub(2);
    let (mut y, mut skip) = (area.y, editor.window.skip);
    for row in editor.window.top..editor.lines().len() {
        let line = editor.coloured(row);
        let starts = editor.window.breaks(line.text.as_str());
        for (part, start) in starts.iter().enumerate().skip(std::mem::take(&mut skip)) {
            if y >= area.bottom() {
                return;
            }
            if part == 0 {
                let role = if row == editor.cursor().row { Role::Label } else { Role::Dim };
                put(buf, area, area.x + 1, y, &format!("{:>digits$}", row + 1), theme.style(role));
                if let Some(found) = problem::at_line(draft, row) {
                    let (sign, role) = problem::sign(found.severity);
                    put(buf, area, area.x, y, sign, theme.style(role));
                }
            }
            let end = starts.get(part + 1).copied();
            draw_part(editor, row, &line, (*start, end), theme, Rect { y, height: 1, ..text }, buf);
            y += 1;
        }
    }
}

/// Draws a row of a line: from one character to another, or to its end.
fn draw_part(
    editor: &Editor,
    row: usize,
    line: &YamlLine,
    (start, end): (usize, Option<usize>),
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let shown = line.text.as_str();
    let hits: Vec<_> = editor.search.iter().flat_map(|search| search.hits(shown)).collect();
    let mut spans = line.spans.iter().peekable();
    let mut x = area.x;
    let cursor = editor.cursor();
    for (col, (at, c)) in shown.char_indices().enumerate() {
        while spans.next_if(|(range, _)| range.end as usize <= at).is_some() {}
        let span = spans.peek().filter(|(range, _)| range.start as usize <= at);
        if col < start {
            continue;
        }
        if end.is_some_and(|end| col >= end) {
            return;
        }
        let place = Place::new(row, col);
        let style = if place == cursor {
            theme.style(Role::Cursor)
        } else if is_selected(editor, place) || hits.iter().any(|hit| hit.contains(&at)) {
            theme.style(Role::Match)
        } else {
            theme.style(span.map_or(Role::Text, |(_, role)| role_of(*role)))
        };
        x = put(buf, area, x, area.y, c.encode_utf8(&mut [0; 4]), style);
    }
    draw_end(editor, row, theme.style(Role::Cursor), Rect { x, width: area.right().saturating_sub(x), ..area }, buf);
}

/// The cursor behind the last character.
fn draw_end(editor: &Editor, row: usize, style: Style, area: Rect, buf: &mut Buffer) {
    let at = editor.cursor();
    let length = editor.lines().get(row).map_or(0, |line| line.chars().count());
    if at.row == row && at.col >= length {
        put(buf, area, area.x, area.y, " ", style);
    }
}

fn is_selected(editor: &Editor, place: Place) -> bool {
    editor.selection().is_some_and(|(from, to)| from <= place && place < to)
}

/// What can be written at the cursor, in a box below it, or above where there is no room.
pub(super) fn draw_offers(draft: &Draft, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(popup) = &draft.popup else { return };
    let editor = &draft.editor;
    let text = text(draft, area);
    let rows = popup.offers.len().min(MOST);
    let first = (popup.selected + 1).saturating_sub(rows);
    let shown = &popup.offers[first..first + rows];
    let wide = shown.iter().map(|offer| width(&offer.text)).max().unwrap_or(0);
    let about = shown.iter().map(|offer| width(&offer.about)).max().unwrap_or(0);
    let whole = (wide + about + 5).clamp(20, text.width.max(20)).min(area.width);
    let height = (rows as u16 + 2).min(area.height);
    let row = editor.on_screen(editor.cursor()).0 as u16;
    let below = area.y + row + 1;
    let y = if below + height <= area.bottom() { below } else { (area.y + row).saturating_sub(height).max(area.y) };
    let x = text.x + editor.on_screen(popup.from).1 as u16;
    let x = x.min(area.right().saturating_sub(whole));
    let inner = frame("", theme, Rect { x, y, width: whole, height }, buf);
    for ((at, offer), y) in shown.iter().enumerate().zip(inner.y..inner.bottom()) {
        let role = if first + at == popup.selected { Role::Selected } else { Role::Text };
        put(buf, inner, inner.x, y, &offer.text, theme.style(role));
        let x = inner.x + wide + 1;
        let about = cut(&offer.about, inner.right().saturating_sub(x), theme.ellipsis());
        put(buf, inner, x, y, &about, theme.style(Role::Dim));
    }
}

/// The line below the text: what is wrong at the cursor, else where it is.
pub(super) fn status(model: &Model, draft: &Draft) -> RichLine {
    let Place { row, col } = draft.editor.cursor();
    if let Some(found) = problem::at_line(draft, row) {
        return problem::sentence(found);
    }
    let place = format!("line {} of {}, column {}", row + 1, draft.editor.lines().len(), col + 1);
    let mut line = RichLine::of(place, Role::Dim);
    if let Some(search) = &draft.editor.search {
        line = line.and(format!("  «{}»", search.typed()), Role::Label);
        if let Some(key) = model.keys.map.key_in(&draft.contexts(), CommandId::Editor(EditorCommand::Next)) {
            line = line.and(format!(" {key}"), Role::Key).and(" next", Role::Dim);
        }
    }
    if draft.editor.is_marking() {
        line = line.and("  selecting", Role::Label);
    }
    let room = model.size.width.saturating_sub(1);
    if width(&line.text()) > room { RichLine::of(format!("{}:{}", row + 1, col + 1), Role::Dim) } else { line }
}
