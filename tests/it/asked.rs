//! The questions that a Prometheus is asked about a job and about a cluster: those that `metrics` itself sends.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mpideck::cluster::{Session, Target, discovery::Offer, kubeconfig::Loaded};
use mpideck::jobs::usage::{Metric, Window};
use mpideck::jobs::{Name, Sym};
use mpideck::metrics::{self, Source, Wish, source::Where};
use mpideck::sim::Sim;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Heard = Arc<Mutex<BTreeSet<String>>>;

/// All questions about these pods with NVIDIA's GPUs, those about the whole cluster, and those that follow where there is
/// no answer.
pub(crate) async fn questions(sim: &Sim, namespace: &str, pods: &[&str]) -> BTreeSet<String> {
    let heard = Heard::default();
    let (source, session) = source(sim, Arc::clone(&heard)).await;
    let Source::Prometheus(prometheus) = &source else { panic!("{source:?}") };
    let job = metrics::Job {
        namespace: Name::lossy(namespace),
        pods: pods.iter().map(|pod| Name::lossy(pod)).collect(),
        selector: String::new(),
        gpus: Some(Sym::new("nvidia.com/gpu")),
    };
    let now = session.now();
    let window = Window::of(900, now);
    metrics::read(&source, &session, &job, window).await.unwrap();
    for metric in Metric::SHOWN {
        metrics::apart(&source, &metrics::Job { pods: job.pods[..1].to_vec(), ..job.clone() }, metric, window)
            .await
            .unwrap();
    }
    prometheus.glance(now).await.unwrap();
    // Nothing is measured there.
    assert!(metrics::work(&source, &[], &[], now).await.is_err());
    heard.lock().unwrap().clone()
}

/// A Prometheus that knows of nothing, and remembers what it was asked.
async fn source(sim: &Sim, heard: Heard) -> (Source, Session) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&heard)));
        }
    });
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared()).in_context("admin");
    target.dial = Some(sim.dial());
    let session = mpideck::cluster::connect(target.clone()).await.unwrap();
    let wish = Wish { prometheus: Where::Url(format!("http://{addr}")), ..Wish::default() };
    let found = metrics::find(&target, &session, &Offer::default(), &wish, None).await;
    (found.source, session)
}

async fn serve(stream: TcpStream, heard: Heard) {
    let mut lines = BufReader::new(stream);
    loop {
        let (mut first, mut line) = (String::new(), String::new());
        if lines.read_line(&mut first).await.unwrap_or(0) == 0 {
            return;
        }
        while lines.read_line(&mut line).await.unwrap_or(0) > 0 && !line.trim().is_empty() {
            line.clear();
        }
        if let Some(query) = first.split(['&', '?', ' ']).find_map(|part| part.strip_prefix("query=")) {
            heard.lock().unwrap().insert(decoded(query));
        }
        let kind = if first.contains("query_range") { "matrix" } else { "vector" };
        let body =
            json!({"status": "success", "data": {"version": "3.5.0", "resultType": kind, "result": []}}).to_string();
        let head =
            format!("HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if lines.get_mut().write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Without its percent signs.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let hex: String = rest.by_ref().take(2).map(char::from).collect();
        out.push(u8::from_str_radix(&hex, 16).expect("two hexadecimal digits"));
    }
    String::from_utf8(out).unwrap()
}
