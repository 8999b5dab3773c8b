//! What the server says about itself: version, health, groups and resources, in the old and the aggregated form.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Value, json};

use super::subresources::{self, Subresource};
use super::{Admitted, Reply, header, method_not_allowed, no_such_resource, openapi, reply, review, visibility};
use crate::sim::release::Release;
use crate::sim::store::resource::NAMESPACES;
use crate::sim::store::{Refusal, Resource, Store};

/// The version of aggregated discovery, and its media type.
type Aggregated = (&'static str, &'static str);

const AGGREGATED: [Aggregated; 2] = [
    ("v2", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
    ("v2beta1", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
];

/// The first entry of `Accept` that is known decides: a version of aggregated discovery, or plain JSON (`None`).
fn aggregated(accept: &str, release: Release) -> Result<Option<Aggregated>, Refusal> {
    let entry = |entry: &str| -> Option<Option<Aggregated>> {
        let parts: Vec<&str> = entry.split(';').map(str::trim).collect();
        if matches!(parts.as_slice(), ["" | "application/json" | "application/yaml" | "*/*" | "application/*"]) {
            return Some(None);
        }
        let version = parts.iter().find_map(|p| p.strip_prefix("v=")).filter(|v| release.discoveries().contains(v))?;
        let known = AGGREGATED.iter().find(|(v, _)| *v == version && parts.contains(&"as=APIGroupDiscoveryList"));
        known.map(|known| Some(*known))
    };
    accept.split(',').find_map(entry).ok_or_else(|| super::form::not_acceptable(accept))
}

/// Parts of the server whose health can be asked for.
const PARTS: [&str; 3] = ["etcd", "log", "ping"];

/// How the parts of the server are. Whether etcd can be reached is no condition of being ready.
fn part_by_part(health: &str) -> String {
    let own: &[&str] = if health == "readyz" { &["informer-sync", "shutdown"] } else { &["etcd"] };
    let parts = ["ping", "log"].iter().chain(own).map(|part| format!("[+]{part} ok\n"));
    format!("{}{health} check passed\n", parts.collect::<String>())
}

/// Answers a path that is no resource.
pub(super) fn answer(store: &Store, release: Release, method: &Method, request: &Admitted) -> Result<Reply, Refusal> {
    let path = request.asked.path.trim_end_matches('/');
    let steps: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    if method != Method::GET {
        // The roots of discovery don't look at the method.
        return match steps.as_slice() {
            ["apis" | "api"] => groups_in(store, release, request, &steps),
            ["api" | "apis" | "version", ..] => Err(method_not_allowed()),
            _ => Ok(reply::page_not_found()),
        };
    }
    Ok(match steps.as_slice() {
        [] => reply::value(200, &json!({ "paths": paths(store) })),
        ["version"] => reply::value(200, &release.version()),
        [health @ ("readyz" | "livez" | "healthz")] if request.query.has("verbose") => {
            reply::text(200, part_by_part(health))
        }
        ["readyz" | "livez" | "healthz"] => reply::text(200, "ok"),
        ["readyz" | "livez" | "healthz", part] if PARTS.contains(part) => reply::text(200, "ok"),
        ["api" | "apis"] => return groups_in(store, release, request, &steps),
        ["apis", group] => {
            groups(store, false).iter().find(|(name, _)| name == group).map_or_else(reply::page_not_found, |found| {
                let mut group = plain_group(found);
                group["kind"] = json!("APIGroup");
                group["apiVersion"] = json!("v1");
                reply::value(200, &group)
            })
        }
        ["api", version] if *version != "v1" => return Err(no_such_resource()),
        ["api", version] => resource_list(store, "", version),
        ["apis", group, version] => resource_list(store, group, version),
        ["openapi", "v2"] => openapi_v2(store, release, request),
        ["openapi", "v3"] => reply::json(200, openapi_index(store).to_string().into(), reply::TEXT),
        ["openapi", "v3", "api", version] => openapi(store, release, "", version),
        ["openapi", "v3", "apis", group, version] => openapi(store, release, group, version),
        _ => reply::page_not_found(),
    })
}

/// The groups below one of the two roots, in the form that is asked for.
fn groups_in(store: &Store, release: Release, request: &Admitted, root: &[&str]) -> Result<Reply, Refusal> {
    let core = root == ["api"];
    if let Some((version, media)) = aggregated(header(&request.headers, "accept"), release)? {
        return Ok(reply::json(200, groups_v2(store, core, version).to_string().into(), media));
    }
    if core {
        let body = json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []});
        return Ok(reply::value(200, &body));
    }
    let groups: Vec<Value> = groups(store, false).iter().map(plain_group).collect();
    Ok(reply::value(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
}

/// What the root of the server lists.
fn paths(store: &Store) -> Vec<String> {
    let mut paths: Vec<String> =
        ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]
            .map(str::to_owned)
            .into();
    for (group, versions) in groups(store, false) {
        paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
        paths.push(format!("/apis/{group}"));
    }
    paths.sort();
    paths
}

/// Groups with their versions; the core group (`core`) or all others.
fn groups(store: &Store, core: bool) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let served = store.offered();
    let reviews = review::KINDS.iter().map(|r| (r.group, r.version));
    let queues = visibility::version(store).map(|version| (visibility::GROUP, version));
    for (group, version) in served.iter().map(|r| (r.group, r.version)).chain(reviews).chain(queues) {
        if group.is_empty() != core {
            continue;
        }
        match found.iter_mut().find(|(name, _)| name == group) {
            Some((_, versions)) if versions.iter().any(|v| v == version) => {}
            Some((_, versions)) => versions.push(version.to_owned()),
            None => found.push((group.to_owned(), vec![version.to_owned()])),
        }
    }
    found
}

fn plain_group((name, versions): &(String, Vec<String>)) -> Value {
    let entry = |v: &String| json!({"groupVersion": format!("{name}/{v}"), "version": v});
    let all: Vec<Value> = versions.iter().map(entry).collect();
    json!({"name": name, "versions": all, "preferredVersion": all.first()})
}

/// What can be done with the objects of a resource; the order is the server's.
fn verbs(resource: &Resource) -> Value {
    if resource.is_measured() {
        json!(["get", "list"])
    } else if resource.custom {
        json!(["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"])
    } else if *resource == NAMESPACES {
        json!(["create", "delete", "get", "list", "patch", "update", "watch"])
    } else {
        json!(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
    }
}

/// Tells clients whether what is stored has changed its form.
fn storage_hash(resource: &Resource) -> String {
    let resource = resource.kept_as.unwrap_or(resource);
    let named = format!("{}/{}/{}", resource.group, resource.version, resource.kind);
    let digest = ring::digest::digest(&ring::digest::SHA256, named.as_bytes());
    BASE64_STANDARD.encode(&digest.as_ref()[..8])
}

fn of<'s>(store: &Store, group: &'s str, version: &'s str) -> Vec<&'static Resource> {
    store.offered().into_iter().filter(|r| r.group == group && r.version == version).collect()
}

fn reviews(group: &str, version: &str) -> impl Iterator<Item = &'static Resource> {
    let of = (group.to_owned(), version.to_owned());
    review::KINDS.into_iter().filter(move |r| (r.group, r.version) == (of.0.as_str(), of.1.as_str()))
}

/// `APIResourceList` of one group-version.
fn resource_list(store: &Store, group: &str, version: &str) -> Reply {
    let mut list: Vec<Value> = Vec::new();
    for r in of(store, group, version) {
        let mut entry = json!({"name": r.plural, "singularName": r.singular, "namespaced": r.namespaced, "kind": r.kind,
            "verbs": verbs(r)});
        if !r.is_measured() {
            entry["storageVersionHash"] = json!(storage_hash(r));
        }
        for (key, words) in [("shortNames", r.short_names), ("categories", r.categories)] {
            if !words.is_empty() {
                entry[key] = json!(words);
            }
        }
        list.push(entry);
        for sub in subresources::of(r, store.release()) {
            let mut entry = json!({"name": format!("{}/{}", r.plural, sub.name), "singularName": "",
                "namespaced": r.namespaced, "kind": sub.kind, "verbs": sub.verbs});
            if !sub.group.is_empty() {
                (entry["group"], entry["version"]) = (json!(sub.group), json!("v1"));
            }
            list.push(entry);
        }
    }
    for r in reviews(group, version) {
        list.push(json!({"name": r.plural, "singularName": r.singular, "namespaced": r.namespaced, "kind": r.kind, "verbs": ["create"]}));
    }
    if group == visibility::GROUP && visibility::version(store) == Some(version) {
        list.extend(visibility::RESOURCES.iter().map(|(name, namespaced)| {
            json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": "PendingWorkloadsSummary", "verbs": ["get"]})
        }));
    }
    if list.is_empty() {
        return reply::page_not_found();
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let body = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list});
    reply::value(200, &body)
}

/// `APIGroupDiscoveryList`.
fn groups_v2(store: &Store, core: bool, version: &str) -> Value {
    let items: Vec<Value> = groups(store, core)
        .iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions.iter().map(|version| version_v2(store, group, version)).collect();
            let meta = if group.is_empty() {
                json!({"creationTimestamp": null})
            } else {
                json!({"name": group, "creationTimestamp": null})
            };
            json!({"metadata": meta, "versions": versions})
        })
        .collect();
    let version = format!("apidiscovery.k8s.io/{version}");
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": version, "metadata": {}, "items": items})
}

fn version_v2(store: &Store, group: &str, version: &str) -> Value {
    let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
    let kind = |kind: &str| json!({"group": "", "version": "", "kind": kind});
    let mut resources: Vec<Value> = of(store, group, version)
        .into_iter()
        .map(|r| {
            let own =
                if r.custom { json!({"group": r.group, "version": r.version, "kind": r.kind}) } else { kind(r.kind) };
            let told = |sub: &Subresource| match sub.group {
                "" if r.custom => json!({"group": r.group, "version": r.version, "kind": sub.kind}),
                "" => kind(sub.kind),
                group => json!({"group": group, "version": "v1", "kind": sub.kind}),
            };
            let subs = subresources::of(r, store.release());
            let subs: Vec<Value> = subs
                .iter()
                .map(|sub| json!({"subresource": sub.name, "responseKind": told(sub), "verbs": sub.verbs}))
                .collect();
            let mut entry = json!({"resource": r.plural, "responseKind": own, "scope": scope(r.namespaced),
                "singularResource": r.singular, "verbs": verbs(r)});
            for (key, words) in [("shortNames", r.short_names), ("categories", r.categories)] {
                if !words.is_empty() {
                    entry[key] = json!(words);
                }
            }
            if !subs.is_empty() {
                entry["subresources"] = json!(subs);
            }
            entry
        })
        .collect();
    for r in reviews(group, version) {
        resources.push(json!({"resource": r.plural, "responseKind": kind(r.kind), "scope": scope(r.namespaced),
            "singularResource": r.singular, "verbs": ["create"]}));
    }
    if group == visibility::GROUP && visibility::version(store) == Some(version) {
        resources.extend(visibility::RESOURCES.iter().map(|(name, namespaced)| {
            let (plural, sub) = name.split_once('/').unwrap_or((name, ""));
            let of = json!({"group": group, "version": version, "kind": "PendingWorkloadsSummary"});
            let sub = json!({"subresource": sub, "responseKind": of, "verbs": ["get"]});
            // A parent that is only there for its subresource has no kind of its own.
            json!({"resource": plural, "responseKind": kind(""), "scope": scope(*namespaced), "singularResource": "", "verbs": [], "subresources": [sub]})
        }));
    }
    json!({"version": version, "freshness": "Current", "resources": resources})
}

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn openapi_index(store: &Store) -> Value {
    let mut paths = json!({});
    for core in [true, false] {
        for (group, versions) in groups(store, core) {
            for version in versions {
                let path = path_of(&group, &version);
                let url = format!("/openapi/v3/{path}");
                paths[path] = json!({"serverRelativeURL": url});
            }
        }
    }
    json!({"paths": paths})
}

/// All definitions in the older form. Who asks for protobuf, as kubectl does for kinds that it doesn't know, is told
/// that there are none.
fn openapi_v2(store: &Store, release: Release, request: &Admitted) -> Reply {
    if header(&request.headers, "accept").contains("protobuf") {
        return reply::json(200, openapi::nothing_v2(release.git_version()), openapi::PROTOBUF_V2);
    }
    reply::value(200, &openapi::all_v2(&store.offered(), release.git_version()))
}

/// The document of one group-version.
fn openapi(store: &Store, release: Release, group: &str, version: &str) -> Reply {
    let resources = of(store, group, version);
    if resources.is_empty() && reviews(group, version).next().is_none() {
        return reply::nothing(404);
    }
    reply::value(200, &openapi::document(&path_of(group, version), &resources, release.git_version()))
}
