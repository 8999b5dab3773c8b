//! The terminal while a person visits a replica, or runs a program of their own.
//!
//! Joins `term` and `changes`, which don't know each other. The terminal was lent before.

use std::io;

use crate::{
    changes::{Confirmed, Desk, Report, Terminal, Typed, What, visit},
    cluster::{Problem, ProblemKind},
    term::{
        child::Program,
        raw::{self, Raw},
    },
};

struct Passing(Raw);

impl Terminal for Passing {
    fn size(&self) -> Option<(u16, u16)> {
        self.0.size().ok()
    }

    async fn read(&mut self) -> io::Result<Typed> {
        Ok(match self.0.read().await? {
            raw::Typed::Bytes(bytes) => Typed::Bytes(bytes),
            raw::Typed::Resized(columns, lines) => Typed::Resized(columns, lines),
        })
    }

    async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.0.write(bytes).await
    }
}

/// What was confirmed, on the terminal.
pub(super) async fn lent(desk: &Desk, confirmed: Confirmed) -> Report {
    match confirmed.changes().first().map(|change| change.what.clone()) {
        Some(What::Command { argv, stays, .. }) => {
            Box::pin(visit::command(desk, confirmed, async { program(&argv, stays).await })).await
        }
        Some(What::Shell { stays, .. }) => Box::pin(shell(desk, confirmed, stays)).await,
        _ => Report::refused(confirmed.into_changes(), &trouble(&io::ErrorKind::Unsupported.into())),
    }
}

async fn shell(desk: &Desk, confirmed: Confirmed, stays: bool) -> Report {
    let what = confirmed.changes().first().map(|change| change.subject.to_string()).unwrap_or_default();
    let mut terminal = match Raw::enter() {
        Ok(raw) => Passing(raw),
        Err(error) => return Report::refused(confirmed.into_changes(), &trouble(&error)),
    };
    // What ran before may not have ended its line.
    let heading = format!("\r\n── {what} (enter, then ~. leaves) ──\r\n");
    if let Err(error) = terminal.write(heading.into_bytes()).await {
        return Report::refused(confirmed.into_changes(), &trouble(&error));
    }
    let report = Box::pin(visit::shell(desk, confirmed, &mut terminal)).await;
    if stays {
        // Whoever can't be asked need not wait.
        let _ = stay(&mut terminal).await;
    }
    report
}

/// A program of the user's own.
pub(super) async fn program(argv: &[String], stays: bool) -> Result<(), Problem> {
    let Some((name, args)) = argv.split_first() else { return Ok(()) };
    let program = Program { name: name.into(), args: args.iter().map(Into::into).collect() };
    let ended = program.run().await;
    if stays && let Ok(raw) = Raw::enter() {
        let _ = stay(&mut Passing(raw)).await;
    }
    let what = format!("can't run {name}");
    match ended {
        Ok(Some(0)) => Ok(()),
        Ok(Some(code)) => {
            let why = format!("it ended with exit code {code}");
            Err(Problem::new(ProblemKind::Invalid, &what, &why, "What it wrote says why."))
        }
        Ok(None) => Err(Problem::new(ProblemKind::Cancelled, &what, "it was ended by a signal", "")),
        Err(error) => {
            let hint = "Check `run` in commands.toml, and that the program is on the PATH.";
            Err(Problem::new(ProblemKind::NotFound, &what, &error.to_string(), hint))
        }
    }
}

/// What was shown stays until a key is pressed.
async fn stay(terminal: &mut Passing) -> io::Result<()> {
    terminal.write(b"\r\n\x1b[m[any key goes back to mpideck]".to_vec()).await?;
    while matches!(terminal.read().await?, Typed::Resized(..)) {}
    terminal.write(b"\r\n".to_vec()).await
}

fn trouble(error: &io::Error) -> Problem {
    let hint = "The console needs a terminal of its own for this.";
    Problem::new(ProblemKind::Cancelled, "can't hand the terminal over", &error.to_string(), hint)
}
