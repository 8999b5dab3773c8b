//! What was asked how often: tests count requests, and the console's own load can be compared.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Asked, Query};

/// Requests by verb and resource.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<String, u64>>);

impl Counters {
    pub(super) fn count(&self, asked: &Asked, query: &Query) {
        let what = if asked.resource.is_empty() { asked.path.clone() } else { asked.full_resource() };
        let dry = if query.get("dryRun") == "All" { "dry-run " } else { "" };
        *self.lock().entry(format!("{dry}{} {what}", asked.verb)).or_default() += 1;
    }

    /// How often `verb` was asked of `resource` (or of a path); `dry-run create` is what kept nothing.
    pub fn get(&self, verb: &str, resource: &str) -> u64 {
        self.lock().get(&format!("{verb} {resource}")).copied().unwrap_or(0)
    }

    /// All counts, as `list pods` → 3.
    pub fn all(&self) -> BTreeMap<String, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
