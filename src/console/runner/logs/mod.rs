//! The task that reads a job's logs: it owns the lines, and answers orders with windows on them.
//!
//! A window is sent at once after an order, for new lines at most every [`FRAME`], so that a fast log costs no more to
//! draw than a slow one. Long work (an index, a search, a file) is done in slices between orders.

mod engine;
mod findings;
mod write;

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::{
    StreamExt as _,
    stream::{BoxStream, SelectAll},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::engine::Engine;
pub(super) use self::write::write;
use super::{
    Ready, Results,
    record::Feed,
    tap::{Of, Tap, Taps},
};
use crate::{
    cluster::{
        Session,
        logs::{self, LogOf, LogPiece, Sessions},
    },
    console::{
        message::Message,
        model::page::{
            LogId, LogMessage, LogOrder,
            logs::{Past, Target},
        },
    },
    jobs::{Name, causes::Rules},
};

/// Between two windows that only bring new lines.
const FRAME: Duration = Duration::from_millis(150);
/// A log that is still being read for the first time brings its next lines within this.
const CATCHING_UP: Duration = Duration::from_secs(5);
/// Lines that wait to be put in order at most.
const MOST_ARRIVED: usize = 20_000;

/// What the task is started with.
pub(super) struct Task {
    pub(super) id: LogId,
    /// The session at the start, and those that take its place.
    pub(super) session: Session,
    pub(super) ready: Option<watch::Receiver<Option<Ready>>>,
    /// Who else hears what is read.
    pub(super) taps: Taps,
    /// What is read instead of the cluster: the page shows a record.
    pub(super) record: Option<Feed>,
    pub(super) past: Past,
    pub(super) orders: mpsc::Receiver<LogOrder>,
    pub(super) results: Results,
    /// Where files are written.
    pub(super) dir: Option<PathBuf>,
    pub(super) max_bytes: usize,
    /// Rules that lines are looked at with.
    pub(super) rules: Arc<Rules>,
    /// Seconds for which silence is nothing special.
    pub(super) stall: u32,
    pub(super) token: CancellationToken,
}

/// A stream that is read; dropping it ends the reading.
struct Open {
    target: Target,
    _cancels: DropGuard,
}

type Pieces = SelectAll<BoxStream<'static, (usize, LogPiece)>>;

/// What the loop woke up for.
enum Woken {
    Order(Option<LogOrder>),
    Frame,
    Piece(Option<(usize, LogPiece)>),
    Slice,
    Silence,
}

impl Task {
    /// Reads until the token says otherwise.
    pub(super) async fn run(self) {
        let token = self.token.clone();
        token.run_until_cancelled_owned(self.serve()).await;
    }

    async fn serve(mut self) {
        let (id, results) = (self.id, self.results.clone());
        // A closed channel means that the console has ended.
        let tell = move |message| drop(results.blocking_send(Message::Log(id, message)));
        let rules = Arc::clone(&self.rules);
        let mut engine = Engine::new(self.max_bytes, self.dir.clone(), rules, (self.past, self.stall), Arc::new(tell));
        let wake = Arc::clone(&engine.wake);
        let mut streams: Vec<Option<Open>> = Vec::new();
        let (mut pieces, mut next_frame): (Pieces, _) = (SelectAll::new(), Instant::now());
        loop {
            let silence = engine.patience().map(|until| Duration::from_secs(until.since(self.session.now()).into()));
            let woken = tokio::select! {
                biased;
                order = self.orders.recv() => Woken::Order(order),
                () = sleep_until(next_frame), if engine.has_news() => Woken::Frame,
                piece = pieces.next(), if !pieces.is_empty() && engine.arrived() < MOST_ARRIVED => Woken::Piece(piece),
                () = sleep(silence.unwrap_or_default().max(CATCHING_UP)), if silence.is_some() => Woken::Silence,
                () = wake.notified() => Woken::Slice,
                () = std::future::ready(()), if engine.is_busy() || engine.arrived() >= MOST_ARRIVED => Woken::Slice,
            };
            let is_frame = matches!(woken, Woken::Frame);
            let answer = match woken {
                Woken::Order(None) => return,
                Woken::Order(Some(LogOrder::Read(targets))) => {
                    self.read(&targets, &mut engine, &mut streams, &mut pieces);
                    None
                }
                Woken::Order(Some(order)) => engine.order(order),
                Woken::Frame => {
                    next_frame = Instant::now() + FRAME;
                    Some(LogMessage::News(engine.window()))
                }
                Woken::Piece(piece) => {
                    if let Some((source, piece)) = piece {
                        engine.take(source, piece, self.session.now());
                    }
                    None
                }
                Woken::Silence => {
                    engine.hush(self.session.now());
                    None
                }
                Woken::Slice => {
                    // Others of this runtime have their turn between two slices.
                    tokio::task::yield_now().await;
                    engine.slice()
                }
            };
            if let Some(answer) = answer
                && self.results.send(Message::Log(self.id, answer)).await.is_err()
            {
                return;
            }
            if is_frame
                && let Some(logs) = engine.findings()
                && self.results.send(Message::Said(self.id, logs)).await.is_err()
            {
                return;
            }
        }
    }

    /// Opens what is not open yet, and lets go of what is not wanted any more.
    fn read(&self, targets: &[Target], engine: &mut Engine, streams: &mut Vec<Option<Open>>, pieces: &mut Pieces) {
        engine.rename(targets);
        for (nth, open) in streams.iter_mut().enumerate() {
            if open.as_ref().is_some_and(|open| !targets.iter().any(|target| target.key() == open.target.key())) {
                *open = None;
                engine.let_go(nth);
            }
        }
        for target in targets {
            if streams.iter().flatten().any(|open| open.target.key() == target.key()) || streams.len() > 60_000 {
                continue;
            }
            let (source, known) = (streams.len(), engine.open(target));
            let token = self.token.child_token();
            let what = self.wanted(target, known);
            let receiver = match &self.record {
                Some(record) => record.read(what),
                None => logs::follow_through(self.sessions(), what, &token),
            };
            let stream = futures::stream::unfold((receiver, self.tap(target)), move |(mut receiver, tap)| async move {
                let piece = receiver.recv().await?;
                if let Some(tap) = &tap {
                    tap.pass(&piece);
                }
                Some(((source, piece), (receiver, tap)))
            });
            pieces.push(stream.boxed());
            streams.push(Some(Open { target: target.clone(), _cancels: token.drop_guard() }));
        }
    }

    /// Lets others hear of a log what they would read themselves.
    fn tap(&self, target: &Target) -> Option<Tap> {
        let Target { namespace, pod, container, previous, .. } = target.clone();
        (self.record.is_none() && !previous).then(|| self.taps.reading(Of { namespace, pod, container }))
    }

    fn sessions(&self) -> Sessions {
        let (first, ready) = (self.session.clone(), self.ready.clone());
        Arc::new(move || {
            let now = ready.as_ref().and_then(|ready| ready.borrow().as_ref().map(|ready| ready.session.clone()));
            now.unwrap_or_else(|| first.clone())
        })
    }

    /// What of a log is asked for; `known` is the last line that an earlier reading of it brought.
    fn wanted(&self, target: &Target, known: Option<jiff::Timestamp>) -> LogOf {
        let ago = |seconds| i64::from(self.session.now().0.saturating_sub(seconds));
        let since = self.past.since().and_then(|seconds| jiff::Timestamp::from_second(ago(seconds)).ok());
        LogOf {
            namespace: target.namespace.clone(),
            pod: target.pod.clone(),
            owner: target.owner.clone(),
            container: Name::new(target.container.as_str()),
            previous: target.previous,
            follow: !target.previous,
            tail: self.past.tail().filter(|_| known.is_none()),
            since: known.or(since),
        }
    }
}

#[cfg(test)]
mod tests;
