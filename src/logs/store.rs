//! The lines that are kept of a job's logs: in order of time, the newest up to a number of bytes.
//!
//! Owns the memory, in blocks of text that can be searched as a whole, and the numbers of lines: they go up with time,
//! and only a line that came late moves those after it. Must not clean, tag or choose lines.

use std::collections::VecDeque;

use super::{
    line::{Line, LineKind, LineRef, LineSpan, Nanos, SourceId},
    tag::Stream,
};

/// Bytes that logs may take when nobody says otherwise.
pub const DEFAULT_BYTES: usize = 64 << 20;
/// Text of a block, about; a longer line has one of its own.
const BLOCK: usize = 64 * 1024;
const NO_RANK: u32 = u32::MAX;

/// What is known of a line beside its text.
#[derive(Clone, Copy, Debug)]
struct Meta {
    at: i64,
    /// Where its text ends in the block; a line end follows.
    end: u32,
    /// Where its spans end.
    spans: u32,
    rank: u32,
    source: SourceId,
    tag: u16,
    stream: Option<Stream>,
    kind: LineKind,
    stamped: bool,
}

/// Some lines, one after the other.
#[derive(Debug, Default)]
pub struct Block {
    first: u64,
    text: String,
    lines: Vec<Meta>,
    spans: Vec<LineSpan>,
}

impl Block {
    /// Number of its first line.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number after its last line.
    pub fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// The text of all its lines, each with a line end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which of its lines has this byte.
    pub fn line_at(&self, byte: usize) -> usize {
        self.lines.partition_point(|meta| (meta.end as usize) < byte)
    }

    /// Bytes of its `nth` line.
    pub fn range(&self, nth: usize) -> std::ops::Range<usize> {
        let start =
            nth.checked_sub(1).and_then(|before| self.lines.get(before)).map_or(0, |meta| meta.end as usize + 1);
        start..self.lines.get(nth).map_or(start, |meta| meta.end as usize)
    }

    /// Its `nth` line.
    pub fn line(&self, nth: usize) -> Option<LineRef<'_>> {
        let meta = self.lines.get(nth)?;
        let spans = nth.checked_sub(1).map_or(0, |before| self.lines[before].spans as usize);
        Some(LineRef {
            at: meta.stamped.then_some(Nanos(meta.at)),
            text: &self.text[self.range(nth)],
            spans: &self.spans[spans..meta.spans as usize],
            source: meta.source,
            rank: (meta.rank != NO_RANK).then_some(meta.rank),
            stream: meta.stream,
            kind: meta.kind,
            tag: meta.tag,
        })
    }

    fn push(&mut self, line: LineRef<'_>, at: i64) {
        self.text.push_str(line.text);
        let end = self.text.len() as u32;
        self.text.push('\n');
        self.spans.extend_from_slice(line.spans);
        self.lines.push(Meta {
            at,
            end,
            spans: self.spans.len() as u32,
            rank: line.rank.unwrap_or(NO_RANK),
            source: line.source,
            tag: line.tag,
            stream: line.stream,
            kind: line.kind,
            stamped: line.at.is_some(),
        });
    }

    fn cost(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + self.lines.capacity() * size_of::<Meta>()
            + self.spans.capacity() * size_of::<LineSpan>()
    }

    /// Takes what comes from line `nth` on away.
    fn split_off(&mut self, nth: usize) -> Self {
        let (start, spans) = (self.range(nth).start, nth.checked_sub(1).map_or(0, |n| self.lines[n].spans));
        let mut rest = Self {
            first: self.first + nth as u64,
            text: self.text.split_off(start),
            lines: self.lines.split_off(nth),
            spans: self.spans.split_off(spans as usize),
        };
        for meta in &mut rest.lines {
            meta.end -= start as u32;
            meta.spans -= spans;
        }
        rest
    }
}

/// See the module.
#[derive(Debug)]
pub struct Store {
    blocks: VecDeque<Block>,
    /// Of all blocks but the last.
    closed: usize,
    max_bytes: usize,
    first: u64,
    last_at: i64,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(DEFAULT_BYTES)
    }
}

impl Store {
    /// Keeps about `max_bytes` at most, and at least the newest block.
    pub fn new(max_bytes: usize) -> Self {
        Self { blocks: VecDeque::new(), closed: 0, max_bytes, first: 0, last_at: i64::MIN }
    }

    /// Adds lines, each in the place that the time beside it gives it, after those of the same time. `moved` hears of
    /// lines that may have another number now, old and new. Gives the number from which on nothing is as before.
    pub fn add(&mut self, mut lines: Vec<(Nanos, Line)>, mut moved: impl FnMut(u64, u64)) -> u64 {
        lines.sort_by_key(|(at, _)| *at);
        let Some(oldest) = lines.first().map(|(at, _)| at.0) else { return self.end() };
        let point = if oldest >= self.last_at { self.end() } else { self.after(oldest) };
        let mut lines = lines.iter().peekable();
        for block in self.take_from(point) {
            for nth in 0..block.lines.len() {
                let (Some(old), Some(meta)) = (block.line(nth), block.lines.get(nth)) else { continue };
                while let Some((at, line)) = lines.next_if(|(at, _)| at.0 < meta.at) {
                    self.push(line.by_ref(), at.0);
                }
                moved(block.first + nth as u64, self.end());
                self.push(old, meta.at);
            }
        }
        for (at, line) in lines {
            self.push(line.by_ref(), at.0);
        }
        self.drop_oldest();
        point
    }

    fn push(&mut self, line: LineRef<'_>, at: i64) {
        let at = at.max(self.last_at);
        let is_full = |block: &Block| block.text.len() + line.text.len() >= BLOCK && !block.lines.is_empty();
        if self.blocks.back().is_none_or(is_full) {
            let first = self.end();
            if let Some(last) = self.blocks.back_mut() {
                last.text.shrink_to_fit();
                last.lines.shrink_to_fit();
                last.spans.shrink_to_fit();
                self.closed += last.cost();
            }
            self.blocks.push_back(Block { first, ..Block::default() });
        }
        if let Some(block) = self.blocks.back_mut() {
            block.push(line, at);
        }
        self.last_at = at;
    }

    /// The number of the first line later than this.
    fn after(&self, at: i64) -> u64 {
        let nth = self.blocks.partition_point(|block| block.lines.last().is_some_and(|meta| meta.at <= at));
        self.blocks
            .get(nth)
            .map_or_else(|| self.end(), |block| block.first + block.lines.partition_point(|meta| meta.at <= at) as u64)
    }

    fn take_from(&mut self, point: u64) -> Vec<Block> {
        let nth = self.blocks.partition_point(|block| block.end() <= point);
        let mut taken: Vec<Block> = self.blocks.drain(nth..).collect();
        if let Some(block) = taken.first_mut()
            && block.first < point
        {
            let rest = block.split_off((point - block.first) as usize);
            self.blocks.push_back(std::mem::replace(block, rest));
        }
        let but_last = self.blocks.len().saturating_sub(1);
        self.closed = self.blocks.iter().take(but_last).map(Block::cost).sum();
        self.last_at = self.blocks.back().and_then(|block| block.lines.last()).map_or(i64::MIN, |meta| meta.at);
        taken
    }

    fn drop_oldest(&mut self) {
        while self.blocks.len() > 1 && self.bytes() > self.max_bytes {
            if let Some(old) = self.blocks.pop_front() {
                self.closed -= old.cost();
                self.first = old.end();
            }
        }
    }

    /// Number of the oldest line kept.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number after the newest; also how many lines there were.
    pub fn end(&self) -> u64 {
        self.blocks.back().map_or(self.first, Block::end)
    }

    /// How many lines are kept.
    pub fn len(&self) -> u64 {
        self.end() - self.first
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the lines cost.
    pub fn bytes(&self) -> usize {
        self.closed + self.blocks.back().map_or(0, Block::cost)
    }

    /// What they may cost.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The block that has the line of this number, if it is kept.
    pub fn block(&self, number: u64) -> Option<&Block> {
        let nth = self.blocks.partition_point(|block| block.end() <= number);
        self.blocks.get(nth).filter(|block| block.first <= number)
    }

    /// The line of this number, if it is kept.
    pub fn get(&self, number: u64) -> Option<LineRef<'_>> {
        let block = self.block(number)?;
        block.line((number - block.first) as usize)
    }

    /// Lines from this number on (or from the oldest kept), with their numbers.
    pub fn from(&self, number: u64) -> impl Iterator<Item = (u64, LineRef<'_>)> {
        let number = number.max(self.first);
        let nth = self.blocks.partition_point(|block| block.end() <= number);
        self.blocks.range(nth.min(self.blocks.len())..).flat_map(move |block| {
            let skip = number.saturating_sub(block.first) as usize;
            (skip..block.lines.len()).filter_map(move |nth| Some((block.first + nth as u64, block.line(nth)?)))
        })
    }

    /// The number of the first line that is not earlier than this.
    pub fn at_or_after(&self, at: Nanos) -> u64 {
        self.after(at.0.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(at: i64, text: &str) -> (Nanos, Line) {
        (Nanos(at), Line { at: Some(Nanos(at)), ..Line::plain(text) })
    }

    fn all(store: &Store) -> Vec<(u64, i64, String)> {
        store.from(0).map(|(n, line)| (n, line.at.map_or(0, |at| at.0), line.text.to_owned())).collect()
    }

    #[test]
    fn late_lines_come_into_their_place_and_say_whom_they_move() {
        let mut store = Store::default();
        store.add(vec![line(1, "a"), line(3, "c"), line(3, "d"), line(9, "z")], |_, _| {});
        let mut moved = Vec::new();
        let point = store.add(vec![line(5, "e"), line(3, "late"), line(2, "b")], |old, new| moved.push((old, new)));
        let texts: Vec<String> = all(&store).into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(texts, ["a", "b", "c", "d", "late", "e", "z"]);
        assert_eq!((point, moved), (1, vec![(1, 2), (2, 3), (3, 6)]));
        assert_eq!(store.at_or_after(Nanos(3)), 2);
        assert_eq!(store.add(vec![line(9, "end")], |_, _| {}), 7);
    }

    #[test]
    fn the_oldest_go_and_numbers_stay() {
        let mut store = Store::new(300 << 10);
        for n in 0..40_000 {
            store.add(vec![line(n, &format!("a line of some length, number {n}"))], |_, _| {});
        }
        assert!(store.bytes() <= 300 << 10, "{}", store.bytes());
        assert_eq!((store.end(), store.first() > 30_000), (40_000, true));
        let kept = store.get(39_999).map(|line| line.text.to_owned());
        assert_eq!(kept.as_deref(), Some("a line of some length, number 39999"));
        assert!(
            store.get(store.first()).is_some() && store.get(store.first() - 1).is_none() && store.get(40_000).is_none()
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_when_it_is_in_order_and_complete(
            batches in proptest::collection::vec(proptest::collection::vec((0i64..60, 0usize..9_000), 0..12), 1..12),
        ) {
            let mut store = Store::new(64 << 20);
            let (mut expected, mut marked) = (Vec::new(), None);
            for batch in batches {
                let lines: Vec<_> = batch.iter().map(|(at, len)| line(*at, &"x".repeat(*len))).collect();
                expected.extend(batch.iter().map(|(at, len)| (*at, *len)));
                let mut moves = std::collections::HashMap::new();
                store.add(lines, |old, new| {
                    moves.insert(old, new);
                });
                marked = marked.map(|(n, what)| (moves.get(&n).copied().unwrap_or(n), what));
                // One line is watched through all that comes before it.
                marked = marked.or_else(|| store.get(0).map(|line| (0, (line.at, line.text.len()))));
                if let Some((n, what)) = marked {
                    prop_assert_eq!(store.get(n).map(|line| (line.at, line.text.len())), Some(what));
                }
            }
            expected.sort_by_key(|(at, _)| *at);
            let kept: Vec<(i64, usize)> = all(&store).into_iter().map(|(_, at, text)| (at, text.len())).collect();
            prop_assert_eq!(kept, expected);
            let numbers: Vec<u64> = all(&store).into_iter().map(|(n, _, _)| n).collect();
            prop_assert_eq!(numbers, (0..store.end()).collect::<Vec<_>>());
        }
    }
}
