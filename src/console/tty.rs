//! The console's terminal: frames out, keys in, signals; and lending it to somebody else for a while.
//!
//! Joins what `term` offers. Must not know the model.

use std::io;

use ratatui::{Terminal, buffer::Buffer, layout::Size};

use crate::term::{
    caps::ColorMode,
    child::{self, Ended},
    guard::Guard,
    input::{self, Keyboard},
    output::{self, Output, Written},
    paint::mend_wide,
    signals::{self, Signals},
};

/// The terminal while the console runs.
pub(super) struct Tty {
    guard: Guard,
    terminal: Terminal<Output<output::Tty>>,
    /// What is typed.
    pub(super) keyboard: Keyboard,
    /// What the system says.
    pub(super) signals: Signals,
}

impl Tty {
    /// Takes the terminal.
    pub(super) fn enter(color: ColorMode, mouse: bool) -> io::Result<Self> {
        let signals = Signals::new()?;
        let guard = Guard::enter(mouse)?;
        let terminal = Terminal::new(Output::new(output::Tty, input::size()?, color))?;
        Ok(Self { guard, terminal, keyboard: Keyboard::new()?, signals })
    }

    /// Draws a frame; only what differs is written, and nothing if nothing does.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.terminal.draw(|frame| {
            let buffer = frame.buffer_mut();
            draw(buffer);
            mend_wide(buffer);
        })?;
        Ok(())
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, size: Size) {
        self.terminal.backend_mut().set_size(size);
    }

    /// The next frame is painted whole.
    pub(super) fn redraw(&mut self) {
        output::force_redraw(&mut self.terminal);
    }

    /// What was written so far.
    pub(super) fn written(&self) -> Written {
        self.terminal.backend().written()
    }

    /// Bytes that paint nothing.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.backend_mut().send(bytes)
    }

    /// Bytes that paint nothing, with the next frame.
    pub(super) fn along(&mut self, bytes: &[u8]) {
        self.terminal.backend_mut().along(bytes);
    }

    /// Mouse reports on or off.
    pub(super) fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.guard.set_mouse(on)
    }

    /// Stops with our process group, and takes the terminal again when continued. Gives its size then.
    pub(super) fn suspend(&mut self) -> io::Result<Size> {
        self.keyboard.pause();
        signals::suspend(&mut self.guard)?;
        self.taken_again()
    }

    /// Somebody may have used the terminal: set it up again. Gives its size.
    pub(super) fn reclaim(&mut self) -> io::Result<Size> {
        self.guard.reenter()?;
        self.taken_again()
    }

    /// Lends the terminal while `borrower` runs. Gives what it gave, and the size afterwards.
    pub(super) async fn lend<T>(&mut self, borrower: impl Future<Output = T>) -> io::Result<Ended<(T, Size)>> {
        match child::lend(&mut self.guard, &mut self.keyboard, &mut self.signals, borrower).await? {
            Ended::Given(given) => Ok(Ended::Given((given, self.taken_again()?))),
            Ended::Told(signal) => Ok(Ended::Told(signal)),
        }
    }

    fn taken_again(&mut self) -> io::Result<Size> {
        self.keyboard.resume();
        let size = input::size()?;
        self.resize(size);
        self.redraw();
        Ok(size)
    }
}
