//! What the flight recorder keeps of an open job: each line of its log once, by one stream.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use mpideck::console::message::Message;
use mpideck::disk::records::{Bounds, Record, Records};
use mpideck::sim::{FleetKind, Options, Output, Outputs, Sim, Written};
use serde_json::Value;

use crate::deck::{Deck, PATIENCE};
use crate::sim_client::{ask, client, mpi_job};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";

/// A launcher that writes a line every so often, and has done so for a while.
struct Steady(Timestamp);

const EVERY: i64 = 100;

impl Output for Steady {
    fn written(&self, now: Timestamp) -> u64 {
        u64::try_from(now.duration_since(self.0).as_millis() / i128::from(EVERY)).unwrap_or(0)
    }

    fn line(&self, number: u64) -> (Timestamp, Written) {
        let at = self.0.checked_add(SignedDuration::from_millis(number as i64 * EVERY)).unwrap();
        (at, format!("line {number}").into())
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.line(self.written(now)).0.max(now))
    }
}

/// Every launcher writes it.
struct Launchers(Arc<Steady>);

impl Outputs for Launchers {
    fn open(&self, pod: &Value, _: &str, previous: bool) -> Option<Arc<dyn Output>> {
        let leads = pod["metadata"]["labels"]["training.kubeflow.org/job-role"] == "launcher";
        (leads && !previous).then(|| Arc::clone(&self.0) as Arc<dyn Output>)
    }
}

/// A console that records into a directory of its own.
fn recording(sim: &Sim, home: &tempfile::TempDir) -> (Deck, Records) {
    let records = Records::new(home.path().join("records"), Bounds::default());
    let deck = Deck::with(sim, "admin", |start| {
        start.records = Some(records.clone());
        start.scope = None;
    });
    (deck, records)
}

/// Lets happen what happens until it is so. What is to be written waits a second for more.
async fn until(deck: &mut Deck, what: &str, mut so: impl FnMut(&Deck) -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !so(deck) {
        assert!(tokio::time::Instant::now() < end, "{what}: not so; there is\n{}", deck.screen());
        deck.pass(Duration::from_millis(30)).await;
        deck.happen(Message::Deadline);
    }
}

/// The only record there is.
fn only(records: &Records) -> Option<(PathBuf, Record)> {
    let dir = records.list(None).ok()?.into_iter().next()?.dir;
    let record = records.read(&dir).ok()??;
    Some((dir, record))
}

/// The numbers of the lines that were kept.
fn lines(records: &Records) -> Vec<u64> {
    let logs = only(records).and_then(|(dir, _)| records.logs_in(&dir).ok()).unwrap_or_default();
    let texts = logs.into_iter().flat_map(|log| log.lines).map(|line| line.text);
    texts.map(|text| text.strip_prefix("line ").and_then(|n| n.parse().ok()).expect("a line of ours")).collect()
}

fn has_lines(deck: &Deck) -> bool {
    deck.model.page.as_ref().is_some_and(|page| !page.logs.window.lines.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_an_open_job_is_read_once_and_every_line_of_it_is_kept() {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap();
    let begun = sim.clock().now().checked_sub(SignedDuration::from_secs(60)).unwrap();
    let launcher = Arc::new(Steady(begun));
    sim.set_outputs(Arc::new(Launchers(Arc::clone(&launcher))));
    let streams = || Arc::strong_count(&launcher) - 2;
    let admin = client(&sim, "admin").await;
    let (code, said) = ask(&admin, &Method::POST, JOBS).json(&mpi_job("vision", "pi")).answer().await;
    assert_eq!(code, 201, "{said}");
    let home = tempfile::tempdir().unwrap();
    let (mut deck, records) = recording(&sim, &home);
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    deck.keys("enter");
    until(&mut deck, "the recorder reads", |_| streams() == 1 && !lines(&records).is_empty()).await;
    deck.keys("4");
    until(&mut deck, "page and recorder read by one stream", |deck| has_lines(deck) && streams() == 1).await;
    let known = lines(&records).len();
    until(&mut deck, "it goes on", |_| lines(&records).len() > known + 10).await;
    assert_eq!(streams(), 1, "by that one stream");
    // Another reading in the place of the first, and then none.
    deck.keys("s");
    until(&mut deck, "five minutes are read", |deck| has_lines(deck) && streams() == 1).await;
    let known = lines(&records).len();
    until(&mut deck, "that is kept", |_| lines(&records).len() > known + 10).await;
    deck.keys("esc");
    until(&mut deck, "the page is closed", |deck| deck.model.page.is_none() && streams() == 1).await;
    let known = lines(&records).len();
    until(&mut deck, "the recorder goes on by itself", |_| lines(&records).len() > known + 10).await;
    let kept = lines(&records);
    let all: Vec<u64> = (kept[0]..=kept[kept.len() - 1]).collect();
    assert_eq!(kept, all, "each line once, none is missing");
}
