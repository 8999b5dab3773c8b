//! Jobs as a plain text table, for scripts' pipes and terminals alike: what `get jobs -o table|wide` prints.
//!
//! Without a room nothing is cut: every column is as wide as its longest cell. With one, columns share it as the
//! console's do. An empty cell is `-`, so that columns can be counted.

use super::{Align, ColumnId, Fitted, Wanted, cell, cut, cut::width, fit};
use crate::jobs::{filter::Subject, time::Secs};

/// A terminal that a table must not wrap on.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Cells of a line.
    pub width: u16,
    /// Whether what is cut must be marked in ASCII.
    pub ascii: bool,
}

/// The table with a heading, a line each, lines ended by `\n` and without trailing blanks.
pub fn render<'a>(
    columns: &[ColumnId],
    jobs: impl IntoIterator<Item = Subject<'a>>,
    now: Secs,
    room: Option<Room>,
) -> String {
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(ColumnId::title).collect()];
    for subject in jobs {
        rows.push(columns.iter().map(|column| text(column, subject, now)).collect());
    }
    let widest = |i: usize| rows.iter().map(|row| width(&row[i])).max().unwrap_or(0);
    let wanted: Vec<Wanted> =
        columns.iter().enumerate().map(|(i, column)| wanted(column, &rows[0][i], widest(i))).collect();
    let placed = room.map_or_else(|| beside(&wanted), |room| fit(&wanted, room.width, 2));
    let mut out = String::new();
    for row in &rows {
        line(&mut out, columns, row, &placed, room.is_some_and(|room| room.ascii));
    }
    out
}

fn wanted(column: &ColumnId, title: &str, widest: usize) -> Wanted {
    let spec = column.spec();
    let cells = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX);
    Wanted {
        min: spec.min.max(cells(width(title))).min(cells(widest)),
        natural: cells(widest),
        gives_way: spec.gives_way,
        takes_rest: spec.takes_rest,
    }
}

/// All columns in their natural width.
fn beside(wanted: &[Wanted]) -> Vec<Fitted> {
    let mut x = 0_u16;
    let place = |(index, wanted): (usize, &Wanted)| {
        let fitted = Fitted { index, x, width: wanted.natural };
        x = x.saturating_add(wanted.natural).saturating_add(3);
        fitted
    };
    wanted.iter().enumerate().map(place).collect()
}

fn line(out: &mut String, columns: &[ColumnId], row: &[String], placed: &[Fitted], ascii: bool) {
    let (begun, mut used) = (out.len(), 0);
    for fitted in placed {
        let (column, cells) = (&columns[fitted.index], usize::from(fitted.width));
        let cut = if column.is_told_by_its_end() { cut::middle } else { cut::end };
        let text = cut(&row[fitted.index], cells, ascii);
        let blanks = cells - width(&text);
        let before =
            usize::from(fitted.x).saturating_sub(used) + if column.spec().align == Align::Right { blanks } else { 0 };
        out.extend(std::iter::repeat_n(' ', before));
        out.push_str(&text);
        used += before + width(&text);
    }
    out.truncate(begun + out[begun..].trim_end().len());
    out.push('\n');
}

fn text(column: &ColumnId, subject: Subject<'_>, now: Secs) -> String {
    match cell(column, subject, now).text {
        text if text.is_empty() => "-".to_owned(),
        text => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::jobs::{Kind, Name, causes::Rules, fleet::*, row::JobRow, text::Uid};

    fn table(names: &[&str], room: Option<Room>) -> String {
        let mut fleet = Fleet::new(Arc::new(Rules::builtin()));
        let row = |name: &&str| {
            let uid = Uid::new(name);
            Row::Job(JobRow::bare(Kind::MpiJob, Name::lossy("team-with-a-long-name"), Name::lossy(name), uid))
        };
        let list = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
        fleet.apply(Batch { upserts: names.iter().map(row).collect(), ..Batch::new(list) });
        fleet.settle(Secs(1_000));
        let jobs: Vec<_> = fleet.jobs().collect();
        let subjects = jobs.iter().map(|job| Subject { job, pods: &[] });
        render(&ColumnId::all().collect::<Vec<_>>(), subjects, Secs(1_000), room)
    }

    #[test]
    fn on_a_terminal_no_line_wraps_and_the_ends_of_names_stay() {
        let names = ["pretrain-llama-70b-on-all-of-the-web-001", "pretrain-llama-70b-on-all-of-the-web-002", "a"];
        let all = table(&names, None);
        assert!(names.iter().all(|name| all.contains(name)) && !all.contains('…'), "{all}");
        for cells in 1..200 {
            let text = table(&names, Some(Room { width: cells, ascii: false }));
            assert!(text.lines().all(|line| width(line) <= usize::from(cells)), "{cells} cells:\n{text}");
            assert_eq!(text.lines().count(), 4);
        }
        let narrow = table(&names, Some(Room { width: 80, ascii: true }));
        assert!(narrow.contains("-001 ") && narrow.contains('~') && narrow.is_ascii(), "{narrow}");
    }
}
