//! Schemas of kinds as the cluster of a session serves them, as far as they were asked for.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    console::model::session::SessionId,
    jobs::{Kind, schema::Served},
};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    session: SessionId,
    /// `None` while one is on its way, and where it can't be read.
    of: BTreeMap<Kind, Option<Arc<Served>>>,
}

impl Schemas {
    /// The schema of a kind as the cluster of this session serves it, where that is known.
    pub fn get(&self, session: SessionId, kind: Kind) -> Option<Arc<Served>> {
        self.of.get(&kind).filter(|_| self.session == session)?.clone()
    }

    /// Those of these kinds that this session was not asked for yet; they count as asked for from now on.
    pub fn wanted(&mut self, session: SessionId, kinds: &[Kind]) -> Vec<Kind> {
        if self.session != session {
            *self = Self { session, of: BTreeMap::new() };
        }
        let mut new: Vec<Kind> = kinds.iter().copied().filter(|kind| !self.of.contains_key(kind)).collect();
        new.sort_unstable();
        new.dedup();
        self.of.extend(new.iter().map(|kind| (*kind, None)));
        new
    }

    /// One came, or can't be had.
    pub fn known(&mut self, session: SessionId, kind: Kind, served: Option<Arc<Served>>) {
        if self.session == session {
            self.of.insert(kind, served);
        }
    }
}
