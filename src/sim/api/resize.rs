//! The `resize` subresource: cpu and memory of a pod's containers, changed while they run. Nothing else of the pod is
//! written this way.

use serde_json::{Value, json};

use super::fault::{forbidden, invalid};
use super::patch::Patch;
use super::{Admitted, Form, Reply, Server, body, reply, validate, write};
use crate::sim::controllers::container_faults;
use crate::sim::schema::Fault;
use crate::sim::store::resource::PODS;
use crate::sim::store::{Part, Refusal, complete_container, quality_of_service};
use crate::sim::value::{list, text};

/// What can be changed.
const MUTABLE: [&str; 2] = ["cpu", "memory"];
const LISTS: [&str; 2] = ["containers", "initContainers"];

impl Server {
    /// Answers a change of a pod's size.
    pub(super) fn resize(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let dry_run = write::dry_run(request)?;
        let patch = if asked.verb == "patch" { Some(Patch::read(&PODS, request)?) } else { None };
        let mut sent = if patch.is_none() { body::manifest(&PODS, request)? } else { Value::Null };
        let mut warnings = if patch.is_none() { validate::cut(&PODS, request, &mut sent)? } else { Vec::new() };
        let object = self.store.rewrite(&PODS, &asked.namespace, &asked.name, Part::Main, dry_run, |pod| {
            let old = pod.clone();
            if let Some(patch) = &patch {
                patch.apply(pod)?;
                body::place(&PODS, request, pod)?;
                warnings = validate::cut_patched(&PODS, request, patch, pod)?;
            } else {
                *pod = sent;
            }
            let wanted = std::mem::replace(pod, old);
            if wanted["metadata"]["resourceVersion"].is_string() {
                pod["metadata"]["resourceVersion"] = wanted["metadata"]["resourceVersion"].clone();
            }
            let faults = take(pod, &wanted);
            let told: Vec<_> = faults.iter().map(|(why, field, said)| (*why, field.as_str(), said.clone())).collect();
            if told.is_empty() { Ok(()) } else { Err(Refusal::invalid(&PODS, &asked.name, &told)) }
        })?;
        let form = Form::of(request)?;
        let answer = reply::json(200, form.one(&PODS, &object, &request.query, &self.store), reply::JSON);
        Ok(validate::warned(answer, &warnings))
    }
}

/// Takes over the sizes that are wanted; what is wrong with them.
fn take(pod: &mut Value, wanted: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    let (before, mut others) = (quality_of_service(&pod["spec"]), false);
    let names = |of: &Value, kind: &str| -> Vec<String> {
        list(of, &format!("/spec/{kind}")).iter().map(|c| text(c, "/name").to_owned()).collect()
    };
    let volumes = names(pod, "volumes");
    let volumes: Vec<&str> = volumes.iter().map(String::as_str).collect();
    let same = LISTS.iter().all(|kind| {
        let [mut old, mut new] = [names(pod, kind), names(wanted, kind)];
        old.sort();
        new.sort();
        old == new
    });
    for kind in LISTS {
        for (at, new) in list(wanted, &format!("/spec/{kind}")).iter().enumerate() {
            let mut new = new.clone();
            complete_container(&mut new);
            out.extend(container_faults(&new, &format!("spec.{kind}[{at}]"), &volumes));
            let containers = pod["spec"].get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten();
            let Some(old) = containers.into_iter().find(|old| old["name"] == new["name"]) else { continue };
            others |= fixed(old) != fixed(&new);
            old["resources"] = new["resources"].take();
        }
    }
    if quality_of_service(&wanted["spec"]) != before {
        out.push(invalid("spec", &json!(before), "Pod QOS Class may not change as a result of resizing"));
    }
    if !same {
        out.push(forbidden("spec.containers", "containers may not be added or removed on resize"));
    } else if others {
        out.push(forbidden("spec", "only cpu and memory resources are mutable"));
    }
    out
}

/// What of a container's size does not change, and how it takes a change.
fn fixed(container: &Value) -> Value {
    let mut kept = json!({"resources": container["resources"], "resizePolicy": container["resizePolicy"]});
    for side in ["limits", "requests"] {
        if let Some(amounts) = kept["resources"][side].as_object_mut() {
            amounts.retain(|resource, _| !MUTABLE.contains(&resource.as_str()));
            if amounts.is_empty() {
                kept["resources"][side] = Value::Null;
            }
        }
    }
    if let Some(resources) = kept["resources"].as_object_mut() {
        resources.retain(|_, part| !part.is_null());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(resources: &Value) -> Value {
        json!({"spec": {"containers": [{"name": "a", "image": "i", "resources": resources}]}})
    }

    #[test]
    fn sizes_change_and_nothing_else() {
        let small = json!({"requests": {"cpu": "1"}});
        let large = json!({"requests": {"cpu": "2"}});
        let mut there = pod(&small);
        let mut wanted = pod(&large);
        wanted["spec"]["containers"][0]["image"] = json!("other");
        assert_eq!(take(&mut there, &wanted), Vec::<Fault>::new());
        assert_eq!(there["spec"]["containers"][0], json!({"name": "a", "image": "i", "resources": large}));
        let fields = |old: &Value, new: &Value| -> Vec<String> {
            take(&mut pod(old), &pod(new)).into_iter().map(|(_, _, said)| said).collect()
        };
        let quality = fields(&json!({}), &small);
        assert!(quality[0].starts_with("Invalid value: \"BestEffort\": Pod QOS Class"), "{quality:?}");
        let gpu = fields(
            &small,
            &json!({"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "1", "nvidia.com/gpu": "1"}}),
        );
        assert_eq!(gpu, ["Forbidden: only cpu and memory resources are mutable"]);
        let none = take(&mut pod(&small), &json!({"spec": {"containers": []}}));
        assert_eq!(none.last().map(|fault| fault.1.as_str()), Some("spec.containers"));
    }
}
