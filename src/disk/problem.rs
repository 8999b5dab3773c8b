//! What can go wrong with a file, by kind, with what to do.

use std::{io, path::Path};

use thiserror::Error;

use crate::jobs::Clean;

/// A file that could not be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: {kind}")]
pub struct DiskProblem {
    /// Which file.
    pub path: Clean,
    /// What happened.
    pub kind: DiskKind,
}

/// What happened to a file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiskKind {
    /// No space, or no quota.
    #[error("the disk is full; free some space, nothing was overwritten")]
    Full,
    /// A read-only file system.
    #[error("the file system is read-only; set XDG_STATE_HOME to a directory that can be written")]
    ReadOnly,
    /// Not allowed.
    #[error("not allowed; check who owns the file and its directory")]
    Denied,
    /// Another process holds it.
    #[error("another mpideck is writing it; try again")]
    Busy,
    /// More than we keep.
    #[error("is larger than the {0} bytes that are kept")]
    TooLarge(usize),
    /// Not what we wrote; set aside under another name.
    #[error("could not be understood ({why}) and was set aside as {aside}")]
    Unreadable {
        /// Why not.
        why: Clean,
        /// Its new name.
        aside: Clean,
    },
    /// Anything else, in the system's words.
    #[error("{0}")]
    Other(Clean),
}

impl DiskProblem {
    /// Of this kind.
    pub fn new(path: &Path, kind: DiskKind) -> Self {
        Self { path: Clean::new(&path.to_string_lossy()), kind }
    }

    /// From the system's error.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskKind::Full,
            io::ErrorKind::ReadOnlyFilesystem => DiskKind::ReadOnly,
            io::ErrorKind::PermissionDenied => DiskKind::Denied,
            io::ErrorKind::WouldBlock => DiskKind::Busy,
            _ => DiskKind::Other(Clean::new(&error.to_string())),
        };
        Self::new(path, kind)
    }
}
