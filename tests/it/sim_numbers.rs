//! Numbers of the embedded cluster over HTTP: `/metrics`, and a Prometheus behind the API server's proxy.

use std::time::Duration;

use http::Method;
use kube::Client;
use mpideck::sim::faults::{Ailment, Plan};
use mpideck::sim::{Clock, FleetKind, Options, Sim};
use serde_json::Value;

use crate::sim_client::{ask, client, get};

/// Where Prometheus is found.
const PROXY: &str = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy";

/// A job that trains, ten minutes after it was made.
async fn training() -> Sim {
    let text = "about = \"trains\"\nclass = \"none\"\nseconds = 60\nlike = \"horovod\"\n[[job]]\nname = \"vit\"\nworkers = 2\ngpus = 2\n";
    let fleet = FleetKind::Scenario { file: "trains.toml".to_owned(), text: text.to_owned() };
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    Sim::start(Options { fleet, clock, lived: Duration::from_mins(5), ..Options::new() }).await.unwrap()
}

/// What an instant query answers.
async fn query(client: &Client, text: &str) -> (u16, Value) {
    let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat();
    ask(client, &Method::GET, &format!("{PROXY}/api/v1/query?query={encoded}")).answer().await
}

fn values(body: &Value) -> Vec<f64> {
    let all = body["data"]["result"].as_array().into_iter().flatten();
    all.filter_map(|series| series["value"][1].as_str()?.parse().ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_job_is_found_in_the_numbers() {
    let sim = training().await;
    let admin = client(&sim, "admin").await;
    let (code, body) =
        query(&admin, "avg by (exported_pod) (DCGM_FI_DEV_GPU_UTIL{exported_pod=~\"vit-worker-.*\"})").await;
    assert_eq!((code, body["data"]["resultType"].as_str()), (200, Some("vector")));
    assert!(values(&body).len() == 2 && values(&body).iter().all(|util| *util > 60.0), "{body}");
    let cpu = "sum by (pod) (rate(container_cpu_usage_seconds_total{namespace=\"vision\",pod=~\"vit-.*\",container!=\"\",container!=\"POD\"}[2m]))";
    let (_, body) = query(&admin, cpu).await;
    let found = body["data"]["result"].as_array().unwrap();
    assert_eq!(found.len(), 3, "{body}");
    for series in found {
        let (pod, cores) = (series["metric"]["pod"].as_str().unwrap(), series["value"][1].as_str().unwrap());
        let cores: f64 = cores.parse().unwrap();
        assert!(if pod.contains("launcher") { cores < 0.5 } else { cores > 5.0 && cores < 8.0 }, "{pod}: {cores}");
    }
    let share = "container_memory_working_set_bytes{container!=\"\"} / on (namespace, pod, container) group_left () kube_pod_container_resource_limits{resource=\"memory\"}";
    let (_, body) = query(&admin, share).await;
    assert!(values(&body).len() == 3 && values(&body).iter().all(|n| *n > 0.0 && *n <= 1.0), "{body}");
    let free = "sum(kube_node_status_allocatable{resource=\"nvidia_com_gpu\"}) - sum(kube_pod_container_resource_requests{resource=\"nvidia_com_gpu\"} * on (namespace, pod) group_left () (kube_pod_status_phase{phase=~\"Pending|Running\"} == 1))";
    assert_eq!(values(&query(&admin, free).await.1), [60.0]);
}

#[tokio::test(start_paused = true)]
async fn a_form_asks_as_a_query_does_and_who_may_not_is_refused() {
    let sim = training().await;
    let admin = client(&sim, "admin").await;
    let path = format!("{PROXY}/api/v1/query_range");
    let form = "query=count%28up%29&start=2026-11-20T08%3A00%3A00Z&end=2026-11-20T08%3A00%3A00Z&step=15";
    let asking =
        ask(&admin, &Method::POST, &path).header("content-type", "application/x-www-form-urlencoded").raw(form);
    let (code, body) = asking.answer().await;
    assert_eq!((code, body["data"]["result"][0]["values"][0][0].as_i64()), (200, Some(1_795_161_600)), "{body}");
    for (user, method, verb) in [("tenant", Method::GET, "get"), ("viewer", Method::POST, "create")] {
        let client = client(&sim, user).await;
        let (code, body) = ask(&client, &method, &format!("{PROXY}/api/v1/query?query=up")).answer().await;
        let said = format!(
            "services \"prometheus:9090\" is forbidden: User \"{user}\" cannot {verb} resource \"services/proxy\" in API group \"\" in the namespace \"monitoring\""
        );
        assert_eq!((code, body["message"].as_str()), (403, Some(said.as_str())));
    }
    for (path, code, said) in [
        ("monitoring/services/prometheus:9091", 503, "no service port \"9091\" found for service \"prometheus\""),
        ("monitoring/services/other:9090", 404, "services \"other\" not found"),
        ("vision/services/vit", 503, ""),
    ] {
        let path = format!("/api/v1/namespaces/{path}/proxy/api/v1/query?query=up");
        let (got, body) = ask(&admin, &Method::GET, &path).answer().await;
        assert!(got == code && body["message"].as_str().unwrap_or_default().contains(said), "{path}: {got} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prometheus_can_ail() {
    let sim = training().await;
    let admin = client(&sim, "admin").await;
    for (ailment, code, said) in [
        (Ailment::Down, 503, "no endpoints available for service"),
        (Ailment::Refuses, 422, "too many samples"),
        (Ailment::Empty, 200, "\"result\":[]"),
        (Ailment::Slow, 200, "\"value\""),
    ] {
        sim.faults().set(Plan { prometheus: ailment, ..Plan::default() });
        let before = tokio::time::Instant::now();
        let (got, body) = query(&admin, "sum(up)").await;
        assert!(got == code && body.to_string().contains(said), "{ailment:?}: {got} {body}");
        assert_eq!(before.elapsed() >= Duration::from_secs(20), ailment == Ailment::Slow, "{ailment:?}");
    }
    sim.faults().set(Plan { prometheus: Ailment::Unauthorized, ..Plan::default() });
    assert_eq!(query(&admin, "up").await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn the_page_is_for_those_who_may_see_everything() {
    let sim = training().await;
    let (admin, tenant) = (client(&sim, "admin").await, client(&sim, "tenant").await);
    let (code, body) = ask(&admin, &Method::GET, "/metrics").answer().await;
    let body = body.as_str().unwrap();
    assert_eq!(code, 200);
    assert!(body.contains("# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n") && body.contains("kube_pod_info{"), "{body}");
    let (code, body) = ask(&tenant, &Method::GET, "/metrics").answer().await;
    assert_eq!(
        (code, body["message"].as_str()),
        (403, Some("forbidden: User \"tenant\" cannot get path \"/metrics\""))
    );
}

#[tokio::test(start_paused = true)]
async fn metrics_server_tells_of_pods_and_nodes() {
    let sim = training().await;
    let (admin, tenant) = (client(&sim, "admin").await, client(&sim, "tenant").await);
    let root = "/apis/metrics.k8s.io/v1beta1";
    let (code, body) =
        get(&tenant, &format!("{root}/namespaces/vision/pods?labelSelector=training.kubeflow.org/job-role=worker"))
            .await;
    assert_eq!((code, body["kind"].as_str()), (200, Some("PodMetricsList")), "{body}");
    let items = body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{body}");
    for item in items {
        assert_eq!(item["metadata"]["labels"]["training.kubeflow.org/job-name"], "vit");
        let cpu = item["containers"][0]["usage"]["cpu"].as_str().unwrap();
        let nano: f64 = cpu.trim_end_matches('n').parse().unwrap();
        assert!(nano > 5e9 && nano < 8e9, "{cpu}");
    }
    let (code, body) = get(&admin, &format!("{root}/nodes/cpu-0")).await;
    assert_eq!((code, body["kind"].as_str()), (200, Some("NodeMetrics")), "{body}");
    let (code, body) = get(&admin, &format!("{root}/namespaces/vision/pods/none")).await;
    assert_eq!((code, body["message"].as_str()), (404, Some("podmetrics.metrics.k8s.io \"vision/none\" not found")));
    let (code, body) = get(&tenant, &format!("{root}/nodes")).await;
    let said = "nodes.metrics.k8s.io is forbidden: User \"tenant\" cannot list resource \"nodes\" in API group \"metrics.k8s.io\" at the cluster scope";
    assert_eq!((code, body["message"].as_str()), (403, Some(said)));
    let (code, body) = get(&admin, root).await;
    assert_eq!((code, body["resources"][0]["verbs"].clone()), (200, serde_json::json!(["get", "list"])), "{body}");
    let table = ask(&admin, &Method::GET, &format!("{root}/namespaces/vision/pods"));
    let (_, body) = table.header("accept", "application/json;as=Table;g=meta.k8s.io;v=v1").answer().await;
    let columns: Vec<&str> =
        body["columnDefinitions"].as_array().unwrap().iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!((columns, body["rows"].as_array().unwrap().len()), (vec!["Name", "CPU", "Memory", "Window"], 3));
    assert_eq!(
        ask(&admin, &Method::DELETE, &format!("{root}/namespaces/vision/pods/vit-worker-0")).answer().await.0,
        405
    );
    sim.faults().set(Plan { no_metrics_server: true, ..Plan::default() });
    assert_eq!(get(&admin, &format!("{root}/nodes")).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn where_metrics_server_is_absent_nothing_tells_of_it() {
    let faults = Plan { no_metrics_server: true, ..Plan::default() };
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    let sim = Sim::start(Options { fleet: FleetKind::Empty, clock, faults, ..Options::new() }).await.unwrap();
    let admin = client(&sim, "admin").await;
    assert_eq!(get(&admin, "/apis/metrics.k8s.io/v1beta1/nodes").await.0, 404);
    let (_, groups) = get(&admin, "/apis").await;
    assert!(!groups.to_string().contains("metrics.k8s.io"));
}
