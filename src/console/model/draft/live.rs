//! The edit of a living job: what the text is compared with, what the job is by now, what is in the way.

use serde_json::Value;

use crate::{
    console::model::{page::Reading, session::SessionId},
    disk::drafts::Living,
    jobs::{
        Clean,
        drafting::{Conflict, DiffLine, Merge},
        fleet::JobKey,
        manifest::{self, Env, text::Document},
    },
};

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Which job.
    pub key: JobKey,
    /// What mine and theirs are compared with.
    pub base: Value,
    /// The job as people write it, as it was read last.
    pub theirs: Value,
    /// The same as the server keeps it; `None` until it was read in this run.
    pub stored: Option<Value>,
    /// Where both changed the same thing differently.
    pub conflicts: Vec<Conflict>,
    /// Whether it is being read.
    pub reading: Reading,
    /// The session that it was read from last: what another one was asked is never answered.
    pub session: SessionId,
    /// Why it can't be changed any more.
    pub gone: Option<Clean>,
    /// What would be changed, as it was when the last page was opened.
    pub review: Review,
}

/// What would be changed on the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    /// The lines.
    pub diff: Vec<DiffLine>,
    /// Fields that nobody looks at any more: where, and why.
    pub late: Vec<(String, &'static str)>,
}

impl Live {
    /// The edit of a job, compared with this.
    pub fn new(key: JobKey, base: Value) -> Self {
        let theirs = base.clone();
        let (reading, session, review) = (Reading::default(), SessionId::default(), Review::default());
        Self { key, base, theirs, stored: None, conflicts: Vec::new(), reading, session, gone: None, review }
    }

    /// What is kept of it beside the text.
    pub fn kept(&self) -> Living {
        Living { key: self.key.clone(), base: self.base.clone() }
    }

    /// Takes in what a merge made.
    pub fn settle(&mut self, merge: Merge) {
        (self.base, self.conflicts) = (merge.base, merge.conflicts);
    }
}

/// An object as people write it: text and value.
pub fn written(object: &Value) -> Option<(String, Value)> {
    let text = manifest::cleaned(object, Env::Shown).ok()?;
    let value = Document::parse(&text).ok()?.value();
    Some((text, value))
}
