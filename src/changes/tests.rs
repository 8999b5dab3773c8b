//! Changes on a server whose answers get lost, which refuses, or which was changed by others meanwhile.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::SeqCst},
};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::{
    cluster::{
        discovery::Offer,
        testing::{self, Answer, answer, status},
    },
    disk::changes::{ChangeFiles, Stage},
    jobs::{Clean, Kind, Name, Sym, Uid, fleet::JobKey},
};

const UID: &str = "11111111-1111-1111-1111-111111111111";
const OTHER: &str = "22222222-2222-2222-2222-222222222222";

/// What was asked of the server.
type Asked = Arc<Mutex<Vec<String>>>;

struct Place {
    desk: Desk,
    asked: Asked,
    _dir: tempfile::TempDir,
}

/// A server that answers this to a method; `nth` counts the requests of that method from 0.
async fn place(handle: impl Fn(&Method, usize) -> Answer + Send + Sync + 'static) -> Place {
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let session = testing::session(move |request| {
        let method = request.method().clone();
        if request.uri().path().contains("selfsubject") {
            return answer(201, &json!({"status": {"userInfo": {"username": "eva"}, "allowed": true}}));
        }
        let mut heard = heard.lock().expect("not poisoned");
        let nth = heard.iter().filter(|line| line.starts_with(method.as_str())).count();
        heard.push(format!("{method} {}", request.uri()));
        handle(&method, nth)
    })
    .await;
    let dir = tempfile::tempdir().expect("a directory");
    let gate = Gate::new(Clean::new("x"), ReadOnly::No, false);
    let desk = Desk { session, offer: Arc::new(Offer::default()), gate, files: Some(ChangeFiles::new(dir.path())) };
    Place { desk, asked, _dir: dir }
}

impl Place {
    async fn run(&self, what: What) -> Outcome {
        self.report(what).await.items.remove(0).outcome
    }

    async fn report(&self, what: What) -> Report {
        let made = matches!(what, What::Create { .. });
        let name = Name::lossy;
        let key = JobKey { namespace: name("v"), name: name("train"), kind: Kind::MpiJob, uid: Uid::new(UID) };
        let mut subject = Subject::job(&key);
        subject.uid = subject.uid.filter(|_| !made);
        let change = Change { context: Clean::new("x"), subject, what };
        run(&self.desk, Confirmed::on_screen(vec![change], None), Arc::new(|_| {})).await
    }

    fn asked(&self, method: &str) -> usize {
        self.asked.lock().expect("not poisoned").iter().filter(|line| line.starts_with(method)).count()
    }

    fn stages(&self) -> Vec<(String, Stage)> {
        let entries = self.desk.files.as_ref().expect("files").entries(10).expect("read");
        entries.into_iter().map(|entry| (entry.verb.to_string(), entry.stage)).collect()
    }
}

fn job(uid: &str, client: &str) -> Value {
    json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "train", "namespace": "v", "uid": uid,
        "annotations": {"mpideck.io/client-id": client}}, "spec": {"mpiReplicaSpecs": {"Worker": {"replicas": 2}}}})
}

fn create() -> What {
    What::Create { manifest: Arc::new(job("", "somebody else's")), client: "draft-1".into() }
}

#[tokio::test(start_paused = true)]
async fn what_is_measured_again_and_again_is_one_change_that_ends_when_it_may_not_be_any_more() {
    let place = place(|_, _| answer(200, &job(UID, "c"))).await;
    let desk = Desk { gate: Gate::new(Clean::new("x"), ReadOnly::Locked, false), ..place.desk.clone() };
    let until = desk.session.now().plus(3_600);
    desk.gate.unlock(until);
    let key =
        JobKey { namespace: Name::lossy("v"), name: Name::lossy("train"), kind: Kind::MpiJob, uid: Uid::new(UID) };
    let what = What::Measure { argv: vec!["true".into()], pods: vec![(Name::lossy("w-0"), None)], every: Some(15) };
    let (moved, pods) = tokio::sync::watch::channel(vec![(Name::lossy("w-0"), None)]);
    let confirmed = || {
        let change = Change { context: Clean::new("x"), subject: Subject::job(&key), what: what.clone() };
        Confirmed::on_screen(vec![change], None)
    };
    let looks = std::sync::atomic::AtomicU32::new(0);
    let asked = Mutex::new(Vec::new());
    let tell = |answers: Vec<visit::Answer>| {
        assert!(answers[0].1.is_err(), "there is no program to run here");
        asked.lock().expect("not poisoned").push(answers[0].0.to_string());
        // The worker was restarted by another name.
        moved.send_replace(vec![(Name::lossy("w-0-again"), None)]);
        if looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2 {
            desk.gate.unlock(crate::jobs::Secs(0));
        }
        std::future::ready(())
    };
    let mut report = visit::watch(&desk, confirmed(), pods.clone(), tell, std::future::pending()).await;
    let Outcome::Failed(problem) = report.items.remove(0).outcome else { panic!("it was locked") };
    assert!(problem.why.as_str().contains("read-only"), "{problem}");
    assert_eq!(looks.load(std::sync::atomic::Ordering::Relaxed), 3);
    assert_eq!(*asked.lock().expect("not poisoned"), ["w-0", "w-0-again", "w-0-again"]);
    assert_eq!(place.stages(), [("measure".to_owned(), Stage::Begun), ("measure".to_owned(), Stage::Failed)]);
    desk.gate.unlock(until);
    let enough = tokio::time::sleep(Duration::from_secs(40));
    let mut report = visit::watch(&desk, confirmed(), pods, |_| std::future::ready(()), enough).await;
    let outcome = report.items.remove(0).outcome;
    assert!(matches!(&outcome, Outcome::Done(done) if done.note.as_str() == "asked 3 times"), "{outcome:?}");
}

fn delete() -> What {
    What::Delete { propagation: Propagation::Orphan, grace: None }
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_got_lost_is_found_again_and_never_sent_twice() {
    let place = place(|method, _| match method.as_str() {
        "POST" => status(504, "gateway time-out"),
        _ => answer(200, &job(UID, "draft-1")),
    })
    .await;
    let outcome = place.run(create()).await;
    assert_eq!(outcome.as_done().and_then(|done| done.uid.clone()), Some(Uid::new(UID)), "{outcome:?}");
    assert_eq!(place.asked("POST"), 1);
    assert_eq!(place.stages(), [("create".to_owned(), Stage::Begun), ("create".to_owned(), Stage::Done)]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_did_not_arrive_is_said_to_have_failed_after_looking() {
    let place =
        place(|method, _| if method == Method::POST { status(500, "no") } else { status(404, "not found") }).await;
    let outcome = place.run(create()).await;
    assert!(
        matches!(&outcome, Outcome::Failed(problem) if problem.hint.as_str().contains("nothing was made")),
        "{outcome:?}"
    );
    assert!(place.asked("GET") > 1, "one look may be too early");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_answers_the_outcome_is_not_known() {
    let place = place(|_, _| status(503, "away")).await;
    assert!(matches!(place.run(create()).await, Outcome::Unknown(_)));
    assert_eq!(place.stages().last(), Some(&("create".to_owned(), Stage::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_ours_only_with_our_mark() {
    let taken = |client: &'static str| {
        place(move |method, _| match method.as_str() {
            "POST" => status(409, "mpijobs.kubeflow.org \"train\" already exists"),
            _ => answer(200, &job(OTHER, client)),
        })
    };
    assert!(taken("draft-1").await.run(create()).await.as_done().is_some());
    assert!(matches!(taken("draft-2").await.run(create()).await, Outcome::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_namesake_is_never_touched() {
    let place = place(|_, _| answer(200, &job(OTHER, ""))).await;
    for what in [delete(), What::Restart, What::Suspend(Through::Job)] {
        assert!(matches!(place.run(what).await, Outcome::Failed(_)));
    }
    assert_eq!((place.asked("DELETE"), place.asked("PATCH"), place.asked("POST")), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_got_lost_is_done_when_the_object_is_gone_or_going() {
    let gone = place(|method, nth| match (method.as_str(), nth) {
        ("DELETE", _) => status(504, "time-out"),
        ("GET", 0) => answer(200, &job(UID, "")),
        _ => status(404, "not found"),
    })
    .await;
    assert!(gone.run(delete()).await.as_done().is_some());
    let there =
        place(|method, _| if method == Method::DELETE { status(504, "") } else { answer(200, &job(UID, "")) }).await;
    assert!(matches!(there.run(delete()).await, Outcome::Failed(_)));
    assert_eq!((gone.asked("DELETE"), there.asked("DELETE")), (1, 1));
}

/// A server where a deleted job's launcher and worker pods end; the worker has been told to, and the launcher's owner is
/// gone before it. Gives the pods' deletions: path and body.
async fn ending(grace: u32, propagation: Propagation) -> (Outcome, Vec<String>) {
    let (deleted, heard) = (Arc::new(AtomicBool::new(false)), Asked::default());
    let (gone, told) = (Arc::clone(&deleted), Arc::clone(&heard));
    let session = testing::session(move |request| {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let pod = |name: &str, owner: &str, ends: Value| {
            json!({"metadata": {"name": name, "uid": name, "deletionGracePeriodSeconds": ends,
                "ownerReferences": [{"uid": owner, "controller": true}]}})
        };
        let is_gone = gone.load(SeqCst);
        let left = told.lock().expect("not poisoned").is_empty();
        match (method.as_str(), path.rsplit('/').next().unwrap_or_default()) {
            ("DELETE", "train") => {
                gone.store(true, SeqCst);
                answer(200, &json!({}))
            }
            ("DELETE", pod) => {
                told.lock().expect("not poisoned").push(pod.to_owned());
                answer(200, &json!({}))
            }
            ("GET", "train") if !is_gone => answer(200, &job(UID, "")),
            ("GET", "train-launcher") if !is_gone => answer(
                200,
                &json!({"metadata": {"name": "train-launcher", "uid": "l",
                    "ownerReferences": [{"uid": UID, "controller": true}]}}),
            ),
            ("GET", "pods") if left => {
                let items = [pod("launcher-x", "l", json!(30)), pod("worker-0", UID, json!(5))];
                answer(200, &json!({"items": items}))
            }
            ("GET", "pods") => answer(200, &json!({"items": []})),
            _ => status(404, "not found"),
        }
    })
    .await;
    let gate = Gate::new(Clean::new("x"), ReadOnly::No, false);
    let desk = Desk { session, offer: Arc::new(Offer::of(&[Kind::MpiJob])), gate, files: None };
    let name = Name::lossy;
    let key = JobKey { namespace: name("v"), name: name("train"), kind: Kind::MpiJob, uid: Uid::new(UID) };
    let what = What::Delete { propagation, grace: Some(grace) };
    let change = Change { context: Clean::new("x"), subject: Subject::job(&key), what };
    let mut report = run(&desk, Confirmed::on_screen(vec![change], None), Arc::new(|_| {})).await;
    let heard = heard.lock().expect("not poisoned").clone();
    (report.items.remove(0).outcome, heard)
}

#[tokio::test(start_paused = true)]
async fn pods_that_end_are_told_to_do_so_sooner_and_never_later() {
    let (outcome, told) = ending(10, Propagation::Background).await;
    assert!(outcome.as_done().is_some_and(|done| done.note.is_empty()), "{outcome:?}");
    assert_eq!(told, ["launcher-x"], "the worker ends within 5 seconds by itself; the launcher's Job is gone already");
    assert_eq!(ending(60, Propagation::Background).await.1, [""; 0]);
    assert_eq!(ending(1, Propagation::Orphan).await.1, [""; 0]);
}

/// So many jobs deleted at once, whose pods get 10 seconds, on a server that answers this when it is asked for pods (the
/// nth time, from 0). Gives the notes, the pods that were told to end, and how long it took.
async fn hurried(
    jobs: usize,
    pods: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> (Vec<String>, Vec<String>, Duration) {
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let session = testing::session(move |request| {
        let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
        let line = format!("{method} {path}");
        let mut heard = heard.lock().expect("not poisoned");
        let nth = heard.iter().filter(|known| **known == line).count();
        let is_there = path.contains("/mpijobs/") && !heard.contains(&format!("DELETE {path}"));
        heard.push(line);
        match method.as_str() {
            "DELETE" => answer(200, &json!({})),
            _ if path.ends_with("/pods") => pods(nth),
            _ if is_there => answer(200, &job(UID, "")),
            _ => status(404, "not found"),
        }
    })
    .await;
    let gate = Gate::new(Clean::new("x"), ReadOnly::No, false);
    let desk = Desk { session, offer: Arc::new(Offer::of(&[Kind::MpiJob])), gate, files: None };
    let change = |nth: usize| {
        let name = Name::lossy(&format!("train-{nth}"));
        let key = JobKey { namespace: Name::lossy("v"), name, kind: Kind::MpiJob, uid: Uid::new(UID) };
        let what = What::Delete { propagation: Propagation::Background, grace: Some(10) };
        Change { context: Clean::new("x"), subject: Subject::job(&key), what }
    };
    let began = tokio::time::Instant::now();
    let confirmed = Confirmed::on_screen((0..jobs).map(change).collect(), None);
    let report = run(&desk, confirmed, Arc::new(|_| {})).await;
    let took = began.elapsed();
    let note = |item: &Item| item.outcome.as_done().expect("deleted").note.to_string();
    let asked = asked.lock().expect("not poisoned");
    let told = asked.iter().filter_map(|line| {
        let (path, name) = line.rsplit_once('/')?;
        (path.starts_with("DELETE") && path.ends_with("/pods")).then(|| name.to_owned())
    });
    (report.items.iter().map(note).collect(), told.collect(), took)
}

/// These pods, which end within 30 seconds.
fn ending_pods(names: &[&str]) -> Answer {
    let pod = |name: &&str| {
        json!({"metadata": {"name": name, "uid": name, "deletionGracePeriodSeconds": 30,
            "ownerReferences": [{"uid": UID, "controller": true}]}})
    };
    answer(200, &json!({"items": names.iter().map(pod).collect::<Vec<_>>()}))
}

#[tokio::test(start_paused = true)]
async fn jobs_that_are_deleted_together_are_left_as_soon_as_their_pods_have_heard_of_it() {
    let (notes, told, took) = hurried(3, |_| ending_pods(&["a", "b"])).await;
    assert_eq!(notes, ["", "", ""], "what is still there is told of one job alone");
    assert_eq!(told.len(), 6);
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn pods_that_can_not_be_read_for_once_are_told_later_and_it_is_said_where_they_never_can() {
    let busy = |nth| match nth {
        1 => status(429, "busy"),
        2 => ending_pods(&["a"]),
        _ => ending_pods(&[]),
    };
    for jobs in [1, 2] {
        let (notes, told, _) = hurried(jobs, busy).await;
        assert_eq!((notes[0].as_str(), told), ("", vec!["a".to_owned()]));
    }
    for jobs in [1, 2] {
        let (notes, _, _) = hurried(jobs, |_| status(403, "pods is forbidden")).await;
        assert!(notes[0].starts_with("pods of it may keep their own time to end: "), "{notes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_a_webhook_puts_back_is_not_called_done() {
    let place = place(|_, _| answer(200, &job(UID, ""))).await;
    let to = |replicas| What::Scale { role: Sym::new("Worker"), replicas };
    let outcome = place.run(to(4)).await;
    assert!(
        matches!(&outcome, Outcome::Failed(problem) if problem.why.as_str().contains("kept the old value")),
        "{outcome:?}"
    );
    assert!(place.run(to(2)).await.as_done().is_some());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_through_a_closed_gate_and_nothing_is_logged() {
    let place = place(|_, _| answer(200, &job(UID, ""))).await;
    place.desk.gate.close();
    let report = place.report(delete()).await;
    assert!(!report.is_done() && place.asked.lock().expect("not poisoned").is_empty());
    assert_eq!(place.stages(), []);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_the_server_would_refuse_deletes_nothing() {
    let place = place(|method, _| match method.as_str() {
        "POST" => status(403, "mpijobs.kubeflow.org is forbidden: User \"eva\" cannot create resource \"mpijobs\""),
        _ => answer(200, &job(UID, "")),
    })
    .await;
    let outcome = place.run(What::Restart).await;
    assert!(
        matches!(&outcome, Outcome::Failed(problem) if problem.hint.as_str().contains("Nothing was deleted")),
        "{outcome:?}"
    );
    assert_eq!((place.asked("DELETE"), place.asked("POST")), (0, 1));
    assert!(
        place
            .asked
            .lock()
            .expect("not poisoned")
            .iter()
            .all(|line| !line.starts_with("POST") || line.contains("dryRun=All"))
    );
}
