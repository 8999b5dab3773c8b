//! One list, for ever: pages, then the watch, and back to pages when the watch is too old.

use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::time;

use super::{Spec, backoff::Backoff, lines::Lines};
use crate::{
    cluster::{
        mailbox::Mailbox,
        pages::Pages,
        problem::{Problem, ProblemKind as Kind},
        session::{JSON, Session},
        wire::{self, Seen},
    },
    jobs::{
        fleet::{ListPhase, Row},
        kind::Kind as JobKind,
        text::Clean,
        time::Secs,
    },
};

/// Objects a page.
const PAGE: &str = "250";
/// Seconds between two reads of a list that can't be watched.
const POLL: u32 = 5;
/// After so many polls the watch is tried again: rights change.
const POLLS_PER_TRY: u32 = 12;
/// The server ends a watch by itself after this many seconds.
const SERVER_ENDS: &str = "290";
/// Silence that means a dead connection: longer than the server would have kept it.
const SILENT: Duration = Duration::from_secs(330);
/// The same where bookmarks are known to come every minute.
const SILENT_WITH_BOOKMARKS: Duration = Duration::from_secs(150);
/// A watch that ends sooner than this has done no good.
const SHORT_LIFE: Duration = Duration::from_secs(5);

pub(super) struct Driver {
    session: Session,
    spec: Spec,
    mailbox: Mailbox,
    backoff: Backoff,
    /// A full read was complete once.
    listed: bool,
    bookmarks: bool,
    /// When this list was last known to be true.
    true_at: Secs,
    phase: Option<ListPhase>,
}

/// How a watch ended.
enum End {
    /// It may go on from where it was.
    Cut,
    /// What we know is too old: read all again.
    Outdated,
    /// The server said why.
    Failed(Problem),
}

/// What comes after following.
enum Then {
    Relist,
    Poll,
}

impl Driver {
    pub(super) fn new(session: Session, spec: Spec, mailbox: Mailbox) -> Self {
        let true_at = session.now();
        Self { session, spec, mailbox, backoff: Backoff::new(), listed: false, bookmarks: false, true_at, phase: None }
    }

    pub(super) async fn run(mut self) {
        let mut polls = 0;
        self.show(ListPhase::Loading(0));
        loop {
            let version = match self.list().await {
                Ok(version) => version,
                Err(problem) => {
                    self.tell(&problem);
                    time::sleep(self.backoff.after(&problem)).await;
                    continue;
                }
            };
            if self.spec.watched && polls % POLLS_PER_TRY == 0 {
                let begun = time::Instant::now();
                if matches!(self.follow(version).await, Then::Relist) {
                    polls = 0;
                    // A server that calls every version too old must not be read in a circle.
                    if begun.elapsed() < SHORT_LIFE {
                        time::sleep(self.backoff.step()).await;
                    }
                    continue;
                }
            }
            self.backoff.reset();
            polls += 1;
            self.show(ListPhase::Polling(POLL));
            time::sleep(self.backoff.jitter(Duration::from_secs(u64::from(POLL)))).await;
        }
    }

    /// Reads all pages; the version to watch from.
    async fn list(&mut self) -> Result<String, Problem> {
        let (mut count, mut version) = (0, None);
        let limited = (self.spec.query(), PAGE);
        let mut pages = Pages::new(&self.session, &self.spec.path, (&limited.0, limited.1), JSON, &self.spec.doing)
            .in_turn(self.spec.is_pods());
        while let Some(got) = pages.next().await? {
            let page = wire::page(self.spec.key.of, &got.body)
                .map_err(|_| Problem::unexpected(&self.spec.doing, "the answer is not a list of that kind"))?;
            drop(got);
            if version.is_none() {
                self.mailbox.restart(&self.spec.key);
                version = Some(page.resource_version);
            }
            count += page.rows.len() as u32;
            self.mailbox.upserts(&self.spec.key, page.rows.into_iter().filter(|row| wanted(&self.spec, row)));
            if !self.listed && !page.next.is_empty() {
                self.show(ListPhase::Loading(count));
            }
            pages.go_on(page.next);
        }
        self.mailbox.complete(&self.spec.key);
        self.listed = true;
        self.true_at = self.session.now();
        Ok(version.unwrap_or_default())
    }

    /// Watches until it can't go on from where it is.
    async fn follow(&mut self, mut version: String) -> Then {
        loop {
            let problem = match self.watch(&mut version).await {
                End::Cut => continue,
                End::Outdated => return Then::Relist,
                End::Failed(problem) => problem,
            };
            match problem.kind {
                Kind::Gone | Kind::NotFound => return Then::Relist,
                Kind::Forbidden => return Then::Poll,
                _ => {}
            }
            self.tell(&problem);
            time::sleep(self.backoff.after(&problem)).await;
        }
    }

    /// One watch from `version`, which moves on with what is seen.
    async fn watch(&mut self, version: &mut String) -> End {
        let url = self.spec.url(&[
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", SERVER_ENDS),
            ("resourceVersion", version),
        ]);
        let doing = self.spec.doing.replacen("list", "watch", 1);
        let body = match self.session.open(&url, &doing).await {
            Ok(body) => body,
            Err(problem) => return End::Failed(problem),
        };
        self.show(ListPhase::Live);
        let (begun, before) = (time::Instant::now(), version.clone());
        let end = self.read(body, version, &doing).await;
        self.true_at = self.session.now();
        if *version != before || begun.elapsed() > SHORT_LIFE {
            self.backoff.reset();
        }
        if matches!(end, End::Cut) && begun.elapsed() < SHORT_LIFE {
            time::sleep(self.backoff.step()).await;
        }
        end
    }

    async fn read(&mut self, mut body: Body, version: &mut String, doing: &str) -> End {
        let _open = self.session.load().stream();
        let mut lines = Lines::default();
        loop {
            let silent = if self.bookmarks { SILENT_WITH_BOOKMARKS } else { SILENT };
            let frame = match time::timeout(silent, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return self.last_line(&mut lines, version, doing),
                // Silence and a broken connection are the same to us: go on from here.
                Ok(Some(Err(_))) | Err(_) => return End::Cut,
            };
            let Ok(data) = frame.into_data() else { continue };
            self.session.load().bytes(data.len());
            if lines.push(&data).is_err() {
                return End::Outdated;
            }
            if let Some(end) = self.lines(&mut lines, version, doing) {
                return end;
            }
        }
    }

    /// A stream may end in a line without its end. If it is whole, it counts; if not, it will come again.
    fn last_line(&mut self, lines: &mut Lines, version: &mut String, doing: &str) -> End {
        let rest = lines.rest();
        if rest.is_empty() || wire::seen(self.spec.key.of, &rest).is_err() {
            return End::Cut;
        }
        let mut last = Lines::default();
        let fits = last.push(&rest).and_then(|()| last.push(b"\n")).is_ok();
        let end = if fits { self.lines(&mut last, version, doing) } else { None };
        end.unwrap_or(End::Cut)
    }

    /// All whole lines, put into the mailbox together.
    fn lines(&mut self, lines: &mut Lines, version: &mut String, doing: &str) -> Option<End> {
        let mut rows = Vec::new();
        let mut end = None;
        while let (Some(line), None) = (lines.next(), &end) {
            if line.is_empty() {
                continue;
            }
            self.session.load().event();
            match wire::seen(self.spec.key.of, &line) {
                Ok(Seen::Upsert(row, at)) => {
                    move_on(version, at);
                    rows.push(*row);
                }
                Ok(Seen::Removed(uid, at)) => {
                    move_on(version, at);
                    // In order: an earlier row of the same object must not come after its end.
                    self.put(&mut rows);
                    self.mailbox.remove(&self.spec.key, uid);
                }
                Ok(Seen::Bookmark(at)) => {
                    self.bookmarks = true;
                    move_on(version, at);
                }
                Ok(Seen::Failed(status)) => end = Some(self.ended(&status, doing)),
                Ok(Seen::Other) => {}
                // A line that is no JSON may have been a change: only a full read can tell.
                Err(_) => end = Some(End::Outdated),
            }
        }
        self.put(&mut rows);
        end
    }

    fn put(&self, rows: &mut Vec<Row>) {
        if !rows.is_empty() {
            self.mailbox.upserts(&self.spec.key, rows.drain(..).filter(|row| wanted(&self.spec, row)));
        }
    }

    fn ended(&self, status: &[u8], doing: &str) -> End {
        let headers = http::HeaderMap::new();
        let problem = Problem::answered(500, &headers, status, &self.session.about(doing));
        if problem.kind == Kind::Gone { End::Outdated } else { End::Failed(problem) }
    }

    /// How the list stands with this problem.
    fn tell(&mut self, problem: &Problem) {
        self.show(match problem.kind {
            Kind::Forbidden => {
                ListPhase::Forbidden(problem.ask().cloned().unwrap_or_else(|| Clean::new(&self.spec.doing)))
            }
            Kind::NotFound => ListPhase::Error(Clean::new("not served by this cluster any more")),
            Kind::Invalid | Kind::Bug | Kind::BadConfig => ListPhase::Error(problem.why.clone()),
            _ => ListPhase::Stale(self.true_at, problem.why.clone()),
        });
    }

    /// Told only when it differs.
    fn show(&mut self, phase: ListPhase) {
        if self.phase.as_ref() != Some(&phase) {
            self.mailbox.phase(&self.spec.key, phase.clone());
            self.phase = Some(phase);
        }
    }
}

fn move_on(version: &mut String, at: String) {
    if !at.is_empty() {
        *version = at;
    }
}

/// Of all events of a namespace, those that were asked for, or those about jobs and what jobs own.
fn wanted(spec: &Spec, row: &Row) -> bool {
    let Row::Event(event) = row else { return true };
    if let Some(only) = &spec.only {
        return only(event);
    }
    let kind = event.about_kind.as_str();
    matches!(kind, "Pod" | "Job" | "JobSet" | "Workload" | "PodGroup" | "Service" | "ConfigMap" | "Secret")
        || JobKind::ALL.iter().any(|k| k.info().kind == kind)
}
