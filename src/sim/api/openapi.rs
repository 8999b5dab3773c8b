//! `OpenAPI` v3 of what is served: what `kubectl explain` reads, and `kubectl create` before it leaves checking to us.

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::sim::release::Release;
use crate::sim::schema::Schemas;
use crate::sim::store::Resource;

/// Verbs of discovery and their methods.
const METHODS: [(&str, &str); 4] = [("create", "post"), ("get", "get"), ("patch", "patch"), ("update", "put")];

/// The document of one group-version under `path`, as `apis/batch/v1`.
pub(super) fn document(path: &str, resources: &[&'static Resource], release: &str) -> Value {
    let all = Schemas::all();
    let mut paths = json!({});
    for resource in resources {
        let place = if resource.namespaced { "namespaces/{namespace}/" } else { "" };
        let plural = resource.plural;
        let operation = |action: &str| operation(resource, action, &all.name(resource));
        paths[format!("/{path}/{place}{plural}")] = json!({"get": operation("list"), "post": operation("post")});
        for sub in super::subresources::of(resource, Release::default()) {
            let verbs = sub.verbs.iter().filter_map(|verb| {
                let method = METHODS.iter().find(|(of, _)| of == verb)?.1;
                Some((method.to_owned(), operation(method)))
            });
            paths[format!("/{path}/{place}{plural}/{{name}}/{}", sub.name)] = Value::Object(verbs.collect());
        }
        paths[format!("/{path}/{place}{plural}/{{name}}")] = json!({
            "get": operation("get"), "put": operation("put"), "patch": operation("patch"), "delete": operation("delete"),
        });
    }
    let info = json!({"title": "Kubernetes", "version": release});
    json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": all.components(resources)}})
}

/// The media type of the older form in protobuf.
pub(super) const PROTOBUF_V2: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The definitions of all resources as `OpenAPI` v2.
pub(super) fn all_v2(resources: &[&'static Resource], release: &str) -> Value {
    let components = Value::Object(Schemas::all().components(resources)).to_string();
    let definitions: Value =
        serde_json::from_str(&components.replace("#/components/schemas/", "#/definitions/")).unwrap_or_default();
    let info = json!({"title": "Kubernetes", "version": release});
    json!({"swagger": "2.0", "info": info, "paths": {}, "definitions": definitions})
}

/// A document of v2 in protobuf that defines nothing.
pub(super) fn nothing_v2(release: &str) -> Bytes {
    let field = |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8], content].concat();
    let info = [field(1, b"Kubernetes"), field(2, release.as_bytes())].concat();
    [field(1, b"2.0"), field(2, &info)].concat().into()
}

fn operation(resource: &Resource, action: &str, definition: &str) -> Value {
    let parameter =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let names: &[&str] = match action {
        "post" | "put" | "patch" => &["dryRun", "fieldManager", "fieldValidation"],
        "delete" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        "list" => &["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "watch"],
        _ => &[],
    };
    let parameters: Vec<Value> = names.iter().map(|name| parameter(name)).collect();
    let body = json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{definition}")}}});
    let mut operation = json!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": body}},
    });
    if matches!(action, "post" | "put") {
        operation["requestBody"] = json!({"content": body});
    }
    operation
}
