//! Logs that a page reads, heard along by whoever keeps them: one stream, two readers.
//!
//! Owns who listens to which log. A listener that falls behind is let go, and reads on by itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::mpsc;

use crate::{
    cluster::logs::{LogLine, LogPiece, NoticeKind},
    jobs::{Name, Sym},
};

/// Pieces that a listener may be behind.
const BEHIND: usize = 64;

/// Which log: the present run of a container, and those after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Of {
    pub(super) namespace: Name,
    pub(super) pod: Name,
    pub(super) container: Sym,
}

/// What is heard of a log. Each time it is opened is a reading of its own: it goes on without a gap until it is over.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) reading: u64,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// The next lines.
    Lines(Vec<LogLine>),
    /// So many lines were left out.
    Skipped(u64),
    /// Nothing more is heard of this reading.
    Over,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Taps(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    readings: u64,
    listeners: HashMap<Of, Vec<mpsc::Sender<Heard>>>,
}

impl Taps {
    /// Hears what is read of a log from now on. The channel ends when that came faster than it was taken.
    pub(super) fn listen(&self, of: Of) -> mpsc::Receiver<Heard> {
        let (heard, listener) = mpsc::channel(BEHIND);
        self.with(|state| {
            state.listeners.retain(|_, all| {
                all.retain(|other| !other.is_closed());
                !all.is_empty()
            });
            state.listeners.entry(of).or_default().push(heard);
        });
        listener
    }

    /// A log is being read.
    pub(super) fn reading(&self, of: Of) -> Tap {
        let number = self.with(|state| {
            state.readings += 1;
            state.readings
        });
        Tap { taps: self.clone(), of, number }
    }

    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One reading. It is over when this is dropped.
#[derive(Debug)]
pub(super) struct Tap {
    taps: Taps,
    of: Of,
    number: u64,
}

impl Tap {
    /// Lets everybody who listens have a piece.
    pub(super) fn pass(&self, piece: &LogPiece) {
        match piece {
            LogPiece::Lines(lines) => self.tell(|| What::Lines(lines.clone())),
            LogPiece::Notice(notice) => {
                if let NoticeKind::Skipped(lines) = notice.kind {
                    self.tell(|| What::Skipped(lines));
                }
            }
            LogPiece::End(_) => self.tell(|| What::Over),
        }
    }

    fn tell(&self, what: impl Fn() -> What) {
        self.taps.with(|state| {
            let Some(listeners) = state.listeners.get_mut(&self.of) else { return };
            // Who left, or is behind, hears no more.
            listeners.retain(|listener| listener.try_send(Heard { reading: self.number, what: what() }).is_ok());
            if listeners.is_empty() {
                state.listeners.remove(&self.of);
            }
        });
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.tell(|| What::Over);
    }
}

/// The part of a reading that was heard so far, until it can take the place of another one.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    reading: u64,
    held: Vec<What>,
}

impl Overlap {
    /// Pieces that are held; a reading that is ahead by more begins anew.
    const MOST: usize = 4 * BEHIND;

    /// Something was heard.
    pub(super) fn hear(&mut self, heard: Heard) {
        if self.reading != heard.reading || self.held.len() >= Self::MOST {
            (self.reading, self.held) = (heard.reading, Vec::new());
        }
        match heard.what {
            What::Over => self.held.clear(),
            // What was left out before its first line is no part of it.
            What::Skipped(_) if self.held.is_empty() => {}
            what => self.held.push(what),
        }
    }

    /// The reading, once it begins before this line, which another one has reached: then nothing is between them.
    pub(super) fn joins(&mut self, reached: Option<jiff::Timestamp>) -> Option<(u64, Vec<What>)> {
        let first = self.held.iter().find_map(|what| match what {
            What::Lines(lines) => lines.iter().find_map(|line| line.at),
            _ => None,
        });
        // All lines of one moment come in one of the two, whole.
        (first? < reached?).then(|| (self.reading, std::mem::take(&mut self.held)))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;

    fn of(pod: &str) -> Of {
        Of { namespace: Name::lossy("v"), pod: Name::lossy(pod), container: Sym::new("main") }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn lines(seconds: &[i64]) -> LogPiece {
        let line = |second: &i64| LogLine { at: Some(at(*second)), bytes: Bytes::from_static(b"x"), cut: false };
        LogPiece::Lines(seconds.iter().map(line).collect())
    }

    /// Readings, and the seconds of their lines; none: over.
    fn heard(listener: &mut mpsc::Receiver<Heard>) -> Vec<(u64, Vec<i64>)> {
        let seconds = |what: What| match what {
            What::Lines(lines) => lines.iter().filter_map(|line| line.at).map(Timestamp::as_second).collect(),
            What::Skipped(lines) => vec![-(lines as i64)],
            What::Over => Vec::new(),
        };
        std::iter::from_fn(|| listener.try_recv().ok()).map(|heard| (heard.reading, seconds(heard.what))).collect()
    }

    #[test]
    fn who_listens_hears_every_reading_of_that_log_and_no_other() {
        let taps = Taps::default();
        let mut listener = taps.listen(of("a"));
        let (first, other) = (taps.reading(of("a")), taps.reading(of("b")));
        first.pass(&lines(&[1, 2]));
        other.pass(&lines(&[7]));
        drop(first);
        taps.reading(of("a")).pass(&LogPiece::End(None));
        assert_eq!(heard(&mut listener), [(1, vec![1, 2]), (1, vec![]), (3, vec![]), (3, vec![])]);
    }

    #[test]
    fn who_is_behind_is_let_go_and_nobody_waits_for_him() {
        let taps = Taps::default();
        let (mut slow, tap) = (taps.listen(of("a")), taps.reading(of("a")));
        (0..2 * BEHIND as i64).for_each(|second| tap.pass(&lines(&[second])));
        assert_eq!(heard(&mut slow).len(), BEHIND);
        assert!(slow.is_closed(), "he can tell that he missed something");
        assert!(taps.0.lock().expect("not poisoned").listeners.is_empty());
    }

    #[test]
    fn a_reading_joins_only_where_nothing_is_between() {
        let taps = Taps::default();
        let (mut listener, mut overlap) = (taps.listen(of("a")), Overlap::default());
        let tap = taps.reading(of("a"));
        tap.pass(&lines(&[5, 6]));
        overlap.hear(listener.try_recv().expect("heard"));
        assert!(overlap.joins(None).is_none() && overlap.joins(Some(at(4))).is_none());
        assert!(overlap.joins(Some(at(5))).is_none(), "there may be more lines of this moment");
        drop(tap);
        overlap.hear(listener.try_recv().expect("heard"));
        assert!(overlap.joins(Some(at(9))).is_none(), "what is over takes nobody's place");
        let again = taps.reading(of("a"));
        again.pass(&lines(&[7]));
        again.pass(&lines(&[8]));
        (0..2).for_each(|_| overlap.hear(listener.try_recv().expect("heard")));
        let (reading, held) = overlap.joins(Some(at(8))).expect("it joins");
        assert_eq!((reading, held.len()), (2, 2));
    }
}
