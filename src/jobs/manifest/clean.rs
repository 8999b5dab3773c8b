//! What a person did not write goes.

use serde_json::{Map, Value};

/// Annotation in which `kubectl apply` keeps the last manifest.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `metadata` fields that the server makes.
const SERVER_FIELDS: [&str; 8] = [
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The object without status and what the server adds to it.
pub(super) fn cleaned(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(root) = object.as_object_mut() {
        root.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVER_FIELDS.contains(&key.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
        metadata.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
    }
    without_null_times(&mut object);
    object
}

/// Go writes `metadata: {creationTimestamp: null}` into every pod template.
fn without_null_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| !(key == "creationTimestamp" && value.is_null()));
            map.values_mut().for_each(without_null_times);
            map.retain(|key, value| !(key == "metadata" && value.as_object().is_some_and(Map::is_empty)));
        }
        Value::Array(items) => items.iter_mut().for_each(without_null_times),
        _ => {}
    }
}
