//! What there is to say about a configuration: where, what, and what to do.
//!
//! Owns the wording's shape and the search for the name that was meant. Must not print.

use std::{fmt, path::PathBuf};

use crate::jobs::Clean;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The rest works.
    Warning,
    /// Nothing of the file (or this setting) is used until it is mended.
    Error,
}

/// One thing to say, in the form of a compiler: `file:line:column: what (remedy)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Warning or error.
    pub gravity: Gravity,
    /// The file, or the name of the variable or argument.
    pub place: PathBuf,
    /// Line and column from 1, where it is about a place in a file.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub what: Clean,
    /// What to do; may be empty.
    pub hint: Clean,
}

impl Note {
    /// A note about a byte of a file's text.
    pub fn in_file(gravity: Gravity, file: impl Into<PathBuf>, text: &str, byte: usize, what: &str) -> Self {
        let at = Some(line_and_column(text, byte));
        Self { gravity, place: file.into(), at, what: Clean::new(what), hint: Clean::default() }
    }

    /// A note about a file as a whole, a variable or an argument.
    pub fn about(gravity: Gravity, place: impl Into<PathBuf>, what: &str) -> Self {
        Self { gravity, place: place.into(), at: None, what: Clean::new(what), hint: Clean::default() }
    }

    /// With a remedy.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Clean::new(hint);
        self
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", Clean::new(&self.place.to_string_lossy()))?;
        if let Some((line, column)) = self.at {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// Line and column (in characters), from 1, of a byte of `text`.
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_from_one() {
        assert_eq!(line_and_column("a\nbé = 1", 5), (2, 3));
        assert_eq!(line_and_column("", 9), (1, 1));
        let note = Note::in_file(Gravity::Error, "c.toml", "x\ny", 2, "bad\x1b").hint("mend it");
        assert_eq!(note.to_string(), "c.toml:2:1: bad?; mend it");
    }
}
