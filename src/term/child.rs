//! Programs that we start: the terminal lent to one of them (a login, a pager, an editor), or one that nobody sees.
//!
//! Owns the order of the hand-over: reader stopped, terminal given back, borrower waited for, terminal taken again. The
//! only place in the folder that starts a program. Must not choose which one.

use std::{ffi::OsString, fmt, io, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal as Number, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};

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

/// Why a program that nobody sees did not end well.
#[derive(Debug)]
pub enum Unwell {
    /// It could not be started, or waited for.
    NotStarted(io::Error),
    /// It took longer than it may, and was ended.
    TooLong(Duration),
    /// It ended with this exit code (`None`: by a signal), and wrote this to its standard error first: at most a few
    /// lines, as it wrote them.
    Failed(Option<i32>, String),
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "can't be started: {error}"),
            Self::TooLong(limit) => write!(f, "took longer than {} s and was ended", limit.as_secs()),
            Self::Failed(code, words) => {
                match code {
                    Some(code) => write!(f, "ended with exit code {code}")?,
                    None => f.write_str("was ended by a signal")?,
                }
                let words = words.trim();
                if words.is_empty() { Ok(()) } else { write!(f, ": {words}") }
            }
        }
    }
}

/// What is kept of the words of a program that nobody sees.
const MOST_WORDS: usize = 1_000;
/// After its end its words are waited for so long: it may have left somebody behind who holds on to them.
const LAST_WORDS: Duration = Duration::from_millis(100);

impl Program {
    /// Runs it with nothing to read, nobody to write to, these variables beside our own, and no longer than `limit`;
    /// then it is ended, with those that it started. Dropping this ends it, too.
    pub async fn run_unseen(&self, variables: &[(String, String)], limit: Duration) -> Result<(), Unwell> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A group of its own: it has no part in our terminal, and all of it can be ended.
        command.envs(variables.iter().map(|(name, value)| (name, value))).process_group(0);
        let mut child = command.spawn().map_err(Unwell::NotStarted)?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        let Ok(ended) = tokio::time::timeout(limit, watched(&mut child)).await else {
            return Err(Unwell::TooLong(limit));
        };
        // Whom it left behind on purpose goes on.
        group.0 = None;
        let (status, words) = ended.map_err(Unwell::NotStarted)?;
        if status.success() { Ok(()) } else { Err(Unwell::Failed(status.code(), words)) }
    }

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

/// All that a program started, ended when this goes.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended in this very moment.
            let _ = kill_process_group(group, Number::KILL);
        }
    }
}

/// Waits for its end, and takes what it writes meanwhile so that it is never held up by that.
async fn watched(child: &mut tokio::process::Child) -> io::Result<(std::process::ExitStatus, String)> {
    let mut words = Vec::new();
    let Some(stderr) = child.stderr.take() else { return Ok((child.wait().await?, String::new())) };
    let status = {
        let mut reading = std::pin::pin!(take_words(stderr, &mut words));
        tokio::select! {
            () = &mut reading => child.wait().await?,
            status = child.wait() => {
                // That it is held open by another is no failure.
                let _ = tokio::time::timeout(LAST_WORDS, &mut reading).await;
                status?
            }
        }
    };
    Ok((status, String::from_utf8_lossy(&words).into_owned()))
}

async fn take_words(mut from: impl AsyncRead + Unpin, into: &mut Vec<u8>) {
    let mut buffer = [0; 512];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let room = MOST_WORDS.saturating_sub(into.len());
        into.extend_from_slice(&buffer[..n.min(room)]);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(line: &str) -> Program {
        Program { name: "sh".into(), args: ["-c", line].map(Into::into).to_vec() }
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn one_that_nobody_sees_has_its_variables_and_nothing_to_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("said").display().to_string();
        let variables = [("WHAT".to_owned(), "it; failed $(x)".to_owned()), ("WHERE_TO".to_owned(), path.clone())];
        sh("read -r x; printf '%s|%s' \"$WHAT\" \"$x\" >\"$WHERE_TO\"")
            .run_unseen(&variables, LONG)
            .await
            .expect("well");
        assert_eq!(std::fs::read_to_string(path).expect("written"), "it; failed $(x)|");
    }

    #[tokio::test]
    async fn how_it_went_wrong_is_said() {
        let said = |ended: Result<(), Unwell>| ended.expect_err("unwell").to_string();
        let much =
            "i=0; while [ $i -lt 3000 ]; do echo 'no such channel, and more words' >&2; i=$((i+1)); done; exit 3";
        let words = said(sh(much).run_unseen(&[], LONG).await);
        assert!(words.starts_with("ended with exit code 3: no such channel") && words.len() < 1_100, "{words}");
        assert_eq!(said(sh("kill -9 $$").run_unseen(&[], LONG).await), "was ended by a signal");
        let nothing = Program { name: "/nowhere/at-all".into(), args: Vec::new() };
        assert!(said(nothing.run_unseen(&[], LONG).await).starts_with("can't be started: "));
        // Whom it leaves behind, with its standard error, does not keep us.
        let held = tempfile::NamedTempFile::new().expect("a file");
        let behind = format!("while [ -e {} ]; do sleep 0.1; done &", held.path().display());
        sh(&behind).run_unseen(&[], LONG).await.expect("well");
    }

    #[tokio::test]
    async fn it_and_those_that_it_started_end_with_their_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pid").display().to_string();
        let line = format!("sleep 1000 & echo $! >{path}.new; mv {path}.new {path}; wait");
        let ended = sh(&line).run_unseen(&[], Duration::from_secs(6)).await;
        assert!(matches!(ended, Err(Unwell::TooLong(_))), "{ended:?}");
        let pid: u32 = std::fs::read_to_string(path).expect("it had begun").trim().parse().expect("a pid");
        let stat = move || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let is_over =
            || stat().rsplit(')').next().is_none_or(|rest| rest.is_empty() || rest.trim_start().starts_with('Z'));
        for _ in 0..600 {
            if is_over() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} goes on", stat());
    }
}
