//! What commands and messages do about changes to the cluster: asking, sending, and telling what came of it.
//!
//! Owns the way from a key to [`crate::changes::Confirmed`]. What may be changed is decided in `changes`; what is refused here is refused
//! to be kind, early.

mod apply;
mod ask;
mod clean_up;
mod confirm;
#[cfg(test)]
mod tests;
mod told;

pub use ask::{offered, prompt};
pub use clean_up::answer;
pub use confirm::{confirmed, go, undo_picked};
pub use told::{begin, deadline, message, settled};

use crate::console::{
    commands::ChangeCommand,
    effect::Effect,
    model::{Model, change::ChangeEffect, notices::Tone},
};

/// Minutes that a context is unlocked for where no number is given.
const MINUTES: u32 = 10;
/// The most.
const MOST_MINUTES: u32 = 8 * 60;

/// A command about changes.
pub fn command(model: &mut Model, id: ChangeCommand) -> Vec<Effect> {
    match id {
        ChangeCommand::Undo => vec![Effect::Change(ChangeEffect::Undoable(model.session.id))],
        ChangeCommand::Log => {
            told::show(model);
            vec![Effect::Change(ChangeEffect::ReadLog)]
        }
        ChangeCommand::Unlock => unlock(model, ""),
        ChangeCommand::Lock => {
            model.session.unlocked = None;
            tell(model, Tone::Good, "Read-only again");
            vec![Effect::Change(ChangeEffect::Unlock(model.session.id, model.now))]
        }
        ChangeCommand::FreeAll => clean_up::free(model),
        ChangeCommand::CleanUp => clean_up::ask(model),
        ChangeCommand::Scale | ChangeCommand::Queue | ChangeCommand::Priority | ChangeCommand::Label => {
            ask::open(model, id)
        }
        _ => confirm::open(model, id, ""),
    }
}

/// `:unlock [MINUTES]`.
pub fn unlock(model: &mut Model, minutes: &str) -> Vec<Effect> {
    let session = &model.session;
    let refused = match minutes.parse::<u32>() {
        _ if session.context.is_empty() => Some("no context is chosen".to_owned()),
        _ if session.read_only_all => {
            Some("this run is read-only (--read-only, or the setting of this name): start without it".to_owned())
        }
        _ if !session.read_only => Some(format!("context {} is not read-only", session.context)),
        Err(_) if !minutes.is_empty() => Some(format!("«{minutes}» is no number of minutes")),
        Ok(n) if n == 0 || n > MOST_MINUTES => Some(format!("it takes 1 to {MOST_MINUTES} minutes")),
        _ => None,
    };
    if let Some(why) = refused {
        tell(model, Tone::Warn, &format!("Unlock: {why}"));
        return Vec::new();
    }
    let minutes = minutes.parse().unwrap_or(MINUTES);
    let until = model.now.plus(minutes * 60);
    model.session.unlocked = Some(until);
    let text =
        format!("Changes are allowed in context {} for {minutes} minutes; :lock ends that", model.session.context);
    tell(model, Tone::Warn, &text);
    vec![Effect::Change(ChangeEffect::Unlock(model.session.id, until))]
}

fn tell(model: &mut Model, tone: Tone, text: &str) {
    model.notices.tell(model.now, tone, text);
}
