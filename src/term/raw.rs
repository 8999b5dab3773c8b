//! The terminal passed through: bytes of a shell in a pod and back, nothing understood in between.
//!
//! Owns raw mode while it lasts, and gives back what it found. For a borrower of the terminal ([`super::child::lend`]);
//! must not be used while the console draws.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::{
    io::{Interest, unix::AsyncFd},
    signal::unix::{Signal, SignalKind, signal},
};

use super::{guard, signals};

/// The terminal in raw mode. Dropping it sets it back.
#[derive(Debug)]
pub struct Raw {
    tty: AsyncFd<OwnedFd>,
    before: Termios,
    resizes: Signal,
}

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// These bytes.
    Bytes(Vec<u8>),
    /// It has another size: columns and lines.
    Resized(u16, u16),
}

impl Raw {
    /// Takes the terminal that keys come from. Needs a runtime.
    pub fn enter() -> io::Result<Self> {
        let tty = signals::terminal()?;
        let before = tcgetattr(&tty)?;
        let mut raw = before.clone();
        raw.make_raw();
        let resizes = signal(SignalKind::window_change())?;
        tcsetattr(&tty, OptionalActions::Now, &raw)?;
        #[expect(deprecated, reason = "its successor needs unsafe code; an OwnedFd stays open as long as this")]
        let tty = AsyncFd::with_interest(tty, Interest::READABLE)?;
        Ok(Self { tty, before, resizes })
    }

    /// Columns and lines.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = tcgetwinsize(self.tty.get_ref().as_fd())?;
        Ok((size.ws_col, size.ws_row))
    }

    /// What is typed next. Safe to cancel. `UnexpectedEof`: the terminal is gone.
    pub async fn read(&mut self) -> io::Result<Typed> {
        tokio::select! {
            bytes = bytes(&self.tty) => bytes.map(Typed::Bytes),
            _ = self.resizes.recv() => self.size().map(|(columns, lines)| Typed::Resized(columns, lines)),
        }
    }

    /// Writes as it is. A terminal that takes nothing holds only this future up.
    pub async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let written = tokio::task::spawn_blocking(move || guard::write_all(&bytes));
        written.await.map_err(io::Error::other)?
    }
}

async fn bytes(tty: &AsyncFd<OwnedFd>) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 4096];
    let mut ready = tty.readable().await?;
    // Readable in raw mode: this returns at once with what there is. The description is shared with our parent, so it
    // must not be made non-blocking.
    let read = rustix::io::read(tty.get_ref(), buffer.as_mut_slice())?;
    if read < buffer.len() {
        ready.clear_ready();
    }
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(read);
    Ok(buffer)
}

impl Drop for Raw {
    fn drop(&mut self) {
        // The terminal may be gone; there is nobody to tell.
        let _ = tcsetattr(self.tty.get_ref(), OptionalActions::Flush, &self.before);
    }
}
