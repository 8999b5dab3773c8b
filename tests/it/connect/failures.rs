//! What goes wrong on the way, each in its own words and with what to do.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::kubeconfig;
use super::server::{Server, Wanted, authority, client_certificate};
use crate::program::{Program, Said, served};

async fn get(cluster: &Value, user: &Value) -> Said {
    Program::with(&kubeconfig(cluster, user)).run("get jobs --request-timeout 20s").await
}

fn token() -> Value {
    json!({"token": "t"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = get(&json!({"server": format!("https://{free}")}), &token()).await;
    refused.failed_with(1, &["error: can't find out what the cluster serves", "refuses connections", "hint: "]);
    let nowhere = get(&json!({"server": "https://api.nowhere.invalid:6443"}), &token()).await;
    nowhere.failed_with(1, &["the name api.nowhere.invalid does not resolve", "hint: Check VPN and DNS"]);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cluster = json!({"server": format!("https://{}", silent.local_addr().unwrap())});
    let said = Program::with(&kubeconfig(&cluster, &token())).run("get jobs --request-timeout 1s").await;
    said.failed_with(1, &["did not answer within 1 s", "--request-timeout"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_do_not_fit() {
    let good = Server::start(Wanted::default()).await;
    let mut cluster = good.cluster();
    assert!(get(&cluster, &token()).await.code == 0, "the way itself is open");
    cluster["certificate-authority-data"] = json!(super::base64(&authority().pem()));
    let strange = get(&cluster, &token()).await;
    strange.failed_with(1, &["is not trusted", "certificate-authority"]);
    cluster["certificate-authority-data"] = json!(super::base64("no certificate"));
    get(&cluster, &token()).await.failed_with(2, &["holds no certificate"]);
    let old = Server::start(Wanted { expired: true, ..Wanted::default() }).await;
    get(&old.cluster(), &token()).await.failed_with(1, &["has expired", "clock"]);
    let other = Server::start(Wanted { names: &["elsewhere.example"], ..Wanted::default() }).await;
    let mut cluster = other.cluster();
    get(&cluster, &token()).await.failed_with(1, &["is for another name", "tls-server-name"]);
    cluster["tls-server-name"] = json!("elsewhere.example");
    assert_eq!(get(&cluster, &token()).await.code, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_none() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cluster = json!({"server": format!("https://{}", plain.local_addr().unwrap())});
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = plain.accept().await {
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    get(&cluster, &token()).await.failed_with(1, &["no TLS connection", "http against https"]);
    let page = Server::start(Wanted { answer: |_| (200, "<html>please sign in</html>"), ..Wanted::default() }).await;
    get(&page.cluster(), &token()).await.failed_with(1, &["not the JSON", "proxy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_not_taken() {
    let (_sim, served) = served().await;
    let cluster = served.kubeconfig()["clusters"][0]["cluster"].clone();
    get(&cluster, &json!({"token": "wrong"})).await.failed_with(1, &["Unauthorized", "log in again"]);
    get(&cluster, &json!({})).await.failed_with(1, &["system:anonymous", "no credentials"]);
    let missing = get(&cluster, &json!({"tokenFile": "/no/such/token"})).await;
    missing.failed_with(1, &["/no/such/token"]);
    let clients = authority();
    let strict = Wanted { clients: Some(authority()), ..Wanted::default() };
    let strict = Server::start(strict).await;
    let (certificate, key) = client_certificate(&clients);
    let user = json!({"client-certificate-data": super::base64(&certificate), "client-key-data": super::base64(&key)});
    let mut refused = get(&strict.cluster(), &user).await;
    for _ in 0..5 {
        // The server's refusal may arrive after the connection is closed: then nobody can know it.
        if !refused.err.contains("connection was not ready") {
            break;
        }
        refused = get(&strict.cluster(), &user).await;
    }
    refused.failed_with(1, &["refused the TLS connection", "client certificate"]);
}
