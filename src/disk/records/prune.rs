//! Which records go: those too old, then the oldest until all fit. Never one that is being written.

use std::path::PathBuf;

use super::shelf::{self, Records};
use crate::{disk::problem::DiskProblem, jobs::Secs};

/// What went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records removed.
    pub records: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Records that would have gone, but are being written.
    pub busy: usize,
    /// What could not be removed, and why.
    pub problems: Vec<DiskProblem>,
}

/// Keeps the bounds. `age` in seconds goes before the bound of that name.
pub fn prune(records: &Records, now: Secs, age: Option<u32>) -> Result<Pruned, DiskProblem> {
    let bounds = records.bounds();
    let (most, age) = (bounds.total, age.unwrap_or(bounds.age));
    let dirs = records.dirs()?;
    let mut all: Vec<(Secs, u64, PathBuf)> =
        dirs.into_iter().map(|dir| (shelf::written(&dir), shelf::size(&dir), dir)).collect();
    all.sort();
    let mut total: u64 = all.iter().map(|(_, size, _)| size).sum();
    let mut pruned = Pruned::default();
    for (written, size, dir) in all {
        if now.since(written) < age && total <= most {
            continue;
        }
        match shelf::remove(&dir) {
            Ok(true) => {
                (pruned.records, pruned.bytes) = (pruned.records + 1, pruned.bytes + size);
                total = total.saturating_sub(size);
            }
            Ok(false) => pruned.busy += 1,
            Err(problem) => pruned.problems.push(problem),
        }
    }
    Ok(pruned)
}
