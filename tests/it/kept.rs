//! What the flight recorder keeps of an open job: each line of its log once, by one stream, and a page that tells as much
//! when the job is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use mpideck::console::message::Message;
use mpideck::console::model::Model;
use mpideck::console::model::overlay::Overlay;
use mpideck::disk::records::{Bounds, Record, Records};
use mpideck::jobs::fleet::JobKey;
use mpideck::sim::{FleetKind, Options, Output, Outputs, Sim, Written, scenario};
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
    until(&mut deck, "it goes on by one stream", |_| lines(&records).len() > known + 10 && streams() == 1).await;
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

/// A cluster in which a scenario has just been lived, by the clock on the wall.
async fn just_lived(name: &str) -> Sim {
    let (file, text) = scenario::text(name).unwrap();
    let seconds = scenario::scenario(name).unwrap().unwrap().seconds;
    let fleet = FleetKind::Scenario { file, text };
    Sim::start(Options { fleet, lived: Duration::from_secs_f64(seconds), ..Options::new() }).await.unwrap()
}

/// What each tab tells, without what time alone changes.
async fn tabs(deck: &mut Deck) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for tab in ["1", "2", "3", "4", "5", "6", "7"] {
        deck.keys(tab);
        let settled = |deck: &Deck| !deck.screen().contains("reading ...") && (tab != "4" || has_lines(deck));
        until(deck, tab, settled).await;
        deck.pass(Duration::from_millis(500)).await;
        all.push((tab.to_owned(), told(&deck.screen())));
    }
    all
}

/// The lines of a screen below the header, with ages as `#`.
fn told(screen: &str) -> Vec<String> {
    let unit = |c: char| matches!(c, 's' | 'm' | 'h' | 'd');
    let is_age = |word: &str| {
        word.ends_with(unit)
            && word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_digit() || unit(c))
    };
    let words = |line: &str| {
        let words = line.split_whitespace().map(|word| if is_age(word) { "#" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    // Without tabs above, and without the line below that is another on a record.
    let rows = screen.lines().count().saturating_sub(5);
    screen.lines().skip(3).take(rows - 1).map(words).filter(|line| !line.is_empty()).collect()
}

/// What a record does not have, or says otherwise: the objects that went with the job, what its pods used in the last moment,
/// the scheduler's word of its pods, and that numbers are recorded ones, whose mean has gone on since.
fn is_not_kept(line: &str) -> bool {
    let others = ["Owns", "├", "│", "└", "gpu-oom-worker-", "At its end", "Scheduler", "mean "];
    others.iter().any(|other| line.starts_with(other)) || line.contains("Prometheus")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_deleted_job_tells_what_its_living_one_told() {
    let sim = just_lived("gpu-oom").await;
    let home = tempfile::tempdir().unwrap();
    let (mut deck, records) = recording(&sim, &home);
    let has_ended = |model: &Model| model.fleet.jobs().any(|job| job.derived.finished.is_some());
    deck.until("the job has ended", has_ended).await;
    let key: JobKey = deck.model.fleet.jobs().next().unwrap().key();
    deck.keys("enter");
    let is_explained = |model: &Model| {
        let job = model.page.as_ref().map(|page| &page.job.derived);
        job.is_some_and(|job| job.cause.as_ref().is_some_and(|cause| cause.rank == Some(5)) && job.progress.is_some())
    };
    until(&mut deck, "its log told why it failed, and how far it came", |deck| is_explained(&deck.model)).await;
    let living = tabs(&mut deck).await;
    let is_kept = |(dir, record): (PathBuf, Record)| {
        let has_numbers = records.numbers_in(&dir).is_ok_and(|numbers| numbers.is_some());
        has_numbers && record.manifest.is_some() && record.events.iter().any(|event| !event.warning)
    };
    until(&mut deck, "its record is there", |_| only(&records).is_some_and(is_kept)).await;
    deck.keys("esc");
    let path = format!("/apis/kubeflow.org/v2beta1/namespaces/{}/mpijobs/{}", key.namespace, key.name);
    let (code, said) = ask(&client(&sim, "admin").await, &Method::DELETE, &path).answer().await;
    assert_eq!(code, 200, "{said}");
    deck.until("it is gone", |model| model.fleet.is_empty()).await;
    let is_deleted = |_: &Deck| only(&records).is_some_and(|(_, record)| record.deleted.is_some());
    until(&mut deck, "that is kept", is_deleted).await;
    deck.keys("H");
    let is_listed =
        |model: &Model| matches!(model.overlays.last(), Some(Overlay::Picker(open)) if !open.items.is_empty());
    deck.until("the record is listed", is_listed).await;
    deck.keys("enter");
    deck.until("its page is open", |model| model.page.as_ref().is_some_and(|page| page.recorded.is_some())).await;
    deck.until("its numbers are there", |model| model.page.as_ref().is_some_and(|page| !page.metrics.usage.is_empty()))
        .await;
    for (tab, living) in &living {
        assert!(living.len() > 1, "tab {tab} tells something: {living:?}");
        deck.keys(tab);
        let mut lost = Vec::new();
        let end = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < end {
            deck.pass(Duration::from_millis(30)).await;
            deck.happen(Message::Deadline);
            let recorded = told(&deck.screen());
            lost = living.iter().filter(|line| !recorded.contains(line) && !is_not_kept(line)).collect();
            if lost.is_empty() {
                break;
            }
        }
        assert!(lost.is_empty(), "tab {tab} lacks {lost:#?}; it has\n{}", deck.screen());
    }
}
