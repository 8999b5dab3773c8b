//! Drafts end to end: what the cluster says before anything is sent, and that nothing is made by asking.

use http::Method;
use mpideck::console::model::Model;
use mpideck::console::model::draft::Live;
use mpideck::jobs::outlook::Outlook;
use mpideck::sim::{FleetKind, Options, Sim};
use serde_json::{Value, json};

use crate::deck::Deck;
use crate::sim_client::{ask, client, mpi_job};

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

const JOB: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs/pi";

/// Somebody else changes the job.
async fn meddle(sim: &Sim, patch: &Value) {
    let admin = client(sim, "admin").await;
    let (code, said) = ask(&admin, &Method::PATCH, JOB)
        .header("content-type", "application/merge-patch+json")
        .json(patch)
        .answer()
        .await;
    assert_eq!(code, 200, "{said}");
}

/// A console with the job's edit in place on its tab Configuration, once the job was read for it.
async fn editing(sim: &Sim) -> Deck {
    make(sim, "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs", &mpi_job("vision", "pi")).await;
    let mut deck = Deck::new(sim, "admin");
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    deck.keys("y");
    deck.until("its manifest is read", |model| model.page.as_ref().is_some_and(|page| page.object.ready().is_some()))
        .await;
    deck.keys("i");
    deck.until("it is edited", |model| live(model).is_some_and(|live| live.stored.is_some())).await;
    deck
}

fn live(model: &Model) -> Option<&Live> {
    model.draft()?.live.as_ref()
}

fn type_text(deck: &mut Deck, text: &str) {
    for c in text.chars() {
        deck.keys(&if c == ' ' { "space".to_owned() } else { c.to_string() });
    }
}

/// Puts this into the place of that in the text.
fn rewrite(deck: &mut Deck, what: &str) {
    deck.keys("ctrl-f");
    type_text(deck, what);
    deck.keys("enter");
}

fn workers(n: u32) -> Value {
    json!({"spec": {"mpiReplicaSpecs": {"Worker": {"replicas": n}}}})
}

#[tokio::test]
async fn a_living_job_is_edited_while_others_change_it_and_a_contradiction_is_decided() {
    let sim = empty().await;
    let mut deck = editing(&sim).await;
    rewrite(&mut deck, "s/replicas: 2/replicas: 3/");
    meddle(&sim, &json!({"metadata": {"labels": {"owner": "eva"}}})).await;
    deck.until("their change is in the text", |model| {
        model.draft().is_some_and(|draft| draft.editor.text().contains("owner: eva"))
    })
    .await;
    meddle(&sim, &workers(5)).await;
    deck.until("the contradiction is seen", |model| live(model).is_some_and(|live| live.conflicts.len() == 1)).await;
    deck.keys("ctrl-o enter");
    assert_eq!(live(&deck.model).map(|live| live.conflicts.len()), Some(1), "nothing is sent before it is decided");
    deck.keys("m enter");
    deck.until("it is changed", |model| model.draft().is_none() && model.changes.running.is_empty()).await;
    let (_, job) = ask(&client(&sim, "admin").await, &Method::GET, JOB).answer().await;
    assert_eq!(job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"], 3);
    assert_eq!(job["metadata"]["labels"]["owner"], "eva");
    assert!(deck.model.page.is_some(), "the page is where it was: {}", deck.screen());
}

#[tokio::test]
async fn a_change_that_the_console_has_not_seen_yet_is_not_overwritten() {
    let sim = empty().await;
    let mut deck = editing(&sim).await;
    rewrite(&mut deck, "s/replicas: 2/replicas: 3/");
    deck.keys("ctrl-o");
    // The console is told nothing between these: no step is taken.
    meddle(&sim, &workers(5)).await;
    deck.keys("enter");
    deck.until("it is refused and read again", |model| {
        model.draft().is_some_and(|draft| !draft.send.failed.is_empty())
            && live(model).is_some_and(|live| live.conflicts.len() == 1)
    })
    .await;
    assert!(deck.screen().contains("somebody changed the same fields meanwhile"), "{}", deck.screen());
    let (_, job) = ask(&client(&sim, "admin").await, &Method::GET, JOB).answer().await;
    assert_eq!(job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"], 5);
}

#[tokio::test]
async fn whether_a_job_starts_at_once_or_waits_is_told_on_the_last_page() {
    let sim = empty().await;
    let mut deck = on_the_last_page(&sim, "admin").await;
    let outlooks = |model: &Model| model.draft().map(|draft| draft.asked.outlooks.clone()).unwrap_or_default();
    deck.until("it is known", |model| outlooks(model).len() == 1).await;
    assert!(matches!(outlooks(&deck.model)[0], Outlook::Starts(_)), "{}", deck.screen());
    deck.keys("esc tab");
    rewrite(&mut deck, "s/replicas: 2/replicas: 90000/");
    deck.keys("ctrl-o");
    deck.until("it waits", |model| matches!(outlooks(model).first(), Some(Outlook::Waits(_)))).await;
    assert!(deck.screen().contains("find no room now"), "{}", deck.screen());
}

#[tokio::test]
async fn what_a_train_job_builds_on_is_read_once_while_one_types() {
    let sim = empty().await;
    let mut deck = Deck::new(&sim, "admin");
    deck.until("the cluster is there", |model| model.session.offered.is_some()).await;
    deck.keys("N");
    deck.until("templates are offered", |model| !model.overlays.is_empty()).await;
    type_text(&mut deck, "trainjob");
    deck.keys("enter tab");
    let read = || sim.counters().get("get", "clustertrainingruntimes");
    deck.until("the cluster has answered", told).await;
    assert_eq!(read(), 1, "{:?}", sim.counters().all());
    let first = deck.model.draft().map(|draft| draft.editor.version);
    deck.keys("end");
    type_text(&mut deck, " # mine");
    assert_ne!(deck.model.draft().map(|draft| draft.editor.version), first);
    deck.until("it has answered again", told).await;
    assert_eq!(read(), 1, "{:?}", sim.counters().all());
}
