//! A new manifest from a job that there is, or was.

use serde_json::{Map, Value};

use crate::jobs::manifest::{self, Env, ManifestError};

/// Labels and annotations of Kueue that a person sets; its others tell of one admission.
const KUEUE_KEPT: [&str; 4] = ["queue-name", "priority-class", "max-exec-time-seconds", "elastic-job"];
/// Domains whose marks belong to the object that they stand on, not to its copy.
const MARKS: [&str; 8] = [
    "training.kubeflow.org/",
    "batch.kubernetes.io/",
    "controller-uid",
    "jobset.sigs.k8s.io/",
    "mpideck.io/",
    "argocd.argoproj.io/",
    "meta.helm.sh/",
    "kubectl.kubernetes.io/",
];

/// The manifest of a new job like `object`, under another name: without status, uid, owners, and the marks of Kueue,
/// controllers and delivery tools; not suspended, as that is Kueue's to say. Environment values are as they are.
pub fn copied(object: &Value, name: &str) -> Result<String, ManifestError> {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["ownerReferences", "finalizers", "generateName"] {
            metadata.remove(field);
        }
        for place in ["labels", "annotations"] {
            if let Some(map) = metadata.get_mut(place).and_then(Value::as_object_mut) {
                map.retain(|key, value| is_kept(key, value));
            }
        }
        metadata.insert("name".to_owned(), name.into());
    }
    for pointer in ["/spec/runPolicy", "/spec"] {
        if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.remove("suspend");
        }
    }
    without_empty_policy(&mut object);
    manifest::cleaned(&object, Env::Shown)
}

fn is_kept(key: &str, value: &Value) -> bool {
    if let Some(rest) = key.strip_prefix("kueue.x-k8s.io/") {
        return KUEUE_KEPT.contains(&rest);
    }
    let helm = key == "app.kubernetes.io/managed-by" && value == "Helm";
    !helm && key != "job-name" && !MARKS.iter().any(|mark| key.starts_with(mark))
}

fn without_empty_policy(object: &mut Value) {
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
        && spec.get("runPolicy").and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        spec.remove("runPolicy");
    }
}

/// A name like `name` that is not taken: `train` → `train-2`, `train-2` → `train-3`. The first part is cut where the
/// names of pods would get too long; `longest` is what the name may have (53 with a hundred workers).
pub fn free_name(name: &str, longest: usize, taken: impl Fn(&str) -> bool) -> String {
    let (stem, from) = match name.rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && number.len() < 6 => {
            number.parse::<u64>().map_or((name, 2), |number| (stem, number.max(1) + 1))
        }
        _ => (name, 2),
    };
    let named = |number: u64| {
        let end = format!("-{number}");
        let room = longest.saturating_sub(end.len());
        let stem: String = stem.chars().take(room).collect();
        format!("{}{end}", stem.trim_end_matches(['-', '.']))
    };
    // Somewhere there is a free one.
    (from..from + 10_000).map(named).find(|name| !taken(name)).unwrap_or_else(|| named(from))
}
