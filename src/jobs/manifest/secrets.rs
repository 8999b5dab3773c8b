//! What must not be kept on disk: values of environment variables that are secret by their name.
//!
//! Owns which names those are, and the mark that stands where a value was, so that whoever makes a new job of the
//! manifest can ask for it. It can't know of secrets in arguments, files or other names.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clean::LAST_APPLIED;
use crate::jobs::Clean;

/// What stands where a value was.
pub const REMOVED: &str = "(removed: secret by its name)";
/// Parts of names, in upper case, that make a variable a secret.
const SECRET: [&str; 4] = ["TOKEN", "KEY", "SECRET", "PASSW"];

/// A value that was taken out of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Removed {
    /// JSON pointer of the variable: `/spec/…/containers/0/env/3`.
    pub at: Clean,
    /// Its name.
    pub name: Clean,
}

/// Whether a variable of this name is taken for a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|part| name.contains(part))
}

/// The object without such values and without `managedFields`, and which values went. Of a variable that is read from a
/// Secret only the reference is there, and stays.
pub fn without_secrets(object: &Value) -> (Value, Vec<Removed>) {
    let (mut object, mut removed) = (object.clone(), Vec::new());
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    remove(&mut object, "", &mut removed);
    (object, removed)
}

fn remove(value: &mut Value, at: &str, removed: &mut Vec<Removed>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let here = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (key.as_str(), &mut *value) {
                    ("env", Value::Array(variables)) => {
                        for (i, variable) in variables.iter_mut().enumerate() {
                            remove_value(variable, &format!("{here}/{i}"), removed);
                        }
                    }
                    (LAST_APPLIED, Value::String(text)) => *text = inner(text),
                    _ => remove(value, &here, removed),
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                remove(item, &format!("{at}/{i}"), removed);
            }
        }
        _ => {}
    }
}

fn remove_value(variable: &mut Value, at: &str, removed: &mut Vec<Removed>) {
    let name = variable.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(value) = variable.get_mut("value").filter(|_| is_secret_name(&name)) {
        *value = REMOVED.into();
        removed.push(Removed { at: Clean::new(at), name: Clean::new(&name) });
    }
}

/// The annotation holds the manifest once more. Its variables are the same ones: they are not told of twice.
fn inner(text: &str) -> String {
    let Ok(mut object) = serde_json::from_str::<Value>(text) else { return REMOVED.to_owned() };
    remove(&mut object, "", &mut Vec::new());
    object.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_by_the_name_of_their_variable_wherever_it_is() {
        let env = json!([
            {"name": "HF_TOKEN", "value": "hf-1"},
            {"name": "wandb_api_key", "value": "w-2"},
            {"name": "EPOCHS", "value": "9"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ]);
        let spec = json!({"mpiReplicaSpecs": {"Worker": {"template": {"spec": {
            "containers": [{"env": env}], "initContainers": [{"env": [{"name": "CLIENT_SECRET", "value": "c-3"}]}]}}}}});
        let applied = json!({"spec": spec.clone()}).to_string();
        let object = json!({"metadata": {"managedFields": [1], "annotations": {LAST_APPLIED: applied}}, "spec": spec});
        let (kept, removed) = without_secrets(&object);
        let text = kept.to_string();
        for secret in ["hf-1", "w-2", "c-3", "managedFields"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("\"9\"") && text.contains("secretKeyRef"), "{text}");
        let names: Vec<_> = removed.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["HF_TOKEN", "wandb_api_key", "CLIENT_SECRET"]);
        for one in &removed {
            let variable = kept.pointer(one.at.as_str()).expect("a pointer that leads there");
            assert_eq!(variable["value"], REMOVED);
        }
    }

    #[test]
    fn an_annotation_that_is_no_json_is_not_kept() {
        let object = json!({"metadata": {"annotations": {LAST_APPLIED: "{\"env\": torn TOKEN=abc"}}});
        assert!(!without_secrets(&object).0.to_string().contains("abc"));
    }
}
