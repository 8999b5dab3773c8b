//! Which source is found in which cluster, and what is said of those that were not.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::cluster::testing;

const PROXY: &str = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/status/buildinfo";

fn service(namespace: &str, name: &str, ports: &Value) -> Value {
    json!({"metadata": {"namespace": namespace, "name": name}, "spec": {"ports": ports}})
}

fn build() -> Value {
    json!({"status": "success", "data": {"version": "3.5.0"}})
}

/// What is found where `say` answers to paths; beside it the paths that were asked for.
async fn found_with(
    say: impl Fn(&str) -> Option<(u16, Value)> + Send + Sync + 'static,
    wish: &Wish,
    offer: &Offer,
    before: Option<Service>,
) -> (Found, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let session = testing::session(move |request| {
        log.lock().expect("not poisoned").push(request.uri().path().to_owned());
        match say(request.uri().path()) {
            Some((code, body)) => testing::answer(code, &body),
            None => testing::status(404, "services \"x\" not found"),
        }
    })
    .await;
    let target = Target::new(testing::kubeconfig().shared());
    let found = find(&target, &session, offer, wish, before).await;
    let asked = asked.lock().expect("not poisoned").clone();
    (found, asked)
}

fn with_metrics() -> Offer {
    let mut offer = Offer::default();
    offer.metrics = true;
    offer
}

#[tokio::test]
async fn a_service_that_answers_is_found_and_remembered() {
    let list = json!({"items": [
        service("a", "web", &json!([{"port": 80}])),
        service("monitoring", "prometheus-node-exporter", &json!([{"port": 9090}])),
        service("monitoring", "prometheus-operated", &json!([{"name": "web", "port": 9090}])),
        service("monitoring", "prometheus", &json!([{"name": "reloader", "port": 8080}, {"name": "web", "port": 9090}])),
    ]});
    let say = move |path: &str| match path {
        "/api/v1/services" => Some((200, list.clone())),
        PROXY => Some((200, build())),
        _ => None,
    };
    let (found, asked) = found_with(say, &Wish::default(), &with_metrics(), None).await;
    assert_eq!(found.source.title().as_str(), "Prometheus monitoring/prometheus:9090");
    assert_eq!(found.remember, Service::parse("monitoring/prometheus:9090"));
    assert_eq!(asked, ["/api/v1/services", PROXY], "the likeliest is asked first");
    let say = |path: &str| (path == PROXY).then(|| (200, build()));
    let (found, asked) = found_with(say, &Wish::default(), &with_metrics(), found.remember).await;
    assert_eq!((found.source.has_history(), asked), (true, vec![PROXY.to_owned()]), "then it is known");
}

#[tokio::test]
async fn who_may_not_list_services_finds_the_usual_ones() {
    let say = |path: &str| match path {
        "/api/v1/services" => Some((403, json!({"kind": "Status", "apiVersion": "v1", "code": 403, "message": "no"}))),
        PROXY => Some((200, build())),
        _ => None,
    };
    let (found, _) = found_with(say, &Wish::default(), &Offer::default(), None).await;
    assert_eq!(found.source.title().as_str(), "Prometheus monitoring/prometheus:9090");
}

#[tokio::test]
async fn without_one_metrics_server_is_used_and_it_is_said_why() {
    let refusal = "services \"prometheus:9090\" is forbidden: User \"u\" cannot get resource \"services/proxy\" in API group \"\" in the namespace \"monitoring\"";
    let list = json!({"items": [service("monitoring", "prometheus", &json!([{"port": 9090}]))]});
    let say = move |path: &str| match path {
        "/api/v1/services" => Some((200, list.clone())),
        _ => Some((403, json!({"kind": "Status", "apiVersion": "v1", "code": 403, "message": refusal}))),
    };
    let (found, _) = found_with(say, &Wish::default(), &with_metrics(), None).await;
    assert_eq!(found.source.title().as_str(), "metrics.k8s.io");
    let ask = found.tried[0].ask().expect("what to ask for");
    assert_eq!(ask.as_str(), "get services/proxy in namespace monitoring");
    let (found, _) = found_with(|_| None, &Wish::default(), &Offer::default(), None).await;
    assert_eq!(found.source.title().as_str(), "no source");
    assert!(found.tried[0].hint.as_str().contains("docs/metrics.md"), "{:?}", found.tried);
}

fn forbidden(path: &str) -> Value {
    let (namespace, name) = path
        .strip_prefix("/api/v1/namespaces/")
        .and_then(|rest| rest.split_once("/services/"))
        .map_or(("", "services"), |(namespace, rest)| (namespace, rest.split('/').next().unwrap_or_default()));
    let message = format!(
        "services \"{name}\" is forbidden: User \"u\" cannot get resource \"services/proxy\" in API group \"\" in the namespace \"{namespace}\""
    );
    json!({"kind": "Status", "apiVersion": "v1", "code": 403, "reason": "Forbidden", "message": message})
}

#[tokio::test]
async fn what_was_refused_is_named_and_a_guess_is_none() {
    // Nothing may be listed nor asked: whether there is one nobody knows.
    let (found, _) = found_with(|path| Some((403, forbidden(path))), &Wish::default(), &with_metrics(), None).await;
    let said = found.tried[0].to_string();
    assert!(said.contains("you may not list Services") && !said.contains("prometheus-k8s"), "{said}");
    assert_eq!(found.tried[0].ask().map(Clean::as_str), Some("get services/proxy in namespace monitoring"));
    // One of the usual ones answers, if only that it has nobody behind it: that one is there.
    let say = |path: &str| match path {
        PROXY => Some((
            503,
            json!({"kind": "Status", "apiVersion": "v1", "code": 503, "message": "no endpoints available for service \"prometheus\""}),
        )),
        path => Some((403, forbidden(path))),
    };
    let (found, _) = found_with(say, &Wish::default(), &with_metrics(), None).await;
    assert!(found.tried[0].to_string().contains("no endpoints available"), "{}", found.tried[0]);
    // The one that was found the last time may not be asked any more.
    let before = Service::parse("obs/prom:9090");
    let say = |path: &str| (path != "/api/v1/services").then(|| (403, forbidden(path)));
    let (found, _) = found_with(say, &Wish::default(), &with_metrics(), before).await;
    assert_eq!(found.tried[0].ask().map(Clean::as_str), Some("get services/proxy in namespace obs"));
}

#[tokio::test]
async fn what_is_no_prometheus_is_not_taken_for_one() {
    let list = json!({"items": [service("monitoring", "prometheus", &json!([{"port": 9090}]))]});
    let say = move |path: &str| match path {
        "/api/v1/services" => Some((200, list.clone())),
        _ => Some((200, json!({"status": "ok"}))),
    };
    let (found, _) = found_with(say, &Wish::default(), &with_metrics(), None).await;
    assert!(!found.source.has_history());
}

#[tokio::test]
async fn off_is_off() {
    let wish = Wish { prometheus: Where::Off, ..Wish::default() };
    let (found, asked) = found_with(|_| Some((200, build())), &wish, &with_metrics(), None).await;
    assert_eq!((found.source.title().as_str(), asked.len()), ("metrics.k8s.io", 0));
}

#[tokio::test]
async fn a_service_from_the_settings_is_the_only_one_asked() {
    let wish = Wish { prometheus: Where::parse("m/p:9090").expect("a service"), ..Wish::default() };
    let (found, asked) = found_with(|_| None, &wish, &with_metrics(), None).await;
    assert_eq!(asked, ["/api/v1/namespaces/m/services/p:9090/proxy/api/v1/status/buildinfo"]);
    assert_eq!((found.source.title().as_str(), found.tried.len()), ("metrics.k8s.io", 1));
}
