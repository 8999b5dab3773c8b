//! The `scale` subresource: how many workers a job is wanted to have, for those who know nothing else of it.

use serde_json::{Value, json};

use super::body;
use super::patch::Patch;
use super::{Admitted, Reply, Server, reply, validate, write};
use crate::sim::store::{Obj, Part, Refusal, Resource};

const VERSION: &str = "autoscaling/v1";

impl Server {
    /// Answers a look at a scale or a change of it.
    pub(super) fn scale(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let namespace = asked.object_namespace(resource);
        let object = if asked.verb == "get" {
            self.store.get(resource, &namespace, &asked.name)?
        } else {
            let dry_run = write::dry_run(request)?;
            self.store.rewrite(resource, &namespace, &asked.name, Part::Main, dry_run, |value| {
                let old = value.clone();
                let mut scale = of(resource, value);
                if asked.verb == "patch" {
                    Patch::read(resource, request)?.apply(&mut scale)?;
                } else {
                    scale =
                        body::read(request, |why| Refusal::bad_request(format!("couldn't get version/kind; {why}")))?;
                }
                body::place(resource, request, &mut scale)?;
                take(resource, &scale, value)?;
                validate::fit(resource, value, Some(&old), Part::Main)
            })?
        };
        Ok(reply::value(200, &told(resource, &object)))
    }
}

fn told(resource: &Resource, object: &Obj) -> Value {
    of(resource, &object.value())
}

/// The scale of an object.
fn of(resource: &Resource, object: &Value) -> Value {
    let at = |pointer: fn(&crate::sim::store::resource::Scale) -> &'static str| {
        resource.scale.as_ref().and_then(|scale| object.pointer(pointer(scale)))
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_i64).unwrap_or(0);
    let mut metadata = json!({});
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        metadata[key] = object["metadata"][key].clone();
    }
    let mut status = json!({"replicas": number(at(|scale| scale.told))});
    if let Some(selector) = at(|scale| scale.selector).and_then(Value::as_str).filter(|s| !s.is_empty()) {
        status["selector"] = json!(selector);
    }
    json!({"kind": "Scale", "apiVersion": VERSION, "metadata": metadata,
        "spec": {"replicas": number(at(|scale| scale.wanted))}, "status": status})
}

/// Writes a scale into its object. Whose version it names must be the newest.
fn take(resource: &Resource, scale: &Value, object: &mut Value) -> Result<(), Refusal> {
    let Some(places) = &resource.scale else { return Ok(()) };
    for key in ["uid", "resourceVersion"] {
        if scale["metadata"][key].is_string() {
            object["metadata"][key] = scale["metadata"][key].clone();
        }
    }
    let wanted = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    if wanted < 0 {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let field = places.wanted.replace('/', ".");
        let said = format!("Invalid value: {wanted}: should be a non-negative integer");
        return Err(Refusal::invalid(resource, name, &[("FieldValueInvalid", &field, said)]));
    }
    let mut place = object;
    for step in places.wanted.split('/').skip(1) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[step];
    }
    *place = json!(wanted);
    Ok(())
}
