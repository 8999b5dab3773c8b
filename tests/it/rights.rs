//! Few rights, credentials that end, and operators that come later: our own session against the sim.

use http::Method;
use mpideck::{
    cluster::{
        self, ProblemKind, Session, Target,
        discovery::discover,
        kubeconfig::Loaded,
        namespaces::{self, Namespaces},
    },
    sim::{
        Clock, FleetKind, Options, Sim,
        store::resource::{CLUSTERROLEBINDINGS, CLUSTERTRAININGRUNTIMES, CONFIGMAPS, NAMESPACES, ROLEBINDINGS, ROLES},
    },
};
use serde_json::{Value, json};

use crate::sim_client::{ask, client, empty, get, namespace};

const CONTROL: &str = "/mpideck-sim/faults";

async fn sim(fleet: FleetKind, projects: bool) -> Sim {
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    Sim::start(Options { fleet, clock, projects, ..Options::new() }).await.unwrap()
}

async fn session(sim: &Sim, context: &str) -> Session {
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared()).in_context(context);
    target.dial = Some(sim.dial());
    cluster::connect(target).await.unwrap()
}

async fn order(sim: &Sim, order: &Value) -> Value {
    let (code, said) = ask(&client(sim, "admin").await, &Method::POST, CONTROL).json(order).answer().await;
    assert_eq!(code, 200, "{said}");
    said
}

#[tokio::test]
async fn projects_are_what_one_may_see_where_namespaces_are_not() {
    for (projects, sees) in [(true, vec!["vision"]), (false, Vec::new())] {
        let sim = sim(FleetKind::Still, projects).await;
        namespace(&sim, "speech");
        let session = session(&sim, "tenant").await;
        let offer = discover(&session).await.unwrap();
        assert_eq!(offer.projects, projects);
        match namespaces::list(&session, &offer).await.unwrap() {
            Namespaces::Known(names) => {
                assert_eq!(names.iter().map(mpideck::jobs::Name::as_str).collect::<Vec<_>>(), sees);
            }
            Namespaces::Typed(ask) => assert!(sees.is_empty() && ask.as_str().contains("namespaces"), "{ask}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_ended_is_noticed_once_and_a_new_one_is_good() {
    let sim = sim(FleetKind::Still, false).await;
    let before = session(&sim, "viewer").await;
    discover(&before).await.unwrap();
    let said = order(&sim, &json!({"renew": "viewer"})).await;
    assert!(said["token"].is_string());
    assert_eq!(discover(&before).await.map(|_| ()).unwrap_err().kind, ProblemKind::Unauthorized);
    let why = tokio::time::timeout(std::time::Duration::from_secs(5), before.signed_out()).await.expect("noticed");
    assert_eq!(why.kind, ProblemKind::Unauthorized);
    discover(&session(&sim, "viewer").await).await.unwrap();
}

#[tokio::test]
async fn operators_that_are_installed_later_are_found() {
    let sim = sim(FleetKind::NoOperators, false).await;
    let session = session(&sim, "admin").await;
    assert!(discover(&session).await.unwrap().kinds.is_empty());
    order(&sim, &json!({"install": true})).await;
    assert!(!discover(&session).await.unwrap().kinds.is_empty());
}

/// A binding of a role to the tenant.
fn tenants(name: &str, namespace: &str, role: (&str, &str)) -> Value {
    let group = "rbac.authorization.k8s.io";
    json!({"metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": role.0, "name": role.1},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "tenant"}]})
}

#[tokio::test(start_paused = true)]
async fn a_right_in_a_namespace_reaches_nothing_outside() {
    let sim = empty().await;
    namespace(&sim, "speech");
    let store = sim.store();
    store.create(&CLUSTERTRAININGRUNTIMES, json!({"metadata": {"name": "torch"}, "spec": {}})).unwrap();
    store.create(&ROLEBINDINGS, tenants("all", "vision", ("ClusterRole", "cluster-admin"))).unwrap();
    let tenant = client(&sim, "tenant").await;
    let (read, write, take) = (&Method::GET, &Method::POST, &Method::DELETE);
    let grab = tenants("grab", "", ("ClusterRole", "cluster-admin"));
    for (method, path) in [
        (take, "/apis/trainer.kubeflow.org/v1alpha1/namespaces/vision/clustertrainingruntimes/torch"),
        (take, "/apis/trainer.kubeflow.org/v1alpha1/namespaces/vision/clustertrainingruntimes"),
        (
            read,
            "/apis/trainer.kubeflow.org/v1alpha1/namespaces/vision/clustertrainingruntimes?watch=1&timeoutSeconds=1",
        ),
        (read, "/apis/metrics.k8s.io/v1beta1/namespaces/vision/nodes"),
        (read, "/apis/visibility.kueue.x-k8s.io/v1beta2/namespaces/vision/clusterqueues/x/pendingworkloads"),
        (read, "/api/v1/namespaces/vision/nodes"),
        (read, "/api/v1/namespaces/vision/namespaces"),
        (read, "/api/v1/namespaces/vision/namespaces/speech"),
        (take, "/api/v1/namespaces/vision/namespaces/speech"),
        (write, "/apis/rbac.authorization.k8s.io/v1/namespaces/vision/clusterrolebindings"),
    ] {
        let (code, said) = ask(&tenant, method, path).json(&grab).answer().await;
        assert_eq!(code, 404, "{method} {path}: {said}");
    }
    assert!(store.get(&CLUSTERTRAININGRUNTIMES, "", "torch").is_ok());
    assert!(store.get(&NAMESPACES, "", "speech").is_ok());
    assert!(store.get(&CLUSTERROLEBINDINGS, "", "grab").is_err());
    for (path, code) in [("/api/v1/namespaces/vision", 200), ("/api/v1/namespaces/speech", 403), ("/api/v1/nodes", 403)]
    {
        assert_eq!(get(&tenant, path).await.0, code, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_to_one_name_is_none_to_delete_a_collection() {
    let sim = empty().await;
    namespace(&sim, "speech");
    let store = sim.store();
    store.create(&CONFIGMAPS, json!({"metadata": {"name": "a", "namespace": "speech"}})).unwrap();
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"], "verbs": ["list", "deletecollection"]}]);
    store.create(&ROLES, json!({"metadata": {"name": "one", "namespace": "speech"}, "rules": rules})).unwrap();
    store.create(&ROLEBINDINGS, tenants("one", "speech", ("Role", "one"))).unwrap();
    let tenant = client(&sim, "tenant").await;
    for (method, fields, expected) in [
        (&Method::GET, "metadata.name%3Da", 200),
        (&Method::GET, "metadata.namespace%3Dspeech,metadata.name%3D%3Da", 200),
        (&Method::GET, "metadata.name%3Db", 403),
        (&Method::GET, "", 403),
        (&Method::DELETE, "metadata.name%3Da", 403),
    ] {
        let path = format!("/api/v1/namespaces/speech/configmaps?fieldSelector={fields}");
        let (code, said) = ask(&tenant, method, &path).answer().await;
        assert_eq!(code, expected, "{method} {fields}: {said}");
    }
    assert!(store.get(&CONFIGMAPS, "speech", "a").is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_not_told_that_it_is_deprecated() {
    let sim = empty().await;
    namespace(&sim, "speech");
    let tenant = client(&sim, "tenant").await;
    for (place, expected, warned) in [("vision", 200, true), ("speech", 403, false)] {
        let path = format!("/api/v1/namespaces/{place}/endpoints");
        let (code, headers, _) = ask(&tenant, &Method::GET, &path).whole().await;
        assert_eq!((code, headers.contains_key("warning")), (expected, warned), "{place}");
    }
}
