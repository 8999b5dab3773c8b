//! Effects: orders to the outside, as data. The runner executes them; nothing else does.

use super::model::{
    page::PageEffect,
    session::{SessionEffect, SessionId},
};

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// About a session.
    Session(SessionId, SessionEffect),
    /// About a job page or a log.
    Page(PageEffect),
    /// Copy this text to the terminal's clipboard and say how it went.
    Clipboard(String),
    /// Write the screen as it is to a 0600 text file and say where.
    Dump,
    /// Draw everything again.
    Redraw,
    /// Turn mouse reports on or off.
    Mouse(bool),
    /// Leave.
    Quit,
}
