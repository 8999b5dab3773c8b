//! What the API server checks of a pod before it lets it in: its own validation, priority classes, quotas.
//!
//! Owns the refusals in the server's words, and the `used` of a quota. A job's controller meets them as events.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    amounts::{self, Amounts, amount, written},
    value::{is_over, list, name, namespace, text},
};
use crate::sim::store::{
    Admission, Refusal, Resource, Selector, Store,
    resource::{PODS, PRIORITYCLASSES, QUOTAS},
};

/// The step that the store runs before it creates a pod.
pub(crate) fn step() -> Admission {
    Arc::new(|store, resource, value| if *resource == PODS { admit(store, resource, value) } else { Ok(()) })
}

fn admit(store: &Store, resource: &'static Resource, pod: &mut Value) -> Result<(), Refusal> {
    priority(store, resource, pod)?;
    let wrong = invalid(pod);
    if !wrong.is_empty() {
        return Err(Refusal::invalid(resource, name(pod), &wrong));
    }
    quotas(store, resource, pod)
}

fn priority(store: &Store, resource: &Resource, pod: &mut Value) -> Result<(), Refusal> {
    let class = text(pod, "/spec/priorityClassName");
    if class.is_empty() {
        return Ok(());
    }
    let Ok(found) = store.get(&PRIORITYCLASSES, "", class) else {
        let why = format!("no PriorityClass with name {class} was found");
        return Err(Refusal::forbidden(resource, name(pod), &why));
    };
    pod["spec"]["priority"] = found.value()["value"].clone();
    Ok(())
}

type Causes = Vec<(&'static str, &'static str, String)>;

fn invalid(pod: &Value) -> Causes {
    let mut out = Causes::new();
    for key in pod.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten().map(|(k, _)| k) {
        let part = key.rsplit('/').next().unwrap_or(key);
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if part.is_empty() || !part.chars().all(good) {
            let rule = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
            out.push(("FieldValueInvalid", "metadata.labels", format!("Invalid value: {key:?}: {rule}")));
        }
    }
    let volumes: Vec<_> = list(pod, "/spec/volumes").iter().map(|v| text(v, "/name")).collect();
    // Field names are those of the first container: the server names each, templates of jobs have one.
    for container in list(pod, "/spec/containers") {
        if text(container, "/image").is_empty() {
            out.push(("FieldValueRequired", "spec.containers[0].image", "Required value".into()));
        }
        for mount in list(container, "/volumeMounts").iter().map(|m| text(m, "/name")) {
            // The token volume is added by admission.
            if !volumes.contains(&mount) && !mount.starts_with("kube-api-access-") {
                let why = format!("Not found: {mount:?}");
                out.push(("FieldValueNotFound", "spec.containers[0].volumeMounts[0].name", why));
            }
        }
        resources(container, &mut out);
    }
    out
}

fn resources(container: &Value, out: &mut Causes) {
    let side = |side: &str| container.pointer(&format!("/resources/{side}")).and_then(Value::as_object);
    let empty = Map::new();
    let limits = side("limits").unwrap_or(&empty);
    for (resource, asked) in side("requests").into_iter().flatten() {
        match limits.get(resource) {
            None if resource.contains('/') => {
                let why = "Required value: Limit must be set for non overcommitable resources".into();
                out.push(("FieldValueRequired", "spec.containers[0].resources.limits", why));
            }
            Some(limit) if amount(resource, asked) > amount(resource, limit) => {
                let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                let why = format!(
                    "Invalid value: {:?}: must be less than or equal to {resource} limit of {}",
                    plain(asked),
                    plain(limit)
                );
                out.push(("FieldValueInvalid", "spec.containers[0].resources.requests", why));
            }
            _ => {}
        }
    }
}

/// What a pod counts as in a quota.
fn charge(pod: &Value) -> Amounts {
    let mut out = Amounts::from([("pods".to_owned(), 1), ("count/pods".to_owned(), 1)]);
    for (resource, n) in amounts::of_spec(&pod["spec"]) {
        if matches!(resource.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            out.insert(resource.clone(), n);
        }
        out.insert(format!("requests.{resource}"), n);
    }
    out
}

fn used(store: &Store, space: &str, except: &str) -> Amounts {
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

fn quotas(store: &Store, resource: &Resource, pod: &Value) -> Result<(), Refusal> {
    let space = namespace(pod);
    let quotas = store.list(&QUOTAS, Some(space), &Selector::default()).items;
    if quotas.is_empty() {
        return Ok(());
    }
    let (asked, used) = (charge(pod), used(store, space, name(pod)));
    for quota in quotas {
        let quota = quota.value();
        let hard = quota.pointer("/spec/hard").and_then(Value::as_object);
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
            return Err(Refusal::forbidden(resource, name(pod), &why));
        }
    }
    Ok(())
}

/// The status of a quota as it should be now.
pub(crate) fn quota_status(store: &Store, quota: &Value) -> Value {
    let used = used(store, namespace(quota), "");
    let hard = quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}));
    let keys = hard.as_object().into_iter().flatten().map(|(key, _)| key);
    let used: Map<String, Value> =
        keys.map(|key| (key.clone(), json!(written(key, used.get(key).copied().unwrap_or(0))))).collect();
    json!({"hard": hard, "used": used})
}
