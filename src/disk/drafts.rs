//! Drafts: manifests that are being written, kept until they are sent or thrown away.
//!
//! Owns a directory with two files a draft: `<key>.yaml`, its text and nothing else, so that any tool can rescue it, and
//! `<key>.json`, what is known about it. A lock tells whether a process has it open. Must not understand the text.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    atomic,
    lock::Lock,
    problem::{DiskKind, DiskProblem},
};
use crate::jobs::{Clean, Secs, fleet::JobKey};

/// More than any API server takes.
pub const MOST_BYTES: usize = 4 << 20;
const MOST_ABOUT: usize = 1 << 16;
/// Drafts that are listed; the newest count.
const MOST_LISTED: usize = 200;

/// Which draft: the beginning of its files' names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DraftKey(String);

impl DraftKey {
    /// A new one: drafts begun later sort behind. `number` tells apart those that a process begins within a second.
    pub fn new(now: Secs, process: u32, number: u32) -> Self {
        Self(format!("{:010}-{process}-{number}", now.0))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads what [`DraftKey::as_str`] gave; `None` for what could lead out of the directory.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        ok.then(|| Self(text.to_owned()))
    }
}

/// What is known about a draft beside its text. Fields of a newer version are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Kind and name, for lists.
    #[serde(default)]
    pub title: String,
    /// Where it began: «from template cpu-smoke», «fix of team-a/train».
    #[serde(default)]
    pub origin: String,
    /// The context it is meant for; empty for none in particular.
    #[serde(default)]
    pub context: String,
    /// A person has it open, or the process that had it was killed.
    #[serde(default)]
    pub open: bool,
    /// For the edit of a living job: which, and what the text is compared with.
    #[serde(default)]
    pub live: Option<Living>,
}

/// The living job that a draft is an edit of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Living {
    /// Which job.
    pub key: JobKey,
    /// What it was when the text was made from it, or came together with it last.
    pub base: Value,
}

/// One draft of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Which.
    pub key: DraftKey,
    /// What is known about it.
    pub about: About,
    /// When it was last written.
    pub changed: Secs,
    /// Length of its text.
    pub bytes: u64,
    /// Another process has it open.
    pub busy: bool,
}

impl Summary {
    /// Whether it was open in a process that is gone.
    pub const fn was_left(&self) -> bool {
        self.about.open && !self.busy
    }
}

/// The directory of all drafts.
#[derive(Clone, Debug)]
pub struct Drafts {
    dir: PathBuf,
}

/// A draft that this process may write. Nobody else can while this lives.
#[derive(Debug)]
pub struct OpenDraft {
    key: DraftKey,
    dir: PathBuf,
    _lock: Lock,
}

impl Drafts {
    /// In this directory, which need not be there yet.
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn file(&self, key: &DraftKey, ending: &str) -> PathBuf {
        file(&self.dir, key, ending)
    }

    /// Takes a draft for writing, whether it is there already or not.
    pub fn take(&self, key: &DraftKey) -> Result<OpenDraft, DiskProblem> {
        let lock = Lock::take(&self.file(key, "yaml"))?;
        Ok(OpenDraft { key: key.clone(), dir: self.dir.clone(), _lock: lock })
    }

    /// What is known about a draft, and its text.
    pub fn read(&self, key: &DraftKey) -> Result<(About, String), DiskProblem> {
        let path = self.file(key, "yaml");
        let bytes = atomic::read(&path, MOST_BYTES)?;
        let bytes = bytes.ok_or_else(|| DiskProblem::new(&path, DiskKind::Other(Clean::new("it is not there"))))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| DiskProblem::new(&path, DiskKind::Other(Clean::new("it is not UTF-8 text"))))?;
        Ok((self.about(key), text))
    }

    /// What is known; the text is worth more than what is said about it, so that nothing here is an error.
    fn about(&self, key: &DraftKey) -> About {
        let bytes = atomic::read(&self.file(key, "json"), MOST_ABOUT + MOST_BYTES).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Every draft, newest change first.
    pub fn list(&self) -> Result<Vec<Summary>, DiskProblem> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(DiskProblem::io(&self.dir, &error)),
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let texts = paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
        let mut all: Vec<_> = texts.filter_map(|path| self.summary(&path)).collect();
        all.sort_by(|a, b| (b.changed, &b.key).cmp(&(a.changed, &a.key)));
        all.truncate(MOST_LISTED);
        Ok(all)
    }

    fn summary(&self, path: &Path) -> Option<Summary> {
        let key = DraftKey::parse(path.file_stem()?.to_str()?)?;
        let meta = fs::metadata(path).ok()?;
        let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let changed = Secs(u32::try_from(since.as_secs()).unwrap_or(u32::MAX));
        let busy = Lock::take(path).is_err();
        Some(Summary { about: self.about(&key), changed, bytes: meta.len(), busy, key })
    }

    /// Throws a draft away, unless somebody has it open.
    pub fn remove(&self, key: &DraftKey) -> Result<(), DiskProblem> {
        self.take(key)?.remove()
    }
}

impl OpenDraft {
    /// Writes the text. With `synced` it also outlives a power cut, and takes as long as the disk needs.
    pub fn write(&self, text: &str, synced: bool) -> Result<(), DiskProblem> {
        let path = file(&self.dir, &self.key, "yaml");
        if text.len() > MOST_BYTES {
            return Err(DiskProblem::new(&path, DiskKind::TooLarge(MOST_BYTES)));
        }
        if synced { atomic::write(&path, text.as_bytes()) } else { atomic::write_quickly(&path, text.as_bytes()) }
    }

    /// Writes what is known about it.
    pub fn describe(&self, about: &About) -> Result<(), DiskProblem> {
        let path = file(&self.dir, &self.key, "json");
        let bytes = serde_json::to_vec_pretty(about)
            .map_err(|error| DiskProblem::new(&path, DiskKind::Other(Clean::new(&error.to_string()))))?;
        atomic::write(&path, &bytes)
    }

    /// Throws it away.
    pub fn remove(self) -> Result<(), DiskProblem> {
        let text = file(&self.dir, &self.key, "yaml");
        match fs::remove_file(&text) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(DiskProblem::io(&text, &error)),
            _ => {}
        }
        for ending in ["json", "yaml.lock"] {
            // Without its text nobody lists it.
            let _ = fs::remove_file(file(&self.dir, &self.key, ending));
        }
        Ok(())
    }
}

fn file(dir: &Path, key: &DraftKey, ending: &str) -> PathBuf {
    dir.join(format!("{}.{ending}", key.0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn drafts() -> (tempfile::TempDir, Drafts) {
        let dir = tempfile::tempdir().expect("a directory");
        let drafts = Drafts::new(dir.path().join("drafts"));
        (dir, drafts)
    }

    fn about(title: &str, open: bool) -> About {
        About { title: title.to_owned(), open, ..About::default() }
    }

    #[test]
    fn what_was_written_is_read_listed_and_thrown_away() {
        let (_dir, drafts) = drafts();
        let key = DraftKey::new(Secs(7), 1, 0);
        let open = drafts.take(&key).expect("free");
        open.write("kind: MPIJob\n", false).and_then(|()| open.describe(&about("MPIJob a", true))).expect("written");
        assert!(drafts.list().expect("listed")[0].busy, "it is open here");
        assert!(drafts.remove(&key).is_err(), "what is open is not thrown away");
        drop(open);
        let listed = drafts.list().expect("listed");
        assert_eq!((listed.len(), listed[0].bytes, listed[0].was_left()), (1, 13, true));
        let (about, text) = drafts.read(&key).expect("there");
        assert_eq!((about.title.as_str(), text.as_str()), ("MPIJob a", "kind: MPIJob\n"));
        drafts.remove(&key).expect("free");
        assert_eq!(drafts.list(), Ok(Vec::new()));
        assert_eq!(fs::read_dir(&drafts.dir).expect("there").count(), 0, "nothing is left");
    }

    #[test]
    fn only_the_owner_reads_it_and_the_text_is_enough() {
        let (_dir, drafts) = drafts();
        let key = DraftKey::new(Secs(7), 1, 0);
        drafts.take(&key).and_then(|open| open.write("a", true)).expect("written");
        let mode = fs::metadata(drafts.file(&key, "yaml")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(drafts.file(&key, "json"), "{").expect("spoiled");
        assert_eq!(drafts.read(&key), Ok((About::default(), "a".to_owned())));
        let large = "x".repeat(MOST_BYTES + 1);
        assert!(drafts.take(&key).expect("free").write(&large, false).is_err());
        assert_eq!(drafts.read(&key).expect("there").1, "a", "what was there stays");
    }

    #[test]
    fn a_key_never_leads_out_of_the_directory() {
        assert_eq!(DraftKey::parse("../../etc/passwd"), None);
        let key = DraftKey::new(Secs(1_700_000_000), 42, 3);
        assert_eq!(DraftKey::parse(key.as_str()), Some(key));
    }
}
