//! The job page on a cluster: model, runner and session as the loop joins them, against the sim in this process.

use std::time::Duration;

use http::Method;
use kube::Client;
use mpideck::console::model::Model;
use mpideck::console::model::page::{Fetched, OwnedObject, PageModel, Reading, Tab};
use mpideck::console::update::page;
use mpideck::sim::{FleetKind, Options, Sim};
use serde_json::json;

use crate::deck::Deck;
use crate::sim_client::{ask, client, mpi_job};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";

/// Opens the page of job `pi`, once it is in the list.
async fn open_pi(deck: &mut Deck) {
    deck.until("the job is in the list", |model| model.fleet.find("vision", "pi").len() == 1).await;
    let key = deck.model.fleet.find("vision", "pi")[0].key();
    for effect in page::open_on(&mut deck.model, &key, Tab::Overview) {
        deck.runner.execute(effect);
    }
}

fn of(model: &Model) -> &PageModel {
    model.page.as_ref().expect("a page")
}

fn owned(model: &Model) -> &[OwnedObject] {
    of(model).owned.ready().map_or(&[], Vec::as_slice)
}

fn has(model: &Model, kind: &str) -> bool {
    owned(model).iter().any(|object| object.kind.as_str() == kind && !object.name.as_str().is_empty())
}

/// A cluster whose operator has made what job `pi` needs.
async fn with_pi() -> (Sim, Client) {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap();
    let admin = client(&sim, "admin").await;
    make_pi(&admin).await;
    (sim, admin)
}

async fn make_pi(admin: &Client) {
    let (code, said) = ask(admin, &Method::POST, JOBS).json(&mpi_job("vision", "pi")).answer().await;
    assert_eq!(code, 201, "{said}");
}

async fn delete_pi(admin: &Client) {
    let (code, said) = ask(admin, &Method::DELETE, &format!("{JOBS}/pi")).answer().await;
    assert_eq!(code, 200, "{said}");
}

/// Makes a Normal event about the job, as of now.
async fn tell(sim: &Sim, admin: &Client, words: &str) {
    let job = ask(admin, &Method::GET, &format!("{JOBS}/pi")).answer().await.1;
    let stamp = sim.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"generateName": "pi-", "namespace": "vision"}, "type": "Normal", "reason": "Told",
        "message": words, "firstTimestamp": stamp, "lastTimestamp": stamp, "source": {"component": "test"},
        "involvedObject": {"kind": "MPIJob", "name": "pi", "namespace": "vision", "uid": job["metadata"]["uid"]}});
    let (code, said) = ask(admin, &Method::POST, "/api/v1/namespaces/vision/events").json(&event).answer().await;
    assert_eq!(code, 201, "{said}");
}

/// How often the page has an event with these words.
fn told(model: &Model, words: &str) -> usize {
    let events = of(model).events.all.ready().into_iter().flatten();
    events.filter(|event| event.message.as_str() == words).count()
}

#[tokio::test]
async fn a_job_is_deleted_and_made_again_under_its_open_page() {
    let (sim, admin) = with_pi().await;
    let mut deck = Deck::new(&sim, "admin");
    open_pi(&mut deck).await;
    deck.until("all parts are read", |model| {
        ["Job", "Pod", "ConfigMap", "Secret", "Service"].iter().all(|kind| has(model, kind))
    })
    .await;
    assert!(owned(&deck.model).iter().any(|object| !object.content.is_empty()), "a hostfile: {}", deck.screen());
    deck.keys("2");
    deck.until("the manifest is read", |model| of(model).object.ready().is_some()).await;
    let old = of(&deck.model).job.row.uid.clone();

    delete_pi(&admin).await;
    deck.until("the page says that the job is gone", |model| of(model).gone.is_some()).await;
    assert!(
        deck.screen().contains("This job was deleted") && deck.screen().contains("kind: MPIJob"),
        "{}",
        deck.screen()
    );
    deck.keys("1");
    assert!(has(&deck.model, "Secret") && has(&deck.model, "Job"), "what was read stays: {}", deck.screen());

    make_pi(&admin).await;
    deck.until("the new one is offered", |model| of(model).successor.is_some()).await;
    assert_eq!(of(&deck.model).job.row.uid, old, "{}", deck.screen());
    assert!(deck.screen().contains("J goes to it"), "{}", deck.screen());
    deck.keys("J");
    let new = of(&deck.model).job.row.uid.clone();
    assert_ne!(new, old);
    deck.until("its own parts are read", |model| has(model, "Job") && has(model, "Pod")).await;
    deck.keys("2");
    deck.until("its own manifest is read", |model| of(model).object.ready().is_some()).await;
    let read = of(&deck.model).object.ready().and_then(|object| object["metadata"]["uid"].as_str());
    assert_eq!(read, Some(new.to_string().as_str()));
}

#[tokio::test]
async fn parts_that_come_later_are_read_again() {
    let (sim, admin) = with_pi().await;
    let mut deck = Deck::new(&sim, "admin");
    open_pi(&mut deck).await;
    deck.until("the launcher's pod is in the tree", |model| {
        owned(model).iter().any(|object| object.depth == 1 && object.kind.as_str() == "Pod")
    })
    .await;
    deck.until("that read is over", |model| of(model).reading == Reading::Idle).await;
    let uid = |model: &Model| {
        let pods = model.fleet.pods(&of(model).job.key());
        pods.iter().find(|pod| pod.name.as_str() == "pi-worker-1").map(|pod| pod.uid.clone())
    };
    let (before, secrets) = (uid(&deck.model), sim.counters().get("get", "secrets"));
    let (code, _) = ask(&admin, &Method::DELETE, "/api/v1/namespaces/vision/pods/pi-worker-1").answer().await;
    assert_eq!(code, 200);
    deck.until("the tree is read again without being asked for", |model| {
        uid(model) != before && of(model).reading == Reading::Idle && sim.counters().get("get", "secrets") > secrets
    })
    .await;
}

#[tokio::test]
async fn what_a_viewer_may_not_read_is_said_in_its_own_branch() {
    let (sim, _) = with_pi().await;
    let mut deck = Deck::new(&sim, "viewer");
    open_pi(&mut deck).await;
    deck.until("the other parts are read", |model| has(model, "Job") && has(model, "ConfigMap")).await;
    let secret = owned(&deck.model).iter().find(|object| object.kind.as_str() == "Secret").expect("a branch");
    assert_eq!(
        (secret.status.word.as_str(), secret.about.as_str()),
        ("not allowed", "ask for: get secrets in namespace vision")
    );
    let screen = deck.screen();
    assert!(screen.contains("ask for: get secrets in namespace vision"), "{screen}");
}

#[tokio::test]
async fn a_page_of_a_user_who_may_not_watch_is_read_all_the_same() {
    let (sim, admin) = with_pi().await;
    let mut deck = Deck::new(&sim, "nowatch");
    open_pi(&mut deck).await;
    deck.until("its parts are read", |model| has(model, "Job")).await;
    tell(&sim, &admin, "hello").await;
    deck.keys("5");
    deck.until("events are polled", |model| told(model, "hello") == 1).await;
    assert_eq!(of(&deck.model).events.stale, None);
}

#[tokio::test]
async fn events_outlive_cut_watches_and_lost_history() {
    let (sim, admin) = with_pi().await;
    let mut deck = Deck::new(&sim, "admin");
    open_pi(&mut deck).await;
    deck.keys("5");
    tell(&sim, &admin, "before").await;
    deck.until("the first event is there", |model| told(model, "before") == 1).await;
    for (round, words) in ["after a cut", "after a lost history", "after both"].iter().enumerate() {
        if round != 1 {
            sim.faults().cut_watches();
        }
        if round != 0 {
            sim.faults().expire();
        }
        tell(&sim, &admin, words).await;
        deck.until(words, |model| told(model, words) == 1).await;
        assert_eq!(told(&deck.model, "before"), 1, "nothing is lost or doubled");
    }
    assert!(matches!(of(&deck.model).events.all, Fetched::Ready(_)));
}

#[tokio::test]
async fn logs_come_by_themselves_and_the_hostfile_tells_how_many_ranks_there_are() {
    let (sim, _) = with_pi().await;
    let mut deck = Deck::new(&sim, "admin");
    open_pi(&mut deck).await;
    deck.until("the hostfile is read", |model| has(model, "ConfigMap")).await;
    deck.until("there is a launcher", |model| of(model).job.replicas()[0].pod().is_some()).await;
    deck.keys("4");
    deck.until("the launcher is read", |model| of(model).logs.window.streams.len() == 1).await;
    deck.until("a line or a word about it came", |model| of(model).logs.window.kept > 0).await;
    assert_eq!(of(&deck.model).ranks().total(), Some(2));
    deck.keys("r");
    deck.until("ranks are shown", |model| of(model).logs.grid).await;
    deck.keys("r / x enter");
    deck.until("the search is told", |model| of(model).logs.window.found.is_some()).await;
    deck.keys("esc");
    assert!(deck.model.page.is_none());
}

#[tokio::test]
async fn nothing_goes_on_for_a_page_that_is_closed() {
    let (sim, _) = with_pi().await;
    let mut deck = Deck::new(&sim, "admin");
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // Connections that are kept for the next request are tasks, too: the first rounds make them.
    let mut idle = usize::MAX;
    for round in 0..4 {
        open_pi(&mut deck).await;
        deck.until("its parts are read", |model| has(model, "Job")).await;
        for tab in ["2", "3", "4", "5"] {
            deck.keys(tab);
        }
        deck.until("events are read", |model| of(model).events.all.ready().is_some()).await;
        assert!(round < 2 || tasks() > idle, "an open page has tasks");
        deck.keys("esc");
        assert!(deck.model.page.is_none() && deck.model.overlays.is_empty());
        if round < 2 {
            deck.pass(Duration::from_millis(500)).await;
            idle = tasks();
        }
        deck.settled(idle).await;
    }
    let asked = sim.counters().all();
    deck.pass(Duration::from_millis(1500)).await;
    let page = ["get pods/log", "get mpijobs.kubeflow.org", "get secrets", "list events"];
    for what in page {
        assert_eq!(sim.counters().all().get(what), asked.get(what), "{what} goes on");
    }
}
