//! What an admitted job's pod templates get: labels that tell its queue, and the nodes of the flavors that were assigned.

use serde_json::{Map, Value, json};

use crate::{
    jobs::Kind,
    sim::{
        store::{Resource, Store, resource::RESOURCEFLAVORS},
        value::{self, list, name, set, text},
    },
};

/// Labels of templates while their job is admitted.
const LABELS: [&str; 3] =
    ["kueue.x-k8s.io/cluster-queue-name", "kueue.x-k8s.io/local-queue-name", "kueue.x-k8s.io/podset"];
/// Annotation of templates: the Workload.
const WORKLOAD: &str = "kueue.x-k8s.io/workload";

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

/// Equips the templates of a job that was admitted.
pub(super) fn inject(store: &Store, resource: &Resource, job: &mut Value, load: &Value) {
    let sets = list(load, "/status/admission/podSetAssignments");
    let queues = [text(load, "/status/admission/clusterQueue"), text(load, "/spec/queueName")];
    each_role(resource, job, &mut |role, template| {
        let Some(set_of) = sets.iter().find(|s| text(s, "/name") == role) else { return };
        for (label, value) in LABELS.iter().zip([queues[0], queues[1], role]) {
            set(template, &format!("/metadata/labels/{}", label.replace('/', "~1")), json!(value));
        }
        set(template, &format!("/metadata/annotations/{}", WORKLOAD.replace('/', "~1")), json!(name(load)));
        let mut flavors: Vec<&str> =
            set_of["flavors"].as_object().into_iter().flatten().filter_map(|(_, f)| f.as_str()).collect();
        flavors.sort_unstable();
        flavors.dedup();
        let spec = &mut template["spec"];
        for flavor in flavors.iter().filter_map(|f| store.get(&RESOURCEFLAVORS, "", f).ok()) {
            let flavor = flavor.value();
            for (key, wanted) in flavor.pointer("/spec/nodeLabels").and_then(Value::as_object).into_iter().flatten() {
                spec["nodeSelector"][key] = wanted.clone();
            }
            for toleration in list(&flavor, "/spec/tolerations") {
                if !list(spec, "/tolerations").contains(toleration) {
                    value::push(spec, "/tolerations", toleration.clone());
                }
            }
        }
    });
}

/// Takes back what [`inject`] put into the templates.
pub(super) fn restore(resource: &Resource, job: &mut Value, load: &Value) {
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
