//! Commands in containers, attached output, forwarded ports and evictions of the sim, with kube as the client.

use std::sync::Arc;

use http::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use mpideck::sim::Sim;
use mpideck::sim::store::resource::{BUDGETS, PODS};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::sim_client::{ask, client, empty, namespace};

async fn with_pod() -> (Sim, Api<Pod>) {
    let sim = empty().await;
    namespace(&sim, "team-a");
    for name in ["p", "q"] {
        let pod = json!({"metadata": {"name": name, "namespace": "team-a", "labels": {"app": "x"}},
            "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 8080}]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "c", "restartCount": 0, "state": {"running": {}}}]}});
        sim.store().seed(&PODS, pod).unwrap();
    }
    let admin = client(&sim, "admin").await;
    (sim, Api::namespaced(admin, "team-a"))
}

/// What a command says on both outputs, and how it ends.
async fn exec(pods: &Api<Pod>, command: &[&str]) -> (String, String, Option<String>) {
    let mut session = pods.exec("p", command.iter().copied(), &AttachParams::default()).await.unwrap();
    let (mut out, mut err) = (session.stdout().unwrap(), session.stderr().unwrap());
    let status = session.take_status().unwrap();
    let (mut said, mut complained) = (String::new(), String::new());
    out.read_to_string(&mut said).await.unwrap();
    err.read_to_string(&mut complained).await.unwrap();
    let status = status.await.unwrap();
    let code = status.details.and_then(|d| d.causes).and_then(|c| c.into_iter().next()).and_then(|c| c.message);
    (said, complained, code)
}

#[tokio::test(start_paused = true)]
async fn commands_answer_on_their_channels() {
    let (_sim, pods) = with_pod().await;
    assert_eq!(exec(&pods, &["hostname"]).await, ("p\n".into(), String::new(), None));
    let (said, complained, code) = exec(&pods, &["sh", "-c", "echo on; cat /none; exit 7"]).await;
    assert_eq!((said.as_str(), complained.as_str()), ("on\n", "cat: /none: No such file or directory\n"));
    assert_eq!(code.as_deref(), Some("7"));
}

#[tokio::test(start_paused = true)]
async fn a_shell_reads_lines_until_its_input_ends() {
    let (_sim, pods) = with_pod().await;
    let mut session = pods.exec("p", ["sh"], &AttachParams::default().stdin(true)).await.unwrap();
    let (mut stdin, mut out) = (session.stdin().unwrap(), session.stdout().unwrap());
    stdin.write_all(b"echo one\nexit 0\n").await.unwrap();
    let mut said = String::new();
    out.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "one\n");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_container() {
    let (sim, pods) = with_pod().await;
    let mut session = pods.exec("p", ["sh"], &AttachParams::default().stdin(true)).await.unwrap();
    let status = session.take_status().unwrap();
    let now = mpideck::sim::store::DeleteOptions { grace: Some(0), ..Default::default() };
    sim.store().delete(&PODS, "team-a", "p", &now).unwrap();
    let status = status.await.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"));
}

#[tokio::test(start_paused = true)]
async fn declared_ports_answer_and_others_refuse() {
    let (_sim, pods) = with_pod().await;
    let mut forwarder = pods.portforward("p", &[8080, 9]).await.unwrap();
    let mut stream = forwarder.take_stream(8080).unwrap();
    let refused = forwarder.take_error(9).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");
    assert!(refused.await.unwrap().contains("connection refused"));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_entered_is_refused_in_words() {
    let (sim, pods) = with_pod().await;
    let refuse = async |sim: &Sim, user: &str, path: &str| {
        let client = client(sim, user).await;
        let path = format!("/api/v1/namespaces/team-a/pods/{path}");
        let (code, body) = ask(&client, &Method::POST, &path).answer().await;
        (code, body["message"].as_str().unwrap_or_default().to_owned())
    };
    for (user, path, code, said) in [
        ("viewer", "p/exec?command=ls", 403, "cannot create resource \"pods/exec\""),
        ("admin", "none/exec?command=ls", 404, "pods \"none\" not found"),
        ("admin", "p/exec", 400, "you must specify at least 1 command for the container"),
        ("admin", "p/exec?command=ls&container=x", 400, "container x is not valid for pod p"),
        ("admin", "p/exec?command=ls", 400, "Upgrade request required"),
    ] {
        let (got, message) = refuse(&sim, user, path).await;
        assert!(got == code && message.contains(said), "{path}: {got} {message}");
    }
    drop(pods);
}

#[tokio::test(start_paused = true)]
async fn evictions_keep_to_budgets() {
    let (sim, pods) = with_pod().await;
    let budget = json!({"metadata": {"name": "both", "namespace": "team-a"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "x"}}}});
    sim.store().create(&BUDGETS, budget).unwrap();
    let evict = pods.evict("p", &kube::api::EvictParams::default()).await;
    let Err(kube::Error::Api(refused)) = evict else { panic!("{evict:?}") };
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    );
    let said = &refused.details.as_ref().unwrap().causes[0].message;
    assert_eq!(said, "The disruption budget both needs 2 healthy pods and has 2 currently");
    let none = mpideck::sim::store::DeleteOptions::default();
    sim.store().delete(&BUDGETS, "team-a", "both", &none).unwrap();
    pods.evict("p", &kube::api::EvictParams::default()).await.unwrap();
    let going = sim.store().get(&PODS, "team-a", "p").unwrap();
    assert!(going.value()["metadata"]["deletionTimestamp"].is_string());
    let _kept: Arc<_> = sim.store().get(&PODS, "team-a", "q").unwrap();
}
