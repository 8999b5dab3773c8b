//! The task that follows one log: it owns the lines, and answers orders with windows on them.
//!
//! A window is sent at once after an order, for new lines at most every [`FRAME`], so that a fast log costs no more to
//! draw than a slow one.

use std::{path::PathBuf, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Results, page::refusal};
use crate::{
    cluster::{
        Session,
        logs::{self, LogOf, LogPiece},
    },
    console::{
        message::Message,
        model::page::{
            LogId, LogMessage, LogOrder, Refusal,
            logs::{Flow, Target, Window},
        },
    },
    disk,
    jobs::{Clean, Name},
    logs::{Cleaner, Nanos, Ring},
};

/// Between two windows that only bring new lines.
const FRAME: Duration = Duration::from_millis(150);

/// Follows a log until `token` says otherwise.
pub(super) async fn follow(
    session: Session,
    id: LogId,
    target: Target,
    mut orders: mpsc::Receiver<LogOrder>,
    results: Results,
    dir: Option<PathBuf>,
    token: CancellationToken,
) {
    let task = async {
        let mut log = Log::new(dir);
        let mut pieces = logs::follow(&session, wanted(&session, target), &token);
        let (mut next_frame, mut over) = (Instant::now(), false);
        loop {
            let answer = tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => Some(log.answer(order)),
                    None => return,
                },
                () = sleep_until(next_frame), if log.changed => {
                    next_frame = Instant::now() + FRAME;
                    Some(LogMessage::Window(log.window(), None))
                }
                piece = pieces.recv(), if !over => {
                    over = log.take(piece.unwrap_or(LogPiece::End(None)));
                    None
                }
            };
            if let Some(answer) = answer
                && results.send(Message::Log(id, answer)).await.is_err()
            {
                return;
            }
        }
    };
    token.run_until_cancelled(task).await;
}

/// The lines, and what of them is to be shown.
struct Log {
    ring: Ring,
    flow: Flow,
    show: LogOrder,
    changed: bool,
    dir: Option<PathBuf>,
}

impl Log {
    fn new(dir: Option<PathBuf>) -> Self {
        let show = LogOrder::Tail { rows: 50 };
        Self { ring: Ring::default(), flow: Flow::Opening, show, changed: false, dir }
    }

    fn set(&mut self, flow: Flow) {
        self.changed |= self.flow != flow;
        self.flow = flow;
    }

    /// Takes in what the stream brought; whether that was the last of it.
    fn take(&mut self, piece: LogPiece) -> bool {
        match piece {
            LogPiece::Lines(lines) => {
                for line in lines {
                    let mut cleaner = Cleaner::new(false);
                    cleaner.feed(&line.bytes, |_| {});
                    let mut clean = cleaner.finish().unwrap_or_default();
                    clean.at = line.at.and_then(|at| i64::try_from(at.as_nanosecond()).ok()).map(Nanos);
                    self.ring.push(clean);
                }
                self.flow = Flow::Open;
                self.changed = true;
                false
            }
            LogPiece::Notice(notice) => {
                self.set(Flow::Waiting(notice.words));
                false
            }
            LogPiece::End(problem) => {
                self.set(problem.map_or(Flow::Ended, |problem| Flow::Refused(refusal(&problem))));
                true
            }
        }
    }

    fn answer(&mut self, order: LogOrder) -> LogMessage {
        match order {
            LogOrder::Find { query, from, back, rows } => {
                let has = |number: &u64| self.ring.get(*number).is_some_and(|line| query.is_in(line.text.as_str()));
                let (first, end) = (self.ring.first(), self.ring.end());
                let found = if back {
                    (first..from.min(end)).rev().find(has).or_else(|| (from.max(first)..end).rev().find(has))
                } else {
                    (from.saturating_add(1).max(first)..end).find(has).or_else(|| (first..from.min(end)).find(has))
                };
                let Some(at) = found else { return LogMessage::NotFound };
                let last = end.saturating_sub(u64::from(rows)).max(first);
                let top = at.saturating_sub(u64::from(rows / 3)).clamp(first, last);
                self.show = LogOrder::From { top, rows };
                LogMessage::Window(self.window(), Some(at))
            }
            LogOrder::Save(name) => {
                let mut text = String::new();
                for (_, line) in self.ring.from(0) {
                    text.push_str(line.text.as_str());
                    text.push('\n');
                }
                LogMessage::Saved(write(self.dir.clone(), &name, text.as_bytes()))
            }
            show => {
                self.show = show;
                LogMessage::Window(self.window(), None)
            }
        }
    }

    fn window(&mut self) -> Window {
        self.changed = false;
        let end = self.ring.end();
        let (top, rows) = match self.show {
            LogOrder::From { top, rows } => (top.max(self.ring.first()), rows),
            LogOrder::Tail { rows } | LogOrder::Find { rows, .. } => (end.saturating_sub(u64::from(rows)), rows),
            LogOrder::Save(_) => (end, 0),
        };
        let top = top.clamp(self.ring.first(), end);
        Window {
            top,
            lines: self.ring.from(top).take(usize::from(rows)).map(|(_, line)| line.clone()).collect(),
            first: self.ring.first(),
            end,
            bytes: self.ring.bytes(),
            max_bytes: self.ring.max_bytes(),
            flow: self.flow.clone(),
        }
    }
}

/// What of the log is asked for.
fn wanted(session: &Session, target: Target) -> LogOf {
    let Target { namespace, pod, container, previous, past } = target;
    let since = past
        .since()
        .and_then(|seconds| jiff::Timestamp::from_second(i64::from(session.now().0.saturating_sub(seconds))).ok());
    LogOf {
        namespace,
        pod,
        container: Name::new(container.as_str()),
        previous,
        follow: !previous,
        tail: past.tail(),
        since,
    }
}

/// Writes a file that only its owner can read. Blocking, briefly.
pub(super) fn write(dir: Option<PathBuf>, name: &str, bytes: &[u8]) -> Result<Clean, Refusal> {
    let refused = |what: &str, hint: &str| Refusal { what: Clean::new(what), hint: Clean::new(hint) };
    let dir = dir.ok_or_else(|| refused("There is no directory to save to", "Set XDG_STATE_HOME or HOME."))?;
    let name: String = name.chars().map(|c| if c == '/' { '_' } else { c }).collect();
    let path = dir.join(name);
    disk::atomic::make_dir(&dir)
        .and_then(|()| disk::atomic::write(&path, bytes))
        .map_err(|p| refused(&p.to_string(), ""))?;
    Ok(Clean::new(&path.to_string_lossy()))
}
