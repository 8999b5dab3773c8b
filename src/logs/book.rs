//! The logs of a job: lines of all its streams in one order, who wrote them, and who was heard of last.
//!
//! Owns what is done with a line between the stream and the screen: clean, tag, kind, place. Must not open streams or
//! read clocks; whoever owns it brings lines and time.

use std::collections::{BTreeMap, HashMap};

use super::{
    clean,
    kind::Kinds,
    line::{Line, LineKind, Nanos, SourceId},
    pane::Pane,
    store::Store,
    tag::Tag,
    view::Who,
};
use crate::jobs::Clean;

/// Characters of a last line that are kept.
const LAST: usize = 240;
/// Writers that are remembered.
const MOST_WRITERS: usize = 20_000;

/// What a writer said last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Last {
    /// When.
    pub at: Option<Nanos>,
    /// The beginning of the line, without its tag.
    pub text: Clean,
    /// Its kind.
    pub kind: LineKind,
    /// Lines so far.
    pub lines: u64,
    /// The host that the writer named.
    pub host: Option<Clean>,
}

/// What is known of a stream.
#[derive(Debug, Default)]
struct Source {
    /// The time of its last line: its lines keep their order whatever their times say.
    last: Option<Nanos>,
    /// A sure tag was seen: bare numbers in brackets are text.
    sure: bool,
    /// The rank of its node's first process, where lines tell ranks of their node only.
    base: Option<u32>,
}

/// See the module.
#[derive(Default)]
pub struct Book {
    store: Store,
    kinds: Kinds,
    sources: Vec<Source>,
    arrived: Vec<(Nanos, Line)>,
    heard: BTreeMap<Who, Last>,
    /// Ranks in the job, if known.
    ranks: Option<u32>,
    marks: Vec<u64>,
}

impl Book {
    /// Keeps about so many bytes at most.
    pub fn new(max_bytes: usize) -> Self {
        Self { store: Store::new(max_bytes), ..Self::default() }
    }

    /// The lines.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The job has so many ranks.
    pub fn set_ranks(&mut self, ranks: Option<u32>) {
        self.ranks = ranks;
    }

    /// A new stream; `base` is the first rank of its node, where that is known.
    pub fn source(&mut self, base: Option<u32>) -> SourceId {
        self.sources.push(Source { base, ..Source::default() });
        SourceId((self.sources.len() - 1) as u16)
    }

    /// Takes in a line of a stream and gives it, cleaned, with the host that its tag names. It is kept with the next
    /// [`Self::settle`].
    pub fn line(
        &mut self,
        source: SourceId,
        at: Option<Nanos>,
        bytes: &[u8],
        cut: bool,
    ) -> Option<(&Line, Option<Clean>)> {
        let mut line = clean::whole(bytes, cut);
        line.at = at;
        line.source = source;
        let from = self.sources.get_mut(usize::from(source.0))?;
        let tag = Tag::of(line.text.as_str(), self.ranks);
        if !(tag.weak && from.sure) {
            from.sure |= tag.len > 0 && !tag.weak;
            let of_node = tag.local.filter(|_| tag.len > 0).zip(from.base).map(|(local, base)| base + local);
            line.rank = tag.rank.or(of_node);
            line.stream = tag.stream;
            line.tag = u16::try_from(tag.len).unwrap_or(0);
        }
        let host = tag.host.map(Clean::new);
        line.kind = self.kinds.of(source, line.rank, line.by_ref().body());
        let key = at.max(from.last).unwrap_or_default();
        from.last = Some(key);
        if let Some((rank, host)) = line.rank.zip(host.as_ref())
            && let Some(last) = self.heard.get_mut(&Who::Rank(rank))
        {
            last.host.get_or_insert_with(|| host.clone());
        }
        self.arrived.push((key, line));
        self.arrived.last().map(|(_, line)| (line, host))
    }

    /// Puts a word of ours between the lines of a stream.
    pub fn notice(&mut self, source: SourceId, now: Nanos, words: &str) {
        let Some(from) = self.sources.get_mut(usize::from(source.0)) else { return };
        let key = from.last.max(Some(now)).unwrap_or(now);
        from.last = Some(key);
        let line = Line { at: Some(key), source, kind: LineKind::Notice, ..Line::plain(words) };
        self.arrived.push((key, line));
    }

    /// Whether lines wait to be kept.
    pub fn has_arrived(&self) -> usize {
        self.arrived.len()
    }

    /// Keeps what has arrived, each line in its place; whoever stands somewhere stays there.
    pub fn settle(&mut self, panes: &mut [Pane]) {
        if self.arrived.is_empty() {
            return;
        }
        self.hear();
        let before = self.store.end();
        let mut moves = HashMap::new();
        let anchored: Vec<u64> = panes.iter_mut().flat_map(|pane| pane.anchors().map(|n| *n)).collect();
        let (marks, arrived) = (&self.marks, std::mem::take(&mut self.arrived));
        let point = self.store.add(arrived, |old, new| {
            if anchored.contains(&old) || marks.contains(&old) {
                moves.insert(old, new);
            }
        });
        let put_right = |number: &mut u64| *number = moves.get(number).copied().unwrap_or(*number);
        self.marks.iter_mut().for_each(put_right);
        let first = self.store.first();
        self.marks.retain(|mark| *mark >= first);
        for pane in panes {
            if point < before {
                pane.rewind(point);
            }
            pane.anchors().for_each(|number| {
                put_right(number);
                *number = (*number).max(first);
            });
        }
    }

    fn hear(&mut self) {
        let mut newest: HashMap<Who, (usize, u64)> = HashMap::new();
        for (nth, (_, line)) in self.arrived.iter().enumerate().filter(|(_, (_, line))| line.kind != LineKind::Notice) {
            let (last, lines) = newest.entry(Who::wrote(line.by_ref())).or_default();
            (*last, *lines) = (nth, *lines + 1);
        }
        for (who, (nth, lines)) in newest {
            if self.heard.len() >= MOST_WRITERS && !self.heard.contains_key(&who) {
                continue;
            }
            let line = &self.arrived[nth].1;
            let last = self.heard.entry(who).or_default();
            last.lines += lines;
            if line.at >= last.at {
                let body = line.by_ref().body();
                last.text = Clean::new(body.get(..body.floor_char_boundary(LAST)).unwrap_or_default());
                (last.at, last.kind) = (line.at, line.kind);
            }
            if last.host.is_none() && line.rank.is_some() {
                last.host = Tag::of(line.text.as_str(), self.ranks).host.map(Clean::new);
            }
        }
    }

    /// Who was heard of, and what they said last.
    pub fn heard(&self) -> impl Iterator<Item = (Who, &Last)> {
        self.heard.iter().map(|(who, last)| (*who, last))
    }

    /// Marks a line, or takes its mark away.
    pub fn mark(&mut self, number: u64) {
        match self.marks.iter().position(|mark| *mark == number) {
            Some(at) => {
                self.marks.remove(at);
            }
            None => self.marks.push(number),
        }
    }

    /// Marks a line, if it is not.
    pub fn keep_mark(&mut self, number: u64) {
        if !self.is_marked(number) {
            self.marks.push(number);
        }
    }

    /// Whether a line is marked.
    pub fn is_marked(&self, number: u64) -> bool {
        self.marks.contains(&number)
    }

    /// The next mark after this line, else the first one.
    pub fn next_mark(&self, after: u64) -> Option<u64> {
        let later = self.marks.iter().filter(|mark| **mark > after).min();
        later.or(self.marks.iter().min()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::view::View;

    fn texts(book: &Book) -> Vec<String> {
        book.store().from(0).map(|(_, line)| line.text.to_owned()).collect()
    }

    #[test]
    fn streams_are_merged_by_time_and_each_keeps_its_order() {
        let mut book = Book::default();
        let (launcher, worker) = (book.source(None), book.source(None));
        let mut panes = [Pane::default()];
        for (source, at, text) in [(launcher, 10, "a"), (launcher, 30, "c"), (launcher, 25, "d: its clock went back")] {
            book.line(source, Some(Nanos(at)), text.as_bytes(), false);
        }
        book.settle(&mut panes);
        panes[0].go_to_time(book.store(), Nanos(30));
        book.line(worker, Some(Nanos(20)), b"b", false);
        book.notice(worker, Nanos(22), "cut");
        book.line(worker, None, b"no time", false);
        book.settle(&mut panes);
        assert_eq!(texts(&book), ["a", "b", "cut", "no time", "c", "d: its clock went back"]);
        assert_eq!(panes[0].top(book.store(), 1), 4, "whoever stood at c still does");
    }

    #[test]
    fn ranks_are_heard_of_with_their_last_words() {
        let mut book = Book::default();
        let source = book.source(None);
        for (at, text) in [
            (1, "[1,0]<stdout>:hello"),
            (2, "[1,3]<stderr>:gpu-7:1:2 [0] NCCL INFO x"),
            (3, "[1,0]<stdout>:step 2"),
            (4, "mpirun says"),
            (5, "[7] is text here"),
        ] {
            book.line(source, Some(Nanos(at)), text.as_bytes(), false);
        }
        book.settle(&mut []);
        let heard: Vec<_> = book.heard().map(|(who, last)| (who, last.text.to_string(), last.lines)).collect();
        assert_eq!(
            heard,
            [
                (Who::Rank(0), "step 2".to_owned(), 2),
                (Who::Rank(3), "gpu-7:1:2 [0] NCCL INFO x".to_owned(), 1),
                (Who::Source(source), "[7] is text here".to_owned(), 2),
            ]
        );
        assert_eq!(book.heard().nth(1).and_then(|(_, last)| last.host.clone()), Some(Clean::new("gpu-7")));
    }

    #[test]
    fn a_node_that_counts_its_own_ranks_is_told_where_they_begin() {
        let mut book = Book::default();
        let node = book.source(Some(8));
        book.line(node, Some(Nanos(1)), b"[default3]:x", false);
        book.settle(&mut []);
        assert_eq!(book.heard().next().map(|(who, _)| who), Some(Who::Rank(11)));
    }

    #[test]
    fn marks_and_panes_stay_at_their_lines_when_late_ones_come() {
        let mut book = Book::default();
        let (a, b) = (book.source(None), book.source(None));
        let mut panes = [Pane::default()];
        panes[0].show(View { without: crate::logs::Query::parse("none").ok().flatten(), ..View::default() });
        for n in 0..100 {
            book.line(a, Some(Nanos(n * 10)), format!("a{n}").as_bytes(), false);
        }
        book.settle(&mut panes);
        while !panes[0].step(book.store()) {}
        panes[0].go_to_time(book.store(), Nanos(500));
        book.mark(50);
        for n in 0..40 {
            book.line(b, Some(Nanos(n * 10 + 5)), format!("b{n}").as_bytes(), false);
        }
        book.settle(&mut panes);
        while !panes[0].step(book.store()) {}
        let number = panes[0].visible(book.store(), 1)[0];
        assert_eq!(book.store().get(number).map(|line| line.text.to_owned()).as_deref(), Some("a50"));
        assert!(book.is_marked(number) && book.next_mark(0) == Some(90), "{number}");
    }
}
