//! What the server says about itself: version, health, groups and resources, in the old and the aggregated form.

use serde_json::{Value, json};

use super::{Admitted, Reply, header, openapi, reply, visibility};
use crate::sim::release::Release;
use crate::sim::store::{Resource, Store};

/// The version of aggregated discovery, and its media type.
type Aggregated = (&'static str, &'static str);

const AGGREGATED: [Aggregated; 2] = [
    ("v2", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
    ("v2beta1", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
];

/// Resources that are answered without being stored.
const REVIEWS: [(&str, &str, &str); 4] = [
    ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
];

/// The first entry of `Accept` decides: a version of aggregated discovery that is spoken, or plain JSON.
fn aggregated(accept: &str, release: Release) -> Option<Aggregated> {
    let entry = |entry: &str| -> Option<Option<Aggregated>> {
        let parts: Vec<&str> = entry.split(';').map(str::trim).collect();
        if parts == ["application/json"] || parts == ["*/*"] {
            return Some(None);
        }
        let version = parts.iter().find_map(|p| p.strip_prefix("v=")).filter(|v| release.discoveries().contains(v))?;
        let known = AGGREGATED.iter().find(|(v, _)| *v == version && parts.contains(&"as=APIGroupDiscoveryList"));
        known.map(|known| Some(*known))
    };
    accept.split(',').find_map(entry).flatten()
}

/// Answers a GET of a path that is no resource.
pub(super) fn answer(store: &Store, release: Release, request: &Admitted) -> Reply {
    let aggregated = aggregated(header(&request.headers, "accept"), release);
    let path = request.asked.path.trim_end_matches('/');
    let steps: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    if let (Some((version, media)), [root @ ("api" | "apis")]) = (aggregated, steps.as_slice()) {
        return reply::json(200, groups_v2(store, *root == "api", version).to_string().into(), media);
    }
    match steps.as_slice() {
        ["version"] => reply::value(200, &release.version()),
        ["readyz" | "livez" | "healthz", ..] => reply::text(200, "ok"),
        ["api"] => {
            reply::value(200, &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
        }
        ["apis"] => {
            let groups: Vec<Value> = groups(store, false).iter().map(plain_group).collect();
            reply::value(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        ["apis", group] => {
            groups(store, false).iter().find(|(name, _)| name == group).map_or_else(reply::page_not_found, |found| {
                let mut group = plain_group(found);
                group["kind"] = json!("APIGroup");
                group["apiVersion"] = json!("v1");
                reply::value(200, &group)
            })
        }
        ["api", version] => resource_list(store, "", version),
        ["apis", group, version] => resource_list(store, group, version),
        ["openapi", "v3"] => reply::value(200, &openapi_index(store)),
        ["openapi", "v3", "api", version] => openapi(store, release, "", version),
        ["openapi", "v3", "apis", group, version] => openapi(store, release, group, version),
        _ => reply::page_not_found(),
    }
}

/// Groups with their versions; the core group (`core`) or all others.
fn groups(store: &Store, core: bool) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let served = store.resources();
    let reviews = REVIEWS.iter().map(|(group, ..)| (*group, "v1"));
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

fn verbs() -> Value {
    json!(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
}

fn of<'s>(store: &Store, group: &'s str, version: &'s str) -> Vec<&'static Resource> {
    store.resources().into_iter().filter(|r| r.group == group && r.version == version).collect()
}

fn reviews(group: &str, version: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let group = if version == "v1" { group.to_owned() } else { String::new() };
    REVIEWS.iter().filter(move |(g, ..)| *g == group).map(|(_, plural, kind)| (*plural, *kind))
}

/// `APIResourceList` of one group-version.
fn resource_list(store: &Store, group: &str, version: &str) -> Reply {
    let mut list: Vec<Value> = Vec::new();
    for r in of(store, group, version) {
        let mut entry = json!({"name": r.plural, "singularName": r.singular, "namespaced": r.namespaced, "kind": r.kind,
            "verbs": verbs()});
        for (key, words) in [("shortNames", r.short_names), ("categories", r.categories)] {
            if !words.is_empty() {
                entry[key] = json!(words);
            }
        }
        list.push(entry);
        for (sub, verbs) in subresources(r) {
            list.push(json!({"name": format!("{}/{sub}", r.plural), "singularName": "", "namespaced": r.namespaced,
                "kind": r.kind, "verbs": verbs}));
        }
    }
    for (plural, kind) in reviews(group, version) {
        list.push(json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]}));
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

fn subresources(resource: &Resource) -> Vec<(&'static str, Value)> {
    let mut subs = Vec::new();
    if resource.plural == "pods" {
        for connection in ["attach", "exec"] {
            subs.push((connection, json!(["create", "get"])));
        }
        subs.push(("eviction", json!(["create"])));
        subs.push(("log", json!(["get"])));
        subs.push(("portforward", json!(["create", "get"])));
    }
    if resource.status {
        subs.push(("status", json!(["get", "patch", "update"])));
    }
    subs
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
            let subs = subresources(r).into_iter();
            let subs: Vec<Value> = subs
                .map(|(sub, verbs)| json!({"subresource": sub, "responseKind": kind(r.kind), "verbs": verbs}))
                .collect();
            let mut entry = json!({
                "resource": r.plural, "responseKind": {"group": r.group, "version": r.version, "kind": r.kind},
                "scope": scope(r.namespaced), "singularResource": r.singular, "verbs": verbs(),
            });
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
    for (plural, word) in reviews(group, version) {
        resources.push(json!({"resource": plural, "responseKind": {"group": group, "version": version, "kind": word},
            "scope": "Cluster", "singularResource": word.to_lowercase(), "verbs": ["create"]}));
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

/// The document of one group-version.
fn openapi(store: &Store, release: Release, group: &str, version: &str) -> Reply {
    let resources = of(store, group, version);
    if resources.is_empty() && reviews(group, version).next().is_none() {
        return reply::page_not_found();
    }
    reply::value(200, &openapi::document(&path_of(group, version), &resources, release.git_version()))
}
