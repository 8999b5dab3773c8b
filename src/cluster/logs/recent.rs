//! What was delivered last, so that reading the same seconds again gives nothing twice.
//!
//! Owns what «the same line» is: its time to the nanosecond and its bytes, counted. Must not know streams.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use jiff::Timestamp;

use super::LogLine;

/// Seconds before the last line's own from which is read again: servers round the time that they are asked for.
const BEFORE: i64 = 1;
/// Lines that are remembered; of more in two seconds, older ones are told by their time alone.
const MOST: usize = 500_000;

/// The last lines delivered.
#[derive(Default)]
pub(super) struct Recent {
    last: Option<Timestamp>,
    /// Second and hash of each, in the order of delivery.
    lines: VecDeque<(i64, u64)>,
    /// What of `lines` a new stream may still repeat.
    repeated: HashMap<u64, u32>,
    /// The present stream repeated something, or has nothing to repeat.
    joined: bool,
}

impl Recent {
    /// From when on a new stream must read to miss nothing: a whole second.
    pub(super) fn resume(&self) -> Option<Timestamp> {
        let second = self.last?.as_second().saturating_sub(BEFORE);
        Timestamp::from_second(second).ok()
    }

    /// The last line's time.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// A new stream begins.
    pub(super) fn begin(&mut self) {
        self.repeated.clear();
        for (_, hash) in &self.lines {
            *self.repeated.entry(*hash).or_default() += 1;
        }
        self.joined = self.lines.is_empty();
    }

    /// Whether this line shows that the present stream does not go on where the last one ended: it is new, and nothing
    /// was repeated before it.
    pub(super) fn is_gap(&self, line: &LogLine) -> bool {
        !self.joined && line.at.is_some() && !self.repeated.contains_key(&hash(line))
    }

    /// From here on the present stream is known to go on, or is known not to.
    pub(super) fn join(&mut self) {
        self.joined = true;
    }

    /// Whether this line was not delivered yet.
    pub(super) fn is_new(&mut self, line: &LogLine) -> bool {
        let Some(at) = line.at else { return true };
        let hash = hash(line);
        if let Some(left) = self.repeated.get_mut(&hash)
            && *left > 0
        {
            *left -= 1;
            self.joined = true;
            return false;
        }
        if self.lines.len() >= MOST && self.last.is_some_and(|last| at <= last) && !self.repeated.is_empty() {
            return false;
        }
        self.last = self.last.max(Some(at));
        self.lines.push_back((at.as_second(), hash));
        let oldest = self.last.map_or(i64::MIN, |last| last.as_second() - BEFORE);
        while self.lines.len() > MOST || self.lines.front().is_some_and(|(second, _)| *second < oldest) {
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
