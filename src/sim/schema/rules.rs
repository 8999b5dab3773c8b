//! The rules that definitions of custom resources have beside their schemas, in CEL there: named checks here, with
//! their sentences.

use serde_json::Value;

use super::walk::{Fault, NOWHERE, join};
use crate::sim::resource::Resource;

/// What a rule looks at.
#[derive(Clone, Copy)]
enum Test {
    /// Once there, it stays as it is.
    Stays,
    /// It holds for every value.
    Holds(fn(&Value) -> bool),
    /// It holds between what was and what is.
    Follows(fn(&Value, &Value) -> bool),
}

/// Path (`[]` stands for every element), sentence, check.
type Rule = (&'static str, &'static str, Test);

use Test::{Follows, Holds, Stays};

const TRAIN_JOB: &[Rule] = &[
    ("", "metadata.name must match RFC 1035 DNS label format", Holds(|job| is_host(text(&job["metadata"]["name"])))),
    ("", "metadata.name must be no more than 63 characters", Holds(|job| text(&job["metadata"]["name"]).len() <= 63)),
    ("spec.activeDeadlineSeconds", IMMUTABLE, Stays),
    ("spec.initializer", IMMUTABLE, Stays),
    ("spec.initializer.dataset.storageUri", URI, Holds(is_uri)),
    ("spec.initializer.model.storageUri", URI, Holds(is_uri)),
    (
        "spec.managedBy",
        "ManagedBy must be trainer.kubeflow.org/trainjob-controller or kueue.x-k8s.io/multikueue if set",
        Holds(|by| ["trainer.kubeflow.org/trainjob-controller", "kueue.x-k8s.io/multikueue"].contains(&text(by))),
    ),
    ("spec.managedBy", IMMUTABLE, Stays),
    ("spec.runtimeRef", IMMUTABLE, Stays),
    ("spec.trainer", IMMUTABLE, Stays),
    (
        "spec.trainer.numProcPerNode",
        "numProcPerNode must be greater than or equal to 1",
        Holds(|n| n.as_i64().is_none_or(|n| n >= 1)),
    ),
];
const RUN_POLICY: &[Rule] =
    &[("spec.runPolicy.schedulingPolicy.queue", "spec.runPolicy.schedulingPolicy.queue is immutable", Stays)];
const JOB_SET: &[Rule] = &[
    ("spec.failurePolicy", VALUE_IMMUTABLE, Stays),
    ("spec.network", VALUE_IMMUTABLE, Stays),
    ("spec.startupPolicy", VALUE_IMMUTABLE, Stays),
    ("spec.successPolicy", VALUE_IMMUTABLE, Stays),
    (
        "spec",
        "StartupPolicy and DependsOn APIs are mutually exclusive",
        Holds(|spec| {
            let depends = list(&spec["replicatedJobs"]).iter().any(|job| !job["dependsOn"].is_null());
            spec["startupPolicy"]["startupPolicyOrder"] != "InOrder" || !depends
        }),
    ),
];
const LOCAL_QUEUE: &[Rule] = &[("spec.clusterQueue", IMMUTABLE, Stays)];
const CLUSTER_QUEUE: &[Rule] = &[
    (
        "spec",
        "borrowingLimit must be nil when cohort is empty",
        Holds(|spec| {
            let mut resources = list(&spec["resourceGroups"])
                .iter()
                .flat_map(|group| list(&group["flavors"]))
                .flat_map(|flavor| list(&flavor["resources"]));
            let cohort = !spec["cohort"].is_null() || !spec["cohortName"].is_null();
            cohort || resources.all(|resource| resource["borrowingLimit"].is_null())
        }),
    ),
    (
        "spec.preemption",
        "reclaimWithinCohort=Never and borrowWithinCohort.Policy!=Never",
        Holds(|p| {
            let borrows = &p["borrowWithinCohort"];
            p["reclaimWithinCohort"] != "Never" || borrows.is_null() || borrows["policy"] == "Never"
        }),
    ),
    (
        "spec.resourceGroups[]",
        "flavors must have the same number of resources as the coveredResources",
        Holds(|group| {
            let covered = list(&group["coveredResources"]).len();
            list(&group["flavors"]).iter().all(|flavor| list(&flavor["resources"]).len() == covered)
        }),
    ),
];
const FLAVOR: &[Rule] = &[
    (
        "spec",
        "at least one nodeLabel is required when topology is set",
        Holds(|spec| spec["topologyName"].is_null() || spec["nodeLabels"].as_object().is_some_and(|l| !l.is_empty())),
    ),
    (
        "spec",
        "topologyName is immutable when topologyName is set",
        Follows(|old, new| old["topologyName"].is_null() || old["topologyName"] == new["topologyName"]),
    ),
    (
        "spec.nodeTaints",
        "supported taint effect values: 'NoSchedule', 'PreferNoSchedule', 'NoExecute'",
        Holds(|taints| list(taints).iter().all(|taint| EFFECTS.contains(&text(&taint["effect"])))),
    ),
    (
        "spec.tolerations",
        "operator must be Exists when 'key' is empty, which means 'match all values and all keys'",
        Holds(|all| list(all).iter().all(|t| !t["key"].is_null() || t["operator"] == "Exists")),
    ),
    (
        "spec.tolerations",
        "effect must be 'NoExecute' when 'tolerationSeconds' is set",
        Holds(|all| list(all).iter().all(|t| t["tolerationSeconds"].is_null() || t["effect"] == "NoExecute")),
    ),
    (
        "spec.tolerations",
        "supported toleration values: 'Equal'(default), 'Exists'",
        Holds(|all| list(all).iter().all(|t| ["", "Equal", "Exists"].contains(&text(&t["operator"])))),
    ),
    (
        "spec.tolerations",
        "a value must be empty when 'operator' is 'Exists'",
        Holds(|all| list(all).iter().all(|t| t["operator"] != "Exists" || t["value"].is_null())),
    ),
    (
        "spec.tolerations",
        "supported taint effect values: 'NoSchedule', 'PreferNoSchedule', 'NoExecute'",
        Holds(|all| list(all).iter().all(|t| t["effect"].is_null() || EFFECTS.contains(&text(&t["effect"])))),
    ),
];
const WORKLOAD: &[Rule] = &[
    (
        "spec",
        "priority should not be nil when priorityClassRef is set",
        Holds(|spec| spec["priorityClassRef"].is_null() || !spec["priority"].is_null()),
    ),
    (
        "spec",
        "priority should not be nil when priorityClassName is set",
        Holds(|spec| spec["priorityClassName"].is_null() || !spec["priority"].is_null()),
    ),
    (
        "spec.podSets[]",
        "minCount should be positive and less or equal to count",
        Holds(|set| set["minCount"].as_i64().is_none_or(|least| set["count"].as_i64().is_some_and(|n| least <= n))),
    ),
];

const IMMUTABLE: &str = "field is immutable";
const VALUE_IMMUTABLE: &str = "Value is immutable";
const URI: &str = "storageUri may be empty, or it must be a valid URI (scheme://...)";
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

fn of(resource: &Resource) -> &'static [Rule] {
    match (resource.group, resource.kind) {
        ("trainer.kubeflow.org", "TrainJob") => TRAIN_JOB,
        // The newer MPIJob has no rules.
        ("kubeflow.org", _) if resource.version == "v1" => RUN_POLICY,
        ("jobset.x-k8s.io", "JobSet") => JOB_SET,
        ("kueue.x-k8s.io", "LocalQueue") => LOCAL_QUEUE,
        ("kueue.x-k8s.io", "ClusterQueue") => CLUSTER_QUEUE,
        ("kueue.x-k8s.io", "ResourceFlavor") => FLAVOR,
        ("kueue.x-k8s.io", "Workload") => WORKLOAD,
        _ => &[],
    }
}

/// Whether the definition of a kind has rules.
pub(crate) fn has_rules(resource: &Resource) -> bool {
    !of(resource).is_empty()
}

/// The rules that an object breaks; `old` is what it was.
pub(crate) fn broken(resource: &Resource, value: &Value, old: Option<&Value>) -> Vec<Fault> {
    let mut found = Vec::new();
    for (path, said, test) in of(resource) {
        places(path, "", value, old, &mut |place, value, old| {
            let holds = match (test, old) {
                (Holds(test), _) => test(value),
                (Stays, Some(old)) => old == value,
                (Follows(test), Some(old)) => test(old, value),
                (Stays | Follows(_), None) => true,
            };
            if !holds {
                // What is no scalar isn't repeated.
                let shown = if value.is_object() || value.is_array() { String::new() } else { format!("{value}: ") };
                let place = if place.is_empty() { NOWHERE } else { place };
                found.push(("FieldValueInvalid", place.to_owned(), format!("Invalid value: {shown}{said}")));
            }
        });
    }
    found
}

/// Calls `look` with every place of a path that is there. Elements of lists have no past.
fn places(
    path: &str,
    place: &str,
    value: &Value,
    old: Option<&Value>,
    look: &mut dyn FnMut(&str, &Value, Option<&Value>),
) {
    if path.is_empty() {
        look(place, value, old);
        return;
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let name = step.trim_end_matches("[]");
    let (Some(inner), place) = (value.get(name).filter(|v| !v.is_null()), join(place, name)) else { return };
    if name == step {
        places(rest, &place, inner, old.and_then(|old| old.get(name)).filter(|v| !v.is_null()), look);
    } else {
        for (at, element) in list(inner).iter().enumerate() {
            places(rest, &format!("{place}[{at}]"), element, None, look);
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// RFC 1035: begins with a letter.
fn is_host(name: &str) -> bool {
    let inside = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    inside && name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-')
}

fn is_uri(value: &Value) -> bool {
    let Some((scheme, rest)) = text(value).split_once("://") else { return text(value).is_empty() };
    let sign = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(sign) && !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::resource::{CLUSTERQUEUES, MPIJOBS, TRAINJOBS};
    use serde_json::json;

    fn told(resource: &Resource, value: &Value, old: Option<&Value>) -> Vec<String> {
        broken(resource, value, old).into_iter().map(|(_, field, said)| format!("{field}: {said}")).collect()
    }

    #[test]
    fn what_stays_is_held_against_what_was() {
        let job = |runtime: &str, manager: Value| json!({"metadata": {"name": "a"}, "spec": {"runtimeRef": {"name": runtime}, "managedBy": manager}});
        let (old, kept) = (job("torch", Value::Null), "trainer.kubeflow.org/trainjob-controller");
        assert!(told(&TRAINJOBS, &job("torch", json!(kept)), Some(&old)).is_empty(), "it may come to be there");
        assert_eq!(
            told(&TRAINJOBS, &job("other", Value::Null), Some(&old)),
            ["spec.runtimeRef: Invalid value: field is immutable"]
        );
        let said = "spec.managedBy: Invalid value: \"me\": ManagedBy must be trainer.kubeflow.org/trainjob-controller or kueue.x-k8s.io/multikueue if set";
        assert_eq!(told(&TRAINJOBS, &job("torch", json!("me")), None), [said]);
    }

    #[test]
    fn elements_of_lists_are_told_by_their_place() {
        let group =
            |covered: Value| json!({"coveredResources": covered, "flavors": [{"resources": [{"name": "cpu"}]}]});
        let queue = json!({"spec": {"resourceGroups": [group(json!(["cpu"])), group(json!(["cpu", "memory"]))]}});
        assert_eq!(
            told(&CLUSTERQUEUES, &queue, None),
            [
                "spec.resourceGroups[1]: Invalid value: flavors must have the same number of resources as the coveredResources"
            ]
        );
        assert!(!has_rules(&MPIJOBS) && has_rules(&TRAINJOBS));
    }

    #[test]
    fn names_and_addresses() {
        assert!(is_host("a-1") && !is_host("1a") && !is_host("a.b") && !is_host("a-"));
        assert!(is_uri(&json!("")) && is_uri(&json!("hf://x")) && !is_uri(&json!("x")) && !is_uri(&json!("1://x")));
    }
}
