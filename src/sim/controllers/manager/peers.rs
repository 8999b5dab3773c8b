//! Lives recorded on the real JobSet, Trainer, training-operator, mpi-operator and Kueue, lived through here: after each step
//! the same objects, the same conditions on the way, the same Events.
//!
//! A file of `tests/data/peers` is one life: steps (what was done), and for each what came of it once all was still.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value, json};

use super::{peers_known, peers_look::Look, tests::World, *};
use crate::sim::{
    store::{
        Admission, DeleteOptions, Part, Propagation, Selector,
        resource::{CONFIGMAPS, EVENTS, NODES, PODS, WORKLOADS},
    },
    value::{list, phase, set},
};

/// Seconds that our kubelets and controllers may be slower in a step.
const SLACK: f64 = 12.0;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/peers")
}

/// What is done to a pod that is to stay pending is said in our kubelet's language.
fn admission() -> Admission {
    Arc::new(|_, resource, object| {
        if *resource == PODS {
            let told = text(object, "/metadata/annotations/fake~1state");
            let (key, value) =
                if told == "Pending" { ("state", "ImagePullBackOff") } else { ("run-seconds", "100000") };
            set(object, &format!("/metadata/annotations/fake~1{key}"), json!(value));
        }
        Ok(())
    })
}

fn row(store: &Store, kind: &str) -> &'static Resource {
    let all = store.resources();
    all.into_iter().find(|row| row.kind == kind && !row.group.ends_with("metrics.k8s.io")).unwrap()
}

/// The object that a step means: `*` stands for a hash at its end.
fn named(store: &Store, kind: &'static Resource, name: &str) -> String {
    let Some(stem) = name.strip_suffix('*') else { return name.to_owned() };
    let all = store.list(kind, Some("rec"), &Selector::default()).items;
    let mut found: Vec<String> = all.iter().map(|o| o.name.to_string()).filter(|n| n.starts_with(stem)).collect();
    found.sort();
    found.into_iter().next().unwrap_or_else(|| stem.to_owned())
}

fn space(kind: &Resource) -> &'static str {
    if kind.namespaced { "rec" } else { "" }
}

/// As a kubelet leaves a pod that it put out.
fn evict(pod: &mut Value, now: &str) {
    end(pod, 137, now);
    set(pod, "/status/reason", json!("Evicted"));
    set(pod, "/status/message", json!("The node was low on resource: memory."));
}

/// As a kubelet tells of containers that it started again.
fn restart(pod: &mut Value, times: &Value) {
    for container in pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut).into_iter().flatten() {
        container["restartCount"] = times.clone();
    }
}

/// As a kubelet leaves a pod whose containers have ended.
fn end(pod: &mut Value, code: i64, now: &str) {
    set(pod, "/status/phase", json!(if code == 0 { "Succeeded" } else { "Failed" }));
    let reason = if code == 0 { "Completed" } else { "Error" };
    let ended = |container: &Value| {
        let mut container = container.clone();
        container["ready"] = json!(false);
        container["state"] = json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": now}});
        container
    };
    let containers: Vec<Value> = list(pod, "/status/containerStatuses").iter().map(ended).collect();
    set(pod, "/status/containerStatuses", json!(containers));
    let mut conditions = list(pod, "/status/conditions").to_vec();
    for c in conditions.iter_mut().filter(|c| ["Ready", "ContainersReady"].contains(&text(c, "/type"))) {
        c["status"] = json!("False");
    }
    set(pod, "/status/conditions", json!(conditions));
}

/// Changes the pods whose name begins so and that are in one of these phases.
fn pods(store: &Store, begin: &Value, phases: &[&str], change: impl Fn(&mut Value)) {
    for pod in store.list(&PODS, Some("rec"), &Selector::default()).items {
        let value = pod.value();
        let here = pod.name.starts_with(begin.as_str().unwrap()) && phases.contains(&phase(&value));
        if here && !is_deleting(&value) {
            store.modify(&PODS, "rec", &pod.name, Part::Status, &change).unwrap();
        }
    }
}

fn act(store: &Store, did: &Value) {
    let now = store.clock().stamp();
    if let Some(object) = did.get("make") {
        let kind = row(store, text(object, "/kind"));
        let mut object = object.clone();
        if kind.namespaced {
            set(&mut object, "/metadata/namespace", json!("rec"));
        }
        store.create(kind, object).unwrap();
    } else if let Some(patch) = did["patch"].as_array() {
        let kind = row(store, patch[0].as_str().unwrap());
        let name = named(store, kind, patch[1].as_str().unwrap());
        let part = if patch.get(3).is_some() { Part::Status } else { Part::Main };
        store.modify(kind, space(kind), &name, part, |object| json_patch::merge(object, &patch[2])).unwrap();
    } else if let Some(what) = did["delete"].as_array() {
        let kind = row(store, what[0].as_str().unwrap());
        let name = named(store, kind, what[1].as_str().unwrap());
        let propagation = match what.get(2).and_then(Value::as_str) {
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            _ => Propagation::Background,
        };
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        if *kind == PODS {
            // The stand-in let containers end before it took their pod away.
            pods(store, &json!(name), &["Running"], |pod| end(pod, 143, &now));
        }
        // A life may delete what was refused.
        let _ = store.delete(kind, space(kind), &name, &options);
    } else if let Some(ends) = did["end"].as_array() {
        let code = ends[1].as_i64().unwrap();
        pods(store, &ends[0], &["Running"], |pod| end(pod, code, &now));
    } else if let Some(times) = did["restart"].as_array() {
        pods(store, &times[0], &["Running"], |pod| restart(pod, &times[1]));
    } else if did.get("evict").is_some() {
        pods(store, &did["evict"], &["Running", "Pending"], |pod| evict(pod, &now));
    } else if let Some(check) = did["check"].as_array() {
        let load = named(store, &WORKLOADS, check[0].as_str().unwrap());
        let change = |load: &mut Value| {
            let mut all = list(load, "/status/admissionChecks").to_vec();
            for c in all.iter_mut().filter(|c| c["name"] == check[1]) {
                (c["state"], c["message"]) = (check[2].clone(), check[3].clone());
            }
            set(load, "/status/admissionChecks", json!(all));
        };
        store.modify(&WORKLOADS, "rec", &load, Part::Status, change).unwrap();
    }
}

/// Lives through one recorded life; what differs.
fn differences(life: &str) -> Vec<String> {
    let file = std::fs::read_to_string(folder().join(format!("{life}.jsonl"))).unwrap();
    let mut lines: Vec<Value> = file.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let head = lines.remove(0);
    let mut world = World::new(0.01);
    world.store.admit(admission());
    for gpu in ["a100", "h100"] {
        let room = json!({"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "64"});
        let status =
            json!({"capacity": room, "allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]});
        let meta = json!({"name": format!("n-{gpu}"), "labels": {"gpu": gpu, "zone": "a"}});
        world.store.seed(&NODES, json!({"metadata": meta, "spec": {}, "status": status})).unwrap();
    }
    if let Some(kueue) = head["kueue"].as_str() {
        let meta = json!({"name": "kueue-manager-config", "namespace": "kueue-system"});
        let data = json!({"controller_manager_config.yaml": kueue});
        world.store.create(&CONFIGMAPS, json!({"metadata": meta, "data": data})).unwrap();
    }
    let watched: Vec<_> = world.store.resources().into_iter().filter(|r| **r != EVENTS).collect();
    let exact = head["exact"] == true || lines.iter().any(|line| line["did"].get("wait").is_some());
    world.until(1.0);
    let mut feed = world.store.subscribe(&watched);
    let (mut real, mut look) = (BTreeMap::<String, Value>::new(), Look::new(&world.store));
    let (mut at, mut out) = (1.0, Vec::new());
    for (n, line) in lines.iter().enumerate() {
        let seconds = |l: &Value| l["t"].as_f64().unwrap_or(0.0);
        let waited = line["did"]["wait"].as_f64().unwrap_or(0.0);
        let next = lines.get(n + 1).map_or(seconds(line) + waited + 6.0, seconds);
        if line.get("refused").is_none() {
            act(&world.store, &line["did"]);
        }
        at += (next - seconds(line)).max(0.1) + if exact { 0.0 } else { SLACK };
        world.until(at);
        for (key, patch) in line["seen"].as_object().into_iter().flatten() {
            if patch.is_null() {
                real.remove(key);
            } else {
                json_patch::merge(real.entry(key.clone()).or_insert_with(|| json!({})), patch);
            }
        }
        let mut say = |what: &str, real: &Value, ours: &Value| {
            let did = line["did"].to_string();
            let did: String = did.chars().take(160).collect();
            out.push(format!("{life} step {n} ({did}) {what}\n    real {real}\n    ours {ours}"));
        };
        let (went, told, seen) = look.step(&mut feed, &world.store, &real);
        compare(&settled(&line["went"]), &settled(&Value::Object(went)), "went", &mut say);
        compare(&heard(&line["told"]), &heard(&json!(told)), "told", &mut say);
        let real: Map<_, _> = real.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        compare(&sorted(real), &sorted(seen), "is", &mut say);
    }
    out
}

/// How conditions went, those of Workloads each by itself: three controllers write them, and who is first is chance;
/// so is what of a job that stops is seen on the way.
fn settled(went: &Value) -> Value {
    let mut all = went.as_object().cloned().unwrap_or_default();
    for (_, lines) in all.iter_mut().filter(|(key, _)| key.starts_with("Workload/")) {
        let mut kept = lines.as_array().cloned().unwrap_or_default();
        kept.retain(|line| line.as_str().is_some_and(|line| !line.contains("WaitForRecovery")));
        kept.sort_by_key(|line| line.as_str().and_then(|line| line.split('=').next()).unwrap_or("").to_owned());
        kept.dedup();
        *lines = Value::Array(kept);
    }
    Value::Object(all)
}

/// Conditions of Workloads by their type, as in [`settled`].
fn sorted(mut all: Map<String, Value>) -> Value {
    for (_, load) in all.iter_mut().filter(|(key, _)| key.starts_with("Workload/")) {
        if let Some(conditions) = load.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
            conditions.sort_by_key(|c| text(c, "/type").to_owned());
        }
    }
    Value::Object(all)
}

/// Events, without how often and when.
fn heard(told: &Value) -> Value {
    let mut all = Map::new();
    for event in told.as_array().into_iter().flatten() {
        let parts: Vec<&str> = event.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // What a real controller stumbles over while it has not seen its own writes yet.
        let stumbled = ["already exists", "denied the request"].iter().any(|words| parts[3].contains(words));
        // Its Endpoints and slices go by garbage collection, too: who is first is chance.
        let raced = parts[2].starts_with("FailedToUpdateEndpoint");
        if !stumbled && !raced {
            all.insert(parts.join(" | "), json!(true));
        }
    }
    Value::Object(all)
}

fn compare(real: &Value, ours: &Value, place: &str, say: &mut dyn FnMut(&str, &Value, &Value)) {
    match (real, ours) {
        (Value::Object(r), Value::Object(o)) => {
            let keys: std::collections::BTreeSet<_> = r.keys().chain(o.keys()).collect();
            for key in keys {
                let none = Value::Null;
                compare(r.get(key).unwrap_or(&none), o.get(key).unwrap_or(&none), &format!("{place}.{key}"), say);
            }
        }
        (Value::Array(r), Value::Array(o)) if r.len() == o.len() && r.iter().any(Value::is_object) => {
            for (at, (r, o)) in r.iter().zip(o).enumerate() {
                compare(r, o, &format!("{place}[{at}]"), say);
            }
        }
        _ if real == ours || (is_nothing(real) && is_nothing(ours)) || place.ends_with("fake/state") => {}
        _ => say(place, real, ours),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || *value == json!({}) || *value == json!([])
}

/// All lives whose name begins so.
fn names(of: &str) -> Vec<String> {
    let only = std::env::var("MPIDECK_LIFE").unwrap_or_default();
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> =
        files.filter_map(|file| file.to_str().unwrap().strip_suffix(".jsonl").map(str::to_owned)).collect();
    names.retain(|name| name.starts_with(of) && name.contains(&only));
    names.sort();
    assert!(!names.is_empty() || !only.is_empty(), "lives of {of}");
    names
}

fn lives(of: &str) {
    let wrong: Vec<String> = names(of).iter().flat_map(|name| differences(name)).collect();
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
}

// Paused: a busy machine must not make time pass.
#[tokio::test(start_paused = true)]
async fn job_sets_live_as_on_the_real_jobset() {
    lives("jobset-");
}

#[tokio::test(start_paused = true)]
async fn mpi_jobs_live_as_on_the_real_operator() {
    lives("mpi-");
}

#[tokio::test(start_paused = true)]
async fn train_jobs_live_as_on_the_real_trainer() {
    lives("train-");
}

#[tokio::test(start_paused = true)]
async fn the_older_kinds_live_as_on_the_real_training_operator() {
    ["pytorch-", "tf-", "xgb-", "paddle-", "jax-"].into_iter().for_each(lives);
}

#[tokio::test(start_paused = true)]
async fn queued_jobs_live_as_on_the_real_kueue() {
    let names = names("kueue-");
    let found: Vec<String> = names.iter().flat_map(|name| differences(name)).collect();
    let wrong = peers_known::unknown(&found);
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
}
