//! The way from one object to another: as a JSON merge patch for a server, as edits of a text for a person.

use serde_json::{Map, Value};

use super::merge::named;
use crate::jobs::manifest::text::{Change, joined};

/// The JSON merge patch (RFC 7386) that makes `to` of `from`; an empty map where nothing differs.
pub fn merge_patch(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let mut patch = Map::new();
    for (key, value) in to {
        match from.get(key) {
            Some(before) if before == value => {}
            Some(before @ Value::Object(_)) if value.is_object() => {
                patch.insert(key.clone(), merge_patch(before, value));
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    patch.extend(from.keys().filter(|key| !to.contains_key(*key)).map(|key| (key.clone(), Value::Null)));
    Value::Object(patch)
}

/// The edits that make a text that says `from` say `to`, each as small as can be.
pub fn edits(from: &Value, to: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    walk("", from, to, &mut out);
    out
}

fn walk(at: &str, from: &Value, to: &Value, out: &mut Vec<Change>) {
    match (from, to) {
        (from, to) if from == to => {}
        (Value::Object(from), Value::Object(to)) => {
            out.extend(from.keys().filter(|key| !to.contains_key(*key)).map(|key| Change::Remove(joined(at, key))));
            for (key, value) in to {
                match from.get(key) {
                    Some(before) => walk(&joined(at, key), before, value, out),
                    None => out.push(Change::Set(joined(at, key), value.clone())),
                }
            }
        }
        (Value::Array(from), Value::Array(to)) => match by_name(at, from, to) {
            Some(steps) => out.extend(steps),
            None if from.len() == to.len() => {
                for (i, (before, value)) in from.iter().zip(to).enumerate() {
                    walk(&joined(at, &i.to_string()), before, value, out);
                }
            }
            None => out.push(Change::Set(at.to_owned(), Value::Array(to.clone()))),
        },
        _ => out.push(Change::Set(at.to_owned(), to.clone())),
    }
}

/// Items of a list taken out, changed and added by name. `None`: that does not lead there.
fn by_name(at: &str, from: &[Value], to: &[Value]) -> Option<Vec<Change>> {
    let (from, to) = (named(from)?, named(to)?);
    let is_in = |list: &[(&str, &Value)], name: &str| list.iter().any(|(known, _)| *known == name);
    let (kept, gone): (Vec<_>, Vec<_>) = from.iter().enumerate().partition(|(_, (name, _))| is_in(&to, name));
    let in_order = kept.iter().zip(&to).all(|((_, (a, _)), (b, _))| a == b);
    if kept.is_empty() || !in_order {
        return None;
    }
    let item = |i: usize| joined(at, &i.to_string());
    let mut out: Vec<_> = gone.iter().rev().map(|(i, _)| Change::Remove(item(*i))).collect();
    for (i, ((_, (_, before)), (_, value))) in kept.iter().zip(&to).enumerate() {
        walk(&item(i), before, value, &mut out);
    }
    out.extend(to[kept.len()..].iter().map(|(_, value)| Change::Set(joined(at, "-"), (*value).clone())));
    Some(out)
}
