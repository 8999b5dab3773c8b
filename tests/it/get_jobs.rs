//! `mpideck get jobs` as a process, on a served sim: formats, filters, rights, and names that are not there.

use std::collections::BTreeMap;

use mpideck::sim::store::resource::{MPIJOBS, PODS, PYTORCHJOBS};
use mpideck::sim::{Served, Sim};
use serde_json::{Value, json};

use crate::program::{Program, Said, served};
use crate::pty::Pty;
use crate::sim_client::{mpi_job, namespace};
use crate::tools;

struct Desk {
    sim: Sim,
    _served: Served,
    program: Program,
}

async fn desk() -> Desk {
    let (sim, served) = served().await;
    namespace(&sim, "other");
    let mut pi = mpi_job("vision", "pi");
    pi["metadata"]["labels"] = json!({"team": "blue"});
    pi["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"limits": {"nvidia.com/gpu": 4}});
    let pi = sim.store().create(&MPIJOBS, pi).unwrap();
    for index in 0..2 {
        sim.store().seed(&PODS, worker(&pi.value(), index)).unwrap();
    }
    let mut done = mpi_job("vision", "done");
    done["status"] = json!({"completionTime": "2026-11-20T08:00:00Z", "conditions": [
        {"type": "Succeeded", "status": "True", "reason": "MPIJobSucceeded", "message": "", "lastTransitionTime": "2026-11-20T08:00:00Z"}]});
    sim.store().seed(&MPIJOBS, done).unwrap();
    let template = json!({"spec": {"containers": [{"name": "pytorch", "image": "torch:1"}]}});
    let torch = json!({"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": {"name": "bert", "namespace": "other"},
        "spec": {"pytorchReplicaSpecs": {"Master": {"replicas": 1, "template": template}}}});
    sim.store().create(&PYTORCHJOBS, torch).unwrap();
    let program = Program::with(served.kubeconfig());
    Desk { sim, _served: served, program }
}

fn worker(job: &Value, index: u32) -> Value {
    let labels = json!({"training.kubeflow.org/job-name": "pi", "training.kubeflow.org/operator-name": "mpi-operator",
        "training.kubeflow.org/job-role": "worker", "training.kubeflow.org/replica-index": index.to_string()});
    let owner = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": "pi", "uid": job["metadata"]["uid"], "controller": true});
    let running = json!({"name": "c", "ready": true, "restartCount": 0, "image": "mpi:1", "imageID": "",
        "state": {"running": {"startedAt": "2026-11-20T08:00:00Z"}}, "lastState": {}});
    json!({"metadata": {"name": format!("pi-worker-{index}"), "namespace": "vision", "labels": labels, "ownerReferences": [owner]},
        "spec": {"nodeName": "gpu-1", "containers": [{"name": "c", "image": "mpi:1"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [running]}})
}

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// The words of each line of a table.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_format_shows_the_same_jobs() {
    let desk = desk().await;
    let table = desk.program.run("get jobs -A").await;
    let lines = rows(table.went_well());
    assert_eq!(lines[0][0], "NAME");
    let names: Vec<&str> = lines[1..].iter().map(|line| line[0]).collect();
    assert_eq!(names, ["bert", "done", "pi"], "by namespace, then name: {}", table.out);
    let wide = desk.program.run("get jobs -A -o wide").await;
    assert!(wide.went_well().lines().next().unwrap().len() > table.out.lines().next().unwrap().len());
    let name = desk.program.run("get jobs -A -o name").await;
    assert_eq!(name.went_well(), "pytorchjob.kubeflow.org/bert\nmpijob.kubeflow.org/done\nmpijob.kubeflow.org/pi\n");
    let (from_json, yaml) =
        (desk.program.run("get jobs -A -o json").await, desk.program.run("get jobs -A -o yaml").await);
    let from_json = json_of(&from_json);
    let from_yaml: Value = serde_saphyr::from_str(yaml.went_well()).unwrap();
    assert_eq!(from_json, from_yaml);
    let pi = &from_json["items"][2];
    assert_eq!((&from_json["partial"], &pi["name"], &pi["gpus"]), (&json!(false), &json!("pi"), &json!(8)));
    assert_eq!(pi["workers"], json!({"ready": 2, "total": 2}));
    assert_eq!(from_json["items"][1]["state"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_scopes_and_names_choose() {
    let desk = desk().await;
    for (args, expected) in [
        ("get jobs -o name", ""),
        ("get jobs -n vision -o name", "mpijob.kubeflow.org/done mpijob.kubeflow.org/pi"),
        ("get jobs -n vision -n other -o name --filter state:succeeded", "mpijob.kubeflow.org/done"),
        ("get jobs -A -o name --filter kind:pytorch", "pytorchjob.kubeflow.org/bert"),
        ("get jobs -A -o name --filter label:team=blue", "mpijob.kubeflow.org/pi"),
        ("get jobs -A -o name --filter gpu>=8", "mpijob.kubeflow.org/pi"),
        ("get jobs -A -o name --sort -gpus --filter ns:vision", "mpijob.kubeflow.org/pi mpijob.kubeflow.org/done"),
        ("get jobs pi -n vision -o name", "mpijob.kubeflow.org/pi"),
    ] {
        let said = desk.program.run(args).await;
        let found: Vec<&str> = said.went_well().split_whitespace().collect();
        assert_eq!(found.join(" "), expected, "{args}");
    }
    desk.program.run("get jobs pi").await.failed_with(4, &["no job «pi»", "-A"]);
    desk.program.run("get jobs -A --filter gpu>=many").await.failed_with(2, &["many"]);
    desk.program.run("get jobs -A --sort shoe").await.failed_with(2, &["shoe"]);
    desk.program.run("get jobs -n a/b").await.failed_with(2, &["a/b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_user_gets_their_part_and_one_line_about_the_rest() {
    let desk = desk().await;
    for user in ["viewer", "nowatch"] {
        let said = desk.program.run(&format!("get jobs -A -o name --context {user}")).await;
        assert_eq!(said.went_well().lines().count(), 3, "{user}");
    }
    let own = desk.program.run("get jobs -o name --context tenant").await;
    assert_eq!(own.went_well().lines().count(), 2, "the context names their namespace");
    let part = desk.program.run("get jobs -o json --context tenant -n vision -n other").await;
    part.failed_with(3, &["note: ", "list mpijobs.kubeflow.org", "in namespace other"]);
    assert_eq!(part.err.lines().count(), 1, "one cause, one line: {}", part.err);
    let document = json_of(&part);
    assert_eq!((&document["partial"], document["items"].as_array().unwrap().len()), (&json!(true), 2));
    assert!(document["unread"].as_array().unwrap().len() > 3, "each list for itself: {document}");
    let nothing = desk.program.run("get jobs -A --context tenant").await;
    nothing.failed_with(1, &["no jobs could be read", "list mpijobs.kubeflow.org", "in all namespaces", "-n"]);
    assert_eq!((nothing.out.as_str(), nothing.err.lines().count()), ("", 1), "{}", nothing.err);
    desk.program
        .run("get jobs bert --context tenant -n vision -n other")
        .await
        .failed_with(3, &["no job «bert»", "could be read"]);
    let posing = desk.program.run("get jobs -A --as tenant").await;
    posing.failed_with(1, &["no jobs could be read"]);
    let posing = desk.program.run("get jobs -A -o name --as anyone --as-group system:masters").await;
    assert_eq!(posing.went_well().lines().count(), 3);
    desk.program.run("get jobs --as-group g").await.failed_with(2, &["--as"]);
    desk.program.run("get jobs --as admin --context viewer").await.failed_with(1, &["impersonate"]);
}

/// What kubectl reads of the same objects is what we say of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_objects_as_kubectl_sees() {
    let desk = desk().await;
    if !tools::is_there("kubectl", "--help") {
        return;
    }
    let theirs = desk.program.start("kubectl", &["get", "mpijobs,pytorchjobs", "-A", "-o", "json"]).await;
    let of = |item: &Value| (item["metadata"]["uid"].as_str().unwrap().to_owned(), item.clone());
    let theirs: BTreeMap<String, Value> = json_of(&theirs)["items"].as_array().unwrap().iter().map(of).collect();
    let ours = json_of(&desk.program.run("get jobs -A -o json").await);
    let ours = ours["items"].as_array().unwrap();
    assert_eq!((ours.len(), theirs.len()), (3, 3));
    for job in ours {
        let real = &theirs[job["uid"].as_str().unwrap()];
        let meta = &real["metadata"];
        assert_eq!((&job["name"], &job["namespace"]), (&meta["name"], &meta["namespace"]));
        assert_eq!((&job["kind"], &job["apiVersion"]), (&real["kind"], &real["apiVersion"]));
        assert_eq!(job["created"], meta["creationTimestamp"]);
        assert_eq!(job["labels"], meta.get("labels").cloned().unwrap_or_else(|| json!({})));
        let last = real["status"]["conditions"].as_array().and_then(|all| all.last()).map(|c| c["type"].clone());
        assert_eq!(job["reported"], last.unwrap_or(Value::Null));
        assert_eq!(job["finished"], real["status"].get("completionTime").cloned().unwrap_or(Value::Null));
    }
    assert_eq!(desk.sim.store().count(&MPIJOBS), 2, "reading changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_on_a_terminal_has_no_line_that_wraps() {
    let desk = desk().await;
    let long = "pretrain-llama-70b-on-all-of-the-web-001";
    desk.sim.store().create(&MPIJOBS, mpi_job("vision", long)).unwrap();
    let piped = desk.program.run("get jobs -A").await;
    assert!(piped.went_well().contains(long) && piped.out.lines().any(|line| line.len() > 80));
    let kubeconfig = desk.program.path(".kube/config");
    let mut pty = Pty::sh_with("$MPIDECK get jobs -A", &[("KUBECONFIG", &kubeconfig.to_string_lossy())]);
    assert_eq!(pty.ended(), 0);
    pty.wait("all lines", || pty.bytes().split(|byte| *byte == b'\n').count() == 6);
    let text = String::from_utf8(pty.bytes()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80) && text.contains('…'), "{text}");
}
