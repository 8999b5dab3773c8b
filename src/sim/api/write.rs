//! Writing over HTTP: bodies, patches and options, turned into what the store does.

use serde_json::{Map, Value, json};

use super::{Admitted, Form, Reply, Server, header, reply, strategic, validate};
use crate::sim::store::resource::NAMESPACES;
use crate::sim::store::{DeleteOptions, Deleted, Obj, Part, Propagation, Refusal, Resource, Selector};

impl Server {
    /// Answers create, update, patch, delete and deletecollection.
    pub(super) fn write(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let dry_run = dry_run(request)?;
        let asked = &request.asked;
        let namespace = asked.object_namespace(resource);
        let part = if asked.subresource == "status" { Part::Status } else { Part::Main };
        match asked.verb.as_str() {
            "create" => {
                let mut value = manifest(resource, request)?;
                let warnings = validate::cut(resource, request, &mut value)?;
                if resource.namespaced {
                    self.store.get(&NAMESPACES, "", &namespace)?;
                }
                validate::fit(resource, &mut value, None, part)?;
                let object = self.store.create_with(resource, value, dry_run)?;
                Ok(validate::warned(self.written(201, resource, &object, request)?, &warnings))
            }
            "update" => {
                let mut value = manifest(resource, request)?;
                let unversioned = value["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty();
                if resource.custom && unversioned {
                    let said = "Invalid value: 0: must be specified for an update".to_owned();
                    let cause = ("FieldValueInvalid", "metadata.resourceVersion", said);
                    return Err(Refusal::invalid(resource, &asked.name, &[cause]));
                }
                let warnings = validate::cut(resource, request, &mut value)?;
                let object = self.store.rewrite(resource, &namespace, &asked.name, part, dry_run, |current| {
                    validate::fit(resource, &mut value, Some(current), part)?;
                    *current = value;
                    Ok(())
                })?;
                Ok(validate::warned(self.written(200, resource, &object, request)?, &warnings))
            }
            "patch" => {
                let patch = Patch::read(resource, request)?;
                let mut warnings = Vec::new();
                let object = self.store.rewrite(resource, &namespace, &asked.name, part, dry_run, |value| {
                    let old = value.clone();
                    patch.apply(value)?;
                    warnings = validate::cut_patched(resource, request, value)?;
                    validate::fit(resource, value, Some(&old), part)
                })?;
                Ok(validate::warned(self.written(200, resource, &object, request)?, &warnings))
            }
            "delete" => {
                let options = delete_options(resource, request, dry_run)?;
                let deleted = self.store.delete(resource, &namespace, &asked.name, &options)?;
                Ok(removed(resource, &deleted, request))
            }
            _ => self.delete_collection(resource, request, dry_run),
        }
    }

    fn written(&self, code: u16, resource: &Resource, object: &Obj, request: &Admitted) -> Result<Reply, Refusal> {
        let form = Form::of(&request.headers)?;
        Ok(reply::json(code, form.one(resource, object, &request.query, &self.store), reply::JSON))
    }

    fn delete_collection(
        &self,
        resource: &'static Resource,
        request: &Admitted,
        dry_run: bool,
    ) -> Result<Reply, Refusal> {
        let query = &request.query;
        let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
        let options = delete_options(resource, request, dry_run)?;
        let listed = self.store.list(resource, request.asked.scope(resource), &selector);
        for object in &listed.items {
            match self.store.delete(resource, &object.namespace, &object.name, &options) {
                Err(refusal) if refusal.code != 404 => return Err(refusal),
                _ => {}
            }
        }
        let items = listed.items.iter().map(AsRef::as_ref);
        let meta = json!({"resourceVersion": self.store.version().to_string()});
        let parts = Form::Whole.many(resource, items, &meta, query, &self.store);
        Ok(reply::parts(parts, reply::JSON, false))
    }
}

/// The answer to a deletion: a Status for what is gone, the object for what is going. Pods are always told whole.
fn removed(resource: &Resource, deleted: &Deleted, request: &Admitted) -> Reply {
    let orphans = resource.plural == "jobs" && !says_propagation(request);
    let answer = if deleted.gone && resource.plural != "pods" {
        let mut details =
            json!({"name": deleted.object.name.as_str(), "kind": resource.plural, "uid": deleted.object.uid.as_str()});
        if !resource.group.is_empty() {
            details["group"] = json!(resource.group);
        }
        let status =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
        reply::value(200, &status)
    } else {
        reply::json(200, deleted.object.json().clone(), reply::JSON)
    };
    if orphans {
        let warning = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";
        return reply::warned(answer, warning);
    }
    answer
}

/// `dryRun=All`, or none.
fn dry_run(request: &Admitted) -> Result<bool, Refusal> {
    match request.query.get("dryRun") {
        "" => Ok(false),
        "All" => Ok(true),
        other => {
            let said = format!("Unsupported value: \"{other}\": supported values: \"All\"");
            Err(validate::bad_option(request, "dryRun", &said))
        }
    }
}

/// The object of a body, held against the URL.
fn manifest(resource: &Resource, request: &Admitted) -> Result<Value, Refusal> {
    let kind = resource.kind;
    let read: Result<Value, _> = serde_json::from_slice(&request.body);
    let mut value = read.map_err(|error| {
        let sent = String::from_utf8_lossy(&request.body);
        let why = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() };
        Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({})",
            sent.chars().take(120).collect::<String>()
        ))
    })?;
    let expected = resource.api_version();
    if let Some(sent) = value["apiVersion"].as_str().filter(|v| *v != expected) {
        let why = format!("the API version in the data ({sent}) does not match the expected API version ({expected})");
        return Err(Refusal::bad_request(why));
    }
    match value["kind"].as_str() {
        None => return Err(Refusal::bad_request(format!("Object 'Kind' is missing in '{value}'"))),
        Some(sent) if sent != kind => {
            let why = format!(
                "{sent} in version \"{}\" cannot be handled as a {kind}: no kind \"{sent}\" is registered for version \"{expected}\"",
                resource.version
            );
            return Err(Refusal::bad_request(why));
        }
        Some(_) => {}
    }
    let asked = &request.asked;
    let namespace = asked.object_namespace(resource);
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
    let meta = &mut value["metadata"];
    if meta["namespace"].as_str().is_some_and(|n| !n.is_empty() && n != namespace) {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(why));
    }
    if resource.namespaced {
        meta["namespace"] = json!(namespace);
    }
    if asked.verb == "update" {
        if let Some(sent) = meta["name"].as_str().filter(|n| *n != asked.name) {
            let why = format!("the name of the object ({sent}) does not match the name on the URL ({})", asked.name);
            return Err(Refusal::bad_request(why));
        }
        meta["name"] = json!(asked.name);
    } else if meta["resourceVersion"].as_str().is_some_and(|v| !v.is_empty()) {
        return Err(Refusal::new(500, "InternalError", "resourceVersion should not be set on objects to be created"));
    }
    Ok(value)
}

/// A patch that was read.
enum Patch {
    Merge(Value),
    Strategic(Value),
    Json(json_patch::Patch),
}

impl Patch {
    fn read(resource: &Resource, request: &Admitted) -> Result<Self, Refusal> {
        let content_type = header(&request.headers, "content-type").split(';').next().unwrap_or_default().trim();
        let unreadable = |error: serde_json::Error| Refusal::bad_request(format!("error decoding patch: {error}"));
        let unsupported = || {
            let known = "application/json-patch+json, application/merge-patch+json";
            let message =
                format!("the body of the request was in an unknown format - accepted media types include: {known}");
            Refusal::new(415, "UnsupportedMediaType", message)
        };
        let body = &request.body;
        match content_type {
            "application/json-patch+json" => serde_json::from_slice(body).map(Self::Json).map_err(unreadable),
            "application/merge-patch+json" => serde_json::from_slice(body).map(Self::Merge).map_err(unreadable),
            "application/strategic-merge-patch+json" if !resource.custom => {
                serde_json::from_slice(body).map(Self::Strategic).map_err(unreadable)
            }
            _ => Err(unsupported()),
        }
    }

    fn apply(&self, value: &mut Value) -> Result<(), Refusal> {
        match self {
            Self::Merge(patch) => json_patch::merge(value, patch),
            Self::Strategic(patch) => strategic::merge(value, patch),
            Self::Json(patch) => json_patch::patch(value, patch).map_err(|error| {
                let message = format!("the server rejected our request due to an error in our request: {error}");
                Refusal { details: json!({}), ..Refusal::new(422, "Invalid", message) }
            })?,
        }
        Ok(())
    }
}

fn delete_body(request: &Admitted) -> Result<Map<String, Value>, Refusal> {
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| Refusal::bad_request(format!("error decoding options: {error}")))
}

fn says_propagation(request: &Admitted) -> bool {
    let body = delete_body(request).unwrap_or_default();
    request.query.has("propagationPolicy")
        || request.query.has("orphanDependents")
        || body.contains_key("propagationPolicy")
        || body.contains_key("orphanDependents")
}

/// Options of a deletion, from query and body.
fn delete_options(resource: &Resource, request: &Admitted, dry_run: bool) -> Result<DeleteOptions, Refusal> {
    let body = delete_body(request)?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or(request.query.get(key));
    let propagation = match text("propagationPolicy") {
        "Foreground" => Propagation::Foreground,
        "Orphan" => Propagation::Orphan,
        "" if resource.plural == "jobs" => Propagation::Orphan,
        "" | "Background" => Propagation::Background,
        other => {
            let said = format!(
                "Unsupported value: \"{other}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            );
            let cause = ("FieldValueNotSupported", "propagationPolicy", said);
            return Err(Refusal::invalid(resource, &request.asked.name, &[cause]));
        }
    };
    let precondition = |key: &str| {
        let conditions = body.get("preconditions")?;
        conditions[key].as_str().map(str::to_owned)
    };
    let dry_in_body = body.get("dryRun").and_then(Value::as_array).is_some_and(|d| d.iter().any(|v| v == "All"));
    Ok(DeleteOptions {
        grace: body.get("gracePeriodSeconds").and_then(Value::as_i64).or(request.query.number("gracePeriodSeconds")),
        propagation,
        uid: precondition("uid"),
        version: precondition("resourceVersion"),
        dry_run: dry_run || dry_in_body,
    })
}
