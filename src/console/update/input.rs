//! Keys, paste and mouse: the overlay on top first, then the keymap.

use crossterm::event::{KeyCode, MouseEvent, MouseEventKind};

use super::{command, overlay};
use crate::console::{
    commands::{CommandId, ListCommand, TextCommand},
    effect::Effect,
    key::{self, Key},
    keymap::Found,
    model::{Model, notices::Tone},
};

/// A key was pressed.
pub fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    model.notices.acknowledge();
    if let Some(effects) = overlay::key(model, key) {
        return effects;
    }
    if key == Key::code(KeyCode::Esc) && !model.keys.pending.is_empty() {
        model.keys.pending.clear();
        return Vec::new();
    }
    let mut keys = std::mem::take(&mut model.keys.pending);
    keys.push(key);
    match model.keys.map.find(&model.contexts(), &keys) {
        Found::Command(id) => command(model, id),
        Found::Prefix(_) => {
            model.keys.pending = keys;
            Vec::new()
        }
        Found::Nothing => {
            let help = model.keys.map.keys_of(CommandId::App(crate::console::commands::AppCommand::Help)).next();
            let help = help.map_or(String::new(), |help| format!("; {help} shows the keys"));
            let text = format!("{} does nothing here{help}", key::spell(&keys));
            model.notices.tell(model.now, Tone::Info, &text);
            Vec::new()
        }
    }
}

/// Text was pasted. It is never run as keys.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(effects) = overlay::paste(model, text) {
        return effects;
    }
    let text = "Pasted text is not run as keys; open a filter or a prompt first";
    model.notices.tell(model.now, Tone::Warn, text);
    Vec::new()
}

/// The mouse did something: only its wheel counts here, clicks go to the view.
pub fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let (up, down) = match (&model.overlays.last(), &model.page) {
        (Some(_), _) => (CommandId::Text(TextCommand::Up), CommandId::Text(TextCommand::Down)),
        (None, None) => (CommandId::List(ListCommand::Up), CommandId::List(ListCommand::Down)),
        (None, Some(_)) => return super::page::mouse(model, event),
    };
    match event.kind {
        MouseEventKind::ScrollUp => command(model, up),
        MouseEventKind::ScrollDown => command(model, down),
        _ => super::list::mouse(model, event),
    }
}
