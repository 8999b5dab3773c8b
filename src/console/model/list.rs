//! The job list: what is shown of the fleet, in which order and columns, and what is selected and marked.
//!
//! Owns no job: the fleet does. Selection and marks follow a job's identity, never a row number.

pub mod grid;
pub mod order;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    grid::{Frame, Grid},
    order::{Choice, Order},
};
use crate::jobs::{
    Secs,
    columns::{ColumnId, ColumnsConfig, Fitted},
    filter::{Filter, Hint, Scratch},
    fleet::{Fleet, JobKey},
};

/// See the module.
#[derive(Debug, Default)]
pub struct ListModel {
    /// Shown jobs in their order.
    pub order: Order,
    /// The selected job; `None` only while none is shown.
    pub selected: Option<JobKey>,
    /// Its place, to find a neighbour when it goes.
    pub at: usize,
    /// The job that was chosen by a person: it is selected again when a filter lets it through again.
    pub chosen: Option<JobKey>,
    /// First visible place.
    pub top: usize,
    /// How many rows there is room for.
    pub height: usize,
    /// Marked jobs, shown or not.
    pub marks: BTreeSet<JobKey>,
    /// Where a range of marks begins.
    pub anchor: Option<JobKey>,
    /// What is filtered for.
    pub filter: FilterState,
    /// Only jobs that need attention.
    pub attention: bool,
    /// Columns and order.
    pub columns: ColumnsConfig,
    /// Every column, scrolled sideways.
    pub wide: bool,
    /// Columns moved out to the left, where there are more than fit.
    pub skipped: usize,
    /// Named filters.
    pub saved: BTreeMap<String, String>,
    /// When something visible reads otherwise.
    pub deadline: Option<Secs>,
    grid: Grid,
    scratch: Scratch,
}

/// The filter as typed and as understood.
#[derive(Clone, Debug, Default)]
pub struct FilterState {
    /// As typed.
    pub text: String,
    /// As understood.
    pub filter: Filter,
    /// What was not.
    pub hints: Vec<Hint>,
    /// As it was before the prompt was opened, for esc.
    pub before: Option<String>,
}

impl FilterState {
    /// Reads a text.
    pub fn set(&mut self, text: &str) {
        let parsed = crate::jobs::filter::parse(text);
        text.clone_into(&mut self.text);
        (self.filter, self.hints) = (parsed.filter, parsed.hints);
    }
}

impl ListModel {
    /// When something visible will read otherwise.
    pub const fn next_deadline(&self, _now: Secs) -> Option<Secs> {
        self.deadline
    }

    /// Whether anything keeps jobs from being shown.
    pub fn is_narrowed(&self) -> bool {
        self.attention || !self.filter.filter.is_empty()
    }

    /// Whether a line says what is filtered for.
    pub fn has_filter_line(&self) -> bool {
        self.attention || !self.filter.text.is_empty()
    }

    /// How many jobs are not shown.
    pub fn hidden(&self) -> usize {
        self.order.total() - self.order.len()
    }

    /// Columns and their places.
    pub fn placed(&self) -> impl Iterator<Item = (&ColumnId, Fitted)> {
        self.grid.placed()
    }

    /// How many columns there is no room for.
    pub fn hidden_columns(&self) -> usize {
        self.grid.hidden()
    }

    /// How many columns can be moved out to the left.
    pub fn can_skip(&self) -> usize {
        self.grid.can_skip()
    }

    /// The jobs on the screen, from the top.
    pub fn visible(&self) -> impl Iterator<Item = &JobKey> {
        self.order.from(self.top).take(self.height)
    }

    /// The jobs that a command is about: the marked ones, else the selected one.
    pub fn targets(&self) -> Vec<JobKey> {
        if self.marks.is_empty() {
            self.selected.iter().cloned().collect()
        } else {
            self.marks.iter().cloned().collect()
        }
    }

    /// Chooses and sorts all jobs again.
    pub fn rebuild(&mut self, fleet: &Fleet, now: Secs) {
        let choice = Choice { filter: &self.filter.filter, attention: self.attention, sort: &self.columns.sort };
        self.order.rebuild(fleet, choice, now, &mut self.scratch);
    }

    /// Chooses among all jobs again, in the same order.
    pub fn refilter(&mut self, fleet: &Fleet, now: Secs) {
        let choice = Choice { filter: &self.filter.filter, attention: self.attention, sort: &self.columns.sort };
        self.order.refilter(fleet, choice, now, &mut self.scratch);
    }

    /// Another session: its jobs are others, what a person chose stays.
    pub fn forget_jobs(&mut self) {
        self.order = Order::default();
        self.marks.clear();
        (self.selected, self.chosen, self.anchor) = (None, None, None);
        (self.at, self.top) = (0, 0);
    }

    /// Takes in changed jobs; whether anything on the screen may differ.
    pub fn take_in(&mut self, fleet: &Fleet, changed: &[JobKey], now: Secs) -> bool {
        self.grid.prepare(&self.columns, self.wide);
        let shown = self.top..self.top + self.height;
        let (mut visible, mut grown) = (false, false);
        if changed.len() > 32 && changed.len() * 4 > self.order.total() {
            self.rebuild(fleet, now);
            visible = true;
            for key in changed {
                grown |= self.grid.measure(fleet, key, now);
            }
        } else {
            let choice = Choice { filter: &self.filter.filter, attention: self.attention, sort: &self.columns.sort };
            for key in changed {
                let moved = self.order.change(key, fleet, choice, now, &mut self.scratch);
                grown |= self.grid.measure(fleet, key, now);
                let inside = |at: Option<usize>| at.is_some_and(|at| shown.contains(&at));
                let elsewhere = moved.from != moved.to;
                visible |= moved.counted || elsewhere || inside(moved.from) || inside(moved.to);
            }
        }
        for key in changed.iter().filter(|key| !self.order.knows(key)) {
            self.marks.remove(key);
        }
        visible || grown
    }

    /// Measures every cell again: the columns are others.
    pub fn measure(&mut self, fleet: &Fleet, now: Secs) {
        self.grid.measure_all(fleet, &self.columns, self.wide, now);
    }

    /// Places the columns.
    pub fn place(&mut self, width: u16, one_namespace: bool) {
        let (config, wide) = (&self.columns, self.wide);
        self.grid.prepare(config, wide);
        self.grid.place(Frame { config, wide, skipped: self.skipped, width, one_namespace });
    }

    /// After the order changed: the selection keeps its job, or goes to a neighbour, and stays on the screen.
    pub fn settle_selection(&mut self) {
        let sort = &self.columns.sort;
        let place = |key: &Option<JobKey>| key.as_ref().and_then(|key| self.order.position(key, sort));
        let at = match &self.chosen {
            None => (!self.order.is_empty()).then_some(0),
            Some(chosen) => place(&self.chosen)
                .or_else(|| self.reborn(chosen))
                .or_else(|| place(&self.selected))
                .or_else(|| self.order.len().checked_sub(1).map(|last| self.at.min(last))),
        };
        if let Some(chosen) = &self.chosen
            && !self.order.knows(chosen)
        {
            self.chosen = at.and_then(|at| self.order.get(at)).cloned();
        }
        self.selected = at.and_then(|at| self.order.get(at)).cloned();
        self.at = at.unwrap_or(0);
        self.scroll();
    }

    /// A job of the same name that came for one that is gone.
    fn reborn(&self, chosen: &JobKey) -> Option<usize> {
        if self.order.knows(chosen) {
            return None;
        }
        self.order.position(self.order.namesake(chosen)?, &self.columns.sort)
    }

    /// Selects the job in this place, or the nearest there is.
    pub fn select(&mut self, at: usize) {
        let at = at.min(self.order.len().saturating_sub(1));
        self.selected = self.order.get(at).cloned();
        self.chosen.clone_from(&self.selected);
        self.at = at;
        self.scroll();
    }

    /// Moves the window so that the selected row is in it and no room is wasted at the end.
    fn scroll(&mut self) {
        let height = self.height.max(1);
        let last = self.order.len().saturating_sub(height);
        self.top = self.top.clamp((self.at + 1).saturating_sub(height), self.at).min(last);
    }
}
