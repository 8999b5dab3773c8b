//! Tab Events: what happened to the job and everything it owns.

use super::{Fetched, Scroll};
use crate::{jobs::EventRow, logs::Query};

/// See the module.
#[derive(Debug, Default)]
pub struct EventsModel {
    /// Every event, Normal ones included, oldest first.
    pub all: Fetched<Vec<EventRow>>,
    /// Why they could not be read again, while older ones are shown.
    pub stale: Option<super::Refusal>,
    /// Show only those that have this text.
    pub filter: String,
    /// Show only warnings.
    pub warnings_only: bool,
    /// Where we are.
    pub scroll: Scroll,
    /// An event that somebody wants to be led to, once it is read: its words.
    pub wish: Option<Query>,
    /// Stay at the newest.
    pub left_end: bool,
}
