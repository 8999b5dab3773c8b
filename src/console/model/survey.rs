//! What was read beside the fleet for the views that show it: nodes, pods of others, quotas, queues.
//!
//! One read serves whatever is visible; what is wanted follows from that (`update/survey`). What was read stays until
//! another session begins.

use super::session::SessionId;
pub use crate::cluster::survey::{Pods, Survey, Wanted};
use crate::jobs::Secs;

/// Counts what was wanted, so that an answer for something else is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SurveyId(pub u32);

/// See the module.
#[derive(Debug, Default)]
pub struct SurveyModel {
    /// Which reading is current.
    pub id: SurveyId,
    /// What is read for whom, while somebody looks.
    pub wanted: Option<(SessionId, Wanted)>,
    /// The session that it is from.
    pub session: SessionId,
    /// What was read last.
    pub read: Survey,
    /// When; `None`: nothing of what is wanted was read yet.
    pub at: Option<Secs>,
}

/// What the survey wants from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SurveyEffect {
    /// Read this now, and again every few seconds; what was read before is not wanted any more.
    Read(SurveyId, SessionId, Wanted),
    /// Nobody looks.
    Stop,
}
