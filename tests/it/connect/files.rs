//! Kubeconfigs: several files, names that are not there, the file of a flag, a pod's own account.

use serde_json::{Value, json};
use tokio::process::Command;

use super::kubeconfig;
use super::server::{Server, Wanted};
use crate::program::{Program, served};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_files_make_one() {
    let server = Server::start(Wanted::default()).await;
    let program = Program::with(&json!({"current-context": "elsewhere"}));
    let whole = kubeconfig(&server.cluster(), &json!({"token": "of-the-second"}));
    let part = |keep: &[&str]| {
        let mut part = whole.clone();
        part.as_object_mut()
            .unwrap()
            .retain(|key, _| keep.contains(&key.as_str()) || key == "apiVersion" || key == "kind");
        part.to_string()
    };
    let first = program.write("first", &part(&["current-context", "contexts"]));
    let second = program.write("second", &part(&["users"]));
    let third = program.write("third", &part(&["clusters"]));
    let missing = program.path("missing");
    let list = std::env::join_paths([&first, &missing, &second, &third]).unwrap();
    let program = program.env("KUBECONFIG", list);
    let said = program.run("get jobs").await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(server.header("authorization").iter().all(|value| value == "Bearer of-the-second"));
    let one = program.run(&format!("get jobs --kubeconfig {}", first.display())).await;
    one.failed_with(2, &["names cluster", "which is not there"]);
    program
        .run(&format!("get jobs --kubeconfig {}", missing.display()))
        .await
        .failed_with(2, &["can't read the kubeconfig"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_not_there() {
    let server = Server::start(Wanted::default()).await;
    let whole = kubeconfig(&server.cluster(), &json!({"token": "t"}));
    let program = Program::with(&whole);
    program.run("get jobs --context other").await.failed_with(2, &["there is no context other", "There are: here"]);
    for (list, words) in [("users", "names user \"u\""), ("clusters", "names cluster \"c\"")] {
        let mut without = whole.clone();
        without[list] = json!([]);
        Program::with(&without).run("get jobs").await.failed_with(2, &[words, ".kube/config"]);
    }
    let mut none = whole;
    none["current-context"] = json!("");
    Program::with(&none).run("get jobs").await.failed_with(2, &["no context is chosen", "There are: here"]);
    assert_eq!(server.requests(), 0, "nobody was asked as somebody else");
    let empty = Program::with(&Value::Null);
    std::fs::remove_file(empty.path(".kube/config")).unwrap();
    empty.run("get jobs").await.failed_with(2, &["no cluster to connect to", "mpideck demo"]);
}

/// In a mount namespace of its own, where a pod's files can be laid out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
async fn a_pod_uses_its_own_account() {
    let can = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none", "/run"]).output().await;
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no mount namespace can be made here (unshare -Urm)");
        return;
    }
    let (_sim, served) = served().await;
    let config = served.kubeconfig();
    let user = |name: &str| config["users"].as_array().unwrap().iter().find(|u| u["name"] == name).unwrap().clone();
    let token = user("tenant")["user"]["token"].as_str().unwrap().to_owned();
    let ca = config["clusters"][0]["cluster"]["certificate-authority-data"].as_str().unwrap().to_owned();
    let program = Program::with(&Value::Null);
    std::fs::remove_file(program.path(".kube/config")).unwrap();
    let program = program.env("TOKEN", token).env("CA", ca).env("KUBERNETES_SERVICE_HOST", "127.0.0.1");
    let program = program.env("KUBERNETES_SERVICE_PORT", served.addr.port().to_string());
    let program = program.env("MPIDECK", env!("CARGO_BIN_EXE_mpideck"));
    let line = r#"set -e; run=$(readlink -f /var/run); mount -t tmpfs none "$run"
        d=$run/secrets/kubernetes.io/serviceaccount; mkdir -p "$d"
        printf %s "$TOKEN" >"$d/token"; printf %s "$CA" | base64 -d >"$d/ca.crt"; printf vision >"$d/namespace"
        exec "$MPIDECK" get jobs -o json"#;
    let said = program.start("unshare", &["-Urm", "sh", "-c", line]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(document["partial"], false, "the account's own namespace is read: {said:?}");
}
