//! One key press, and its name in keymap files (`j`, `G`, `ctrl-d`, `space`, `pagedown`).
//!
//! Owns the spelling. Must not know any command.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as bindings compare it: shift is part of a character, not a modifier beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// What was pressed.
    pub code: KeyCode,
    /// ctrl and alt; shift only with keys that are not characters.
    pub mods: KeyModifiers,
}

impl Key {
    /// A character without modifiers.
    pub const fn char(c: char) -> Self {
        Self { code: KeyCode::Char(c), mods: KeyModifiers::NONE }
    }

    /// A key without modifiers.
    pub const fn code(code: KeyCode) -> Self {
        Self { code, mods: KeyModifiers::NONE }
    }

    /// A character with ctrl.
    pub const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), mods: KeyModifiers::CONTROL }
    }

    /// The character, if the key types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.mods.is_empty() => Some(c),
            _ => None,
        }
    }

    /// Why the key can't be bound: multiplexers, flow control and VT100s would not let it through.
    pub fn unbindable(self) -> Option<&'static str> {
        if self.mods.contains(KeyModifiers::ALT) {
            return Some("alt is not sent by every terminal");
        }
        match self.code {
            KeyCode::F(_) => Some("function keys are not on every keyboard"),
            KeyCode::Char('a' | 'b') if self.has_ctrl() => Some("it is the prefix of screen or tmux"),
            KeyCode::Char('s' | 'q') if self.has_ctrl() => Some("it stops or starts the terminal's output"),
            KeyCode::Char('z' | '\\') if self.has_ctrl() => Some("it suspends or ends the program"),
            _ => None,
        }
    }

    fn has_ctrl(self) -> bool {
        self.mods.contains(KeyModifiers::CONTROL)
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let mut mods = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Char(c) => {
                let shifted = mods.contains(KeyModifiers::SHIFT) && !mods.contains(KeyModifiers::CONTROL);
                mods.remove(KeyModifiers::SHIFT);
                KeyCode::Char(match c {
                    c if shifted => c.to_ascii_uppercase(),
                    c if mods.contains(KeyModifiers::CONTROL) => c.to_ascii_lowercase(),
                    c => c,
                })
            }
            KeyCode::BackTab => {
                mods.remove(KeyModifiers::SHIFT);
                KeyCode::BackTab
            }
            code => code,
        };
        Self { code, mods }
    }
}

/// Not the name of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("«{0}» is not the name of a key")]
pub struct UnknownKey(pub String);

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Self, UnknownKey> {
        let unknown = || UnknownKey(text.to_owned());
        let (mut rest, mut mods) = (text, KeyModifiers::NONE);
        loop {
            let (after, modifier) = if let Some(after) = rest.strip_prefix("ctrl-") {
                (after, KeyModifiers::CONTROL)
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (after, KeyModifiers::ALT)
            } else if let Some(after) = rest.strip_prefix("shift-") {
                (after, KeyModifiers::SHIFT)
            } else {
                break;
            };
            (rest, mods) = (after, mods | modifier);
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => crokey::parse_key_code(&rest.to_ascii_lowercase(), false).map_err(|_| unknown())?,
        };
        let code = if code == KeyCode::Tab && mods.contains(KeyModifiers::SHIFT) { KeyCode::BackTab } else { code };
        Ok(Self::from(KeyEvent::new(code, mods)))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (flag, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.mods.contains(flag) {
                text.push_str(name);
            }
        }
        match self.code {
            KeyCode::Char(' ') => text.push_str("space"),
            KeyCode::Char(c) => text.push(c),
            KeyCode::BackTab => text.push_str("shift-tab"),
            KeyCode::Delete => text.push_str("del"),
            other => text.push_str(&format!("{other:?}").to_lowercase()),
        }
        f.pad(&text)
    }
}

/// Several keys, as they are written in a keymap: `g g`.
pub fn sequence(text: &str) -> Result<Vec<Key>, UnknownKey> {
    let keys = text.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(UnknownKey(text.to_owned())) } else { Ok(keys) }
}

/// Writes what [`sequence`] reads.
pub fn spell(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in
            ["j", "G", "ctrl-d", "space", "pagedown", "esc", "enter", "-", "/", ":", "?", "shift-tab", "del", "é"]
        {
            assert_eq!(name.parse::<Key>().expect(name).to_string(), name);
        }
        assert!("hyper-x".parse::<Key>().is_err());
        assert_eq!(spell(&sequence("g  g").unwrap()), "g g");
    }

    #[test]
    fn shift_belongs_to_the_character() {
        let typed = Key::from(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT));
        assert_eq!(typed, "G".parse().unwrap());
        assert_eq!(Key::from(KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT)), typed);
        assert_eq!("shift-g".parse::<Key>().unwrap(), typed);
    }

    #[test]
    fn keys_that_do_not_arrive_are_refused() {
        for name in ["ctrl-a", "ctrl-b", "ctrl-s", "ctrl-q", "ctrl-z", "ctrl-\\", "alt-x", "f1"] {
            assert!(name.parse::<Key>().unwrap().unbindable().is_some(), "{name}");
        }
        assert!(Key::ctrl('d').unbindable().is_none());
    }
}
