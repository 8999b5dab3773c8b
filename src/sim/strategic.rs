//! Strategic merge patches, for the built-in kinds: lists merge by a key that their elements have.

use serde_json::{Map, Value};

/// By which field the elements of a list are told apart; lists that are not here are replaced whole.
const KEYS: [(&str, &str); 17] = [
    ("addresses", "type"),
    ("conditions", "type"),
    ("containers", "name"),
    ("env", "name"),
    ("ephemeralContainers", "name"),
    ("hostAliases", "ip"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("ownerReferences", "uid"),
    ("ports", "containerPort"),
    ("replicatedJobs", "name"),
    ("resourceClaims", "name"),
    ("secrets", "name"),
    ("topologySpreadConstraints", "topologyKey"),
    ("volumeDevices", "devicePath"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

/// Merges `patch` into `target`. Refuses an element of a list without the key of the list, in the server's words.
pub(crate) fn merge(target: &mut Value, patch: &Value) -> Result<(), String> {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *target = without_directives(patch);
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return Ok(()) };
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| kept.iter().any(|k| k == key));
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(left) = map.get_mut(list).and_then(Value::as_array_mut) {
                left.retain(|v| !gone.contains(v));
                if left.is_empty() {
                    map.remove(list);
                }
            }
        } else if !key.starts_with('$') {
            field(map, key, value)?;
        }
    }
    for (key, order) in patch {
        if let (Some(name), Some(order)) = (key.strip_prefix("$setElementOrder/"), order.as_array()) {
            arrange(map, name, order);
        }
    }
    Ok(())
}

fn field(map: &mut Map<String, Value>, key: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => {
            map.remove(key);
        }
        Value::Array(patch) => {
            let list = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            if !list.is_array() {
                *list = Value::Array(Vec::new());
            }
            if let Value::Array(list) = list {
                return merge_list(list, patch, key);
            }
        }
        Value::Object(_) => return merge(map.entry(key).or_insert(Value::Null), value),
        other => {
            map.insert(key.to_owned(), other.clone());
        }
    }
    Ok(())
}

fn merge_list(list: &mut Vec<Value>, patch: &[Value], name: &str) -> Result<(), String> {
    if name == "finalizers" {
        let new: Vec<Value> = patch.iter().filter(|v| !list.contains(v)).cloned().collect();
        list.extend(new);
        return Ok(());
    }
    let Some(key) = key_of(name, patch.iter().chain(list.iter())) else {
        *list = patch.to_vec();
        return Ok(());
    };
    if patch.iter().any(|v| v["$patch"] == "replace") {
        list.clear();
    }
    let live: Vec<Value> = list.iter().map(|v| v[key].clone()).collect();
    for element in patch.iter().filter(|v| v["$patch"] != "replace") {
        if element.get(key).is_none() {
            return Err(format!("map: {} does not contain declared merge key: {key}", go_map(element)));
        }
        let at = list.iter().position(|v| v[key] == element[key]);
        match at {
            Some(at) if element["$patch"] == "delete" => {
                list.remove(at);
            }
            Some(at) => merge(&mut list[at], element)?,
            None if element["$patch"] == "delete" => {}
            None => {
                let mut new = Value::Null;
                merge(&mut new, element)?;
                list.push(new);
            }
        }
    }
    let patched: Vec<&Value> = patch.iter().map(|v| &v[key]).collect();
    interleave(list, key, &live, &patched);
    Ok(())
}

/// Elements of the patch in its order; each other one before the first of them that stood behind it, else at the end.
fn interleave(list: &mut Vec<Value>, key: &str, live: &[Value], patched: &[&Value]) {
    let place = |order: &[&Value], v: &Value| order.iter().position(|other| **other == v[key]);
    let live: Vec<&Value> = live.iter().collect();
    let (mut named, others): (Vec<Value>, Vec<Value>) =
        std::mem::take(list).into_iter().partition(|v| place(patched, v).is_some());
    named.sort_by_key(|v| place(patched, v));
    let mut named = named.into_iter().peekable();
    for other in others {
        let own = place(&live, &other);
        while named.peek().is_some_and(|next| place(&live, next).is_none_or(|at| Some(at) < own)) {
            list.extend(named.next());
        }
        list.push(other);
    }
    list.extend(named);
}

/// A value as Go prints it: `map[a:b c:[1 2]]`.
pub(crate) fn go_map(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", go_map(v))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// A Service's ports have no `containerPort`: they are told apart by `port`.
fn key_of<'v>(name: &str, elements: impl Iterator<Item = &'v Value>) -> Option<&'static str> {
    let (_, key) = KEYS.iter().find(|(list, _)| *list == name)?;
    let mut elements = elements.filter(|e| e.is_object());
    let services = *key == "containerPort" && elements.any(|e| e.get("port").is_some());
    Some(if services { "port" } else { key })
}

fn arrange(map: &mut Map<String, Value>, name: &str, order: &[Value]) {
    let Some(list) = map.get_mut(name).and_then(Value::as_array_mut) else { return };
    let key = key_of(name, order.iter());
    let place = |v: &Value| {
        let same = |o: &Value| key.map_or(o == v, |key| o[key] == v[key]);
        order.iter().position(same).unwrap_or(order.len())
    };
    list.sort_by_key(place);
}

fn without_directives(map: &Map<String, Value>) -> Value {
    Value::Object(map.iter().filter(|(key, _)| !key.starts_with('$')).map(|(k, v)| (k.clone(), v.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::{Value, json};

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch).unwrap();
        target
    }

    #[test]
    fn lists_with_a_key_merge_and_others_are_replaced() {
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "1", "args": ["x", "y"]}, {"name": "b"}], "tolerations": [{"key": "k"}]}});
        let patch = json!({"spec": {"containers": [{"name": "a", "image": "2", "args": ["z"]}, {"name": "c"}], "tolerations": [{"key": "m"}]}});
        assert_eq!(
            merged(pod, &patch)["spec"],
            json!({"containers": [{"name": "a", "image": "2", "args": ["z"]}, {"name": "c"}, {"name": "b"}], "tolerations": [{"key": "m"}]})
        );
        let service = json!({"ports": [{"port": 80, "targetPort": 1}]});
        let patch = json!({"ports": [{"port": 80, "targetPort": 2}, {"port": 81}]});
        assert_eq!(merged(service, &patch)["ports"], json!([{"port": 80, "targetPort": 2}, {"port": 81}]));
    }

    #[test]
    fn directives_delete_replace_keep_and_order() {
        let pod = json!({"finalizers": ["a", "b"], "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w"}], "strategy": {"type": "x", "rolling": {}}, "env": [{"name": "1"}]});
        let patch = json!({
            "finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"],
            "volumes": [{"name": "v", "$patch": "delete"}, {"name": "u"}], "$setElementOrder/volumes": [{"name": "u"}, {"name": "w"}],
            "strategy": {"$retainKeys": ["type"], "type": "y"}, "env": [{"$patch": "replace"}, {"name": "2"}],
        });
        assert_eq!(
            merged(pod, &patch),
            json!({"finalizers": ["b", "c"], "volumes": [{"name": "u"}, {"name": "w"}], "strategy": {"type": "y"}, "env": [{"name": "2"}]})
        );
        assert_eq!(
            merged(json!({"a": {"b": 1}, "c": 2}), &json!({"a": {"$patch": "replace", "d": 1}, "c": null})),
            json!({"a": {"d": 1}})
        );
    }
}
