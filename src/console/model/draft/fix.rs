//! Suggestions for the next attempt of a failed job: which of them are taken, and what they change.

use crate::jobs::{
    Clean,
    drafting::{DiffLine, Fix, Side, diff},
};

/// Equal lines that are shown around those that differ.
const AROUND: usize = 1;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FixModel {
    /// Why the job failed.
    pub cause: Clean,
    /// The manifest of the failed job.
    pub before: String,
    /// Its copy under a new name, without suggestions.
    pub copy: String,
    /// The suggestions, best first.
    pub choices: Vec<Choice>,
    /// Which is selected.
    pub selected: usize,
    /// First line of the difference in view.
    pub top: usize,
    /// What differs from the failed job.
    pub diff: Vec<DiffLine>,
}

/// One suggestion.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The suggestion.
    pub fix: Fix,
    /// Whether it is taken.
    pub taken: bool,
    /// Why it could not be made.
    pub refused: Option<Clean>,
}

impl FixModel {
    /// Suggestions for a copy of a job. One that needs a value that only a person knows is not taken at first.
    pub fn new(cause: Clean, before: String, copy: String, fixes: Vec<Fix>) -> Self {
        let choice = |fix: Fix| Choice { taken: fix.fill.is_none(), fix, refused: None };
        Self { cause, before, copy, choices: fixes.into_iter().map(choice).collect(), ..Self::default() }
    }

    /// The text with what is taken; the difference is made again.
    pub fn text(&mut self) -> String {
        let mut text = self.copy.clone();
        for choice in &mut self.choices {
            choice.refused = None;
            if !choice.taken {
                continue;
            }
            match choice.fix.apply(&text) {
                Ok(new) => text = new,
                Err(error) => choice.refused = Some(Clean::new(&error.to_string())),
            }
        }
        self.diff = diff(&self.before, &text, AROUND);
        text
    }

    /// How many lines go, and how many come.
    pub fn counts(&self) -> (usize, usize) {
        let on = |side: Side| self.diff.iter().filter(|line| line.side == side).count();
        (on(Side::Old), on(Side::New))
    }

    /// Where a person must still write something for what is taken.
    pub fn fill(&self) -> Option<&str> {
        let mut open = self.choices.iter().filter(|choice| choice.taken && choice.refused.is_none());
        open.find_map(|choice| choice.fix.fill.as_deref())
    }
}
