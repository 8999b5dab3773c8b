//! Reading changes as they come.

use futures::future::select_all;
use tokio::sync::watch;

use super::table::TableId;
use super::{Change, Store};

/// Changes taken at once: a reader that is behind gives way between two takes.
const AT_ONCE: usize = 512;

/// The changes that a [`Feed`] should read next are no longer kept: list again, then subscribe again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged {
    /// What was asked for.
    pub asked: u64,
    /// The oldest version that can still be asked for.
    pub oldest: u64,
}

/// A cursor in the history of some resources.
pub struct Feed {
    store: Store,
    wakes: Vec<(TableId, watch::Receiver<u64>)>,
    cursor: u64,
}

impl Feed {
    pub(super) fn new(store: Store, wakes: Vec<(TableId, watch::Receiver<u64>)>, cursor: u64) -> Self {
        Self { store, wakes, cursor }
    }

    /// Everything up to this version has been read.
    pub fn version(&self) -> u64 {
        self.cursor
    }

    /// The changes that are there, oldest first, without waiting; empty if there are none.
    pub fn take(&mut self) -> Result<Vec<Change>, Lagged> {
        for (_, wake) in &mut self.wakes {
            wake.mark_unchanged();
        }
        let inner = self.store.lock();
        let mut found: Vec<Change> = Vec::new();
        for (id, _) in &self.wakes {
            let Some(table) = inner.tables.get(id) else { continue };
            let lagged = Lagged { asked: self.cursor, oldest: table.history.oldest };
            found.extend(table.history.since(self.cursor).ok_or(lagged)?.take(AT_ONCE).cloned());
        }
        found.sort_by_key(|c| c.object.version);
        // What a later table has beyond the cut comes again with the next take.
        let full = found.len() >= AT_ONCE;
        found.truncate(AT_ONCE);
        self.cursor = match found.last() {
            Some(last) if full => last.object.version,
            _ => inner.version.max(self.cursor),
        };
        if full {
            self.wakes.iter_mut().for_each(|(_, wake)| wake.mark_changed());
        }
        Ok(found)
    }

    /// Waits until there may be something to [`take`](Self::take). Never comes back if nothing is served.
    pub async fn ready(&mut self) {
        let changed = self.wakes.iter_mut().map(|(_, wake)| Box::pin(async move { wake.changed().await.is_ok() }));
        let changed: Vec<_> = changed.collect();
        if changed.is_empty() || !select_all(changed).await.0 {
            // Nothing served, or withdrawn: there will be no more changes.
            std::future::pending::<()>().await;
        }
    }

    /// The next changes, at least one.
    pub async fn next(&mut self) -> Result<Vec<Change>, Lagged> {
        loop {
            let found = self.take()?;
            if !found.is_empty() {
                return Ok(found);
            }
            self.ready().await;
        }
    }
}
