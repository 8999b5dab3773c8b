//! Affinity in a word: workers spread over nodes, one on each, or close together.

use serde_json::{Value, json};

use super::Shown;
use crate::jobs::manifest::text::Document;

/// The presets by name.
pub(super) const NAMES: &[&str] = &["spread", "one per node", "together"];

fn make(document: &Document, name: &str) -> Option<Value> {
    let job = document.get("/metadata/name");
    let selector = json!({ "matchLabels": {
        "training.kubeflow.org/job-name": job.as_ref().and_then(Value::as_str).unwrap_or_default(),
        "training.kubeflow.org/job-role": "worker",
    }});
    let term = json!({ "topologyKey": "kubernetes.io/hostname", "labelSelector": selector });
    let preferred = json!([{ "weight": 100, "podAffinityTerm": term }]);
    Some(match name {
        "spread" => json!({ "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": preferred } }),
        "one per node" => json!({ "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [term] } }),
        "together" => json!({ "podAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": preferred } }),
        _ => return None,
    })
}

pub(super) fn show(document: &Document, value: &Value) -> Shown {
    let name = NAMES.iter().find(|name| make(document, name).as_ref() == Some(value));
    name.map_or_else(|| Shown::Long("of your own, in the text".to_owned()), |name| Shown::Text((*name).to_owned()))
}

pub(super) fn parse(document: &Document, typed: &str) -> Result<Value, String> {
    make(document, typed).ok_or_else(|| format!("one of: {}", NAMES.join(", ")))
}
