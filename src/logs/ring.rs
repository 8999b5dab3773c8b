//! The lines that are kept of one log: the newest, up to a number of bytes.
//!
//! Owns the numbering: a line keeps its number for ever, also when older ones have been dropped. Must not clean lines.

use std::collections::VecDeque;

use super::line::Line;

/// Bytes a log may take when nobody says otherwise.
pub const DEFAULT_BYTES: usize = 64 << 20;

/// A queue of lines that never costs more than its bound.
#[derive(Debug)]
pub struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
    max_bytes: usize,
    first: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES)
    }
}

impl Ring {
    /// Keeps at most `max_bytes` (by [`Line::cost`]), and at least the newest line.
    pub fn new(max_bytes: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, max_bytes, first: 0 }
    }

    /// Adds a line, dropping the oldest while there is no room.
    pub fn push(&mut self, line: Line) {
        self.bytes += line.cost();
        self.lines.push_back(line);
        while self.bytes > self.max_bytes && self.lines.len() > 1 {
            if let Some(old) = self.lines.pop_front() {
                self.bytes -= old.cost();
                self.first += 1;
            }
        }
    }

    /// Forgets all lines; numbers go on.
    pub fn clear(&mut self) {
        self.first = self.end();
        self.lines.clear();
        self.bytes = 0;
    }

    /// Number of the oldest line kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number after the newest.
    pub fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// Lines that were dropped for room.
    pub fn dropped(&self) -> u64 {
        self.first
    }

    /// How many lines are kept.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What the lines cost.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bound.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The line of this number, if it is kept.
    pub fn get(&self, number: u64) -> Option<&Line> {
        self.lines.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Lines from this number on (or from the oldest kept), with their numbers.
    pub fn from(&self, number: u64) -> impl DoubleEndedIterator<Item = (u64, &Line)> {
        let skip = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.lines.len());
        let start = self.first + skip as u64;
        self.lines.range(skip..).enumerate().map(move |(i, line)| (start + i as u64, line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_stay_when_old_lines_go() {
        let cost = Line::plain("0").cost();
        let mut ring = Ring::new(3 * cost);
        (0..5).for_each(|n| ring.push(Line::plain(&n.to_string())));
        assert_eq!((ring.first(), ring.end(), ring.dropped(), ring.len()), (2, 5, 2, 3));
        assert_eq!(ring.get(4).map(|l| l.text.as_str()), Some("4"));
        assert_eq!(ring.get(1), None);
        let from: Vec<u64> = ring.from(0).map(|(n, _)| n).collect();
        assert_eq!(from, [2, 3, 4]);
        ring.clear();
        assert_eq!((ring.first(), ring.end(), ring.bytes()), (5, 5, 0));
    }

    proptest! {
        #[test]
        fn never_over_its_bound(sizes in proptest::collection::vec(0usize..400, 1..200), max in 500usize..4000) {
            let mut ring = Ring::new(max);
            for size in sizes {
                ring.push(Line::plain(&"x".repeat(size)));
                prop_assert!(ring.bytes() <= max);
                prop_assert_eq!(ring.bytes(), ring.from(0).map(|(_, line)| line.cost()).sum::<usize>());
            }
        }
    }
}
