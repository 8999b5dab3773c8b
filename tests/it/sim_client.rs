//! A kube client over a sim's pipes, made as any in-process client must be, with nothing of the console's own.

use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use mpideck::sim::{Clock, Dial, FleetKind, Options, Sim};
use serde_json::{Value, json};
use tower::{BoxError, ServiceBuilder};

/// One request over a pipe of its own; an upgraded one keeps it.
async fn over_pipe(dial: Dial, mut request: Request<Body>) -> Result<Response<Incoming>, BoxError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(dial()?)).await?;
    tokio::spawn(connection.with_upgrades());
    let host = request.uri().authority().map_or("", Authority::as_str).parse()?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).parse()?;
    Ok(sender.send_request(request).await?)
}

/// An empty cluster on a clock that the test moves.
pub(crate) async fn empty() -> Sim {
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    Sim::start(Options { fleet: FleetKind::Still, clock, ..Options::new() }).await.unwrap()
}

/// A client of one of the sim's users.
pub(crate) async fn client(sim: &Sim, context: &str) -> Client {
    client_as(sim, context, |_| ()).await
}

/// As [`client`], with a change of its configuration.
pub(crate) async fn client_as(sim: &Sim, context: &str, change: impl FnOnce(&mut Config)) -> Client {
    let kubeconfig: Kubeconfig = serde_json::from_value(sim.kubeconfig()).unwrap();
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    change(&mut config);
    let dial = sim.dial();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().unwrap())
        .layer(config.extra_headers_layer().unwrap())
        .service(tower::service_fn(move |request| over_pipe(Arc::clone(&dial), request)));
    ClientBuilder::new(service, config.default_namespace).build()
}

/// One request as a program without a library makes it.
pub(crate) struct Asking<'c> {
    client: &'c Client,
    request: http::request::Builder,
    body: Vec<u8>,
}

/// Begins a request.
pub(crate) fn ask<'c>(client: &'c Client, method: &Method, path: &str) -> Asking<'c> {
    Asking { client, request: Request::builder().method(method).uri(path), body: Vec::new() }
}

impl Asking<'_> {
    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sends JSON.
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        if self.request.headers_ref().is_some_and(|h| !h.contains_key("content-type")) {
            self.request = self.request.header("content-type", "application/json");
        }
        self
    }

    /// Sends whatever it is.
    pub(crate) fn raw(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    /// The status and the body, as JSON where it is.
    pub(crate) async fn answer(self) -> (u16, Value) {
        let (code, body) = self.bytes().await;
        let text = || json!(String::from_utf8_lossy(&body));
        (code, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
    }

    /// The status and the bytes of the body.
    pub(crate) async fn bytes(self) -> (u16, Vec<u8>) {
        let (code, _, body) = self.whole().await;
        (code, body)
    }

    /// The status and the headers; what follows is not waited for.
    pub(crate) async fn head(self) -> (u16, http::HeaderMap) {
        let answer = self.client.send(self.request.body(Body::from(self.body)).unwrap()).await.unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    }

    /// The status, the headers and the bytes of the body.
    pub(crate) async fn whole(self) -> (u16, http::HeaderMap, Vec<u8>) {
        let answer = self.client.send(self.request.body(Body::from(self.body)).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        (head.status.as_u16(), head.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }
}

/// A GET.
pub(crate) async fn get(client: &Client, path: &str) -> (u16, Value) {
    ask(client, &Method::GET, path).answer().await
}

/// A namespace.
pub(crate) fn namespace(sim: &Sim, name: &str) {
    let value = json!({"metadata": {"name": name}});
    sim.store().create(&mpideck::sim::store::resource::NAMESPACES, value).unwrap();
}

/// A small valid MPIJob.
pub(crate) fn mpi_job(namespace: &str, name: &str) -> Value {
    let template = json!({"spec": {"containers": [{"name": "c", "image": "mpi:1"}]}});
    json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": name, "namespace": namespace},
        "spec": {"mpiReplicaSpecs": {"Launcher": {"template": template}, "Worker": {"replicas": 2, "template": template}}}})
}

/// A cluster of yesterday: the operators' older versions, and nothing under the newer ones.
#[tokio::test]
async fn older_versions_are_served_in_place_of_the_newer() {
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    let sim = Sim::start(Options { clock, old_apis: true, ..Options::new() }).await.unwrap();
    let client = client(&sim, "admin").await;
    for (old, new) in [
        ("/apis/kubeflow.org/v1/mpijobs", "/apis/kubeflow.org/v2beta1/mpijobs"),
        ("/apis/kueue.x-k8s.io/v1beta1/workloads", "/apis/kueue.x-k8s.io/v1beta2/workloads"),
    ] {
        let get = |path: &str| client.request::<Value>(Request::get(path).body(Vec::new()).unwrap());
        let list = get(old).await.unwrap();
        let items = list["items"].as_array().unwrap();
        let version = old.trim_start_matches("/apis/").rsplit_once('/').unwrap().0;
        assert_eq!(list["apiVersion"], version);
        let acted_on = items.iter().filter(|item| item["status"]["conditions"].is_array()).count();
        assert!(acted_on > 3, "{old}: {acted_on} of {}", items.len());
        assert!(get(new).await.is_err(), "{new}");
    }
}
