//! The `ephemeralcontainers` subresource: containers that somebody puts into a running pod to look around in it, as
//! `kubectl debug` does. Nothing else of the pod is written this way.

use serde_json::{Value, json};

use super::patch::Patch;
use super::{Admitted, Form, Reply, Server, body, reply, validate, write};
use crate::sim::controllers::container_faults;
use crate::sim::schema::Fault;
use crate::sim::store::resource::PODS;
use crate::sim::store::{Part, Refusal, complete_container};
use crate::sim::value::{list, text};

/// Fields that make no sense in a container that serves nobody.
const USELESS: [&str; 6] = ["ports", "resources", "livenessProbe", "readinessProbe", "lifecycle", "startupProbe"];
const FIELD: &str = "spec.ephemeralContainers";

impl Server {
    /// Answers a change of a pod's ephemeral containers.
    pub(super) fn ephemeral(&self, request: &Admitted) -> Result<Reply, Refusal> {
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
            let mut wanted = pod["spec"]["ephemeralContainers"].take();
            let version = pod["metadata"]["resourceVersion"].take();
            *pod = old;
            pod["metadata"]["resourceVersion"] = version;
            for container in wanted.as_array_mut().into_iter().flatten() {
                complete_container(container);
            }
            let faults = faults(pod, list(&wanted, ""));
            let told: Vec<_> = faults.iter().map(|(why, field, said)| (*why, field.as_str(), said.clone())).collect();
            if !told.is_empty() {
                return Err(Refusal::invalid(&PODS, &asked.name, &told));
            }
            if wanted.is_array() {
                pod["spec"]["ephemeralContainers"] = wanted;
            }
            Ok(())
        })?;
        let form = Form::of(request)?;
        let answer = reply::json(200, form.one(&PODS, &object, &request.query, &self.store), reply::JSON);
        Ok(validate::warned(answer, &warnings))
    }
}

/// What is wrong with a pod's new ephemeral containers.
fn faults(pod: &Value, wanted: &[Value]) -> Vec<Fault> {
    let mut out = Vec::new();
    let names = |kind: &str| list(pod, &format!("/spec/{kind}")).iter().map(|c| text(c, "/name"));
    let volumes: Vec<&str> = names("volumes").collect();
    let others: Vec<&str> = names("containers").chain(names("initContainers")).collect();
    let mut all = others.clone();
    for (n, container) in wanted.iter().enumerate() {
        let (at, name, target) =
            (format!("{FIELD}[{n}]"), text(container, "/name"), text(container, "/targetContainerName"));
        out.extend(container_faults(container, &at, &volumes));
        if all.contains(&name) {
            out.push(("FieldValueDuplicate", format!("{at}.name"), format!("Duplicate value: {}", json!(name))));
        }
        all.push(name);
        if !target.is_empty() && !others.contains(&target) {
            let said = format!("Not found: {}", json!(target));
            out.push(("FieldValueNotFound", format!("{at}.targetContainerName"), said));
        }
        let is_set =
            |field: &&&str| container[**field].as_object().map_or(!container[**field].is_null(), |o| !o.is_empty());
        for field in USELESS.iter().filter(is_set) {
            let said = "Forbidden: cannot be set for an Ephemeral Container".to_owned();
            out.push(("FieldValueForbidden", format!("{at}.{field}"), said));
        }
    }
    for old in list(pod, "/spec/ephemeralContainers") {
        let name = text(old, "/name");
        let why = match wanted.iter().find(|new| text(new, "/name") == name) {
            None => "removed",
            Some(new) if new != old => "changed",
            Some(_) => continue,
        };
        let said = format!("Forbidden: existing ephemeral containers {name:?} may not be {why}\n");
        out.push(("FieldValueForbidden", FIELD.to_owned(), said));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_and_stay() {
        let pod =
            json!({"spec": {"containers": [{"name": "c"}], "ephemeralContainers": [{"name": "d", "image": "x"}]}});
        let fields = |wanted: Value| -> Vec<String> {
            faults(&pod, wanted.as_array().unwrap()).into_iter().map(|(_, field, _)| field).collect()
        };
        let there = json!({"name": "d", "image": "x"});
        assert!(
            fields(json!([there, {"name": "e", "image": "y", "targetContainerName": "c", "resources": {}}])).is_empty()
        );
        assert_eq!(fields(json!([])), [FIELD], "removed");
        assert_eq!(fields(json!([{"name": "d", "image": "z"}])), [FIELD], "changed");
        assert_eq!(
            fields(json!([there, {"name": "c", "targetContainerName": "d", "ports": [{}]}])),
            [
                "spec.ephemeralContainers[1].image",
                "spec.ephemeralContainers[1].ports[0].containerPort",
                "spec.ephemeralContainers[1].name",
                "spec.ephemeralContainers[1].targetContainerName",
                "spec.ephemeralContainers[1].ports"
            ]
        );
        let odd = json!({"name": "e.f", "image": " y", "env": [{"name": ""}], "volumeMounts": [{"name": "none", "mountPath": "/x"}]});
        assert_eq!(
            fields(json!([there, odd])),
            [
                "spec.ephemeralContainers[1].name",
                "spec.ephemeralContainers[1].image",
                "spec.ephemeralContainers[1].env[0].name",
                "spec.ephemeralContainers[1].volumeMounts[0].name",
            ],
            "they are held to what holds of all containers"
        );
    }
}
