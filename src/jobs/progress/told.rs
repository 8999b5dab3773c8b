//! What one line says, as values.

use super::Unit;

/// What a line says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// A step, iteration, batch or update.
    pub step: Option<u64>,
    /// Of so many.
    pub steps: Option<u64>,
    /// Those are of one epoch.
    pub of_epoch: bool,
    /// It is a bar that may be another thing's than the training's.
    pub unnamed: bool,
    /// An epoch.
    pub epoch: Option<f64>,
    /// Of so many.
    pub epochs: Option<u32>,
    /// The epoch has passed: the line tells what came of it.
    pub epoch_done: bool,
    /// The loss; not a number if the program says so.
    pub loss: Option<f64>,
    /// So many a second, of what, and whether that is one accelerator's share.
    pub rate: Option<(f64, Unit, bool)>,
}

/// A number that a rate or a loss can be.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim_end_matches(['.', ',']);
    let value: f64 = if text.contains(',') { text.replace(',', "").parse() } else { text.parse() }.ok()?;
    (value.abs() < 1e15).then_some(value)
}

/// A rate: a number above zero.
pub(super) fn rate(text: &str) -> Option<f64> {
    number(text).filter(|value| *value > 0.0)
}
