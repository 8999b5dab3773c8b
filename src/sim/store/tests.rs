use serde_json::json;

use super::resource::{CONFIGMAPS, ENDPOINTS, JOBS, MPIJOBS, NAMESPACES, PODS};
use super::*;

fn store() -> Store {
    let store = Store::new(Clock::manual("2026-11-20T08:00:00Z".parse().unwrap()), 1);
    resource::of_age(false).for_each(|r| store.serve(r));
    store.create(&NAMESPACES, json!({"metadata": {"name": "n"}})).unwrap();
    store
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n"}})
}

fn owned(name: &str, owner: &Obj) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "labels": {JOB_NAME: owner.name.as_str()},
        "ownerReferences": [{"uid": owner.uid.as_str(), "name": owner.name.as_str(), "controller": true}]}})
}

#[tokio::test]
async fn creation_sets_the_servers_fields_and_refuses_what_is_taken_or_has_no_room() {
    let store = store();
    let mut sent = named("a");
    sent["status"] = json!({"conditions": [{"type": "Running"}]});
    sent["spec"] = json!({});
    let job = store.create(&MPIJOBS, sent).unwrap();
    let value = job.value();
    assert_eq!(value["metadata"]["generation"], 1);
    assert_eq!(value["metadata"]["creationTimestamp"], "2026-11-20T08:00:00Z");
    assert_eq!(value["spec"]["slotsPerWorker"], 1);
    assert_eq!((&value["kind"], value.get("status")), (&json!("MPIJob"), None));
    assert_eq!(store.create(&MPIJOBS, named("a")).unwrap_err().reason, "AlreadyExists");
    let elsewhere = json!({"metadata": {"name": "a", "namespace": "nope"}});
    assert_eq!(store.create(&MPIJOBS, elsewhere).unwrap_err().message, "namespaces \"nope\" not found");
    assert_eq!(store.create(&MPIJOBS, named("Bad_Name")).unwrap_err().code, 422);
    let generated = store.create(&MPIJOBS, json!({"metadata": {"generateName": "a-", "namespace": "n"}})).unwrap();
    assert!(generated.name.starts_with("a-") && generated.name.len() == 7);
    let odd = format!("{}é", "a".repeat(57));
    let odd = json!({"metadata": {"generateName": odd, "namespace": "n"}});
    assert_eq!(store.create(&MPIJOBS, odd).unwrap_err().code, 422, "a letter at the cut");
    let tried = store.create_with(&MPIJOBS, named("dry"), true).unwrap();
    assert!(tried.value()["metadata"]["uid"].is_string());
    assert_eq!(store.get(&MPIJOBS, "n", "dry").unwrap_err().message, "mpijobs.kubeflow.org \"dry\" not found");
}

#[tokio::test]
async fn updates_keep_their_part_count_generations_and_meet_conflicts() {
    let store = store();
    let old = store.create(&MPIJOBS, named("a")).unwrap();
    let mut value = (*old.value()).clone();
    value["spec"]["slotsPerWorker"] = json!(4);
    value["status"] = json!({"startTime": "x"});
    let new = store.update(&MPIJOBS, value.clone()).unwrap();
    assert_eq!((&new.value()["metadata"]["generation"], new.value().get("status")), (&json!(2), None));
    assert_eq!(store.update(&MPIJOBS, value.clone()).unwrap_err(), Refusal::stale(&MPIJOBS, "a"));
    value["metadata"]["resourceVersion"] = json!("");
    value["spec"]["slotsPerWorker"] = json!(8);
    let status = store.update_status(&MPIJOBS, value).unwrap();
    assert_eq!(
        (&status.value()["spec"]["slotsPerWorker"], &status.value()["status"]["startTime"]),
        (&json!(4), &json!("x"))
    );
    assert_eq!(status.value()["metadata"]["generation"], 2);
    let same = store.modify(&MPIJOBS, "n", "a", Part::Main, |_| ()).unwrap();
    assert_eq!(same.version, status.version, "nothing changed, nothing written");
}

#[tokio::test]
async fn pods_get_their_grace_and_owned_objects_go_with_the_owner() {
    let store = store();
    let job = store.create(&MPIJOBS, named("a")).unwrap();
    store.create(&CONFIGMAPS, owned("a-config", &job)).unwrap();
    store.create(&PODS, owned("waiting", &job)).unwrap();
    let mut pod = owned("running", &job);
    pod["spec"] = json!({"nodeName": "node-1"});
    store.create(&PODS, pod).unwrap();
    assert_eq!(store.pods_of("n", "a").len(), 2);
    assert!(store.delete(&MPIJOBS, "n", "a", &DeleteOptions::default()).unwrap().gone);
    assert!(store.get(&CONFIGMAPS, "n", "a-config").is_err());
    assert_eq!(store.pods_of("n", "a").len(), 1);
    let pod = store.get(&PODS, "n", "running").unwrap();
    assert_eq!(pod.value()["metadata"]["deletionTimestamp"], "2026-11-20T08:00:30Z");
    let now = DeleteOptions { grace: Some(0), ..DeleteOptions::default() };
    assert!(store.delete(&PODS, "n", "running", &now).unwrap().gone);
    let late = store.create(&PODS, owned("late", &job)).unwrap();
    assert!(store.get(&PODS, "n", &late.name).is_err(), "an owner that is gone cannot own");
}

#[tokio::test]
async fn foreground_waits_orphan_leaves_and_preconditions_hold() {
    let store = store();
    let job = store.create(&JOBS, named("a")).unwrap();
    let mut pod = owned("p", &job);
    pod["spec"] = json!({"nodeName": "node-1"});
    store.create(&PODS, pod).unwrap();
    let wrong = DeleteOptions { uid: Some("other".into()), ..DeleteOptions::default() };
    assert_eq!(store.delete(&JOBS, "n", "a", &wrong).unwrap_err().code, 409);
    let foreground = DeleteOptions { propagation: Propagation::Foreground, ..DeleteOptions::default() };
    assert!(!store.delete(&JOBS, "n", "a", &foreground).unwrap().gone);
    assert!(store.get(&PODS, "n", "p").unwrap().value()["metadata"]["deletionTimestamp"].is_string());
    store.delete(&PODS, "n", "p", &DeleteOptions { grace: Some(0), ..DeleteOptions::default() }).unwrap();
    assert!(store.get(&JOBS, "n", "a").is_err(), "the owner follows its last dependent");
    let job = store.create(&JOBS, named("b")).unwrap();
    store.create(&CONFIGMAPS, owned("kept", &job)).unwrap();
    let orphan = DeleteOptions { propagation: Propagation::Orphan, ..DeleteOptions::default() };
    store.delete(&JOBS, "n", "b", &orphan).unwrap();
    assert!(store.get(&CONFIGMAPS, "n", "kept").unwrap().owners.is_empty());
}

#[tokio::test]
async fn finalizers_hold_and_a_namespace_goes_when_it_is_empty() {
    let store = store();
    let mut held = named("held");
    held["metadata"]["finalizers"] = json!(["x/y"]);
    store.create(&CONFIGMAPS, held).unwrap();
    assert!(!store.delete(&NAMESPACES, "", "n", &DeleteOptions::default()).unwrap().gone);
    let refused = store.create(&CONFIGMAPS, named("new")).unwrap_err();
    assert!(refused.message.ends_with("because it is being terminated"), "{refused}");
    store.modify(&CONFIGMAPS, "n", "held", Part::Main, |v| v["metadata"]["finalizers"] = json!([])).unwrap();
    assert!(store.get(&CONFIGMAPS, "n", "held").is_err());
    assert!(store.get(&NAMESPACES, "", "n").is_err());
}

#[tokio::test]
async fn the_history_of_endpoints_is_short() {
    let store = store();
    for (resource, remembers) in [(&CONFIGMAPS, true), (&ENDPOINTS, false)] {
        store.create(resource, named("a")).unwrap();
        let before = store.version();
        for n in 0..2_500 {
            store.modify(resource, "n", "a", Part::Main, |o| o["data"] = json!({"n": n.to_string()})).unwrap();
        }
        let remembered = store.subscribe_from(&[resource], before).take().is_ok();
        assert_eq!(remembered, remembers, "{}", resource.plural);
    }
}

#[tokio::test]
async fn a_feed_gives_every_change_once_in_order_until_history_is_forgotten() {
    let store = store();
    let mut feed = store.subscribe(&[&PODS, &CONFIGMAPS]);
    assert!(feed.take().unwrap().is_empty());
    for n in 0..700 {
        store.create(&PODS, named(&format!("p{n}"))).unwrap();
        store.create(&CONFIGMAPS, named(&format!("c{n}"))).unwrap();
    }
    let mut versions = Vec::new();
    while versions.len() < 1400 {
        versions.extend(feed.next().await.unwrap().iter().map(|c| c.object.version));
    }
    assert!(versions.is_sorted() && versions.len() == 1400);
    assert!(feed.take().unwrap().is_empty());
    store.delete(&PODS, "n", "p3", &DeleteOptions::default()).unwrap();
    assert_eq!(feed.next().await.unwrap()[0].kind, ChangeKind::Deleted);
    let before = store.version();
    store.compact();
    let mut late = store.subscribe_from(&[&PODS], before);
    assert_eq!(late.take().unwrap_err(), Lagged { asked: before, oldest: store.version() });
}

#[tokio::test]
async fn a_watch_sees_objects_enter_and_leave_its_selector() {
    let store = store();
    let mut feed = store.subscribe(&[&CONFIGMAPS]);
    let selector = Selector::parse(&CONFIGMAPS, "a=1", "").unwrap();
    store.create(&CONFIGMAPS, named("c")).unwrap();
    for value in ["1", "1x", "1"] {
        store.modify(&CONFIGMAPS, "n", "c", Part::Main, |v| v["metadata"]["labels"]["a"] = json!(value)).unwrap();
    }
    store.delete(&CONFIGMAPS, "n", "c", &DeleteOptions::default()).unwrap();
    let seen: Vec<_> = feed.take().unwrap().iter().map(|c| c.seen_by(Some("n"), &selector)).collect();
    assert_eq!(
        seen,
        [None, Some(ChangeKind::Added), Some(ChangeKind::Deleted), Some(ChangeKind::Added), Some(ChangeKind::Deleted)]
    );
}
