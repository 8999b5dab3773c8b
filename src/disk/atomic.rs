//! Writing a file whole or not at all, for its owner only.
//!
//! Owns the order: temporary file beside it, fsync, rename, fsync of the directory. Directories are 0700, files 0600.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::problem::{DiskKind, DiskProblem};

/// Makes a directory and those above it, for its owner only; leaves alone what is there.
pub fn make_dir(path: &Path) -> Result<(), DiskProblem> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| DiskProblem::io(path, &error))
}

/// Replaces `path` by `bytes`. On any error the old content is still there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), DiskProblem> {
    replace(path, bytes, true)
}

/// The same without waiting for the disk: it outlives this process at once, a power cut only some seconds later.
pub fn write_quickly(path: &Path, bytes: &[u8]) -> Result<(), DiskProblem> {
    replace(path, bytes, false)
}

fn replace(path: &Path, bytes: &[u8], synced: bool) -> Result<(), DiskProblem> {
    let dir = path.parent().unwrap_or(Path::new("."));
    make_dir(dir)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(format!(".{name}.{}.tmp", std::process::id()));
    let result = write_new(&temporary, bytes, synced).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = result {
        // It may never have been made.
        let _ = fs::remove_file(&temporary);
        return Err(DiskProblem::io(path, &error));
    }
    if synced {
        // Some file systems can't sync a directory; the content is safe either way.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
    // A leftover of a crashed process with our id.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    if synced { file.sync_all() } else { Ok(()) }
}

/// A file that is written in parts and comes to its place whole. Dropped before [`Growing::finish`], nothing is left.
#[derive(Debug)]
pub struct Growing {
    temporary: PathBuf,
    path: PathBuf,
}

impl Growing {
    /// Begins; the directory is there.
    pub fn new(path: &Path) -> Result<Self, DiskProblem> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        write_new(&temporary, &[], true).map_err(|error| DiskProblem::io(path, &error))?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// Adds to its end.
    pub fn append(&self, bytes: &[u8]) -> Result<(), DiskProblem> {
        let file = OpenOptions::new().append(true).open(&self.temporary);
        file.and_then(|mut file| file.write_all(bytes)).map_err(|error| DiskProblem::io(&self.path, &error))
    }

    /// Puts it in the place of what was there.
    pub fn finish(self) -> Result<(), DiskProblem> {
        let synced = File::open(&self.temporary).and_then(|file| file.sync_all());
        synced
            .and_then(|()| fs::rename(&self.temporary, &self.path))
            .map_err(|error| DiskProblem::io(&self.path, &error))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        // After it was finished there is none.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Reads at most `most` bytes; `None` if there is no such file.
pub fn read(path: &Path, most: usize) -> Result<Option<Vec<u8>>, DiskProblem> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DiskProblem::io(path, &error)),
    };
    let mut bytes = Vec::new();
    let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| DiskProblem::io(path, &error))?;
    if bytes.len() > most {
        return Err(DiskProblem::new(path, DiskKind::TooLarge(most)));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn what_grows_is_there_only_when_it_is_finished() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.log");
        let growing = Growing::new(&path).expect("made");
        growing.append(b"one\n").and_then(|()| growing.append(b"two\n")).expect("written");
        assert!(!path.exists());
        growing.finish().expect("finished");
        assert_eq!((fs::read(&path).expect("there"), mode(&path)), (b"one\ntwo\n".to_vec(), 0o600));
        drop(Growing::new(&dir.path().join("b.log")).expect("made"));
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "what was given up leaves nothing");
    }

    #[test]
    fn is_whole_private_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("new/state.json");
        write(&path, b"one").expect("written");
        write(&path, b"two").expect("written");
        assert_eq!(read(&path, 9).expect("read"), Some(b"two".to_vec()));
        assert_eq!((mode(&path), mode(&dir.path().join("new"))), (0o600, 0o700));
        assert_eq!(fs::read_dir(dir.path().join("new")).expect("listed").count(), 1);
    }

    #[test]
    fn a_failed_write_keeps_the_old_content_and_says_why() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state");
        fs::create_dir(&path).expect("made");
        assert!(write(&path, b"x").is_err(), "a directory can't be replaced by a file");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "no temporary file may stay");
        let full = DiskProblem::io(&path, &io::ErrorKind::StorageFull.into());
        assert!(full.to_string().contains("disk is full"), "{full}");
    }

    #[test]
    fn bounds_hold() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        write(&path, b"12345").expect("written");
        assert!(read(&path, 4).is_err());
        assert_eq!(read(&dir.path().join("b"), 4), Ok(None));
    }
}
