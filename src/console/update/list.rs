//! What messages and commands do to the job list.

use crossterm::event::MouseEvent;

use crate::{
    console::{
        commands::ListCommand,
        effect::Effect,
        model::{
            Model,
            overlay::{PickerPurpose, PromptEvent},
        },
    },
    disk::Remembered,
    jobs::fleet::Changed,
};

/// A command of the list.
pub fn command(_model: &mut Model, _id: ListCommand) -> Vec<Effect> {
    Vec::new()
}

/// These jobs changed in the fleet.
pub fn changed(_model: &mut Model, _changed: &Changed) -> Vec<Effect> {
    Vec::new()
}

/// The screen has another size.
pub fn resized(_model: &mut Model) {}

/// Something happened to one of the list's prompts.
pub fn prompt(_model: &mut Model, _event: PromptEvent) -> Vec<Effect> {
    Vec::new()
}

/// Esc on the list: whether there was something to undo (a filter, marks).
pub fn back(_model: &mut Model) -> bool {
    false
}

/// A click.
pub fn mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

/// What `c` copies.
pub fn copied(_model: &Model) -> Option<String> {
    None
}

/// The session was opened anew: what belonged to the one before goes.
pub fn session_changed(_model: &mut Model) {}

/// Shows only what this filter lets through.
pub fn set_filter(_model: &mut Model, _filter: &str) -> Vec<Effect> {
    Vec::new()
}

/// One of the list's pickers was answered with these ids.
pub fn picked(_model: &mut Model, _purpose: PickerPurpose, _ids: &[String]) -> Vec<Effect> {
    Vec::new()
}

/// Something happened to another prompt of the list (`which` is the list's own number for it).
pub fn other_prompt(_model: &mut Model, _which: u8, _event: PromptEvent) -> Vec<Effect> {
    Vec::new()
}

/// What was remembered from earlier runs: columns, order, named filters.
pub fn remembered(_model: &mut Model, _remembered: &Remembered) {}
