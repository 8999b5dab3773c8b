//! Programs that borrow the terminal: an editor, a pager, a login.
//!
//! Owns the order of the hand-over: reader stopped, terminal given back, program run, terminal taken again. The only
//! place in the crate that starts a program. Must not choose which one.

use std::{ffi::OsString, io, process::ExitStatus};

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
    /// Environment variables to set for it.
    pub env: Vec<(OsString, OsString)>,
}

/// How a hand-over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program did.
    Exited(ExitStatus),
    /// We were told to end meanwhile; the program was killed with us.
    Told(Signal),
}

impl Program {
    /// Splits `$VISUAL`/`$EDITOR`-like text at blanks (`code --wait`) and appends `file`; `vi` where it is empty.
    pub fn editor(command: &str, file: impl Into<OsString>) -> Self {
        let mut words = command.split_whitespace().map(OsString::from);
        let name = words.next().unwrap_or_else(|| OsString::from("vi"));
        Self { name, args: words.chain([file.into()]).collect(), env: Vec::new() }
    }

    pub(super) fn command(&self) -> tokio::process::Command {
        #[expect(clippy::disallowed_methods, reason = "the one place where programs are started")]
        let mut command = tokio::process::Command::from(std::process::Command::new(&self.name));
        command.args(&self.args).envs(self.env.iter().map(|(k, v)| (k, v))).kill_on_drop(true);
        command
    }
}

/// Lends the terminal to `program` until it ends. Afterwards the size must be asked for again and everything drawn,
/// whatever this returns.
pub async fn lend(
    guard: &mut Guard,
    keyboard: &mut Keyboard,
    signals: &mut Signals,
    program: &Program,
) -> io::Result<Ended> {
    keyboard.pause();
    guard.leave();
    let ended = run(signals, program).await;
    // A shell in a pod may have left any mode on.
    guard.reset()?;
    keyboard.resume();
    ended
}

async fn run(signals: &mut Signals, program: &Program) -> io::Result<Ended> {
    let mut child = program.command().spawn()?;
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status.map(Ended::Exited),
            signal = signals.next() => match signal {
                // ctrl-z in the program stopped it and was sent to our group, too.
                Signal::Stop => signals::stop_self()?,
                // ctrl-c is for the program, which shares our group.
                Signal::Interrupt | Signal::Continue => {}
                told => return Ok(Ended::Told(told)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_may_have_arguments() {
        let program = Program::editor("code --wait", "/tmp/a b");
        assert_eq!(program.name, "code");
        assert_eq!(program.args, ["--wait", "/tmp/a b"]);
        assert_eq!(Program::editor("  ", "x").name, "vi");
    }
}
