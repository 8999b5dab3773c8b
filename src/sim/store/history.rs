//! What changed, in order, for as long as it is kept: the part of the store that watches read.
//!
//! A reader holds a cursor, not a queue: who is too slow gets «expired», and nothing grows without bound.

use std::collections::VecDeque;

use super::resource::{ENDPOINTS, ENDPOINTSLICES};
use super::{Obj, Resource, Selector};

/// How much is kept of a resource: changes, and bytes of their JSON.
const KEPT: (usize, usize) = (20_000, 96 << 20);
/// As [`KEPT`], of what is written as a whole whenever one of its many parts changes.
const KEPT_OF_WHOLES: (usize, usize) = (2_000, 32 << 20);

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It was written.
    Modified,
    /// It is gone; the object is its last state.
    Deleted,
}

impl ChangeKind {
    /// The word of a watch line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its resource.
    pub resource: &'static Resource,
    /// What happened.
    pub kind: ChangeKind,
    /// The object after it; for a deletion its last state under the deletion's version.
    pub object: Obj,
    /// The object before it.
    pub before: Option<Obj>,
}

impl Change {
    /// What a watch of this scope sees of it: an object that leaves a selector is a deletion there.
    pub fn seen_by(&self, namespace: Option<&str>, selector: &Selector) -> Option<ChangeKind> {
        if namespace.is_some_and(|n| n != self.object.namespace) {
            return None;
        }
        if selector.is_empty() {
            return Some(self.kind);
        }
        let now = self.kind != ChangeKind::Deleted && selector.matches(self.resource, &self.object);
        let before = self.before.as_ref().is_some_and(|o| selector.matches(self.resource, o));
        match (before, now) {
            (false, true) => Some(ChangeKind::Added),
            (true, true) => Some(ChangeKind::Modified),
            (true, false) => Some(ChangeKind::Deleted),
            (false, false) => None,
        }
    }
}

/// The changes of one resource.
#[derive(Debug)]
pub(super) struct History {
    changes: VecDeque<Change>,
    bytes: usize,
    kept: (usize, usize),
    /// Changes up to this version are forgotten.
    pub(super) oldest: u64,
}

impl History {
    /// That of a resource, from `version` on.
    pub(super) fn new(resource: &Resource, version: u64) -> Self {
        let of_wholes = [&ENDPOINTS, &ENDPOINTSLICES].contains(&resource);
        let kept = if of_wholes { KEPT_OF_WHOLES } else { KEPT };
        Self { changes: VecDeque::new(), bytes: 0, kept, oldest: version }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.bytes += change.object.json().len();
        self.changes.push_back(change);
        let (changes, bytes) = self.kept;
        while self.changes.len() > changes || self.bytes > bytes {
            let Some(first) = self.changes.pop_front() else { break };
            self.bytes -= first.object.json().len();
            self.oldest = first.object.version;
        }
    }

    /// Changes after `version`, or `None` if some of them are forgotten.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let start = self.changes.partition_point(|c| c.object.version <= version);
        (version >= self.oldest).then(|| self.changes.iter().skip(start))
    }

    pub(super) fn forget(&mut self, up_to: u64) {
        self.changes.clear();
        self.bytes = 0;
        self.oldest = up_to;
    }
}
