//! Kueue's visibility API: who waits in a queue, and at which place.

use serde_json::{Value, json};

use super::{Admitted, Asked, Reply, no_such_resource, reply};
use crate::sim::controllers::pending_workloads;
use crate::sim::store::{Refusal, Store, resource::CLUSTERQUEUES, resource::LOCALQUEUES};

/// Its group.
pub(super) const GROUP: &str = "visibility.kueue.x-k8s.io";
/// What is returned unless asked otherwise.
const LIMIT: i64 = 1000;

/// The version that belongs to the Kueue that is served, if one is.
pub(super) fn version(store: &Store) -> Option<&'static str> {
    store.served("kueue.x-k8s.io", "workloads").map(|r| r.version)
}

/// The entries of discovery: plural, whether it is in a namespace.
pub(super) const RESOURCES: [(&str, bool); 2] =
    [("clusterqueues/pendingworkloads", false), ("localqueues/pendingworkloads", true)];

/// Answers `…/localqueues/NAME/pendingworkloads` and the like.
pub(super) fn answer(store: &Store, request: &Admitted) -> Result<Reply, Refusal> {
    let Asked { version: asked, resource, subresource, namespace, name, verb, .. } = &request.asked;
    if version(store) != Some(asked.as_str()) || subresource != "pendingworkloads" || verb != "get" {
        return Err(no_such_resource());
    }
    let number =
        |key: &str, default: i64| usize::try_from(request.query.number(key).unwrap_or(default)).unwrap_or_default();
    let page = (number("offset", 0), number("limit", LIMIT));
    let (kind, space) = match (resource.as_str(), namespace.as_str()) {
        ("localqueues", space) if !space.is_empty() => (&LOCALQUEUES, Some(space)),
        ("clusterqueues", "") => (&CLUSTERQUEUES, None),
        _ => return Err(no_such_resource()),
    };
    let mut summary: Value =
        pending_workloads(store, space, name, page).ok_or_else(|| Refusal::not_found(kind, name))?;
    summary["apiVersion"] = json!(format!("{GROUP}/{asked}"));
    Ok(reply::value(200, &summary))
}
