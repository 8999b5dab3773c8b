//! A program that is told of alerts and makes changes is one itself: let in by the gate, and in the change log.

use std::path::Path;

use http::Method;
use mpideck::config::{AlertSettings, Paths, context::ContextSettings};
use mpideck::console::Model;
use mpideck::sim::{FleetKind, Options, Sim};

use crate::deck::Deck;
use crate::sim_client::{ask, client, mpi_job};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";

/// Pinned jobs that somebody else deletes, on a console whose alerts run a program that makes changes.
async fn told(home: &Path, read_only: bool, jobs: &[&str]) -> (Sim, Deck) {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap();
    for job in jobs {
        send(&sim, job).await;
    }
    let mut deck = Deck::with(&sim, "admin", |start| {
        let settings = ContextSettings { read_only: Some(read_only), ..ContextSettings::default() };
        start.config.contexts.insert("admin".to_owned(), settings);
        start.paths = Some(Paths { config: home.to_owned(), state: home.to_owned() });
    });
    let command = vec!["touch".to_owned(), home.join("told").display().to_string()];
    deck.model.alert.settings = AlertSettings { command, changes: true, ..AlertSettings::default() };
    let are_there = |model: &Model| jobs.iter().all(|job| !model.fleet.find("vision", job).is_empty());
    deck.until("the jobs are there", |model| model.session.has_read() && are_there(model)).await;
    deck.keys("g");
    for _ in jobs {
        deck.keys("P down");
    }
    assert_eq!(deck.model.record.pinned.len(), jobs.len(), "each is pinned");
    let admin = client(&sim, "admin").await;
    for job in jobs {
        let (code, said) = ask(&admin, &Method::DELETE, &format!("{JOBS}/{job}")).answer().await;
        assert_eq!(code, 200, "{said}");
    }
    (sim, deck)
}

async fn send(sim: &Sim, job: &str) {
    let admin = client(sim, "admin").await;
    let (code, said) = ask(&admin, &Method::POST, JOBS).json(&mpi_job("vision", job)).answer().await;
    assert_eq!(code, 201, "{said}");
}

/// How often something that says this was told.
fn times(model: &Model, said: &str) -> u32 {
    let of = model.notices.iter().filter(|notice| notice.text.as_str().contains(said));
    of.map(|notice| notice.times).sum()
}

#[tokio::test]
async fn a_program_that_makes_changes_is_a_change_and_read_only_keeps_it_once() {
    let home = tempfile::tempdir().unwrap();
    let (_sim, mut deck) = told(home.path(), false, &["pi"]).await;
    let ran = home.path().join("told");
    deck.until("it ran", |_| ran.exists()).await;
    deck.keys("A c");
    let logged = |model: &Model| match &model.changes.log {
        Some(Ok(log)) => log.iter().any(|entry| entry.verb.as_str() == "command"),
        _ => false,
    };
    deck.until("it is in the change log", logged).await;

    let home = tempfile::tempdir().unwrap();
    let (sim, mut deck) = told(home.path(), true, &["pi", "tau"]).await;
    let are_told = |model: &Model| ["pi", "tau"].iter().all(|job| times(model, &format!("vision/{job}: deleted")) == 1);
    deck.until("both jobs are told of", are_told).await;
    // What was begun for the second has been tried, and told if there was anything to tell, before a later job comes in.
    send(&sim, "later").await;
    deck.until("a later job", |model| !model.fleet.find("vision", "later").is_empty()).await;
    let kept = times(&deck.model, "alert-command makes changes and is not run: context admin is read-only");
    assert_eq!(kept, 1, "once for all of them");
    assert!(!home.path().join("told").exists(), "read-only holds");
}
