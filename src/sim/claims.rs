//! Volume claims that are to go: they stay while a pod on a node mounts them, as a real cluster protects them.

use serde_json::Value;

use super::store::resource::{CLAIMS, PODS};
use super::store::{Obj, Part, Selector, Store};

/// What holds a claim.
const PROTECTION: &str = "kubernetes.io/pvc-protection";

/// Lets claims go when nobody needs them any more, for ever.
pub(super) async fn run(store: Store) {
    let mut feed = store.subscribe(&[&CLAIMS, &PODS]);
    loop {
        feed.ready().await;
        match feed.take() {
            Ok(changes) if changes.is_empty() => {}
            Ok(_) => release(&store),
            Err(_) => feed = store.subscribe(&[&CLAIMS, &PODS]),
        }
    }
}

fn release(store: &Store) {
    for claim in store.list(&CLAIMS, None, &Selector::default()).items {
        let waits = claim.value()["metadata"]["deletionTimestamp"].is_string() && !is_mounted(store, &claim);
        if waits {
            // Gone already is as good.
            let _ = store.modify(&CLAIMS, &claim.namespace, &claim.name, Part::Main, |claim| {
                if let Some(finalizers) = claim["metadata"]["finalizers"].as_array_mut() {
                    finalizers.retain(|f| f != PROTECTION);
                }
            });
        }
    }
}

fn is_mounted(store: &Store, claim: &Obj) -> bool {
    let mounts = |pod: &Value| {
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        let placed = pod["spec"]["nodeName"].is_string();
        placed && !over && volumes.into_iter().any(|v| v["persistentVolumeClaim"]["claimName"] == claim.name.as_str())
    };
    let pods = store.list(&PODS, Some(&claim.namespace), &Selector::default()).items;
    pods.iter().any(|pod| mounts(&pod.value()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::Clock;
    use crate::sim::store::DeleteOptions;
    use crate::sim::store::resource::NAMESPACES;

    #[tokio::test(start_paused = true)]
    async fn a_claim_goes_after_its_last_pod() {
        let store = Store::new(Clock::manual("2026-11-20T08:00:00Z".parse().unwrap()), 1);
        for resource in [&NAMESPACES, &CLAIMS, &PODS] {
            store.serve(resource);
        }
        store.create(&NAMESPACES, json!({"metadata": {"name": "n"}})).unwrap();
        store.create(&CLAIMS, json!({"metadata": {"name": "c", "namespace": "n"}, "spec": {}})).unwrap();
        let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]);
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "a", "volumes": volumes, "containers": []}});
        store.create(&PODS, pod).unwrap();
        tokio::spawn(run(store.clone()));
        let settle = || tokio::time::sleep(std::time::Duration::from_millis(1));
        settle().await;
        let now = DeleteOptions::default();
        assert!(!store.delete(&CLAIMS, "n", "c", &now).unwrap().gone);
        settle().await;
        assert!(store.get(&CLAIMS, "n", "c").is_ok(), "its pod is there");
        store.delete(&PODS, "n", "p", &DeleteOptions { grace: Some(0), ..now }).unwrap();
        settle().await;
        assert!(store.get(&CLAIMS, "n", "c").is_err());
    }
}
