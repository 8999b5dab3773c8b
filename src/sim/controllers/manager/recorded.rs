//! Recordings of the real operator as tests read them: a manifest, what was seen, and what was done from outside.
//!
//! Later recordings say what was done (lines with `did`); of the first ones it is read from what they show.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::sim::{
    store::{
        DeleteOptions, Part, Propagation, Selector, Store,
        resource::{self, JOBS, MPIJOBS, PODS},
    },
    value::{is_deleting, list, name, set, text},
};

/// One recorded job.
pub(super) struct Recording {
    /// As it was made.
    pub(super) manifest: Value,
    /// What was seen, in the order of time.
    pub(super) lines: Vec<Value>,
    /// What was done from outside, at which second.
    pub(super) did: Vec<(f64, Value)>,
    /// What stood in its way before it was made.
    pub(super) before: Vec<Value>,
    /// The operator had little else to do: it looked as soon as something happened, again before it saw what it had
    /// written, and more often than the times tell apart.
    pub(super) quick: bool,
}

/// Our own recordings of the real operator.
pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded")
}

/// The names of the recorded jobs.
pub(super) fn jobs() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut jobs: Vec<String> =
        files.filter_map(|file| file.to_str().unwrap().strip_suffix(".jsonl").map(str::to_owned)).collect();
    jobs.sort();
    jobs
}

impl Recording {
    pub(super) fn read(job: &str) -> Self {
        let text = std::fs::read_to_string(folder().join(format!("{job}.jsonl"))).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let mut head = lines.remove(0);
        let (quick, mut manifest) = (head["quick"] == true, head["manifest"].take());
        // The stand-in for the kubelet started at once what had no words of its own.
        for role in ["Launcher", "Worker"] {
            let Some(spec) = manifest["spec"]["mpiReplicaSpecs"].get_mut(role) else { continue };
            let annotations = &mut spec["template"]["metadata"]["annotations"];
            if annotations["fake/state"].is_null() && annotations["fake/run-seconds"].is_null() {
                annotations["fake/run-seconds"] = json!("100000");
            }
        }
        let (did, lines): (Vec<Value>, Vec<Value>) = lines.into_iter().partition(|line| line.get("did").is_some());
        let (before, did): (Vec<Value>, Vec<Value>) =
            did.into_iter().partition(|line| line["did"].get("make").is_some());
        let before = before.into_iter().map(|mut line| line["did"]["make"].take()).collect();
        let did: Vec<_> = did.into_iter().map(|mut line| (at(&line), line["did"].take())).collect();
        let did = if did.is_empty() { shown(&lines) } else { did };
        Self { manifest, lines, did, before, quick }
    }
}

/// When a line was seen.
pub(super) fn at(line: &Value) -> f64 {
    line["t"].as_f64().unwrap_or(0.0)
}

/// What was done to a job, as it shows: its workers, its suspension, its end.
fn shown(lines: &[Value]) -> Vec<(f64, Value)> {
    let mut out = Vec::new();
    let mut last = Value::Null;
    for line in lines.iter().filter(|line| text(line, "/object") == "mpijob") {
        let now = json!([line["workers"], line.get("suspend").cloned().unwrap_or(json!(false))]);
        if text(line, "/change") == "DELETED" || line["deleting"] == true {
            let propagation = if line["deleting"] == true { "Foreground" } else { "Background" };
            out.push((at(line), json!({"delete": "mpijob", "propagation": propagation})));
            break;
        }
        if !last.is_null() && now != last {
            let workers = json!({"Worker": {"replicas": now[0]}});
            let spec = json!({"mpiReplicaSpecs": workers, "runPolicy": {"suspend": now[1]}});
            out.push((at(line), json!({"patch": {"spec": spec}})));
        }
        last = now;
    }
    out
}

/// Does to a job what was done to it.
pub(super) fn act(store: &Store, job: &str, what: &Value) {
    if let Some(patch) = what.get("patch") {
        let part = if patch.get("status").is_some() { Part::Status } else { Part::Main };
        store.modify(&MPIJOBS, "rec", job, part, |job| json_patch::merge(job, patch)).unwrap();
    } else if let Some(pod) = what["evict"].as_str() {
        store.modify(&PODS, "rec", &pod_named(store, job, pod), Part::Status, evict).unwrap();
    } else {
        let (kind, which) = what["delete"].as_str().unwrap().split_once(' ').unwrap_or(("mpijob", ""));
        let (resource, object) = match kind {
            "pod" => (&PODS, pod_named(store, job, which)),
            "job" => (&JOBS, format!("{job}-{which}")),
            _ => (&MPIJOBS, job.to_owned()),
        };
        let propagation = match what["propagation"].as_str() {
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            _ => Propagation::Background,
        };
        let grace = what["grace"].as_i64();
        let options = DeleteOptions { grace, propagation, ..DeleteOptions::default() };
        store.delete(resource, "rec", &object, &options).unwrap();
    }
}

/// The pod that is meant: a worker by its number, or the launcher of now.
fn pod_named(store: &Store, job: &str, which: &str) -> String {
    if which != "launcher" {
        return format!("{job}-{which}");
    }
    let pods = store.list(&PODS, Some("rec"), &Selector::label("training.kubeflow.org/job-role", "launcher")).items;
    let mine = pods.iter().map(|pod| pod.value());
    let mine = mine.filter(|pod| name(pod).starts_with(&format!("{job}-launcher-")) && !is_deleting(pod));
    mine.max_by_key(|pod| text(pod, "/metadata/creationTimestamp").to_owned()).map(|pod| name(&pod).to_owned()).unwrap()
}

/// As a kubelet leaves a pod that it put out.
fn evict(pod: &mut Value) {
    for (path, now) in [
        ("/status/phase", json!("Failed")),
        ("/status/reason", json!("Evicted")),
        ("/status/message", json!("The node was low on resource: memory.")),
    ] {
        set(pod, path, now);
    }
    let ended = |container: &Value| {
        let mut container = container.clone();
        container["ready"] = json!(false);
        container["state"] = json!({"terminated": {"exitCode": 137, "reason": "Error"}});
        container
    };
    let containers: Vec<Value> = list(pod, "/status/containerStatuses").iter().map(ended).collect();
    set(pod, "/status/containerStatuses", json!(containers));
}

/// Puts an object there that is nobody's.
pub(super) fn make(store: &Store, object: &Value) {
    let kind = text(object, "/kind");
    let row = resource::ALL.iter().find(|row| row.kind == kind).unwrap();
    let mut object = object.clone();
    set(&mut object, "/metadata/namespace", json!("rec"));
    store.create(row, object).unwrap();
}
