//! The sim's answers held against those recorded from a real API server.

use http::Method;
use mpideck::sim::Sim;
use mpideck::sim::store::resource::{MPIJOBS, QUOTAS};
use serde_json::{Value, json};

use crate::sim_client::{ask, client, client_as, empty, namespace};

/// The recorded answers by case; `None`, loudly, where they are not.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn recorded(file: &str) -> Option<Vec<Value>> {
    let base = std::env::var_os("MPIDECK_SHARED")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), std::path::PathBuf::from);
    let path = base.join("data/recorded").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no recordings at {}", path.display());
        return None;
    };
    Some(text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect())
}

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/team-a/mpijobs";

fn job(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut job = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": name}, "spec": {
        "runPolicy": {"cleanPodPolicy": "Running"},
        "mpiReplicaSpecs": {"Worker": {"replicas": 2, "template": {"spec": {"containers": [
            {"command": ["sleep", "1000"], "image": "mpioperator/mpi-pi:openmpi", "name": "worker",
             "resources": {"limits": {"cpu": "1", "nvidia.com/gpu": 4}}}]}}}}}});
    change(&mut job);
    job
}

fn worker(job: &mut Value) -> &mut Value {
    &mut job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]
}

fn pod(name: &str, resources: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "w", "image": "x", "resources": resources}]}})
}

/// The request of a case: method, path, body.
fn request(case: &str) -> Option<(Method, String, String)> {
    let post = |path: &str, body: &Value| Some((Method::POST, path.to_owned(), body.to_string()));
    let get = |path: &str| Some((Method::GET, path.to_owned(), String::new()));
    match case {
        "1c-unknown-field-strict" => {
            let body = job("e1", |j| {
                j["spec"]["slotsPerWorkers"] = json!(2);
                worker(j)["imagee"] = json!("x");
            });
            post(&format!("{JOBS}?fieldValidation=Strict"), &body)
        }
        "2-wrong-type" => post(
            JOBS,
            &job("e2", |j| {
                j["spec"]["slotsPerWorker"] = json!("two");
                j["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] = json!("2");
            }),
        ),
        "3-missing-required" => post(JOBS, &job("e3", |j| j["spec"] = json!({}))),
        "3b-missing-container-name" => post(
            JOBS,
            &job("e3", |j| {
                worker(j).as_object_mut().unwrap().remove("name");
            }),
        ),
        "3c-bad-enum" => post(JOBS, &job("e3", |j| j["spec"]["mpiImplementation"] = json!("LAM"))),
        "3d-no-launcher" => post(JOBS, &job("e3", |_| {})),
        "3e-bad-name" => post(JOBS, &job("Bad_Name", |_| {})),
        "3f-bad-quantity" => post(JOBS, &job("e3", |j| worker(j)["resources"]["limits"]["cpu"] = json!("lots"))),
        "3g-not-json" => Some((Method::POST, JOBS.to_owned(), r#"{"kind": "MPIJob", "#.to_owned())),
        "3h-wrong-kind" => post(JOBS, &job("e3", |j| j["apiVersion"] = json!("kubeflow.org/v1"))),
        "4a-quota-mpijob-count" => post("/apis/kubeflow.org/v2beta1/namespaces/quota/mpijobs", &job("q3", |_| {})),
        "4b-quota-pod-gpu" => {
            post("/api/v1/namespaces/quota/pods", &pod("p1", &json!({"limits": {"nvidia.com/gpu": 16}})))
        }
        "4c-quota-pod-no-gpu" => post("/api/v1/namespaces/quota/pods", &pod("p0", &json!({}))),
        "5a-rbac-create" => post("/apis/kubeflow.org/v2beta1/namespaces/team-b/mpijobs", &job("x", |_| {})),
        "5b-rbac-list-all" => get("/apis/kubeflow.org/v2beta1/mpijobs"),
        "5c-bad-token" => get(JOBS),
        "6a-notfound" => get(&format!("{JOBS}/none")),
        "6b-no-such-resource" => get("/apis/kubeflow.org/v9/mpijobs"),
        "6c-ns-missing" => post("/apis/kubeflow.org/v2beta1/namespaces/nope/mpijobs", &job("x", |_| {})),
        "6e-already-exists" => post(JOBS, &job("dup", |_| {})),
        "6f-conflict" => {
            let body = job("dup", |j| j["metadata"]["resourceVersion"] = json!("1"));
            Some((Method::PUT, format!("{JOBS}/dup"), body.to_string()))
        }
        "6g-watch-gone" => get(&format!("{JOBS}?watch=1&resourceVersion=1")),
        // A list of one version that never had objects.
        "6h-continue-expired" => get("/apis/kubeflow.org/v2beta1/namespaces/none/mpijobs"),
        _ => None,
    }
}

async fn furnished() -> Sim {
    let sim = empty().await;
    for name in ["team-a", "team-b", "quota", "vision"] {
        if sim.store().get(&mpideck::sim::store::resource::NAMESPACES, "", name).is_err() {
            namespace(&sim, name);
        }
    }
    let store = sim.store();
    let create = |space: &str, name: &str| {
        let mut job = job(name, |_| {});
        job["metadata"]["namespace"] = json!(space);
        store.create(&MPIJOBS, job).unwrap();
    };
    create("team-a", "dup");
    create("quota", "q1");
    create("quota", "q2");
    let quota = json!({"metadata": {"name": "gpus", "namespace": "quota"}, "spec": {"hard": {
        "count/mpijobs.kubeflow.org": "2", "requests.nvidia.com/gpu": "8", "pods": "4"}}});
    store.create(&QUOTAS, quota).unwrap();
    sim
}

/// What may differ between two clusters, taken away.
fn plain(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(meta) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["uid", "creationTimestamp", "managedFields", "resourceVersion", "continue"] {
            meta.remove(key);
        }
    }
    if body["kind"] == "Pod" {
        // The token volume's name is made up, and no operator adds its certificates here.
        body["spec"].as_object_mut().unwrap().remove("volumes");
        body["spec"]["containers"][0].as_object_mut().unwrap().remove("volumeMounts");
    }
    // No user of the sim is called alice.
    let text = body.to_string().replace("\\\"alice\\\"", "\\\"tenant\\\"");
    let text =
        regex::Regex::new(r"too old resource version: \d+ \(\d+\)").unwrap().replace(&text, "too old").into_owned();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_recorded_answer_is_given_again() {
    let Some(cases) = recorded("apiserver/answers.jsonl") else { return };
    let sim = furnished().await;
    sim.store().compact();
    let (admin, tenant) = (client(&sim, "admin").await, client(&sim, "tenant").await);
    let stranger = client_as(&sim, "viewer", |c| c.auth_info.token = Some("wrong".to_owned().into())).await;
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["case"].as_str().unwrap();
        let (method, path, body) = request(name).unwrap_or_else(|| panic!("no request for {name}"));
        let who = match &name[..2] {
            "5c" => &stranger,
            "5a" | "5b" => &tenant,
            _ => &admin,
        };
        let (code, bytes) =
            ask(who, &method, &path).header("content-type", "application/json").raw(&body).bytes().await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = text.lines().next().unwrap_or_default();
        let answer: Value = serde_json::from_str(line).unwrap_or_else(|_| json!(text));
        let expected: u16 = case["headers"][0].as_str().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        if code != expected || plain(&answer) != plain(&case["body"]) {
            wrong.push(format!("{name}: {code} {}\nrecorded: {expected} {}", plain(&answer), plain(&case["body"])));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn good_and_bad_jobs_are_stored_as_recorded() {
    let Some(cases) = recorded("mpi-operator-verdicts.jsonl") else { return };
    let sim = furnished().await;
    let admin = client(&sim, "admin").await;
    for case in &cases {
        let body = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": case["name"]}, "spec": case["spec"]});
        let (code, answer) = ask(&admin, &Method::POST, JOBS).json(&body).answer().await;
        assert_eq!(json!(code), case["create"]["code"], "{}: {answer}", case["name"]);
        let mut stored = answer["spec"].clone();
        stored.as_object_mut().unwrap().remove("mpiReplicaSpecs");
        assert_eq!(stored, case["stored"], "{}", case["name"]);
    }
}
