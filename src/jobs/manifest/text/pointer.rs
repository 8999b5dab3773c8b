//! JSON pointers: taken apart, put together, and followed into values.

use serde_json::{Map, Value};

/// The steps of a pointer, unescaped. The empty pointer (the whole document) has none.
pub fn split(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

/// `pointer` and one step more.
pub fn joined(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// The pointer without its last step; `None` of the whole document.
pub fn parent(pointer: &str) -> Option<&str> {
    pointer.rfind('/').map(|at| &pointer[..at])
}

/// Sets what is at `steps`, making maps on the way; `-` and the number one past the end add to a list. `None` if
/// something on the way is neither map nor list nor nothing.
pub(super) fn set(into: &mut Value, steps: &[String], value: Value) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        *into = value;
        return Some(());
    };
    if into.is_null() {
        *into = if step == "-" { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match into {
        Value::Object(map) => set(map.entry(step.clone()).or_insert(Value::Null), rest, value),
        Value::Array(list) => {
            let at = if step == "-" { list.len() } else { step.parse().ok()? };
            if at == list.len() {
                list.push(Value::Null);
            }
            set(list.get_mut(at)?, rest, value)
        }
        _ => None,
    }
}

/// Takes away what is at `steps`; `None` if it is not there.
pub(super) fn remove(from: &mut Value, steps: &[String]) -> Option<Value> {
    let (last, path) = steps.split_last()?;
    match follow(from, path)? {
        Value::Object(map) => map.remove(last),
        Value::Array(list) => {
            let at: usize = last.parse().ok()?;
            (at < list.len()).then(|| list.remove(at))
        }
        _ => None,
    }
}

/// Puts an item before the one at `steps`.
pub(super) fn insert(into: &mut Value, steps: &[String], value: Value) -> Option<()> {
    let (last, path) = steps.split_last()?;
    let list = follow(into, path)?.as_array_mut()?;
    let at: usize = last.parse().ok()?;
    (at <= list.len()).then(|| list.insert(at, value))
}

fn follow<'v>(value: &'v mut Value, steps: &[String]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get_mut(step),
        Value::Array(list) => list.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}
