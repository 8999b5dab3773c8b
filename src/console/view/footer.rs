//! The footer: hints for this view from the command table, or the newest notice. Prompts are drawn over it.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::console::{
    commands::{self, AppCommand, Command, CommandId, LogCommand},
    model::{
        Model,
        draft::Stage,
        notices::Tone,
        overlay::{Overlay, PickerPurpose},
        session::Phase,
    },
    theme::{Role, Theme},
    widgets::text::{cut, put, width},
};

/// Draws the line.
pub fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if let Some(notice) = model.notices.current(model.now) {
        let role = match notice.tone {
            Tone::Info => Role::Text,
            Tone::Good => Role::Good,
            Tone::Warn => Role::Warn,
            Tone::Bad => Role::Bad,
        };
        let sign = match notice.tone {
            Tone::Info | Tone::Good => "",
            Tone::Warn => "! ",
            Tone::Bad => "x ",
        };
        let times = if notice.times > 1 { format!(" ({} times)", notice.times) } else { String::new() };
        let text = cut(&format!("{sign}{}{times}", notice.text), area.width, theme.ellipsis());
        put(buf, area, area.x, area.y, &text, theme.style(role));
        return;
    }
    match model.overlays.last().and_then(own_keys) {
        Some(keys) => draw_own_keys(&keys, theme, area, buf),
        None => draw_hints(model, theme, area, buf),
    }
}

/// What the keys do that an overlay takes itself, whatever the keymap says.
fn own_keys(overlay: &Overlay) -> Option<Vec<(&'static str, &'static str)>> {
    match overlay {
        Overlay::Picker(picker) => {
            let mut keys = vec![("enter", "Choose")];
            keys.extend(picker.several.then_some(("space", "Mark")));
            keys.extend((picker.purpose == PickerPurpose::Scope).then_some(("+", "Keep as favourite")));
            keys.extend([("esc", "Cancel"), ("type", "Filter")]);
            Some(keys)
        }
        Overlay::Draft(draft) if draft.stage == Stage::Form && draft.form.edit.is_some() => {
            Some(vec![("enter", "Take it"), ("tab", "Take it, next field"), ("esc", "Leave it as it was")])
        }
        // A question tells its keys itself.
        Overlay::Prompt(_) | Overlay::Confirm(_) | Overlay::Text(_) | Overlay::Draft(_) | Overlay::Compare(_) => None,
    }
}

fn draw_own_keys(keys: &[(&str, &str)], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut x = area.x;
    for (key, title) in keys {
        if x + width(key) + 1 + width(title) > area.right() {
            return;
        }
        x = put(buf, area, x, area.y, key, theme.style(Role::Key));
        x = put(buf, area, x + 1, area.y, title, theme.style(Role::Dim)) + 2;
    }
}

/// The hinted commands that can run now in the current contexts, as many as fit, whole ones only. The last, which shows all the others,
/// always has its place.
fn draw_hints(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut x = area.x;
    let hinted = hinted(model);
    let cells = |(row, key): &(&Command, String)| width(key) + 1 + width(row.title);
    let kept = hinted.last().map_or(0, cells);
    let last = hinted.len().saturating_sub(1);
    for (at, hint) in hinted.iter().enumerate() {
        let kept = if at < last { kept + 2 } else { 0 };
        if x + cells(hint) + kept > area.right() {
            continue;
        }
        let (row, key) = hint;
        // The server decides, so that it is offered all the same.
        let role = if row.denied(model).is_some() { Role::Dim } else { Role::Key };
        x = put(buf, area, x, area.y, key, theme.style(role));
        x = put(buf, area, x + 1, area.y, row.title, theme.style(Role::Dim)) + 2;
    }
}

/// What is offered, in its order, each with its key.
pub(super) fn hinted(model: &Model) -> Vec<(&'static Command, String)> {
    let contexts = model.contexts();
    // With nothing to look at, what leads on is hinted.
    let idle = model.fleet.is_empty() && model.page.is_none() && model.overlays.is_empty();
    let is_down = matches!(model.session.phase, Phase::Down(_));
    let leads_on = |id| matches!(id, CommandId::App(_) | CommandId::Draft(_) | CommandId::Text(_));
    let can_run = |row: &Command| (row.enabled)(model).is_ok() && !(row.change && model.session.is_locked(model.now));
    let is_hinted = |row: &&Command| match row.id {
        CommandId::App(AppCommand::Reconnect) => is_down,
        // Enter on a list that is not shown is none.
        CommandId::Log(LogCommand::Open) => can_run(row),
        id => row.hint > 0 && can_run(row) && (!idle || leads_on(id)),
    };
    let mut rows: Vec<_> = commands::all()
        .filter(is_hinted)
        .filter(|row| row.contexts.iter().any(|context| contexts.contains(context)))
        .filter_map(|row| Some((row, model.keys.map.key_in(&contexts, row.id)?)))
        .collect();
    rows.sort_by_key(|(row, _)| row.hint);
    rows
}

#[cfg(test)]
mod tests;
