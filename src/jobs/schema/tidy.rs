//! From schemars' words to those of `OpenAPI` 3.0 and structural schemas.

use std::collections::HashMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::PLACE;

/// What a quantity in text looks like, as custom resource definitions say it.
const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Makes definitions fit for checks and for clients.
pub fn tidy(definitions: &mut Map<String, Value>) {
    for (name, schema) in definitions.iter_mut() {
        if name.ends_with(".Quantity") {
            let both = json!([{"type": "integer"}, {"type": "string"}]);
            *schema = json!({"description": "An amount such as 500m, 16Gi or 8.", "anyOf": both, "pattern": QUANTITY,
                "x-kubernetes-int-or-string": true});
        } else if name.ends_with(".ContainerPort") {
            schema["properties"]["protocol"]["default"] = json!("TCP");
        } else if REFERENCES.iter().any(|reference| name.ends_with(reference)) {
            unname(schema);
        }
        part(schema);
    }
}

/// Types that name an object which may go without a name, whatever their Rust types say.
const REFERENCES: [&str; 5] =
    [".ConfigMapKeySelector", ".SecretKeySelector", ".LocalObjectReference", ".ConfigMapEnvSource", ".SecretEnvSource"];

fn unname(schema: &mut Value) {
    schema["properties"]["name"]["default"] = json!("");
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|field| field != "name");
    }
    if schema["required"].as_array().is_some_and(Vec::is_empty) {
        schema["required"] = Value::Null;
    }
}

/// One schema and what is in it: no null types, references beside a description wrapped, no titles.
fn part(schema: &mut Value) {
    match schema {
        Value::Array(list) => {
            for inner in list {
                part(inner);
            }
        }
        Value::Object(_) => {
            unwrap_null(schema);
            let Value::Object(map) = schema else { return };
            for inner in map.values_mut() {
                part(inner);
            }
            let described = map.len() > 1;
            if described && let Some(reference) = map.remove("$ref") {
                map.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
        }
        _ => {}
    }
}

/// `Option` reads as a type beside null; the field is only not required.
fn unwrap_null(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let types = map.get("type").and_then(Value::as_array);
    if let Some(first) = types.and_then(|types| types.iter().find(|t| *t != "null")).cloned() {
        map.insert("type".to_owned(), first);
    }
    let either = map.get("anyOf").and_then(Value::as_array).filter(|any| any.iter().any(|s| s["type"] == "null"));
    if let Some(other) = either.and_then(|any| any.iter().find(|s| s["type"] != "null")).cloned() {
        map.remove("anyOf");
        map.extend(other.as_object().cloned().unwrap_or_default());
    }
    // A part that a type leaves out by saying null.
    map.retain(|_, value| !value.is_null());
}

/// The definitions that a schema names.
pub fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Array(list) => list.iter().for_each(|s| references(s, found)),
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(PLACE));
            found.extend(name.map(str::to_owned));
            map.values().for_each(|s| references(s, found));
        }
        _ => {}
    }
}

/// All patterns, compiled.
pub fn patterns(definitions: &Map<String, Value>) -> HashMap<String, Regex> {
    fn collect(schema: &Value, found: &mut HashMap<String, Regex>) {
        let Value::Object(map) = schema else {
            schema.as_array().into_iter().flatten().for_each(|s| collect(s, found));
            return;
        };
        if let Some(pattern) = map.get("pattern").and_then(Value::as_str)
            && let Ok(regex) = Regex::new(pattern)
        {
            found.insert(pattern.to_owned(), regex);
        }
        map.values().for_each(|s| collect(s, found));
    }
    let mut found = HashMap::new();
    definitions.values().for_each(|s| collect(s, &mut found));
    found
}

/// An object of any shape.
pub fn anything() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}
