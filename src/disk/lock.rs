//! One writer at a time, across processes.
//!
//! Owns advisory locks on a file beside what they protect; the kernel lets go of them when a process ends.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use super::{
    atomic,
    problem::{DiskKind, DiskProblem},
};

/// Held while it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `path`, waiting for somebody who has it and will not keep it long. Blocking, for two seconds at most.
    pub fn wait(path: &Path) -> Result<Self, DiskProblem> {
        for _ in 0..200 {
            match Self::take(path) {
                Err(DiskProblem { kind: DiskKind::Busy, .. }) => std::thread::sleep(Duration::from_millis(10)),
                taken => return taken,
            }
        }
        Self::take(path)
    }

    /// Takes the lock of `path`, or says that somebody else has it. Never waits.
    pub fn take(path: &Path) -> Result<Self, DiskProblem> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let beside = PathBuf::from(name);
        if let Some(dir) = path.parent() {
            atomic::make_dir(dir)?;
        }
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&beside);
        let file = open.map_err(|error| DiskProblem::io(&beside, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => Err(DiskProblem::new(path, DiskKind::Busy)),
            // A file system without locks: better unlocked than not at all.
            Ok(()) | Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK) => Ok(Self { file }),
            Err(errno) => Err(DiskProblem::io(&beside, &errno.into())),
        }
    }
}

impl Drop for Lock {
    /// Said, not left to the closing of the file: a program that is just being started has the file open, too, until it
    /// runs, and would hold the lock so long.
    fn drop(&mut self) {
        // There is nothing to do about a failure: the lock goes with the file then.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        let first = Lock::take(&path).expect("free");
        assert_eq!(Lock::take(&path).map(|_| ()).map_err(|problem| problem.kind), Err(DiskKind::Busy));
        let also_open = first.file.try_clone().expect("open twice");
        drop(first);
        assert!(Lock::take(&path).is_ok());
        drop(also_open);
    }
}
