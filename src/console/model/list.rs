//! The job list: what is shown of the fleet and what is selected.

use crate::jobs::Secs;

/// The list's state.
#[derive(Debug, Default)]
pub struct ListModel {}

impl ListModel {
    /// When a visible age will read otherwise.
    pub const fn next_deadline(&self, _now: Secs) -> Option<Secs> {
        None
    }
}
