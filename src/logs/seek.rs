//! Finding one line again by what is known of it: words, rank, time, who brought it.
//!
//! Owns what «the same line» means, for whoever read it elsewhere with other numbers. Must not keep lines.

use super::{
    line::{LineKind, LineRef, Nanos, SourceId},
    store::Store,
};

/// What is known of a line.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Words that it has.
    pub text: &'a str,
    /// The rank that wrote it, where that is known.
    pub rank: Option<u32>,
    /// When it was written, to the second.
    pub at: Option<Nanos>,
    /// Who may have brought it; nobody is anyone.
    pub sources: &'a [SourceId],
}

/// A second, to which times of known lines are cut.
const SECOND: i64 = 1_000_000_000;

impl Known<'_> {
    /// Whether it may be this line.
    fn is(&self, line: LineRef<'_>) -> bool {
        line.kind != LineKind::Notice
            && (self.sources.is_empty() || self.sources.contains(&line.source))
            && (self.rank.is_none() || line.rank.is_none() || line.rank == self.rank)
            && !self.text.is_empty()
            && line.text.contains(self.text)
    }

    /// Whether a line of this time comes after it for sure.
    pub fn is_before(&self, at: Nanos) -> bool {
        self.at.is_some_and(|own| at.0 >= own.0.saturating_add(SECOND))
    }

    /// The number of the line of its time. Costs little.
    pub fn of_its_time(&self, store: &Store) -> Option<u64> {
        let from = store.at_or_after(self.at?);
        let in_time = |line: LineRef<'_>| line.at.is_none_or(|at| !self.is_before(at));
        let mut lines = store.from(from).take_while(|(_, line)| in_time(*line));
        lines.find(|(_, line)| self.is(*line)).map(|(number, _)| number)
    }

    /// The number of the first line with its words. Blocks are searched as a whole: most of them don't have it.
    pub fn first(&self, store: &Store) -> Option<u64> {
        let mut next = store.first();
        while let Some(block) = store.block(next) {
            if block.text().contains(self.text) {
                let mut lines = store.from(block.first()).take_while(|(number, _)| *number < block.end());
                if let Some((number, _)) = lines.find(|(_, line)| self.is(*line)) {
                    return Some(number);
                }
            }
            next = block.end();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Line;

    fn store() -> Store {
        let line = |at: i64, source: u16, rank: Option<u32>, text: &str| {
            let at = Nanos(at * SECOND + 500);
            (at, Line { at: Some(at), source: SourceId(source), rank, ..Line::plain(text) })
        };
        let mut store = Store::default();
        let lines = vec![
            line(1, 0, Some(0), "[0] loss is NaN"),
            line(2, 0, Some(1), "[1] loss is NaN"),
            line(2, 1, None, "loss is NaN"),
            line(9, 0, Some(1), "[1] loss is NaN"),
        ];
        store.add(lines, |_, _| {});
        store
    }

    #[test]
    fn a_line_is_found_by_its_time_or_by_its_words() {
        let store = store();
        let known = Known { text: "loss is NaN", rank: None, at: None, sources: &[] };
        let at = |seconds: i64| Some(Nanos(seconds * SECOND));
        assert_eq!(Known { at: at(2), ..known }.of_its_time(&store), Some(1));
        assert_eq!(Known { at: at(9), ..known }.of_its_time(&store), Some(3));
        assert_eq!(Known { at: at(5), ..known }.of_its_time(&store), None, "no line of that time has it");
        assert_eq!(known.of_its_time(&store), None, "its time is not known");
        assert_eq!(known.first(&store), Some(0));
        assert_eq!(Known { rank: Some(1), ..known }.first(&store), Some(1));
        assert_eq!(Known { sources: &[SourceId(1)], ..known }.first(&store), Some(2));
        assert_eq!(Known { text: "inf", ..known }.first(&store), None);
        assert_eq!(Known { text: "", ..known }.first(&store), None, "nothing known is no line");
    }

    #[test]
    fn a_line_of_a_later_second_comes_after_it() {
        let known = Known { text: "x", rank: None, at: Some(Nanos(5 * SECOND)), sources: &[] };
        assert!(!known.is_before(Nanos(5 * SECOND + 999_999_999)) && known.is_before(Nanos(6 * SECOND)));
        assert!(!Known { at: None, ..known }.is_before(Nanos(i64::MAX)));
    }
}
