//! What lies below an object: names, kinds and verbs of subresources, as discovery tells them.

use crate::sim::release::Release;
use crate::sim::store::Resource;
use crate::sim::store::resource::{PODS, SERVICEACCOUNTS, SERVICES};

/// A path below an object.
#[derive(Debug, PartialEq)]
pub(super) struct Subresource {
    pub(super) name: &'static str,
    /// The group of its kind; empty for that of the resource.
    pub(super) group: &'static str,
    pub(super) kind: &'static str,
    pub(super) verbs: &'static [&'static str],
}

const CONNECTS: &[&str] = &["create", "get"];
const PASSES: &[&str] = &["create", "delete", "get", "patch", "update"];
const CHANGES: &[&str] = &["get", "patch", "update"];

const fn below(
    name: &'static str,
    group: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
) -> Subresource {
    Subresource { name, group, kind, verbs }
}

/// Those of a resource, in the server's order.
pub(super) fn of(resource: &Resource, release: Release) -> Vec<Subresource> {
    let mut found = Vec::new();
    if *resource == PODS {
        found.extend([
            below("attach", "", "PodAttachOptions", CONNECTS),
            below("binding", "", "Binding", &["create"]),
            below("ephemeralcontainers", "", "Pod", CHANGES),
            below("eviction", "policy", "Eviction", &["create"]),
            below("exec", "", "PodExecOptions", CONNECTS),
            below("log", "", "Pod", &["get"]),
            below("portforward", "", "PodPortForwardOptions", CONNECTS),
            below("proxy", "", "PodProxyOptions", PASSES),
        ]);
        found.extend(release.resizes().then(|| below("resize", "", "Pod", CHANGES)));
    }
    if *resource == SERVICES {
        found.push(below("proxy", "", "ServiceProxyOptions", PASSES));
    }
    if *resource == SERVICEACCOUNTS {
        found.push(below("token", "authentication.k8s.io", "TokenRequest", &["create"]));
    }
    if resource.status {
        found.push(below("status", "", resource.kind, CHANGES));
    }
    if resource.scale.is_some() {
        let at = if resource.custom { found.len() } else { 0 };
        found.insert(at, below("scale", "autoscaling", "Scale", CHANGES));
    }
    found
}
