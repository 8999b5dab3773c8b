//! Objects that a manifest names, and that must be there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::case::Found;
use super::facts::{Answer, Facts, Part};
use super::train::runtime_kind;
use crate::jobs::Kind;

/// An object that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// JSON pointer of the name.
    pub at: String,
}

/// Every object that a manifest names and can't do without, each once.
pub fn references(kind: Kind, job: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut add = |kind: &'static str, name: &Value, at: String| {
        if let Some(name) = name.as_str().filter(|name| !name.is_empty()) {
            found.push(Reference { kind, name: name.to_owned(), at });
        }
    };
    let queue = "/metadata/labels/kueue.x-k8s.io~1queue-name";
    add("LocalQueue", job.pointer(queue).unwrap_or(&Value::Null), queue.to_owned());
    if kind == Kind::TrainJob {
        add(runtime_kind(job), &job["spec"]["runtimeRef"]["name"], "/spec/runtimeRef/name".to_owned());
    }
    let specs = kind.info().replica_specs;
    for (role, spec) in job["spec"][specs].as_object().into_iter().flatten() {
        pod(&spec["template"]["spec"], &format!("/spec/{specs}/{role}/template/spec"), &mut add);
    }
    let mut seen = BTreeSet::new();
    found.retain(|reference| seen.insert((reference.kind, reference.name.clone())));
    found
}

fn pod(spec: &Value, at: &str, add: &mut dyn FnMut(&'static str, &Value, String)) {
    add("ServiceAccount", &spec["serviceAccountName"], format!("{at}/serviceAccountName"));
    if !spec["priorityClassName"].as_str().is_some_and(|name| name.starts_with("system-")) {
        add("PriorityClass", &spec["priorityClassName"], format!("{at}/priorityClassName"));
    }
    add("RuntimeClass", &spec["runtimeClassName"], format!("{at}/runtimeClassName"));
    let wanted = |source: &Value| source["optional"] != true;
    for (i, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
        let at = format!("{at}/volumes/{i}");
        add(
            "PersistentVolumeClaim",
            &volume["persistentVolumeClaim"]["claimName"],
            format!("{at}/persistentVolumeClaim/claimName"),
        );
        if wanted(&volume["secret"]) {
            add("Secret", &volume["secret"]["secretName"], format!("{at}/secret/secretName"));
        }
        if wanted(&volume["configMap"]) {
            add("ConfigMap", &volume["configMap"]["name"], format!("{at}/configMap/name"));
        }
    }
    for list in ["containers", "initContainers"] {
        for (i, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let at = format!("{at}/{list}/{i}");
            for (j, variable) in container["env"].as_array().into_iter().flatten().enumerate() {
                for (kind, field) in [("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")] {
                    let source = &variable["valueFrom"][field];
                    if wanted(source) {
                        add(kind, &source["name"], format!("{at}/env/{j}/valueFrom/{field}/name"));
                    }
                }
            }
            for (j, from) in container["envFrom"].as_array().into_iter().flatten().enumerate() {
                for (kind, field) in [("Secret", "secretRef"), ("ConfigMap", "configMapRef")] {
                    if wanted(&from[field]) {
                        add(kind, &from[field]["name"], format!("{at}/envFrom/{j}/{field}/name"));
                    }
                }
            }
        }
    }
}

/// Named objects that are not there. A priority class or runtime class that is not there keeps the pods from being made; the
/// others keep them from starting.
pub(super) fn missing(kind: Kind, job: &Value, facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    for reference in references(kind, job) {
        let part = Part::Object(reference.kind, reference.name.clone());
        if !matches!(facts.answer(&part), Some(Answer::No(_))) {
            continue;
        }
        let rule = match reference.kind {
            "PriorityClass" | "RuntimeClass" | "ServiceAccount" => "object-missing-pods",
            _ => "object-missing",
        };
        let found = Found::at(reference.at).with("kind", reference.kind).with("name", &reference.name);
        out.push((rule, found.with("namespace", facts.namespace.as_str())));
    }
}
