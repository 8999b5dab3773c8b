//! A program on a person's terminal.

use std::io;

use futures::SinkExt as _;
use kube::api::TerminalSize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::escape::Escape;
use crate::cluster::{
    Problem, ProblemKind, Session,
    exec::{self, Ended, Place, Streams},
};

/// What is typed ahead of a program that does not read, at most.
const AHEAD: usize = 64 * 1024;

/// What came from a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// These bytes.
    Bytes(Vec<u8>),
    /// It has another size: columns and lines.
    Resized(u16, u16),
}

/// A terminal in raw mode.
pub trait Terminal {
    /// Columns and lines, if it knows.
    fn size(&self) -> Option<(u16, u16)>;
    /// What comes next. Must be safe to cancel. An error: it is gone.
    fn read(&mut self) -> impl Future<Output = io::Result<Typed>> + Send;
    /// Shows bytes as they are.
    fn write(&mut self, bytes: Vec<u8>) -> impl Future<Output = io::Result<()>> + Send;
}

/// Joins terminal and program until the program ends, the connection does, or the person leaves (enter, `~.`).
pub(super) async fn run(
    session: &Session,
    place: &Place,
    argv: &[String],
    terminal: &mut impl Terminal,
) -> Result<Ended, Problem> {
    let doing = format!("use a program in {}/{}", place.namespace, place.pod);
    let lost = |error: io::Error| {
        Problem::new(ProblemKind::Cancelled, &format!("can't {doing}"), &error.to_string(), "The terminal went away.")
    };
    let mut process = exec::start(session, place, argv, Streams::Terminal).await?;
    let (stdin, stdout, sizes) = (process.stdin(), process.stdout(), process.terminal_size());
    let (Some(mut stdin), Some(mut stdout), Some(mut sizes), Some(status)) =
        (stdin, stdout, sizes, process.take_status())
    else {
        return Ok(Ended::Unknown);
    };
    if let Some((width, height)) = terminal.size() {
        // Whoever does not take it goes on with a size of its own.
        let _ = sizes.send(TerminalSize { width, height }).await;
    }
    let (mut escape, mut ahead, mut buffer) = (Escape::default(), Vec::new(), vec![0; 32 * 1024]);
    loop {
        tokio::select! {
            read = stdout.read(&mut buffer) => match read {
                Ok(read) if read > 0 => terminal.write(buffer[..read].to_vec()).await.map_err(lost)?,
                _ => break,
            },
            written = stdin.write(&ahead), if !ahead.is_empty() => match written {
                Ok(written) if written > 0 => drop(ahead.drain(..written)),
                _ => break,
            },
            typed = terminal.read(), if ahead.len() < AHEAD => match typed.map_err(lost)? {
                Typed::Bytes(bytes) => match escape.pass(&bytes) {
                    Some(bytes) => ahead.extend(bytes),
                    None => return Ok(Ended::Unknown),
                },
                Typed::Resized(width, height) => {
                    let _ = sizes.send(TerminalSize { width, height }).await;
                }
            },
        }
    }
    Ok(exec::ended(status.await))
}
