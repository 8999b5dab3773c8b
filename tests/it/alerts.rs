//! A program that is told of alerts and makes changes is one itself: let in by the gate, and in the change log.

use std::path::Path;

use http::Method;
use mpideck::config::{AlertSettings, Paths, context::ContextSettings};
use mpideck::sim::{FleetKind, Options, Sim};

use crate::deck::Deck;
use crate::sim_client::{ask, client, mpi_job};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";

/// A pinned job that somebody else deletes, on a console whose alerts run a program that makes changes.
async fn told(home: &Path, read_only: bool) -> (Sim, Deck) {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap();
    let admin = client(&sim, "admin").await;
    let (code, said) = ask(&admin, &Method::POST, JOBS).json(&mpi_job("vision", "pi")).answer().await;
    assert_eq!(code, 201, "{said}");
    let mut deck = Deck::with(&sim, "admin", |start| {
        let settings = ContextSettings { read_only: Some(read_only), ..ContextSettings::default() };
        start.config.contexts.insert("admin".to_owned(), settings);
        start.paths = Some(Paths { config: home.to_owned(), state: home.to_owned() });
    });
    let command = vec!["touch".to_owned(), home.join("told").display().to_string()];
    deck.model.alert.settings = AlertSettings { command, changes: true, ..AlertSettings::default() };
    deck.until("the job is there", |model| model.session.has_read() && !model.fleet.find("vision", "pi").is_empty())
        .await;
    deck.keys("g P");
    let (code, said) = ask(&admin, &Method::DELETE, &format!("{JOBS}/pi")).answer().await;
    assert_eq!(code, 200, "{said}");
    (sim, deck)
}

#[tokio::test]
async fn a_program_that_makes_changes_is_a_change_and_read_only_keeps_it_once() {
    let home = tempfile::tempdir().unwrap();
    let (_sim, mut deck) = told(home.path(), false).await;
    let ran = home.path().join("told");
    deck.until("it ran", |_| ran.exists()).await;
    deck.keys("A c");
    let logged = |model: &mpideck::console::Model| match &model.changes.log {
        Some(Ok(log)) => log.iter().any(|entry| entry.verb.as_str() == "command"),
        _ => false,
    };
    deck.until("it is in the change log", logged).await;

    let home = tempfile::tempdir().unwrap();
    let (_sim, mut deck) = told(home.path(), true).await;
    let kept = |model: &mpideck::console::Model| {
        let said = "alert-command makes changes and is not run: context admin is read-only";
        model.notices.iter().any(|notice| notice.text.as_str().contains(said))
    };
    deck.until("it is said that it is kept from running", kept).await;
    assert!(!home.path().join("told").exists(), "read-only holds");
}
