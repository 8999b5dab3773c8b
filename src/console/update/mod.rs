//! `update`: a message changes the model and gives effects. Here it is only routed; each feature has its file.
//!
//! Plain functions: no await, no I/O, no clock, no terminal.

pub mod alert;
pub mod app;
pub mod change;
pub mod cluster;
pub mod compare;
pub mod draft;
pub mod fleet;
pub mod glance;
pub mod input;
pub mod list;
pub mod listen;
pub mod offers;
pub mod overlay;
pub mod page;
pub mod record;
pub mod session;
pub mod survey;
pub mod text;
pub mod user;
pub mod visit;

use ratatui::layout::Size;

use super::{
    commands::{self, CommandId},
    effect::Effect,
    message::{Input, Message},
    model::{Model, notices::Tone, overlay::Overlay, place::Place},
};
use crate::jobs::Secs;

/// Lets a message happen.
pub fn update(model: &mut Model, message: Message, now: Secs) -> Vec<Effect> {
    let mut effects = happened(model, message, now);
    effects.extend(alert::follow(model));
    effects.extend(survey::follow(model));
    effects.extend(listen::follow(model));
    effects
}

fn happened(model: &mut Model, message: Message, now: Secs) -> Vec<Effect> {
    let was_dirty = std::mem::replace(&mut model.dirty, true);
    model.now = now;
    match message {
        Message::Input(input) => entered(model, input),
        Message::Resumed(size) => resized(model, size),
        Message::Deadline => deadline(model),
        Message::Fleet(batches) => {
            compare::see(model);
            let effects = fleet::batches(model, batches);
            model.dirty |= was_dirty;
            effects
        }
        Message::Loaded(loaded) => session::loaded(model, *loaded),
        Message::Session(id, message) if id == model.session.id => {
            let mut effects = session::message(model, message);
            // A draft may have waited for a cluster to ask.
            effects.extend(draft::follow(model));
            effects
        }
        Message::Page(id, message) => page::message(model, id, message),
        Message::Metrics(id, message) => {
            let mut effects = page::metrics(model, id, message);
            let dirty = model.dirty;
            effects.extend(fleet::settle(model));
            model.dirty |= dirty;
            effects
        }
        Message::Glance(id, odd) if id == model.session.id => glance::taken(model, &odd),
        Message::Session(..) | Message::Glance(..) => {
            model.dirty = was_dirty;
            Vec::new()
        }
        Message::Log(id, message) => page::log(model, id, message),
        Message::Said(id, logs) => {
            page::heard(model, id, logs);
            fleet::settle(model)
        }
        Message::Heard(key, said) => {
            model.fleet.look(&key, *said);
            fleet::settle(model)
        }
        Message::Reach(key, reach) => {
            model.fleet.bar(&key, reach);
            fleet::settle(model)
        }
        Message::Survey(id, read) => survey::message(model, id, *read),
        Message::Work(id, told) => survey::worked(model, id, *told),
        Message::Quotas(id, read) => {
            let effects = alert::read(model, id, *read);
            model.dirty |= was_dirty;
            effects
        }
        Message::Change(message) => {
            let mut effects = draft::over(model, &message);
            effects.extend(change::message(model, message));
            effects
        }
        Message::Visit(message) => visit::message(model, message),
        Message::Record(message) => record::message(model, message),
        Message::Draft(message) => draft::message(model, message),
        Message::Drawn(drawn) => {
            model.drawn = drawn;
            Vec::new()
        }
        Message::Told(told) => {
            model.notices.tell(now, told.tone, &told.text);
            Vec::new()
        }
    }
}

/// Something came from the terminal.
fn entered(model: &mut Model, input: Input) -> Vec<Effect> {
    let before = Place::of(model);
    let mut effects = match input {
        Input::Key(key) => input::key(model, key),
        Input::Burst(keys) => input::burst(model, keys),
        Input::Paste(text) => input::paste(model, &text),
        Input::Mouse(event) => input::mouse(model, event),
        Input::Resize(size) => return resized(model, size),
    };
    model.moved_from(before);
    effects.extend(session::narrow(model));
    effects.extend(record::follow(model));
    alert::watch(model);
    effects.extend(draft::follow(model));
    effects
}

fn resized(model: &mut Model, size: Size) -> Vec<Effect> {
    model.size = size;
    list::resized(model);
    cluster::resized(model);
    draft::resized(model);
    page::resized(model)
}

/// Time has passed: ages read otherwise, derivations expire, notices go.
fn deadline(model: &mut Model) -> Vec<Effect> {
    let mut effects = fleet::settle(model);
    model.dirty = true;
    change::deadline(model);
    effects.extend(alert::deadline(model));
    if model.overlays.iter().any(Overlay::is_debug) {
        effects.extend(app::count(model));
    }
    effects
}

/// Runs a command, if it can run now; else says why not.
pub fn command(model: &mut Model, id: CommandId) -> Vec<Effect> {
    if let Some(row) = commands::row(id) {
        let refused = if row.change && model.session.is_locked(model.now) {
            Some(format!("{}: {}", row.title, model.session.why_locked()))
        } else {
            (row.enabled)(model).err().map(|why| format!("{}: {why}", row.title))
        };
        if let Some(why) = refused {
            model.notices.tell(model.now, Tone::Warn, &why);
            return Vec::new();
        }
        // A hint: the server decides.
        if let Some(why) = row.denied(model) {
            let why = format!("{} is tried, but will probably be refused; {why}", row.title);
            model.notices.tell(model.now, Tone::Warn, &why);
        }
    }
    match id {
        CommandId::App(id) => app::command(model, id),
        CommandId::List(id) => list::command(model, id),
        CommandId::Page(id) => page::command(model, id),
        CommandId::Change(id) => change::command(model, id),
        CommandId::Cluster(id) => cluster::command(model, id),
        CommandId::Compare(id) => compare::command(model, id),
        CommandId::Visit(id) => visit::command(model, id),
        CommandId::User(at) => user::command(model, at),
        CommandId::Record(id) => record::command(model, id),
        CommandId::Log(id) => page::log_command(model, id),
        CommandId::Metrics(id) => page::metrics_command(model, id),
        CommandId::Text(id) => text::command(model, id),
        CommandId::Draft(id) => draft::command(model, id),
        CommandId::Editor(id) => draft::editor(model, id),
        CommandId::Form(id) => draft::form(model, id),
        CommandId::Fix(id) => draft::fix(model, id),
    }
}

#[cfg(test)]
mod tests;
