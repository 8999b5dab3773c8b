//! A cluster to test on, and what is needed to make things there: a client that may do everything, namespaces of our
//! own that are removed afterwards, users with few rights.

mod users;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use http::Method;
use kube::Client;
use mpideck::cluster::kubeconfig::{self, Loaded, Source};
use mpideck::cluster::target::Now;
use mpideck::cluster::{Dial, Target, connect};
use mpideck::jobs::Secs;
use mpideck::sim::{FleetKind, Options, Served, Sim};
use serde_json::{Value, json};

use super::cut::Forwarder;
use crate::sim_client::ask;

pub(super) use users::Rights;

/// Names the kubeconfig of a real server.
const REAL: &str = "MPIDECK_TEST_KUBECONFIG";

/// One cluster, one case.
pub(super) struct Place {
    kubeconfig: Arc<Loaded>,
    dial: Option<Dial>,
    now: Option<Now>,
    sim: Option<(Sim, Option<Served>)>,
    admin: Client,
    prefix: String,
    made: Mutex<Vec<String>>,
    /// Paths of what was made outside namespaces.
    roles: Mutex<Vec<String>>,
    /// The kubeconfig, where it is a file.
    file: Option<PathBuf>,
    /// Where the kubeconfig of a served sim is.
    _home: Option<tempfile::TempDir>,
    /// An operator acts on MPIJobs.
    pub(super) acting: bool,
}

fn prefix() -> String {
    format!("mpideck-suite-{:08x}", RandomState::new().build_hasher().finish() as u32)
}

impl Place {
    /// A sim in which nobody acts, by pipes.
    pub(super) async fn in_process() -> Self {
        Self::piped(FleetKind::Still).await
    }

    /// A sim with operators and kubelets, by pipes.
    pub(super) async fn in_process_acting() -> Self {
        Self { acting: true, ..Self::piped(FleetKind::Empty).await }
    }

    async fn piped(fleet: FleetKind) -> Self {
        let (sim, prefix) = sim(fleet).await;
        let (clock, dial) = (sim.clock(), sim.dial());
        let loaded = Loaded::from_value(sim.kubeconfig()).unwrap();
        let now: Now = Arc::new(move || Secs::from(clock.now()));
        Self::of(loaded, Some(dial), Some(now), Some((sim, None)), prefix, false).await
    }

    /// A sim with operators and kubelets, over TLS.
    pub(super) async fn over_tls() -> Self {
        Self { acting: true, ..Self::served(FleetKind::Empty).await }
    }

    /// A sim in which nobody acts, over TLS.
    pub(super) async fn served_still() -> Self {
        Self::served(FleetKind::Still).await
    }

    async fn served(fleet: FleetKind) -> Self {
        let (sim, prefix) = sim(fleet).await;
        let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let file = served.write_kubeconfig(home.path()).unwrap();
        let loaded = kubeconfig::load(&Source { explicit: Some(file.clone()), ..Source::default() }).unwrap();
        let place = Self::of(loaded, None, None, Some((sim, Some(served))), prefix, false).await;
        Self { _home: Some(home), file: Some(file), ..place }
    }

    /// The real server that the environment names; `None`, loudly, without it.
    #[allow(clippy::print_stderr, reason = "a skipped test says so")]
    pub(super) async fn real() -> Option<Self> {
        let Some(file) = std::env::var_os(REAL).filter(|v| !v.is_empty()) else {
            eprintln!("SKIPPED: {REAL} names no kubeconfig of a real API server");
            return None;
        };
        let file = PathBuf::from(file);
        let loaded = kubeconfig::load(&Source { explicit: Some(file.clone()), ..Source::default() }).unwrap();
        let contexts = loaded.contexts();
        let current = contexts.all.iter().find(|c| Some(&c.name) == contexts.current.as_ref());
        let server = current.expect("the kubeconfig has a current context").server.to_string();
        assert!(is_loopback(&server), "{REAL}: {server} is not on loopback; the suite makes and deletes things there");
        let mut place = Self::of(loaded, None, None, None, prefix(), false).await;
        place.file = std::path::absolute(file).ok();
        place.acting = place.finds_an_operator().await;
        eprintln!("on {server}, where {} acts on MPIJobs", if place.acting { "an operator" } else { "nobody" });
        Some(place)
    }

    async fn of(
        loaded: Loaded,
        dial: Option<Dial>,
        now: Option<Now>,
        sim: Option<(Sim, Option<Served>)>,
        prefix: String,
        acting: bool,
    ) -> Self {
        let kubeconfig = loaded.shared();
        let mut target = Target::new(Arc::clone(&kubeconfig));
        target.dial.clone_from(&dial);
        let admin = connect(target).await.unwrap().client().clone();
        let (made, roles) = (Mutex::default(), Mutex::default());
        Self { kubeconfig, dial, now, sim, admin, prefix, made, roles, file: None, _home: None, acting }
    }

    /// Runs a case and removes what it made, also when it fails.
    pub(super) async fn run(self, case: impl AsyncFnOnce(&Self)) {
        let result = AssertUnwindSafe(case(&self)).catch_unwind().await;
        if self.sim.is_none() {
            self.clean().await;
        }
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    }

    /// The user of the kubeconfig's current context, who may do everything.
    pub(super) fn admin(&self) -> Target {
        let mut target = Target::new(Arc::clone(&self.kubeconfig));
        target.dial.clone_from(&self.dial);
        target.now = self.now.clone().unwrap_or(target.now);
        target
    }

    /// A way to the cluster whose connections can be cut.
    pub(super) async fn cuttable(&self) -> (Target, Forwarder) {
        let mut target = self.admin();
        if let (Some((sim, None)), Some(_)) = (&self.sim, &self.dial) {
            return (target, Forwarder::of_sim(sim.faults()));
        }
        let (file, forwarder) = Forwarder::to(&self.kubeconfig).await;
        target.kubeconfig = file;
        (target, forwarder)
    }

    /// A namespace of our own. «own» is where users with few rights have them.
    pub(super) async fn namespace(&self, name: &str) -> String {
        let name = format!("{}-{name}", self.prefix);
        let path = "/api/v1/namespaces";
        let object = typed(path, &json!({"metadata": {"name": name}}));
        let (code, answer) = self.send(&Method::POST, path, &object).await;
        assert!(matches!(code, 201 | 409), "namespace {name}: {code} {answer}");
        self.made.lock().unwrap().push(name.clone());
        if self.sim.is_none() || self.acting {
            self.until_pods_are_let_in(&name).await;
        }
        name
    }

    /// A server refuses pods until a controller has made the namespace's service account.
    async fn until_pods_are_let_in(&self, namespace: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        for _ in 0..100 {
            if self.send(&Method::GET, &path, &Value::Null).await.0 == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// POST that must go well; the object as stored.
    pub(super) async fn make(&self, path: &str, object: &Value) -> Value {
        let (code, answer) = self.send(&Method::POST, path, &typed(path, object)).await;
        assert_eq!(code, 201, "POST {path}: {answer}");
        answer
    }

    /// DELETE, whether or not it is there.
    pub(super) async fn delete(&self, path: &str) {
        let now = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        let (code, answer) = self.send(&Method::DELETE, path, &now).await;
        assert!(matches!(code, 200 | 202 | 404), "DELETE {path}: {code} {answer}");
    }

    /// A merge patch of a status; whether it went well. Somebody may have deleted the object.
    pub(super) async fn patch_status(&self, path: &str, status: &Value) -> bool {
        let request = ask(&self.admin, &Method::PATCH, &format!("{path}/status"));
        let patch = json!({ "status": status });
        let request = request.header("content-type", "application/merge-patch+json");
        let (code, answer) = request.json(&patch).answer().await;
        assert!(matches!(code, 200 | 404 | 409), "PATCH {path}: {code} {answer}");
        code == 200
    }

    /// One request as the admin.
    pub(super) async fn send(&self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        ask(&self.admin, method, path).json(body).answer().await
    }

    /// One request as the admin, with these headers: status, headers and bytes of the answer.
    pub(super) async fn exchange(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> (u16, http::HeaderMap, Vec<u8>) {
        let request = ask(&self.admin, method, path).raw(body);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).whole().await
    }

    /// The kubeconfig for other programs.
    pub(super) fn kubeconfig(&self) -> &std::path::Path {
        self.file.as_deref().expect("a cluster in process has no file")
    }

    /// Whether it is the embedded cluster.
    pub(super) fn is_sim(&self) -> bool {
        self.sim.is_some()
    }

    /// The time there, as objects carry it.
    pub(super) fn stamp(&self) -> String {
        (self.admin().now)().to_string()
    }

    /// Makes a job and looks whether somebody does anything about it.
    async fn finds_an_operator(&self) -> bool {
        let namespace = self.namespace("probe").await;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let jobs = format!("/apis/kubeflow.org/v2beta1/namespaces/{namespace}/mpijobs");
        let (code, _) = self.send(&Method::POST, &jobs, &super::make::job(&namespace, "probe")).await;
        let mut found = false;
        for _ in 0..75 {
            let (_, list) = self.send(&Method::GET, &pods, &Value::Null).await;
            found = code == 201 && list["items"].as_array().is_some_and(|items| !items.is_empty());
            if found || code != 201 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        found
    }

    /// Removes all that was made. Pods have no kubelet that would end them: they go without grace, before the rest.
    async fn clean(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        let roles = std::mem::take(&mut *self.roles.lock().unwrap());
        for path in &roles {
            self.delete(path).await;
        }
        for namespace in &made {
            self.delete(&format!("/apis/kubeflow.org/v2beta1/namespaces/{namespace}/mpijobs")).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        for namespace in &made {
            self.delete(&format!("/apis/batch/v1/namespaces/{namespace}/jobs")).await;
            self.delete(&format!("/api/v1/namespaces/{namespace}/pods")).await;
            self.delete(&format!("/api/v1/namespaces/{namespace}")).await;
        }
    }
}

/// The object with the apiVersion and kind that belong to the path.
fn typed(path: &str, object: &Value) -> Value {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let version = if parts[0] == "api" { parts[1].to_owned() } else { format!("{}/{}", parts[1], parts[2]) };
    let kind = match parts[parts.len() - 1] {
        "namespaces" => "Namespace",
        "pods" => "Pod",
        "events" => "Event",
        "resourcequotas" => "ResourceQuota",
        "roles" => "Role",
        "rolebindings" => "RoleBinding",
        "clusterroles" => "ClusterRole",
        "clusterrolebindings" => "ClusterRoleBinding",
        "mpijobs" => "MPIJob",
        other => panic!("what kind is one of {other}?"),
    };
    let mut object = object.clone();
    object["apiVersion"] = json!(version);
    object["kind"] = json!(kind);
    object
}

async fn sim(fleet: FleetKind) -> (Sim, String) {
    let prefix = prefix();
    let options = Options { fleet, tenant_namespace: format!("{prefix}-own"), ..Options::new() };
    (Sim::start(options).await.unwrap(), prefix)
}

fn is_loopback(server: &str) -> bool {
    let Ok(uri) = server.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[test]
fn only_loopback_is_tested_on() {
    for server in ["https://127.0.0.1:6443", "https://localhost:1", "https://[::1]:6443"] {
        assert!(is_loopback(server), "{server}");
    }
    for server in ["https://10.0.0.1:6443", "https://localhost.example.com", "https://127.0.0.1.example.com", ""] {
        assert!(!is_loopback(server), "{server}");
    }
}
