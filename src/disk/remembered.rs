//! What the console remembers between runs: scopes, columns, filters, the palette's history.
//!
//! Owns the file's format and bounds. A file that can't be understood is set aside, said so, and begun anew.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    atomic,
    lock::Lock,
    problem::{DiskKind, DiskProblem},
};
use crate::jobs::Clean;

/// Of the file.
const VERSION: u32 = 1;
const MOST_BYTES: usize = 1 << 20;
const MOST_CONTEXTS: usize = 200;
const MOST_FILTERS: usize = 100;
const MOST_HISTORY: usize = 200;
const MOST_PINS: usize = 100;

/// How the job list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// Id of a column.
    pub column: String,
    /// Largest first.
    #[serde(default)]
    pub descending: bool,
}

/// Everything that is remembered. Fields that a newer version wrote are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    #[serde(default)]
    version: u32,
    /// Last scope by context: its namespaces, none for all of them.
    #[serde(default)]
    pub scopes: BTreeMap<String, Vec<String>>,
    /// Favourite scopes by context, in the order of their keys, each with its namespaces.
    #[serde(default)]
    pub favourites: BTreeMap<String, Vec<Vec<String>>>,
    /// Ids of the job list's columns, in order; empty for the default ones.
    #[serde(default)]
    pub columns: Vec<String>,
    /// How the job list is sorted, if it was chosen.
    #[serde(default)]
    pub sort: Option<Sort>,
    /// Kept filters by name.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
    /// Where numbers were found, by context: `NAMESPACE/SERVICE:PORT`.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// Uids of jobs that are pinned, by context, newest last.
    #[serde(default)]
    pub pins: BTreeMap<String, Vec<String>>,
    /// What was typed in the palette, newest last.
    #[serde(default)]
    pub history: Vec<String>,
    #[serde(flatten)]
    newer: BTreeMap<String, serde_json::Value>,
}

impl Remembered {
    /// Reads the file. What is wrong with it comes beside a usable value.
    pub fn load(path: &Path) -> (Self, Option<DiskProblem>) {
        let bytes = match atomic::read(path, MOST_BYTES) {
            Ok(None) => return (Self::default(), None),
            Ok(Some(bytes)) => bytes,
            Err(DiskProblem { kind: DiskKind::TooLarge(_), .. }) => return set_aside(path, "too large"),
            Err(problem) => return (Self::default(), Some(problem)),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(remembered) if remembered.version <= VERSION => (remembered, None),
            Ok(remembered) => set_aside(path, &format!("written by a newer version, format {}", remembered.version)),
            Err(error) => set_aside(path, &error.to_string()),
        }
    }

    /// Reads the file anew, applies `change` and writes it, so that two consoles don't undo each other's changes.
    /// Returns what was written.
    pub fn change(path: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, DiskProblem> {
        let _lock = Lock::wait(path)?;
        let (mut remembered, problem) = Self::load(path);
        change(&mut remembered);
        remembered.bound();
        remembered.version = VERSION;
        let text = serde_json::to_vec_pretty(&remembered)
            .map_err(|error| DiskProblem::new(path, DiskKind::Other(Clean::new(&error.to_string()))))?;
        atomic::write(path, &text)?;
        problem.map_or(Ok(remembered), Err)
    }

    /// Puts a line at the end of the history, once.
    pub fn push_history(&mut self, line: &str) {
        self.history.retain(|old| old != line);
        self.history.push(line.to_owned());
    }

    /// Pins a job, or unpins it.
    pub fn pin(&mut self, context: String, uid: String, pinned: bool) {
        let pins = self.pins.entry(context).or_default();
        pins.retain(|other| *other != uid);
        if pinned {
            pins.push(uid);
        }
        // Jobs end; who pins a hundred more has forgotten the first.
        let too_many = pins.len().saturating_sub(MOST_PINS);
        pins.drain(..too_many);
    }

    fn bound(&mut self) {
        let too_many = self.history.len().saturating_sub(MOST_HISTORY);
        self.history.drain(..too_many);
        while self.scopes.len() > MOST_CONTEXTS {
            self.scopes.pop_first();
        }
        while self.favourites.len() > MOST_CONTEXTS {
            self.favourites.pop_first();
        }
        self.pins.retain(|_, pins| !pins.is_empty());
        while self.pins.len() > MOST_CONTEXTS {
            self.pins.pop_first();
        }
        while self.sources.len() > MOST_CONTEXTS {
            self.sources.pop_first();
        }
        while self.filters.len() > MOST_FILTERS {
            self.filters.pop_first();
        }
    }
}

fn set_aside(path: &Path, why: &str) -> (Remembered, Option<DiskProblem>) {
    let mut name = path.as_os_str().to_owned();
    name.push(".bad");
    let aside = PathBuf::from(name);
    let problem = match fs::rename(path, &aside) {
        Ok(()) => {
            let aside = Clean::new(&aside.to_string_lossy());
            DiskProblem::new(path, DiskKind::Unreadable { why: Clean::new(why), aside })
        }
        Err(error) => DiskProblem::io(path, &error),
    };
    (Remembered::default(), Some(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("remembered.json");
        (dir, path)
    }

    #[test]
    fn pins_of_two_consoles_are_kept_and_the_oldest_make_room() {
        let (_dir, path) = file();
        let pin = |uid: &str, on| Remembered::change(&path, |r| r.pin("c".into(), uid.into(), on)).expect("written");
        pin("a", true);
        assert_eq!(pin("b", true).pins["c"], ["a", "b"]);
        assert_eq!(pin("a", false).pins["c"], ["b"]);
        assert!(pin("b", false).pins.is_empty(), "nothing is left of a context without pins");
        for nth in 0..=MOST_PINS {
            pin(&nth.to_string(), true);
        }
        let pins = Remembered::load(&path).0.pins.remove("c").expect("pins");
        assert_eq!((pins.len(), pins[0].as_str()), (MOST_PINS, "1"));
    }

    #[test]
    fn two_consoles_keep_each_others_changes() {
        let (_dir, path) = file();
        Remembered::change(&path, |r| r.columns = vec!["name".into()]).expect("written");
        Remembered::change(&path, |r| r.push_history("jobs")).expect("written");
        let (read, problem) = Remembered::load(&path);
        assert_eq!((read.columns, read.history, problem), (vec!["name".to_owned()], vec!["jobs".to_owned()], None));
    }

    #[test]
    fn what_cannot_be_understood_is_set_aside_and_said() {
        let (_dir, path) = file();
        for text in ["{", "[]", r#"{"version": 9}"#, r#"{"columns": 3}"#] {
            fs::write(&path, text).expect("written");
            let (read, problem) = Remembered::load(&path);
            assert_eq!(read, Remembered::default());
            assert!(problem.is_some_and(|p| p.to_string().contains(".bad")), "{text}");
            assert!(!path.exists());
        }
        assert_eq!(fs::read_to_string(path.with_extension("json.bad")).expect("kept"), r#"{"columns": 3}"#);
    }

    #[test]
    fn unknown_fields_survive_and_lists_are_bounded() {
        let (_dir, path) = file();
        fs::write(&path, r#"{"version":1,"later":{"a":1}}"#).expect("written");
        let change = |r: &mut Remembered| (0..500).for_each(|i| r.push_history(&i.to_string()));
        let written = Remembered::change(&path, change).expect("written");
        assert_eq!((written.history.len(), written.history.last().map(String::as_str)), (MOST_HISTORY, Some("499")));
        assert!(fs::read_to_string(&path).expect("read").contains("later"));
    }
}
