//! The only writes to stdout and stderr.
//!
//! Owns what happens when nobody reads any more (`| head`): nothing. Texts must be clean when they come here; control
//! characters other than line ends and tabs are replaced all the same.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;

use super::exit::Failure;
use crate::jobs::text::is_unsafe;

/// Prints text, as it is but for what could drive a terminal.
pub fn out(text: &str) -> Result<(), Failure> {
    write(&harmless(text))
}

/// One JSON document, for people to read, too.
pub fn json(document: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(document);
    text.map(|text| text + "\n").map_err(|error| Failure::new(&format!("can't write JSON: {error}")))
}

fn write(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(&format!("can't write the output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Shows how something goes on, in one line of stderr that the next one replaces; without a terminal a line each.
pub fn status(text: &str) {
    let stderr = io::stderr();
    let text = harmless(text);
    if !stderr.is_terminal() {
        return complain(&text);
    }
    let cells = rustix::termios::tcgetwinsize(&stderr).map_or(80, |size| usize::from(size.ws_col)).max(2) - 1;
    let cut: String = text.chars().take(cells).collect();
    // Nobody reads any more: then nobody misses it.
    let _ = write!(stderr.lock(), "\r\x1b[K{cut}");
}

/// Leaves the last status where it is.
pub fn end_status() {
    if io::stderr().is_terminal() {
        complain("");
    }
}

/// Cells of a line, where the output is a terminal.
pub fn width() -> Option<u16> {
    let stdout = io::stdout();
    let width = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten()?.ws_col;
    // A terminal that does not know its size says 0.
    (width > 0).then_some(width)
}

/// Prints a painted screen: its control sequences are ours, and [`lines`](crate::term::paint::lines) lets no others in.
pub fn painted(text: &str) -> Result<(), Failure> {
    write(text)
}

/// Prints an error or a note, which must not mix with the output.
pub fn complain(text: &str) {
    // With stderr gone there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

fn harmless(text: &str) -> Cow<'_, str> {
    let bad = |c: char| is_unsafe(c) && !matches!(c, '\n' | '\t');
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if bad(c) { '?' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_tabs_pass_and_nothing_else_that_drives_a_terminal() {
        assert_eq!(harmless("a\tb\nc é"), "a\tb\nc é");
        assert_eq!(harmless("a\x1b]0;x\x07\r\u{202e}b\u{9b}"), "a?]0;x???b?");
    }
}
