//! What was measured of a job up to its end, from the embedded Prometheus into its record and back on its page.

use std::time::Duration;

use mpideck::console::message::Message;
use mpideck::console::model::{Model, overlay::Overlay};
use mpideck::disk::records::{Bounds, Records};
use mpideck::sim::{FleetKind, Options, Sim, scenario};

use crate::deck::{Deck, PATIENCE};

/// A cluster in which a scenario has just been lived, by the clock on the wall.
async fn just_lived(name: &str) -> Sim {
    let (file, text) = scenario::text(name).unwrap();
    let seconds = scenario::scenario(name).unwrap().unwrap().seconds;
    let fleet = FleetKind::Scenario { file, text };
    Sim::start(Options { fleet, lived: Duration::from_secs_f64(seconds), ..Options::new() }).await.unwrap()
}

/// Whether numbers are in some record.
fn are_kept(records: &Records) -> bool {
    let all = records.list(None).unwrap_or_default();
    all.iter().any(|one| records.numbers_in(&one.dir).is_ok_and(|kept| kept.is_some()))
}

#[tokio::test]
async fn what_was_measured_up_to_the_end_of_a_job_is_in_its_record() {
    let sim = just_lived("gpu-leak").await;
    let home = tempfile::tempdir().unwrap();
    let records = Records::new(home.path().join("records"), Bounds::default());
    let mut deck = Deck::with(&sim, "admin", |start| {
        start.records = Some(records.clone());
        start.scope = None;
    });
    let has_ended = |model: &Model| model.fleet.jobs().any(|job| job.derived.finished.is_some());
    deck.until("the job has ended", has_ended).await;
    deck.keys("enter");
    let end = tokio::time::Instant::now() + PATIENCE;
    while !are_kept(&records) {
        assert!(tokio::time::Instant::now() < end, "no numbers were kept; there is\n{}", deck.screen());
        deck.pass(Duration::from_millis(50)).await;
        // What is to be written waits a second for more.
        deck.happen(Message::Deadline);
    }
    deck.keys("esc H");
    let is_listed =
        |model: &Model| matches!(model.overlays.last(), Some(Overlay::Picker(open)) if !open.items.is_empty());
    deck.until("the record is listed", is_listed).await;
    deck.keys("enter");
    deck.until("its page is open", |model| model.page.as_ref().is_some_and(|page| page.recorded.is_some())).await;
    deck.keys("u");
    deck.until("its numbers are there", |model| model.page.as_ref().is_some_and(|page| !page.metrics.usage.is_empty()))
        .await;
    let metrics = &deck.model.page.as_ref().unwrap().metrics;
    let source = metrics.source.as_ref().expect("a source").as_str();
    assert!(!metrics.usage.is_empty() && source.ends_with(", recorded"), "{source}");
    let screen = deck.screen();
    assert!(screen.contains("Worker 0") && !screen.contains("No numbers"), "{screen}");
}
