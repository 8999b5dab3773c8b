//! Watches, faults and followed logs of the sim, under paused time.

use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ListParams, LogParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client};
use mpideck::sim::store::resource::{CONFIGMAPS, PODS};
use mpideck::sim::store::{DeleteOptions, Part};
use mpideck::sim::{Output, Outputs, Sim, Written};
use serde_json::{Value, json};

use crate::sim_client::{ask, client, empty, get};

fn map(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default"}})
}

fn set(sim: &Sim, name: &str, value: u32) {
    sim.store()
        .modify(&CONFIGMAPS, "default", name, Part::Main, |v| v["data"]["n"] = json!(value.to_string()))
        .unwrap();
}

fn remove(sim: &Sim, name: &str) {
    sim.store().delete(&CONFIGMAPS, "default", name, &DeleteOptions::default()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_watch_replays_goes_on_and_gets_bookmarks() {
    let sim = empty().await;
    let maps = Api::<ConfigMap>::namespaced(client(&sim, "viewer").await, "default");
    sim.store().create(&CONFIGMAPS, map("a")).unwrap();
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    set(&sim, "a", 1);
    let mut watch = maps.watch(&WatchParams::default(), &version).await.unwrap().boxed();
    assert!(matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Modified(_))));
    remove(&sim, "a");
    assert!(matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Deleted(_))));
    let Some(WatchEvent::Bookmark(mark)) = watch.try_next().await.unwrap() else { panic!("a bookmark in a minute") };
    assert_eq!(mark.metadata.resource_version, sim.store().version().to_string());
    sim.faults().cut_watches();
    assert!(watch.try_next().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_list_ends_its_first_part_with_a_bookmark() {
    let sim = empty().await;
    for n in 0..100 {
        sim.store().create(&CONFIGMAPS, map(&format!("m{n}"))).unwrap();
    }
    let admin = client(&sim, "admin").await;
    let path = "/api/v1/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=5";
    let (_, body) = ask(&admin, &Method::GET, path).bytes().await;
    let lines: Vec<Value> =
        String::from_utf8(body).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().filter(|l| l["type"] == "ADDED").count(), 100);
    let last = lines.last().unwrap();
    assert_eq!(last["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(last["type"], "BOOKMARK");
}

#[tokio::test(start_paused = true)]
async fn an_expired_watch_is_told_so_in_the_stream() {
    let sim = empty().await;
    let admin = client(&sim, "admin").await;
    let maps = Api::<ConfigMap>::all(admin.clone());
    let mut open = maps.watch(&WatchParams::default(), "4").await.unwrap().boxed();
    sim.faults().expire();
    assert!(matches!(open.try_next().await.unwrap(), Some(WatchEvent::Error(status)) if status.code == 410));
    assert!(open.try_next().await.unwrap().is_none());
    let (code, line) = get(&admin, "/api/v1/configmaps?watch=1&resourceVersion=4").await;
    let current = sim.store().version();
    assert_eq!(code, 200);
    assert_eq!(
        line,
        json!({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("too old resource version: 4 ({current})"), "reason": "Expired", "code": 410}})
    );
}

#[tokio::test(start_paused = true)]
async fn faults_are_set_by_the_admin_and_strike() {
    let sim = empty().await;
    let admin = client(&sim, "admin").await;
    let viewer = client(&sim, "viewer").await;
    let path = "/mpideck-sim/faults";
    let order = json!({"plan": {"throttle": 1.0, "latencyMs": 700}});
    assert_eq!(ask(&viewer, &Method::POST, path).json(&order).answer().await.0, 403);
    let (code, said) = ask(&admin, &Method::POST, path).json(&order).answer().await;
    assert_eq!((code, &said["plan"]["latencyMs"]), (200, &json!(700)));
    let before = tokio::time::Instant::now();
    let (code, busy) = get(&viewer, "/api/v1/pods").await;
    assert_eq!((code, busy["message"].as_str()), (429, Some("storage is (re)initializing")));
    assert!(before.elapsed() >= Duration::from_millis(700));
    sim.faults().set(mpideck::sim::faults::Plan { errors: 1.0, ..Default::default() });
    assert_eq!(get(&viewer, "/api/v1/pods").await.0, 500);
    sim.faults().set(mpideck::sim::faults::Plan::default());
    sim.faults().gone(Duration::from_mins(1));
    assert!(viewer.request_text(http::Request::get("/version").body(Vec::new()).unwrap()).await.is_err());
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(get(&viewer, "/version").await.0, 200);
    assert_eq!((sim.counters().get("list", "pods"), sim.counters().get("get", "/version")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rotated_log_has_its_newest_lines_alone() {
    let (sim, client) = talking_pod().await;
    sim.clock().sleep(Duration::from_secs(10)).await;
    sim.faults().set(mpideck::sim::faults::Plan { log_keeps_lines: 3, ..Default::default() });
    for (query, expected) in [("", "tick 7\ntick 8\ntick 9\n"), ("?tailLines=1", "tick 9\n")] {
        let path = format!("/api/v1/namespaces/default/pods/p/log{query}");
        let (_, body) = ask(&client, &Method::GET, &path).bytes().await;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}

/// kube's own reflector, while watches are cut, history is lost and the server refuses, is slow or away.
async fn reflected(seed: u64) {
    let sim = empty().await;
    let maps = Api::<ConfigMap>::all(client(&sim, "viewer").await);
    let (reader, writer) = reflector::store();
    let stream = watcher(maps, watcher::Config::default().page_size(7)).default_backoff();
    let task = tokio::spawn(reflector(writer, stream).for_each(|_| async {}));
    let mut chance = mpideck::sim::chance::Chance::new(seed);
    for step in 0..400 {
        let name = format!("m{}", chance.below(40));
        match sim.store().get(&CONFIGMAPS, "default", &name) {
            Err(_) => drop(sim.store().create(&CONFIGMAPS, map(&name)).unwrap()),
            Ok(_) if chance.below(3) == 0 => remove(&sim, &name),
            Ok(_) => set(&sim, &name, step),
        }
        let faults = sim.faults();
        match chance.below(40) {
            0 => faults.cut_watches(),
            1 => faults.expire(),
            2 => faults.gone(Duration::from_secs(chance.below(20))),
            3 => faults.set(mpideck::sim::faults::Plan {
                throttle: 0.5,
                errors: 0.3,
                unavailable: 0.1,
                unauthorized: 0.1,
                half_lines: 0.3,
                truncate: 0.3,
                latency_ms: 40,
                body_pause_ms: 5,
                ..Default::default()
            }),
            4 => faults.set(mpideck::sim::faults::Plan::default()),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(chance.below(2000))).await;
    }
    sim.faults().set(mpideck::sim::faults::Plan::default());
    tokio::time::sleep(Duration::from_mins(3)).await;
    let fresh = sim.store().list(&CONFIGMAPS, None, &mpideck::sim::store::Selector::default());
    let mut expected: Vec<(String, String)> =
        fresh.items.iter().map(|o| (o.name.to_string(), o.version.to_string())).collect();
    let of = |m: &Arc<ConfigMap>| (m.metadata.name.clone().unwrap(), m.metadata.resource_version.clone().unwrap());
    let mut seen: Vec<_> = reader.state().iter().map(of).collect();
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected, "seed {seed}");
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn after_quiet_a_reflector_equals_a_fresh_list_whatever_went_wrong() {
    let seeds = std::env::var("MPIDECK_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    for seed in 0..seeds {
        reflected(seed).await;
    }
}

/// A line a second from the start of time on; the container says what it likes.
struct Ticks(Timestamp);

impl Output for Ticks {
    fn written(&self, now: Timestamp) -> u64 {
        (now.as_second() - self.0.as_second()) as u64
    }

    fn line(&self, number: u64) -> (Timestamp, Written) {
        (self.0 + jiff::SignedDuration::from_secs(number as i64 + 1), format!("tick {number}").into())
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.line(self.written(now)).0)
    }
}

impl Outputs for Ticks {
    fn open(&self, _: &Value, _: &str, _: bool) -> Option<Arc<dyn Output>> {
        Some(Arc::new(Self(self.0)))
    }
}

async fn talking_pod() -> (Sim, Client) {
    let sim = empty().await;
    sim.set_outputs(Arc::new(Ticks(sim.clock().now())));
    let pod = json!({"metadata": {"name": "p", "namespace": "default"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "restartCount": 0, "state": {"running": {}}}]}});
    sim.store().seed(&PODS, pod).unwrap();
    let client = client(&sim, "viewer").await;
    (sim, client)
}

#[tokio::test(start_paused = true)]
async fn a_log_is_cut_as_asked() {
    let (sim, client) = talking_pod().await;
    sim.clock().sleep(Duration::from_secs(10)).await;
    for (query, expected) in [
        ("tailLines=2", "tick 8\ntick 9\n"),
        ("sinceSeconds=1", "tick 8\ntick 9\n"),
        ("sinceTime=2026-11-20T08:00:10Z&timestamps=true", "2026-11-20T08:00:10.000000000Z tick 9\n"),
        ("limitBytes=9", "tick 0\nti"),
        ("tailLines=0", ""),
        ("tailLines=2&container=c", "tick 8\ntick 9\n"),
    ] {
        let (code, body) =
            ask(&client, &Method::GET, &format!("/api/v1/namespaces/default/pods/p/log?{query}")).bytes().await;
        assert_eq!((code, String::from_utf8(body).unwrap().as_str()), (200, expected), "{query}");
    }
    for (query, expected) in [
        ("previous=true", "previous terminated container \"c\" in pod \"p\" not found"),
        ("container=x", "container x is not valid for pod p"),
    ] {
        let (code, body) = get(&client, &format!("/api/v1/namespaces/default/pods/p/log?{query}")).await;
        assert_eq!((code, body["message"].as_str().unwrap()), (400, expected));
    }
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff"}});
    sim.store()
        .modify(&PODS, "default", "p", Part::Status, |p| p["status"]["containerStatuses"][0]["state"] = waiting)
        .unwrap();
    let (code, body) = get(&client, "/api/v1/namespaces/default/pods/p/log").await;
    let said = "container \"c\" in pod \"p\" is waiting to start: trying and failing to pull image";
    assert_eq!((code, body["message"].as_str().unwrap()), (400, said));
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_comes_as_it_is_written_and_ends_with_the_container() {
    let (sim, client) = talking_pod().await;
    let pods = Api::<Pod>::namespaced(client, "default");
    let follow = LogParams { follow: true, ..LogParams::default() };
    let mut lines = pods.log_stream("p", &follow).await.unwrap().lines();
    for n in 0..5 {
        assert_eq!(lines.try_next().await.unwrap().unwrap(), format!("tick {n}"));
    }
    assert_eq!(sim.clock().stamp(), "2026-11-20T08:00:05Z");
    let over = json!({"terminated": {"exitCode": 0}});
    sim.store()
        .modify(&PODS, "default", "p", Part::Status, |p| p["status"]["containerStatuses"][0]["state"] = over)
        .unwrap();
    assert_eq!(lines.try_next().await.unwrap(), None);
}

/// Over a real port, in real time: nothing listens while the server is away, and it comes back where it was.
#[tokio::test]
async fn a_served_sim_that_is_away_refuses_connections_and_comes_back() {
    let sim = empty().await;
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let connect = || tokio::net::TcpStream::connect(served.addr);
    assert!(connect().await.is_ok());
    sim.faults().gone(Duration::from_millis(400));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(connect().await.is_err());
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(connect().await.is_ok());
    let addr = served.addr;
    drop(served);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "dropped means closed");
}
