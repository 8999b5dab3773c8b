//! A file of lines that only grows: what was written stays whatever happens.
//!
//! Owns appending whole lines, and mending the end that a crash or a full disk left half written. Whoever opens one for
//! writing holds the record's lock.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::disk::{atomic, problem::DiskProblem};

/// Bytes looked at, at a time, for the last line's end.
const STEP: u64 = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    file: File,
    len: u64,
    /// A failed write could not be taken back: do so before the next.
    torn: bool,
}

impl LineFile {
    /// Opens or makes it, 0600; a last line without its end goes.
    pub(super) fn open(path: &Path) -> Result<Self, DiskProblem> {
        let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let mended = open.and_then(|mut file| {
            let len = whole(&mut file)?;
            if len < file.metadata()?.len() {
                file.set_len(len)?;
            }
            Ok(Self { path: path.to_owned(), file, len, torn: false })
        });
        mended.map_err(|error| DiskProblem::io(path, &error))
    }

    /// Bytes of it.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Adds lines, each with its end. After an error the file is as it was before.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), DiskProblem> {
        let written = self.mend().and_then(|()| self.file.write_all(lines));
        match written {
            Ok(()) => {
                self.len += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.torn = true;
                // What can't be taken back now is before the next write, or when it is opened again.
                let _ = self.mend();
                Err(DiskProblem::io(&self.path, &error))
            }
        }
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.len)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Replaces the whole content, or leaves it as it is.
    pub(super) fn replace(&mut self, lines: &[u8]) -> Result<(), DiskProblem> {
        atomic::write(&self.path, lines)?;
        *self = Self::open(&self.path)?;
        Ok(())
    }

    /// Lets what was written survive a loss of power.
    pub(super) fn sync(&self) {
        // A file system that can't is no reason to stop.
        let _ = self.file.sync_data();
    }
}

/// The length up to the last line's end.
fn whole(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut step = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        step.resize((end - start) as usize, 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut step)?;
        if let Some(at) = step.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The whole lines of a file, of its first `most` bytes; none if it is not there.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, DiskProblem> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DiskProblem::io(path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(|error| DiskProblem::io(path, &error))?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(end);
    Ok(bytes)
}

/// Lines without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// What a file takes, 0 if it is not there.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_file_torn_anywhere_loses_at_most_its_last_line(
            texts in proptest::collection::vec("[a-z]{0,200}", 1..20), at in any::<prop::sample::Index>(),
        ) {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("a");
            let all = texts.join("\n") + "\n";
            let cut = at.index(all.len() + 1);
            fs::write(&path, &all.as_bytes()[..cut]).expect("written");
            let mut file = LineFile::open(&path).expect("opened");
            file.append(b"next\n").expect("appended");
            let kept = all[..cut].matches('\n').count();
            let want = [&texts[..kept], &["next".to_owned(), String::new()]].concat().join("\n");
            prop_assert_eq!(fs::read_to_string(&path).expect("read"), want);
        }
    }

    #[test]
    fn a_torn_end_longer_than_a_step_is_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        fs::write(&path, [b"one\n".as_slice(), &vec![b'x'; 3 * STEP as usize]].concat()).expect("written");
        assert_eq!(LineFile::open(&path).expect("opened").len(), 4);
        assert_eq!(read(&path, 1 << 20).expect("read"), b"one\n");
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        let mut file = LineFile::open(&path).expect("opened");
        file.append(b"one\n").expect("appended");
        let writable = std::mem::replace(&mut file.file, File::open(&path).expect("read only"));
        assert!(file.append(b"two\n").is_err(), "a file opened for reading can't be written");
        file.file = writable;
        file.append(b"three\n").expect("appended");
        assert_eq!(fs::read_to_string(&path).expect("read"), "one\nthree\n");
    }
}
