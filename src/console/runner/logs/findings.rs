//! The lines of the logs that are read, under the rules as they arrive.
//!
//! Owns a scan for each log and what of them was told. Which of them count, and for what, is decided by the fleet.

use std::sync::Arc;

use crate::{
    console::model::page::logs::{Past, Target},
    jobs::{
        Clean,
        causes::{Gist, LogLine, Rules, Scan},
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
    logs: Vec<Log>,
    /// The log of each stream: one that is opened again goes on.
    of_stream: Vec<usize>,
}

struct Log {
    key: String,
    said: Said,
    lines: u32,
    told: Gist,
    /// Lines came since it was last asked what changed.
    news: bool,
}

impl Findings {
    /// `past` is how much of logs is read when they are opened.
    pub(super) fn new(rules: Arc<Rules>, past: Past) -> Self {
        Self { rules, past, logs: Vec::new(), of_stream: Vec::new() }
    }

    /// A stream begins. Its number is the next one.
    pub(super) fn open(&mut self, target: &Target) {
        let key = target.key();
        let known = self.logs.iter().position(|log| log.key == key);
        self.of_stream.push(known.unwrap_or(self.logs.len()));
        if known.is_none() && self.logs.len() < MOST {
            let said = Said {
                pod: target.pod.clone(),
                container: target.container.clone(),
                previous: target.previous,
                whole: true,
                scan: Scan::default(),
            };
            self.logs.push(Log { key, said, lines: 0, told: Gist::default(), news: false });
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
        log.news = true;
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
            let gist = log.said.scan.gist(&self.rules);
            differs |= gist != log.told;
            log.told = gist;
        }
        let found = || self.logs.iter().filter(|log| log.told != Gist::default()).map(|log| log.said.clone());
        differs.then(|| found().collect())
    }
}
