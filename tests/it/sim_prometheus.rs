//! A real Prometheus scrapes the embedded cluster, with labels honoured and not: what it then knows is what the cluster's
//! own Prometheus says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use kube::Client;
use mpideck::sim::faults::{GpuLabels, Plan};
use mpideck::sim::{FleetKind, Options, Served, Sim};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::asked::questions;
use crate::sim_client::{ask, client};
use crate::tools;

/// How long a slow machine may take for anything.
const PATIENCE: Duration = Duration::from_mins(2);
/// Labels that tell of the target, not of what is measured.
const OF_TARGET: [&str; 2] = ["instance", "job"];

/// What is compared beside the questions that `metrics` sends ([`questions`]), each with the share by which values may
/// differ: they are read at other moments. `P` is the label
/// of a GPU's pod, `N` of its namespace, `W` a window with enough scrapes in it.
const QUERIES: &[(&str, f64)] = &[
    ("max by (P,gpu) (DCGM_FI_DEV_GPU_UTIL{N=\"vision\",P=~\"vit-worker-.*\"})", 0.12),
    ("avg by (P) (DCGM_FI_DEV_GPU_UTIL{P!=\"\"})", 0.12),
    ("sum by (P) (DCGM_FI_DEV_FB_USED{P=~\"vit-.*\"})", 0.01),
    ("sum by (P,gpu) (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE + DCGM_FI_DEV_FB_RESERVED)", 0.0),
    (
        "max by (P) (DCGM_FI_DEV_FB_USED{P!=\"\"} / on (UUID) group_left () (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE))",
        0.01,
    ),
    ("avg by (P) (DCGM_FI_DEV_POWER_USAGE{P!=\"\"})", 0.12),
    ("max by (P) (DCGM_FI_DEV_GPU_TEMP{P!=\"\"})", 0.05),
    ("max by (P) (DCGM_FI_DEV_XID_ERRORS > 0)", 0.0),
    ("count by (modelName) (DCGM_FI_DEV_GPU_UTIL)", 0.0),
    ("count by (Hostname) (DCGM_FI_DEV_SM_CLOCK{P=\"\"})", 0.0),
    ("count(DCGM_FI_DEV_CLOCK_THROTTLE_REASONS == 64)", 0.0),
    ("count by (P) (DCGM_FI_PROF_GR_ENGINE_ACTIVE > 0.5)", 0.0),
    (
        "sum by (pod) (container_memory_working_set_bytes{namespace=\"vision\",pod=~\"vit-.*\",container!=\"\",container!=\"POD\"})",
        0.02,
    ),
    ("count by (pod) (container_memory_rss{container=\"\"})", 0.0),
    (
        "max by (pod) (container_memory_working_set_bytes{container!=\"\"} / on (namespace,pod,container) group_left () kube_pod_container_resource_limits{resource=\"memory\"})",
        0.02,
    ),
    ("sum by (pod) (container_spec_memory_limit_bytes)", 0.0),
    ("count by (interface) (container_network_receive_bytes_total)", 0.0),
    ("count by (pod) (container_cpu_usage_seconds_total{container!=\"\"})", 0.0),
    (
        "sum by (pod) (rate(container_cpu_usage_seconds_total{namespace=\"vision\",pod=~\"vit-worker-.*\",container!=\"\",container!=\"POD\"}[W]))",
        0.15,
    ),
    (
        "sum by (pod) (rate(container_network_receive_bytes_total{namespace=\"vision\",pod=~\"vit-worker-.*\"}[W]))",
        0.15,
    ),
    (
        "sum by (pod) (rate(container_network_transmit_bytes_total{namespace=\"vision\",pod=~\"vit-worker-.*\"}[W]))",
        0.15,
    ),
    ("kube_pod_status_phase == 1", 0.0),
    ("kube_pod_info", 0.0),
    ("kube_pod_container_resource_requests{resource=\"nvidia_com_gpu\"}", 0.0),
    ("sum by (unit) (kube_pod_container_resource_limits)", 0.0),
    ("kube_node_status_allocatable", 0.0),
    ("sum(kube_node_status_allocatable{resource=\"nvidia_com_gpu\"})", 0.0),
    (
        "sum(kube_pod_container_resource_requests{resource=\"nvidia_com_gpu\"} * on (namespace,pod) group_left () (kube_pod_status_phase{phase=~\"Pending|Running\"} == 1))",
        0.0,
    ),
    ("kube_node_status_condition{condition=\"Ready\",status=\"true\"}", 0.0),
    ("kube_pod_start_time", 0.0),
    ("absent(kube_pod_info{pod=\"none\"})", 0.0),
];

/// Values by labels.
type Answer = BTreeMap<BTreeSet<(String, String)>, f64>;

struct Peer {
    port: u16,
    _child: Child,
    _home: tempfile::TempDir,
}

/// Token and CA of the admin, in files as Prometheus reads them.
fn credentials(served: &Served, home: &Path) {
    let config = served.kubeconfig();
    let admin = config["users"].as_array().unwrap().iter().find(|user| user["name"] == "admin").unwrap();
    std::fs::write(home.join("token"), admin["user"]["token"].as_str().unwrap()).unwrap();
    let ca = config["clusters"][0]["cluster"]["certificate-authority-data"].as_str().unwrap();
    let pem = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, ca).unwrap();
    std::fs::write(home.join("ca.crt"), pem).unwrap();
}

fn configuration(address: std::net::SocketAddr, exported: bool) -> String {
    let labels = if exported { ", labels: {namespace: gpu-operator, pod: exporter, container: exporter}" } else { "" };
    let job = |exporter: &str, honor: bool, labels: &str| {
        format!(
            "  - {{job_name: {exporter}, scheme: https, params: {{exporter: [{exporter}]}}, honor_labels: {honor}, authorization: {{credentials_file: token}}, tls_config: {{ca_file: ca.crt}}, static_configs: [{{targets: [\"{address}\"]{labels}}}]}}\n"
        )
    };
    let jobs = [job("dcgm", !exported, labels), job("cadvisor", true, ""), job("kube-state", true, "")];
    format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{}", jobs.concat())
}

impl Peer {
    fn start(served: &Served, exported: bool) -> Self {
        let home = tempfile::tempdir().unwrap();
        credentials(served, home.path());
        std::fs::write(home.path().join("prometheus.yml"), configuration(served.addr, exported)).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", home.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", home.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { port, _child: child, _home: home }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.ok()?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new()).ok()?;
        let body = sender.send_request(request).await.ok()?.into_body().collect().await.ok()?.to_bytes();
        serde_json::from_slice(&body).ok()
    }

    /// Waits until every target has been scraped through the whole of a window.
    async fn has_scraped(&self) {
        let query = "min(count_over_time(up[30s])) >= 25 and min(up) == 1";
        let ready = async {
            while answer(&self.get(&path_of(query)).await.unwrap_or_default(), false).is_empty() {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, ready).await.is_ok(),
            "nothing is scraped: {:?}",
            self.get("/api/v1/targets").await
        );
    }
}

fn path_of(query: &str) -> String {
    let encoded = query.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat();
    format!("/api/v1/query?query={encoded}")
}

/// The series of an instant answer. Of `raw` ones the labels of targets are taken away.
fn answer(body: &Value, raw: bool) -> Answer {
    let series = body["data"]["result"].as_array().into_iter().flatten();
    let one = |series: &Value| {
        let labels =
            series["metric"].as_object()?.iter().filter(|(name, _)| !raw || !OF_TARGET.contains(&name.as_str()));
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        Some((labels.collect(), series["value"][1].as_str()?.parse().ok()?))
    };
    series.filter_map(one).collect()
}

async fn ours(client: &Client, query: &str) -> Value {
    let path = format!("/api/v1/namespaces/monitoring/services/prometheus:9090/proxy{}", path_of(query));
    ask(client, &Method::GET, &path).answer().await.1
}

fn differ(theirs: &Answer, ours: &Answer, share: f64) -> Option<String> {
    let missing: Vec<_> = theirs.keys().filter(|key| !ours.contains_key(*key)).collect();
    let surplus: Vec<_> = ours.keys().filter(|key| !theirs.contains_key(*key)).collect();
    if !missing.is_empty() || !surplus.is_empty() {
        return Some(format!("only a real one has {missing:?}\nonly ours has {surplus:?}"));
    }
    let far = theirs.iter().filter(|(key, value)| (*value - ours[*key]).abs() > share * value.abs() + 1e-9);
    let far: Vec<_> = far.map(|(key, value)| format!("{key:?}: {value} and {}", ours[key])).collect();
    (!far.is_empty()).then(|| far.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_knows_the_same_of_what_it_scraped() {
    if !tools::is_there("prometheus", "--version") {
        return;
    }
    // Steady: a value that is read a second later is the same but for its noise.
    let text = "about = \"trains\"\nclass = \"none\"\nseconds = 60\nlike = \"horovod\"\n[[job]]\nname = \"vit\"\nworkers = 2\ngpus = 2\n[role.worker]\nuse = { gpu = 80, gpu-memory = 40, power = 300, temperature = 90, cpu = 6, memory = 20, xid = 31 }\n";
    let fleet = FleetKind::Scenario { file: "steady.toml".to_owned(), text: text.to_owned() };
    let sim = Sim::start(Options { fleet, lived: Duration::from_mins(3), ..Options::new() }).await.unwrap();
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let admin = client(&sim, "admin").await;
    let sent = questions(&sim, "vision", &["vit-worker-0", "vit-worker-1"]).await;
    assert!(sent.len() > 18, "{sent:?}");
    let peers = [Peer::start(&served, true), Peer::start(&served, false)];
    for (peer, gpu_labels) in peers.iter().zip([GpuLabels::Exported, GpuLabels::Plain]) {
        peer.has_scraped().await;
        sim.faults().set(Plan { gpu_labels, ..Plan::default() });
        let (pod, namespace) = if gpu_labels == GpuLabels::Exported {
            ("exported_pod", "exported_namespace")
        } else {
            ("pod", "namespace")
        };
        for (query, share) in QUERIES {
            let query = query.replace("P=", &format!("{pod}=")).replace("P!", &format!("{pod}!"));
            let query = query.replace("(P", &format!("({pod}")).replace("N=", &format!("{namespace}="));
            let raw = query.starts_with("kube_");
            let theirs = peer.get(&path_of(&query.replace("[W]", "[20s]"))).await.unwrap_or_default();
            let (theirs, ours) =
                (answer(&theirs, raw), answer(&ours(&admin, &query.replace("[W]", "[1m]")).await, raw));
            assert!(!theirs.is_empty(), "{query}: a real Prometheus has nothing");
            assert_eq!(differ(&theirs, &ours, *share), None, "{query} ({gpu_labels:?})");
        }
        for query in &sent {
            // A scrape a second has a window's worth of samples in twenty.
            let theirs = peer.get(&path_of(&query.replace("[120s]", "[20s]"))).await.unwrap_or_default();
            let (theirs, ours) = (answer(&theirs, false), answer(&ours(&admin, query).await, false));
            // Nothing idles here, nothing is near its limit, and all GPUs are of one maker.
            let of_others = ["habanalabs_", "gpu_gfx_activity"].iter().any(|series| query.contains(series));
            let is_told =
                !query.contains(" < 5") && !query.contains(" >= 0.9") && (query.contains("DCGM_") || !of_others);
            assert!(!theirs.is_empty() || !is_told, "{query}: a real Prometheus has nothing");
            assert_eq!(differ(&theirs, &ours, 0.15), None, "{query} ({gpu_labels:?})");
        }
    }
}
