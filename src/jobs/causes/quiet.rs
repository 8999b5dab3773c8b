//! A log that has fallen silent: how long that is nothing special, and whose ranks did so first.
//!
//! Owns no clock: whoever reads the log says when it has waited for long enough.

use super::scan::Scan;
use crate::jobs::time::Secs;

/// Lines of progress without which silence says nothing: a program that says little may be at work.
const LEAST: u32 = 5;
/// So many times its longest pause so far a log may pause.
const TIMES: u32 = 3;
/// Seconds by which a rank fell silent before the last one, to be named.
const BEFORE: u32 = 20;
/// Ranks that are named.
const MOST: usize = 4;

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// When the last line was written.
    pub since: Secs,
    /// Its number.
    pub line: u32,
    /// Ranks that fell silent before the others, the first one first.
    pub first: Vec<u32>,
}

impl Scan {
    /// Until when it may say nothing if `least` seconds are nothing special: longer, if it has paused before. `None`: it
    /// does not train, or has ended.
    pub fn patience(&self, least: u32) -> Option<Secs> {
        let (last, longest) = self.pauses();
        let trains = self.progress() >= LEAST && !self.has_ended();
        last.filter(|_| trains).map(|at| at.plus(least.max(longest.saturating_mul(TIMES))))
    }

    /// Its silence, if it is one.
    pub fn quiet(&self) -> Option<Quiet> {
        let since = self.pauses().0?;
        // Who never told of progress may well be silent.
        let mut told: Vec<(Secs, u32)> = self.last_progress(LEAST).collect();
        told.sort_unstable();
        let newest = told.last().map_or(since, |(at, _)| *at);
        let early = told.iter().take_while(|(at, _)| at.plus(BEFORE) <= newest);
        let early: Vec<u32> = early.map(|(_, rank)| *rank).collect();
        // Where most of them are early, it is the others that say more.
        let first = if early.len() * 2 <= told.len() { early } else { Vec::new() };
        Some(Quiet { since, line: self.lines(), first: first.into_iter().take(MOST).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::causes::{LogLine, Rules};

    /// A log of four ranks that tell of a step every ten seconds; `until` is each one's last second.
    fn scan(until: [u32; 4]) -> Scan {
        let (rules, mut scan, mut number) = (Rules::builtin(), Scan::default(), 0);
        for at in (0..600).step_by(10) {
            for (rank, _) in (0..).zip(until).filter(|(_, until)| at <= *until) {
                number += 1;
                let text = format!("step {at} loss 0.5 12 images/sec");
                let line = LogLine { text: &text, rank: Some(rank), number, at: Some(Secs(at)), ..LogLine::default() };
                scan.feed(&rules, &line);
            }
        }
        scan
    }

    #[test]
    fn ranks_that_fell_silent_first_are_named() {
        let quiet = scan([590, 300, 590, 590]).quiet().expect("a silence");
        assert_eq!((quiet.since, quiet.first), (Secs(590), vec![1]));
        assert_eq!(scan([590; 4]).quiet().map(|quiet| quiet.first), Some(vec![]), "all at once");
        let first = scan([590, 10, 10, 10]).quiet().map(|quiet| quiet.first);
        assert_eq!(first, Some(vec![]), "only one rank tells of every step");
    }

    #[test]
    fn a_log_that_has_paused_before_has_more_time_and_one_that_has_ended_all_of_it() {
        let mut scan = scan([590; 4]);
        assert_eq!(scan.patience(60), Some(Secs(650)));
        let rules = Rules::builtin();
        let mut say = |at: u32, text: &str| {
            scan.feed(&rules, &LogLine { text, number: 1_000, at: Some(Secs(at)), ..LogLine::default() });
            scan.patience(60)
        };
        assert_eq!(say(690, "evaluation done"), Some(Secs(990)), "it has been silent for 100 s before");
        assert_eq!(say(700, "Training finished"), None);
        assert_eq!(Scan::default().patience(60), None, "who never trained is not silent");
    }
}
