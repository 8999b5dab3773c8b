//! Few rights, credentials that end, and operators that come later: our own session against the sim.

use http::Method;
use mpideck::{
    cluster::{
        self, ProblemKind, Session, Target,
        discovery::discover,
        kubeconfig::Loaded,
        namespaces::{self, Namespaces},
    },
    sim::{Clock, FleetKind, Options, Sim},
};
use serde_json::{Value, json};

use crate::sim_client::{ask, client, namespace};

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
