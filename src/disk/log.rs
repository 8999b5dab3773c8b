//! The program's own log: a file of bounded size, for its owner only.
//!
//! Owns the file and its one older generation. Must not decide what is logged.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{atomic, problem::DiskProblem};

/// A file that is renamed to `NAME.old` when it is full. It never fails: a log that can't be written is lost.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    most: u64,
}

impl LogFile {
    /// Appends to `path`, at most `most` bytes before the file is turned over.
    pub fn open(path: &Path, most: u64) -> Result<Self, DiskProblem> {
        if let Some(dir) = path.parent() {
            atomic::make_dir(dir)?;
        }
        let file = append(path).map_err(|error| DiskProblem::io(path, &error))?;
        let size = file.metadata().map_or(0, |meta| meta.len());
        Ok(Self { path: path.to_owned(), file: Some(file), size, most })
    }

    fn turn_over(&mut self) {
        let mut old = self.path.as_os_str().to_owned();
        old.push(".old");
        let renamed = fs::rename(&self.path, PathBuf::from(old));
        self.file = renamed.and_then(|()| append(&self.path)).ok();
        self.size = 0;
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size + bytes.len() as u64 > self.most {
            self.turn_over();
        }
        if let Some(file) = &mut self.file
            && file.write_all(bytes).is_ok()
        {
            self.size += bytes.len() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_generations_bound_its_size() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("logs/a.log");
        let mut log = LogFile::open(&path, 1000).expect("opened");
        for i in 0..100 {
            writeln!(log, "{i:>49}").expect("never fails");
        }
        let sizes: Vec<_> = fs::read_dir(dir.path().join("logs"))
            .expect("listed")
            .map(|entry| entry.and_then(|entry| entry.metadata()).map_or(0, |meta| meta.len()))
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size <= 1000), "{sizes:?}");
        assert!(fs::read_to_string(&path).expect("read").contains("99"));
    }
}
