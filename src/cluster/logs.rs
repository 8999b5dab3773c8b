//! The log of one container, followed through cuts, restarts and waiting.
//!
//! Owns one stream at a time and says inline what happens to it. A line is delivered once: after a cut it reads on from the
//! last second it has seen, and drops what it delivered then, by timestamp and content. It keeps no lines.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tokio::{sync::mpsc, time};
use tokio_util::sync::CancellationToken;

use super::{
    paths::{self, Resource},
    problem::{Problem, ProblemKind as Kind},
    session::{JSON, Session},
    wire,
};
use crate::jobs::{
    fleet::{ListOf, Row},
    row::{ContainerState, Phase, PodRow},
    text::{Clean, Name},
};

/// Longest line that is delivered whole.
pub const MOST_LINE: usize = 16 * 1024;
/// Pieces that may wait for whoever reads; then the stream itself waits.
const QUEUE: usize = 64;
/// Lines of one piece.
const PIECE: usize = 512;
/// Between two looks at a container that has not started.
const WAIT: Duration = Duration::from_secs(2);
/// Delivered lines that are remembered for the second in which a stream was cut.
const MOST_RECENT: usize = 100_000;

/// Which log, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOf {
    /// Namespace.
    pub namespace: Name,
    /// Pod.
    pub pod: Name,
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

/// What a followed log delivers.
#[derive(Clone, Debug, PartialEq)]
pub enum LogPiece {
    /// Lines, in order.
    Lines(Vec<LogLine>),
    /// What happens to the stream, to be shown between the lines.
    Notice(Clean),
    /// There will be no more, and why if that is a problem. The last piece.
    End(Option<Problem>),
}

/// Starts following. Ends with [`LogPiece::End`], or when the receiver is dropped or `cancel` is cancelled.
pub fn follow(session: &Session, what: LogOf, cancel: &CancellationToken) -> mpsc::Receiver<LogPiece> {
    let (send, receive) = mpsc::channel(QUEUE);
    let follower =
        Follower { session: session.clone(), what, send: send.clone(), recent: Recent::default(), noticed: None };
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

struct Follower {
    session: Session,
    what: LogOf,
    send: mpsc::Sender<LogPiece>,
    recent: Recent,
    noticed: Option<Clean>,
}

/// What to do after a stream or an attempt.
enum Next {
    End(Option<Problem>),
    Again(Duration),
}

impl Follower {
    async fn run(mut self) {
        let mut wait = Duration::from_millis(500);
        loop {
            let doing = format!("read the log of {}", self.what.pod);
            let next = match self.session.open(&self.url(), &doing).await {
                Ok(body) => match self.read(body).await {
                    Some(read) => {
                        if read {
                            wait = Duration::from_millis(500);
                        }
                        self.after_end(wait).await
                    }
                    None => return,
                },
                Err(problem) => self.after_refusal(problem, wait).await,
            };
            match next {
                Next::End(problem) => {
                    self.tell(LogPiece::End(problem)).await;
                    return;
                }
                Next::Again(pause) => time::sleep(pause).await,
            }
            wait = (wait * 2).min(Duration::from_secs(4));
        }
    }

    fn url(&self) -> String {
        let what = &self.what;
        let resume = self.recent.last.map(|at| second(at).to_string());
        let tail = what.tail.filter(|_| resume.is_none()).map(|n| n.to_string());
        let since = resume.or_else(|| what.since.map(|at| second(at).to_string()));
        let mut pairs = vec![("timestamps", "true")];
        pairs.extend(what.container.as_ref().map(|c| ("container", c.as_str())));
        pairs.extend(tail.as_deref().map(|t| ("tailLines", t)));
        pairs.extend(since.as_deref().map(|s| ("sinceTime", s)));
        if what.previous {
            pairs.push(("previous", "true"));
        } else if what.follow {
            pairs.push(("follow", "true"));
        }
        let pod = Resource::core("pods").one(Some(&what.namespace), what.pod.as_str());
        format!("{pod}/log{}", paths::query(&pairs))
    }

    /// Whether any line came; `None` when nobody listens any more.
    async fn read(&mut self, mut body: kube::client::Body) -> Option<bool> {
        let _open = self.session.load().stream();
        let (mut cutter, mut any) = (Cutter::default(), false);
        self.recent.begin();
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            self.session.load().bytes(data.len());
            any |= self.deliver(cutter.push(&data)).await?;
        }
        any |= self.deliver(cutter.finish().into_iter().collect()).await?;
        Some(any)
    }

    async fn deliver(&mut self, lines: Vec<LogLine>) -> Option<bool> {
        let new: Vec<_> = lines.into_iter().filter(|line| self.recent.is_new(line)).collect();
        if new.is_empty() {
            return Some(false);
        }
        self.noticed = None;
        for piece in new.chunks(PIECE) {
            self.send.send(LogPiece::Lines(piece.to_vec())).await.ok()?;
        }
        Some(true)
    }

    /// The stream ended: because the container did, or because something cut it.
    async fn after_end(&mut self, wait: Duration) -> Next {
        if self.what.previous || !self.what.follow {
            return Next::End(None);
        }
        let pod = match self.pod().await {
            Ok(pod) => pod,
            Err(problem) if problem.kind == Kind::NotFound => {
                self.notice("the pod is gone").await;
                return Next::End(None);
            }
            // Whoever may read logs only can't be told why; reading on shows it.
            Err(_) => return self.reconnect(wait).await,
        };
        match self.container_state(&pod) {
            Some(ContainerState::Terminated(_)) if matches!(pod.phase, Phase::Succeeded | Phase::Failed) => {
                Next::End(None)
            }
            Some(ContainerState::Terminated(end)) => {
                self.notice(&format!("the container ended with code {}; waiting for its restart", end.exit_code)).await;
                Next::Again(WAIT)
            }
            Some(ContainerState::Running(_)) => self.reconnect(wait).await,
            Some(ContainerState::Waiting { reason, .. }) => {
                let words = format!("waiting to start: {reason}");
                self.notice(&words).await;
                Next::Again(WAIT)
            }
            None if matches!(pod.phase, Phase::Succeeded | Phase::Failed) => Next::End(None),
            None if pod.node.is_none() => {
                self.notice("waiting for a node").await;
                Next::Again(WAIT)
            }
            None => {
                self.notice("waiting to start").await;
                Next::Again(WAIT)
            }
        }
    }

    async fn reconnect(&mut self, wait: Duration) -> Next {
        self.notice("the connection was cut; reading on").await;
        Next::Again(wait)
    }

    async fn after_refusal(&mut self, problem: Problem, wait: Duration) -> Next {
        let why = problem.why.clone();
        match problem.kind {
            Kind::Invalid if why.as_str().contains("waiting to start") || why.as_str().contains("is not available") => {
                let reason = why.as_str().rsplit(": ").next().unwrap_or_default().to_owned();
                self.notice(&format!("waiting to start: {reason}")).await;
                Next::Again(WAIT)
            }
            Kind::NotFound if self.recent.last.is_some() => {
                self.notice("the pod is gone").await;
                Next::End(None)
            }
            _ if problem.is_passing() => {
                self.notice(&format!("no log now ({why}); trying again")).await;
                Next::Again(problem.retry_after().unwrap_or(wait))
            }
            _ => Next::End(Some(problem)),
        }
    }

    async fn pod(&self) -> Result<PodRow, Problem> {
        let path = Resource::core("pods").one(Some(&self.what.namespace), self.what.pod.as_str());
        let doing = format!("look at {}", self.what.pod);
        let body = self.session.get(&path, JSON, &doing).await?;
        match wire::row(ListOf::Pods, &String::from_utf8_lossy(&body)) {
            Row::Pod(pod) => Ok(pod),
            _ => Err(Problem::unexpected(&doing, "the answer is not a pod")),
        }
    }

    fn container_state(&self, pod: &PodRow) -> Option<ContainerState> {
        let wanted = self.what.container.as_ref().map(Name::as_str);
        let mut named = pod.containers.iter().filter(|c| wanted.map_or(!c.init, |w| c.name.as_str() == w));
        named.next()?.state.clone()
    }

    /// The same notice is given once until lines come again.
    async fn notice(&mut self, words: &str) {
        let words = Clean::new(words);
        if self.noticed.as_ref() != Some(&words) {
            self.noticed = Some(words.clone());
            self.tell(LogPiece::Notice(words)).await;
        }
    }

    async fn tell(&self, piece: LogPiece) {
        // Nobody listens any more: the task is about to be ended.
        let _closed = self.send.send(piece).await;
    }
}

/// `sinceTime` knows whole seconds only.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Lines delivered in the last second seen, so that a second reading of that second gives nothing twice.
#[derive(Default)]
struct Recent {
    last: Option<Timestamp>,
    lines: VecDeque<u64>,
    /// What is left of `lines` while a new stream repeats them.
    repeated: Vec<u64>,
}

impl Recent {
    fn begin(&mut self) {
        self.repeated = self.lines.iter().copied().collect();
        self.repeated.sort_unstable();
    }

    fn is_new(&mut self, line: &LogLine) -> bool {
        let Some(at) = line.at else { return true };
        let hash = hash(line);
        if !self.repeated.is_empty() && self.last.is_some_and(|last| second(at) <= second(last)) {
            if let Ok(place) = self.repeated.binary_search(&hash) {
                self.repeated.remove(place);
                return false;
            }
        } else {
            self.repeated.clear();
        }
        if self.last.is_none_or(|last| second(at) > second(last)) {
            self.lines.clear();
        }
        self.last = self.last.max(Some(at));
        self.lines.push_back(hash);
        if self.lines.len() > MOST_RECENT {
            self.lines.pop_front();
        }
        true
    }
}

fn hash(line: &LogLine) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.at, &line.bytes).hash(&mut hasher);
    hasher.finish()
}

/// Cuts bytes into lines, and lines that are too long off.
#[derive(Default)]
struct Cutter {
    pending: Vec<u8>,
    /// The end of the present line is being left out.
    skipping: bool,
}

/// A timestamp of nanoseconds and its blank, before the line itself.
const STAMP: usize = 40;

impl Cutter {
    fn push(&mut self, data: &[u8]) -> Vec<LogLine> {
        let mut out = Vec::new();
        let mut parts = data.split(|b| *b == b'\n');
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            self.keep(part);
            out.extend(self.finish());
            self.skipping = false;
        }
        self.keep(last);
        out
    }

    fn keep(&mut self, part: &[u8]) {
        let room = (MOST_LINE + STAMP).saturating_sub(self.pending.len());
        self.skipping |= part.len() > room;
        self.pending.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// The line that is pending, if there is one.
    fn finish(&mut self) -> Option<LogLine> {
        if self.pending.is_empty() {
            return None;
        }
        let line = std::mem::take(&mut self.pending);
        let (at, start) = stamp(&line);
        let mut bytes = Bytes::from(line).slice(start..);
        let cut = self.skipping || bytes.len() > MOST_LINE;
        bytes.truncate(MOST_LINE);
        if bytes.last() == Some(&b'\r') {
            bytes.truncate(bytes.len() - 1);
        }
        Some(LogLine { at, bytes, cut })
    }
}

/// The timestamp that the server puts before a line, and where the line begins.
fn stamp(line: &[u8]) -> (Option<Timestamp>, usize) {
    let end = line.iter().take(STAMP).position(|b| *b == b' ').unwrap_or(line.len().min(STAMP));
    let at = std::str::from_utf8(&line[..end]).ok().and_then(|text| text.parse().ok());
    match at {
        Some(at) => (Some(at), (end + 1).min(line.len())),
        None => (None, 0),
    }
}

#[cfg(test)]
mod tests;
