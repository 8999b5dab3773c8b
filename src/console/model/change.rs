//! Changes to the cluster, as the console follows them: what is under way, what can be taken back, the change log.
//!
//! Owns no rule on what may be changed: `changes` does.

use std::collections::BTreeMap;

use super::session::SessionId;
use crate::{
    changes::{Confirmed, Progress, Report, undo::Undoable},
    disk::changes::Entry,
    jobs::{Clean, Secs, fleet::JobKey},
};

/// After so many seconds one is told that an answer takes its time.
const SLOW: u32 = 5;

/// What was confirmed together, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeId(pub u32);

/// See the module.
#[derive(Debug, Default)]
pub struct ChangeModel {
    last: u32,
    /// What is under way.
    pub running: BTreeMap<ChangeId, Running>,
    /// The change log as it was read last: the newest entries, oldest of them first; or why it could not be read.
    pub log: Option<Result<Vec<Entry>, Clean>>,
    /// What can be taken back, as it is offered.
    pub undoable: Vec<Undoable>,
    /// The job that we made, to be opened when it is in the fleet.
    pub expected: Option<JobKey>,
}

/// Changes that are under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// Since when.
    pub since: Secs,
    /// The context that they are made through.
    pub context: Clean,
    /// What is done, in words.
    pub what: Clean,
    /// How many changes.
    pub of: usize,
    /// How far they are.
    pub progress: Option<Progress>,
    /// It was told that they take their time.
    pub slow: bool,
}

impl ChangeModel {
    /// Begins to follow changes.
    pub fn begin(&mut self, running: Running) -> ChangeId {
        self.last += 1;
        let id = ChangeId(self.last);
        self.running.insert(id, running);
        id
    }

    /// When something is to be said about those that take their time.
    pub fn next_deadline(&self) -> Option<Secs> {
        self.running.values().filter(|running| !running.slow).map(|running| running.since.plus(SLOW)).min()
    }

    /// Those that take their time, each told once.
    pub fn slow_now(&mut self, now: Secs) -> Vec<Running> {
        let slow = self.running.values_mut().filter(|running| !running.slow && now.since(running.since) >= SLOW);
        slow.map(|running| {
            running.slow = true;
            running.clone()
        })
        .collect()
    }
}

/// What the console wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeEffect {
    /// Make these changes; answered by [`ChangeMessage::Over`] whatever happens.
    Run(ChangeId, SessionId, Confirmed),
    /// Let changes through a read-only context until then; a moment that has passed locks it again.
    Unlock(SessionId, Secs),
    /// Read the change log.
    ReadLog,
    /// Find out what can be taken back.
    Undoable(SessionId),
    /// Go on with what was interrupted on this cluster.
    Resume(SessionId),
}

/// What happened to changes.
#[derive(Debug)]
pub enum ChangeMessage {
    /// They are so far.
    Progress(ChangeId, Progress),
    /// They are over.
    Over(ChangeId, Report),
    /// What a crash or a lost connection interrupted is over.
    Resumed(Report),
    /// This was interrupted too long ago to be gone on with.
    GivenUp(Vec<Clean>),
    /// The change log was read.
    Log(Result<Vec<Entry>, Clean>),
    /// What can be taken back was read.
    Undoable(Result<Vec<Undoable>, Clean>),
}
