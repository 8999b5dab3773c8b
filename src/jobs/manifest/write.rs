//! JSON in, YAML out, in the order in which people write manifests.

use std::fmt::Write as _;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use serde_saphyr::{Commented, DoubleQuoted};

use super::ManifestError;
use crate::jobs::text::is_unsafe;

/// Keys that come first in any map, in this order; the others follow by name.
const FIRST: [&str; 8] = ["apiVersion", "kind", "metadata", "spec", "name", "namespace", "type", "image"];
/// Keys that come last at the top.
const LAST: [&str; 1] = ["status"];

/// Writes `object`; scalars whose JSON pointer is in `marked` are followed by `# default`.
pub(super) fn yaml(object: &Value, marked: &[String]) -> Result<String, ManifestError> {
    written(object, marked, 2, true)
}

/// As [`yaml`], with maps indented by `step` blanks, and lists too unless they are `compact`.
pub(super) fn laid_out(object: &Value, step: usize, compact: bool) -> Result<String, ManifestError> {
    written(object, &[], step, compact)
}

fn written(object: &Value, marked: &[String], step: usize, compact: bool) -> Result<String, ManifestError> {
    // Folding a long command at 80 columns is right YAML and hard to read: the viewer wraps.
    let options = serde_saphyr::ser_options! {
        indent_step: step, compact_list_indent: compact, folded_wrap_chars: 1 << 20
    };
    let node = Node { value: object, at: String::new(), marked };
    let text =
        serde_saphyr::to_string_with_options(&node, options).map_err(|error| ManifestError(error.to_string()))?;
    Ok(escaped(text))
}

/// What reorders or hides text is legal YAML, but must not reach a terminal or an editor: strings that hold such
/// characters are in double quotes (see [`Node`]), where an escape means the same.
pub(super) fn escaped(text: String) -> String {
    if !text.chars().any(hides) {
        return text;
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if hides(c) {
            let _ = write!(out, "\\U{:08x}", u32::from(c));
        } else {
            out.push(c);
        }
        out
    })
}

fn hides(c: char) -> bool {
    c != '\n' && is_unsafe(c)
}

struct Node<'a> {
    value: &'a Value,
    at: String,
    marked: &'a [String],
}

impl Node<'_> {
    fn child<'a>(&'a self, key: &str, value: &'a Value) -> Node<'a> {
        // Without marks nobody asks where a value is.
        let at = if self.marked.is_empty() { String::new() } else { format!("{}/{key}", self.at) };
        Node { value, at, marked: self.marked }
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(map) => {
                let mut out = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in in_order(map) {
                    out.serialize_entry(key, &self.child(key, value))?;
                }
                out.end()
            }
            Value::Array(items) => {
                serializer.collect_seq(items.iter().enumerate().map(|(i, item)| self.child(&i.to_string(), item)))
            }
            scalar if self.marked.contains(&self.at) => Commented(scalar, "default".to_owned()).serialize(serializer),
            Value::String(text) if text.chars().any(hides) => DoubleQuoted(text).serialize(serializer),
            scalar => scalar.serialize(serializer),
        }
    }
}

fn in_order(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |key: &str| match FIRST.iter().position(|first| *first == key) {
        Some(i) => i,
        None => FIRST.len() + usize::from(LAST.contains(&key)),
    };
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (rank(key), *key));
    entries
}
