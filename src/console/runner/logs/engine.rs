//! The lines of a job's logs and who looks at which: orders and pieces of streams in, windows out.
//!
//! Owns no stream and waits for nothing. What takes long is done by [`Engine::slice`], a little at a time.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use tokio::sync::Notify;

use super::{
    findings::Findings,
    write::{Tell, Writer},
};
use crate::{
    cluster::{
        Problem,
        logs::{LogPiece, NoticeKind},
    },
    console::model::page::{
        LogMessage, LogOrder,
        logs::{Choice, Flow, Found, Heard, Past, Seeking, Shown, Sought, StreamState, Target, Window, Writing},
    },
    console::runner::refusal,
    jobs::{Secs, causes::Rules, fleet::Said},
    logs::{Book, Known, Nanos, Pane, SourceId, View, Who},
};

/// Steps of an index or a search in one slice: some milliseconds.
const STEPS: usize = 4;
/// Ranks that are named for not having been heard of.
const MOST_MISSING: usize = 256;
/// Hits that are counted by writer on the screen.
const MOST_BY: usize = 64;

/// See the module.
pub(super) struct Engine {
    book: Book,
    findings: Findings,
    /// What is looked at, and what in the second half.
    panes: [Pane; 2],
    choices: [Choice; 2],
    split: bool,
    streams: Vec<StreamState>,
    /// The last line's time, by stream.
    last: Vec<Option<jiff::Timestamp>>,
    rows: [u16; 2],
    heard: bool,
    news: bool,
    busy: bool,
    /// A search was ordered and its result not told.
    seeking: bool,
    /// The line that somebody wants to be led to.
    wanted: Option<Sought>,
    ranks: Option<u32>,
    writer: Option<Writer>,
    dir: Option<PathBuf>,
    tell: Tell,
    /// The writer can take more.
    pub(super) wake: Arc<Notify>,
}

impl Engine {
    pub(super) fn new(max_bytes: usize, dir: Option<PathBuf>, rules: Arc<Rules>, how: (Past, u32), tell: Tell) -> Self {
        Self {
            book: Book::new(max_bytes),
            findings: Findings::new(rules, how.0, how.1),
            panes: [Pane::default(), Pane::default()],
            choices: [Choice::default(), Choice::default()],
            split: false,
            streams: Vec::new(),
            last: Vec::new(),
            rows: [50, 0],
            heard: false,
            news: false,
            busy: false,
            seeking: false,
            wanted: None,
            ranks: None,
            writer: None,
            dir,
            tell,
            wake: Arc::default(),
        }
    }

    /// A stream begins; gives the last line's time of an earlier reading of the same. Its number is the next one.
    pub(super) fn open(&mut self, target: &Target) -> Option<jiff::Timestamp> {
        let key = target.key();
        let before = self.streams.iter().rposition(|stream| stream.key == key);
        self.book.source(target.base);
        self.findings.open(target);
        self.streams.push(StreamState { key, title: target.title.clone(), flow: Flow::Opening });
        let known = before.and_then(|nth| self.last[nth]);
        self.last.push(known);
        self.look(0);
        self.look(1);
        self.news = true;
        known
    }

    /// A stream is not read any more, though it has not ended.
    pub(super) fn let_go(&mut self, nth: usize) {
        if let Some(stream) = self.streams.get_mut(nth).filter(|stream| !matches!(stream.flow, Flow::Refused(_))) {
            stream.flow = Flow::Ended;
        }
    }

    /// What the streams are called now: a second attempt makes the one before the first.
    pub(super) fn rename(&mut self, targets: &[Target]) {
        for target in targets {
            let key = target.key();
            for stream in self.streams.iter_mut().filter(|stream| stream.key == key) {
                stream.title = target.title.clone();
            }
        }
    }

    /// When a log will have been silent for too long, if nothing comes.
    pub(super) fn patience(&self) -> Option<Secs> {
        self.findings.patience()
    }

    /// It is so late: logs that are silent for too long say something.
    pub(super) fn hush(&mut self, now: Secs) {
        self.findings.hush(now);
    }

    /// What the lines say of the job, if that is not what was told last.
    pub(super) fn findings(&mut self) -> Option<Vec<Said>> {
        self.findings.changed()
    }

    /// Whether there is something new to show or to tell. A window that was asked for shows, but tells nothing.
    pub(super) fn has_news(&self) -> bool {
        self.news || self.findings.is_due()
    }

    /// Whether work is left for [`Self::slice`].
    pub(super) fn is_busy(&self) -> bool {
        self.busy || self.writer.as_ref().is_some_and(Writer::can_go_on)
    }

    /// Lines that wait to be put in order.
    pub(super) fn arrived(&self) -> usize {
        self.book.has_arrived()
    }

    /// Takes in what a stream brought.
    pub(super) fn take(&mut self, nth: usize, piece: LogPiece, now: Secs) {
        let source = SourceId(nth as u16);
        let here = Nanos(i64::from(now.0) * 1_000_000_000);
        let Some(stream) = self.streams.get_mut(nth) else { return };
        match piece {
            LogPiece::Lines(lines) => {
                stream.flow = Flow::Open;
                for line in &lines {
                    let at = line.at.and_then(|at| i64::try_from(at.as_nanosecond()).ok()).map(Nanos);
                    self.last[nth] = self.last[nth].max(line.at);
                    if let Some((line, host)) = self.book.line(source, at, &line.bytes, line.cut) {
                        self.findings.feed(nth, line, host.as_ref());
                    }
                }
            }
            LogPiece::Notice(notice) => {
                if matches!(notice.kind, NoticeKind::Waiting | NoticeKind::Interrupted) {
                    stream.flow = Flow::Waiting(notice.words.clone());
                }
                let words = format!("{}: {}", stream.title, notice.words);
                self.book.notice(source, here, &words);
            }
            LogPiece::End(problem) => self.ended(nth, here, problem.as_ref()),
        }
        self.news = true;
    }

    fn ended(&mut self, nth: usize, here: Nanos, problem: Option<&Problem>) {
        let Some(stream) = self.streams.get_mut(nth) else { return };
        self.findings.close(nth);
        stream.flow = problem.map_or(Flow::Ended, |problem| Flow::Refused(refusal(problem)));
        let words = match &stream.flow {
            Flow::Refused(refusal) => format!("{}: {}. {}", stream.title, refusal.what, refusal.hint),
            _ => format!("{}: the log ends here", stream.title),
        };
        // After its last line, also where that is long ago.
        let at = if problem.is_none() { Nanos::default() } else { here };
        self.book.notice(SourceId(nth as u16), at, words.trim_end());
    }

    /// Obeys. Gives the answer.
    pub(super) fn order(&mut self, order: LogOrder) -> Option<LogMessage> {
        self.book.settle(&mut self.panes);
        if order.moves() {
            self.wanted = None;
        }
        let (store, rows) = (self.book.store(), self.rows[0]);
        let pane = &mut self.panes[0];
        match order {
            // The task's own.
            LogOrder::Read(_) => return None,
            LogOrder::Ranks(ranks) => {
                self.ranks = ranks;
                self.book.set_ranks(ranks);
                return None;
            }
            LogOrder::Rows { rows, second, heard } => (self.rows, self.heard) = ([rows, second], heard),
            LogOrder::Look(choice) => {
                self.choices[0] = choice;
                self.look(0);
            }
            LogOrder::Second(choice) => {
                self.split = choice.is_some();
                self.choices[1] = choice.unwrap_or_default();
                self.look(1);
            }
            LogOrder::Follow => pane.follow(),
            LogOrder::Pause if pane.is_paused() => pane.follow(),
            LogOrder::Pause => pane.pause(store, rows),
            LogOrder::Scroll(by) => pane.scroll(store, by, rows),
            LogOrder::Top => pane.go_to(store, store.first(), 0),
            LogOrder::Time(at) => pane.go_to_time(store, at),
            LogOrder::Search(query) => {
                self.seeking = query.is_some();
                pane.search(query.clone());
                pane.next_hit(store, true, rows);
                self.panes[1].search(query);
            }
            LogOrder::Hit(back) => {
                pane.next_hit(store, back, rows);
                if pane.hit().is_none() && !self.busy && !self.seeking {
                    return Some(LogMessage::NotFound);
                }
            }
            LogOrder::Line(sought) => self.wanted = Some(sought),
            LogOrder::Mark => {
                let visible = pane.visible(store, rows);
                let number = pane.hit().filter(|hit| visible.contains(hit)).unwrap_or_else(|| pane.top(store, rows));
                self.book.mark(number);
            }
            LogOrder::NextMark => match self.book.next_mark(pane.top(store, rows)) {
                Some(mark) => pane.go_to(store, mark, 0),
                None => return Some(LogMessage::NoMark),
            },
            LogOrder::Write(what) => return self.begin_writing(&what),
        }
        self.work();
        self.sought();
        Some(LogMessage::Window(self.window()))
    }

    /// Leads to the line that is wanted, once it is there.
    fn lead(&mut self) -> Seeking {
        let Some(sought) = &self.wanted else { return Seeking::Idle };
        let of_pod = |stream: &StreamState| sought.pod.as_ref().is_none_or(|pod| stream.is_of(pod));
        let streams = || self.streams.iter().zip(&self.last).enumerate().filter(|(_, (stream, _))| of_pod(stream));
        let sources: Vec<SourceId> = streams().map(|(nth, _)| SourceId(nth as u16)).collect();
        let at = sought.at.map(|at| Nanos(i64::from(at.0) * 1_000_000_000));
        let known = Known { text: sought.text.as_str(), rank: sought.rank, at, sources: &sources };
        let store = self.book.store();
        let has_passed = |last: &Option<jiff::Timestamp>| {
            let at = last.and_then(|at| i64::try_from(at.as_nanosecond()).ok());
            at.is_some_and(|at| known.is_before(Nanos(at)))
        };
        let lost = streams().all(|(_, (stream, last))| stream.is_over() || has_passed(last));
        // Words alone may stand in other lines before the right one has come.
        let anywhere = || if lost || at.is_none() { known.first(store) } else { None };
        let found = known.of_its_time(store).or_else(anywhere).filter(|_| !sources.is_empty());
        if let Some(number) = found {
            self.panes[0].lead_to(store, number, self.rows[0]);
            self.book.keep_mark(number);
        }
        if found.is_some() || lost {
            self.wanted = None;
        }
        match (found, lost) {
            (Some(_), _) => Seeking::Found,
            (None, true) => Seeking::Lost,
            (None, false) => Seeking::Looking,
        }
    }

    /// A search that has come to its end goes to the hit that was wanted; whether it has just done so.
    fn sought(&mut self) -> bool {
        let done = !self.busy && std::mem::take(&mut self.seeking);
        if done {
            self.panes[0].arrive(self.book.store(), self.rows[0]);
        }
        done
    }

    /// Resolves the keys of a choice to streams, and looks at it.
    fn look(&mut self, nth: usize) {
        let choice = &self.choices[nth];
        let is_chosen = |(_, stream): &(usize, &StreamState)| choice.streams.contains(&stream.key);
        let chosen = self.streams.iter().enumerate().filter(is_chosen);
        let sources: Vec<SourceId> = chosen.map(|(nth, _)| SourceId(nth as u16)).collect();
        // A choice of streams of which none is open yet shows nothing, not all.
        let none = !choice.streams.is_empty() && sources.is_empty() && choice.view.ranks.is_empty();
        let sources = if none { vec![SourceId(u16::MAX)] } else { sources };
        self.panes[nth].show(View { sources, ..choice.view.clone() });
        self.busy = true;
    }

    /// Does some of the work that is left; tells what has come of it.
    pub(super) fn slice(&mut self) -> Option<LogMessage> {
        self.book.settle(&mut self.panes);
        if self.busy {
            self.work();
            if self.sought() {
                return Some(LogMessage::Window(self.window()));
            }
            self.news |= !self.busy;
        }
        let writer = self.writer.as_mut().filter(|_| !self.busy)?;
        if let Ok(told) = writer.slice(&self.book, &self.panes[0], &self.streams) {
            return told;
        }
        self.writer = None;
        None
    }

    fn work(&mut self) {
        let store = self.book.store();
        let second = self.split;
        self.busy = !(0..STEPS).any(|_| self.panes[0].step(store) & (!second || self.panes[1].step(store)));
    }

    fn begin_writing(&mut self, what: &Writing) -> Option<LogMessage> {
        let end = self.book.store().end();
        match Writer::begin(what, self.dir.clone(), end, Arc::clone(&self.tell), Arc::clone(&self.wake)) {
            Ok(writer) => {
                self.writer = Some(writer);
                None
            }
            Err(refusal) => Some(LogMessage::Written(Err(refusal))),
        }
    }

    /// What is visible now.
    pub(super) fn window(&mut self) -> Box<Window> {
        self.book.settle(&mut self.panes);
        self.work();
        let seeking = self.lead();
        self.news = false;
        let store = self.book.store();
        let [pane, second] = &self.panes;
        let visible = pane.visible(store, self.rows[0]);
        let beside = if self.split { self.beside(second, &visible) } else { Vec::new() };
        Box::new(Window {
            before: visible.first().map_or(0, |number| pane.index().place(store, *number)),
            total: pane.index().len(store),
            complete: pane.index().next() >= store.end(),
            paused: pane.is_paused(),
            at: pane.hit(),
            seeking,
            kept: store.len(),
            dropped: store.first(),
            bytes: store.bytes(),
            max_bytes: store.max_bytes(),
            found: self.found(),
            streams: self.streams.clone(),
            ranks_heard: self.book.heard().filter(|(who, _)| who.rank().is_some()).count() as u32,
            ranks_seen: self
                .book
                .heard()
                .filter_map(|(who, _)| who.rank())
                .max()
                .map_or(0, |rank| rank.saturating_add(1)),
            missing: self.missing(),
            heard: if self.heard { self.writers() } else { Vec::new() },
            second: self.shown(&beside),
            lines: self.shown(&visible),
        })
    }

    /// The lines of the second half: the newest, or those about the time of the first half's.
    fn beside(&self, pane: &Pane, first: &[u64]) -> Vec<u64> {
        let (store, rows) = (self.book.store(), self.rows[1]);
        if !self.panes[0].is_paused() {
            return pane.visible(store, rows);
        }
        let from = pane.index().place(store, first.first().copied().unwrap_or_default());
        (from..from + u64::from(rows)).map_while(|place| pane.index().at(store, place)).collect()
    }

    fn shown(&self, numbers: &[u64]) -> Vec<Shown> {
        let line = |number: &u64| {
            let line = self.book.store().get(*number)?.to_line();
            Some(Shown { number: *number, line, marked: self.book.is_marked(*number) })
        };
        numbers.iter().filter_map(line).collect()
    }

    fn found(&self) -> Option<Found> {
        let pane = &self.panes[0];
        let find = pane.find()?;
        let mut by: Vec<(Who, u64)> = find.counts().collect();
        by.sort_by_key(|(who, count)| (std::cmp::Reverse(*count), *who));
        by.truncate(MOST_BY);
        let at = pane.hit().map(|hit| find.place(hit));
        Some(Found { total: find.total(), at, by, complete: !self.busy })
    }

    fn missing(&self) -> Vec<u32> {
        let heard: HashSet<u32> = self.book.heard().filter_map(|(who, _)| who.rank()).collect();
        let all = 0..self.ranks.filter(|_| !heard.is_empty()).unwrap_or(0);
        all.filter(|rank| !heard.contains(rank)).take(MOST_MISSING).collect()
    }

    fn writers(&self) -> Vec<Heard> {
        let heard = self.book.heard().map(|(who, last)| Heard {
            who,
            at: last.at.map(Nanos::secs),
            text: last.text.clone(),
            kind: last.kind,
            lines: last.lines,
            host: last.host.clone(),
        });
        heard.collect()
    }
}
