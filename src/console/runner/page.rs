//! Executing what a job page wants.

use super::Runner;
use crate::console::model::page::PageEffect;

/// What is running for the open page.
#[derive(Debug, Default)]
pub struct Pages {}

/// Executes an order of a page.
pub(super) fn execute(_runner: &mut Runner, effect: PageEffect) {
    match effect {}
}
