//! Programs that we start, and the terminal lent to one of them: a login, a pager, an editor.
//!
//! Owns the order of the hand-over: reader stopped, terminal given back, borrower waited for, terminal taken again. The
//! only place in the folder that starts a program. Must not choose which one.

use std::{ffi::OsString, io};

use super::{
    guard::Guard,
    input::Keyboard,
    signals::{self, Signal, Signals},
};

/// A program and its arguments, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Name or path.
    pub name: OsString,
    /// Arguments.
    pub args: Vec<OsString>,
}

/// How a hand-over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// The borrower did.
    Given(T),
    /// We were told to end meanwhile; the borrower was dropped.
    Told(Signal),
}

impl Program {
    /// Runs it on our terminal, which was [lent](lend), until it ends. Gives its exit code, `None` after a signal.
    pub async fn run(&self) -> io::Result<Option<i32>> {
        self.command().status().await.map(|status| status.code())
    }

    pub(super) fn command(&self) -> tokio::process::Command {
        #[expect(clippy::disallowed_methods, reason = "the one place where programs are started")]
        let mut command = tokio::process::Command::from(std::process::Command::new(&self.name));
        command.args(&self.args).kill_on_drop(true);
        command
    }
}

/// Lends the terminal while `borrower` runs a program on it. Afterwards the size must be asked for again and everything
/// drawn, whatever this returns.
pub async fn lend<T>(
    guard: &mut Guard,
    keyboard: &mut Keyboard,
    signals: &mut Signals,
    borrower: impl Future<Output = T>,
) -> io::Result<Ended<T>> {
    keyboard.pause();
    guard.leave();
    let ended = wait(signals, borrower).await?;
    if matches!(ended, Ended::Given(_)) {
        // A shell in a pod may have left any mode on.
        guard.reset()?;
        keyboard.resume();
    }
    Ok(ended)
}

async fn wait<T>(signals: &mut Signals, borrower: impl Future<Output = T>) -> io::Result<Ended<T>> {
    let mut borrower = std::pin::pin!(borrower);
    loop {
        tokio::select! {
            biased;
            given = &mut borrower => return Ok(Ended::Given(given)),
            signal = signals.next_of_borrower() => match signal {
                // ctrl-z in the program stopped it and was sent to our group, too.
                Signal::Stop => signals::stop_self()?,
                // ctrl-c is for the program, which shares our group.
                Signal::Interrupt | Signal::Continue => {}
                told => return Ok(Ended::Told(told)),
            }
        }
    }
}
