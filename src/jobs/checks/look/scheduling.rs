//! Where pods may go, and whether they may go there together.

use serde_json::Value;

use super::{Looks, names};
use crate::jobs::Kind;
use crate::jobs::checks::case::{Case, Found, Role};

pub(super) const LOOKS: Looks = &[
    ("selector-form", selector),
    ("toleration-form", tolerations),
    ("affinity-form", affinity),
    ("spread-form", spread),
    ("priority-number", priority),
    ("wait-with-gang", wait_with_gang),
    ("gang-too-many", gang_too_many),
    ("gang-some", gang_some),
];

fn each<'a>(case: &Case<'a>, bad: impl Fn(&Role<'a>, &mut Vec<(String, String)>)) -> Vec<Found> {
    let mut found = Vec::new();
    for role in case.made() {
        let mut out = Vec::new();
        bad(&role, &mut out);
        found.extend(
            out.into_iter()
                .map(|(rest, said)| Found::at(role.pod_at(&rest)).with("role", role.name).with("said", said)),
        );
    }
    found
}

fn selector(case: &Case<'_>) -> Vec<Found> {
    each(case, |role, out| {
        for (key, value) in role.pod()["nodeSelector"].as_object().into_iter().flatten() {
            let said = names::key(key).or_else(|| names::value(value.as_str().unwrap_or_default()));
            let at = crate::jobs::manifest::text::joined("/nodeSelector", key);
            out.extend(said.map(|said| (at, format!("{key}: {} {said}", value.as_str().unwrap_or_default()))));
        }
    })
}

fn tolerations(case: &Case<'_>) -> Vec<Found> {
    each(case, |role, out| {
        for (i, toleration) in role.pod()["tolerations"].as_array().into_iter().flatten().enumerate() {
            out.extend(toleration_fault(toleration).map(|(field, said)| (format!("/tolerations/{i}/{field}"), said)));
        }
    })
}

fn toleration_fault(toleration: &Value) -> Option<(&'static str, String)> {
    let word = |field: &str| toleration[field].as_str().unwrap_or_default();
    let (operator, effect) = (word("operator"), word("effect"));
    if !matches!(operator, "" | "Exists" | "Equal") {
        return Some(("operator", format!("{operator:?} is none of Exists, Equal")));
    }
    if word("key").is_empty() && operator != "Exists" {
        return Some(("operator", "without a key it must be Exists".to_owned()));
    }
    if let Some(said) = names::key(word("key")).filter(|_| !word("key").is_empty()) {
        return Some(("key", said.to_owned()));
    }
    if operator == "Exists" && !word("value").is_empty() {
        return Some(("value", "there must be none with operator Exists".to_owned()));
    }
    if operator != "Exists" && names::value(word("value")).is_some() {
        return Some(("value", format!("{:?} is no label's value", word("value"))));
    }
    if !matches!(effect, "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
        return Some(("effect", format!("{effect:?} is none of NoSchedule, PreferNoSchedule, NoExecute")));
    }
    let timed = !toleration["tolerationSeconds"].is_null() && effect != "NoExecute";
    timed.then(|| ("effect", "must be NoExecute where tolerationSeconds is set".to_owned()))
}

fn affinity(case: &Case<'_>) -> Vec<Found> {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    each(case, |role, out| {
        let node = &role.pod()["affinity"]["nodeAffinity"][REQUIRED];
        let at = format!("/affinity/nodeAffinity/{REQUIRED}/nodeSelectorTerms");
        let terms = node["nodeSelectorTerms"].as_array();
        if node.is_object() && terms.is_none_or(Vec::is_empty) {
            out.push((at.clone(), "there must be at least one term".to_owned()));
        }
        for (i, term) in terms.into_iter().flatten().enumerate() {
            for (j, expression) in term["matchExpressions"].as_array().into_iter().flatten().enumerate() {
                out.extend(expression_fault(expression).map(|said| (format!("{at}/{i}/matchExpressions/{j}"), said)));
            }
        }
    })
}

fn expression_fault(expression: &Value) -> Option<String> {
    let count = expression["values"].as_array().map_or(0, Vec::len);
    let operator = expression["operator"].as_str().unwrap_or_default();
    let said = match operator {
        "In" | "NotIn" if count == 0 => "needs values",
        "Exists" | "DoesNotExist" if count > 0 => "takes no values",
        "Gt" | "Lt" if count != 1 => "takes one value",
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {
            return names::key(expression["key"].as_str().unwrap_or_default()).map(str::to_owned);
        }
        _ => return Some(format!("operator {operator:?} is none of In, NotIn, Exists, DoesNotExist, Gt, Lt")),
    };
    Some(format!("operator {operator} {said}"))
}

fn spread(case: &Case<'_>) -> Vec<Found> {
    each(case, |role, out| {
        for (i, rule) in role.pod()["topologySpreadConstraints"].as_array().into_iter().flatten().enumerate() {
            let at = format!("/topologySpreadConstraints/{i}");
            if rule["maxSkew"].as_i64().is_some_and(|n| n < 1) {
                out.push((format!("{at}/maxSkew"), "must be greater than zero".to_owned()));
            }
            if rule["topologyKey"] == "" {
                out.push((format!("{at}/topologyKey"), "there must be one".to_owned()));
            }
            let word = rule["whenUnsatisfiable"].as_str().unwrap_or_default();
            if !matches!(word, "DoNotSchedule" | "ScheduleAnyway") {
                out.push((
                    format!("{at}/whenUnsatisfiable"),
                    format!("{word:?} is none of DoNotSchedule, ScheduleAnyway"),
                ));
            }
        }
    })
}

/// The admission controller wants to compute these from the priority class.
fn priority(case: &Case<'_>) -> Vec<Found> {
    each(case, |role, out| {
        let pod = role.pod();
        if pod["priority"].as_i64().is_some_and(|n| n != 0) && pod["priorityClassName"].is_null() {
            out.push(("/priority".to_owned(), "a number".to_owned()));
        }
        if pod["preemptionPolicy"].as_str().is_some_and(|word| word != "PreemptLowerPriority")
            && pod["priorityClassName"].is_null()
        {
            out.push(("/preemptionPolicy".to_owned(), "a policy".to_owned()));
        }
    })
}

fn waits(case: &Case<'_>) -> bool {
    case.kind == Kind::MpiJob
        && case.text("/spec/launcherCreationPolicy").is_some_and(|word| word != "AtStartup" && !word.is_empty())
}

/// The gang wants the launcher among its members, and the launcher wants the workers first.
fn wait_with_gang(case: &Case<'_>) -> Vec<Found> {
    let Some(policy) = case.get("/spec/runPolicy/schedulingPolicy") else { return Vec::new() };
    let least = policy["minAvailable"].as_i64().unwrap_or(case.workers() + 1);
    let stuck = waits(case) && least > case.workers();
    let at = "/spec/launcherCreationPolicy";
    stuck.then(|| Found::at(at).with("least", least).with("workers", case.workers())).into_iter().collect()
}

fn gang_too_many(case: &Case<'_>) -> Vec<Found> {
    let at = "/spec/runPolicy/schedulingPolicy/minAvailable";
    let all: i64 = case.made().iter().map(|role| role.replicas().unwrap_or(1)).sum();
    case.number(at).filter(|n| *n > all).map(|is| Found::at(at).with("is", is).with("all", all)).into_iter().collect()
}

fn gang_some(case: &Case<'_>) -> Vec<Found> {
    let at = "/spec/runPolicy/schedulingPolicy/minAvailable";
    let few = case.number(at).filter(|n| case.is_mpi() && *n < case.workers());
    few.map(|is| Found::at(at).with("is", is).with("workers", case.workers())).into_iter().collect()
}
