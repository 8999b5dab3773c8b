//! A job's numbers from made-up servers: what is read, and what is said of what is not.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::{cluster::testing, metrics::source::Way};

const NOW: u32 = 1_000_000;

fn job(gpus: Option<&str>) -> Job {
    let pods = ["t-worker-0", "t-worker-1"].map(Name::lossy).to_vec();
    Job {
        namespace: Name::lossy("nlp"),
        pods,
        selector: "training.kubeflow.org/job-name=t".into(),
        gpus: gpus.map(Sym::new),
    }
}

fn window() -> Window {
    Window { from: Secs(NOW - 30), to: Secs(NOW), step: 15 }
}

fn matrix(rows: &[(&str, &str)]) -> Value {
    let row =
        |(pod, value): &(&str, &str)| json!({"metric": {"pod": pod}, "values": [[NOW - 15, value], [NOW, value]]});
    json!({"status": "success", "data": {"resultType": "matrix", "result": rows.iter().map(row).collect::<Vec<_>>()}})
}

fn count(number: u32) -> Value {
    let result = if number == 0 { json!([]) } else { json!([{"metric": {}, "value": [NOW, number.to_string()]}]) };
    json!({"status": "success", "data": {"resultType": "vector", "result": result}})
}

/// A Prometheus that answers with `say`: to a range's query (`true`) or to one of a moment.
async fn prometheus(say: impl Fn(&str, bool) -> (u16, Value) + Send + Sync + 'static) -> (Source, Session) {
    let session = testing::session(move |request| {
        let query = testing::param(&request, "query").unwrap_or_default().replace("%7B", "{").replace("%3D", "=");
        let (code, body) = say(&query, request.uri().path().ends_with("query_range"));
        testing::answer(code, &body)
    })
    .await;
    let source = Prometheus::new("monitoring/prometheus:9090", session.clone(), "", Way::Proxy);
    (Source::Prometheus(source), session)
}

#[tokio::test]
async fn one_question_a_metric_in_the_metrics_unit() {
    let asked = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&asked);
    let (source, session) = prometheus(move |query, range| {
        *counter.lock().expect("not poisoned") += 1;
        assert!(range, "all is there, so that nothing must be found out: {query}");
        (200, matrix(&[("t-worker-0", "10"), ("t-worker-1", "20")]))
    })
    .await;
    let reading = read(&source, &session, &job(Some("nvidia.com/gpu")), window()).await.expect("read");
    assert_eq!(*asked.lock().expect("not poisoned"), 11, "whatever the number of workers");
    let of = |metric| reading.points.iter().find(|points| points.metric == metric).expect("read").values[1];
    assert_eq!(of(Metric::Gpu), (Secs(NOW), 10.0));
    assert_eq!(of(Metric::GpuMemory), (Secs(NOW), 10.0 * 1_048_576.0));
    assert_eq!(reading.points.len(), 22);
    assert_eq!(reading.lacks, []);
}

/// What is told of the GPUs where the exporter has so many series, so many of them with pods.
async fn told(all: u32, of_pods: u32) -> Lack {
    let (source, session) = prometheus(move |query, range| match (range, query.contains("DCGM")) {
        (true, true) => (200, matrix(&[])),
        (true, false) => (200, matrix(&[("t-worker-0", "1")])),
        (false, _) if query.contains("exported_pod") => (200, count(of_pods)),
        (false, _) => (200, count(all)),
    })
    .await;
    let mut reading = read(&source, &session, &job(Some("nvidia.com/gpu")), window()).await.expect("read");
    assert_eq!(reading.points.len(), 4, "the rest is there");
    assert_eq!(reading.lacks.len(), 1, "{:?}", reading.lacks);
    reading.lacks.remove(0)
}

#[tokio::test]
async fn what_is_missing_of_gpus_is_said_exactly() {
    let none = told(0, 0).await;
    assert_eq!(none.metrics, Metric::SHOWN[..4]);
    assert_eq!(none.why.as_str(), "monitoring/prometheus:9090 has no DCGM_FI_DEV_GPU_UTIL");
    let unlabelled = told(8, 0).await;
    assert_eq!(unlabelled.why.as_str(), "the DCGM exporter has no pod labels (8 GPUs without one)");
    assert!(unlabelled.hint.as_str().contains("DCGM_EXPORTER_KUBERNETES=true"));
    let others = told(8, 8).await;
    assert!(others.why.as_str().contains("no series of these pods"), "{}", others.why);
}

#[tokio::test]
async fn a_job_without_gpus_lacks_none() {
    let (source, session) = prometheus(|_, _| (200, matrix(&[("t-worker-0", "1")]))).await;
    let reading = read(&source, &session, &job(None), window()).await.expect("read");
    assert_eq!((reading.points.len(), reading.lacks.len()), (4, 0));
}

#[tokio::test]
async fn one_refused_question_is_a_lack_and_all_of_them_the_sources_problem() {
    let error = json!({"status": "error", "errorType": "execution", "error": "too many samples"});
    let bad = error.clone();
    let (source, session) =
        prometheus(
            move |query, _| {
                if query.contains("network") { (422, bad.clone()) } else { (200, matrix(&[("t-worker-0", "1")])) }
            },
        )
        .await;
    let reading = read(&source, &session, &job(None), window()).await.expect("read");
    let lacking: Vec<_> = reading.lacks.iter().flat_map(|lack| lack.metrics.clone()).collect();
    assert_eq!(lacking, [Metric::NetIn, Metric::NetOut]);
    assert!(reading.lacks[0].why.as_str().ends_with("422: too many samples"), "{:?}", reading.lacks);
    let (source, session) = prometheus(move |_, _| (422, error.clone())).await;
    let problem = read(&source, &session, &job(None), window()).await.expect_err("nothing was read");
    assert_eq!(problem.kind, ProblemKind::Invalid);
}

#[tokio::test]
async fn metrics_server_knows_cpu_and_memory_and_says_so() {
    let items = json!({"items": [
        {"metadata": {"name": "t-worker-0"}, "timestamp": "2026-11-20T08:00:00Z", "window": "15s",
         "containers": [{"name": "a", "usage": {"cpu": "250m", "memory": "1Gi"}}, {"name": "b", "usage": {"cpu": "1", "memory": "1Gi"}}]},
        {"metadata": {"name": "another"}, "timestamp": "2026-11-20T08:00:00Z", "containers": []}]});
    let session = testing::session(move |request| {
        let wanted =
            "/apis/metrics.k8s.io/v1beta1/namespaces/nlp/pods?labelSelector=training.kubeflow.org%2Fjob-name%3Dt";
        assert_eq!(request.uri().path_and_query().map(ToString::to_string).as_deref(), Some(wanted));
        testing::answer(200, &items)
    })
    .await;
    let reading = read(&Source::MetricsServer, &session, &job(Some("nvidia.com/gpu")), window()).await.expect("read");
    let at = Secs::parse("2026-11-20T08:00:00Z").expect("a time");
    let values: Vec<_> = reading.points.iter().map(|points| (points.metric, points.values.clone())).collect();
    assert_eq!(values, [(Metric::Cpu, vec![(at, 1.25)]), (Metric::Memory, vec![(at, 2_147_483_648.0)])]);
    let lacking: Vec<_> = reading.lacks.iter().flat_map(|lack| lack.metrics.clone()).collect();
    assert_eq!(lacking, [&Metric::SHOWN[..4], &[Metric::NetIn, Metric::NetOut]].concat());
}

#[tokio::test]
async fn metrics_server_without_a_sample_is_no_zero() {
    let session = testing::session(|_| testing::answer(200, &json!({"items": []}))).await;
    let reading = read(&Source::MetricsServer, &session, &job(None), window()).await.expect("read");
    assert!(reading.points.is_empty());
    assert!(reading.lacks.iter().any(|lack| lack.why.as_str().contains("no sample of these pods yet")));
}

#[tokio::test]
async fn a_job_without_pods_is_not_asked_for() {
    let session = testing::session(|_| testing::status(500, "not to be asked")).await;
    let job = Job { pods: Vec::new(), ..job(None) };
    assert_eq!(read(&Source::MetricsServer, &session, &job, window()).await, Ok(Reading::default()));
}
