//! One container's log, read again and again until there is no more of it.
//!
//! Owns when to open a stream, when to wait and when to give up, and what is said about it. Lines are taken from
//! [`Cutter`], their repetition is known by [`Recent`].

use std::{collections::VecDeque, time::Duration};

use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tokio::{sync::mpsc, time};

use super::{LogLine, LogOf, LogPiece, Notice, NoticeKind, Sessions, cutter::Cutter, recent::Recent};
use crate::{
    cluster::{
        paths::{self, Resource},
        problem::Problem,
        session::Session,
    },
    jobs::{text::Clean, time::Secs},
};

/// Lines of one piece, and bytes.
const PIECE: (usize, usize) = (512, 64 * 1024);
/// First and longest pause before a stream is opened again.
pub(super) const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));
/// A stream that is silent for so long is opened anew: its connection may be dead without anybody having told us.
const SILENCE: Duration = Duration::from_mins(5);
/// Seconds that a reader must be behind before lines are left out for it.
const LATE: u32 = 3;
/// Newest lines that are kept when others are left out.
const HELD: usize = 2 * PIECE.0;
/// What a kubelet writes in the place of lines, when it can't read them.
const KUBELET: [&[u8]; 5] = [
    b"unable to retrieve container logs for ",
    b"failed to try resolving symlinks in path ",
    b"failed to create fsnotify watcher",
    b"failed to watch file ",
    b"rpc error: code = ",
];

pub(super) struct Follower {
    sessions: Sessions,
    pub(super) what: LogOf,
    send: mpsc::Sender<LogPiece>,
    pub(super) recent: Recent,
    noticed: Option<NoticeKind>,
    /// Lines of this moment and later are live: a reader that is too slow for them does not get them all.
    opened: Secs,
    skipped: u64,
    held: VecDeque<LogLine>,
    /// How the container ended that the next lines are not of.
    pub(super) ended: Option<i32>,
    /// It was looked why the next lines do not follow on the last.
    pub(super) looked: bool,
}

/// How a stream ended.
pub(super) enum Closed {
    /// By the server, with what came after the last line's end.
    Clean(Option<LogLine>),
    /// By something on the way.
    Cut,
    /// By us, before the first line: it does not follow on the last one delivered.
    Gap,
    /// Nobody listens any more.
    Deaf,
}

/// What to do after a stream or an attempt.
pub(super) enum Next {
    End(Option<Problem>),
    Again(Duration),
}

impl Follower {
    pub(super) fn new(sessions: Sessions, what: LogOf, send: mpsc::Sender<LogPiece>) -> Self {
        let (recent, held) = (Recent::default(), VecDeque::new());
        Self {
            sessions,
            what,
            send,
            recent,
            noticed: None,
            opened: Secs(0),
            skipped: 0,
            held,
            ended: None,
            looked: false,
        }
    }

    pub(super) async fn run(mut self) {
        let mut pause = PAUSE.0;
        self.opened = (self.sessions)().now();
        loop {
            let session = (self.sessions)();
            let before = self.recent.last();
            if !self.is_its(&session).await {
                self.notice(NoticeKind::Gone, "the pod is gone; another job's has its name").await;
                return self.tell(LogPiece::End(None)).await;
            }
            let next = match session.open(&self.url(self.what.previous), &self.doing()).await {
                Ok(body) => {
                    let closed = self.read(&session, body).await;
                    if self.recent.last() > before {
                        pause = PAUSE.0;
                    }
                    match closed {
                        Closed::Deaf => return,
                        Closed::Gap => self.after_gap(&session).await,
                        Closed::Cut => self.interrupted("the connection was cut; reading on", pause).await,
                        Closed::Clean(rest) => self.after_close(&session, rest, pause).await,
                    }
                }
                Err(problem) => self.after_refusal(problem, pause).await,
            };
            match next {
                Next::End(problem) => {
                    // Nobody listening is noticed by the end itself, too.
                    let _deaf = self.flush().await;
                    return self.tell(LogPiece::End(problem)).await;
                }
                Next::Again(pause) => time::sleep(pause).await,
            }
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    pub(super) fn doing(&self) -> String {
        format!("read the log of {}", self.what.pod)
    }

    pub(super) fn url(&self, previous: bool) -> String {
        let what = &self.what;
        let resume = self.recent.resume();
        let tail = what.tail.filter(|_| resume.is_none()).map(|n| n.to_string());
        let since = resume.or(what.since).map(|at| whole_second(at).to_string());
        let mut pairs = vec![("timestamps", "true")];
        pairs.extend(what.container.as_ref().map(|c| ("container", c.as_str())));
        pairs.extend(tail.as_deref().map(|t| ("tailLines", t)));
        pairs.extend(since.as_deref().map(|s| ("sinceTime", s)));
        if previous {
            pairs.push(("previous", "true"));
        } else if what.follow {
            pairs.push(("follow", "true"));
        }
        let pod = Resource::core("pods").one(Some(&what.namespace), what.pod.as_str());
        format!("{pod}/log{}", paths::query(&pairs))
    }

    pub(super) async fn read(&mut self, session: &Session, mut body: kube::client::Body) -> Closed {
        let _open = session.load().stream();
        let (mut cutter, send) = (Cutter::default(), self.send.clone());
        self.recent.begin();
        loop {
            let frame = tokio::select! {
                biased;
                _ = send.reserve(), if !self.held.is_empty() => {
                    if let Err(closed) = self.flush().await {
                        return closed;
                    }
                    continue;
                }
                frame = time::timeout(SILENCE, body.frame()) => frame,
            };
            match frame {
                Ok(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    session.load().bytes(data.len());
                    if let Err(closed) = self.deliver(session, cutter.push(&data)).await {
                        return closed;
                    }
                }
                // What is left of a line comes again, whole.
                Ok(Some(Err(_))) => return Closed::Cut,
                Ok(None) => return Closed::Clean(cutter.finish()),
                Err(_) => return Closed::Clean(None),
            }
        }
    }

    /// Sends what is new of these lines.
    pub(super) async fn deliver(&mut self, session: &Session, lines: Vec<LogLine>) -> Result<(), Closed> {
        let mut piece = Vec::new();
        let mut bytes = 0;
        for line in lines {
            if let Some(words) = kubelets(&line) {
                self.notice(NoticeKind::Kubelet, &words).await;
                continue;
            }
            if self.recent.is_gap(&line) {
                self.told_gap().await?;
            }
            if !self.recent.is_new(&line) {
                continue;
            }
            bytes += line.bytes.len();
            piece.push(line);
            if piece.len() >= PIECE.0 || bytes >= PIECE.1 {
                bytes = 0;
                self.give(session, std::mem::take(&mut piece)).await?;
            }
        }
        if piece.is_empty() { Ok(()) } else { self.give(session, piece).await }
    }

    /// The next line is of another run than the last, or of another file: says so, once it was looked which.
    async fn told_gap(&mut self) -> Result<(), Closed> {
        if !std::mem::take(&mut self.looked) && self.ended.is_none() {
            return Err(Closed::Gap);
        }
        self.recent.join();
        match self.ended.take() {
            Some(code) => {
                let words = format!("the container ended with code {code} and was started again");
                self.notice(NoticeKind::Restarted, &words).await;
            }
            None => self.notice(NoticeKind::Rotated, "the log was rotated; lines before this may be missing").await,
        }
        Ok(())
    }

    async fn give(&mut self, session: &Session, piece: Vec<LogLine>) -> Result<(), Closed> {
        self.noticed = None;
        let newest = piece.last().and_then(|line| line.at).map(Secs::from);
        let is_late = |at: Secs| at > self.opened && session.now().since(at) > LATE;
        if self.held.is_empty() && (self.send.capacity() > 0 || !newest.is_some_and(is_late)) {
            return self.send.send(LogPiece::Lines(piece)).await.map_err(|_| Closed::Deaf);
        }
        self.held.extend(piece);
        while self.held.len() > HELD {
            self.held.pop_front();
            self.skipped += 1;
        }
        if self.send.capacity() > 0 { self.flush().await } else { Ok(()) }
    }

    /// Sends what was held back, after a word on what was left out.
    async fn flush(&mut self) -> Result<(), Closed> {
        if self.held.is_empty() {
            return Ok(());
        }
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            let words = format!("skipped {skipped} lines: they came faster than they could be taken");
            let notice = Notice { kind: NoticeKind::Skipped(skipped), words: Clean::new(&words) };
            self.send.send(LogPiece::Notice(notice)).await.map_err(|_| Closed::Deaf)?;
        }
        let held: Vec<LogLine> = self.held.drain(..).collect();
        self.send.send(LogPiece::Lines(held)).await.map_err(|_| Closed::Deaf)
    }

    /// Of one kind, one notice is given until lines come again.
    pub(super) async fn notice(&mut self, kind: NoticeKind, words: &str) {
        if self.noticed != Some(kind) {
            self.noticed = Some(kind);
            let notice = Notice { kind, words: Clean::new(words) };
            self.tell(LogPiece::Notice(notice)).await;
        }
    }

    pub(super) async fn tell(&self, piece: LogPiece) {
        // Nobody listens any more: the task is about to be ended.
        let _closed = self.send.send(piece).await;
    }
}

/// `sinceTime` knows whole seconds only.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// What the kubelet says in this line's place.
fn kubelets(line: &LogLine) -> Option<String> {
    let is_its = line.at.is_none() && KUBELET.iter().any(|words| line.bytes.starts_with(words));
    is_its.then(|| format!("the kubelet says: {}", String::from_utf8_lossy(&line.bytes)))
}
