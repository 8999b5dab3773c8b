//! Changes that a person said yes to.
//!
//! Owns the proof: a [`Confirmed`] holds the very changes that were shown, and how they were confirmed. Only the
//! console's confirmation and send page call [`Confirmed::on_screen`], only flags of the command line
//! [`Confirmed::by_flag`], only alerts [`Confirmed::by_setting`] (`tests/it/house.rs` holds the code to that).

use super::change::Change;

/// How somebody said yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// By a key on a screen that showed it.
    Key,
    /// By typing this on such a screen.
    Typed(String),
    /// By a flag for that very object, and this word where one was given.
    Flag(Option<String>),
    /// By a setting of the user's that names this very thing.
    Setting,
    /// When it was begun, before it was interrupted.
    Before,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    changes: Vec<Change>,
    how: How,
}

impl Confirmed {
    /// A person saw these changes and agreed, by a key or by typing what [`Confirmed::word`] asks for.
    pub fn on_screen(changes: Vec<Change>, typed: Option<String>) -> Self {
        Self { changes, how: typed.map_or(How::Key, How::Typed) }
    }

    /// A flag of the command line names these objects; `typed`: what [`Confirmed::word`] asks for, if it was given.
    pub fn by_flag(changes: Vec<Change>, typed: Option<String>) -> Self {
        Self { changes, how: How::Flag(typed) }
    }

    /// The user's settings say that this is to be done.
    pub fn by_setting(change: Change) -> Self {
        Self { changes: vec![change], how: How::Setting }
    }

    /// What must be typed where that is asked for: the object's name, or the number of several objects.
    pub fn word(changes: &[Change]) -> String {
        match changes {
            [one] => one.subject.name.to_string(),
            several => several.len().to_string(),
        }
    }

    /// The changes.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How it was confirmed.
    pub const fn how(&self) -> &How {
        &self.how
    }

    /// The changes, to be made or given up.
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Whether it was confirmed by typing what is asked for.
    pub(super) fn was_typed(&self) -> bool {
        matches!(&self.how, How::Typed(text) | How::Flag(Some(text)) if *text == Self::word(&self.changes))
    }
}
