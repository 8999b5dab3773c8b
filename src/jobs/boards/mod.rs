//! The cluster views as tables: rows of cells, for console and command line alike.
//!
//! Owns what stands in a row, what it is sorted by and where it leads. Must not know colours, keys or a terminal: a cell has
//! text and a [`Tone`].

mod line;
mod nodes;
pub mod overview;
mod queues;
mod spaces;
#[cfg(test)]
mod tests;
mod text;
mod users;

pub use line::line;
pub use nodes::{NodeAbout, nodes, of_node};
pub use queues::{of_queue, queues};
pub use spaces::spaces;
pub use text::text;
pub use users::users;

use std::cmp::Reverse;

use super::{
    columns::{Align, Tone, Wanted},
    text::{Clean, Sym},
};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Side.
    pub align: Align,
    /// The higher, the earlier it is left out where there is no room; 0 stays.
    pub gives_way: u8,
    /// What it says, for whoever sorts by it.
    pub help: &'static str,
}

impl Column {
    const fn words(title: &'static str, gives_way: u8, help: &'static str) -> Self {
        Self { title, align: Align::Left, gives_way, help }
    }

    const fn number(title: &'static str, gives_way: u8, help: &'static str) -> Self {
        Self { title, align: Align::Right, gives_way, help }
    }

    /// How wide it would like to be.
    pub fn wanted(&self, widest: u16) -> Wanted {
        // What stays tells the row: it is cut late.
        let least = if self.gives_way == 0 { 24 } else { 10 };
        let min = if self.align == Align::Right { widest } else { widest.min(least) };
        Wanted { min, natural: widest, gives_way: self.gives_way, takes_rest: false }
    }
}

/// By what a cell sorts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A number; more comes first.
    Number(Reverse<u64>),
    /// A text.
    Text(String),
}

/// One accelerator of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// A letter for whoever holds it; `.` free, `x` not to be had, `#` not a training job's.
    pub symbol: char,
    /// The holder's number, for a colour.
    pub series: Option<u8>,
}

/// What stands in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// By what it sorts.
    pub key: Key,
    /// Instead of the text on a screen: accelerators one by one.
    pub strip: Box<[Mark]>,
}

impl Cell {
    fn text(text: impl Into<String>, tone: Tone) -> Self {
        let text = text.into();
        Self { key: Key::Text(text.clone()), text, tone, strip: Box::default() }
    }

    fn number(n: u64, text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, key: Key::Number(Reverse(n)), strip: Box::default() }
    }

    /// A count; nothing is a quiet dash.
    fn count(n: u64) -> Self {
        if n == 0 { Self::number(0, "-", Tone::Quiet) } else { Self::number(n, n.to_string(), Tone::Plain) }
    }
}

/// Where a row leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goes {
    /// To the jobs that this filter lets through.
    Jobs(String),
    /// To those that wait in this `ClusterQueue`.
    Line(Sym),
    /// To this job: namespace and name.
    Job(Sym, Clean),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its identity within the table.
    pub id: String,
    /// Rows below another belong to it, and move with it.
    pub depth: u8,
    /// A cell a column.
    pub cells: Vec<Cell>,
    /// Where it leads.
    pub goes: Option<Goes>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its columns.
    pub columns: &'static [Column],
    /// Its rows.
    pub rows: Vec<Row>,
    /// Who is meant by a letter, most first, with how many accelerators.
    pub legend: Vec<(Mark, String, u64)>,
    /// What is not in it, and what to ask for.
    pub unread: Vec<Clean>,
}

impl Table {
    /// Sorts rows, each with those below it.
    pub fn sort(&mut self, column: usize, descending: bool) {
        let mut groups: Vec<Vec<Row>> = Vec::new();
        for row in self.rows.drain(..) {
            match groups.last_mut() {
                Some(group) if row.depth > 0 => group.push(row),
                _ => groups.push(vec![row]),
            }
        }
        groups.sort_by(|a, b| {
            let key = |group: &[Row]| group.first().and_then(|row| row.cells.get(column)).map(|cell| cell.key.clone());
            if descending { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) }
        });
        self.rows = groups.into_iter().flatten().collect();
    }

    /// Where a row is.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }
}

/// A filter for all of a field.
fn only(field: &str, value: &str) -> String {
    format!("{field}:={value}")
}

/// What keeps a table from being whole, each reason once.
fn whys<'a>(parts: impl IntoIterator<Item = &'a Option<Clean>>) -> Vec<Clean> {
    let mut out: Vec<Clean> = parts.into_iter().flatten().cloned().collect();
    out.dedup();
    out
}
