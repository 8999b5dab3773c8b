//! What was read beside the fleet for the views that show it: nodes, pods of others, quotas, queues.
//!
//! One read serves whatever is visible; what is wanted follows from that (`update/survey`). What was read stays until
//! another session begins.

use super::{
    Model,
    session::{Scope, SessionId},
};
pub use crate::cluster::survey::{Line, Pods, Survey, Wanted};
use crate::jobs::{Clean, Name, Secs, Sym, capacity::Work, queue::LoadRow, time::duration_changes_in};

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
    /// How busy accelerators are, and what says so; `None`: not asked yet.
    pub work: Option<Told>,
}

/// How busy accelerators are.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Which source says so.
    pub source: Clean,
    /// What it says; else why it does not.
    pub work: Result<Work, Clean>,
}

/// What was read longer ago is said to be old.
pub const OLD: u32 = 30;

impl SurveyModel {
    /// When what is shown of its age will read otherwise.
    pub fn next_deadline(&self, now: Secs) -> Option<Secs> {
        let at = self.at.filter(|_| self.wanted.is_some())?;
        let old = at.plus(OLD + 1);
        Some(if old > now { old } else { now.plus(duration_changes_in(now.since(at))) })
    }
}

/// What the survey wants from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SurveyEffect {
    /// Read this now, and again every few seconds; what was read before is not wanted any more.
    Read(SurveyId, SessionId, Wanted),
    /// Nobody looks.
    Stop,
}

impl Model {
    /// The namespaces in scope, else the context's own: where one may look if not everywhere.
    pub fn places(&self) -> Vec<Name> {
        match &self.session.scope {
            Scope::Named(names) => names.clone(),
            Scope::All => self.namespace().into_iter().collect(),
        }
    }

    /// The `ClusterQueue` that the Workload of the page's job is in, once that was read.
    pub fn cluster_queue(&self) -> Option<Sym> {
        let (page, queues) = (self.page.as_ref()?, &self.survey.read.queues);
        let is_own = |load: &&LoadRow| load.job.as_ref().is_some_and(|job| job.uid == page.job.row.uid);
        queues.cluster_queue_of(queues.loads.rows.iter().find(is_own)?)
    }

    /// Which pods have to be read: the fleet has those of all jobs only where all namespaces are in scope.
    pub fn pods_beside(&self) -> Pods {
        if self.session.scope == Scope::All && self.session.narrowed.is_none() { Pods::Others } else { Pods::All }
    }
}
