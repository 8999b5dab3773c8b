//! What messages and commands do to the job list.

use crossterm::event::MouseEvent;

use crate::{
    console::{
        commands::ListCommand,
        effect::Effect,
        model::{Model, overlay::PromptEvent},
    },
    jobs::fleet::Batch,
};

/// A command of the list.
pub fn command(_model: &mut Model, _id: ListCommand) -> Vec<Effect> {
    Vec::new()
}

/// Rows changed.
pub fn fleet(_model: &mut Model, _batches: Vec<Batch>) -> Vec<Effect> {
    Vec::new()
}

/// A deadline has come: ages read otherwise, derivations expire.
pub fn deadline(_model: &mut Model) -> Vec<Effect> {
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
