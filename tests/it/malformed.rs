//! Objects full of junk, end to end: each is one row, the others are untouched, and no output can drive a terminal.

use mpideck::sim::Sim;
use mpideck::sim::store::Part;
use mpideck::sim::store::resource::{EVENTS, MPIJOBS, PODS};
use serde_json::{Value, json};

use crate::program::{Program, served};
use crate::sim_client::mpi_job;

/// Escapes, line ends, a bell, C1, text that turns around, and a tag of an invisible alphabet.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nx\u{9b}31m\u{202e}dlrow\u{200b}\u{e0041}";

/// A name and how its object differs from a good one; whether its row must carry a warning.
fn cases() -> Vec<(&'static str, Value, bool)> {
    let condition = |c: Value| json!({"status": {"conditions": [c]}});
    vec![
        ("status-text", json!({"status": "broken"}), true),
        ("status-list", json!({"status": [1, 2]}), true),
        ("conditions-map", json!({"status": {"conditions": {"type": "Running"}}}), true),
        ("condition-null", condition(Value::Null), true),
        ("no-reason", condition(json!({"type": "Running", "status": "True"})), true),
        ("status-true", condition(json!({"type": "Failed", "status": true, "reason": 7, "message": ["x"]})), true),
        ("labels-null", json!({"metadata": {"labels": null}}), false),
        ("labels-text", json!({"metadata": {"labels": "app=x"}}), true),
        ("label-number", json!({"metadata": {"labels": {"a": 1, "b": null, "c": {"d": []}}}}), true),
        ("replicas-two", json!({"spec": {"mpiReplicaSpecs": {"Worker": {"replicas": "two"}}}}), true),
        ("spec-null", json!({"spec": null}), false),
        ("spec-text", json!({"spec": "none"}), true),
        ("time-words", json!({"status": {"startTime": "yesterday", "completionTime": 12}}), true),
        (
            "counts-junk",
            json!({"status": {"replicaStatuses": {"Worker": {"active": "many", "failed": -1}, "Launcher": 3}}}),
            true,
        ),
        ("megabyte", json!({"metadata": {"annotations": {"note": "x".repeat(1 << 20)}}}), false),
        (
            "evil-texts",
            json!({"metadata": {"labels": {EVIL: EVIL}},
            "status": {"conditions": [{"type": EVIL, "status": "True", "reason": EVIL, "message": EVIL}]}}),
            false,
        ),
    ]
}

/// Numbers of the right type that no job can have: not known, and not the end of anything.
fn out_of_range() -> [(&'static str, Value); 3] {
    let replicas = |n: Value| json!({"spec": {"mpiReplicaSpecs": {"Worker": {"replicas": n}}}});
    [
        ("replicas-minus", replicas(json!(-3))),
        ("replicas-huge", replicas(json!(1e300))),
        ("replicas-long", replicas(json!(u64::MAX))),
    ]
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

fn seed(sim: &Sim) {
    for name in ["good-1", "good-2"] {
        sim.store().create(&MPIJOBS, mpi_job("vision", name)).unwrap();
    }
    let all = cases().into_iter().map(|(name, patch, _)| (name, patch)).chain(out_of_range());
    for (name, patch) in all {
        let mut job = mpi_job("vision", name);
        merge(&mut job, &patch);
        let spec = job["spec"].clone();
        sim.store().seed(&MPIJOBS, job).unwrap();
        if !spec.is_object() {
            // Seeding fills in defaults, which make an object of it.
            sim.store().modify(&MPIJOBS, "vision", name, Part::Main, |job| job["spec"] = spec).unwrap();
        }
    }
    let good = sim.store().get(&MPIJOBS, "vision", "good-1").unwrap();
    let labels = json!({"training.kubeflow.org/job-name": "good-1", "training.kubeflow.org/operator-name": "mpi-operator",
        "training.kubeflow.org/job-role": "worker"});
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": EVIL}});
    for (name, status) in [
        ("worker-0", json!({"phase": "Pending", "containerStatuses": [{"name": "c", "state": waiting}]})),
        ("worker-1", json!("junk")),
        ("worker-2", json!({"containerStatuses": {"name": "c"}, "conditions": 7})),
    ] {
        let pod = json!({"metadata": {"name": format!("good-1-{name}"), "namespace": "vision", "labels": labels},
            "spec": {"containers": [{"name": "c", "image": EVIL}, "junk"]}, "status": status});
        sim.store().seed(&PODS, pod).unwrap();
    }
    for (n, count) in [json!(1), json!("often"), Value::Null].into_iter().enumerate() {
        let event = json!({"metadata": {"name": format!("e{n}"), "namespace": "vision"}, "type": "Warning", "reason": EVIL,
            "message": EVIL, "count": count, "lastTimestamp": sim.clock().stamp(),
            "involvedObject": {"kind": "MPIJob", "name": "good-1", "namespace": "vision", "uid": good.uid.as_str()}});
        sim.store().seed(&EVENTS, event).unwrap();
    }
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    let bad = text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}')
    });
    assert_eq!(bad, None, "{what} holds a character that drives a terminal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_is_one_row_with_a_warning_and_harms_no_other() {
    let (sim, served) = served().await;
    seed(&sim);
    let program = Program::with(served.kubeconfig());
    let said = program.run("get jobs -A -o json").await;
    assert_harmless("json", said.went_well());
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let items = document["items"].as_array().unwrap();
    assert_eq!(items.len(), cases().len() + out_of_range().len() + 2, "each object is one row");
    let row = |name: &str| items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no row {name}"));
    let differs = |(name, _, warned): &(&str, Value, bool)| row(name)["warning"].is_string() != *warned;
    let wrong: Vec<_> = cases().iter().filter(|case| differs(case)).map(|case| row(case.0).to_string()).collect();
    for (name, _) in out_of_range() {
        assert_eq!(row(name)["workers"]["total"], json!(0), "{name}");
    }
    assert!(wrong.is_empty(), "warned or not: {wrong:#?}");
    for good in ["good-1", "good-2"] {
        assert_eq!((&row(good)["warning"], &row(good)["workers"]["total"]), (&Value::Null, &json!(2)), "{good}");
    }
    for format in ["table", "wide", "yaml", "name"] {
        let said = program.run(&format!("get jobs -A -o {format}")).await;
        assert_harmless(format, said.went_well());
        assert!(said.out.contains("good-2"), "{format}");
        if matches!(format, "table" | "wide" | "name") {
            let lines = items.len() + usize::from(format != "name");
            assert_eq!(said.out.lines().count(), lines, "{format}: a line a job");
        }
    }
    let screen = program.run("--once --size 120x40 -n vision").await;
    assert_harmless("the console", &screen.out);
    assert!(screen.out.contains("good-1") && screen.out.contains("status-text"), "{screen:?}");
}
