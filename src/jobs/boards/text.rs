//! A table as plain text, for scripts' pipes and terminals alike. An empty cell is `-`, so that columns can be counted.

use super::Table;
use crate::jobs::columns::{
    Align, Fitted,
    cut::{self, width},
    fit,
};

/// The table with a heading, a line each, without trailing blanks. With a `room` nothing is wider than that; columns that
/// give way are left out first.
pub fn text(table: &Table, room: Option<u16>, ascii: bool) -> String {
    let mut rows: Vec<Vec<String>> = vec![table.columns.iter().map(|column| column.title.replace(' ', "-")).collect()];
    for row in &table.rows {
        let cell = |text: &str| if text.trim().is_empty() { "-".to_owned() } else { text.to_owned() };
        rows.push(row.cells.iter().map(|one| cell(&one.text)).collect());
    }
    let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|text| width(text)).max().unwrap_or(0);
    let wanted: Vec<_> =
        table.columns.iter().enumerate().map(|(at, column)| column.wanted(cells(widest(at)))).collect();
    let all = wanted.iter().fold(0_u16, |sum, wanted| sum.saturating_add(wanted.natural).saturating_add(2));
    let placed = fit(&wanted, room.unwrap_or(all), 2);
    rows.iter().map(|row| line(table, row, &placed, ascii)).collect()
}

fn line(table: &Table, row: &[String], placed: &[Fitted], ascii: bool) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for at in placed {
        let Some(text) = row.get(at.index) else { continue };
        let text = cut::end(text, usize::from(at.width), ascii);
        let right = table.columns.get(at.index).is_some_and(|column| column.align == Align::Right);
        let blank = if right { usize::from(at.width).saturating_sub(width(&text)) } else { 0 };
        let before = usize::from(at.x).saturating_sub(used) + blank;
        out.extend(std::iter::repeat_n(' ', before));
        out.push_str(&text);
        used += before + width(&text);
    }
    let mut out = out.trim_end().to_owned();
    out.push('\n');
    out
}
