//! The modes of the terminal: switched on in one place, and exactly these switched off again.
//!
//! Owns a static set of the modes that are on, so that a panic hook, a signal and `Drop` can all undo them, in any
//! order and any number of times. Must not draw. Nothing here takes the lock of `stdout`: a panic may hold it.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicU8, Ordering},
    },
    thread::{self, ThreadId},
};

use rustix::stdio;

const RAW: u8 = 1;
const SCREEN: u8 = 2;
const PASTE: u8 = 4;
const MOUSE: u8 = 8;

static ON: AtomicU8 = AtomicU8::new(0);
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Clicks and the wheel only, in SGR coordinates: reports of every motion would flood a slow link.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal in full-screen use. Dropping it gives the terminal back as it was.
#[derive(Debug)]
pub struct Guard {
    mouse: bool,
}

impl Guard {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, hidden cursor, mouse only if asked for.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        if let Ok(mut owner) = OWNER.lock() {
            *owner = Some(thread::current().id());
        }
        let mut guard = Self { mouse };
        guard.reenter()?;
        Ok(guard)
    }

    /// Gives the terminal back for a while (a suspended console, an editor).
    pub fn leave(&mut self) {
        restore();
    }

    /// Takes it again; also after somebody else changed its modes behind our back. Everything must be drawn anew.
    pub fn reenter(&mut self) -> io::Result<()> {
        // crossterm keeps the modes it found the first time; off and on again re-applies raw mode after a SIGCONT.
        if ON.load(Ordering::SeqCst) & RAW != 0 {
            crossterm::terminal::disable_raw_mode()?;
        }
        ON.fetch_or(RAW, Ordering::SeqCst);
        crossterm::terminal::enable_raw_mode().inspect_err(|_| restore())?;
        let mut modes = SCREEN | PASTE;
        let mut text = String::from("\x1b[?1049h\x1b[?2004h\x1b[?25l");
        if self.mouse {
            modes |= MOUSE;
            text.push_str(MOUSE_ON);
        }
        ON.fetch_or(modes, Ordering::SeqCst);
        write_all(text.as_bytes()).inspect_err(|_| restore())
    }

    /// Reports clicks and the wheel, or leaves the mouse to the terminal's own selection.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on {
            ON.fetch_or(MOUSE, Ordering::SeqCst);
            write_all(MOUSE_ON.as_bytes())
        } else {
            ON.fetch_and(!MOUSE, Ordering::SeqCst);
            write_all(MOUSE_OFF.as_bytes())
        }
    }

    /// Whether the mouse is reported to us.
    pub fn mouse(&self) -> bool {
        self.mouse
    }

    /// Switches every mode off and on again, for after a program that may have left some on (a shell in a pod).
    pub fn reset(&mut self) -> io::Result<()> {
        self.leave();
        self.reenter()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Switches off every mode that is on. Safe to call at any time, from any thread, more than once.
pub fn restore() {
    let on = ON.swap(0, Ordering::SeqCst);
    let text = undo(on);
    if !text.is_empty() {
        // The terminal may be gone; there is nobody to tell.
        let _ = write_all(text.as_bytes());
    }
    if on & RAW != 0 {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Lets go of a terminal that is lost or about to be: its line discipline is set back, and nothing is written.
pub fn abandon() {
    if ON.swap(0, Ordering::SeqCst) & RAW != 0 {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

/// Makes a panic leave the terminal usable before it is reported by the hook that was there before.
///
/// A panic in a background task does not end the console: it goes to the log, where `stderr` would smear the screen.
pub fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!(target: "panic", "{info}");
        if ON.load(Ordering::SeqCst) == 0 || is_owner() {
            restore();
            report(info);
        }
    }));
}

fn is_owner() -> bool {
    OWNER.try_lock().is_ok_and(|owner| *owner == Some(thread::current().id()))
}

/// What undoes the modes in `on`. A synchronized update left open would freeze the screen, so it is always closed.
fn undo(on: u8) -> String {
    let mut text = String::new();
    if on & MOUSE != 0 {
        text.push_str(MOUSE_OFF);
    }
    if on & PASTE != 0 {
        text.push_str("\x1b[?2004l");
    }
    if on & SCREEN != 0 {
        text.push_str("\x1b[?2026l\x1b[m\x1b[?25h\x1b[?1049l");
    }
    text
}

/// Writes to the terminal past every buffer and lock of the standard library.
pub(crate) fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(stdio::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(rustix::io::Errno::INTR) => {}
            // Somebody who shares the terminal made it non-blocking.
            Err(rustix::io::Errno::AGAIN) => thread::sleep(std::time::Duration::from_millis(2)),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_exactly_what_is_on() {
        assert_eq!(undo(0), "");
        assert_eq!(undo(RAW), "");
        assert_eq!(undo(PASTE), "\x1b[?2004l");
        let all = undo(RAW | SCREEN | PASTE | MOUSE);
        for (on, off) in
            [("1049", "\x1b[?1049l"), ("2004", "\x1b[?2004l"), ("1000", "\x1b[?1000l"), ("1006", MOUSE_OFF)]
        {
            assert!(all.contains(off), "mode {on} is left on");
        }
        assert!(all.find("[?2026l") < all.find("[?1049l"), "an open update would hide the switch of screens");
    }

    #[test]
    fn restoring_nothing_writes_nothing_and_may_be_repeated() {
        restore();
        restore();
        abandon();
        assert_eq!(ON.load(Ordering::SeqCst), 0);
    }
}
