//! Keys of the overlays that take keys themselves: prompt, picker, confirm.

use crossterm::event::KeyCode;

use super::{app, change, cluster, command, compare, draft, list, page, record, session, text, visit};
use crate::console::{
    effect::Effect,
    key::Key,
    model::{
        Model,
        overlay::{Confirm, Overlay, Picker, PickerPurpose, Prompt, PromptEvent, Purpose, Then},
    },
    widgets::picker,
};

/// Gives a key to the topmost overlay. `None`: it goes to the keymap.
pub fn key(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    match model.overlays.last_mut()? {
        Overlay::Prompt(prompt) => {
            let (purpose, event) = (prompt.purpose, prompt_key(prompt, key));
            Some(event.map_or_else(Vec::new, |event| prompted(model, purpose, event)))
        }
        Overlay::Picker(picker) if picker.purpose == PickerPurpose::Scope && key == Key::char('+') => {
            Some(session::keep_favourite(model))
        }
        Overlay::Picker(picker) if picker.purpose == PickerPurpose::Drafts && key == Key::code(KeyCode::Delete) => {
            Some(draft::ask_remove(model))
        }
        Overlay::Picker(picker) => {
            let (purpose, event) = (picker.purpose, picker_key(picker, key));
            Some(event.map_or_else(Vec::new, |event| picked(model, purpose, event)))
        }
        Overlay::Confirm(confirm) => match confirm_key(confirm, key) {
            None => Some(Vec::new()),
            Some(yes) => Some(answered(model, yes)),
        },
        Overlay::Draft(_) => draft::field_key(model, key),
        Overlay::Text(_) | Overlay::Compare(_) => None,
    }
}

/// Gives pasted text to the topmost overlay. `None`: it has no use for it.
pub fn paste(model: &mut Model, text: &str) -> Option<Vec<Effect>> {
    match model.overlays.last_mut()? {
        Overlay::Prompt(prompt) => {
            prompt.line.insert(text);
            prompt.walking = None;
            let (purpose, line) = (prompt.purpose, prompt.line.text().to_owned());
            Some(prompted(model, purpose, PromptEvent::Changed(line)))
        }
        Overlay::Picker(picker) => {
            picker.line.insert(text);
            picker::settle(picker);
            Some(Vec::new())
        }
        Overlay::Draft(_) => draft::paste(model, text),
        Overlay::Confirm(confirm) if confirm.must_type.is_some() => {
            confirm.line.insert(text);
            Some(Vec::new())
        }
        Overlay::Confirm(_) | Overlay::Text(_) | Overlay::Compare(_) => None,
    }
}

fn prompt_key(prompt: &mut Prompt, key: Key) -> Option<PromptEvent> {
    let line = |prompt: &Prompt| prompt.line.text().to_owned();
    match key.code {
        KeyCode::Esc => return Some(PromptEvent::Cancelled),
        _ if key == Key::ctrl('c') || key == Key::ctrl('g') => return Some(PromptEvent::Cancelled),
        KeyCode::Enter => return Some(PromptEvent::Done(line(prompt))),
        KeyCode::Backspace if prompt.line.text().is_empty() => return Some(PromptEvent::Cancelled),
        KeyCode::Tab if !prompt.completions.is_empty() => complete(prompt, 1),
        KeyCode::BackTab if !prompt.completions.is_empty() => complete(prompt, -1),
        KeyCode::Up => walk(prompt, -1),
        KeyCode::Down => walk(prompt, 1),
        _ if key == Key::ctrl('p') => walk(prompt, -1),
        _ if key == Key::ctrl('n') => walk(prompt, 1),
        _ if prompt.line.key(key) => {
            (prompt.walking, prompt.chosen) = (None, None);
            return Some(PromptEvent::Changed(line(prompt)));
        }
        _ => {}
    }
    None
}

fn complete(prompt: &mut Prompt, by: isize) {
    let len = prompt.completions.len() as isize;
    let at = match prompt.chosen {
        Some(at) => (at as isize + by).rem_euclid(len),
        None if by > 0 => 0,
        None => len - 1,
    };
    prompt.chosen = Some(at as usize);
    prompt.line.set(&prompt.completions[at as usize].line);
}

fn walk(prompt: &mut Prompt, by: isize) {
    let len = prompt.history.len();
    let at = prompt.walking.unwrap_or(len) as isize + by;
    if at < 0 || len == 0 {
        return;
    }
    let at = at as usize;
    prompt.walking = (at < len).then_some(at);
    prompt.line.set(prompt.history.get(at).map_or("", String::as_str));
}

fn prompted(model: &mut Model, purpose: Purpose, event: PromptEvent) -> Vec<Effect> {
    if !matches!(event, PromptEvent::Changed(_)) {
        model.overlays.pop();
    }
    match purpose {
        Purpose::Palette => app::palette(model, event),
        Purpose::TextSearch => text::prompt(model, event),
        Purpose::Namespaces => session::prompt(model, event),
        Purpose::ListFilter => list::prompt(model, event),
        Purpose::List(which) => list::other_prompt(model, which, event),
        Purpose::Change(id) => change::prompt(model, id, event),
        Purpose::Visit(id) => visit::prompt(model, id, event),
        Purpose::Page(which) => page::prompt(model, which, event),
        Purpose::Draft(which) => draft::prompt(model, which, event),
    }
}

/// What happened to a picker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// Ids chosen: the marked ones, else the selected one, else what was typed.
    Done(Vec<String>),
    /// Esc.
    Cancelled,
}

fn picker_key(picker: &mut Picker, key: Key) -> Option<Picked> {
    match key.code {
        KeyCode::Esc => return Some(Picked::Cancelled),
        _ if key == Key::ctrl('c') || key == Key::ctrl('g') => return Some(Picked::Cancelled),
        KeyCode::Enter => return Some(Picked::Done(picker::chosen(picker))).filter(|p| *p != Picked::Done(Vec::new())),
        KeyCode::Up => picker::step(picker, -1),
        KeyCode::Down => picker::step(picker, 1),
        KeyCode::PageUp => picker::step(picker, -10),
        KeyCode::PageDown => picker::step(picker, 10),
        _ if key == Key::ctrl('p') => picker::step(picker, -1),
        _ if key == Key::ctrl('n') => picker::step(picker, 1),
        _ if key == Key::ctrl('u') && picker.line.text().is_empty() => picker::step(picker, -10),
        _ if key == Key::ctrl('d') => picker::step(picker, 10),
        KeyCode::Char(' ') | KeyCode::Tab if picker.several => picker::mark(picker),
        _ => {
            if picker.line.key(key) {
                picker::settle(picker);
            }
        }
    }
    None
}

fn picked(model: &mut Model, purpose: PickerPurpose, event: Picked) -> Vec<Effect> {
    model.overlays.pop();
    match (purpose, event) {
        (_, Picked::Cancelled) => Vec::new(),
        (PickerPurpose::Scope, Picked::Done(ids)) => session::scope_picked(model, &ids),
        (PickerPurpose::Context, Picked::Done(ids)) => session::context_picked(model, &ids),
        (PickerPurpose::Columns | PickerPurpose::Sort | PickerPurpose::Filter, Picked::Done(ids)) => {
            list::picked(model, purpose, &ids)
        }
        (PickerPurpose::Board, Picked::Done(ids)) => cluster::picked(model, &ids),
        (PickerPurpose::Forwards, Picked::Done(ids)) => visit::stop(model, &ids),
        (PickerPurpose::Undo, Picked::Done(ids)) => change::undo_picked(model, &ids),
        (PickerPurpose::Compare, Picked::Done(ids)) => compare::picked(model, &ids),
        (PickerPurpose::Record, Picked::Done(ids)) => record::picked(model, &ids),
        (PickerPurpose::Drafts, Picked::Done(ids)) => draft::picked(model, &ids),
        (PickerPurpose::Draft(which), Picked::Done(ids)) => draft::chosen(model, which, &ids),
        (PickerPurpose::Page(which), Picked::Done(ids)) => page::picked(model, which, &ids),
    }
}

/// `Some(true)`: do it. `Some(false)`: don't. Enter takes the chosen button, and Cancel is chosen first; where something
/// must be typed, enter does it as soon as it is there.
fn confirm_key(confirm: &mut Confirm, key: Key) -> Option<bool> {
    match key.code {
        KeyCode::Esc => return Some(false),
        _ if key == Key::ctrl('c') || key == Key::ctrl('g') => return Some(false),
        KeyCode::Up => turn(confirm, 0, -1),
        KeyCode::Down => turn(confirm, 0, 1),
        // No name that may have to be typed has brackets in it.
        KeyCode::Char('[') if confirm.options.len() > 1 => turn(confirm, 1, -1),
        KeyCode::Char(']') if confirm.options.len() > 1 => turn(confirm, 1, 1),
        KeyCode::Enter if confirm.must_type.is_some() => return confirm.is_typed().then_some(true),
        KeyCode::Enter => return Some(confirm.on_yes),
        _ if confirm.must_type.is_some() => {
            // A key that edits nothing does nothing.
            let _ = confirm.line.key(key);
        }
        KeyCode::Char('q' | 'n') => return Some(false),
        KeyCode::Char('y') => return Some(true),
        KeyCode::Left | KeyCode::Right | KeyCode::Tab | KeyCode::BackTab | KeyCode::Char('h' | 'l') => {
            confirm.on_yes = !confirm.on_yes;
        }
        _ => {}
    }
    None
}

/// Turns one of the choices.
fn turn(confirm: &mut Confirm, which: usize, by: isize) {
    if let Some(options) = confirm.options.get_mut(which) {
        options.at = (options.at as isize + by).rem_euclid(options.words.len().max(1) as isize) as usize;
    }
}

/// A question was answered.
fn answered(model: &mut Model, yes: bool) -> Vec<Effect> {
    let Some(Overlay::Confirm(confirm)) = model.overlays.pop() else { return Vec::new() };
    match &confirm.then {
        _ if !yes => Vec::new(),
        Then::Command(id) => command(model, *id),
        Then::Changes(_) => change::confirmed(model, confirm),
    }
}
