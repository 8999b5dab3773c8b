//! Keys, paste and mouse: the overlay on top first, then the keymap.

use crossterm::event::{KeyCode, MouseEvent, MouseEventKind};

use super::{command, draft, overlay};
use crate::console::{
    commands::{AppCommand, ClusterCommand, CommandId, CompareCommand, ListCommand, PageCommand, TextCommand},
    effect::Effect,
    key::{self, Key},
    keymap::Found,
    model::{Model, notices::Tone, overlay::Overlay},
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
        Found::Nothing if keys.len() == 1 && draft::key(model, key) => Vec::new(),
        Found::Nothing => {
            let help = model.keys.map.keys_of(CommandId::App(AppCommand::Help)).next();
            let help = help.map_or(String::new(), |help| format!("; {help} shows the keys"));
            let text = format!("{} does nothing here{help}", key::spell(&keys));
            model.notices.tell(model.now, Tone::Info, &text);
            Vec::new()
        }
    }
}

/// Many characters at once, as from a paste that the terminal did not mark: typed into the prompt that is open, or that
/// the first of them opens. Commands are not run by them.
pub fn burst(model: &mut Model, keys: Vec<Key>) -> Vec<Effect> {
    if let Some(effects) = draft::burst(model, &keys) {
        return effects;
    }
    let mut effects = Vec::new();
    for (i, typed) in keys.into_iter().enumerate() {
        let is_prompt = matches!(model.overlays.last(), Some(Overlay::Prompt(_) | Overlay::Picker(_)));
        let opens = i == 0 && opens_prompt(model, typed);
        if is_prompt || opens {
            effects.extend(key(model, typed));
        } else {
            effects.extend(paste(model, ""));
            break;
        }
    }
    effects
}

/// Whether this key alone opens the filter, a search or the palette.
fn opens_prompt(model: &Model, typed: Key) -> bool {
    let prompts = [
        CommandId::App(AppCommand::Palette),
        CommandId::List(ListCommand::Filter),
        CommandId::Page(PageCommand::Search),
        CommandId::Page(PageCommand::Filter),
    ];
    let found = model.keys.map.find(&model.contexts(), &[typed]);
    model.keys.pending.is_empty() && matches!(found, Found::Command(id) if prompts.contains(&id))
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
        (Some(Overlay::Draft(_)), _) => return draft::mouse(model, event.kind),
        (Some(Overlay::Compare(_)), _) => {
            (CommandId::Compare(CompareCommand::Up), CommandId::Compare(CompareCommand::Down))
        }
        (Some(_), _) => (CommandId::Text(TextCommand::Up), CommandId::Text(TextCommand::Down)),
        (None, None) if model.cluster.is_some() => {
            (CommandId::Cluster(ClusterCommand::Up), CommandId::Cluster(ClusterCommand::Down))
        }
        (None, None) => (CommandId::List(ListCommand::Up), CommandId::List(ListCommand::Down)),
        (None, Some(_)) => return super::page::mouse(model, event),
    };
    match event.kind {
        MouseEventKind::ScrollUp => command(model, up),
        MouseEventKind::ScrollDown => command(model, down),
        _ if model.cluster.is_some() => Vec::new(),
        _ => super::list::mouse(model, event),
    }
}
