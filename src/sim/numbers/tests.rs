use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::sim::clock::Clock;
use crate::sim::output::{Meter, Output, Usage};
use crate::sim::store::resource::{NAMESPACES, NODES, PODS};
use crate::sim::store::{DeleteOptions, resource};

/// Runs from a moment on, with a core and half a GPU.
struct Steady(Timestamp);

impl Meter for Steady {
    fn usage(&self, at: Timestamp) -> Option<Usage> {
        let usage = Usage {
            gpu: 50.0,
            gpu_memory: 10.0,
            power: 200.0,
            temperature: 50.0,
            cpu: 1.0,
            memory: 2.0,
            xid: 0.0,
            hot: 0.0,
        };
        (at >= self.0).then_some(usage)
    }

    fn used(&self, at: Timestamp) -> Option<Usage> {
        self.usage(at).map(|usage| Usage::default().plus(usage, at.duration_since(self.0).as_secs_f64()))
    }
}

struct Meters;

impl Outputs for Meters {
    fn open(&self, _: &Value, _: &str, _: bool) -> Option<Arc<dyn Output>> {
        None
    }

    fn meter(&self, pod: &Value) -> Option<Arc<dyn Meter>> {
        let started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].as_str()?;
        Some(Arc::new(Steady(started.parse().ok()?)))
    }
}

fn pod(name: &str, gpus: u32, made: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "ml", "uid": format!("uid-{name}"), "creationTimestamp": made},
        "spec": {"nodeName": "gpu-1", "containers": [{"name": "worker", "image": "i:1",
            "resources": {"limits": {"nvidia.com/gpu": gpus.to_string(), "cpu": "8", "memory": "64Gi"}}}]},
        "status": {"phase": "Running", "startTime": made,
            "containerStatuses": [{"name": "worker", "restartCount": 0, "containerID": "containerd://abc", "state": {"running": {"startedAt": made}}}]},
    })
}

/// Two pods on a node with four GPUs, at half past eight; `late` came at 8:20.
fn cluster() -> Numbers {
    let store = Store::new(Clock::manual("2026-11-20T08:30:00Z".parse().unwrap()), 1);
    for served in resource::of_age(false) {
        store.serve(served);
    }
    let status = json!({"capacity": {"nvidia.com/gpu": "4", "cpu": "64"}, "allocatable": {"nvidia.com/gpu": "4", "cpu": "63"},
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}], "conditions": [{"type": "Ready", "status": "True"}]});
    let labels = json!({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"});
    store.seed(&NAMESPACES, json!({"metadata": {"name": "ml"}})).unwrap();
    store.seed(&NODES, json!({"metadata": {"name": "gpu-1", "labels": labels}, "status": status})).unwrap();
    store.seed(&PODS, pod("early", 2, "2026-11-20T08:00:00Z")).unwrap();
    store.seed(&PODS, pod("late", 1, "2026-11-20T08:20:00Z")).unwrap();
    Numbers::new(store, Arc::new(Meters))
}

fn ask(numbers: &Numbers, path: &str, params: &[(&str, &str)], labels: GpuLabels) -> (u16, Value) {
    let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    match numbers.prometheus(&Asking { path: path.to_owned(), params }, labels, false) {
        Answered::Json(code, body) => (code, body),
        Answered::Text(code, body) => (code, json!(body)),
    }
}

/// The values of an instant query by the labels `by`.
fn values(numbers: &Numbers, query: &str, by: &str) -> Vec<(String, String)> {
    let (code, body) = ask(numbers, "/api/v1/query", &[("query", query)], GpuLabels::Exported);
    assert_eq!(code, 200, "{body}");
    let all = body["data"]["result"].as_array().unwrap().iter();
    all.map(|s| (s["metric"][by].as_str().unwrap_or_default().to_owned(), s["value"][1].as_str().unwrap().to_owned()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn exporters_say_what_runs() {
    let page = cluster().page("", GpuLabels::Exported);
    for line in [
        "# TYPE DCGM_FI_DEV_GPU_UTIL gauge",
        "# TYPE container_cpu_usage_seconds_total counter",
        "container_cpu_usage_seconds_total{container=\"worker\",cpu=\"total\",id=\"/kubepods.slice/kubepods-poduid_early.slice/cri-containerd-abc.scope\",image=\"i:1\",name=\"abc\",namespace=\"ml\",pod=\"early\"} 1800",
        "container_memory_working_set_bytes{id=\"/kubepods.slice/kubepods-poduid_early.slice\",namespace=\"ml\",pod=\"early\"} 2147483648",
        "kube_pod_status_phase{namespace=\"ml\",phase=\"Running\",pod=\"late\",uid=\"uid-late\"} 1",
        "kube_pod_container_resource_limits{container=\"worker\",namespace=\"ml\",node=\"gpu-1\",pod=\"late\",resource=\"nvidia_com_gpu\",uid=\"uid-late\",unit=\"integer\"} 1",
        "kube_node_status_allocatable{node=\"gpu-1\",resource=\"cpu\",unit=\"core\"} 63",
    ] {
        assert!(page.contains(&format!("{line}\n")), "{line}\nis not in\n{page}");
    }
    let gpus: Vec<&str> = page.lines().filter(|line| line.starts_with("DCGM_FI_DEV_FB_FREE{")).collect();
    assert_eq!(gpus.len(), 4, "{gpus:?}");
    assert_eq!(gpus.iter().filter(|line| line.contains("pod=\"early\"")).count(), 2, "{gpus:?}");
    assert!(gpus.iter().all(|line| line.contains("modelName=\"NVIDIA H100 80GB HBM3\"")), "{gpus:?}");
    let only = cluster().page("kube-state", GpuLabels::Exported);
    assert!(only.contains("kube_pod_info") && !only.contains("DCGM") && !only.contains("container_cpu_usage"));
    assert!(!cluster().page("dcgm", GpuLabels::None).contains("pod="));
}

#[tokio::test(start_paused = true)]
async fn the_past_can_be_asked_for_but_nothing_before_it_began() {
    let numbers = cluster();
    let at = |time: &str, query: &str| {
        let (_, body) = ask(&numbers, "/api/v1/query", &[("query", query), ("time", time)], GpuLabels::Plain);
        body["data"]["result"].as_array().unwrap().len()
    };
    let util = "DCGM_FI_DEV_GPU_UTIL{namespace=\"ml\"}";
    let times = ["2026-11-20T07:59:00Z", "2026-11-20T08:01:00Z", "2026-11-20T08:21:00Z", "2026-11-20T08:30:00Z"];
    assert_eq!(times.map(|time| at(time, util)), [0, 2, 3, 3]);
    let params = [
        ("query", "rate(container_cpu_usage_seconds_total{pod=\"late\",container!=\"\"}[2m])"),
        ("start", "2026-11-20T08:00:00Z"),
        ("end", "2026-11-20T08:30:00Z"),
        ("step", "1m"),
    ];
    let (code, body) = ask(&numbers, "/api/v1/query_range", &params, GpuLabels::Plain);
    let points = body["data"]["result"][0]["values"].as_array().unwrap();
    assert_eq!(code, 200);
    assert!(points.len() >= 9 && points.len() <= 10, "{points:?}");
    assert!(points[0][0].as_f64().unwrap() > 1_795_162_800.0, "{points:?}");
    let last: f64 = points.last().unwrap()[1].as_str().unwrap().parse().unwrap();
    assert!((last - 1.0).abs() < 1e-6, "one core: {last}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_has_its_past_and_its_gpus_are_free_again() {
    let numbers = cluster();
    assert_eq!(values(&numbers, "count by (exported_pod) (DCGM_FI_DEV_GPU_UTIL)", "exported_pod").len(), 3);
    tokio::time::advance(Duration::from_mins(1)).await;
    numbers.store.delete(&PODS, "ml", "early", &DeleteOptions { grace: Some(0), ..DeleteOptions::default() }).unwrap();
    tokio::time::advance(Duration::from_mins(10)).await;
    let pods = "count by (exported_pod) (DCGM_FI_DEV_GPU_UTIL";
    assert_eq!(
        values(&numbers, &format!("{pods})"), "exported_pod"),
        [(String::new(), "3".to_owned()), ("late".to_owned(), "1".to_owned())]
    );
    let before = values(&numbers, &format!("{pods} offset 11m)"), "exported_pod");
    assert!(before.contains(&("early".to_owned(), "2".to_owned())), "{before:?}");
    numbers.store.seed(&PODS, pod("next", 3, "2026-11-20T08:40:00Z")).unwrap();
    tokio::time::advance(Duration::from_mins(1)).await;
    let there = values(&numbers, &format!("{pods})"), "exported_pod");
    assert_eq!(there, [("late".to_owned(), "1".to_owned()), ("next".to_owned(), "3".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn gpu_series_tell_whose_they_are_in_three_ways() {
    let numbers = cluster();
    let metric = |labels: GpuLabels| {
        let query = "topk(1, DCGM_FI_DEV_FB_USED)";
        let (_, body) = ask(&numbers, "/api/v1/query", &[("query", query)], labels);
        body["data"]["result"][0]["metric"].clone()
    };
    let exported = metric(GpuLabels::Exported);
    assert_eq!(
        (exported["exported_namespace"].as_str(), exported["namespace"].as_str()),
        (Some("ml"), Some("gpu-operator"))
    );
    let plain = metric(GpuLabels::Plain);
    assert_eq!((plain["namespace"].as_str(), plain["exported_pod"].as_str()), (Some("ml"), None));
    let none = metric(GpuLabels::None);
    assert_eq!((none["namespace"].as_str(), none["exported_pod"].as_str()), (Some("gpu-operator"), None));
    assert_eq!((none["Hostname"].as_str(), none["gpu"].is_string()), (Some("gpu-1"), true));
}

#[tokio::test(start_paused = true)]
async fn the_api_is_that_of_prometheus() {
    let numbers = cluster();
    let ask = |path: &str, params: &[(&str, &str)]| ask(&numbers, path, params, GpuLabels::Plain);
    let (code, body) = ask("/api/v1/query", &[("query", "sum(")]);
    assert_eq!((code, body["errorType"].as_str(), body["status"].as_str()), (400, Some("bad_data"), Some("error")));
    let (code, body) = ask("/api/v1/query", &[("query", "histogram_quantile(0.5, up)")]);
    assert_eq!((code, body["errorType"].as_str()), (422, Some("execution")));
    let (_, body) = ask("/api/v1/query", &[("query", "1/0"), ("time", "1763625600.5")]);
    assert_eq!(body["data"], json!({"resultType": "scalar", "result": [1_763_625_600.5, "+Inf"]}));
    let (_, body) = ask("/api/v1/label/pod/values", &[("match[]", "kube_pod_info")]);
    assert_eq!(body["data"], json!(["early", "late"]));
    let (_, body) = ask("/api/v1/labels", &[("match[]", "kube_node_info")]);
    assert_eq!(body["data"], json!(["__name__", "instance", "internal_ip", "job", "node"]));
    let (_, body) = ask("/api/v1/series", &[("match[]", "kube_pod_info{pod=\"late\"}")]);
    assert_eq!(body["data"][0]["uid"], "uid-late");
    let (_, body) = ask("/api/v1/metadata", &[("metric", "DCGM_FI_DEV_GPU_TEMP")]);
    assert_eq!(body["data"]["DCGM_FI_DEV_GPU_TEMP"][0]["type"], "gauge");
    let (_, body) = ask("/api/v1/status/buildinfo", &[]);
    assert!(body["data"]["version"].is_string());
    for (path, params, code) in [
        ("/api/v1/nothing", &[][..], 404),
        ("/api/v1/series", &[], 400),
        ("/api/v1/query_range", &[("query", "up"), ("start", "0"), ("end", "1")], 400),
        ("/api/v1/query_range", &[("query", "up"), ("start", "0"), ("end", "99999"), ("step", "1")], 400),
        ("/api/v1/query_range", &[("query", "up"), ("start", "9"), ("end", "1"), ("step", "1")], 400),
        ("/api/v1/query", &[("query", "up"), ("time", "soon")], 400),
        ("/-/ready", &[], 200),
    ] {
        assert_eq!(ask(path, params).0, code, "{path} {params:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_says_nothing_more() {
    let numbers = cluster();
    let status = json!({"capacity": {"nvidia.com/gpu": "4"}, "conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-11-20T08:25:00Z"}]});
    let node = json!({"metadata": {"name": "gpu-1"}, "status": status});
    numbers.store.delete(&NODES, "", "gpu-1", &DeleteOptions::default()).unwrap();
    numbers.store.seed(&NODES, node).unwrap();
    assert_eq!(values(&numbers, "count(DCGM_FI_DEV_GPU_UTIL)", ""), []);
    assert_eq!(values(&numbers, "count(DCGM_FI_DEV_GPU_UTIL offset 6m)", "").len(), 1);
    assert_eq!(values(&numbers, "up{job=\"kubelet\"}", "node"), [("gpu-1".to_owned(), "0".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn metrics_server_needs_two_looks() {
    let numbers = cluster();
    numbers.store.seed(&PODS, pod("fresh", 0, "2026-11-20T08:29:50Z")).unwrap();
    let of = |name: &str| {
        let pod = numbers.store.get(&PODS, "ml", name).unwrap();
        numbers.resources().of_pod(&pod.uid, &Value::Null)
    };
    let late = of("late").unwrap();
    assert_eq!(late["containers"], json!([{"name": "worker", "usage": {"cpu": "1000000000n", "memory": "2097152Ki"}}]));
    assert_eq!((late["timestamp"].as_str(), late["window"].as_str()), (Some("2026-11-20T08:30:00Z"), Some("15s")));
    assert_eq!(of("fresh"), None);
    let node = numbers.resources().of_node("gpu-1", &Value::Null).unwrap();
    assert_eq!(node["usage"]["cpu"], "2310000000n");
    tokio::time::advance(Duration::from_secs(15)).await;
    assert!(of("fresh").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_pod_sees_its_own_gpus() {
    let numbers = cluster();
    let held = |name: &str| {
        let pod = numbers.store.get(&PODS, "ml", name).unwrap();
        numbers.gpus_of(&pod.uid)
    };
    let (early, late) = (held("early"), held("late"));
    assert_eq!((early.len(), late.len()), (2, 1));
    assert!(early.iter().all(|gpu| gpu.uuid != late[0].uuid));
    let query = "DCGM_FI_DEV_FB_USED{exported_pod=\"late\"}";
    assert_eq!(values(&numbers, query, "UUID"), [(late[0].uuid.clone(), late[0].state.used.to_string())]);
}
