//! Changes end to end: keys in, requests at the sim, what became of the objects, what was written down.

use std::path::Path;
use std::sync::Arc;

use http::Method;
use kube::Client;
use mpideck::changes::{self, Change, Confirmed, Desk, Gate, ReadOnly, Site, Subject, What};
use mpideck::cluster::discovery::discover;
use mpideck::cluster::kubeconfig::Loaded;
use mpideck::cluster::{Target, connect};
use mpideck::config::Paths;
use mpideck::console::commands;
use mpideck::console::model::Model;
use mpideck::disk::changes::{ChangeFiles, Entry, Stage};
use mpideck::jobs::{Clean, Secs};
use mpideck::sim::{FleetKind, Options, Sim};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::deck::{Deck, PATIENCE};
use crate::lived::{Lived, lived};
use crate::program::Program;
use crate::sim_client::{ask, client, mpi_job};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";

/// A cluster with these jobs in it.
async fn with_jobs(names: &[&str]) -> (Sim, Client) {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, ..Options::new() }).await.unwrap();
    let admin = client(&sim, "admin").await;
    for name in names {
        let (code, said) = ask(&admin, &Method::POST, JOBS).json(&mpi_job("vision", name)).answer().await;
        assert_eq!(code, 201, "{said}");
    }
    (sim, admin)
}

/// A console that keeps its files there.
fn deck(sim: &Sim, user: &str, dir: &Path) -> Deck {
    let paths = Paths { config: dir.to_owned(), state: dir.to_owned() };
    Deck::with(sim, user, |start| start.paths = Some(paths))
}

async fn job(admin: &Client, name: &str) -> (u16, Value) {
    ask(admin, &Method::GET, &format!("{JOBS}/{name}")).answer().await
}

fn entries(dir: &Path) -> Vec<Entry> {
    ChangeFiles::new(&dir.join("changes")).entries(100).unwrap()
}

fn idle(model: &Model) -> bool {
    model.changes.running.is_empty()
}

fn said(deck: &Deck, words: &str) -> bool {
    deck.model.notices.iter().any(|notice| notice.text.as_str().contains(words))
}

#[tokio::test]
async fn a_job_is_deleted_after_a_yes_and_can_be_made_again() {
    let (sim, admin) = with_jobs(&["pi"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut deck = deck(&sim, "admin", home.path());
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    let uid = job(&admin, "pi").await.1["metadata"]["uid"].clone();

    deck.keys("A d enter");
    assert_eq!(sim.counters().get("delete", "mpijobs"), 0, "Cancel is the default");
    deck.keys("A d y");
    deck.until("it is over", idle).await;
    assert!(said(&deck, "Deleted MPIJob vision/pi"), "{}", deck.screen());
    deck.until("it is gone from the list", |model| model.fleet.is_empty()).await;
    assert_eq!((job(&admin, "pi").await.0, sim.counters().get("delete", "mpijobs")), (404, 1));
    let log = entries(home.path());
    assert_eq!(log.iter().map(|entry| entry.stage).collect::<Vec<_>>(), [Stage::Begun, Stage::Done]);
    assert!(
        log.iter().all(|entry| entry.context.as_str() == "admin" && uid == entry.uid.as_ref().unwrap().to_string())
    );

    deck.keys("A z");
    deck.until("something can be taken back", |model| !model.overlays.is_empty()).await;
    deck.keys("enter y");
    deck.until("it is over", idle).await;
    let (code, again) = job(&admin, "pi").await;
    assert!(code == 200 && again["metadata"]["uid"] != uid, "{}", deck.screen());
    assert_eq!(again["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"], 2);
    assert_eq!(again["metadata"]["annotations"]["mpideck.io/creator"], "admin");
    deck.until("its page is open", |model| model.page.is_some()).await;
}

#[tokio::test]
async fn a_restart_brings_back_the_same_job_under_a_new_uid_and_its_page_goes_on() {
    let (sim, admin) = with_jobs(&["pi"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut deck = deck(&sim, "admin", home.path());
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    deck.keys("enter");
    let before = job(&admin, "pi").await.1;
    deck.keys("A r y");
    deck.until("it is over", idle).await;
    assert!(said(&deck, "Restarted"), "{}", deck.screen());
    let after = job(&admin, "pi").await.1;
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(before["spec"], after["spec"]);
    let uid = after["metadata"]["uid"].as_str().unwrap().to_owned();
    deck.until("the page shows the new one", |model| {
        model.page.as_ref().is_some_and(|page| page.job.row.uid.to_string() == uid)
    })
    .await;
    assert_eq!(ChangeFiles::new(&home.path().join("changes")).begun().unwrap(), []);
}

#[tokio::test]
async fn marked_jobs_are_changed_together_and_each_is_told_of() {
    let (sim, admin) = with_jobs(&["a", "b", "c"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut deck = deck(&sim, "admin", home.path());
    deck.until("the jobs are in the list", |model| model.fleet.len() == 3).await;
    deck.keys("space space space A w");
    deck.keys("backspace 3 enter y");
    deck.until("it is over", idle).await;
    deck.until("the log was read", |model| matches!(&model.changes.log, Some(Ok(log)) if log.len() == 6)).await;
    assert!(said(&deck, "Scaled 3 jobs"), "{}", deck.screen());
    for name in ["a", "b", "c"] {
        assert_eq!(job(&admin, name).await.1["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"], 3);
    }
    let screen = deck.screen();
    assert_eq!(screen.matches("to 3 Worker").count(), 3, "{screen}");
}

#[tokio::test]
async fn a_job_is_suspended_resumed_and_labelled() {
    let (sim, admin) = with_jobs(&["pi"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut deck = deck(&sim, "admin", home.path());
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    let suspended = |model: &Model| model.fleet.jobs().next().is_some_and(|job| job.row.suspend);
    deck.keys("A s y");
    deck.until("it is suspended", |model| idle(model) && suspended(model)).await;
    assert_eq!(job(&admin, "pi").await.1["spec"]["runPolicy"]["suspend"], true);
    deck.keys("A g y");
    deck.until("it goes on", |model| idle(model) && !suspended(model)).await;
    deck.keys("A l t e a m = x enter y");
    deck.until("it is labelled", idle).await;
    assert_eq!(job(&admin, "pi").await.1["metadata"]["labels"]["team"], "x", "{}", deck.screen());
}

#[tokio::test]
async fn what_the_server_refuses_is_said_with_its_words() {
    let (sim, admin) = with_jobs(&["pi"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut deck = deck(&sim, "viewer", home.path());
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    deck.keys("A d y");
    deck.until("it is over", idle).await;
    assert!(said(&deck, "cannot delete resource"), "{}", deck.screen());
    assert_eq!(job(&admin, "pi").await.0, 200);
    assert_eq!(entries(home.path()).last().map(|entry| entry.stage), Some(Stage::Failed));
}

/// A desk of the admin, with files there.
async fn desk(sim: &Sim, dir: &Path) -> Desk {
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared()).in_context("admin");
    target.dial = Some(sim.dial());
    let clock = sim.clock();
    target.now = Arc::new(move || Secs::from(clock.now()));
    let session = connect(target).await.unwrap();
    let offer = Arc::new(discover(&session).await.unwrap());
    let gate = Gate::new(Clean::new("admin"), ReadOnly::No, false);
    Desk { session, offer, gate, files: Some(ChangeFiles::new(dir)) }
}

#[tokio::test]
async fn a_restart_that_was_killed_anywhere_goes_on_and_loses_nothing() {
    for killed_after in ["nothing", "delete mpijobs", "create mpijobs"] {
        let (sim, admin) = with_jobs(&["pi"]).await;
        let home = tempfile::tempdir().unwrap();
        let before = job(&admin, "pi").await.1;
        let manifest = serde_json::from_value(before.clone()).unwrap();
        let mut subject = Subject::of_manifest(&manifest, &mpideck::jobs::Name::lossy("vision")).unwrap();
        subject.uid = before["metadata"]["uid"].as_str().map(mpideck::jobs::Uid::new);
        let change = Change { context: Clean::new("admin"), subject, what: What::Restart };
        let first = desk(&sim, home.path()).await;
        let files = ChangeFiles::new(home.path());
        let begun = async |what: &str| {
            let (verb, resource) = what.split_once(' ').unwrap_or(("", ""));
            // The job itself was made by a request before.
            let own = u64::from(verb == "create");
            while files.begun().unwrap().is_empty() || (!verb.is_empty() && sim.counters().get(verb, resource) <= own) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = begun(killed_after) => {}
            report = changes::run(&first, Confirmed::on_screen(vec![change], None), Arc::new(|_| {})) => {
                panic!("{killed_after}: it was over before: {report:?}")
            }
        }
        drop(first);
        let second = desk(&sim, home.path()).await;
        let site = Site::of(&second.session);
        let slips = changes::interrupted(&files, &site).unwrap();
        assert_eq!(slips.len(), 1, "{killed_after}");
        let resumed = changes::resume(&second, slips[0].clone(), Arc::new(|_| {}));
        let report = tokio::time::timeout(PATIENCE, resumed).await.unwrap().unwrap();
        assert!(report.is_done(), "{killed_after}: {report:?}");
        let after = job(&admin, "pi").await.1;
        assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"], "{killed_after}");
        assert_eq!(after["spec"], before["spec"], "{killed_after}");
        assert_eq!(changes::interrupted(&files, &site).unwrap(), [], "{killed_after}");
        let again = changes::resume(&second, slips[0].clone(), Arc::new(|_| {})).await;
        assert_eq!(again, None, "{killed_after}: somebody who read the slip before does nothing more");
    }
}

#[tokio::test]
async fn of_many_changes_that_were_killed_in_the_middle_the_rest_is_made_and_nobody_meddles_meanwhile() {
    let names = ["a", "b", "c", "d", "e"];
    let (sim, admin) = with_jobs(&names).await;
    let home = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for name in names {
        let object = job(&admin, name).await.1;
        let mut subject = Subject::of_manifest(&object, &mpideck::jobs::Name::lossy("vision")).unwrap();
        subject.uid = object["metadata"]["uid"].as_str().map(mpideck::jobs::Uid::new);
        let what = What::Delete { propagation: changes::Propagation::Background, grace: None };
        all.push(Change { context: Clean::new("admin"), subject, what });
    }
    let first = desk(&sim, home.path()).await;
    let (files, site) = (ChangeFiles::new(home.path()), Site::of(&first.session));
    let half = async {
        while sim.counters().get("delete", "mpijobs") < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(changes::interrupted(&files, &site).unwrap(), [], "somebody works on it");
    };
    tokio::select! {
        biased;
        () = half => {}
        report = changes::run(&first, Confirmed::on_screen(all, None), Arc::new(|_| {})) => panic!("over before: {report:?}"),
    }
    let slips = changes::interrupted(&files, &site).unwrap();
    let second = desk(&sim, home.path()).await;
    let report = changes::resume(&second, slips[0].clone(), Arc::new(|_| {})).await.unwrap();
    assert!(report.is_done() && (3..5).contains(&report.items.len()), "{report:?}");
    for name in names {
        assert_eq!(job(&admin, name).await.0, 404);
    }
    assert_eq!(changes::interrupted(&files, &site).unwrap(), []);
}

#[tokio::test]
async fn what_kueue_runs_is_suspended_by_its_workload_and_goes_on() {
    let text = r#"
about = "A job that Kueue admitted"
class = "none"
seconds = 1
like = "horovod"

[[job]]
name = "pi"
namespace = "vision"
queue = "vision-gpu"
workers = 1
gpus = 1
run = 600
"#;
    let fleet = FleetKind::Scenario { file: "queued.toml".to_owned(), text: text.to_owned() };
    let sim = Sim::start(Options { fleet, ..Options::new() }).await.unwrap();
    let admin = client(&sim, "admin").await;
    let home = tempfile::tempdir().unwrap();
    let mut deck = deck(&sim, "admin", home.path());
    let workload = |model: &Model| {
        let job = model.fleet.find("vision", "pi").first().map(|job| job.key())?;
        model.fleet.workload(&job).map(|workload| workload.active)
    };
    let suspended = |model: &Model| model.fleet.find("vision", "pi").first().map(|job| job.row.suspend);
    deck.until("Kueue lets it run", |model| workload(model) == Some(true) && suspended(model) == Some(false)).await;
    deck.keys("A s");
    assert!(deck.screen().contains("Workload is deactivated"), "{}", deck.screen());
    deck.keys("y");
    deck.until("Kueue has stopped it", |model| workload(model) == Some(false) && suspended(model) == Some(true)).await;
    deck.keys("A g y");
    deck.until("Kueue lets it run again", |model| workload(model) == Some(true) && suspended(model) == Some(false))
        .await;
    assert_eq!(sim.counters().get("patch", "mpijobs"), 0, "{:?}", job(&admin, "pi").await.0);
}

#[tokio::test]
async fn the_gpus_of_a_finished_job_are_freed_and_the_job_stays() {
    let Lived { sim, namespace, job: name, .. } = lived("gpu-leak").await;
    let admin = client(&sim, "admin").await;
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config: home.path().to_owned(), state: home.path().to_owned() };
    let mut deck = Deck::with(&sim, "admin", |start| {
        start.paths = Some(paths);
        start.scope = None;
    });
    let leaked = |model: &Model| model.fleet.find(&namespace, &name).first().map(|job| job.derived.leaked_gpus);
    deck.until("the leak is seen", |model| leaked(model).is_some_and(|gpus| gpus > 0)).await;
    let workers = deck.model.fleet.jobs().map(|job| model_workers(&deck.model, &job.key())).sum::<usize>();
    deck.keys("A f y");
    deck.until("it is over", idle).await;
    assert!(said(&deck, "pods deleted"), "{}", deck.screen());
    assert_eq!(sim.counters().get("delete", "pods"), workers as u64);
    let path = format!("/apis/kubeflow.org/v2beta1/namespaces/{namespace}/mpijobs/{name}");
    assert_eq!(ask(&admin, &Method::GET, &path).answer().await.0, 200);
}

fn model_workers(model: &Model, key: &mpideck::jobs::fleet::JobKey) -> usize {
    model.fleet.pods(key).iter().filter(|pod| pod.requests.gpus > 0 && pod.role.as_str() == "worker").count()
}

/// Requests that change something.
fn changing(sim: &Sim) -> Vec<String> {
    let reads = ["get ", "list ", "watch ", "dry-run "];
    let reviews = ["selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews"];
    let harmless = |what: &String| {
        reads.iter().any(|read| what.starts_with(read)) || reviews.iter().any(|review| what.contains(review))
    };
    sim.counters().all().into_keys().filter(|what| !harmless(what)).collect()
}

#[tokio::test]
async fn no_keys_change_anything_in_a_read_only_console() {
    let (sim, _) = with_jobs(&["a", "b"]).await;
    let before = changing(&sim);
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config: home.path().to_owned(), state: home.path().to_owned() };
    let mut deck = Deck::with(&sim, "admin", |start| {
        start.paths = Some(paths);
        start.read_only = true;
    });
    deck.until("the jobs are in the list", |model| model.fleet.len() == 2).await;
    let keys = "A d r s g w f q p l z c y x e t i o N C R E ! m ctrl-o ctrl-o enter enter \
        esc space tab j k 1 2 3 9 : u n left down backspace";
    let mut keys: Vec<String> = keys.split(' ').map(str::to_owned).collect();
    // And those of every command that changes something, whichever come.
    let changes = commands::all().filter(|row| row.change);
    keys.extend(changes.flat_map(|row| deck.model.keys.map.keys_of(row.id).collect::<Vec<_>>()));
    assert!(keys.contains(&"A d".to_owned()), "{keys:?}");
    let some = proptest::collection::vec(proptest::sample::select(keys), 400);
    for _ in 0..8 {
        let typed = some.new_tree(&mut TestRunner::default()).unwrap().current();
        for key in typed {
            deck.keys(&key);
            if deck.model.session.context.is_empty() {
                break;
            }
        }
        deck.keys("esc esc esc esc");
        deck.pass(std::time::Duration::from_millis(50)).await;
    }
    deck.keys("A d y");
    assert!(said(&deck, "read-only"), "{}", deck.screen());
    assert_eq!(changing(&sim), before);
    // What is asked about a draft is asked here, too: by rehearsals that keep nothing.
    deck.keys("esc esc esc N enter ctrl-o");
    deck.until("the cluster has answered", |model| {
        model.draft().is_some_and(|draft| draft.asked.question.is_some() && !draft.asked.is_out())
    })
    .await;
    deck.keys("enter !");
    assert!(sim.counters().get("dry-run create", "mpijobs") > 0, "{}", deck.screen());
    assert_eq!(changing(&sim), before);
}

#[tokio::test]
async fn a_locked_context_is_unlocked_for_a_while_and_the_gate_holds_without_the_console() {
    let (sim, admin) = with_jobs(&["a"]).await;
    let home = tempfile::tempdir().unwrap();
    let paths = Paths { config: home.path().to_owned(), state: home.path().to_owned() };
    let mut deck = Deck::with(&sim, "admin", |start| {
        start.paths = Some(paths);
        let own = start.config.contexts.entry("admin".to_owned()).or_default();
        own.read_only = Some(true);
    });
    deck.until("the job is in the list", |model| model.fleet.len() == 1).await;
    deck.keys("A d");
    assert!(deck.model.overlays.is_empty() && said(&deck, ":unlock"), "{}", deck.screen());
    // A console that forgot to ask is refused all the same.
    deck.model.session.read_only = false;
    deck.keys("A d y");
    deck.until("it is over", idle).await;
    assert!(said(&deck, "context admin is read-only"), "{}", deck.screen());
    deck.model.session.read_only = true;
    deck.keys(": u n l o c k space 5 enter");
    assert!(deck.screen().contains("unlocked 5m"), "{}", deck.screen());
    deck.keys("A d y");
    deck.until("it is over", idle).await;
    assert_eq!(job(&admin, "a").await.0, 404, "{}", deck.screen());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_deleted_by_the_command_line_and_nothing_without_a_yes() {
    let (sim, admin) = with_jobs(&["pi", "tau"]).await;
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let program = Program::with(served.kubeconfig());
    let run = async |args: &str| program.run(&format!("delete --context admin -n vision {args}")).await;
    run("pi").await.failed_with(2, &["would delete MPIJob vision/pi", "--yes does it"]);
    run("pi nobody --yes").await.failed_with(4, &["no job «nobody»"]);
    run("pi --yes --read-only").await.failed_with(1, &["read-only"]);
    run("pytorchjob/pi --yes").await.failed_with(4, &["no job «pytorchjob/pi»"]);
    run("pi --yes --grace-period 5 --cascade orphan").await.failed_with(2, &["does not go with orphan"]);
    run("pi --yes --grace-period 0").await.failed_with(2, &["grace-period"]);
    assert_eq!((job(&admin, "pi").await.0, sim.counters().get("delete", "mpijobs")), (200, 0));
    let said = run("mpijob.kubeflow.org/pi --yes --grace-period 1").await;
    assert!(said.went_well().contains("Deleted MPIJob vision/pi"), "{said:?}");
    assert_eq!((job(&admin, "pi").await.0, job(&admin, "tau").await.0), (404, 200));
    let log = ChangeFiles::new(&program.path(".local/state/mpideck/changes")).entries(10).unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.stage, entry.what.to_string())).collect();
    let what = "delete MPIJob vision/pi, its pods within 1s".to_owned();
    assert_eq!(
        told.iter().rev().take(2).rev().collect::<Vec<_>>(),
        [&(Stage::Begun, what.clone()), &(Stage::Done, what)]
    );
}
