//! Who waits, in order: what the visibility API answers.

use serde_json::{Value, json};

use super::{is_active, priority};
use crate::sim::{
    store::{
        Selector, Store,
        resource::{CLUSTERQUEUES, LOCALQUEUES, WORKLOADS},
    },
    value::{condition, has_condition, is_deleting, name, namespace, text, uid},
};

/// Whether a Workload is in a queue: neither in, nor over, nor switched off.
fn waits(load: &Value) -> bool {
    !has_condition(load, "Finished") && !has_condition(load, "QuotaReserved") && is_active(load) && !is_deleting(load)
}

/// What orders those that wait: priority, then since when, then the uid.
pub(super) fn rank(load: &Value) -> (i64, String, String) {
    let requeued = condition(load, "Evicted")
        .filter(|c| text(c, "/status") == "True" && matches!(text(c, "/reason"), "PodsReadyTimeout" | "AdmissionCheck"))
        .map(|c| text(c, "/lastTransitionTime"));
    let since = requeued.unwrap_or_else(|| text(load, "/metadata/creationTimestamp"));
    (-priority(load), since.to_owned(), uid(load).to_owned())
}

/// A `PendingWorkloadsSummary`: of a `ClusterQueue`, or of the `LocalQueue` `queue` of `space`. `None`: no such queue.
pub(crate) fn summary(store: &Store, space: Option<&str>, queue: &str, page: (usize, usize)) -> Option<Value> {
    let locals = store.list(&LOCALQUEUES, None, &Selector::default()).items;
    let hall_of = |space: &str, local: &str| {
        let found = locals.iter().find(|l| l.namespace == space && l.name == local)?;
        Some(text(&found.value(), "/spec/clusterQueue").to_owned())
    };
    let hall = match space {
        Some(space) => hall_of(space, queue)?,
        None => store.get(&CLUSTERQUEUES, "", queue).ok()?.name.to_string(),
    };
    let mut loads: Vec<_> = store
        .list(&WORKLOADS, None, &Selector::default())
        .items
        .iter()
        .map(|w| w.value())
        .filter(|w| waits(w) && hall_of(namespace(w), text(w, "/spec/queueName")).as_deref() == Some(hall.as_str()))
        .collect();
    loads.sort_by_key(|w| rank(w));
    let mut items = Vec::new();
    let mut places = std::collections::BTreeMap::<(String, String), usize>::new();
    for (at, load) in loads.iter().enumerate() {
        let local = text(load, "/spec/queueName");
        let place = places.entry((namespace(load).to_owned(), local.to_owned())).or_default();
        if space.is_none_or(|space| namespace(load) == space && local == queue) {
            items.push(json!({
                "metadata": {
                    "name": name(load), "namespace": namespace(load),
                    "creationTimestamp": load["metadata"]["creationTimestamp"],
                    "ownerReferences": load["metadata"]["ownerReferences"],
                },
                "priority": priority(load), "localQueueName": local,
                "positionInClusterQueue": at, "positionInLocalQueue": *place,
            }));
        }
        *place += 1;
    }
    let (offset, limit) = page;
    let items: Vec<_> = items.into_iter().skip(offset).take(limit).collect();
    Some(
        json!({"kind": "PendingWorkloadsSummary", "apiVersion": "visibility.kueue.x-k8s.io/v1beta2", "metadata": {}, "items": items}),
    )
}
