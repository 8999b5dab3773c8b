//! Signals, and the loss of the terminal, as values.
//!
//! Owns the handlers and the stop of the whole process group on ctrl-z. Resizes come with the keys. Must not restore
//! the terminal by itself, except where the loop has been asked to end and doesn't.

use std::{
    io::{self, IsTerminal as _},
    os::fd::{AsFd as _, OwnedFd},
    time::Duration,
};

use rustix::process::{Signal as Number, kill_current_process_group, kill_process};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::guard::{self, Guard};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: restore the terminal, exit with 143.
    Terminate,
    /// SIGINT from outside (ctrl-c is a key): restore, exit with 130.
    Interrupt,
    /// SIGHUP, or the terminal is gone: leave at once, write nothing to it, exit with 129.
    HangUp,
    /// SIGTSTP from outside: [`suspend`].
    Stop,
    /// SIGCONT: the terminal may have been used by somebody else; take it again and draw everything.
    Continue,
}

impl Signal {
    /// The exit code of a process that ends by it, as a shell counts; 0 where it does not end one.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
            Self::HangUp => 129,
            Self::Stop | Self::Continue => 0,
        }
    }
}

/// How long the loop has to end after it was told, before the process ends without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The streams of signals.
#[derive(Debug)]
pub struct Signals {
    term: Stream,
    int: Stream,
    hup: Stream,
    stop: Stream,
    cont: Stream,
    tty: Option<HangUpWatch>,
}

impl Signals {
    /// Takes over the signals of the process. Needs a runtime.
    pub fn new() -> io::Result<Self> {
        let of = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
            stop: of(Number::TSTP)?,
            cont: of(Number::CONT)?,
            // Without it the reader of keys still ends in most cases.
            tty: HangUpWatch::new().ok(),
        })
    }

    /// The next signal. Safe to cancel.
    pub async fn next(&mut self) -> Signal {
        let found = self.found().await;
        if matches!(found, Signal::HangUp | Signal::Terminate | Signal::Interrupt) {
            end_anyway_after(PATIENCE, found);
        }
        found
    }

    /// The next signal while another program has the terminal: an interrupt is that program's, and ends nothing here.
    pub(super) async fn next_of_borrower(&mut self) -> Signal {
        let found = self.found().await;
        if matches!(found, Signal::HangUp | Signal::Terminate) {
            end_anyway_after(PATIENCE, found);
        }
        found
    }

    async fn found(&mut self) -> Signal {
        let lost = async {
            match &self.tty {
                Some(watch) => watch.lost().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.hup.recv() => Signal::HangUp,
            () = lost => Signal::HangUp,
            _ = self.term.recv() => Signal::Terminate,
            _ = self.int.recv() => Signal::Interrupt,
            _ = self.cont.recv() => Signal::Continue,
            _ = self.stop.recv() => Signal::Stop,
        }
    }
}

/// Ends the process if the loop can't: it may be stuck in a write to a terminal that takes nothing.
fn end_anyway_after(patience: Duration, signal: Signal) {
    let _ = std::thread::Builder::new().name("last-resort".into()).spawn(move || {
        std::thread::sleep(patience);
        guard::abandon();
        std::process::exit(i32::from(signal.exit_code()));
    });
}

/// Gives the terminal back, stops the whole process group (else a parent script would wait for ever), and takes the
/// terminal again when it is continued. Afterwards the size must be asked for again and everything drawn.
pub fn suspend(guard: &mut Guard) -> io::Result<()> {
    guard.leave();
    kill_current_process_group(Number::STOP)?;
    guard.reenter()
}

/// Stops only this process, as its terminal is lent to a child that was stopped with it.
pub(super) fn stop_self() -> io::Result<()> {
    Ok(kill_process(rustix::process::getpid(), Number::STOP)?)
}

/// Notices that the terminal hung up even where SIGHUP is ignored (`nohup`) or goes to somebody else: the reader of
/// keys would spin on it.
#[derive(Debug)]
struct HangUpWatch {
    #[cfg(target_os = "linux")]
    tty: tokio::io::unix::AsyncFd<OwnedFd>,
}

impl HangUpWatch {
    fn new() -> io::Result<Self> {
        let tty = terminal()?;
        #[cfg(target_os = "linux")]
        {
            let interest = tokio::io::Interest::PRIORITY;
            #[expect(
                deprecated,
                reason = "its successor needs unsafe code; an OwnedFd stays open as long as the watch"
            )]
            let tty = tokio::io::unix::AsyncFd::with_interest(tty, interest)?;
            Ok(Self { tty })
        }
        #[cfg(not(target_os = "linux"))]
        {
            drop(tty);
            Ok(Self {})
        }
    }

    /// Ends when the terminal has hung up.
    async fn lost(&self) {
        #[cfg(target_os = "linux")]
        while let Ok(mut ready) = self.tty.ready(tokio::io::Interest::PRIORITY).await {
            if ready.ready().is_read_closed() {
                return;
            }
            ready.clear_ready();
        }
        std::future::pending::<()>().await;
    }
}

/// The terminal that keys come from.
pub(super) fn terminal() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return stdin.as_fd().try_clone_to_owned();
    }
    std::fs::File::open("/dev/tty").map(OwnedFd::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!([Signal::Terminate, Signal::Interrupt, Signal::HangUp].map(Signal::exit_code), [143, 130, 129]);
    }

    #[tokio::test]
    async fn a_continue_is_told() {
        let mut signals = Signals::new().expect("handlers");
        signals.tty = None;
        kill_process(rustix::process::getpid(), Number::CONT).expect("sent");
        let found = tokio::time::timeout(Duration::from_secs(5), signals.next()).await;
        assert_eq!(found.ok(), Some(Signal::Continue));
    }
}
