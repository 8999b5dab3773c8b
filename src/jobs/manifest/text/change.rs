//! Several changes, one after the other.

use serde_json::Value;

use super::document::{Document, ParseError};
use super::edit::EditError;

/// One change of a manifest, by path.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Sets a value, making the maps that lead there; `-` adds to a list.
    Set(String, Value),
    /// Takes a value away, if it is there.
    Remove(String),
    /// Puts an item before the one at this path.
    Insert(String, Value),
}

impl Change {
    /// What it is about: a JSON pointer.
    pub fn at(&self) -> &str {
        match self {
            Self::Set(at, _) | Self::Remove(at) | Self::Insert(at, _) => at,
        }
    }
}

/// Why the changes were not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The text is no YAML.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// One of them can't be made by an edit.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The text with all changes made to its first document, each looking at what the ones before it left.
pub fn changed(text: &str, changes: &[Change]) -> Result<String, ChangeError> {
    let mut text = text.to_owned();
    for change in changes {
        let document = Document::parse(&text)?;
        let edit = match change {
            Change::Set(at, value) => document.set(at, value)?,
            Change::Insert(at, value) => document.insert(at, value)?,
            Change::Remove(at) if document.get(at).is_none() => continue,
            Change::Remove(at) => document.remove(at)?,
        };
        text = edit.apply(&text);
    }
    Ok(text)
}
