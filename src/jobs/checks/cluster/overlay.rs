//! One part of a pod laid over another, as the API server merges them: fields one by one, lists by the key that their
//! elements have, all other lists as one value.

use serde_json::{Value, json};

/// By which field the elements of a pod's lists are told apart (`patchMergeKey` of the API's types).
const KEYS: [(&str, &str); 8] = [
    ("containers", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("initContainers", "name"),
    ("ports", "containerPort"),
    ("topologySpreadConstraints", "topologyKey"),
    ("volumeMounts", "mountPath"),
    ("volumes", "name"),
];

/// Lays fields over those of `target`. What should be a map and is none stays: it is the server's to complain of.
pub(super) fn lay_over(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else { return };
    if target.is_null() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (field, given) in patch.iter().filter(|(_, given)| !given.is_null()) {
        let own = target.entry(field.clone()).or_insert(Value::Null);
        let key = KEYS.iter().find(|(list, _)| list == field).map(|(_, key)| *key);
        match (given, key) {
            (Value::Object(_), _) => lay_over(own, given),
            (Value::Array(elements), Some(key)) => lay_over_list(own, key, elements),
            _ => *own = given.clone(),
        }
    }
}

/// Lays elements over those of a list with the same key; others come to its end.
pub(super) fn lay_over_list(target: &mut Value, key: &str, elements: &[Value]) {
    if target.is_null() {
        *target = json!([]);
    }
    let Some(list) = target.as_array_mut() else { return };
    for element in elements {
        let same = |own: &&mut Value| !element[key].is_null() && own[key] == element[key];
        match list.iter_mut().find(same) {
            Some(own) => lay_over(own, element),
            None => list.push(element.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(mut target: Value, patch: &Value) -> Value {
        lay_over(&mut target, patch);
        target
    }

    #[test]
    fn lists_merge_by_the_key_of_their_elements_and_others_are_one_value() {
        let target = json!({"volumes": [{"name": "a", "emptyDir": {}}], "tolerations": [{"key": "x"}],
            "containers": [{"name": "node", "image": "one", "env": [{"name": "A", "value": "1"}]}, {"name": "side"}]});
        let patch = json!({"volumes": [{"name": "b"}], "tolerations": [{"key": "y"}], "securityContext": {"runAsUser": 7},
            "containers": [{"name": "node", "env": [{"name": "A", "value": "2"}, {"name": "B"}]}]});
        let merged = json!({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b"}], "tolerations": [{"key": "y"}],
            "securityContext": {"runAsUser": 7},
            "containers": [{"name": "node", "image": "one", "env": [{"name": "A", "value": "2"}, {"name": "B"}]}, {"name": "side"}]});
        assert_eq!(laid(target, &patch), merged);
    }

    #[test]
    fn what_is_no_map_is_left_as_it_is() {
        let patch = json!({"nodeSelector": {"gpu": "a100"}, "affinity": null});
        for target in [json!(null), json!({}), json!({"nodeSelector": null})] {
            assert_eq!(laid(target, &patch), json!({"nodeSelector": {"gpu": "a100"}}));
        }
        for odd in [json!("gpu"), json!([1]), json!(true)] {
            assert_eq!(laid(json!({"nodeSelector": odd}), &patch)["nodeSelector"], odd);
            assert_eq!(laid(odd.clone(), &patch), odd);
            assert_eq!(laid(json!({"volumes": odd}), &odd)["volumes"], odd);
        }
        let volumes = json!({"volumes": [{"name": "a"}]});
        assert_eq!(laid(json!({"volumes": "odd"}), &volumes), json!({"volumes": "odd"}));
    }
}
