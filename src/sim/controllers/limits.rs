//! Limit ranges: what containers get that ask for nothing, and what they may not ask for.

use serde_json::{Value, json};

use super::amounts::{amount, of_spec};
use super::value::{list, name, namespace};
use crate::sim::store::{Refusal, Resource, Selector, Store, resource::LIMITRANGES};

/// Gives a pod its namespace's defaults, then refuses it if it breaks a rule.
pub(super) fn admit(store: &Store, resource: &Resource, pod: &mut Value) -> Result<(), Refusal> {
    for range in store.list(&LIMITRANGES, Some(namespace(pod)), &Selector::default()).items {
        let range = range.value();
        let rules = list(&range, "/spec/limits");
        for rule in rules.iter().filter(|rule| rule["type"] == "Container") {
            for container in pod["spec"]["containers"].as_array_mut().into_iter().flatten() {
                defaults(rule, container);
            }
        }
        let mut wrong = Vec::new();
        for rule in rules {
            match rule["type"].as_str() {
                Some("Container") => {
                    for container in list(pod, "/spec/containers") {
                        let ask = |side: &str, what: &str| {
                            container["resources"][side].get(what).map(|v| (amount(what, v), plain(v)))
                        };
                        breaks(rule, "Container", &ask, &mut wrong);
                    }
                }
                Some("Pod") => {
                    let total = of_spec(&pod["spec"]);
                    let ask = |_: &str, what: &str| total.get(what).map(|n| (*n, super::amounts::written(what, *n)));
                    breaks(rule, "Pod", &ask, &mut wrong);
                }
                _ => {}
            }
        }
        if !wrong.is_empty() {
            let why = if wrong.len() == 1 { wrong.concat() } else { format!("[{}]", wrong.join(", ")) };
            return Err(Refusal::forbidden(resource, name(pod), &why));
        }
    }
    Ok(())
}

/// Limits default to `default`, then `max`; requests to `defaultRequest`, then what limits default to, then `min`.
fn defaults(rule: &Value, container: &mut Value) {
    for (side, from) in
        [("requests", &["defaultRequest", "default", "max", "min"][..]), ("limits", &["default", "max"])]
    {
        for source in from {
            for (what, made) in rule[*source].as_object().into_iter().flatten() {
                let resources = &mut container["resources"];
                if side == "requests" && *source != "defaultRequest" && !resources["limits"][what].is_null() {
                    // What is limited asks for its limit.
                    continue;
                }
                if resources[side][what].is_null() {
                    resources[side][what] = made.clone();
                }
            }
        }
    }
    if let Some(resources) = container["resources"].as_object_mut() {
        for side in resources.values_mut() {
            if let Some(side) = side.as_object_mut() {
                side.retain(|_, v| !v.is_null());
            }
        }
        resources.retain(|_, side| side.as_object().is_none_or(|s| !s.is_empty()) && !side.is_null());
    }
    for (what, limit) in container["resources"]["limits"].as_object().cloned().into_iter().flatten() {
        if container["resources"]["requests"][&what].is_null() {
            container["resources"]["requests"][&what] = json!(limit);
        }
    }
    if let Some(resources) = container["resources"].as_object_mut() {
        resources.retain(|_, side| !side.is_null());
    }
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
    fn what_is_not_said_is_defaulted_and_what_is_too_much_is_refused() {
        let rule = json!({"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"},
            "max": {"memory": "4Gi"}, "min": {"cpu": "500m"}, "maxLimitRequestRatio": {"cpu": "2"}});
        let mut container = json!({"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}});
        defaults(&rule, &mut container);
        assert_eq!(
            container["resources"],
            json!({"limits": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": 1}, "requests": {"cpu": "1", "memory": "4Gi", "nvidia.com/gpu": 1}})
        );
        let said = |resources: Value| {
            let mut wrong = Vec::new();
            let ask = |side: &str, what: &str| resources[side].get(what).map(|v| (amount(what, v), plain(v)));
            breaks(&rule, "Container", &ask, &mut wrong);
            wrong
        };
        assert!(said(container["resources"].clone()).is_empty());
        assert_eq!(
            said(json!({"requests": {"cpu": "250m"}, "limits": {"cpu": "1", "memory": "8Gi"}})),
            [
                "minimum cpu usage per Container is 500m, but request is 250m",
                "maximum memory usage per Container is 4Gi, but limit is 8Gi",
                "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            ]
        );
        assert_eq!(said(json!({}))[0], "minimum cpu usage per Container is 500m.  No request is specified");
    }
}
