//! Whether the namespace's network policies let a job's replicas reach each other: ssh, and the ports that MPI picks.

use serde_json::{Map, Value, json};

use super::super::case::Found;
use super::facts::{Facts, Part};
use crate::jobs::Kind;

/// Policies that close the workers to the launcher, or leave them too few ports.
pub(super) fn closed(kind: Kind, job: &Value, facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    let worker = labels(kind, job, "Worker");
    let (Some(worker), Some(launcher)) = (worker, labels(kind, job, "Launcher")) else { return };
    let policies = facts.objects(&Part::Policies);
    for (direction, peers, here, there) in
        [("Ingress", "from", &worker, &launcher), ("Egress", "to", &launcher, &worker)]
    {
        let mine: Vec<&Value> = policies.iter().filter(|policy| concerns(policy, direction, here)).collect();
        if mine.is_empty() {
            continue;
        }
        let rules =
            mine.iter().flat_map(|policy| policy["spec"][direction.to_lowercase()].as_array().into_iter().flatten());
        let open: Vec<&Value> = rules.filter(|rule| meets(&rule[peers], there)).collect();
        let names: Vec<&str> = mine.iter().filter_map(|policy| policy["metadata"]["name"].as_str()).collect();
        let found =
            || Found::at("/spec").with("policies", names.join(", ")).with("namespace", facts.namespace.as_str());
        if open.is_empty() {
            out.push(("network-closed", found()));
        } else if open.iter().all(|rule| rule["ports"].as_array().is_some_and(|ports| !ports.is_empty())) {
            out.push(("network-few-ports", found()));
        }
    }
}

/// The labels that the operator gives a role's pods, beside the template's own.
fn labels(kind: Kind, job: &Value, role: &str) -> Option<Map<String, Value>> {
    if !matches!(kind, Kind::MpiJob | Kind::MpiJobV1) {
        return None;
    }
    let spec = job["spec"]["mpiReplicaSpecs"].get(role)?;
    let mut labels = spec["template"]["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    for (key, value) in [
        ("job-name", &job["metadata"]["name"]),
        ("job-role", &json!(role.to_lowercase())),
        ("operator-name", &json!(kind.info().operator)),
    ] {
        labels.insert(format!("training.kubeflow.org/{key}"), value.clone());
    }
    Some(labels)
}

/// Whether a policy speaks about this direction of pods with these labels. One that names no direction speaks of what
/// comes in, and of what goes out if it has rules for it.
fn concerns(policy: &Value, direction: &str, labels: &Map<String, Value>) -> bool {
    let types = policy["spec"]["policyTypes"].as_array();
    let speaks = match types {
        Some(types) => types.iter().any(|kind| kind == direction),
        None => direction == "Ingress" || policy["spec"]["egress"].is_array(),
    };
    speaks && selects(&policy["spec"]["podSelector"], labels)
}

/// Whether the peers of a rule include pods with these labels in the same namespace. No peers are all.
fn meets(peers: &Value, labels: &Map<String, Value>) -> bool {
    let Some(peers) = peers.as_array().filter(|peers| !peers.is_empty()) else { return true };
    peers.iter().any(|peer| {
        // Labels of the namespace, and addresses of its pods, are not known here: they count as met.
        let elsewhere = !peer["namespaceSelector"].is_null() || !peer["ipBlock"].is_null();
        if peer["podSelector"].is_null() { elsewhere } else { selects(&peer["podSelector"], labels) }
    })
}

fn selects(selector: &Value, labels: &Map<String, Value>) -> bool {
    let exact =
        selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    exact
        && selector["matchExpressions"].as_array().into_iter().flatten().all(|expression| {
            let is = labels.get(expression["key"].as_str().unwrap_or_default());
            let listed =
                || expression["values"].as_array().is_some_and(|values| is.is_some_and(|is| values.contains(is)));
            match expression["operator"].as_str().unwrap_or_default() {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => is.is_some(),
                "DoesNotExist" => is.is_none(),
                _ => true,
            }
        })
}
