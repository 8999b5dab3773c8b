//! Fields of an object's JSON, set and taken away.

use serde_json::{Map, Value};

/// Takes a field away, if it is there.
pub(super) fn forget(map: &mut Value, key: &str) {
    if let Some(map) = map.as_object_mut() {
        map.remove(key);
    }
}

/// Sets a field, or takes it away where there is nothing to set.
pub(super) fn set_or_forget(map: &mut Value, key: &str, to: &Value) {
    if to.is_null() {
        forget(map, key);
    } else {
        map[key] = to.clone();
    }
}

/// Takes away what metadata has of nothing, as it is written without.
pub(super) fn forget_empty(meta: &mut Value) {
    for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let list = &meta[key];
        if list.as_object().is_some_and(Map::is_empty) || list.as_array().is_some_and(Vec::is_empty) {
            forget(meta, key);
        }
    }
}
