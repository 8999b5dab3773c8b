//! A search through all lines that are kept: which have it, and how many of whom.
//!
//! Owns the hits. It goes through whole blocks of text, some at a time, so that a long search holds nobody up, and goes
//! on as lines come. Must not keep lines.

use std::collections::{BTreeMap, VecDeque};

use super::{
    line::LineKind,
    search::Query,
    store::{Block, Store},
    view::{Index, Who},
};

/// Hits of a search, in order.
#[derive(Debug)]
pub struct Find {
    query: Query,
    hits: VecDeque<(u64, Who)>,
    counts: BTreeMap<Who, u64>,
    next: u64,
}

impl Find {
    /// A search that has not begun.
    pub fn new(query: Query) -> Self {
        Self { query, hits: VecDeque::new(), counts: BTreeMap::new(), next: 0 }
    }

    /// What is searched for.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Searches up to `most` further blocks, as far as `index` has looked; whether it is complete. Only lines of the
    /// index count, and no notices of ours.
    pub fn step(&mut self, store: &Store, index: &Index, most: usize) -> bool {
        while let Some((_, who)) = self.hits.front().copied().filter(|(number, _)| *number < store.first()) {
            self.hits.pop_front();
            self.uncount(who);
        }
        self.next = self.next.max(store.first());
        let end = index.next().min(store.end());
        for _ in 0..most {
            let Some(block) = store.block(self.next).filter(|_| self.next < end) else { break };
            let upto = block.end().min(end);
            self.block(block, upto, index);
            self.next = upto;
        }
        self.next >= end
    }

    /// Searches a block, from the next line to look at up to line `upto`.
    fn block(&mut self, block: &Block, upto: u64, index: &Index) {
        let mut nth = (self.next - block.first()) as usize;
        let last = (upto - block.first()) as usize;
        while nth < last {
            let from = block.range(nth).start;
            let Some(found) = self.query.first_in(block.text(), from) else { return };
            nth = block.line_at(found.start);
            if nth >= last {
                return;
            }
            let range = block.range(nth);
            // What goes over the end of its line is no hit; the line may have another.
            let is_hit = found.end <= range.end || self.query.is_in(&block.text()[range]);
            if let Some(line) = block.line(nth).filter(|line| is_hit && line.kind != LineKind::Notice) {
                let number = block.first() + nth as u64;
                if index.has(number) {
                    let who = Who::wrote(line);
                    self.hits.push_back((number, who));
                    *self.counts.entry(who).or_default() += 1;
                }
            }
            nth += 1;
        }
    }

    fn uncount(&mut self, who: Who) {
        if let Some(count) = self.counts.get_mut(&who) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&who);
            }
        }
    }

    /// Lines from this number on are not what they were.
    pub fn rewind(&mut self, to: u64) {
        while let Some((_, who)) = self.hits.back().copied().filter(|(number, _)| *number >= to) {
            self.hits.pop_back();
            self.uncount(who);
        }
        self.next = self.next.min(to);
    }

    /// How many lines have it, so far.
    pub fn total(&self) -> u64 {
        self.hits.len() as u64
    }

    /// How many of whose lines have it.
    pub fn counts(&self) -> impl Iterator<Item = (Who, u64)> {
        self.counts.iter().map(|(who, count)| (*who, *count))
    }

    /// The next hit after this line (going `back`: before), else the one at the other end.
    pub fn hit(&self, from: u64, back: bool) -> Option<u64> {
        let found = if back {
            let nth = self.hits.partition_point(|(number, _)| *number < from);
            nth.checked_sub(1).and_then(|nth| self.hits.get(nth)).or(self.hits.back())
        } else {
            self.hits.get(self.hits.partition_point(|(number, _)| *number <= from)).or(self.hits.front())
        };
        found.map(|(number, _)| *number)
    }

    /// How many hits come before this line.
    pub fn place(&self, number: u64) -> u64 {
        self.hits.partition_point(|(hit, _)| *hit < number) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::{
        line::{Line, Nanos},
        view::View,
    };

    fn query(text: &str) -> Query {
        Query::parse(text).expect("a search").expect("not empty")
    }

    fn found(store: &Store, typed: &str) -> Vec<u64> {
        let mut index = Index::new(View::default());
        index.step(store, usize::MAX);
        let mut find = Find::new(query(typed));
        while !find.step(store, &index, 1) {}
        find.hits.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn hits_are_counted_by_writer_and_gone_through_in_a_circle() {
        let mut store = Store::default();
        let line = |n: i64| (Nanos(n), Line { rank: Some((n % 3) as u32), ..Line::plain(&format!("step {n} loss")) });
        store.add((0..30).map(line).collect(), |_, _| {});
        let mut index = Index::new(View::default());
        index.step(&store, 100);
        let mut find = Find::new(query("/step 1\\d/"));
        find.step(&store, &index, 100);
        assert_eq!(find.total(), 10);
        let counts: Vec<_> = find.counts().collect();
        assert_eq!(counts, [(Who::Rank(0), 3), (Who::Rank(1), 4), (Who::Rank(2), 3)]);
        assert_eq!((find.hit(0, false), find.hit(19, false), find.hit(10, true)), (Some(10), Some(10), Some(19)));
        assert_eq!((find.hit(12, true), find.place(12)), (Some(11), 2));
        find.rewind(15);
        assert_eq!((find.total(), find.counts().map(|(_, n)| n).sum::<u64>()), (5, 5));
        find.step(&store, &index, 100);
        assert_eq!(find.total(), 10);
    }

    proptest! {
        #[test]
        fn blocks_are_searched_as_if_line_by_line(
            lines in proptest::collection::vec("[ab ]{0,5}", 0..60),
            typed in proptest::sample::select(vec!["a", "/a\\s*b/", "/^b/", "/a$/", "/[^a]b/", "/a|b b/", "/b\\s/", "/^$/", "/a.b/"]),
        ) {
            let mut store = Store::default();
            store.add(lines.iter().zip(0..).map(|(text, n)| (Nanos(n), Line::plain(text))).collect(), |_, _| {});
            let query = query(typed);
            let expected: Vec<u64> = (0u64..).zip(&lines).filter(|(_, text)| query.is_in(text)).map(|(n, _)| n).collect();
            prop_assert_eq!(found(&store, typed), expected);
        }
    }
}
