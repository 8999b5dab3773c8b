//! The log of one container, followed through cuts, restarts and waiting.
//!
//! Owns one stream at a time and says between the lines what happens to it. A line is delivered once: after a cut it
//! reads on from shortly before what it has seen, and drops what it delivered then. It keeps no lines.

mod after;
mod cutter;
mod follower;
mod recent;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{problem::Problem, session::Session};
use crate::jobs::text::{Clean, Name, Uid};

pub use cutter::MOST_LINE;

/// Pieces that may wait for whoever reads.
const QUEUE: usize = 32;

/// Gives the session to read with: a new one where a credential has ended.
pub type Sessions = Arc<dyn Fn() -> Session + Send + Sync>;

/// Which log, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOf {
    /// Namespace.
    pub namespace: Name,
    /// Pod.
    pub pod: Name,
    /// Its controller, where a pod of that name under another one is not meant: it is looked at before each reading.
    pub owner: Option<Uid>,
    /// Container; the only one if `None`.
    pub container: Option<Name>,
    /// The run before the present one.
    pub previous: bool,
    /// Go on as it grows.
    pub follow: bool,
    /// Only the last so many lines.
    pub tail: Option<u32>,
    /// Only from then on.
    pub since: Option<Timestamp>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When the container runtime took it.
    pub at: Option<Timestamp>,
    /// Its bytes, as they were written, without the line's end.
    pub bytes: Bytes,
    /// It was longer than [`MOST_LINE`]; the rest is left out.
    pub cut: bool,
}

/// What happens to a stream, to be shown between its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// In words.
    pub words: Clean,
}

/// What happens to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// There is nothing to read yet, or not before a restart.
    Waiting,
    /// The stream was cut, closed or refused for now; it is read on.
    Interrupted,
    /// The kubelet began a new file: what it wrote meanwhile may be missing.
    Rotated,
    /// The container was started again.
    Restarted,
    /// The pod does not exist any more.
    Gone,
    /// The kubelet said this in the place of a line.
    Kubelet,
    /// So many lines were left out, because they came faster than they were taken.
    Skipped(u64),
}

/// What a followed log delivers.
#[derive(Clone, Debug, PartialEq)]
pub enum LogPiece {
    /// Lines, in order.
    Lines(Vec<LogLine>),
    /// What happens to the stream.
    Notice(Notice),
    /// There will be no more, and why if that is a problem. The last piece.
    End(Option<Problem>),
}

/// Starts following. Ends with [`LogPiece::End`], or when the receiver is dropped or `cancel` is cancelled.
pub fn follow(session: &Session, what: LogOf, cancel: &CancellationToken) -> mpsc::Receiver<LogPiece> {
    let session = session.clone();
    follow_through(Arc::new(move || session.clone()), what, cancel)
}

/// As [`follow`], through every session that takes the place of the first.
pub fn follow_through(sessions: Sessions, what: LogOf, cancel: &CancellationToken) -> mpsc::Receiver<LogPiece> {
    let (send, receive) = mpsc::channel(QUEUE);
    let follower = follower::Follower::new(sessions, what, send.clone());
    let cancel = cancel.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = send.closed() => {}
            () = follower.run() => {}
        }
    });
    receive
}

#[cfg(test)]
mod tests;
