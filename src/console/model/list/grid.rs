//! Where the list's columns stand: from their contents and the width of the screen.

use std::collections::HashMap;

use crate::jobs::{
    Secs,
    columns::{ColumnId, ColumnsConfig, Fitted, Wanted, cell, cut, fit},
    filter::Subject,
    fleet::{Fleet, JobKey},
};

/// Cells before the first column: the sign of the selected row, and that of a mark.
pub const GUTTER: u16 = 2;
/// A line with as many cells has room for words at half their liking, or leaves the column out.
const ROOMY: u16 = 110;
/// Here columns stand two cells apart.
const PLENTY: u16 = 170;
/// A cause that takes no rest of the line gets as much.
const CAUSE: u16 = 40;

/// The columns' places.
#[derive(Debug, Default)]
pub struct Grid {
    /// Chosen columns: these are measured.
    columns: Vec<ColumnId>,
    /// Those that have something to say in a line of this width.
    shown: Vec<ColumnId>,
    /// Widest cell seen, for columns of words. They only grow, so that the table rarely moves.
    widest: HashMap<ColumnId, u16>,
    placed: Vec<Fitted>,
    hidden: usize,
}

/// From what the places follow.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Chosen columns and order.
    pub config: &'a ColumnsConfig,
    /// Every column.
    pub wide: bool,
    /// Columns moved out to the left.
    pub skipped: usize,
    /// Cells in a line.
    pub width: u16,
    /// Whether all jobs are in one namespace, so that its column says little.
    pub one_namespace: bool,
}

impl Grid {
    /// Measures every job again.
    pub fn measure_all(&mut self, fleet: &Fleet, config: &ColumnsConfig, wide: bool, now: Secs) {
        self.columns = if wide { config.wide() } else { config.columns.clone() };
        self.widest.clear();
        for job in fleet.jobs() {
            self.measure(fleet, &job.key(), now);
        }
    }

    /// Has its columns, also before any job came.
    pub fn prepare(&mut self, config: &ColumnsConfig, wide: bool) {
        if self.columns.is_empty() {
            self.columns = if wide { config.wide() } else { config.columns.clone() };
        }
    }

    /// Measures one job; whether a column has grown.
    pub fn measure(&mut self, fleet: &Fleet, key: &JobKey, now: Secs) -> bool {
        let Some(job) = fleet.get(key) else { return false };
        let measured = |column: &&ColumnId| !column.needs_clock() && !column.spec().takes_rest;
        let needs_pods = self.columns.iter().any(ColumnId::needs_pods);
        let pods = if needs_pods { fleet.pods(key) } else { Vec::new() };
        let mut grown = false;
        for column in self.columns.iter().filter(measured) {
            let cells = u16::try_from(cut::width(&cell(column, Subject { job, pods: &pods }, now).text));
            let cells = cells.unwrap_or(u16::MAX).saturating_add(symbol(column)).min(column.spec().max);
            match self.widest.get_mut(column) {
                Some(widest) if *widest >= cells => {}
                Some(widest) => {
                    *widest = cells;
                    grown = true;
                }
                None => {
                    self.widest.insert(column.clone(), cells);
                    grown = true;
                }
            }
        }
        grown
    }

    /// Finds the places.
    pub fn place(&mut self, frame: Frame<'_>) {
        let mut shown = if frame.wide { frame.config.wide() } else { frame.config.for_width(frame.width) };
        shown.retain(|column| frame.wide || !self.is_blank(column));
        self.shown = shown;
        let width = frame.width.saturating_sub(GUTTER);
        let gap = if width >= PLENTY { 2 } else { 1 };
        let wanted: Vec<Wanted> = self.shown.iter().map(|column| self.wanted(column, frame)).collect();
        self.placed = if frame.wide { frozen(&wanted, width, gap, frame.skipped) } else { fit(&wanted, width, gap) };
        for fitted in &mut self.placed {
            fitted.x += GUTTER;
        }
        self.hidden = self.shown.len() - self.placed.len();
    }

    /// The visible columns with their places, from the left.
    pub fn placed(&self) -> impl Iterator<Item = (&ColumnId, Fitted)> {
        self.placed.iter().filter_map(|fitted| Some((self.shown.get(fitted.index)?, *fitted)))
    }

    /// How many columns there is no room for.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// How many columns can be moved out to the left.
    pub fn can_skip(&self) -> usize {
        self.shown.len().saturating_sub(2)
    }

    /// No job has a queue, or an accelerator: the column would say nothing.
    fn is_blank(&self, column: &ColumnId) -> bool {
        matches!(column, ColumnId::Queue | ColumnId::Gpus) && self.widest.get(column) == Some(&0)
    }

    fn wanted(&self, column: &ColumnId, frame: Frame<'_>) -> Wanted {
        let spec = column.spec();
        let sorted = u16::from(frame.config.sort.column == *column) + symbol(column);
        let title = u16::try_from(cut::width(&column.title())).unwrap_or(u16::MAX).saturating_add(sorted);
        let natural = if spec.takes_rest {
            CAUSE
        } else if column.needs_clock() {
            spec.max.max(title)
        } else {
            self.widest.get(column).copied().unwrap_or_default().max(title)
        };
        let alone = frame.one_namespace && *column == ColumnId::Namespace;
        let gives_way = if alone { u8::MAX } else { spec.gives_way };
        let min = if spec.takes_rest {
            spec.min.max(frame.width / 3)
        } else if frame.width >= ROOMY {
            spec.min.midpoint(natural.max(spec.min))
        } else {
            spec.min
        };
        Wanted { min, natural, gives_way, takes_rest: spec.takes_rest }
    }
}

/// A state has its symbol and a blank before its word.
pub fn symbol(column: &ColumnId) -> u16 {
    if *column == ColumnId::State { 2 } else { 0 }
}

/// The first column, then those after the skipped ones, each as wide as it likes.
fn frozen(wanted: &[Wanted], width: u16, gap: u16, skipped: usize) -> Vec<Fitted> {
    let mut x = 0u16;
    let mut out = Vec::new();
    for (index, column) in wanted.iter().enumerate() {
        if (index > 0 && index <= skipped) || x >= width {
            continue;
        }
        let cells = column.natural.max(1).min(width - x);
        if cells < column.natural.min(column.min) && index > 0 {
            break;
        }
        out.push(Fitted { index, x, width: cells });
        x = x.saturating_add(cells).saturating_add(gap);
    }
    out
}
