//! Keys and pasted text that no binding takes: they are typed.

use crossterm::event::{KeyCode, MouseEventKind};

use crate::console::{
    effect::Effect,
    key::Key,
    model::{
        Model,
        draft::{Stage, editor::Change},
        overlay::Overlay,
    },
};

/// Lines that a turn of the wheel scrolls.
const WHEEL: isize = 3;

/// Types a key into the draft on top. `false`: it is no text, or no draft is on top.
pub fn key(model: &mut Model, key: Key) -> bool {
    let Some(c) = key.typed() else { return false };
    let session = model.session.id;
    match model.overlays.last_mut() {
        Some(Overlay::Draft(draft)) if draft.stage == Stage::Yaml => {
            super::edit::insert(&mut draft.editor, c.encode_utf8(&mut [0; 4]), Change::Typing);
            if draft.popup.is_some() {
                super::complete::open(draft, session, &model.drafts.schemas);
            }
            true
        }
        _ => false,
    }
}

/// Gives a key to the field of the form that is typed into. `None`: none is.
pub fn field_key(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    match model.overlays.last_mut() {
        Some(Overlay::Draft(draft)) if draft.popup.is_some() => {
            if super::complete::key(draft, key) {
                return Some(Vec::new());
            }
            // What is typed narrows the offers; anything else ends them.
            if key.typed().is_none() {
                draft.popup = None;
            }
            None
        }
        _ => super::form::key(model, key),
    }
}

/// Puts pasted text into the draft on top, as one step and as it is. `None`: no draft is on top.
pub fn paste(model: &mut Model, text: &str) -> Option<Vec<Effect>> {
    match model.overlays.last_mut() {
        Some(Overlay::Draft(draft)) if draft.stage == Stage::Form => super::form::paste(draft, text).then(Vec::new),
        Some(Overlay::Draft(draft)) if draft.stage == Stage::Yaml => {
            // Some terminals end pasted lines as the enter key does.
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            super::edit::insert(&mut draft.editor, &text, Change::Step);
            Some(Vec::new())
        }
        _ => None,
    }
}

/// Keys that came faster than fingers type: what they would have been as pasted text, where all of them are text.
pub fn burst(model: &mut Model, keys: &[Key]) -> Option<Vec<Effect>> {
    let text: Option<String> = keys.iter().map(|key| as_text(*key)).collect();
    paste(model, &text?)
}

/// The wheel scrolls.
pub fn mouse(model: &mut Model, kind: MouseEventKind) -> Vec<Effect> {
    let by = match kind {
        MouseEventKind::ScrollUp => -WHEEL,
        MouseEventKind::ScrollDown => WHEEL,
        _ => return Vec::new(),
    };
    if let Some(draft) = model.draft_mut().filter(|draft| draft.stage == Stage::Yaml) {
        draft.editor.scroll(by);
    }
    Vec::new()
}

fn as_text(key: Key) -> Option<char> {
    match key.code {
        KeyCode::Enter if key.mods.is_empty() => Some('\n'),
        KeyCode::Tab if key.mods.is_empty() => Some('\t'),
        _ if key == Key::ctrl('j') => Some('\n'),
        _ => key.typed(),
    }
}
