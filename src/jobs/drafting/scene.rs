//! What a fix looks at, and what it is made of.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::jobs::Kind;
use crate::jobs::manifest::text::{Change, joined};
use crate::jobs::state::Cause;

/// What a fix looks at.
pub(super) struct Scene<'a> {
    pub(super) cause: &'a Cause,
    pub(super) kind: Kind,
    pub(super) job: &'a Value,
    /// Accelerators that pods of the failed job hold: they are among what a quota calls used.
    pub(super) held: u32,
}

/// What a fix changes, and what fills the holes of its texts.
#[derive(Default)]
pub(super) struct Made {
    pub(super) changes: Vec<Change>,
    pub(super) holes: Vec<(&'static str, String)>,
    pub(super) fill: Option<String>,
}

impl Scene<'_> {
    pub(super) fn specs(&self) -> String {
        format!("/spec/{}", self.kind.info().replica_specs)
    }

    pub(super) fn get(&self, at: &str) -> Option<&Value> {
        self.job.pointer(at).filter(|value| !value.is_null())
    }

    /// The role that the cause is about, else the workers', else the leading one: key and pointer.
    pub(super) fn role(&self) -> Option<(String, String)> {
        let roles = self.get(&self.specs())?.as_object()?;
        let said =
            self.cause.replica.as_ref().map(|name| name.as_str().split('-').next().unwrap_or_default().to_lowercase());
        let key = roles.keys().find(|key| said.as_deref() == Some(&key.to_lowercase()));
        let key = key.or_else(|| roles.keys().find(|key| *key == "Worker")).or_else(|| roles.keys().next())?;
        Some((key.clone(), joined(&self.specs(), key)))
    }

    /// Every role that has a pod template.
    pub(super) fn roles(&self) -> Vec<(String, String)> {
        let roles = self.get(&self.specs()).and_then(Value::as_object);
        roles.into_iter().flatten().map(|(key, _)| (key.clone(), joined(&self.specs(), key))).collect()
    }

    pub(super) fn launcher(&self) -> Option<String> {
        let at = format!("{}/Launcher", self.specs());
        self.get(&at).map(|_| at)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.cause.title.as_str()).chain(self.cause.evidence.iter().map(|e| e.text.as_str()))
    }
}

pub(super) fn main_of(role: &str) -> String {
    format!("{role}/template/spec/containers/0")
}

/// An item at the end of a list, which is made where there is none.
pub(super) fn added(scene: &Scene<'_>, list: &str, item: Value) -> Change {
    match scene.get(list).and_then(Value::as_array) {
        Some(items) if !items.is_empty() => Change::Set(format!("{list}/-"), item),
        _ => Change::Set(list.to_owned(), json!([item])),
    }
}

pub(super) fn regex(cell: &'static OnceLock<Option<Regex>>, pattern: &str) -> Option<&'static Regex> {
    cell.get_or_init(|| Regex::new(pattern).ok()).as_ref()
}

/// Words of command and args of the launcher's main container, each with its pointer.
pub(super) fn launcher_words(scene: &Scene<'_>) -> Option<Vec<(String, String)>> {
    Some(words_of(scene, &main_of(&scene.launcher()?)))
}

/// Words of command and args of what is at a pointer, each with its own.
pub(super) fn words_of(scene: &Scene<'_>, main: &str) -> Vec<(String, String)> {
    let of = |field: &str| {
        let list = scene.get(&format!("{main}/{field}")).and_then(Value::as_array).cloned().unwrap_or_default();
        let at = format!("{main}/{field}");
        list.into_iter().enumerate().filter_map(move |(i, word)| Some((format!("{at}/{i}"), word.as_str()?.to_owned())))
    };
    of("command").chain(of("args")).collect()
}
