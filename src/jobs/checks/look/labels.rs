//! Names, labels, annotations.

use serde_json::Value;

use super::{Looks, names};
use crate::jobs::checks::case::{Case, Found};
use crate::jobs::manifest::text::joined;

pub(super) const LOOKS: Looks = &[
    ("name-form", name_form),
    ("label-form", label_form),
    ("template-label-form", template_label_form),
    ("label-reserved", reserved),
    ("queue-missing", queue_missing),
    ("server-fields", server_fields),
    ("resource-version", resource_version),
];

fn name_form(case: &Case<'_>) -> Vec<Found> {
    let at = "/metadata/name";
    match case.text(at).filter(|name| !name.is_empty()) {
        Some(name) => {
            names::subdomain(name).map(|said| Found::at(at).with("is", name).with("said", said)).into_iter().collect()
        }
        None if case.text("/metadata/generateName").is_some() => Vec::new(),
        None => vec![Found::at(at).with("is", "").with("said", "there must be one")],
    }
}

/// Bad keys and values of a metadata map: pointer, what it is, the sentence.
fn faults(metadata: &Value, at: &str) -> Vec<(String, String, &'static str)> {
    let mut found = Vec::new();
    for place in ["labels", "annotations"] {
        for (key, value) in metadata[place].as_object().into_iter().flatten() {
            let here = joined(&format!("{at}/{place}"), key);
            // Keys of annotations are compared in lower case.
            let lower = key.to_lowercase();
            let said = names::key(if place == "annotations" { &lower } else { key });
            let of_value = value.as_str().filter(|_| place == "labels").and_then(names::value);
            match (said, of_value) {
                (Some(said), _) => found.push((here, format!("the key {key:?}"), said)),
                (None, Some(said)) => {
                    found.push((here, format!("{key}: {:?}", value.as_str().unwrap_or_default()), said));
                }
                _ => {}
            }
        }
    }
    found
}

fn label_form(case: &Case<'_>) -> Vec<Found> {
    let mut found: Vec<_> = faults(&case.job["metadata"], "/metadata").into_iter().map(of).collect();
    for (i, name) in case.job["metadata"]["finalizers"].as_array().into_iter().flatten().enumerate() {
        let said = names::key(name.as_str().unwrap_or_default());
        let at = format!("/metadata/finalizers/{i}");
        found.extend(said.map(|said| of((at, format!("the finalizer {name}"), said))));
    }
    found
}

fn of((at, what, said): (String, String, &'static str)) -> Found {
    Found::at(at).with("what", what).with("said", said)
}

fn template_label_form(case: &Case<'_>) -> Vec<Found> {
    let all = case.made().into_iter().flat_map(|role| {
        let found = faults(&role.spec["template"]["metadata"], &format!("{}/template/metadata", role.at));
        found.into_iter().map(move |fault| of(fault).with("role", role.name)).collect::<Vec<_>>()
    });
    all.collect()
}

/// Labels that the operator writes over.
fn reserved(case: &Case<'_>) -> Vec<Found> {
    const OWN: [&str; 4] = ["job-name", "job-role", "operator-name", "replica-index"];
    let mut found = Vec::new();
    for role in case.made() {
        for (key, _) in role.spec["template"]["metadata"]["labels"].as_object().into_iter().flatten() {
            if key.strip_prefix("training.kubeflow.org/").is_some_and(|rest| OWN.contains(&rest)) {
                let at = joined(&format!("{}/template/metadata/labels", role.at), key);
                found.push(Found::at(at).with("label", key).with("role", role.name));
            }
        }
    }
    found
}

fn queue_missing(case: &Case<'_>) -> Vec<Found> {
    let at = "/metadata/labels/kueue.x-k8s.io~1queue-name";
    case.get(at).is_none().then(|| Found::at(at)).into_iter().collect()
}

/// What the server makes, and refuses or drops when a manifest is created with it.
fn server_fields(case: &Case<'_>) -> Vec<Found> {
    let fields = ["/status", "/metadata/uid", "/metadata/managedFields"];
    fields
        .into_iter()
        .filter(|at| case.get(at).is_some())
        .map(|at| Found::at(at).with("field", at.rsplit('/').next().unwrap_or_default()))
        .collect()
}

/// The API server answers a create with it by an error of its own.
fn resource_version(case: &Case<'_>) -> Vec<Found> {
    let at = "/metadata/resourceVersion";
    case.get(at).map(|_| Found::at(at)).into_iter().collect()
}
