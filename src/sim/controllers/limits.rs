//! Limit ranges: what containers get that ask for nothing, and what they may not ask for.

use serde_json::{Value, json};

use crate::sim::{
    amounts::amount,
    store::{
        Refusal, Resource, Selector, Store,
        resource::{CLAIMS, LIMITRANGES, PODS},
    },
    value::{list, name, namespace},
};

/// Where admission says which defaults it gave.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Gives a pod its namespace's defaults, then refuses it (or a claim) if it breaks a rule.
pub(super) fn admit(store: &Store, resource: &Resource, object: &mut Value) -> Result<(), Refusal> {
    let pod = *resource == PODS;
    for range in store.list(&LIMITRANGES, Some(namespace(object)), &Selector::default()).items {
        let range = range.value();
        let rules = list(&range, "/spec/limits");
        for rule in rules.iter().filter(|rule| pod && rule["type"] == "Container") {
            give(rule, object);
        }
        let mut wrong = Vec::new();
        for rule in rules {
            match rule["type"].as_str() {
                Some("Container") if pod => {
                    for container in list(object, "/spec/containers") {
                        let ask = |side: &str, what: &str| said(&container["resources"][side], what);
                        breaks(rule, "Container", &ask, &mut wrong);
                    }
                }
                Some("Pod") if pod => {
                    let ask = |side: &str, what: &str| total(object, side, what);
                    breaks(rule, "Pod", &ask, &mut wrong);
                }
                Some("PersistentVolumeClaim") if *resource == CLAIMS => {
                    let ask = |_: &str, what: &str| said(&object["spec"]["resources"]["requests"], what);
                    breaks(rule, "PersistentVolumeClaim", &ask, &mut wrong);
                }
                _ => {}
            }
        }
        if !wrong.is_empty() {
            let why = if wrong.len() == 1 { wrong.concat() } else { format!("[{}]", wrong.join(", ")) };
            // Of a claim it is the request that is too much.
            let why = if pod { why } else { why.replace("but limit is", "but request is") };
            return Err(Refusal::forbidden(resource, name(object), &why));
        }
    }
    Ok(())
}

fn said(amounts: &Value, what: &str) -> Option<(i64, String)> {
    amounts.get(what).map(|v| (amount(what, v), plain(v)))
}

fn total(pod: &Value, side: &str, what: &str) -> Option<(i64, String)> {
    let of = |container: &Value| said(&container["resources"][side], what).map(|(n, _)| n);
    let all: Vec<i64> = list(pod, "/spec/containers").iter().filter_map(of).collect();
    let sum = all.iter().fold(0i64, |sum, n| sum.saturating_add(*n));
    (!all.is_empty()).then(|| (sum, crate::sim::amounts::written(what, sum)))
}

/// Sets what containers do not say, and tells so in an annotation.
fn give(rule: &Value, pod: &mut Value) {
    let mut told = Vec::new();
    for container in pod["spec"]["containers"].as_array_mut().into_iter().flatten() {
        let name = name_of(container);
        for (side, word, from) in [("requests", "request", "defaultRequest"), ("limits", "limit", "default")] {
            let mut given = Vec::new();
            for (what, made) in rule[from].as_object().into_iter().flatten() {
                if container["resources"][side].get(what).is_none() {
                    container["resources"][side][what] = made.clone();
                    given.push(what.as_str());
                }
            }
            if !given.is_empty() {
                told.push(format!("{} {word} for container {name}", given.join(", ")));
            }
        }
    }
    if !told.is_empty() {
        pod["metadata"]["annotations"][ANNOTATION] = json!(format!("LimitRanger plugin set: {}", told.join("; ")));
    }
}

fn name_of(container: &Value) -> String {
    container["name"].as_str().unwrap_or_default().to_owned()
}

type Ask<'a> = &'a dyn Fn(&str, &str) -> Option<(i64, String)>;

fn breaks(rule: &Value, kind: &str, ask: Ask<'_>, wrong: &mut Vec<String>) {
    for (what, bound) in rule["min"].as_object().into_iter().flatten() {
        let (least, bound) = (amount(what, bound), plain(bound));
        let begin = format!("minimum {what} usage per {kind} is {bound}");
        match ask("requests", what) {
            None => wrong.push(format!("{begin}.  No request is specified")),
            Some((n, said)) if n < least => wrong.push(format!("{begin}, but request is {said}")),
            _ => {}
        }
    }
    for (what, bound) in rule["max"].as_object().into_iter().flatten() {
        let (most, bound) = (amount(what, bound), plain(bound));
        let begin = format!("maximum {what} usage per {kind} is {bound}");
        match ask("limits", what) {
            None => wrong.push(format!("{begin}.  No limit is specified")),
            Some((n, said)) if n > most => wrong.push(format!("{begin}, but limit is {said}")),
            _ => {}
        }
    }
    for (what, bound) in rule["maxLimitRequestRatio"].as_object().into_iter().flatten() {
        let begin = format!("{what} max limit to request ratio per {kind} is {}", plain(bound));
        match (ask("requests", what), ask("limits", what)) {
            (Some((request, _)), Some((limit, _))) if request > 0 => {
                let ratio = limit as f64 / request as f64;
                if ratio > plain(bound).parse().unwrap_or(f64::MAX) {
                    wrong.push(format!("{begin}, but provided ratio is {ratio:.6}"));
                }
            }
            _ => wrong.push(format!("{begin}, but no request is specified or request is 0")),
        }
    }
}

fn plain(quantity: &Value) -> String {
    quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_given_and_what_is_too_much_is_refused() {
        let rule = json!({"type": "Container", "default": {"cpu": "2", "memory": "4Gi"}, "defaultRequest": {"cpu": "1"},
            "max": {"memory": "4Gi"}, "min": {"cpu": "500m"}, "maxLimitRequestRatio": {"cpu": "2"}});
        let container = json!({"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}});
        let mut pod = json!({"metadata": {}, "spec": {"containers": [container]}});
        give(&rule, &mut pod);
        assert_eq!(
            pod["spec"]["containers"][0]["resources"],
            json!({"limits": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": 1}, "requests": {"cpu": "1"}})
        );
        assert_eq!(
            pod["metadata"]["annotations"][ANNOTATION],
            "LimitRanger plugin set: cpu request for container c; cpu, memory limit for container c"
        );
        let refused = |resources: Value| {
            let mut wrong = Vec::new();
            let ask = |side: &str, what: &str| said(&resources[side], what);
            breaks(&rule, "Container", &ask, &mut wrong);
            wrong
        };
        assert!(refused(pod["spec"]["containers"][0]["resources"].clone()).is_empty());
        assert_eq!(
            refused(json!({"requests": {"cpu": "250m"}, "limits": {"cpu": "1", "memory": "8Gi"}})),
            [
                "minimum cpu usage per Container is 500m, but request is 250m",
                "maximum memory usage per Container is 4Gi, but limit is 8Gi",
                "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            ]
        );
        assert_eq!(refused(json!({}))[0], "minimum cpu usage per Container is 500m.  No request is specified");
    }
}
