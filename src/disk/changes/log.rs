//! The change log: a line before each change, and one after it.
//!
//! Owns the format and the bound (a file of 2 MB and the one before it). Several processes write it, a line at a time.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    disk::{atomic, problem::DiskProblem},
    jobs::{Clean, Name, Secs, Uid},
};

const MOST_BYTES: u64 = 2 << 20;

/// How far a change came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It is going to be sent.
    #[default]
    Begun,
    /// The server did it.
    Done,
    /// Nothing changed.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Joins the two lines of a change.
    pub id: Clean,
    /// Joins the changes that were confirmed together.
    pub run: Clean,
    /// When.
    pub at: Secs,
    /// How far it is.
    pub stage: Stage,
    /// `delete MPIJob vision/train`, for people.
    pub what: Clean,
    /// `delete`, `scale`, …: for programs.
    pub verb: Clean,
    /// API group and version of what it is about.
    pub api_version: Clean,
    /// Kind of what it is about.
    pub kind: Clean,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Its uid, where it has one yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<Uid>,
    /// The context that led there.
    pub context: Clean,
    /// The server's address.
    pub server: Clean,
    /// Digest of that and of the CA: which cluster it was.
    pub cluster: String,
    /// Who, as the kubeconfig calls the user.
    pub user: Clean,
    /// How it was confirmed.
    pub confirmed: Clean,
    /// What came of it, in words.
    #[serde(skip_serializing_if = "Clean::is_empty")]
    pub result: Clean,
    /// How it can be undone, for whoever wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Value>,
}

/// Adds a line.
pub(super) fn append(path: &Path, entry: &Entry) -> Result<(), DiskProblem> {
    if let Some(dir) = path.parent() {
        atomic::make_dir(dir)?;
    }
    let mut line = serde_json::to_vec(entry).map_err(|error| DiskProblem::io(path, &error.into()))?;
    line.push(b'\n');
    write(path, &line).map_err(|error| DiskProblem::io(path, &error))
}

fn write(path: &Path, line: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() + line.len() as u64 > MOST_BYTES) {
        fs::rename(path, older(path))?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // What a crash left half written must not swallow this line.
    let mut last = [b'\n'];
    let torn = file.seek(SeekFrom::End(-1)).is_ok() && file.read_exact(&mut last).is_ok() && last != *b"\n";
    let whole = if torn { [b"\n", line].concat() } else { line.to_vec() };
    file.write_all(&whole)?;
    file.sync_data()
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("log.old")
}

/// The newest entries, oldest of them first. What is no entry is left out.
pub(super) fn read(path: &Path, most: usize) -> Result<Vec<Entry>, DiskProblem> {
    let mut all = Vec::new();
    for path in [older(path), path.to_owned()] {
        let bytes = atomic::read(&path, 2 * MOST_BYTES as usize)?.unwrap_or_default();
        all.extend(bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Entry>(line).ok()));
    }
    Ok(all.split_off(all.len().saturating_sub(most)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn entry(n: u32) -> Entry {
        Entry {
            id: Clean::new(&n.to_string()),
            at: Secs(n),
            what: Clean::new("delete a\u{1b}[31m"),
            ..Entry::default()
        }
    }

    #[test]
    fn lines_come_back_and_a_torn_one_costs_only_itself() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("new/changes.log");
        append(&path, &entry(1)).expect("written");
        let whole = fs::read(&path).expect("there");
        fs::write(&path, [&whole[..], &whole[..whole.len() / 2]].concat()).expect("torn");
        append(&path, &entry(2)).expect("written");
        assert_eq!(read(&path, 10).expect("read"), [entry(1), entry(2)]);
        assert_eq!(read(&path, 1).expect("read"), [entry(2)]);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn it_is_bounded_and_the_newest_are_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("changes.log");
        let long = Entry { result: Clean::new(&"x".repeat(100_000)), ..entry(0) };
        for at in 0..60 {
            append(&path, &Entry { at: Secs(at), ..long.clone() }).expect("written");
        }
        let sizes: u64 = [older(&path), path.clone()].iter().map(|p| fs::metadata(p).map_or(0, |m| m.len())).sum();
        assert!(sizes <= 2 * MOST_BYTES, "{sizes}");
        assert_eq!(read(&path, 100).expect("read").last().map(|entry| entry.at), Some(Secs(59)));
    }
}
