//! Jobs that are deleted, and made again under their name, while their page is open.

use super::*;
use crate::{
    console::model::{change::ChangeId, page::metrics::Asking, visit::VisitEffect},
    jobs::fleet::ListPhase,
};

/// A console with the job in its fleet, and its page open.
fn live(width: u16, height: u16, tab: Tab) -> Harness {
    let mut h = Harness::new(width, height);
    h.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(job(2))])]));
    let pods = [pod("worker", Some(0), "gpu-0", 3500), pod("worker", Some(1), "gpu-0", 3500)];
    h.send(Message::Fleet(vec![batch(ListOf::Pods, pods.map(Row::Pod).into())]));
    let key = key_of(&job(2));
    let effects = super::super::open_on(&mut h.model, &key, tab);
    h.effects.extend(effects);
    h
}

fn batch(of: ListOf, upserts: Vec<Row>) -> Batch {
    let mut batch = Batch::new(ListKey { of, namespace: None });
    (batch.upserts, batch.phase) = (upserts, Some(ListPhase::Live));
    batch
}

/// In which pods `nvidia-smi` was last told to be asked.
fn asked_in(h: &Harness) -> Option<Vec<String>> {
    h.effects.iter().rev().find_map(|effect| match effect {
        Effect::Visit(VisitEffect::Pods(ChangeId(7), pods)) => {
            Some(pods.iter().map(|(pod, _)| pod.to_string()).collect())
        }
        _ => None,
    })
}

#[test]
fn nvidia_smi_is_asked_in_the_pods_that_run_after_a_restart() {
    let mut h = live(80, 24, Tab::Metrics);
    let page = h.model.page.as_mut().expect("a page");
    page.metrics.asking = Some(Asking { id: ChangeId(7), pods: page.job.gpu_pods() });
    h.send(Message::Fleet(Vec::new()));
    assert_eq!(asked_in(&h), None, "nothing changed");
    let waits = PodRow { phase: Phase::Pending, containers: Box::default(), ..pod("worker", Some(1), "gpu-1", 5) };
    h.send(Message::Fleet(vec![batch(ListOf::Pods, vec![Row::Pod(waits)])]));
    assert_eq!(asked_in(&h).expect("told"), ["bert-large-worker-0"]);
    let mut again = pod("worker", Some(1), "gpu-1", 5);
    (again.uid, again.name) = (Uid::new("another"), Name::lossy("bert-large-worker-1-b"));
    let mut gone = batch(ListOf::Pods, vec![Row::Pod(again)]);
    gone.removals = vec![Uid::new("bert-large-worker-1")];
    h.send(Message::Fleet(vec![gone]));
    assert_eq!(asked_in(&h).expect("told"), ["bert-large-worker-0", "bert-large-worker-1-b"]);
    h.keys("2");
    assert_eq!(h.effects.last(), Some(&Effect::Visit(VisitEffect::Stop(ChangeId(7)))), "nobody looks");
}

fn key_of(row: &JobRow) -> JobKey {
    JobKey { namespace: row.namespace.clone(), name: row.name.clone(), kind: row.kind, uid: row.uid.clone() }
}

fn deleted(h: &mut Harness) {
    let mut gone = batch(ListOf::Jobs(Kind::MpiJob), Vec::new());
    gone.removals = vec![job(2).uid];
    h.send(Message::Fleet(vec![gone]));
}

/// The same name a minute later.
fn again() -> JobRow {
    JobRow { uid: Uid::new("the-second"), created: Secs(NOW + 60), conditions: Box::default(), ..job(5) }
}

fn made_again(h: &mut Harness) {
    h.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(again())])]));
}

#[test]
fn one_key_goes_to_the_job_that_took_the_name() {
    let mut h = live(80, 24, Tab::Workers);
    deleted(&mut h);
    h.keys("J");
    assert_eq!(page(&h).job.row.uid, job(2).uid, "there is none to go to yet");
    h.at(Secs(NOW + 60));
    made_again(&mut h);
    h.at(Secs(NOW + 72));
    let screen = h.screen();
    assert!(
        screen.contains("This job was deleted 72s ago; a new one with this name exists: J goes to it."),
        "{screen}"
    );
    assert!(screen.contains("Worker 1") && !screen.contains("Worker 4"), "the old content: {screen}");
    insta::assert_snapshot!("deleted_and_made_again_80x24", screen);
    let before = page(&h).id;
    h.keys("J");
    assert_eq!((page(&h).job.row.uid.clone(), page(&h).tab, page(&h).gone), (again().uid, Tab::Workers, None));
    assert_ne!(page(&h).id, before, "answers for the old page are not the new one's");
    assert!(h.screen().contains("Worker 4") && !h.screen().contains("deleted"), "{}", h.screen());
}

#[test]
fn the_order_of_deletion_and_creation_does_not_matter() {
    let mut h = live(80, 24, Tab::Overview);
    made_again(&mut h);
    assert!(page(&h).gone.is_none(), "both may be there for a moment");
    deleted(&mut h);
    h.keys("J");
    assert_eq!(page(&h).job.row.uid, again().uid);
    let mut both = batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(job(2))]);
    both.removals = vec![again().uid];
    h.send(Message::Fleet(vec![both]));
    h.keys("J");
    assert_eq!(page(&h).job.row.uid, job(2).uid);
}

#[test]
fn a_namesake_of_another_kind_is_no_successor() {
    let mut h = live(80, 24, Tab::Overview);
    deleted(&mut h);
    let other = JobRow { kind: Kind::PyTorchJob, ..again() };
    h.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::PyTorchJob), vec![Row::Job(other)])]));
    assert_eq!(page(&h).successor, None);
    assert!(h.screen().contains("what was known of it stays here"), "{}", h.screen());
}

#[test]
fn answers_about_the_new_job_are_not_taken_for_the_old_one() {
    let manifest = |uid: &Uid, image: &str| json!({"metadata": {"name": "bert-large", "uid": uid.to_string()}, "spec": {"image": image}});
    let mut h = live(80, 24, Tab::Configuration);
    let id = page(&h).id;
    h.send(Message::Page(id, PageMessage::Object(Ok(manifest(&job(2).uid, "old")))));
    deleted(&mut h);
    made_again(&mut h);
    h.send(Message::Page(id, PageMessage::Object(Ok(manifest(&again().uid, "new")))));
    assert!(h.screen().contains("image: old"), "{}", h.screen());
    let before = h.effects.len();
    h.keys("1 2");
    let asked = |effect: &Effect| matches!(effect, Effect::Page(PageEffect::Object(..) | PageEffect::Owned(..)));
    assert!(!h.effects[before..].iter().any(asked), "nothing is asked of a job that is gone");
    h.keys("1");
    assert!(h.screen().contains("deleted"));
    h.keys("2");
    assert!(h.screen().contains("image: old"), "{}", h.screen());
}

#[test]
fn what_was_not_read_of_a_job_that_is_gone_is_said() {
    let mut h = live(80, 24, Tab::Workers);
    deleted(&mut h);
    for (tab, keys) in [(Tab::Configuration, "2"), (Tab::Overview, "1 G")] {
        h.keys(keys);
        assert_eq!(page(&h).tab, tab);
        assert!(h.screen().contains("deleted before this was read"), "{}", h.screen());
    }
}

#[test]
fn events_of_the_namesakes_before_and_after_are_left_out() {
    let mut h = live(80, 24, Tab::Events);
    deleted(&mut h);
    made_again(&mut h);
    let event = |kind: &str, about: &Uid, at: u32, words: &str| EventRow {
        uid: Uid::new(words),
        about_name: Name::lossy(if kind == "Pod" { "bert-large-worker-0" } else { "bert-large" }),
        about_kind: Sym::new(kind),
        about_uid: about.clone(),
        message: Clean::new(words),
        first: Secs(at),
        last: Secs(at),
        ..warning(&pod("worker", Some(0), "gpu-0", 3500))
    };
    let a_pod = Uid::new("a-pod");
    let events = vec![
        event("Pod", &a_pod, NOW - 7200, "pod of an earlier job"),
        event("Pod", &a_pod, NOW - 60, "pod of this job"),
        event("Pod", &a_pod, NOW + 61, "pod of the new job"),
        event("MPIJob", &job(2).uid, NOW - 50, "this job"),
        event("MPIJob", &again().uid, NOW + 62, "the new job"),
    ];
    let id = page(&h).id;
    h.send(Message::Page(id, PageMessage::Events(Ok(events))));
    let told: Vec<_> = page(&h).events.all.ready().expect("events").iter().map(|e| e.message.to_string()).collect();
    assert_eq!(told, ["pod of this job", "this job"]);
}
