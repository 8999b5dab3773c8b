//! Lists whose elements are told apart by keys: which they are, and elements that are there twice.

use serde_json::{Map, Value, json};

use super::Node;
use super::walk::{Fault, join};

/// The schema's word for the keys.
const KEYS: &str = "x-kubernetes-list-map-keys";

/// Type, list and keys, as the definitions of built-in kinds and of what holds pod templates give them.
const LISTS: [(&str, &str, &[&str]); 19] = [
    ("PodSpec", "containers", &["name"]),
    ("PodSpec", "initContainers", &["name"]),
    ("PodSpec", "ephemeralContainers", &["name"]),
    ("PodSpec", "hostAliases", &["ip"]),
    ("PodSpec", "imagePullSecrets", &["name"]),
    ("PodSpec", "resourceClaims", &["name"]),
    ("PodSpec", "schedulingGates", &["name"]),
    ("PodSpec", "topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("PodSpec", "volumes", &["name"]),
    ("Container", "env", &["name"]),
    ("Container", "ports", &["containerPort", "protocol"]),
    ("Container", "volumeDevices", &["devicePath"]),
    ("Container", "volumeMounts", &["mountPath"]),
    ("EphemeralContainer", "env", &["name"]),
    ("EphemeralContainer", "ports", &["containerPort", "protocol"]),
    ("EphemeralContainer", "volumeMounts", &["mountPath"]),
    ("ResourceRequirements", "claims", &["name"]),
    ("ServiceSpec", "ports", &["port", "protocol"]),
    ("PodStatus", "conditions", &["type"]),
];

/// Writes the keys of lists into the definitions.
pub(super) fn mark(definitions: &mut Map<String, Value>) {
    for (name, schema) in definitions.iter_mut() {
        let title = name.rsplit('.').next().unwrap_or(name);
        for (_, list, keys) in LISTS.iter().filter(|(of, ..)| *of == title) {
            if let Some(property) = schema.pointer_mut(&format!("/properties/{list}")) {
                property["x-kubernetes-list-type"] = json!("map");
                property[KEYS] = json!(keys);
            }
        }
    }
}

/// The elements of a custom resource that have the keys of an earlier one.
pub(crate) fn repeated(node: Node<'_>, value: &Value, path: &str, out: &mut Vec<Fault>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if let Some(known) = node.property(key) {
                    repeated(known, inner, &join(path, key), out);
                } else if let Some(known) = node.additional() {
                    repeated(known, inner, &format!("{path}[{key}]"), out);
                }
            }
        }
        Value::Array(list) => {
            let keys = node.schema[KEYS].as_array().map(Vec::as_slice).unwrap_or_default();
            if !keys.is_empty() {
                twice(keys, list, path, out);
            }
            let Some(items) = node.items() else { return };
            for (at, inner) in list.iter().enumerate() {
                repeated(items, inner, &format!("{path}[{at}]"), out);
            }
        }
        _ => {}
    }
}

/// Each repetition is told once, where it is met first.
fn twice(keys: &[Value], list: &[Value], path: &str, out: &mut Vec<Fault>) {
    let identity = |element: &Value| -> Map<String, Value> {
        let keys = keys.iter().filter_map(Value::as_str);
        keys.filter_map(|key| Some((key.to_owned(), element.get(key)?.clone()))).collect()
    };
    let mut seen: Vec<(Map<String, Value>, usize)> = Vec::new();
    for (at, element) in list.iter().enumerate() {
        let own = identity(element);
        match seen.iter_mut().find(|(other, _)| *other == own) {
            None => seen.push((own, 1)),
            Some((_, times)) => {
                *times += 1;
                if *times == 2 {
                    let said = format!("Duplicate value: {}", Value::Object(own));
                    out.push(("FieldValueDuplicate", format!("{path}[{at}]"), said));
                }
            }
        }
    }
}
