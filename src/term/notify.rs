//! Telling by the terminal: its bell, and the notifications that some terminals show (OSC 9, OSC 777).
//!
//! Owns these sequences. Text in them is plain: nothing of it can end the sequence or mean anything to the terminal.

use super::{
    caps::Caps,
    passage::{through_screen, through_tmux},
};

/// Longer texts are cut.
const MOST_CHARS: usize = 200;
/// Who tells.
const TITLE: &str = "mpideck";

/// The ways that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// The bell; tmux and screen pass it on.
    pub bell: bool,
    /// OSC 9.
    pub osc9: bool,
    /// OSC 777.
    pub osc777: bool,
}

/// The bytes that tell a terminal like this.
pub fn sequence(text: &str, ways: Ways, caps: &Caps) -> Vec<u8> {
    let text = plain(text);
    let mut out = String::new();
    // The title also keeps a text that begins with a number from being a command of `ConEmu`'s OSC 9.
    if ways.osc9 {
        out.push_str(&passed_on(&format!("\x1b]9;{TITLE}: {text}\x07"), caps));
    }
    if ways.osc777 {
        out.push_str(&passed_on(&format!("\x1b]777;notify;{TITLE};{text}\x07"), caps));
    }
    if ways.bell {
        out.push('\x07');
    }
    out.into_bytes()
}

fn passed_on(raw: &str, caps: &Caps) -> String {
    match (caps.tmux, caps.screen) {
        (true, _) => through_tmux(raw),
        (false, true) => through_screen(raw),
        (false, false) => raw.to_owned(),
    }
}

/// Without what could end a sequence; `;` separates its parts.
fn plain(text: &str) -> String {
    let put = |c: char| match c {
        c if c.is_control() => ' ',
        ';' => ',',
        c => c,
    };
    text.chars().take(MOST_CHARS).map(put).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Ways = Ways { bell: true, osc9: true, osc777: true };

    fn text(text: &str, ways: Ways, tmux: bool, screen: bool) -> String {
        let bytes = sequence(text, ways, &Caps { tmux, screen, ..Caps::default() });
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn each_surrounding_gets_its_own_wrapping() {
        assert_eq!(
            text("a failed", ALL, false, false),
            "\x1b]9;mpideck: a failed\x07\x1b]777;notify;mpideck;a failed\x07\x07"
        );
        let osc9 = Ways { osc9: true, ..Ways::default() };
        assert_eq!(text("x", osc9, true, false), "\x1bPtmux;\x1b\x1b]9;mpideck: x\x07\x1b\\");
        assert_eq!(text("x", osc9, false, true), "\x1bP\x1b]9;mpideck: x\x07\x1b\\");
        let bell = Ways { bell: true, ..Ways::default() };
        assert_eq!([text("x", bell, true, false), text("x", Ways::default(), false, false)], ["\x07", ""]);
    }

    #[test]
    fn no_text_ends_its_sequence() {
        let evil = "4;3;\x1b]52;c;aGk=\x07\u{9c}\u{9d}\r\n";
        let sent = text(evil, Ways { osc777: true, osc9: true, bell: false }, false, false);
        assert_eq!(sent.matches(['\x07', '\x1b']).count(), 4, "two sequences and no more: {sent:?}");
        assert!(!sent.contains(['\u{9c}', '\u{9d}', '\r', '\n']), "{sent:?}");
        assert_eq!(sent.matches(';').count(), 4, "{sent:?}");
        assert!(text(&"x".repeat(10_000), ALL, false, false).len() < 500);
    }
}
