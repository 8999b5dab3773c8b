//! The session: where we are connected to, as whom, which namespaces we look at, and how its lists do.

use crate::jobs::{Name, Secs};

/// Generation of a session: what an older one still answers is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u32);

/// Which namespaces are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// A set, sorted, never empty.
    Named(Vec<Name>),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.pad("all namespaces"),
            Self::Named(names) => f.pad(&names.iter().map(Name::as_str).collect::<Vec<_>>().join(",")),
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct SessionModel {
    /// Which session is current.
    pub id: SessionId,
    /// Name of the context; empty when there is none.
    pub context: String,
    /// Name of the user.
    pub user: String,
    /// Namespaces looked at.
    pub scope: Scope,
    /// Nothing may be changed.
    pub read_only: bool,
}

impl SessionModel {
    /// When an age in the header will read otherwise.
    pub const fn next_deadline(&self, _now: Secs) -> Option<Secs> {
        None
    }
}

/// What happened in a session.
#[derive(Debug)]
pub enum SessionMessage {}

/// What a session wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEffect {}
