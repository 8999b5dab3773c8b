//! What is kept of changes to clusters: who did what, manifests of what was deleted, and steps that are not finished.
//!
//! Owns the files of one directory: [`log`], `kept/` (the newest manifests) and `open/` (a slip for each change of
//! several steps, until its last one). Must not know what a change means.

pub mod log;
mod slips;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::slips::Slips;
use super::{lock::Lock, problem::DiskProblem};

pub use log::{Entry, Stage};

/// Manifests that are kept for an undo.
const KEPT: usize = 200;
/// Changes that are under way at once.
const OPEN: usize = 50;

/// The files of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeFiles {
    dir: PathBuf,
}

impl ChangeFiles {
    /// Those in this directory, which need not be there yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Where the change log is.
    pub fn log(&self) -> PathBuf {
        self.dir.join("changes.log")
    }

    /// Adds a line to the change log; it survives a loss of power.
    pub fn write(&self, entry: &Entry) -> Result<(), DiskProblem> {
        log::append(&self.log(), entry)
    }

    /// The newest entries of the change log, oldest of them first.
    pub fn entries(&self, most: usize) -> Result<Vec<Entry>, DiskProblem> {
        log::read(&self.log(), most)
    }

    /// Keeps a manifest under a name; the oldest ones go.
    pub fn keep(&self, name: &str, manifest: &Value) -> Result<(), DiskProblem> {
        self.slips("kept", KEPT).write(name, manifest)
    }

    /// A manifest that was kept.
    pub fn kept(&self, name: &str) -> Result<Option<Value>, DiskProblem> {
        self.slips("kept", KEPT).read(name)
    }

    /// A change of several steps begins.
    pub fn begin(&self, name: &str, slip: &Value) -> Result<(), DiskProblem> {
        self.slips("open", OPEN).write(name, slip)
    }

    /// It is over.
    pub fn end(&self, name: &str) -> Result<(), DiskProblem> {
        self.slips("open", OPEN).remove(name)
    }

    /// Takes the lock of one that was begun: nobody else goes on with it while this lives.
    pub fn hold(&self, name: &str) -> Result<Lock, DiskProblem> {
        self.slips("open", OPEN).hold(name)
    }

    /// Changes that were begun and are not over, by name.
    pub fn begun(&self) -> Result<Vec<(String, Value)>, DiskProblem> {
        self.slips("open", OPEN).all()
    }

    fn slips(&self, folder: &str, most: usize) -> Slips {
        Slips { dir: self.dir.join(folder), most }
    }
}
