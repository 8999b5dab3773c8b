//! The lists that fill the fleet: how each is doing, and which full read a row was last seen in.

use std::collections::HashMap;

use super::{ListKey, ListPhase};

/// All lists, numbered in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Lists {
    all: Vec<(ListKey, ListPhase, u32)>,
    ids: HashMap<ListKey, u16>,
}

impl Lists {
    /// The number of a list and of its current full read.
    pub(super) fn enter(&mut self, key: &ListKey, restart: bool) -> (u16, u32) {
        let id = self.ids.get(key).copied().unwrap_or_else(|| {
            let id = self.all.len() as u16;
            self.all.push((key.clone(), ListPhase::Loading(0), 0));
            self.ids.insert(key.clone(), id);
            id
        });
        let read = &mut self.all[usize::from(id)].2;
        *read += u32::from(restart);
        (id, *read)
    }

    pub(super) fn set_phase(&mut self, id: u16, phase: ListPhase) {
        if let Some(list) = self.all.get_mut(usize::from(id)) {
            list.1 = phase;
        }
    }

    pub(super) fn phase(&self, key: &ListKey) -> Option<&ListPhase> {
        Some(&self.all[usize::from(*self.ids.get(key)?)].1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ListKey, &ListPhase)> {
        self.all.iter().map(|(key, phase, _)| (key, phase))
    }
}
