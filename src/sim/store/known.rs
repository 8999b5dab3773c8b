//! What an older release does not know: it is not stored, as a server drops what a switch is off for.

use serde_json::Value;

use super::Resource;
use super::fields::forget;
use super::resource::{JOBS, PODS};
use crate::sim::release::Release;

/// A field (`[]` stands for every element), and the release that has it first.
type Field = (&'static Resource, &'static str, u32);
/// A condition, and the release that has it first.
type Condition = (&'static Resource, &'static str, u32);

static FIELDS: [Field; 7] = [
    (&PODS, "metadata.generation", 33),
    (&PODS, "status.observedGeneration", 34),
    (&PODS, "status.conditions[].observedGeneration", 34),
    (&PODS, "status.hostIPs", 29),
    (&JOBS, "spec.podReplacementPolicy", 29),
    (&JOBS, "spec.managedBy", 32),
    (&JOBS, "status.terminating", 29),
];
static CONDITIONS: [Condition; 3] =
    [(&PODS, "PodReadyToStartContainers", 29), (&JOBS, "SuccessCriteriaMet", 31), (&JOBS, "FailureTarget", 31)];
/// Why a Job had the condition of its failure early even in older releases.
const BY_POLICY: &str = "PodFailurePolicy";

/// Takes away what `release` does not know.
pub(super) fn cut(release: Release, resource: &Resource, value: &mut Value) {
    if release == Release::default() {
        return;
    }
    let newer = |since: u32| release.minor() < since;
    for (_, path, _) in FIELDS.iter().filter(|(of, _, since)| *of == resource && newer(*since)) {
        take(value, path);
    }
    for (_, kind, _) in CONDITIONS.iter().filter(|(of, _, since)| *of == resource && newer(*since)) {
        if let Some(all) = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
            all.retain(|condition| condition["type"] != *kind || condition["reason"] == BY_POLICY);
        }
    }
}

fn take(value: &mut Value, path: &str) {
    let Some((step, rest)) = path.split_once('.') else { return forget(value, path) };
    let name = step.trim_end_matches("[]");
    let Some(inner) = value.get_mut(name) else { return };
    if name == step {
        take(inner, rest);
    } else {
        inner.as_array_mut().into_iter().flatten().for_each(|element| take(element, rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_older_release_keeps_what_it_knows() {
        let pod = json!({"metadata": {"name": "p", "generation": 1}, "status": {"hostIPs": [], "hostIP": "10.0.0.1", "conditions": [
            {"type": "Ready", "observedGeneration": 1}, {"type": "PodReadyToStartContainers"}]}});
        let of = |release| {
            let mut pod = pod.clone();
            cut(release, &PODS, &mut pod);
            pod
        };
        assert_eq!(of(Release::V1_36), pod);
        let middle = of(Release::V1_31);
        assert_eq!(middle["metadata"], json!({"name": "p"}));
        assert_eq!(middle["status"]["conditions"], json!([{"type": "Ready"}, {"type": "PodReadyToStartContainers"}]));
        assert_eq!(of(Release::V1_27)["status"], json!({"hostIP": "10.0.0.1", "conditions": [{"type": "Ready"}]}));
    }

    #[test]
    fn a_job_of_old_says_only_that_it_is_over() {
        let mut job = json!({"spec": {"podReplacementPolicy": "Failed", "suspend": false}, "status": {"terminating": 0, "conditions": [
            {"type": "SuccessCriteriaMet"}, {"type": "FailureTarget", "reason": "PodFailurePolicy"}, {"type": "Complete"}]}});
        cut(Release::V1_27, &JOBS, &mut job);
        let left = json!([{"type": "FailureTarget", "reason": "PodFailurePolicy"}, {"type": "Complete"}]);
        assert_eq!((&job["status"], &job["spec"]), (&json!({"conditions": left}), &json!({"suspend": false})));
    }
}
