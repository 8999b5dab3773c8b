//! Three versions of an object: what it was, what it is on the server by now, what a person made of it.

use serde_json::{Map, Value};

use crate::jobs::manifest::text::joined;

/// What comes of theirs and mine.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// Theirs with everything of mine that does not contradict it; theirs where it does.
    pub merged: Value,
    /// Where both changed the same thing differently.
    pub conflicts: Vec<Conflict>,
}

/// The same thing, changed in two ways. `None`: not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// JSON pointer, in the merged object.
    pub at: String,
    /// What it was.
    pub base: Option<Value>,
    /// What it is on the server.
    pub theirs: Option<Value>,
    /// What I made of it.
    pub mine: Option<Value>,
}

/// Merges what `mine` changed of `base` into `theirs`. Maps are merged by key, lists whose items have names by name (as
/// the API server does with containers, variables, volumes), other lists as one value.
pub fn merge(base: &Value, theirs: &Value, mine: &Value) -> Merge {
    let mut conflicts = Vec::new();
    let merged = both("", Some(base), Some(theirs), Some(mine), &mut conflicts);
    Merge { merged: merged.unwrap_or(Value::Null), conflicts }
}

fn both(
    at: &str,
    base: Option<&Value>,
    theirs: Option<&Value>,
    mine: Option<&Value>,
    out: &mut Vec<Conflict>,
) -> Option<Value> {
    if mine == base || mine == theirs {
        return theirs.cloned();
    }
    if theirs == base {
        return mine.cloned();
    }
    match (base, theirs, mine) {
        (base, Some(Value::Object(theirs)), Some(Value::Object(mine))) if base.is_none_or(Value::is_object) => {
            Some(Value::Object(maps(at, base.and_then(Value::as_object), theirs, mine, out)))
        }
        (base, Some(Value::Array(theirs)), Some(Value::Array(mine))) => {
            let base_list = base.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            match lists(at, base_list, theirs, mine, out) {
                Some(list) => Some(Value::Array(list)),
                None => conflict(at, base, Some(&Value::Array(theirs.clone())), Some(&Value::Array(mine.clone())), out),
            }
        }
        _ => conflict(at, base, theirs, mine, out),
    }
}

fn conflict(
    at: &str,
    base: Option<&Value>,
    theirs: Option<&Value>,
    mine: Option<&Value>,
    out: &mut Vec<Conflict>,
) -> Option<Value> {
    let of = |value: Option<&Value>| value.cloned();
    out.push(Conflict { at: at.to_owned(), base: of(base), theirs: of(theirs), mine: of(mine) });
    theirs.cloned()
}

fn maps(
    at: &str,
    base: Option<&Map<String, Value>>,
    theirs: &Map<String, Value>,
    mine: &Map<String, Value>,
    out: &mut Vec<Conflict>,
) -> Map<String, Value> {
    let mut merged = Map::new();
    for key in theirs.keys().chain(mine.keys().filter(|key| !theirs.contains_key(*key))) {
        let value = both(&joined(at, key), base.and_then(|base| base.get(key)), theirs.get(key), mine.get(key), out);
        merged.extend(value.map(|value| (key.clone(), value)));
    }
    // What both took away is gone; what one took away and the other changed is a conflict, told above.
    merged
}

/// By name: theirs in their order, then mine that they don't have. `None` if an item has no name of its own.
fn lists(at: &str, base: &[Value], theirs: &[Value], mine: &[Value], out: &mut Vec<Conflict>) -> Option<Vec<Value>> {
    let (base, theirs, mine) = (named(base)?, named(theirs)?, named(mine)?);
    let mut merged = Vec::new();
    let names = theirs.iter().chain(mine.iter().filter(|(name, _)| find(&theirs, name).is_none()));
    for (name, _) in names {
        let here = joined(at, &merged.len().to_string());
        merged.extend(both(&here, find(&base, name), find(&theirs, name), find(&mine, name), out));
    }
    Some(merged)
}

/// The item of a name.
fn find<'v>(list: &[(&str, &'v Value)], name: &str) -> Option<&'v Value> {
    list.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn named(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Vec<_> = list.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect::<Option<_>>()?;
    let unique = named.iter().enumerate().all(|(i, (name, _))| named[..i].iter().all(|(other, _)| other != name));
    unique.then_some(named)
}
