//! What the API server checks of volumes and claims beside their types.

use serde_json::{Value, json};

use super::fault::{forbidden, missing, required, supported};
use crate::sim::schema::Fault;
use crate::sim::value::{list, text};

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const POLICIES: [&str; 3] = ["Delete", "Recycle", "Retain"];
/// What of a volume's spec is no kind of volume.
const COMMON: [&str; 8] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeMode",
];

fn modes(spec: &Value) -> impl Iterator<Item = Fault> {
    list(spec, "/accessModes").iter().filter_map(|mode| supported("spec.accessModes", mode, &ACCESS_MODES))
}

/// What is wrong with a claim.
pub(super) fn claim(spec: &Value) -> Vec<Fault> {
    let mut out: Vec<Fault> = modes(spec).collect();
    if list(spec, "/accessModes").is_empty() {
        out.push(missing("spec.accessModes", "at least 1 access mode is required"));
    }
    if spec["resources"]["requests"]["storage"].is_null() {
        out.push(required("spec.resources[storage]"));
    }
    out
}

/// What is wrong with a volume.
pub(super) fn volume(spec: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    if list(spec, "/accessModes").is_empty() {
        out.push(required("spec.accessModes"));
    }
    out.extend(modes(spec));
    let capacity = &spec["capacity"];
    let sized = capacity.as_object().is_some_and(|all| !all.is_empty());
    if !sized {
        out.push(required("spec.capacity"));
    }
    if !sized || capacity["storage"].is_null() {
        out.extend(supported("spec.capacity", &if sized { capacity.clone() } else { Value::Null }, &["storage"]));
    }
    let kinds = spec.as_object().into_iter().flatten();
    let kinds: Vec<&String> =
        kinds.filter(|(key, value)| value.is_object() && !COMMON.contains(&key.as_str())).map(|(key, _)| key).collect();
    match kinds.as_slice() {
        [] => out.push(missing("spec", "must specify a volume type")),
        [_, others @ ..] => {
            let why = "may not specify more than 1 volume type";
            out.extend(others.iter().map(|kind| forbidden(&format!("spec.{kind}"), why)));
        }
    }
    let policy = text(spec, "/persistentVolumeReclaimPolicy");
    if !policy.is_empty() {
        out.extend(supported("spec.persistentVolumeReclaimPolicy", &json!(policy), &POLICIES));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|(_, field, _)| field).collect()
    }

    #[test]
    fn a_volume_is_of_one_kind_and_has_a_size() {
        let mut spec = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "nfs": {"server": "s"}, "claimRef": {}});
        assert!(volume(&spec).is_empty());
        spec["hostPath"] = json!({"path": "/x"});
        assert_eq!(fields(volume(&spec)), ["spec.nfs"], "the first by name is the one");
        assert_eq!(fields(volume(&json!({}))), ["spec.accessModes", "spec.capacity", "spec.capacity", "spec"]);
    }

    #[test]
    fn a_claim_says_how_much_and_how() {
        let good = json!({"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}});
        assert!(claim(&good).is_empty());
        assert_eq!(fields(claim(&json!({"accessModes": ["Any"]}))), ["spec.accessModes", "spec.resources[storage]"]);
    }
}
