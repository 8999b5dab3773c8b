//! What must not be read over someone's shoulder: values of environment variables, data of Secrets.

use serde_json::Value;

use super::{Env, clean::LAST_APPLIED};

/// What stands for a hidden value.
pub const MASK: &str = "********";

/// The object with its secrets hidden, if `env` says so.
pub(super) fn masked(object: &Value, env: Env) -> Value {
    let mut object = object.clone();
    if env == Env::Masked {
        hide(&mut object);
    }
    object
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("kind").and_then(Value::as_str) == Some("Secret") {
                for field in ["data", "stringData"] {
                    if let Some(data) = map.get_mut(field).and_then(Value::as_object_mut) {
                        data.values_mut().for_each(|value| *value = MASK.into());
                    }
                }
            }
            for (key, value) in map {
                match (key.as_str(), &mut *value) {
                    ("env", Value::Array(variables)) => variables.iter_mut().for_each(hide_variable),
                    (LAST_APPLIED, Value::String(text)) => *text = hidden_json(text),
                    _ => hide(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn hide_variable(variable: &mut Value) {
    if let Some(value) = variable.get_mut("value") {
        *value = MASK.into();
    }
}

/// The annotation holds a whole manifest as JSON, its environment included.
fn hidden_json(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut inner) => {
            hide(&mut inner);
            inner.to_string()
        }
        Err(_) => MASK.to_owned(),
    }
}
