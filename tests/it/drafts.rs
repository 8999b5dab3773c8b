//! Drafts end to end: what the cluster says before anything is sent, and that nothing is made by asking.

use http::Method;
use mpideck::console::model::Model;
use mpideck::sim::{FleetKind, Options, Sim};
use serde_json::{Value, json};

use crate::deck::Deck;
use crate::sim_client::{ask, client};

async fn empty() -> Sim {
    Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap()
}

async fn make(sim: &Sim, path: &str, object: &Value) {
    let (code, said) = ask(&client(sim, "admin").await, &Method::POST, path).json(object).answer().await;
    assert_eq!(code, 201, "{said}");
}

/// A console of this user with a draft from the first template, on its last page.
async fn on_the_last_page(sim: &Sim, user: &str) -> Deck {
    let mut deck = Deck::new(sim, user);
    deck.until("the cluster is there", |model| model.session.offered.is_some()).await;
    deck.keys("N");
    deck.until("templates are offered", |model| !model.overlays.is_empty()).await;
    deck.keys("enter ctrl-o");
    deck
}

/// All was asked and answered, and the text itself was looked at.
fn told(model: &Model) -> bool {
    model.draft().is_some_and(|draft| {
        draft.asked.question.is_some() && !draft.asked.is_out() && draft.checked.1 == Some(draft.editor.version)
    })
}

fn made(sim: &Sim) -> u64 {
    sim.counters().get("create", "mpijobs") + sim.counters().get("create", "pods")
}

#[tokio::test]
async fn a_refusal_and_a_quota_are_shown_before_anything_is_sent() {
    let sim = empty().await;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}});
    make(&sim, "/api/v1/namespaces/vision/resourcequotas", &quota).await;
    let mut deck = on_the_last_page(&sim, "admin").await;
    deck.until("the cluster has answered", told).await;
    let screen = deck.screen();
    assert!(screen.contains("quota few leaves 2 of 2 in vision"), "{screen}");
    deck.keys("enter");
    assert!(deck.screen().contains("The checks say: pods refused"), "{}", deck.screen());
    let mut deck = on_the_last_page(&sim, "viewer").await;
    deck.until("the cluster has answered", told).await;
    let screen = deck.screen();
    assert!(screen.contains("can't create resource \"mpijobs\""), "{screen}");
    assert_eq!(made(&sim), 0, "{:?}", sim.counters().all());
    assert!(sim.counters().get("dry-run create", "pods") >= 2, "{:?}", sim.counters().all());
}

#[tokio::test]
async fn enter_pressed_at_once_sends_what_the_cluster_has_nothing_against() {
    let sim = empty().await;
    let mut deck = on_the_last_page(&sim, "admin").await;
    deck.keys("enter");
    assert_eq!(made(&sim), 0, "it waits for the answers");
    deck.until("it is made and its page is open", |model| model.draft().is_none() && model.page.is_some()).await;
}
