//! Rows by uid, with small stable numbers to point at them from indexes.

use std::collections::HashMap;

use crate::jobs::text::Uid;

/// A slab with an index by uid. A number stays valid until its row is removed.
#[derive(Debug)]
pub(super) struct Table<T> {
    slots: Vec<Option<Box<T>>>,
    free: Vec<u32>,
    ids: HashMap<Uid, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), ids: HashMap::new() }
    }
}

impl<T> Table<T> {
    pub(super) fn id(&self, uid: &Uid) -> Option<u32> {
        self.ids.get(uid).copied()
    }

    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.slots.get(id as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.slots.get_mut(id as usize)?.as_deref_mut()
    }

    pub(super) fn insert(&mut self, uid: Uid, row: T) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.slots[id as usize] = Some(Box::new(row));
        self.ids.insert(uid, id);
        id
    }

    pub(super) fn remove(&mut self, uid: &Uid) -> Option<(u32, T)> {
        let id = self.ids.remove(uid)?;
        let row = self.slots.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some((id, *row))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().enumerate().filter_map(|(id, row)| Some((id as u32, row.as_deref()?)))
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}
