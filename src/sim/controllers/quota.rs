//! Resource quotas: what an object counts as, what is used, and when the next one is one too many.

use serde_json::{Map, Value, json};

use crate::sim::{
    amounts::{self, Amounts, amount, written},
    store::{
        Refusal, Resource, Selector, Store,
        resource::{CLAIMS, EVENTS, PODS, QUOTAS},
    },
    value::{is_over, list, name, namespace, text},
};

/// Core kinds that a quota may count by their bare name.
const COUNTED_BY_NAME: [&str; 6] =
    ["configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"];

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
    let asked = if pod { charge(value) } else { weight(resource, value) };
    for quota in quotas {
        let quota = quota.value();
        if !(if pod { covers(&quota, value) } else { scopes(&quota).is_empty() }) {
            continue;
        }
        let used = if pod { used_by_pods(store, &quota, name(value)) } else { counted(store, resource, space) };
        let hard = quota.pointer("/spec/hard").and_then(Value::as_object);
        if let Some(why) = hard.filter(|_| pod).and_then(|hard| unsaid(hard, value)) {
            let why = format!("failed quota: {}: must specify {why}", name(&quota));
            return Err(Refusal::forbidden(resource, name(value), &why));
        }
        let mut said = [Vec::new(), Vec::new(), Vec::new()];
        for (key, limit) in hard.into_iter().flatten() {
            let (Some(n), limit) = (asked.get(key), amount(key, limit)) else { continue };
            let now = used.get(key).copied().unwrap_or(0);
            if now.saturating_add(*n) > limit {
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
    let mut used = used_by_pods(store, quota, "");
    let hard = quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}));
    let keys = || hard.as_object().into_iter().flatten().map(|(key, _)| key);
    for resource in store.resources().into_iter().filter(|r| r.namespaced && **r != PODS) {
        let asked = weight(resource, &Value::Null);
        if scopes(quota).is_empty() && keys().any(|key| asked.contains_key(key) || key.ends_with("requests.storage")) {
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

/// What an object other than a pod counts as: one of its kind, and a claim as its storage.
fn weight(resource: &Resource, value: &Value) -> Amounts {
    let mut out = Amounts::from([(count_key(resource), 1)]);
    if COUNTED_BY_NAME.contains(&resource.plural) && resource.group.is_empty() {
        out.insert(resource.plural.to_owned(), 1);
    }
    if *resource == CLAIMS {
        let storage = amount("storage", &value["spec"]["resources"]["requests"]["storage"]);
        out.insert("requests.storage".to_owned(), storage);
        let class = text(value, "/spec/storageClassName");
        if !class.is_empty() {
            out.insert(format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage);
            out.insert(format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), 1);
        }
    }
    out
}

fn counted(store: &Store, resource: &'static Resource, space: &str) -> Amounts {
    let mut out = Amounts::new();
    for object in store.list(resource, Some(space), &Selector::default()).items {
        for (key, n) in weight(resource, &object.value()) {
            let sum = out.entry(key).or_default();
            *sum = sum.saturating_add(n);
        }
    }
    out
}

fn scopes(quota: &Value) -> Vec<(&str, &Value)> {
    let plain = list(quota, "/spec/scopes").iter().filter_map(|s| Some((s.as_str()?, &Value::Null)));
    let selected = list(quota, "/spec/scopeSelector/matchExpressions").iter().map(|e| (text(e, "/scopeName"), e));
    plain.chain(selected).collect()
}

/// Whether a pod is in all scopes of a quota.
fn covers(quota: &Value, pod: &Value) -> bool {
    let limited =
        |c: &Value, what: &str| ["requests", "limits"].iter().any(|side| !c["resources"][side][what].is_null());
    let best_effort = !list(pod, "/spec/containers").iter().any(|c| limited(c, "cpu") || limited(c, "memory"));
    let terminating = pod["spec"]["activeDeadlineSeconds"].is_number();
    let class = text(pod, "/spec/priorityClassName");
    scopes(quota).into_iter().all(|(scope, rule)| match scope {
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "PriorityClass" => {
            let named = list(rule, "/values").iter().any(|v| v == class);
            match text(rule, "/operator") {
                "In" => named,
                "NotIn" => !named,
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => false,
    })
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
            let sum = out.entry(format!("limits.{resource}")).or_default();
            *sum = sum.saturating_add(amount(resource, value));
        }
    }
    out
}

fn used_by_pods(store: &Store, quota: &Value, except: &str) -> Amounts {
    let mut out = Amounts::new();
    for pod in store.list(&PODS, Some(namespace(quota)), &Selector::default()).items {
        let pod = pod.value();
        if !is_over(&pod) && name(&pod) != except && covers(quota, &pod) {
            for (key, n) in charge(&pod) {
                let sum = out.entry(key).or_default();
                *sum = sum.saturating_add(n);
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
