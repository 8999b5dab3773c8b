//! What messages and commands do to the session.

use crate::console::{
    effect::Effect,
    model::{Model, session::SessionMessage},
};

/// Something happened in the current session.
pub fn message(_model: &mut Model, message: SessionMessage) -> Vec<Effect> {
    match message {}
}
