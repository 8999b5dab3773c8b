//! Proxies: HTTP CONNECT and socks5, from the environment and from the kubeconfig, in the order that kubectl has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::kubeconfig;
use super::server::{Server, Wanted};
use crate::program::Program;

/// A proxy that leads everything to one server, and what it was asked for.
struct Proxy {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(lead(near, server, Arc::clone(&heard)));
            }
        });
        Self { addr, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

async fn lead(mut near: TcpStream, server: SocketAddr, heard: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut first = [0];
    near.peek(&mut first).await.ok()?;
    let asked = if first[0] == 5 { socks(&mut near).await } else { connect(&mut near).await };
    heard.lock().unwrap().push(asked.unwrap_or_else(|| "nonsense".to_owned()));
    let mut far = TcpStream::connect(server).await.ok()?;
    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok().map(|_| ())
}

/// `CONNECT host:port`, and whom it came from if that is told.
async fn connect(near: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await.ok()?);
    }
    near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    let head = String::from_utf8(head).ok()?;
    let target = head.split(' ').nth(1)?.to_owned();
    let by = head.lines().find(|line| line.to_lowercase().starts_with("proxy-authorization"));
    Some(by.map_or(target.clone(), |by| format!("{target} {}", by.rsplit(' ').next().unwrap_or_default())))
}

/// Without authentication, by name.
async fn socks(near: &mut TcpStream) -> Option<String> {
    let mut hello = [0; 2];
    near.read_exact(&mut hello).await.ok()?;
    let mut methods = vec![0; usize::from(hello[1])];
    near.read_exact(&mut methods).await.ok()?;
    near.write_all(&[5, 0]).await.ok()?;
    let mut request = [0; 5];
    near.read_exact(&mut request).await.ok()?;
    let mut name = vec![0; usize::from(request[4])];
    near.read_exact(&mut name).await.ok()?;
    let port = near.read_u16().await.ok()?;
    near.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.ok()?;
    Some(format!("{}:{port}", String::from_utf8(name).ok()?))
}

/// A server of a name that only the proxy can lead to.
fn far_away(server: &Server) -> Value {
    let mut cluster = server.cluster();
    cluster["server"] = json!("https://api.far.invalid:6443");
    cluster["tls-server-name"] = json!("localhost");
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_names_a_proxy() {
    let server = Server::start(Wanted::default()).await;
    let proxy = Proxy::to(server.addr).await;
    let program = || Program::with(&kubeconfig(&far_away(&server), &json!({"token": "t"})));
    let at = proxy.addr.to_string();
    for (name, value) in [("HTTPS_PROXY", format!("http://{at}")), ("https_proxy", at.clone())] {
        let said = program().env(name, &value).run("get jobs").await;
        assert_eq!(said.code, 0, "{name}: {said:?}");
        let asked = proxy.asked();
        assert!(!asked.is_empty() && asked.iter().all(|a| a == "api.far.invalid:6443"), "{name}: {asked:?}");
    }
    let known = program().env("HTTPS_PROXY", format!("http://me:word@{at}")).run("get jobs").await;
    assert_eq!(known.code, 0, "{known:?}");
    assert!(proxy.asked().iter().all(|a| *a == format!("api.far.invalid:6443 {}", super::base64("me:word"))));
    for name in ["NO_PROXY", "no_proxy"] {
        let said = program().env("HTTPS_PROXY", &at).env(name, ".far.invalid").run("get jobs").await;
        said.failed_with(1, &["does not resolve"]);
    }
    let said = program().env("HTTP_PROXY", &at).run("get jobs").await;
    said.failed_with(1, &["does not resolve"]);
    assert_eq!(proxy.asked(), Vec::<String>::new());
    let near = Program::with(&kubeconfig(&server.cluster(), &json!({"token": "t"}))).env("HTTPS_PROXY", &at);
    assert_eq!((near.run("get jobs").await.code, proxy.asked().len()), (0, 0), "loopback needs none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kubeconfig_names_a_proxy() {
    let server = Server::start(Wanted::default()).await;
    let proxy = Proxy::to(server.addr).await;
    for scheme in ["http", "socks5", "socks5h"] {
        let mut cluster = far_away(&server);
        cluster["proxy-url"] = json!(format!("{scheme}://{}", proxy.addr));
        let program = Program::with(&kubeconfig(&cluster, &json!({"token": "t"})));
        // What the environment says does not count then.
        let said = program.env("NO_PROXY", "*").env("HTTPS_PROXY", "http://127.0.0.1:1").run("get jobs").await;
        assert_eq!(said.code, 0, "{scheme}: {said:?}");
        let asked = proxy.asked();
        assert!(!asked.is_empty() && asked.iter().all(|a| a == "api.far.invalid:6443"), "{scheme}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_fails_is_named() {
    let server = Server::start(Wanted::default()).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let strict = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let strict_at = strict.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = strict.accept().await {
            let _ = tcp.read(&mut [0; 4096]).await;
            let _ = tcp.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    for (proxy, words) in [
        (format!("http://me:secret@{free}"), "proxy"),
        (format!("http://{strict_at}"), "proxy"),
        ("ftp://127.0.0.1:1".to_owned(), "proxy"),
        ("http://a b".to_owned(), "proxy"),
    ] {
        let mut cluster = far_away(&server);
        cluster["proxy-url"] = json!(proxy);
        let said = Program::with(&kubeconfig(&cluster, &json!({"token": "t"}))).run("get jobs").await;
        assert_ne!(said.code, 0, "{proxy}");
        let error = said.err.lines().next().unwrap_or_default();
        assert!(error.contains(words) && !said.err.contains("secret"), "{proxy}: {}", said.err);
    }
}
