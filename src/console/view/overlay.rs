//! Overlays as cells: prompt, picker, confirm, text, and the hint for a sequence of keys.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{compare, draft, text};
use crate::{
    console::{
        commands,
        ids::CommandId,
        keymap::Found,
        layout::{Regions, centered},
        model::{
            Model,
            overlay::{Confirm, Overlay, Picker, PickerItem, Prompt},
        },
        theme::{Role, Theme},
        widgets::{
            frame::frame,
            picker,
            text::{clear, cut, put, width, wrap},
        },
    },
    jobs::columns::cut::middle,
};

/// Draws one layer.
pub fn draw(model: &Model, overlay: &Overlay, theme: &Theme, regions: Regions, buf: &mut Buffer) {
    match overlay {
        Overlay::Prompt(prompt) => draw_prompt(prompt, theme, regions, buf),
        Overlay::Picker(picker) => draw_picker(picker, theme, regions.body, buf),
        Overlay::Confirm(confirm) => draw_confirm(confirm, theme, regions.body, buf),
        Overlay::Text(open) => {
            let inner = frame(&text::title_of(open), theme, regions.body, buf);
            text::draw(model, open, theme, inner, buf);
        }
        Overlay::Draft(open) => draft::draw(model, open, theme, buf),
        Overlay::Compare(open) => compare::draw(model, open, theme, regions.body, buf),
    }
}

/// A typed line with its cursor, scrolled so that the cursor is seen. Gives the column after it.
fn draw_line_edit(before: &str, after: &str, theme: &Theme, area: Rect, x: u16, buf: &mut Buffer) -> u16 {
    let room = area.right().saturating_sub(x + 1);
    let mut head = before;
    while width(head) > room {
        let mut chars = head.chars();
        chars.next();
        head = chars.as_str();
    }
    let x = put(buf, area, x, area.y, head, theme.style(Role::Text));
    let mut rest = after.chars();
    let under = rest.next().map_or(" ".to_owned(), String::from);
    let x = put(buf, area, x, area.y, &under, theme.style(Role::Cursor));
    put(buf, area, x, area.y, rest.as_str(), theme.style(Role::Text))
}

fn draw_prompt(prompt: &Prompt, theme: &Theme, regions: Regions, buf: &mut Buffer) {
    let area = regions.footer;
    clear(buf, area);
    buf.set_style(area, theme.style(Role::Text));
    let x = put(buf, area, area.x, area.y, prompt.label, theme.style(Role::Key));
    let (before, after) = prompt.line.split();
    let x = draw_line_edit(before, after, theme, area, x, buf);
    let room = area.right().saturating_sub(x + 2);
    if !prompt.hint.is_empty() && room > 4 {
        let hint = cut(&prompt.hint, room, theme.ellipsis());
        put(buf, area, area.right() - width(&hint), area.y, &hint, theme.style(Role::Warn));
    }
    draw_completions(prompt, theme, regions.body, buf);
}

/// Completions above the prompt, the chosen one in view.
fn draw_completions(prompt: &Prompt, theme: &Theme, body: Rect, buf: &mut Buffer) {
    let rows = prompt.completions.len().min(8).min(usize::from(body.height.saturating_sub(2)));
    if rows == 0 {
        return;
    }
    let wide = prompt.completions.iter().map(|c| width(&c.line)).max().unwrap_or(0).min(40);
    let height = rows as u16 + 2;
    let area = Rect::new(body.x, body.bottom() - height, body.width.min(76), height);
    let inner = frame("tab completes", theme, area, buf);
    let first = prompt.chosen.map_or(0, |at| (at + 1).saturating_sub(rows));
    for (y, (at, item)) in (inner.y..).zip(prompt.completions.iter().enumerate().skip(first).take(rows)) {
        let chosen = prompt.chosen == Some(at);
        let style = theme.style(if chosen { Role::Selected } else { Role::Text });
        put(buf, inner, inner.x, y, &cut(&item.line, wide, theme.ellipsis()), style);
        let x = inner.x + wide + 2;
        put(
            buf,
            inner,
            x,
            y,
            &cut(&item.about, inner.right().saturating_sub(x), theme.ellipsis()),
            theme.style(Role::Dim),
        );
    }
}

fn draw_picker(open: &Picker, theme: &Theme, body: Rect, buf: &mut Buffer) {
    let items = picker::matching(open);
    let height = (items.len() as u16).clamp(3, 20) + 4;
    // Names and what is told of them profit from a wide screen.
    let wide = (body.width / 3 * 2).clamp(76, 110);
    let inner = frame(&open.title, theme, centered(body, wide, height), buf);
    if inner.height < 2 {
        return;
    }
    let (before, after) = open.line.split();
    let line = Rect { height: 1, ..inner };
    let x = put(buf, line, line.x, line.y, "/", theme.style(Role::Key));
    let x = draw_line_edit(before, after, theme, line, x, buf);
    let count = if open.note.is_empty() { format!("{} of {}", items.len(), open.items.len()) } else { String::new() };
    if inner.right().saturating_sub(x) > width(&count) + 2 {
        put(buf, line, inner.right() - width(&count), line.y, &count, theme.style(Role::Dim));
    }
    let list = Rect { y: inner.y + 1, height: inner.height - 1 - u16::from(!open.note.is_empty()), ..inner };
    draw_items(open, &items, theme, list, buf);
    if !open.note.is_empty() {
        let note = cut(&open.note, inner.width, theme.ellipsis());
        put(buf, inner, inner.x, inner.bottom() - 1, &note, theme.style(Role::Wait));
    }
}

fn draw_items(open: &Picker, items: &[&PickerItem], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let rows = usize::from(area.height);
    let at = picker::selected_at(open);
    let first = at.map_or(0, |at| (at + 1).saturating_sub(rows));
    let widest = |text: fn(&PickerItem) -> &str| items.iter().map(|item| width(text(item))).max().unwrap_or(0);
    let room = area.width.saturating_sub(5 + widest(|item| &item.about)).max(area.width / 2);
    let wide = widest(|item| &item.label).min(room).min(area.width.saturating_sub(12));
    for (y, (n, item)) in (area.y..).zip(items.iter().enumerate().skip(first).take(rows)) {
        let selected = at == Some(n);
        if selected {
            put(buf, area, area.x, y, theme.marker(), theme.style(Role::Marker));
        }
        let mark = if item.marked { "*" } else { " " };
        put(buf, area, area.x + 1, y, mark, theme.style(Role::Marker));
        let style = theme.style(if selected { Role::Selected } else { Role::Text });
        put(buf, area, area.x + 3, y, &middle(&item.label, usize::from(wide), theme.ascii), style);
        let x = area.x + 3 + wide + 2;
        let about = cut(&item.about, area.right().saturating_sub(x), theme.ellipsis());
        put(buf, area, x, y, &about, theme.style(Role::Dim));
    }
}

fn draw_confirm(confirm: &Confirm, theme: &Theme, body: Rect, buf: &mut Buffer) {
    let lines: Vec<_> = confirm.lines.iter().flat_map(|line| wrap(line, 66)).collect();
    let extra = confirm.options.len() as u16 + u16::from(confirm.must_type.is_some());
    let inner = frame(&confirm.title, theme, centered(body, 72, lines.len() as u16 + extra + 5), buf);
    let last = inner.bottom().saturating_sub(1);
    let mut y = last.saturating_sub(extra);
    for (y, line) in (inner.y + 1..y).zip(&lines) {
        put(buf, inner, inner.x, y, &cut(line, inner.width, theme.ellipsis()), theme.style(Role::Text));
    }
    for (options, keys) in confirm.options.iter().zip(["up, down", "[ and ]"]) {
        let word = options.words.get(options.at).copied().unwrap_or_default();
        let x = put(buf, inner, inner.x, y, &format!("{}: ", options.label), theme.style(Role::Text));
        let x = put(buf, inner, x, y, word, theme.style(Role::Selected));
        put(buf, inner, x, y, &format!("  ({keys})"), theme.style(Role::Dim));
        y += 1;
    }
    let button = |on: bool| theme.style(if on { Role::Selected } else { Role::Dim });
    if let Some(word) = &confirm.must_type {
        let x = put(buf, inner, inner.x, y, &format!("Type {word} and enter: "), theme.style(Role::Key));
        let (before, after) = confirm.line.split();
        draw_line_edit(before, after, theme, Rect { y, height: 1, ..inner }, x, buf);
        put(buf, inner, inner.x, last, "esc cancels", theme.style(Role::Dim));
        return;
    }
    let x = put(buf, inner, inner.x, last, "[ Cancel ]", button(!confirm.on_yes));
    let x = put(buf, inner, x + 2, last, &format!("[ {} ]", confirm.yes), button(confirm.on_yes));
    put(buf, inner, x + 2, last, "y agrees, esc cancels", theme.style(Role::Dim));
}

/// What the keys pressed so far can lead to.
pub fn draw_key_hint(model: &Model, theme: &Theme, regions: Regions, buf: &mut Buffer) {
    let pending = &model.keys.pending;
    if pending.is_empty() {
        return;
    }
    let Found::Prefix(next) = model.keys.map.find(&model.contexts(), pending) else { return };
    let rows = (next.len() as u16).min(regions.body.height.saturating_sub(2));
    let (body, height) = (regions.body, rows + 2);
    let wide = 36.min(body.width);
    let area = Rect::new(body.right() - wide, body.bottom() - height, wide, height);
    let inner = frame(&crate::console::key::spell(pending), theme, area, buf);
    for (y, (key, id)) in (inner.y..inner.bottom()).zip(next) {
        put(buf, inner, inner.x, y, &format!("{key:<8}"), theme.style(Role::Key));
        let title = match id {
            CommandId::User(at) => model.user_commands.get(usize::from(at)).map_or("", |own| own.name.as_str()),
            id => commands::row(id).map_or("", |row| row.title),
        };
        put(buf, inner, inner.x + 9, y, title, theme.style(Role::Text));
    }
}
