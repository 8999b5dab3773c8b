//! The tab Metrics on a Prometheus of the user's settings that works, is away, is slow, refuses, or has nothing: each is
//! said on screen. The same tab on metrics.k8s.io alone, and on nvidia-smi alone.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use mpideck::config::context::PrometheusSettings;
use mpideck::config::{ContextSettings, Setting};
use mpideck::jobs::usage::Metric;
use mpideck::sim::faults::Plan;
use mpideck::sim::{FleetKind, Options, Sim};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::deck::Deck;
use crate::sim_client::{ask, client, mpi_job};

/// What it answers: to queries over a window (`Some(end)`), and to everything else.
type Say = fn(Option<u32>) -> Option<(u16, Value)>;

/// A server on this machine until the test is over.
async fn server(say: Say) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, say));
        }
    });
    addr
}

/// Answers one request after the other.
async fn serve(stream: TcpStream, say: Say) {
    let mut lines = BufReader::new(stream);
    loop {
        let (mut first, mut line) = (String::new(), String::new());
        if lines.read_line(&mut first).await.unwrap_or(0) == 0 {
            return;
        }
        while lines.read_line(&mut line).await.unwrap_or(0) > 0 && !line.trim().is_empty() {
            line.clear();
        }
        let end = first.contains("query_range").then(|| {
            let end = first.split(['&', '?', ' ']).find_map(|part| part.strip_prefix("end="));
            end.and_then(|end| end.parse().ok()).expect("a window has an end")
        });
        let Some((code, body)) = say(end) else { return std::future::pending().await };
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if lines.get_mut().write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The tab of a job whose worker runs, on a context with this Prometheus.
async fn deck(place: String) -> (Sim, Deck) {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap();
    let admin = client(&sim, "admin").await;
    let jobs = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";
    let (code, said) = ask(&admin, &Method::POST, jobs).json(&mpi_job("vision", "pi")).answer().await;
    assert_eq!(code, 201, "{said}");
    let mut deck = Deck::with(&sim, "admin", |start| {
        let prometheus = PrometheusSettings { place: Some(place), ..PrometheusSettings::default() };
        let settings = ContextSettings { prometheus, ..ContextSettings::default() };
        start.config.contexts.insert("admin".to_owned(), settings);
        start.config.request_timeout = Setting { value: Duration::from_secs(5), ..Setting::default() };
    });
    deck.until("its worker has a pod", |model| {
        model.fleet.find("vision", "pi").first().is_some_and(|job| model.fleet.pods(&job.key()).len() > 1)
    })
    .await;
    deck.keys("u");
    (sim, deck)
}

/// What the screen says in the end, where a server answers so.
async fn said(say: Say, words: &[&str]) {
    let addr = server(say).await;
    on_screen(format!("http://{addr}"), words).await;
}

async fn on_screen(place: String, words: &[&str]) {
    let (_sim, mut deck) = deck(place).await;
    shows(&mut deck, words).await;
}

async fn shows(deck: &mut Deck, words: &[&str]) {
    // The screen is made in here: what one waits for is what is asserted.
    let end = tokio::time::Instant::now() + crate::deck::PATIENCE;
    loop {
        let screen = flat(&deck.screen());
        if words.iter().all(|word| screen.contains(word)) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "{words:?}: not so; there is\n{}", deck.screen());
        deck.pass(Duration::from_millis(50)).await;
    }
}

/// Lines that were broken for the screen's width, in one.
fn flat(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Good for «who are you» and for «how many are there»: none.
fn build() -> Value {
    json!({"status": "success", "data": {"version": "3.5.0", "resultType": "vector", "result": []}})
}

fn matrix(result: &Value) -> Value {
    json!({"status": "success", "data": {"resultType": "matrix", "result": result}})
}

#[tokio::test]
async fn a_prometheus_by_its_address_is_read() {
    let addr = server(|end| {
        let Some(end) = end else { return Some((200, build())) };
        let values: Vec<Value> = (0..10).rev().map(|back| json!([end - 15 * back, "2.5"])).collect();
        Some((200, matrix(&json!([{"metric": {"pod": "pi-worker-0"}, "values": values}]))))
    })
    .await;
    let (_sim, mut deck) = deck(format!("http://{addr}")).await;
    let cpu = |model: &mpideck::console::Model| {
        let metrics = &model.page.as_ref()?.metrics;
        let pod = metrics.usage.pods().find(|pod| pod.as_str() == "pi-worker-0")?;
        metrics.usage.stats(pod, Metric::Cpu, mpideck::jobs::Secs(0))
    };
    deck.until("the past is read", |model| cpu(model).is_some_and(|stats| (stats.now, stats.mean) == (2.5, 2.5))).await;
    let screen = deck.screen();
    assert!(screen.contains(&format!("Prometheus http://{addr}")), "{screen}");
    assert!(screen.contains("old") && !screen.contains("reading"), "{screen}");
    deck.keys("1");
    assert!(deck.model.page.as_ref().unwrap().metrics.followed.is_none(), "nobody looks any more");
}

#[tokio::test]
async fn one_that_lets_nobody_in_says_how_to_sign_in() {
    said(|_| Some((401, json!("Unauthorized"))), &["answers 401", "prometheus-token-file"]).await;
}

#[tokio::test]
async fn one_that_does_not_understand_is_quoted() {
    let say = |end: Option<u32>| match end {
        None => Some((200, build())),
        Some(_) => Some((422, json!({"status": "error", "errorType": "execution", "error": "no such function"}))),
    };
    said(say, &["answers 422: no such function", "version of your Prometheus"]).await;
}

#[tokio::test]
async fn one_that_has_nothing_shows_no_zero() {
    let say = |end: Option<u32>| match end {
        None => Some((200, build())),
        Some(_) => Some((200, matrix(&json!([])))),
    };
    said(say, &["Nothing was measured yet: its pods have not run for long."]).await;
    let place = format!("http://{}", server(say).await);
    let (_sim, mut deck) = of_gpus(&place, Plan::default(), false).await;
    let words =
        ["Nothing was measured of these replicas.", "has no container_cpu_usage_seconds_total of this namespace"];
    shows(&mut deck, &words).await;
}

#[tokio::test]
async fn one_that_does_not_answer_in_time_is_told() {
    said(|_| None, &["did not answer within 5 s"]).await;
}

#[tokio::test]
async fn one_that_is_not_there_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let words = ["metrics.k8s.io knows CPU and memory only", "can't find a Prometheus at http://127.0.0.1", "CPU"];
    on_screen(format!("http://{addr}"), &words).await;
}

#[tokio::test]
async fn settings_that_make_no_sense_are_told() {
    on_screen("p:9090".to_owned(), &["«p:9090» is none of what prometheus takes"]).await;
}

/// The tab of a job that has run for five minutes on four GPUs, on a context with this Prometheus.
async fn of_gpus(place: &str, faults: Plan, read_only: bool) -> (Sim, Deck) {
    let text = "about = \"trains\"\nclass = \"none\"\nseconds = 60\nlike = \"horovod\"\n[[job]]\nname = \"vit\"\nworkers = 2\ngpus = 2\n";
    let fleet = FleetKind::Scenario { file: "trains.toml".to_owned(), text: text.to_owned() };
    let lived = Duration::from_mins(5);
    let sim = Sim::start(Options { fleet, lived, faults, ..Options::new() }).await.unwrap();
    let mut deck = Deck::with(&sim, "admin", |start| {
        let prometheus = PrometheusSettings { place: Some(place.to_owned()), ..PrometheusSettings::default() };
        let settings = ContextSettings { prometheus, ..ContextSettings::default() };
        start.config.contexts.insert("admin".to_owned(), settings);
        start.read_only = read_only;
    });
    deck.until("its workers run", |model| {
        let job = model.fleet.find("vision", "vit").first().map(|job| job.key());
        let runs = |pod: &&mpideck::jobs::PodRow| pod.phase == mpideck::jobs::row::Phase::Running;
        job.is_some_and(|key| model.fleet.pods(&key).into_iter().filter(runs).count() == 3)
    })
    .await;
    deck.keys("g enter u");
    (sim, deck)
}

/// What was measured of both workers.
fn known(model: &mpideck::console::Model) -> Vec<Metric> {
    let Some(page) = &model.page else { return Vec::new() };
    let of = |pod: &str, metric| page.metrics.usage.series(&mpideck::jobs::Name::lossy(pod), metric).is_some();
    let both = |metric: &Metric| of("vit-worker-0", *metric) && of("vit-worker-1", *metric);
    Metric::SHOWN.into_iter().filter(both).collect()
}

#[tokio::test]
async fn the_tab_on_metrics_k8s_io_alone() {
    let (_sim, mut deck) = of_gpus("off", Plan::default(), false).await;
    deck.until("what it knows is read", |model| known(model) == [Metric::Cpu, Metric::Memory]).await;
    let screen = flat(&deck.screen());
    for words in ["metrics.k8s.io, ", " old", "metrics.k8s.io knows CPU and memory only", "nvidia-smi in the workers"] {
        assert!(screen.contains(words), "{words}: {}", deck.screen());
    }
    // What is asked for goes beside it.
    deck.keys("A n");
    deck.until("both are known", |model| known(model).len() == 6).await;
    let screen = flat(&deck.screen());
    assert!(screen.contains("nvidia-smi by exec, <10s ago"), "{}", deck.screen());
    assert!(!screen.contains("GPU utilisation, GPU memory"), "nothing of it is missing now: {}", deck.screen());
}

#[tokio::test]
async fn the_tab_on_nvidia_smi_alone_and_not_under_read_only() {
    let absent = || Plan { no_metrics_server: true, ..Plan::default() };
    let (_sim, mut deck) = of_gpus("off", absent(), false).await;
    deck.until("that there is nothing is said", |model| {
        model.page.as_ref().is_some_and(|page| page.metrics.trouble.is_some())
    })
    .await;
    assert!(flat(&deck.screen()).contains("ask nvidia-smi in the workers (A n"), "{}", deck.screen());
    deck.keys("A n");
    let gpus = [Metric::Gpu, Metric::GpuMemory, Metric::Power, Metric::Temperature];
    deck.until("its GPUs are known", |model| known(model) == gpus && model.changes.running.is_empty()).await;
    let screen = flat(&deck.screen());
    assert!(screen.contains("nvidia-smi by exec, <10s ago") && screen.contains("2 GPUs"), "{}", deck.screen());
    assert!(!screen.contains("no source"), "it is one: {}", deck.screen());
    assert!(deck.model.notices.iter().any(|n| n.text.as_str().contains("Measured the GPUs of MPIJob vision/vit")));

    let (_sim, mut deck) = of_gpus("off", absent(), true).await;
    deck.keys("A n");
    let refused = |model: &mpideck::console::Model| model.notices.iter().any(|n| n.text.as_str().contains("read-only"));
    deck.until("it is refused", refused).await;
    assert_eq!(known(&deck.model), []);
}

#[tokio::test]
async fn the_overview_of_the_cluster_says_how_busy_its_gpus_are() {
    let (_sim, mut deck) = of_gpus("auto", Plan::default(), false).await;
    deck.keys("v o");
    let all = |model: &mpideck::console::Model| Some(model.survey.work.as_ref()?.work.as_ref().ok()?.all());
    deck.until("it is known", |model| all(model).is_some_and(|all| all.measured == 4)).await;
    let all = all(&deck.model).unwrap();
    assert!(all.idle == 0 && all.mean() > 20.0 && all.mean() <= 100.0, "{all:?}");
    let mean = format!("{}% on average of 4 GPUs that pods hold", all.mean().round());
    let words = [mean.as_str(), "says Prometheus monitoring/prometheus:9090"];
    shows(&mut deck, &words).await;
    let (_sim, mut deck) = of_gpus("off", Plan::default(), false).await;
    deck.keys("v o");
    shows(&mut deck, &["Busy not known: metrics.k8s.io knows CPU and memory only"]).await;
}

#[tokio::test]
async fn the_gpus_of_one_worker_are_read_apart_by_prometheus_and_by_nvidia_smi() {
    let (_sim, mut deck) = of_gpus("auto", Plan::default(), false).await;
    deck.until("its numbers are read", |model| known(model).len() == 8).await;
    deck.keys("down enter");
    let parts = |model: &mpideck::console::Model| {
        let apart = model.page.as_ref().and_then(|page| page.metrics.apart.as_ref());
        apart.map_or(0, |apart| apart.rows(mpideck::jobs::Secs(0)).count())
    };
    deck.until("both of its GPUs are read", |model| parts(model) == 2).await;
    shows(&mut deck, &["GPU 0 ", "GPU 1 "]).await;

    let (_sim, mut deck) = of_gpus("off", Plan::default(), false).await;
    deck.keys("A N");
    deck.until("they are asked again and again", |model| {
        known(model).contains(&Metric::Gpu) && model.changes.running.len() == 1
    })
    .await;
    assert!(flat(&deck.screen()).contains("asked again and again"), "{}", deck.screen());
    // CPU was known first.
    deck.model.page.as_mut().unwrap().metrics.metric = Metric::Gpu;
    deck.keys("down enter");
    deck.until("what nvidia-smi said of each is there", |model| parts(model) == 2).await;
    // Nobody looks: it ends.
    deck.keys("esc 2");
    let ended = |model: &mpideck::console::Model| {
        model.changes.running.is_empty() && model.notices.iter().any(|n| n.text.as_str().contains("; asked "))
    };
    deck.until("it has ended", ended).await;
}
