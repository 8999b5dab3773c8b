//! What is kept for the next run, on its way to the disk: one write at a time, in the order in which it was decided.
//!
//! Owns what waits for that. What could not be written is tried again with the next. Must not decide what is worth keeping.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::disk;
use crate::{
    console::effect::Remember,
    disk::{DiskProblem, Remembered},
};

/// More than a person does between two writes; of what can't be written for longer, the newest is kept.
const MOST: usize = 100;

/// The way to the file, shared by all who remember something.
#[derive(Clone)]
pub(super) struct Keeping(Arc<Inner>);

struct Inner {
    path: Option<PathBuf>,
    waiting: Mutex<Vec<Remember>>,
    turn: Mutex<()>,
}

impl Keeping {
    /// To this file; nothing is kept without one.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner { path, waiting: Mutex::default(), turn: Mutex::default() }))
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Puts something in line. It is written with the next [`Self::write`].
    pub(super) fn put(&self, what: Remember) {
        let mut waiting = own(&self.0.waiting);
        if waiting.len() == MOST {
            waiting.remove(0);
        }
        waiting.push(what);
    }

    /// Writes all that waits. Blocking.
    pub(super) fn write(&self) -> Result<(), DiskProblem> {
        let _turn = own(&self.0.turn);
        let all = std::mem::take(&mut *own(&self.0.waiting));
        let Some(path) = self.path().filter(|_| !all.is_empty()) else { return Ok(()) };
        let written = Remembered::change(path, |kept| all.iter().cloned().for_each(|what| disk::keep(kept, what)));
        if written.is_err() {
            own(&self.0.waiting).splice(..0, all);
        }
        written.map(drop)
    }
}

fn own<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Remember {
        Remember::Filter { name: "f".into(), text: Some(text.into()) }
    }

    #[test]
    fn the_last_word_counts_whoever_writes_first_and_nothing_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("remembered.json");
        let keeping = Keeping::new(Some(path.clone()));
        std::thread::scope(|scope| {
            for nth in 0..50 {
                keeping.put(filter(&nth.to_string()));
                scope.spawn(|| keeping.write().expect("written"));
            }
        });
        assert_eq!(Remembered::load(&path).0.filters["f"], "49");
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("remembered.json");
        std::fs::create_dir(&path).expect("in the way");
        let keeping = Keeping::new(Some(path.clone()));
        keeping.put(filter("a"));
        assert!(keeping.write().is_err());
        std::fs::remove_dir(&path).expect("out of the way");
        keeping.put(Remember::Line("jobs".into()));
        keeping.write().expect("written");
        let kept = Remembered::load(&path).0;
        assert_eq!((kept.filters["f"].as_str(), kept.history.as_slice()), ("a", &["jobs".to_owned()][..]));
    }
}
