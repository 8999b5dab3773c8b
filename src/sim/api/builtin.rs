//! What the API server checks of built-in kinds beside their types, as far as people here meet it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::sim::schema::Fault;
use crate::sim::store::Resource;
use crate::sim::store::resource::{JOBS, QUOTAS, SECRETS};

/// What a quota can count, beside `count/…`, `requests.…` of extended resources and what has a domain.
const COUNTED: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "services",
    "services.nodeports",
    "services.loadbalancers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "storage",
];
const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

/// What is wrong with an object.
pub(super) fn faults(resource: &Resource, value: &Value) -> Vec<Fault> {
    if *resource == JOBS {
        job(&value["spec"])
    } else if *resource == QUOTAS {
        quota(&value["spec"])
    } else {
        Vec::new()
    }
}

/// What Go's decoder would stumble over, beyond types.
pub(super) fn undecodable(resource: &Resource, value: &Value) -> Option<String> {
    if *resource != SECRETS {
        return None;
    }
    let mut data = value["data"].as_object().into_iter().flatten();
    data.find_map(|(_, text)| bad_base64(text.as_str().unwrap_or_default()))
}

fn bad_base64(text: &str) -> Option<String> {
    BASE64_STANDARD.decode(text).err()?;
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let at = text.find(|c| !letter(c)).unwrap_or(text.len());
    Some(format!("illegal base64 data at input byte {at}"))
}

fn job(spec: &Value) -> Vec<Fault> {
    let said = match spec["template"]["spec"]["restartPolicy"].as_str() {
        Some("Never" | "OnFailure") => return Vec::new(),
        None | Some("" | "Always") => "Required value: valid values: \"OnFailure\", \"Never\"".to_owned(),
        Some(other) => format!("Unsupported value: \"{other}\": supported values: \"OnFailure\", \"Never\""),
    };
    let reason = if said.starts_with("Required") { "FieldValueRequired" } else { "FieldValueNotSupported" };
    vec![(reason, "spec.template.spec.restartPolicy".to_owned(), said)]
}

fn quota(spec: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    for (key, _) in spec["hard"].as_object().into_iter().flatten() {
        if !COUNTED.contains(&key.as_str()) && !key.contains('/') {
            for what in ["resource type or fully qualified", "resource for quota"] {
                let said = format!("Invalid value: \"{key}\": must be a standard {what}");
                out.push(("FieldValueInvalid", format!("spec.hard[{key}]"), said));
            }
        }
    }
    for scope in spec["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !SCOPES.contains(&scope) {
            let said = format!("Invalid value: [\"{scope}\"]: unsupported scope");
            out.push(("FieldValueInvalid", "spec.scopes".to_owned(), said));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotas_count_what_has_a_name() {
        let known =
            json!({"hard": {"pods": 1, "requests.nvidia.com/gpu": 1, "count/jobs.batch": 1}, "scopes": ["BestEffort"]});
        assert!(quota(&known).is_empty());
        assert_eq!(quota(&json!({"hard": {"gpus": 1}, "scopes": ["Odd"]})).len(), 3);
    }

    #[test]
    fn what_is_no_base64_is_said_with_its_place() {
        assert_eq!(bad_base64("Yg=="), None);
        assert_eq!(bad_base64("*").as_deref(), Some("illegal base64 data at input byte 0"));
    }
}
