//! All records of a user: finding, listing, reading them.
//!
//! Reading needs no lock: files only grow, and a line that is being written is left out.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    fact::{Header, Record},
    file,
    log::{self, KeptLog},
    numbers::{self, KeptNumbers},
    place::{self, Bounds, ClusterPlace, FACTS},
    writer::Writer,
};
use crate::{
    disk::{
        atomic,
        lock::Lock,
        problem::{DiskKind, DiskProblem},
    },
    jobs::{Clean, Secs, fleet::JobKey},
};

/// The directory of all records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    root: PathBuf,
    bounds: Bounds,
}

/// A record in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Whose.
    pub header: Header,
    /// When it was begun.
    pub begun: Secs,
    /// When something was last added.
    pub last: Secs,
    /// When the job was found deleted.
    pub deleted: Option<Secs>,
    /// The last known state, in words, and whether it is an end.
    pub state: Clean,
    /// Whether that is an end.
    pub finished: bool,
    /// The last known cause.
    pub cause: Option<Clean>,
    /// Bytes on disk.
    pub size: u64,
    /// Where.
    pub dir: PathBuf,
}

impl Records {
    /// Of this directory, which need not be there.
    pub const fn new(root: PathBuf, bounds: Bounds) -> Self {
        Self { root, bounds }
    }

    /// Where they are.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Their limits.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Takes the record of a job for writing, making it if need be.
    pub fn writer(&self, header: &Header, now: Secs) -> Result<Writer, DiskProblem> {
        self.make_root()?;
        let dir = place::of_job(&self.root, &header.cluster, &header.job);
        Writer::open(&dir, header, self.bounds.job, now)
    }

    fn make_root(&self) -> Result<(), DiskProblem> {
        atomic::make_dir(&self.root)?;
        let problem = |error: &io::Error| DiskProblem::io(&self.root, error);
        let mode = fs::metadata(&self.root).map_err(|error| problem(&error))?.permissions().mode();
        // Made by hand or copied from elsewhere: logs are nobody else's business.
        if mode & 0o077 != 0 {
            fs::set_permissions(&self.root, fs::Permissions::from_mode(0o700)).map_err(|error| problem(&error))?;
        }
        Ok(())
    }

    /// Where the record of a job is, or would be.
    pub fn dir(&self, cluster: &ClusterPlace, key: &JobKey) -> PathBuf {
        place::of_job(&self.root, cluster, key)
    }

    /// The record of a job; `None` if there is none.
    pub fn find(&self, cluster: &ClusterPlace, key: &JobKey) -> Result<Option<Record>, DiskProblem> {
        self.read(&place::of_job(&self.root, cluster, key))
    }

    /// The record in a directory that [`Records::list`] named.
    pub fn read(&self, dir: &Path) -> Result<Option<Record>, DiskProblem> {
        let bytes = file::read(&dir.join(FACTS), self.bounds.job.max(Bounds::default().job))?;
        Ok(Record::of_lines(file::lines(&bytes)))
    }

    /// The lines of a job's logs that were kept.
    pub fn logs(&self, cluster: &ClusterPlace, key: &JobKey) -> Result<Vec<KeptLog>, DiskProblem> {
        self.logs_in(&place::of_job(&self.root, cluster, key))
    }

    /// The same, in a directory that [`Records::list`] named.
    pub fn logs_in(&self, dir: &Path) -> Result<Vec<KeptLog>, DiskProblem> {
        log::read(dir, self.bounds.job.max(Bounds::default().job))
    }

    /// What was measured of the job up to its end, in a directory that [`Records::list`] named; `None` if that was not kept.
    pub fn numbers_in(&self, dir: &Path) -> Result<Option<KeptNumbers>, DiskProblem> {
        numbers::read(dir, self.bounds.job.max(Bounds::default().job))
    }

    /// All of them, newest first; of one cluster, if that is given. What can't be read is left out.
    pub fn list(&self, cluster: Option<&ClusterPlace>) -> Result<Vec<Summary>, DiskProblem> {
        let mut all: Vec<_> = self
            .dirs()?
            .iter()
            .filter_map(|dir| self.summary(dir))
            .filter(|summary| cluster.is_none_or(|cluster| summary.header.cluster.id == cluster.id))
            .collect();
        all.sort_by(|a, b| (b.last, &b.header.job).cmp(&(a.last, &a.header.job)));
        Ok(all)
    }

    /// The directories of all records.
    pub(super) fn dirs(&self) -> Result<Vec<PathBuf>, DiskProblem> {
        let mut out = Vec::new();
        for cluster in entries(&self.root)? {
            // A file that somebody put there is none of ours.
            let jobs = entries(&cluster).unwrap_or_default();
            out.extend(jobs.into_iter().filter(|dir| dir.join(FACTS).exists()));
        }
        Ok(out)
    }

    fn summary(&self, dir: &Path) -> Option<Summary> {
        let Ok(Some(record)) = self.read(dir) else { return None };
        let change = record.changes.last().cloned().unwrap_or_default();
        Some(Summary {
            begun: record.begun,
            last: record.last,
            deleted: record.deleted,
            state: change.state,
            finished: change.finished,
            cause: change.cause,
            size: size(dir),
            dir: dir.to_owned(),
            header: record.header,
        })
    }
}

/// Bytes of the files in a record.
pub(super) fn size(dir: &Path) -> u64 {
    entries(dir).unwrap_or_default().iter().map(|path| file::size(path)).sum()
}

/// When something was last written there, in seconds since 1970.
pub(super) fn written(dir: &Path) -> Secs {
    let times =
        entries(dir).unwrap_or_default().into_iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok());
    let seconds = times.filter_map(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map(|since| since.as_secs());
    Secs(seconds.max().and_then(|at| u32::try_from(at).ok()).unwrap_or(0))
}

/// Removes a record, unless somebody writes it. `Ok(false)`: somebody does.
pub fn remove(dir: &Path) -> Result<bool, DiskProblem> {
    let _lock = match Lock::take(&dir.join(FACTS)) {
        Ok(lock) => lock,
        Err(DiskProblem { kind: DiskKind::Busy, .. }) => return Ok(false),
        Err(problem) => return Err(problem),
    };
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskProblem::io(dir, &error)),
        _ => {
            // The cluster's directory goes with its last record; with others in it this fails, as it should.
            let _ = dir.parent().map(fs::remove_dir);
            Ok(true)
        }
    }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, DiskProblem> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.filter_map(Result::ok).map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(DiskProblem::io(dir, &error)),
    }
}
