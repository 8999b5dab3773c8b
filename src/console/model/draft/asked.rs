//! What the cluster says to a draft before it is sent: what was asked, and the answers so far.

use crate::{
    console::model::session::SessionId,
    jobs::{Name, checks::cluster::Said, outlook::Outlook},
};

/// How soon to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// When the fingers pause; what was said a moment ago is good enough.
    Pause,
    /// At once, and all anew.
    Now,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whom.
    pub session: SessionId,
    /// Which version of the text.
    pub version: u64,
    /// Where what names no namespace would be made.
    pub namespace: Name,
    /// How soon.
    pub haste: Haste,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskedModel {
    /// What was asked last.
    pub question: Option<Question>,
    /// What was answered: for each job of the text.
    pub said: Vec<Said>,
    /// Whether that is about what was asked last.
    pub answered: bool,
    /// Whether each job would start at once, on the last page; none until who holds what was read.
    pub outlooks: Vec<Outlook>,
}

impl AskedModel {
    /// Whether this was asked already.
    pub fn is_about(&self, session: SessionId, version: u64, namespace: &Name) -> bool {
        let same = |question: &Question| (question.session, question.version) == (session, version);
        self.question.as_ref().is_some_and(|question| same(question) && question.namespace == *namespace)
    }

    /// Whether answers are still out.
    pub fn is_out(&self) -> bool {
        self.question.is_some() && (!self.answered || self.said.iter().any(|said| !said.out.is_empty()))
    }
}
