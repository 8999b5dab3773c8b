//! What an admitted job's pod templates get: labels that tell its queue, and the nodes of the flavors that were assigned.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    jobs::Kind,
    sim::{
        store::{
            Resource, Store,
            resource::{RESOURCEFLAVORS, TRAINJOBS},
        },
        value::{self, list, name, set, stamp, text},
    },
};

/// Labels of templates while their job is admitted.
const LABELS: [&str; 3] =
    ["kueue.x-k8s.io/cluster-queue-name", "kueue.x-k8s.io/local-queue-name", "kueue.x-k8s.io/podset"];
/// Annotation of templates: the Workload.
const WORKLOAD: &str = "kueue.x-k8s.io/workload";

/// Who Kueue is among those that patch a runtime.
const PATCHES: &str = "kueue.x-k8s.io/manager";

/// Applies `change` to the pod template of each role that has a pod set, with its name.
fn each_role(resource: &Resource, job: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
    if resource.kind == "JobSet" {
        let roles = job.pointer_mut("/spec/replicatedJobs").and_then(Value::as_array_mut);
        for role in roles.into_iter().flatten() {
            let of = name_of(role);
            if let Some(template) = role.pointer_mut("/template/spec/template").filter(|t| t.is_object()) {
                change(&of, template);
            }
        }
        return;
    }
    let Some(kind) = Kind::of(&resource.api_version(), resource.kind) else { return };
    let info = kind.info();
    for role in info.roles {
        let path = format!("/spec/{}/{role}/template", info.replica_specs);
        if let Some(template) = job.pointer_mut(&path).filter(|t| t.is_object()) {
            change(&role.to_lowercase(), template);
        }
    }
}

fn name_of(role: &Value) -> String {
    text(role, "/name").to_owned()
}

/// Equips the templates of a job that was admitted; those of a TrainJob by a patch of its runtime.
pub(super) fn inject(store: &Store, resource: &Resource, job: &mut Value, load: &Value, now: Timestamp) {
    let sets = list(load, "/status/admission/podSetAssignments");
    if *resource == TRAINJOBS {
        let role = |set_of: &Value| json!({"name": set_of["name"], "template": {"spec": {"template": extra(store, load, set_of)}}});
        let roles: Vec<Value> = sets.iter().map(role).collect();
        return patch(job, &json!({"replicatedJobs": roles}), now);
    }
    each_role(resource, job, &mut |role, template| {
        let Some(set_of) = sets.iter().find(|s| text(s, "/name") == role) else { return };
        let extra = extra(store, load, set_of);
        for map in ["/metadata/labels", "/metadata/annotations", "/spec/nodeSelector"] {
            for (key, value) in extra.pointer(map).and_then(Value::as_object).into_iter().flatten() {
                set(template, &format!("{map}/{}", key.replace('/', "~1")), value.clone());
            }
        }
        for toleration in list(&extra, "/spec/tolerations") {
            if !list(template, "/spec/tolerations").contains(toleration) {
                value::push(template, "/spec/tolerations", toleration.clone());
            }
        }
    });
}

/// Labels, an annotation, and where the flavors of a pod set are.
fn extra(store: &Store, load: &Value, set_of: &Value) -> Value {
    let told = [text(load, "/status/admission/clusterQueue"), text(load, "/spec/queueName"), text(set_of, "/name")];
    let labels: Map<String, Value> =
        LABELS.iter().zip(told).map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let mut out = json!({"metadata": {"labels": labels, "annotations": {WORKLOAD: name(load)}}, "spec": {}});
    let mut flavors: Vec<&str> =
        set_of["flavors"].as_object().into_iter().flatten().filter_map(|(_, f)| f.as_str()).collect();
    flavors.sort_unstable();
    flavors.dedup();
    for flavor in flavors.iter().filter_map(|f| store.get(&RESOURCEFLAVORS, "", f).ok()) {
        let flavor = flavor.value();
        for (key, wanted) in flavor.pointer("/spec/nodeLabels").and_then(Value::as_object).into_iter().flatten() {
            out["spec"]["nodeSelector"][key] = wanted.clone();
        }
        for toleration in list(&flavor, "/spec/tolerations") {
            value::push(&mut out, "/spec/tolerations", toleration.clone());
        }
    }
    out
}

/// Puts Kueue's own patch of the runtime into a TrainJob, in the place of the one before.
fn patch(job: &mut Value, spec: &Value, now: Timestamp) {
    let mut all = list(job, "/spec/runtimePatches").to_vec();
    let fresh = json!({"manager": PATCHES, "time": stamp(now), "trainingRuntimeSpec": {"template": {"spec": spec}}});
    match all.iter_mut().find(|old| text(old, "/manager") == PATCHES) {
        Some(old) => *old = fresh,
        None => all.push(fresh),
    }
    set(job, "/spec/runtimePatches", Value::Array(all));
}

/// Takes back what [`inject`] put into the templates.
pub(super) fn restore(resource: &Resource, job: &mut Value, load: &Value, now: Timestamp) {
    if list(job, "/spec/runtimePatches").iter().any(|p| text(p, "/manager") == PATCHES) {
        return patch(job, &json!({}), now);
    }
    let sets = list(load, "/spec/podSets");
    each_role(resource, job, &mut |role, template| {
        let Some(original) = sets.iter().find(|s| text(s, "/name") == role).map(|s| &s["template"]) else { return };
        for (path, keys) in [
            ("/spec", &["nodeSelector", "tolerations"][..]),
            ("/metadata/labels", &LABELS[..]),
            ("/metadata/annotations", &[WORKLOAD][..]),
        ] {
            for key in keys {
                let was = original.pointer(path).and_then(|o| o.get(*key)).filter(|v| !v.is_null()).cloned();
                match (was, template.pointer_mut(path).and_then(Value::as_object_mut)) {
                    (Some(was), Some(here)) => drop(here.insert((*key).to_owned(), was)),
                    (None, Some(here)) => drop(Map::remove(here, *key)),
                    _ => {}
                }
            }
        }
        if let Some(meta) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            meta.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
        }
    });
}
