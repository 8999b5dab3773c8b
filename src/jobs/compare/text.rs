//! A comparison as plain text. An empty cell is `-`, so that columns can be counted.

use super::sheet::Sheet;
use crate::jobs::columns::cut::{self, width};

/// A run's column is no narrower on a terminal.
const LEAST: usize = 12;

/// A line a row, a column a run; then how it was made. With a `room` cells are cut so that a line fits, as far as that goes.
pub fn text(sheet: &Sheet<'_>, room: Option<u16>, ascii: bool) -> String {
    let mut rows: Vec<Vec<String>> = vec![head(sheet)];
    for row in sheet.rows() {
        let cell = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        rows.push(std::iter::once(row.title.to_owned()).chain(row.cells.iter().map(|one| cell(&one.text))).collect());
    }
    let widest = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|text| width(text)).max().unwrap_or(0);
    let label = widest(0);
    let most = room.map_or(usize::MAX, |room| {
        let rest = usize::from(room).saturating_sub(label) / sheet.runs.len().max(1);
        rest.saturating_sub(2).max(LEAST)
    });
    let widths: Vec<usize> =
        (0..=sheet.runs.len()).map(|at| if at == 0 { label } else { widest(at).min(most) }).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (text, cells) in row.iter().zip(&widths) {
            let text = cut::middle(text, *cells, ascii);
            line.push_str(&text);
            line.extend(std::iter::repeat_n(' ', cells + 2 - width(&text)));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push('\n');
    for note in sheet.notes() {
        out.push_str(&note);
        out.push('\n');
    }
    out
}

fn head(sheet: &Sheet<'_>) -> Vec<String> {
    let title = |(at, run): (usize, &super::Run)| {
        let base = if at == sheet.base { " (baseline)" } else { "" };
        format!("{}{base}", run.title())
    };
    std::iter::once(String::new()).chain(sheet.runs.iter().enumerate().map(title)).collect()
}
