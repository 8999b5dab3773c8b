//! Whether any node can take a role's pods: its labels, taints and size. What runs there by now is not known here.

use serde_json::Value;

use super::super::case::Found;
use super::facts::{Answer, Facts, Part};
use super::need::{Need, amounts, shown};
use super::needs::needs_as_served;
use crate::jobs::{
    Kind,
    taint::{Taint, Toleration},
};

/// Roles that fit no node, and why most nodes are out.
pub(super) fn nodes(kind: Kind, job: &Value, facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    let Some(Answer::Objects(nodes)) = facts.answer(&Part::Nodes) else { return };
    if kind == Kind::TrainJob && facts.runtime(job).is_none() {
        // Half of its pod spec is the runtime's.
        return;
    }
    for need in
        needs_as_served(kind, job, facts).into_iter().filter(|need| need.pods > 0 && need.spec["nodeName"].is_null())
    {
        let reasons: Vec<String> = nodes.iter().filter_map(|node| reason(node, &need)).collect();
        if nodes.is_empty() || reasons.len() < nodes.len() {
            continue;
        }
        let mut counted: Vec<(usize, &String)> = Vec::new();
        for reason in &reasons {
            match counted.iter_mut().find(|(_, known)| *known == reason) {
                Some((count, _)) => *count += 1,
                None => counted.push((1, reason)),
            }
        }
        counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let said: Vec<String> = counted.iter().take(3).map(|(count, reason)| format!("{count}: {reason}")).collect();
        let at = match kind {
            Kind::TrainJob => "/spec/trainer".to_owned(),
            _ => format!("/spec/{}/{}", kind.info().replica_specs, need.role),
        };
        let found = Found::at(at).with("role", &need.role).with("nodes", nodes.len()).with("said", said.join("; "));
        out.push(("no-node-fits", found));
    }
}

/// Why a node can't take a pod; `None` if it can.
fn reason(node: &Value, need: &Need) -> Option<String> {
    if node["spec"]["unschedulable"] == true {
        return Some("closed for new pods".to_owned());
    }
    let labels = &node["metadata"]["labels"];
    for (key, value) in need.spec["nodeSelector"].as_object().into_iter().flatten() {
        if labels.get(key) != Some(value) {
            return Some(format!("without the label {key}={}", value.as_str().unwrap_or_default()));
        }
    }
    let required = &need.spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    if let Some(terms) = required["nodeSelectorTerms"].as_array()
        && !terms.iter().any(|term| term_fits(term, labels))
    {
        return Some("outside of the node affinity".to_owned());
    }
    let tolerations = Toleration::all_of(&need.spec);
    let mut hard = Taint::all_of(node).into_iter().filter(Taint::is_hard);
    if let Some(taint) = hard.find(|taint| !taint.is_tolerated(&tolerations)) {
        return Some(format!("with the taint {}", taint.key));
    }
    let has = amounts(&node["status"]["allocatable"]);
    need.requests.iter().find_map(|(resource, wanted)| {
        let is = has.get(resource).copied().unwrap_or(0);
        (is < *wanted)
            .then(|| format!("too small ({} of {} {resource})", shown(resource, is), shown(resource, *wanted)))
    })
}

fn term_fits(term: &Value, labels: &Value) -> bool {
    term["matchExpressions"].as_array().into_iter().flatten().all(|expression| {
        let is = labels.get(expression["key"].as_str().unwrap_or_default()).and_then(Value::as_str);
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let number = |text: &str| text.parse::<i64>().ok();
        match expression["operator"].as_str().unwrap_or_default() {
            "In" => is.is_some_and(|is| values.contains(&is)),
            "NotIn" => is.is_none_or(|is| !values.contains(&is)),
            "Exists" => is.is_some(),
            "DoesNotExist" => is.is_none(),
            "Gt" => is.and_then(number) > values.first().and_then(|v| number(v)) && is.is_some(),
            "Lt" => {
                is.and_then(number).is_some_and(|is| values.first().and_then(|v| number(v)).is_some_and(|v| is < v))
            }
            _ => true,
        }
    })
}
