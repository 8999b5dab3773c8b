//! Executing what a job page wants.

use super::Runner;
use crate::console::model::page::PageEffect;

/// Executes an order of a page.
#[expect(clippy::needless_pass_by_value, reason = "orders are handed over")]
pub(super) fn execute(_runner: &mut Runner, effect: PageEffect) {
    match effect {}
}
