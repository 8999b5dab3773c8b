//! One line of typed text and its cursor, for prompts, filters and the palette.
//!
//! Owns editing by grapheme. Must not know what the line is for.

use crossterm::event::{KeyCode, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use super::key::Key;
use crate::jobs::text::is_unsafe;

/// More than anybody types; a paste is cut here.
const MAX: usize = 4096;

/// The line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEdit {
    text: String,
    /// Byte offset, always on a grapheme boundary.
    cursor: usize,
}

impl LineEdit {
    /// Begins with `text`, cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut line = Self::default();
        line.insert(text);
        line
    }

    /// What is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Before and after the cursor.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Replaces everything, cursor at the end.
    pub fn set(&mut self, text: &str) {
        *self = Self::new(text);
    }

    /// Types or pastes `text`; line ends and tabs become blanks, other invisible characters are left out.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if matches!(c, '\n' | '\t') { ' ' } else { c };
            if !is_unsafe(c) && self.text.len() + c.len_utf8() <= MAX {
                self.text.insert(self.cursor, c);
                self.cursor += c.len_utf8();
            }
        }
    }

    /// Does what `key` means in a line; `false` if it means nothing here.
    pub fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let ctrl = key.mods == KeyModifiers::CONTROL;
        match key.code {
            KeyCode::Backspace => self.delete(self.before(), self.cursor),
            KeyCode::Char('h') if ctrl => self.delete(self.before(), self.cursor),
            KeyCode::Delete => self.delete(self.cursor, self.after()),
            KeyCode::Char('w') if ctrl => self.delete(self.word_before(), self.cursor),
            KeyCode::Char('u') if ctrl => self.delete(0, self.cursor),
            KeyCode::Char('k') if ctrl => self.delete(self.cursor, self.text.len()),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |g| self.cursor + g.len())
    }

    fn word_before(&self) -> usize {
        let head = self.text[..self.cursor].trim_end();
        head.rfind(char::is_whitespace).map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edits_by_word_and_grapheme() {
        let mut line = LineEdit::new("state:failed né");
        line.key(Key::code(KeyCode::Backspace));
        assert_eq!(line.text(), "state:failed n");
        line.key(Key::ctrl('w'));
        assert_eq!(line.text(), "state:failed ");
        line.key(Key::code(KeyCode::Home));
        line.insert("a\nb\x1b");
        assert_eq!(line.split(), ("a b", "state:failed "));
    }

    proptest! {
        #[test]
        fn any_keys_keep_the_cursor_on_a_boundary(
            text in "\\PC{0,12}",
            keys in proptest::collection::vec(0..9usize, 0..40),
        ) {
            let table = [
                Key::code(KeyCode::Left), Key::code(KeyCode::Right), Key::code(KeyCode::Backspace),
                Key::code(KeyCode::Delete), Key::ctrl('w'), Key::char('é'), Key::char(' '),
                Key::code(KeyCode::Home), Key::ctrl('k'),
            ];
            let mut line = LineEdit::new(&text);
            for key in keys {
                line.key(table[key]);
                prop_assert!(line.text.is_char_boundary(line.cursor));
            }
        }
    }
}
