//! What kubelets remember of runs that a script alone can't tell: how waits ended, and the step a run began with.
//!
//! Owns that memory and the steps kept in volumes. Written by the controllers' loop, read by those who make logs.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use compact_str::CompactString;

/// How a wait ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// All were there.
    Met,
    /// It gave up: `words` names the text of the script, `peer` who was not there.
    InVain {
        /// `refused`, `timed-out`, `unresolved` or `rendezvous`.
        words: &'static str,
        /// The first who did not answer.
        peer: String,
        /// How many were there.
        there: usize,
        /// How many there should have been.
        wanted: usize,
    },
}

/// One wait that is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waited {
    /// Script seconds that it took.
    pub(crate) seconds: f64,
    /// How it ended.
    pub(crate) ending: Ending,
}

/// One run of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Note {
    /// Its wait, once that is over.
    pub(crate) waited: Option<Waited>,
    /// The step it began with.
    pub(crate) step: u64,
}

/// The memory. One for a cluster.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    runs: Mutex<HashMap<CompactString, Vec<Note>>>,
    steps: Mutex<HashMap<CompactString, u64>>,
}

fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// All runs of a pod's main container so far.
    pub(crate) fn runs(&self, pod: &str) -> Vec<Note> {
        open(&self.runs).get(pod).cloned().unwrap_or_default()
    }

    /// One run; empty if nothing is known of it.
    pub(crate) fn run(&self, pod: &str, number: usize) -> Note {
        open(&self.runs).get(pod).and_then(|runs| runs.get(number).cloned()).unwrap_or_default()
    }

    /// Remembers something of run `number`.
    pub(crate) fn note(&self, pod: &str, number: usize, change: impl FnOnce(&mut Note)) {
        let mut all = open(&self.runs);
        let runs = all.entry(pod.into()).or_default();
        if runs.len() <= number {
            runs.resize(number + 1, Note::default());
        }
        if let Some(note) = runs.get_mut(number) {
            change(note);
        }
    }

    /// The pod is gone.
    pub(crate) fn forget(&self, pod: &str) {
        open(&self.runs).remove(pod);
    }

    /// The step that is kept in a volume.
    pub(crate) fn step(&self, volume: &str) -> u64 {
        open(&self.steps).get(volume).copied().unwrap_or(0)
    }

    /// Keeps a step in a volume.
    pub(crate) fn save(&self, volume: &str, step: u64) {
        open(&self.steps).insert(volume.into(), step);
    }

    /// The volume is gone, with what it held.
    pub(crate) fn erase(&self, volume: &str) {
        open(&self.steps).remove(volume);
    }
}
