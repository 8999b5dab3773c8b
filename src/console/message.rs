//! Messages: past facts, the only thing that changes the model. One small enum per feature, in that feature's file.

use crossterm::event::MouseEvent;
use ratatui::layout::Size;

use super::{
    key::Key,
    model::{
        page::{LogId, LogMessage, PageId, PageMessage},
        session::{SessionId, SessionMessage},
    },
};
use crate::jobs::fleet::Batch;

/// What happened.
#[derive(Debug)]
pub enum Message {
    /// Something came from the terminal.
    Input(Input),
    /// The terminal is ours again (after a stop, an editor, a sign-in): everything must be drawn again.
    Resumed(Size),
    /// The deadline that the model asked for has come.
    Deadline,
    /// Rows changed in the cluster; only of the current session (older ones are dropped by the loop).
    Fleet(Vec<Batch>),
    /// Of a session: an older generation is dropped.
    Session(SessionId, SessionMessage),
    /// Of a job page: of one that is closed is dropped.
    Page(PageId, PageMessage),
    /// Of a log: of one that is closed is dropped.
    Log(LogId, LogMessage),
    /// Something about files, the clipboard or the program itself.
    Told(Told),
}

/// From the terminal.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Pasted text, never keys.
    Paste(String),
    /// A new size.
    Resize(Size),
    /// Only while the mouse is on.
    Mouse(MouseEvent),
}

/// Something to tell the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How it is meant.
    pub tone: super::model::notices::Tone,
    /// One line.
    pub text: String,
}
