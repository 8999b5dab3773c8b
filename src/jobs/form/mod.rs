//! A manifest as a form: named fields in groups, each read from the text and written back by the smallest edit.
//!
//! Owns which fields there are for which kind, what they mean, and how a value looks as one line. The text is the only
//! state: [`rows`] reads it, [`write()`] says what to change in it. Must not know a screen.

mod around;
mod codec;
mod field;
mod mounts;
mod preset;
mod script;
mod table;
mod words;

use serde_json::Value;

pub use codec::Codec;
pub use field::{At, Field, Group, Listed, Offer, Part};
pub use script::Hook;
pub use table::fields;

use super::{
    Kind,
    manifest::text::{Change, Document},
};

/// A field and what the text says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which field.
    pub field: &'static Field,
    /// Where its value is, or would be: a JSON pointer.
    pub path: String,
    /// What the text says.
    pub value: Shown,
}

impl Row {
    /// Whether other fields may stand inside this one.
    pub fn is_map(&self) -> bool {
        self.field.codec == Codec::Pairs
    }
}

/// A value as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The text says nothing.
    Unset,
    /// This, which [`write()`] reads again.
    Text(String),
    /// More than a line can say, in a few words; it is changed in the text.
    Long(String),
}

/// Where the parts of a manifest are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Places {
    kind: Kind,
    leader: String,
    worker: String,
}

impl Places {
    fn of(document: &Document) -> Option<Self> {
        let text = |at: &str| document.get(at).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
        let kind = Kind::of(&text("/apiVersion"), &text("/kind"))?;
        let specs = kind.info().replica_specs;
        let role = |name: &str| format!("/spec/{specs}/{name}");
        let there = |name: &&&str| document.get(&role(name)).is_some();
        let leading: Vec<_> = kind.info().roles.iter().filter(|role| **role != "Worker").collect();
        let leader = leading.iter().copied().find(there).or(leading.first().copied()).copied();
        Some(Self { kind, leader: role(leader.unwrap_or("Worker")), worker: role("Worker") })
    }

    fn role(&self, part: Part) -> &str {
        match part {
            Part::Leader => &self.leader,
            Part::Worker => &self.worker,
        }
    }

    fn path(&self, at: At) -> String {
        match at {
            At::Path(path) => path.to_owned(),
            At::Role(part, path) => format!("{}{path}", self.role(part)),
            At::Pod(part, path) => format!("{}/template/spec{path}", self.role(part)),
            At::Container(part, path) => format!("{}/template/spec/containers/0{path}", self.role(part)),
            At::Images => format!("{}/template/spec/containers/0/image", self.worker),
        }
    }
}

/// Every field of a manifest's kind with its value; `None` if it is of no kind that we know.
pub fn rows(document: &Document) -> Option<Vec<Row>> {
    let places = Places::of(document)?;
    let row = |field: &'static Field| {
        let path = places.path(field.at);
        let value = read(document, &places, field, &path);
        Row { field, path, value }
    };
    Some(fields(places.kind).map(row).collect())
}

fn read(document: &Document, places: &Places, field: &Field, path: &str) -> Shown {
    if let (Codec::Mounts, At::Pod(part, _)) = (field.codec, field.at) {
        return mounts::read(document, &places.path(At::Pod(part, "")));
    }
    if let (Codec::Script(hook), At::Container(part, _)) = (field.codec, field.at) {
        return script::read(document, &places.path(At::Container(part, "")), hook);
    }
    match document.get(path) {
        None | Some(Value::Null) => Shown::Unset,
        Some(value) if field.codec == Codec::Affinity => preset::show(document, &value),
        Some(value) => field.codec.show(&value),
    }
}

/// The changes that make the text say `typed` for a field; nothing typed takes the value away.
pub fn write(document: &Document, field: &Field, typed: &str) -> Result<Vec<Change>, String> {
    let places = Places::of(document).ok_or("set apiVersion and kind in the text first")?;
    let (typed, path) = (typed.trim(), places.path(field.at));
    match (field.codec, field.at) {
        (Codec::Mounts, At::Pod(part, _)) => return mounts::write(document, &places.path(At::Pod(part, "")), typed),
        (Codec::Script(hook), At::Container(part, _)) => {
            return script::write(document, &places.path(At::Container(part, "")), hook, typed);
        }
        (Codec::Fixed, _) if document.get(&path).as_ref().and_then(Value::as_str) == Some(typed) => {
            return Ok(Vec::new());
        }
        (Codec::Fixed, _) => return field.codec.parse(typed, None).map(|_| Vec::new()),
        _ if typed.is_empty() && document.get(&path).is_none() => return Ok(Vec::new()),
        _ if typed.is_empty() => return Ok(vec![Change::Remove(path)]),
        (Codec::Affinity, _) => return Ok(vec![Change::Set(path, preset::parse(document, typed)?)]),
        _ => {}
    }
    let before = document.get(&path);
    let value = field.codec.parse(typed, before.as_ref())?;
    if before.as_ref() == Some(&value) {
        return Ok(Vec::new());
    }
    if field.at == At::Images {
        let paths = [Part::Worker, Part::Leader].map(|part| places.path(At::Container(part, "")));
        let there = paths.into_iter().filter(|container| document.get(container).is_some());
        return Ok(there.map(|container| Change::Set(format!("{container}/image"), value.clone())).collect());
    }
    Ok(vec![Change::Set(path, value)])
}

#[cfg(test)]
mod tests;
