//! Adding to one job's record. Who has a [`Writer`] is the only one, over all processes.
//!
//! Owns what of the facts is new: a row that says what the file says already is not written again.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use super::{
    fact::{Change, Entry, Fact, Header, Record},
    file::{self, LineFile},
    log::{LogText, LogWriter, Stream},
    numbers::{self, KeptNumbers},
    place::FACTS,
};
use crate::{
    disk::{
        atomic,
        lock::Lock,
        problem::{DiskKind, DiskProblem},
    },
    jobs::{Clean, Secs},
};

/// The part of a job's bound that facts may take; what they and numbers leave is for logs.
const FACTS_PART: u64 = 4;

/// See the module. Dropping it lets go of the record.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    facts: LineFile,
    log: Option<LogWriter>,
    said: HashMap<String, u64>,
    change: Option<Change>,
    most: u64,
    /// Not even the newest of each fact has room.
    full: bool,
    _lock: Lock,
}

impl Writer {
    /// Takes the record in `dir`, making it if it is not there. [`DiskKind::Busy`]: another process writes it.
    pub(super) fn open(dir: &Path, header: &Header, most: u64, now: Secs) -> Result<Self, DiskProblem> {
        atomic::make_dir(dir)?;
        let path = dir.join(FACTS);
        let lock = Lock::take(&path)?;
        let facts = LineFile::open(&path)?;
        let mut writer = Self {
            dir: dir.to_owned(),
            facts,
            log: None,
            said: HashMap::new(),
            change: None,
            most,
            full: false,
            _lock: lock,
        };
        let bytes = file::read(&path, most)?;
        match Record::of_lines(file::lines(&bytes)) {
            Some(record) => writer.known(&record),
            None => writer.facts.replace(b"")?,
        }
        writer.add(now, [Fact::Record(Box::new(header.clone()))])?;
        Ok(writer)
    }

    /// What the file says already.
    fn known(&mut self, record: &Record) {
        self.change = record.changes.last().cloned();
        for Entry { fact, .. } in record.entries() {
            if let (Some(name), Some(text)) = (fact.replaces(), text(&fact)) {
                self.said.insert(name, hash(&text));
            }
        }
    }

    /// Adds what of these facts is new, in one write; how many those were.
    pub fn add(&mut self, at: Secs, facts: impl IntoIterator<Item = Fact>) -> Result<usize, DiskProblem> {
        let (mut out, mut said, mut change, mut added) = (Vec::new(), Vec::new(), None, 0);
        for fact in facts {
            if let Fact::Change(new) = &fact {
                let before = change.as_ref().or(self.change.as_ref());
                if before.is_some_and(|before: &Change| before.says_as(new)) {
                    continue;
                }
                change = Some((**new).clone());
            }
            let (name, Some(text)) = (fact.replaces(), text(&fact)) else { continue };
            if let Some(name) = name {
                let hash = hash(&text);
                if self.said.get(&name) == Some(&hash) {
                    continue;
                }
                said.push((name, hash));
            }
            let entry = Entry { at, fact };
            if serde_json::to_writer(&mut out, &entry).is_ok() {
                out.push(b'\n');
                added += 1;
            }
        }
        if out.is_empty() {
            return Ok(0);
        }
        self.make_room(out.len() as u64)?;
        self.facts.append(&out)?;
        self.said.extend(said);
        self.change = change.or(self.change.take());
        Ok(added)
    }

    /// Facts that were replaced go, when there is no room for more.
    fn make_room(&mut self, more: u64) -> Result<(), DiskProblem> {
        let most = self.most / FACTS_PART;
        if self.facts.len() + more <= most {
            return Ok(());
        }
        let path = self.dir.join(FACTS);
        let no_room = || DiskProblem::new(&path, DiskKind::TooLarge(most as usize));
        if self.full {
            return Err(no_room());
        }
        let bytes = file::read(&path, self.most)?;
        let Some(record) = Record::of_lines(file::lines(&bytes)) else { return Ok(()) };
        let mut out = Vec::new();
        for entry in record.entries() {
            if serde_json::to_writer(&mut out, &entry).is_ok() {
                out.push(b'\n');
            }
        }
        // A job with so many pods that its facts don't fit says so; its logs go on.
        if out.len() as u64 + more > most {
            self.full = true;
            return Err(no_room());
        }
        self.facts.replace(&out)
    }

    /// A log is read from its beginning, or from anywhere before what was kept last.
    pub fn begin_log(&mut self, stream: &Stream) -> Result<Option<i64>, DiskProblem> {
        let log = self.log()?;
        log.begin(stream);
        Ok(log.last(stream))
    }

    /// Adds what of these lines is new; `skipped` lines before them are not kept.
    pub fn add_log(&mut self, stream: &Stream, lines: &[LogText], skipped: u64) -> Result<usize, DiskProblem> {
        self.log()?.add(stream, lines, skipped)
    }

    /// Keeps what was measured, in place of what was kept of that before; `Ok(false)`: there is no room for it.
    pub fn set_numbers(&mut self, kept: &KeptNumbers) -> Result<bool, DiskProblem> {
        numbers::write(&self.dir, kept, self.most / numbers::PART)
    }

    fn log(&mut self) -> Result<&mut LogWriter, DiskProblem> {
        let log = match self.log.take() {
            Some(log) => log,
            None => LogWriter::open(&self.dir, self.most - self.most / FACTS_PART - self.most / numbers::PART)?,
        };
        Ok(self.log.insert(log))
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The last change of state that was kept.
    pub const fn change(&self) -> Option<&Change> {
        self.change.as_ref()
    }

    /// Lets all that was written survive a loss of power.
    pub fn sync(&self) {
        self.facts.sync();
        if let Some(log) = &self.log {
            log.sync();
        }
    }
}

/// `None` for a fact that can't be written: it holds nothing but numbers and text.
fn text(fact: &Fact) -> Option<String> {
    serde_json::to_string(fact).ok()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A change of state, made of what is shown.
pub fn change(at: Secs, state: &str, finished: bool, cause: Option<(Clean, Clean)>) -> Change {
    let (cause, remedy) = cause.unzip();
    Change { at, state: Clean::new(state), finished, cause, remedy: remedy.filter(|text| !text.is_empty()) }
}
