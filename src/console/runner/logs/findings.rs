//! The lines of the logs that are read, under the rules as they arrive.
//!
//! Owns a scan for each log and what of them was told. Which of them count, and for what, is decided by the fleet.

use std::sync::Arc;

use crate::{
    console::model::page::logs::{Past, Target},
    jobs::{
        Clean, Secs,
        causes::{Gist, LogLine, Quiet, Rules, Scan},
        fleet::Said,
    },
    logs::{Line, Nanos},
};

/// Logs that are looked at.
const MOST: usize = 64;

/// See the module.
pub(super) struct Findings {
    rules: Arc<Rules>,
    past: Past,
    stall: u32,
    logs: Vec<Log>,
    /// The log of each stream: one that is opened again goes on.
    of_stream: Vec<usize>,
}

struct Log {
    key: String,
    said: Said,
    lines: u32,
    /// Nothing more will come of it.
    over: bool,
    told: (Gist, Option<Quiet>),
    /// Something came since it was last asked what changed.
    news: bool,
}

impl Findings {
    /// `past` is how much of logs is read when they are opened; for `stall` seconds silence is nothing special.
    pub(super) fn new(rules: Arc<Rules>, past: Past, stall: u32) -> Self {
        Self { rules, past, stall, logs: Vec::new(), of_stream: Vec::new() }
    }

    /// A stream begins. Its number is the next one.
    pub(super) fn open(&mut self, target: &Target) {
        let key = target.key();
        let known = self.logs.iter().position(|log| log.key == key);
        self.of_stream.push(known.unwrap_or(self.logs.len()));
        if let Some(log) = known.and_then(|nth| self.logs.get_mut(nth)) {
            log.over = false;
        }
        if known.is_none() && self.logs.len() < MOST {
            let said = Said {
                pod: target.pod.clone(),
                container: target.container.clone(),
                previous: target.previous,
                whole: true,
                quiet: None,
                scan: Scan::default(),
            };
            self.logs.push(Log { key, said, lines: 0, over: false, told: <_>::default(), news: false });
        }
    }

    /// The next line of a stream.
    pub(super) fn feed(&mut self, stream: usize, line: &Line, host: Option<&Clean>) {
        let Some(log) = self.of_stream.get(stream).and_then(|nth| self.logs.get_mut(*nth)) else { return };
        log.lines = log.lines.saturating_add(1);
        // As many lines as were asked for: there may be more before them.
        let as_asked = self.past.tail().map_or(self.past.since().is_some(), |tail| log.lines >= tail);
        log.said.whole &= !as_asked;
        let (text, rank, host) = (line.by_ref().body(), line.rank, host.map(Clean::as_str));
        let seen = LogLine { text, rank, host, number: log.lines, at: line.at.map(Nanos::secs) };
        log.said.scan.feed(&self.rules, &seen);
        log.said.quiet = None;
        log.news = true;
    }

    /// A stream has ended: its silence says nothing.
    pub(super) fn close(&mut self, stream: usize) {
        if let Some(log) = self.of_stream.get(stream).and_then(|nth| self.logs.get_mut(*nth)) {
            (log.over, log.said.quiet, log.news) = (true, None, true);
        }
    }

    /// When a log will have been silent for too long, if nothing comes.
    pub(super) fn patience(&self) -> Option<Secs> {
        let waits = self.logs.iter().filter(|log| !log.over && !log.said.previous && log.said.quiet.is_none());
        waits.filter_map(|log| log.said.scan.patience(self.stall)).min()
    }

    /// It is so late: who is silent for too long?
    pub(super) fn hush(&mut self, now: Secs) {
        for log in self.logs.iter_mut().filter(|log| !log.over && !log.said.previous) {
            if log.said.quiet.is_none() && log.said.scan.patience(self.stall).is_some_and(|until| until <= now) {
                (log.said.quiet, log.news) = (log.said.scan.quiet(), true);
            }
        }
    }

    /// Whether it is worth asking what changed.
    pub(super) fn is_due(&self) -> bool {
        self.logs.iter().any(|log| log.news)
    }

    /// All that was found, if it means something else than what was told last.
    pub(super) fn changed(&mut self) -> Option<Vec<Said>> {
        let mut differs = false;
        for log in self.logs.iter_mut().filter(|log| log.news) {
            log.news = false;
            let says = (log.said.scan.gist(&self.rules), log.said.quiet.clone());
            differs |= says != log.told;
            log.told = says;
        }
        let found = || self.logs.iter().filter(|log| log.told != <_>::default()).map(|log| log.said.clone());
        differs.then(|| found().collect())
    }
}
