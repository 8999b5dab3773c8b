//! Answers without what must differ from one cluster to the next.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

/// What stands for what: namespaces, and parts of earlier answers.
pub(super) struct Names {
    kept: Vec<(String, String)>,
    spaces: usize,
}

static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "{uid}"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "{time}"),
        (r"(?i)(resource ?version: )\d+(, current: )\d+", "${1}{version}${2}{version}"),
        (r"(too old resource version: )\d+ \(\d+\)", "${1}{version} ({version})"),
        (
            r"(ResourceVersion in the precondition )\(\d+\)( does not match the ResourceVersion in record )\(\d+\)",
            "${1}({version})${2}({version})",
        ),
        (r#"Invalid value: "(\{|map\[).*[}\]]": "#, "Invalid value: {object}: "),
        (r"\bgen-[a-z0-9]{5}\b", "gen-{suffix}"),
    ]
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    .into()
});

impl Names {
    pub(super) fn new(spaces: &[(&str, &str)]) -> Self {
        let kept = spaces.iter().map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect();
        Self { kept, spaces: spaces.len() }
    }

    pub(super) fn keep(&mut self, name: &str, is: &str) {
        self.kept.retain(|(n, _)| n != name);
        self.kept.push((name.to_owned(), is.to_owned()));
    }

    /// A request with its names filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        self.kept.iter().fold(text.to_owned(), |text, (name, is)| text.replace(&format!("{{{name}}}"), is))
    }

    /// A text of an answer.
    pub(super) fn text(&self, text: &str) -> String {
        let spaces = self.kept[..self.spaces].iter();
        let text = spaces.fold(text.to_owned(), |text, (name, is)| text.replace(is, &format!("{{{name}}}")));
        PATTERNS.iter().fold(text, |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
    }

    /// A cell of a table: an age, or else as any value.
    fn cell(&self, value: &Value) -> Value {
        static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+[smhd])+$").unwrap());
        match value.as_str() {
            Some(text) if AGE.is_match(text) => json!("{age}"),
            _ => self.normal(value),
        }
    }

    /// An answer.
    pub(super) fn normal(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.text(text)),
            Value::Array(list) => list.iter().map(|v| self.normal(v)).collect(),
            Value::Object(map) => {
                // A column's description is prose.
                let column = map.contains_key("priority");
                let kept = map.iter().filter(|(key, _)| *key != "managedFields" && !(column && *key == "description"));
                let field = |(key, v): (&String, &Value)| {
                    let v = match (key.as_str(), v.as_str()) {
                        ("resourceVersion", Some(s)) if !s.is_empty() => json!("{version}"),
                        ("continue", Some(s)) if !s.is_empty() => json!("{continue}"),
                        // They come in any order.
                        ("resources", _) => by_name(self.normal(v)),
                        ("cells", _) => v.as_array().into_iter().flatten().map(|cell| self.cell(cell)).collect(),
                        _ => self.normal(v),
                    };
                    (self.text(key), v)
                };
                Value::Object(kept.map(field).collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

/// A list of what has names, in their order.
fn by_name(mut list: Value) -> Value {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(|element| element["name"].as_str().map(str::to_owned));
    }
    list
}

/// A body: JSON or text.
pub(super) fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}

/// The lines of a watch, without the bookmarks that come with time.
pub(super) fn lines(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    let is_kept = |line: &&str| !line.contains(r#""BOOKMARK""#) || line.contains("initial-events-end");
    let lines = text.lines().filter(is_kept).map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    match lines.as_deref() {
        Ok([status]) if status["kind"] == "Status" => status.clone(),
        Ok(lines) => json!(lines),
        Err(_) => json!(text),
    }
}

/// Where two answers differ, in words.
pub(super) fn differences(expected: &Value, got: &Value, path: &str, said: &mut String) {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                differences(&expected[key], &got[key], &format!("{path}/{key}"), said);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for at in 0..a.len().max(b.len()) {
                let (a, b) = (a.get(at).unwrap_or(&Value::Null), b.get(at).unwrap_or(&Value::Null));
                differences(a, b, &format!("{path}/{at}"), said);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            let _ = writeln!(said, "{path}:\n  expected {a}\n  got      {b}");
        }
    }
}

#[test]
fn what_must_differ_is_left_out() {
    let mut names = Names::new(&[("own", "suite-1-own")]);
    names.keep("version", "17");
    let answer = json!({"metadata": {"namespace": "suite-1-own", "resourceVersion": "17", "managedFields": [],
        "uid": "2ca94527-1333-49e1-96fa-3ee2ab401f98"}, "message": "Too large resource version: 5, current: 3", "cells": ["3m5s"]});
    assert_eq!(
        names.normal(&answer),
        json!({"metadata": {"namespace": "{own}", "resourceVersion": "{version}", "uid": "{uid}"},
            "message": "Too large resource version: {version}, current: {version}", "cells": ["{age}"]})
    );
    assert_eq!(names.fill("/{own}?resourceVersion={version}"), "/suite-1-own?resourceVersion=17");
}
