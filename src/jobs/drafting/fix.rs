//! Which changes a cause suggests.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use super::make;
use super::scene::{Made, Scene};
use crate::jobs::manifest::text::{Change, ChangeError, changed};
use crate::jobs::state::Cause;
use crate::jobs::{Clean, Kind};

static FILE: &str = include_str!("../../../assets/fixes.toml");

/// A suggestion, to be taken or left.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// Its id in `assets/fixes.toml`.
    pub id: &'static str,
    /// In few words: «worker: memory 16Gi → 24Gi».
    pub title: Clean,
    /// Why it should help.
    pub reason: Clean,
    /// What it changes.
    pub changes: Vec<Change>,
    /// JSON pointer of a value that only a person can know: it is not sent before that is written.
    pub fill: Option<String>,
}

impl Fix {
    /// A manifest's text with this fix made.
    pub fn apply(&self, text: &str) -> Result<String, ChangeError> {
        changed(text, &self.changes)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fix: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) classes: Vec<String>,
    pub(super) make: String,
    pub(super) title: String,
    pub(super) reason: String,
}

/// The rows of the file; a test reads it, so that it is never empty.
pub(super) fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| toml::from_str::<File>(FILE).map(|file| file.fix).unwrap_or_default())
}

#[cfg(test)]
pub(super) fn file_error() -> Option<String> {
    toml::from_str::<File>(FILE).err().map(|error| error.to_string())
}

/// What `cause` suggests to change in `job` before it is tried again, best first. `job` is the manifest's value, `held` how
/// many accelerators the failed job's pods hold.
pub fn fixes(cause: &Cause, kind: Kind, job: &Value, held: u32) -> Vec<Fix> {
    let scene = Scene { cause, kind, job, held };
    let class = &*cause.class;
    let fits = |row: &&Row| row.classes.iter().any(|known| known == class || known == "*");
    let made = |row: &'static Row| Some(fix(row, make::of(&row.make)?(&scene)?));
    rows().iter().filter(fits).filter_map(made).collect()
}

fn fix(row: &'static Row, made: Made) -> Fix {
    let fill = |text: &str| {
        let filled =
            made.holes.iter().fold(text.to_owned(), |text, (hole, by)| text.replace(&format!("{{{hole}}}"), by));
        Clean::new(&filled)
    };
    Fix { id: &row.id, title: fill(&row.title), reason: fill(&row.reason), changes: made.changes, fill: made.fill }
}
