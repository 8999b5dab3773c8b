//! Commands of the job page and its tabs.

use super::Command;

/// See the rows below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageCommand {}

pub(super) const ROWS: &[Command] = &[];
