//! What an API server does on its own: events are kept for an hour.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::store::resource::EVENTS;
use super::store::{DeleteOptions, Selector, Store};

/// `--event-ttl` of a real server.
const EVENT_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked at.
const EVERY: Duration = Duration::from_mins(1);

/// Removes old events, for ever.
pub(super) async fn run(store: Store) {
    loop {
        store.clock().sleep(EVERY).await;
        forget_old_events(&store);
    }
}

fn forget_old_events(store: &Store) {
    let limit = store.clock().now().saturating_sub(EVENT_LIFE).unwrap_or(Timestamp::MIN);
    for event in store.list(&EVENTS, None, &Selector::default()).items {
        if last_seen(&event.value()).is_some_and(|at| at < limit) {
            // Already gone is as good.
            let _ = store.delete(&EVENTS, &event.namespace, &event.name, &DeleteOptions::default());
        }
    }
}

fn last_seen(event: &Value) -> Option<Timestamp> {
    let moments = [
        &event["series"]["lastObservedTime"],
        &event["lastTimestamp"],
        &event["eventTime"],
        &event["metadata"]["creationTimestamp"],
    ];
    moments.into_iter().filter_map(|m| m.as_str()?.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::Clock;
    use crate::sim::store::resource::NAMESPACES;

    #[tokio::test(start_paused = true)]
    async fn events_go_an_hour_after_they_were_last_seen() {
        let store = Store::new(Clock::manual("2026-11-20T08:00:00Z".parse().unwrap()), 1);
        store.serve(&NAMESPACES);
        store.serve(&EVENTS);
        store.create(&NAMESPACES, json!({"metadata": {"name": "n"}})).unwrap();
        for (name, last) in [("once", "2026-11-20T08:00:00Z"), ("again", "2026-11-20T08:30:00Z")] {
            store
                .create(&EVENTS, json!({"metadata": {"name": name, "namespace": "n"}, "lastTimestamp": last}))
                .unwrap();
        }
        tokio::spawn(run(store.clone()));
        tokio::time::sleep(Duration::from_mins(62)).await;
        let left: Vec<String> =
            store.list(&EVENTS, None, &Selector::default()).items.iter().map(|e| e.name.to_string()).collect();
        assert_eq!(left, ["again"]);
    }
}
