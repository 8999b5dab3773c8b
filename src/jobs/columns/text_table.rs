//! Jobs as a plain text table, for scripts' pipes and terminals alike: what `get jobs -o table|wide` prints.
//!
//! Nothing is cut; every column is as wide as its longest cell; an empty cell is `-`, so that columns can be counted.

use super::{Align, ColumnId, cell, cut::width};
use crate::jobs::{filter::Subject, time::Secs};

/// The table with a heading, a line each, lines ended by `\n` and without trailing blanks.
pub fn render<'a>(columns: &[ColumnId], jobs: impl IntoIterator<Item = Subject<'a>>, now: Secs) -> String {
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(ColumnId::title).collect()];
    for subject in jobs {
        rows.push(columns.iter().map(|column| text(column, subject, now)).collect());
    }
    let widths: Vec<usize> =
        (0..columns.len()).map(|i| rows.iter().map(|row| width(&row[i])).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((text, cells), column) in row.iter().zip(&widths).zip(columns) {
            let blanks = " ".repeat(cells - width(text));
            match column.spec().align {
                Align::Left => line.extend([text.as_str(), &blanks]),
                Align::Right => line.extend([blanks.as_str(), text]),
            }
            line.push_str("   ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn text(column: &ColumnId, subject: Subject<'_>, now: Secs) -> String {
    match cell(column, subject, now).text {
        text if text.is_empty() => "-".to_owned(),
        text => text.into_owned(),
    }
}
