//! Writing over HTTP: bodies, patches and options, turned into what the store does.

use serde_json::{Value, json};

use super::body::{self, manifest};
use super::patch::Patch;
use super::{Admitted, Form, Query, Reply, Server, escalation, events, meta, odd, options, reply, validate};
use crate::sim::store::resource::NAMESPACES;
use crate::sim::store::{DeleteOptions, Deleted, Obj, Part, Propagation, Refusal, Resource, Selector};

impl Server {
    /// Answers create, update, patch, delete and deletecollection.
    pub(super) fn write(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        options::check(request)?;
        let asked = &request.asked;
        // Of a deletion with a body, the query says nothing.
        let in_body = asked.verb.starts_with("delete") && !request.body.is_empty();
        let dry_run = if in_body { false } else { dry_run(request)? };
        let namespace = asked.object_namespace(resource);
        let part = if asked.subresource == "status" { Part::Status } else { Part::Main };
        let kept = resource.kept();
        match asked.verb.as_str() {
            "create" => {
                let mut value = manifest(resource, request)?;
                let mut warnings = validate::cut(resource, request, &mut value)?;
                if resource.namespaced {
                    self.store.get(&NAMESPACES, "", &namespace)?;
                }
                value = events::kept(resource, value);
                validate::fit(resource, &mut value, None, part)?;
                escalation::check(&self.store, resource, request, &value)?;
                let object = self.store.create_with(kept, value, dry_run)?;
                warnings.extend(odd::of_new(resource, &object.value()));
                Ok(validate::warned(self.written(201, resource, &object, request)?, &warnings))
            }
            "update" => {
                let mut value = manifest(resource, request)?;
                let unversioned = value["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty();
                if resource.custom && unversioned {
                    return Err(meta::unversioned(resource, &asked.name));
                }
                let mut warnings = validate::cut(resource, request, &mut value)?;
                value = events::kept(resource, value);
                escalation::check_change(&self.store, resource, request, |current| {
                    *current = value.clone();
                    Ok(())
                })?;
                let mut old = Value::Null;
                let object = self.store.rewrite(kept, &namespace, &asked.name, part, dry_run, |current| {
                    validate::fit(resource, &mut value, Some(current), part)?;
                    old = std::mem::replace(current, value);
                    Ok(())
                })?;
                warnings.extend(odd::of_changed(resource, &old, &object.value()));
                Ok(validate::warned(self.written(200, resource, &object, request)?, &warnings))
            }
            "patch" => {
                let patch = Patch::read(resource, request)?;
                escalation::check_change(&self.store, resource, request, |current| patch.apply(current))?;
                let (mut warnings, mut old) = (Vec::new(), Value::Null);
                let object = self.store.rewrite(kept, &namespace, &asked.name, part, dry_run, |value| {
                    old = value.clone();
                    if resource.kept_as.is_some() {
                        *value = events::newer(value);
                    }
                    patch.apply(value)?;
                    body::place(resource, request, value)?;
                    warnings = validate::cut_patched(resource, request, &patch, value)?;
                    meta::same_uid(resource, &old, value)?;
                    *value = events::kept(resource, value.take());
                    validate::fit(resource, value, Some(&old), part)
                })?;
                warnings.extend(odd::of_changed(resource, &old, &object.value()));
                Ok(validate::warned(self.written(200, resource, &object, request)?, &warnings))
            }
            "delete" => {
                let options = delete_options(resource, request, dry_run)?;
                if *resource == NAMESPACES && STAYING.contains(&asked.name.as_str()) {
                    return Err(Refusal::forbidden(resource, &asked.name, "this namespace may not be deleted"));
                }
                let deleted = self.store.delete(kept, &namespace, &asked.name, &options)?;
                if *resource == NAMESPACES && options.dry_run {
                    return Ok(reply::value(200, &terminating(&deleted.object)));
                }
                Ok(removed(kept, &deleted, request))
            }
            _ => self.delete_collection(resource, request, dry_run),
        }
    }

    fn written(&self, code: u16, resource: &Resource, object: &Obj, request: &Admitted) -> Result<Reply, Refusal> {
        let form = Form::of(request)?;
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
            match self.store.delete(resource.kept(), &object.namespace, &object.name, &options) {
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

/// Namespaces that nobody may delete.
const STAYING: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Kinds whose deletion is answered with the object even if it is gone.
const TOLD_WHOLE: [&str; 2] = ["pods", "namespaces"];

/// The answer to a deletion: a Status for what is gone, the object for what is going.
fn removed(resource: &Resource, deleted: &Deleted, request: &Admitted) -> Reply {
    let orphans = resource.plural == "jobs" && !says_propagation(request);
    let answer = if deleted.gone && !TOLD_WHOLE.contains(&resource.plural) {
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

/// A namespace as it would be while it goes.
fn terminating(namespace: &Obj) -> Value {
    let mut going = (*namespace.value()).clone();
    going["status"]["phase"] = json!("Terminating");
    going
}

/// `dryRun=All`, or none.
pub(super) fn dry_run(request: &Admitted) -> Result<bool, Refusal> {
    match request.query.get("dryRun") {
        "All" => Ok(true),
        "" if !request.query.has("dryRun") => Ok(false),
        other => Err(unsupported_dry_run(request, &json!([other]))),
    }
}

fn unsupported_dry_run(request: &Admitted, asked: &Value) -> Refusal {
    let said = format!("Unsupported value: {asked}: supported values: \"All\"");
    validate::bad_option(request, "dryRun", "FieldValueNotSupported", &said)
}

fn says_propagation(request: &Admitted) -> bool {
    let body = body::delete_options(request).unwrap_or_default();
    let in_query = request.body.is_empty();
    let says = |key: &str| (in_query && request.query.has(key)) || body.contains_key(key);
    says("propagationPolicy") || says("orphanDependents")
}

/// Options of a deletion: from its body or, where there is none, from its query.
fn delete_options(resource: &Resource, request: &Admitted, dry_run: bool) -> Result<DeleteOptions, Refusal> {
    let body = body::delete_options(request)?;
    let nothing = Query::default();
    let query = if request.body.is_empty() { &request.query } else { &nothing };
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or(query.get(key));
    let orphans = body.get("orphanDependents").and_then(Value::as_bool);
    let orphans = orphans.or_else(|| query.has("orphanDependents").then(|| query.flag("orphanDependents")));
    let asked = text("propagationPolicy");
    if orphans.is_some() && !asked.is_empty() {
        let said = format!("Invalid value: \"{asked}\": orphanDependents and deletionPropagation cannot be both set");
        return Err(validate::bad_option(request, "propagationPolicy", "FieldValueInvalid", &said));
    }
    let propagation = match asked {
        "Foreground" => Propagation::Foreground,
        "Orphan" => Propagation::Orphan,
        "" if orphans == Some(true) => Propagation::Orphan,
        "" if resource.plural == "jobs" && orphans.is_none() => Propagation::Orphan,
        "" | "Background" => Propagation::Background,
        other => {
            let said = format!(
                "Unsupported value: \"{other}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            );
            return Err(validate::bad_option(request, "propagationPolicy", "FieldValueNotSupported", &said));
        }
    };
    let precondition = |key: &str| {
        let conditions = body.get("preconditions")?;
        conditions[key].as_str().map(str::to_owned)
    };
    let dry_in_body = body.get("dryRun").filter(|asked| **asked != json!([]) && !asked.is_null());
    if let Some(asked) = dry_in_body.filter(|asked| **asked != json!(["All"])) {
        return Err(unsupported_dry_run(request, asked));
    }
    Ok(DeleteOptions {
        grace: body.get("gracePeriodSeconds").and_then(Value::as_i64).or(query.number("gracePeriodSeconds")),
        propagation,
        uid: precondition("uid"),
        version: precondition("resourceVersion"),
        dry_run: dry_run || dry_in_body.is_some(),
    })
}
