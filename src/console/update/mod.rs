//! `update`: a message changes the model and gives effects. Here it is only routed; each feature has its file.
//!
//! Plain functions: no await, no I/O, no clock, no terminal.

pub mod app;
pub mod fleet;
pub mod input;
pub mod list;
pub mod overlay;
pub mod page;
pub mod session;
pub mod text;

use super::{
    commands::{self, CommandId},
    effect::Effect,
    message::{Input, Message},
    model::{Model, notices::Tone},
};
use crate::jobs::Secs;

/// Lets a message happen.
pub fn update(model: &mut Model, message: Message, now: Secs) -> Vec<Effect> {
    let was_dirty = std::mem::replace(&mut model.dirty, true);
    model.now = now;
    match message {
        Message::Input(Input::Key(key)) => input::key(model, key),
        Message::Input(Input::Burst(keys)) => input::burst(model, keys),
        Message::Input(Input::Paste(text)) => input::paste(model, &text),
        Message::Input(Input::Mouse(event)) => input::mouse(model, event),
        Message::Input(Input::Resize(size)) | Message::Resumed(size) => {
            model.size = size;
            list::resized(model);
            page::resized(model)
        }
        Message::Deadline => deadline(model),
        Message::Fleet(batches) => {
            let effects = fleet::batches(model, batches);
            model.dirty |= was_dirty;
            effects
        }
        Message::Loaded(loaded) => session::loaded(model, *loaded),
        Message::Session(id, message) if id == model.session.id => session::message(model, message),
        Message::Session(..) => {
            model.dirty = was_dirty;
            Vec::new()
        }
        Message::Page(id, message) => page::message(model, id, message),
        Message::Log(id, message) => page::log(model, id, message),
        Message::Told(told) => {
            model.notices.tell(now, told.tone, &told.text);
            Vec::new()
        }
    }
}

/// Time has passed: ages read otherwise, derivations expire, notices go.
fn deadline(model: &mut Model) -> Vec<Effect> {
    let effects = fleet::settle(model);
    model.dirty = true;
    effects
}

/// Runs a command, if it can run now; else says why not.
pub fn command(model: &mut Model, id: CommandId) -> Vec<Effect> {
    if let Some(row) = commands::row(id) {
        let refused = if row.change && model.session.read_only {
            Some(format!("{}: this context is read-only", row.title))
        } else {
            (row.enabled)(model).err().map(|why| format!("{}: {why}", row.title))
        };
        if let Some(why) = refused {
            model.notices.tell(model.now, Tone::Warn, &why);
            return Vec::new();
        }
    }
    match id {
        CommandId::App(id) => app::command(model, id),
        CommandId::List(id) => list::command(model, id),
        CommandId::Page(id) => page::command(model, id),
        CommandId::Text(id) => text::command(model, id),
    }
}

#[cfg(test)]
mod tests;
