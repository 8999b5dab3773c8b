//! Questions about rights and their answers, as a session remembers them.
//!
//! Who asks them is `access`.

use std::collections::HashMap;

use crate::jobs::text::{Clean, Name};

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: &'static str,
    /// API group, empty for core.
    pub group: &'static str,
    /// Plural, with a subresource if need be: `pods`, `pods/log`.
    pub resource: &'static str,
    /// Namespace, or all.
    pub namespace: Option<Name>,
}

/// The server's guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// No, and why if it says so.
    Denied(Clean),
    /// It could not be asked; try and see.
    Unknown,
}

/// Verdicts that were given in this session.
pub(crate) type Known = HashMap<Ask, Verdict>;
