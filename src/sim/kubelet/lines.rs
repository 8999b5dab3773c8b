//! When each line of a script is said: a table of repetitions, so that line *n* is found without making the others.
//!
//! Pure. Times are microseconds after the container's start.

use super::{
    behaviour::{Behaviour, Line, Speaker},
    journal::{Ending, Note},
    part::Part,
};

/// Ranks that are written out at most; a line of all ranks is repeated for each.
const MAX_RANKS: u64 = 64;
/// Between a line of all ranks by one and by the next.
const APART: u64 = 7_000;

/// All that a run says.
pub(super) struct Lines(pub(super) Vec<Said>);

/// One line of a script, said by one speaker.
pub(super) struct Said {
    /// The line.
    pub(super) line: Line,
    /// The rank that says it, if one does.
    pub(super) rank: Option<u64>,
    /// When first.
    pub(super) at: u64,
    /// Between repetitions.
    every: u64,
    times: u64,
    /// When its phase began.
    pub(super) origin: u64,
}

impl Lines {
    /// The lines of a run of which `note` is known. `ranks` are those of its cast: first and how many.
    pub(super) fn of(behaviour: &Behaviour, note: &Note, ranks: (u64, u64), speed: f64) -> Self {
        let us = |seconds: f64| (seconds / speed * 1e6).round().max(0.0) as u64;
        let wait_at = behaviour.wait.map_or(0.0, |wait| wait.at);
        let waited = note.waited.as_ref();
        let met = waited.filter(|w| w.ending == Ending::Met).map(|w| w.seconds);
        let mut all = Vec::new();
        for line in &behaviour.lines {
            let (base, end) = match line.part {
                Part::Before => (0.0, None),
                Part::During => (wait_at, waited.map(|w| w.seconds)),
                Part::After => match met {
                    Some(seconds) => (wait_at + seconds, None),
                    None => continue,
                },
            };
            let until = match (line.until, end) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            let every = if line.every > 0.0 { us(line.every).max(1) } else { 0 };
            let room = until.map(|until| us(until).saturating_sub(us(line.at)));
            let times = match (every, room) {
                _ if end.is_some_and(|end| end < line.at) => 0,
                (0, _) => 1,
                (_, None) => u64::MAX,
                (every, Some(room)) => room.div_ceil(every),
            };
            let speakers: Vec<Option<u64>> = match line.speaker {
                Speaker::Main => vec![None],
                Speaker::Rank(rank) => vec![Some(rank)],
                Speaker::Ranks => (0..ranks.1.min(MAX_RANKS)).map(|n| Some(ranks.0 + n)).collect(),
            };
            all.extend(speakers.into_iter().enumerate().map(|(n, rank)| Said {
                line: Line { steps: line.steps * speed, ..line.clone() },
                rank,
                at: us(base + line.at) + n as u64 * APART,
                every,
                times,
                origin: us(base + line.origin),
            }));
        }
        if let Some(Ending::InVain { words, .. }) = waited.map(|w| &w.ending) {
            let at = us(wait_at + waited.map_or(0.0, |w| w.seconds));
            all.extend(behaviour.words.get(*words).into_iter().flat_map(|text| text.lines()).map(|text| Said {
                line: last_words(text),
                rank: None,
                at,
                every: 0,
                times: 1,
                origin: at,
            }));
        }
        Self(all)
    }

    /// Lines said up to and including microsecond `us`.
    pub(super) fn count(&self, us: u64) -> u64 {
        self.0.iter().map(|said| said.count(us)).sum()
    }

    /// The microsecond at which line `number` is said.
    pub(super) fn moment(&self, number: u64) -> u64 {
        let (mut low, mut high) = (0, 1);
        while self.count(high) <= number && high < 1 << 52 {
            high *= 2;
        }
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.count(middle) > number { high = middle } else { low = middle + 1 }
        }
        low
    }

    /// Line `number`: the line, its repetition, and when it is said.
    pub(super) fn line(&self, number: u64) -> Option<(&Said, u64, u64)> {
        let us = self.moment(number);
        let mut left = number - if us == 0 { 0 } else { self.count(us - 1) };
        for said in &self.0 {
            let before = if us == 0 { 0 } else { said.count(us - 1) };
            let here = said.count(us) - before;
            if left < here {
                return Some((said, before + left, us));
            }
            left -= here;
        }
        None
    }

    /// When the first line after `us` (from the very start, if there is none yet) is said.
    pub(super) fn next(&self, us: Option<u64>) -> Option<u64> {
        match us {
            None => self.0.iter().filter(|said| said.times > 0).map(|said| said.at).min(),
            Some(us) => self.0.iter().filter_map(|said| said.next(us)).min(),
        }
    }

    /// The step that was kept last by microsecond `us`.
    pub(super) fn saved(&self, us: u64, first: u64) -> Option<u64> {
        let saves = self.0.iter().filter(|said| said.line.saves);
        saves.filter_map(|said| Some(said.step(said.count(us).checked_sub(1)?, first))).max()
    }
}

impl Said {
    fn count(&self, us: u64) -> u64 {
        if us < self.at || self.times == 0 {
            return 0;
        }
        (us - self.at).checked_div(self.every).map_or(1, |turns| (turns + 1).min(self.times))
    }

    fn next(&self, us: u64) -> Option<u64> {
        let n = self.count(us);
        (n < self.times).then(|| self.at + n * self.every)
    }

    /// Seconds after its phase's begin at which repetition `turn` is said.
    pub(super) fn phase_seconds(&self, turn: u64) -> f64 {
        (self.at + turn * self.every).saturating_sub(self.origin) as f64 / 1e6
    }

    /// The step of the last repetition, of a line that does not go on for ever.
    pub(super) fn last_step(&self, first: u64) -> Option<u64> {
        (self.times < u64::MAX).then(|| self.step(self.times.saturating_sub(1), first))
    }

    /// The training step at repetition `turn` of a run that began with step `first`.
    pub(super) fn step(&self, turn: u64, first: u64) -> u64 {
        first + (self.phase_seconds(turn) * self.line.steps).round() as u64
    }
}

fn last_words(text: &str) -> Line {
    Line {
        part: Part::After,
        at: 0.0,
        every: 0.0,
        until: None,
        speaker: Speaker::Main,
        err: false,
        text: text.to_owned(),
        half: false,
        saves: false,
        origin: 0.0,
        steps: 1.0,
    }
}
