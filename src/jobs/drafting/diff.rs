//! Two texts, line by line.

use std::ops::Range;

/// Lines beyond which a difference is told as a whole.
const MOST: usize = 2000;

/// On which side a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In both.
    Both,
    /// Only in the old text.
    Old,
    /// Only in the new text.
    New,
}

/// A line of either text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// Where it stands.
    pub side: Side,
    /// Its number in the old text, from 1, if it is there.
    pub old: Option<u32>,
    /// Its number in the new text, from 1, if it is there.
    pub new: Option<u32>,
    /// The line.
    pub text: String,
}

/// The lines that differ, with up to `context` equal ones around them. A jump in the numbers is where lines were left
/// out.
pub fn diff(old: &str, new: &str, context: usize) -> Vec<DiffLine> {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let lines = whole(&a, &b);
    let changed: Vec<usize> = lines.iter().enumerate().filter(|(_, l)| l.side != Side::Both).map(|(i, _)| i).collect();
    let near = |i: usize| {
        let at = changed.partition_point(|c| *c < i);
        let before = at.checked_sub(1).and_then(|k| changed.get(k)).is_some_and(|c| i - c <= context);
        before || changed.get(at).is_some_and(|c| c - i <= context)
    };
    lines.into_iter().enumerate().filter(|(i, _)| near(*i)).map(|(_, line)| line).collect()
}

fn whole(a: &[&str], b: &[&str]) -> Vec<DiffLine> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (mid_a, mid_b) = (head..a.len() - tail, head..b.len() - tail);
    let mut out = Out { a, b, lines: Vec::new() };
    (0..head).for_each(|i| out.both(i, i));
    middle(&mut out, mid_a.clone(), mid_b.clone());
    (0..tail).for_each(|i| out.both(mid_a.end + i, mid_b.end + i));
    out.lines
}

/// The longest common subsequence of what is left between equal beginnings and ends.
fn middle(out: &mut Out<'_>, olds: Range<usize>, news: Range<usize>) {
    let (rows, columns) = (olds.len(), news.len());
    if rows > MOST || columns > MOST {
        olds.for_each(|i| out.only_old(i));
        news.for_each(|j| out.only_new(j));
        return;
    }
    let at = |i: usize, j: usize| i * (columns + 1) + j;
    let mut longest = vec![0u16; (rows + 1) * (columns + 1)];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            longest[at(i, j)] = if out.a[olds.start + i] == out.b[news.start + j] {
                longest[at(i + 1, j + 1)] + 1
            } else {
                longest[at(i + 1, j)].max(longest[at(i, j + 1)])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < rows || j < columns {
        if i < rows && j < columns && out.a[olds.start + i] == out.b[news.start + j] {
            out.both(olds.start + i, news.start + j);
            (i, j) = (i + 1, j + 1);
        } else if j == columns || i < rows && longest[at(i + 1, j)] >= longest[at(i, j + 1)] {
            out.only_old(olds.start + i);
            i += 1;
        } else {
            out.only_new(news.start + j);
            j += 1;
        }
    }
}

struct Out<'a> {
    a: &'a [&'a str],
    b: &'a [&'a str],
    lines: Vec<DiffLine>,
}

impl Out<'_> {
    fn both(&mut self, i: usize, j: usize) {
        self.push(Side::Both, Some(i), Some(j), self.a[i]);
    }

    fn only_old(&mut self, i: usize) {
        self.push(Side::Old, Some(i), None, self.a[i]);
    }

    fn only_new(&mut self, j: usize) {
        self.push(Side::New, None, Some(j), self.b[j]);
    }

    fn push(&mut self, side: Side, old: Option<usize>, new: Option<usize>, text: &str) {
        let number = |i: usize| i as u32 + 1;
        self.lines.push(DiffLine { side, old: old.map(number), new: new.map(number), text: text.to_owned() });
    }
}
