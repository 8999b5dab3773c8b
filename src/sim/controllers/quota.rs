//! Resource quotas: what an object counts as, what is used, and when the next one is one too many.

use serde_json::{Map, Value, json};

use super::{
    amounts::{self, Amounts, amount, written},
    value::{is_over, list, name, namespace, text},
};
use crate::sim::store::{
    Refusal, Resource, Selector, Store,
    resource::{EVENTS, PODS, QUOTAS},
};

/// Refuses an object that a quota of its namespace has no room for.
pub(super) fn check(store: &Store, resource: &'static Resource, value: &Value) -> Result<(), Refusal> {
    let space = namespace(value);
    if !resource.namespaced || *resource == EVENTS {
        return Ok(());
    }
    let quotas = store.list(&QUOTAS, Some(space), &Selector::default()).items;
    if quotas.is_empty() {
        return Ok(());
    }
    let pod = *resource == PODS;
    let asked = if pod { charge(value) } else { Amounts::from([(count_key(resource), 1)]) };
    let used = if pod { used_by_pods(store, space, name(value)) } else { counted(store, resource, space) };
    for quota in quotas {
        let quota = quota.value();
        let hard = quota.pointer("/spec/hard").and_then(Value::as_object);
        if let Some(why) = hard.filter(|_| pod).and_then(|hard| unsaid(hard, value)) {
            let why = format!("failed quota: {}: must specify {why}", name(&quota));
            return Err(Refusal::forbidden(resource, name(value), &why));
        }
        let mut said = [Vec::new(), Vec::new(), Vec::new()];
        for (key, limit) in hard.into_iter().flatten() {
            let (Some(n), limit) = (asked.get(key), amount(key, limit)) else { continue };
            let now = used.get(key).copied().unwrap_or(0);
            if now + n > limit {
                for (list, n) in said.iter_mut().zip([*n, now, limit]) {
                    list.push(format!("{key}={}", written(key, n)));
                }
            }
        }
        if !said[0].is_empty() {
            let [requested, now, limited] = said.map(|s| s.join(","));
            let why =
                format!("exceeded quota: {}, requested: {requested}, used: {now}, limited: {limited}", name(&quota));
            return Err(Refusal::forbidden(resource, name(value), &why));
        }
    }
    Ok(())
}

/// The status of a quota as it should be now.
pub(crate) fn status(store: &Store, quota: &Value) -> Value {
    let space = namespace(quota);
    let mut used = used_by_pods(store, space, "");
    let hard = quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}));
    let keys = || hard.as_object().into_iter().flatten().map(|(key, _)| key);
    for resource in store.resources().into_iter().filter(|r| r.namespaced && **r != PODS) {
        if keys().any(|key| *key == count_key(resource)) {
            used.extend(counted(store, resource, space));
        }
    }
    let used: Map<String, Value> =
        keys().map(|key| (key.clone(), json!(written(key, used.get(key).copied().unwrap_or(0))))).collect();
    json!({"hard": hard, "used": used})
}

fn count_key(resource: &Resource) -> String {
    format!("count/{}", resource.qualified())
}

fn counted(store: &Store, resource: &'static Resource, space: &str) -> Amounts {
    let there = store.list(resource, Some(space), &Selector::default()).items.len();
    Amounts::from([(count_key(resource), i64::try_from(there).unwrap_or(i64::MAX))])
}

/// What a pod counts as.
fn charge(pod: &Value) -> Amounts {
    let mut out = Amounts::from([("pods".to_owned(), 1), ("count/pods".to_owned(), 1)]);
    for (resource, n) in amounts::of_spec(&pod["spec"]) {
        if matches!(resource.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            out.insert(resource.clone(), n);
        }
        out.insert(format!("requests.{resource}"), n);
    }
    for container in list(pod, "/spec/containers") {
        for (resource, value) in container.pointer("/resources/limits").and_then(Value::as_object).into_iter().flatten()
        {
            *out.entry(format!("limits.{resource}")).or_default() += amount(resource, value);
        }
    }
    out
}

fn used_by_pods(store: &Store, space: &str, except: &str) -> Amounts {
    let mut out = Amounts::new();
    for pod in store.list(&PODS, Some(space), &Selector::default()).items {
        let pod = pod.value();
        if !is_over(&pod) && name(&pod) != except {
            for (key, n) in charge(&pod) {
                *out.entry(key).or_default() += n;
            }
        }
    }
    out
}

/// What a quota on CPU or memory wants every container to say, where one doesn't.
fn unsaid(hard: &Map<String, Value>, pod: &Value) -> Option<String> {
    let mut said = Vec::new();
    for key in hard.keys() {
        let (side, resource) = key.split_once('.').unwrap_or(("requests", key));
        if !matches!(resource, "cpu" | "memory") {
            continue;
        }
        let lacks = |container: &&Value| {
            let says = |side: &str| !container["resources"][side][resource].is_null();
            // A request that is not said is as large as the limit.
            !says("limits") && (side == "limits" || !says("requests"))
        };
        let names: Vec<&str> = list(pod, "/spec/containers").iter().filter(lacks).map(|c| text(c, "/name")).collect();
        if !names.is_empty() && matches!(side, "requests" | "limits") {
            said.push(format!("{key} for: {}", names.join(",")));
        }
    }
    (!said.is_empty()).then(|| said.join("; "))
}
