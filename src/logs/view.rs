//! Which lines are looked at: of some writers, of a stream, of a level, with a text and without another.
//!
//! Owns the choice and, for a choice that leaves lines out, the numbers of those that stay. It is made in steps, so that
//! nobody waits for a long log. Must not keep lines.

use std::collections::VecDeque;

use super::{
    line::{LineRef, SourceId},
    search::Query,
    store::Store,
    tag::Stream,
};

/// A writer: a rank where lines say it, else what the line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// A rank of the job.
    Rank(u32),
    /// A stream without ranks.
    Source(SourceId),
}

impl Who {
    /// The rank, if it is one.
    pub const fn rank(self) -> Option<u32> {
        match self {
            Self::Rank(rank) => Some(rank),
            Self::Source(_) => None,
        }
    }

    /// Who wrote this line.
    pub fn wrote(line: LineRef<'_>) -> Self {
        line.rank.map_or(Self::Source(line.source), Self::Rank)
    }
}

/// Which lines are looked at. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Only of these ranks, or (beside them) of these sources; all if both are empty.
    pub ranks: Vec<u32>,
    /// See `ranks`.
    pub sources: Vec<SourceId>,
    /// Only what a rank wrote to this.
    pub stream: Option<Stream>,
    /// Only warnings, errors and notices.
    pub trouble: bool,
    /// Without the inner lines of tracebacks and banners.
    pub fold: bool,
    /// Only lines with this, and so many lines before and after each.
    pub with: Option<(Query, usize)>,
    /// Without lines that have this.
    pub without: Option<Query>,
}

impl View {
    /// Whether it is all lines.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this line is of the choice, apart from the text that is wanted.
    pub fn admits(&self, line: LineRef<'_>) -> bool {
        let of_all = self.ranks.is_empty() && self.sources.is_empty();
        let is_theirs =
            || line.rank.is_some_and(|rank| self.ranks.contains(&rank)) || self.sources.contains(&line.source);
        // Standard error of a rank includes what its MPI library says there.
        let is_stream =
            |wanted: Stream| line.stream.is_none_or(|stream| (stream == Stream::Out) == (wanted == Stream::Out));
        (of_all || is_theirs())
            && self.stream.is_none_or(is_stream)
            && (!self.trouble || line.kind.is_trouble())
            && !(self.fold && line.kind.folds())
            && !self.without.as_ref().is_some_and(|query| query.is_in(line.text))
    }
}

/// The lines of a view, by number.
#[derive(Debug, Default)]
pub struct Index {
    view: View,
    numbers: VecDeque<u64>,
    /// The next line to look at.
    next: u64,
    /// Admitted lines before `next` that may become context.
    before: VecDeque<u64>,
    /// Admitted lines after a hit that are still context.
    after: usize,
}

impl Index {
    /// An index that nothing was looked at for.
    pub fn new(view: View) -> Self {
        Self { view, ..Self::default() }
    }

    /// What it is an index of.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Looks at up to `most` further lines; whether it is complete.
    pub fn step(&mut self, store: &Store, most: usize) -> bool {
        while self.numbers.front().is_some_and(|n| *n < store.first()) {
            self.numbers.pop_front();
        }
        if self.view.is_all() {
            self.next = store.end();
            return true;
        }
        self.next = self.next.max(store.first());
        let upto = store.end().min(self.next.saturating_add(most as u64));
        for (number, line) in store.from(self.next).take((upto - self.next) as usize) {
            self.look(number, line);
        }
        self.next = upto;
        upto == store.end()
    }

    fn look(&mut self, number: u64, line: LineRef<'_>) {
        if !self.view.admits(line) {
            return;
        }
        let Some((query, context)) = &self.view.with else {
            self.numbers.push_back(number);
            return;
        };
        if query.is_in(line.text) {
            self.numbers.extend(self.before.drain(..));
            self.numbers.push_back(number);
            self.after = *context;
        } else if self.after > 0 {
            self.numbers.push_back(number);
            self.after -= 1;
        } else if *context > 0 {
            if self.before.len() >= *context {
                self.before.pop_front();
            }
            self.before.push_back(number);
        }
    }

    /// Lines from this number on are not what they were.
    pub fn rewind(&mut self, to: u64) {
        if self.next <= to {
            return;
        }
        let keep = self.numbers.partition_point(|n| *n < to);
        self.numbers.truncate(keep);
        self.before.retain(|n| *n < to);
        (self.next, self.after) = (to, 0);
    }

    /// How far it has looked.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many lines there are.
    pub fn len(&self, store: &Store) -> u64 {
        if self.view.is_all() { store.len() } else { self.numbers.len() as u64 }
    }

    /// How many of them come before this number.
    pub fn place(&self, store: &Store, number: u64) -> u64 {
        if self.view.is_all() {
            number.clamp(store.first(), store.end()) - store.first()
        } else {
            self.numbers.partition_point(|n| *n < number) as u64
        }
    }

    /// The number of the line in this place.
    pub fn at(&self, store: &Store, place: u64) -> Option<u64> {
        if self.view.is_all() {
            let number = store.first() + place;
            (number < store.end()).then_some(number)
        } else {
            self.numbers.get(usize::try_from(place).ok()?).copied()
        }
    }

    /// Whether this line is one of them, as far as was looked.
    pub fn has(&self, number: u64) -> bool {
        self.view.is_all() || self.numbers.binary_search(&number).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::line::{Line, LineKind, Nanos};

    fn store(lines: &[(Option<u32>, &str, LineKind)]) -> Store {
        let mut store = Store::default();
        let lines = lines
            .iter()
            .zip(0..)
            .map(|((rank, text, kind), n)| (Nanos(n), Line { rank: *rank, kind: *kind, ..Line::plain(text) }));
        store.add(lines.collect(), |_, _| {});
        store
    }

    fn seen(store: &Store, view: View) -> Vec<u64> {
        let mut index = Index::new(view);
        // One at a time is as good as all at once.
        while !index.step(store, 1) {}
        (0..index.len(store)).filter_map(|place| index.at(store, place)).collect()
    }

    fn query(text: &str) -> Query {
        Query::parse(text).expect("a search").expect("not empty")
    }

    #[test]
    fn views_leave_out_what_they_are_not_of() {
        use LineKind::{Error, Text, Trace};
        let store = store(&[
            (Some(0), "start", Text),
            (Some(1), "start", Text),
            (None, "mpirun", Text),
            (Some(1), "Traceback", Trace),
            (Some(1), "ValueError: x", Error),
        ]);
        let of = |view: View| seen(&store, view);
        assert_eq!(of(View::default()), [0, 1, 2, 3, 4]);
        assert_eq!(of(View { ranks: vec![1], ..View::default() }), [1, 3, 4]);
        assert_eq!(of(View { ranks: vec![1], fold: true, ..View::default() }), [1, 4]);
        assert_eq!(of(View { trouble: true, ..View::default() }), [4]);
        assert_eq!(of(View { without: Some(query("start")), ..View::default() }), [2, 3, 4]);
        assert_eq!(of(View { sources: vec![SourceId(0)], ranks: vec![7], ..View::default() }), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_text_that_is_wanted_brings_its_context_once() {
        let lines: Vec<_> =
            ["a", "b", "hit", "c", "hit", "d", "e", "f", "hit"].map(|t| (None, t, LineKind::Text)).into();
        let store = store(&lines);
        let with = |n| View { with: Some((query("hit"), n)), ..View::default() };
        assert_eq!(seen(&store, with(0)), [2, 4, 8]);
        assert_eq!(seen(&store, with(1)), [1, 2, 3, 4, 5, 7, 8]);
        let mut index = Index::new(with(0));
        index.step(&store, 100);
        index.rewind(4);
        assert_eq!((index.len(&store), index.next()), (1, 4));
        index.step(&store, 100);
        assert_eq!((index.len(&store), index.place(&store, 5), index.has(8), index.has(7)), (3, 2, true, false));
    }
}
