//! Signing in: credential plugins, client certificates, acting as others.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use mpideck::cluster::kubeconfig::Loaded;
use mpideck::cluster::{ProblemKind, Target, connect, discovery};
use mpideck::jobs::Secs;
use serde_json::{Value, json};

use super::kubeconfig;
use super::server::{NOTHING, Server, Wanted, authority, client_certificate};
use crate::program::Program;

/// A user whose credentials a script brings.
fn plugin(script: &Path) -> Value {
    json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": script, "interactiveMode": "IfAvailable",
        "installHint": "get it from the shop", "env": [{"name": "GREETING", "value": "hi"}]}})
}

fn script(program: &Program, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = program.write("plugin", &format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// The program with a plugin of this text, run once.
async fn run(server: &Server, text: &str) -> crate::program::Said {
    let program = Program::with(&Value::Null);
    let user = plugin(&script(&program, text));
    program.write(".kube/config", &kubeconfig(&server.cluster(), &user).to_string());
    program.run("get jobs").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_signs_in_or_says_why_not() {
    let server = Server::start(Wanted::default()).await;
    let said = run(&server, r#"echo noise >&2; printf '{"status":{"token":"%s"}}' "$GREETING""#).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.err.contains("noise"), "its chatter is not ours: {}", said.err);
    assert!(server.header("authorization").iter().all(|value| value == "Bearer hi"));
    let before = server.requests();
    let said = run(&server, "echo 'the session is over' >&2; echo top-secret; exit 4").await;
    said.failed_with(1, &["can't sign in with", "the session is over", "hint: Sign in"]);
    assert!(!said.err.contains("top-secret"));
    let asks = r#"printf 'password: ' >&2; read -r word || exit 1; printf '{"status":{"token":"%s"}}' "$word""#;
    run(&server, asks).await.failed_with(1, &["password:"]);
    let asks = r"read -r word </dev/tty || { echo 'no terminal' >&2; exit 1; }";
    run(&server, asks).await.failed_with(1, &["can't sign in"]);
    run(&server, "echo '{}'").await.failed_with(1, &["no status"]);
    assert_eq!(server.requests(), before, "nothing was asked without credentials");
    let missing = kubeconfig(&server.cluster(), &plugin(Path::new("/no/such/plugin")));
    Program::with(&missing).run("get jobs").await.failed_with(1, &["can't be started", "get it from the shop"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_brought_anew() {
    let answer: super::server::Answer = |head| match head.get("authorization") {
        Some(value) if value == "Bearer token-2" => (401, "{}"),
        _ => (200, NOTHING),
    };
    let server = Server::start(Wanted { answer, ..Wanted::default() }).await;
    let program = Program::with(&Value::Null);
    let count = program.path("count");
    let text = format!(
        r#"n=$(($(cat {count} 2>/dev/null || echo 0) + 1)); echo $n >{count}
        printf '{{"status":{{"token":"token-%s","expirationTimestamp":"2026-11-20T0%s:00:00Z"}}}}' $n $((8 + n / 2))"#,
        count = count.display()
    );
    let config = kubeconfig(&server.cluster(), &plugin(&script(&program, &text)));
    let now = Arc::new(AtomicU32::new(Secs::parse("2026-11-20T07:30:00Z").unwrap().0));
    let mut target = Target::new(Loaded::from_value(config).unwrap().shared());
    let clock = Arc::clone(&now);
    target.now = Arc::new(move || Secs(clock.load(SeqCst)));
    let session = connect(target).await.unwrap();
    let last = || server.header("authorization").last().cloned().unwrap();
    discovery::discover(&session).await.unwrap();
    discovery::discover(&session).await.unwrap();
    assert_eq!(last(), "Bearer token-1", "it is still good");
    now.store(Secs::parse("2026-11-20T07:59:30Z").unwrap().0, SeqCst);
    let refused = discovery::discover(&session).await.expect_err("token-2 is refused");
    assert_eq!((refused.kind, last().as_str()), (ProblemKind::Unauthorized, "Bearer token-2"));
    discovery::discover(&session).await.unwrap();
    assert_eq!(last(), "Bearer token-3", "a refused token is not used again");
    assert_eq!(std::fs::read_to_string(count).unwrap().trim(), "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_signs_in() {
    let clients = authority();
    let (certificate, key) = client_certificate(&clients);
    let server = Server::start(Wanted { clients: Some(clients), ..Wanted::default() }).await;
    let inline =
        json!({"client-certificate-data": super::base64(&certificate), "client-key-data": super::base64(&key)});
    let said = Program::with(&kubeconfig(&server.cluster(), &inline)).run("get jobs").await;
    assert_eq!(said.code, 0, "{said:?}");
    let program = Program::with(&Value::Null);
    program.write(".kube/alice.crt", &certificate);
    program.write(".kube/alice.key", &key);
    let files = json!({"client-certificate": "alice.crt", "client-key": "alice.key"});
    program.write(".kube/config", &kubeconfig(&server.cluster(), &files).to_string());
    assert_eq!(program.run("get jobs").await.code, 0, "files beside the kubeconfig");
    let pair = json!({"status": {"clientCertificateData": certificate, "clientKeyData": key}});
    let file = program.write("pair.json", &pair.to_string());
    let said = run(&server, &format!("cat {}", file.display())).await;
    assert_eq!(said.code, 0, "a plugin may bring one: {said:?}");
    assert!(server.header("authorization").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acting_as_others_is_said_in_headers_and_answers_come_compressed() {
    let server = Server::start(Wanted::default()).await;
    let program = Program::with(&kubeconfig(&server.cluster(), &json!({"token": "t"})));
    let said = program.run("get jobs --as alice --as-group dev --as-group ops").await;
    assert_eq!(said.code, 0, "{said:?}");
    let requests = server.requests();
    assert_eq!(server.header("impersonate-user"), vec!["alice"; requests]);
    let groups = server.header("impersonate-group");
    assert_eq!(groups.iter().filter(|g| *g == "dev").count(), requests, "{groups:?}");
    assert_eq!(groups.iter().filter(|g| *g == "ops").count(), requests, "{groups:?}");
    assert!(server.header("accept-encoding").iter().all(|v| v.contains("gzip")));
}
