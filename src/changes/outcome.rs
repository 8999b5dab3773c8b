//! What came of changes.

use std::fmt;

use super::change::Change;
use crate::{
    cluster::Problem,
    jobs::{Clean, Uid},
};

/// What came of one change.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The server did it.
    Done(Done),
    /// It was not done; nothing is different from before, unless the words say so.
    Failed(Problem),
    /// Nobody knows whether it was done.
    Unknown(Problem),
}

/// A change that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Uid of the object that was made, or of the one that was changed.
    pub uid: Option<Uid>,
    /// What else there is to say: what is still there, what takes its time.
    pub note: Clean,
}

/// One change and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The change.
    pub change: Change,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of all that was confirmed together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One for each change, in their order.
    pub items: Vec<Item>,
    /// Why the change log could not be written.
    pub unlogged: Option<Clean>,
}

/// How far changes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many are over.
    pub over: usize,
    /// How many could not be made.
    pub failed: usize,
    /// What is being done now.
    pub now: Clean,
}

impl Outcome {
    /// Done, and no more to say.
    pub(super) fn done(uid: Option<Uid>) -> Self {
        Self::Done(Done { uid, note: Clean::default() })
    }

    /// Done, with a note.
    pub(super) fn noted(uid: Option<Uid>, note: &str) -> Self {
        Self::Done(Done { uid, note: Clean::new(note) })
    }

    /// What was done, if it was.
    pub const fn as_done(&self) -> Option<&Done> {
        match self {
            Self::Done(done) => Some(done),
            Self::Failed(_) | Self::Unknown(_) => None,
        }
    }
}

/// One line: `Deleted MPIJob vision/train`, or why not and what to do.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Done(Done { note, .. }) => {
                write!(f, "{} {}", self.change.what.past(), self.change.subject)?;
                if note.is_empty() { Ok(()) } else { write!(f, "; {note}") }
            }
            Outcome::Failed(problem) => write!(f, "{problem}. {}", problem.hint),
            Outcome::Unknown(problem) => write!(f, "not known whether it was done: {problem}. {}", problem.hint),
        }
    }
}

impl Report {
    /// None of them was made, all for the same reason.
    pub fn refused(changes: Vec<Change>, problem: &Problem) -> Self {
        let refused = |change| Item { change, outcome: Outcome::Failed(problem.clone()) };
        Self { items: changes.into_iter().map(refused).collect(), unlogged: None }
    }

    /// How many were made.
    pub fn done(&self) -> usize {
        self.items.iter().filter(|item| item.outcome.as_done().is_some()).count()
    }

    /// Whether all were made.
    pub fn is_done(&self) -> bool {
        self.done() == self.items.len()
    }
}
