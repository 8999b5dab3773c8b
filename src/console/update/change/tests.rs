//! From a key to what is sent: asking, refusing, choosing the right switch.

use crate::{
    changes::{Confirmed, How, Propagation, Through, What},
    console::{
        effect::Effect,
        message::Message,
        model::{
            change::{ChangeEffect, ChangeMessage, Running},
            draft::{DraftEffect, DraftMessage},
            overlay::Overlay,
            session::{ContextInfo, Phase},
        },
        testing::Harness,
    },
    disk::changes::{Entry, Stage},
    jobs::{
        Clean, JobRow, Kind, Name, PodRow, Secs, Sym, Uid, WorkloadRow,
        fleet::{Batch, ListKey, ListOf, ListPhase, Row},
        form::Listed,
        row::{Condition, ReplicaSpec, Truth},
    },
};

fn row(name: &str, condition: &str) -> JobRow {
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("vision"), Name::lossy(name), Uid::new(name));
    let spec = |role: &str, n| ReplicaSpec { role: Sym::new(role), replicas: Some(n), ..ReplicaSpec::default() };
    row.replicas = [spec("Launcher", 1), spec("Worker", 4)].into();
    row.created = Secs(999_000);
    let of = |kind: &str| Condition { kind: Sym::new(kind), status: Truth::True, ..Condition::default() };
    row.conditions = [of("Created"), of(condition)].into();
    row.suspend = condition == "Suspended";
    row
}

fn batch(of: ListOf, upserts: Vec<Row>) -> Batch {
    Batch {
        list: ListKey { of, namespace: None },
        restart: true,
        upserts,
        removals: Vec::new(),
        complete: true,
        phase: Some(ListPhase::Live),
    }
}

/// A console of context `prod` with these jobs.
fn console(rows: Vec<JobRow>) -> Harness {
    let mut it = Harness::new(80, 24);
    let session = &mut it.model.session;
    session.context = "prod".to_owned();
    session.user = Clean::new("eva");
    session.phase = Phase::Up;
    session.contexts = vec![ContextInfo { name: "prod".into(), shown: Clean::new("prod"), ..ContextInfo::default() }];
    let rows = rows.into_iter().map(Row::Job).collect();
    it.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::MpiJob), rows)]));
    it
}

/// What was sent, taken out.
fn sent(it: &mut Harness) -> Vec<Confirmed> {
    let effects = std::mem::take(&mut it.effects);
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Change(ChangeEffect::Run(_, _, confirmed)) => Some(confirmed),
            _ => None,
        })
        .collect()
}

fn whats(it: &mut Harness) -> Vec<What> {
    sent(it).iter().flat_map(|confirmed| confirmed.changes().iter().map(|change| change.what.clone())).collect()
}

#[test]
fn nothing_is_deleted_unless_yes_is_chosen() {
    let mut it = console(vec![row("train", "Running")]);
    for keys in ["A d enter", "A d esc", "A d n", "A d q", "A d tab tab enter"] {
        it.keys(keys);
        assert!(it.model.overlays.is_empty() && sent(&mut it).is_empty(), "{keys}");
    }
    it.keys("A d");
    insta::assert_snapshot!("delete_80x24", it.screen());
    it.keys("down y");
    let confirmed = sent(&mut it).remove(0);
    let change = &confirmed.changes()[0];
    assert_eq!(change.what, What::Delete { propagation: Propagation::Foreground, grace: None });
    assert_eq!((change.context.as_str(), change.subject.uid.clone()), ("prod", Some(Uid::new("train"))));
    assert_eq!(*confirmed.how(), How::Key);
}

#[test]
fn pods_of_a_job_that_is_deleted_end_when_they_say_or_sooner() {
    let mut it = console(vec![row("train", "Running")]);
    let pod = PodRow {
        namespace: Sym::new("vision"),
        name: Name::lossy("train-worker-0"),
        uid: Uid::new("p"),
        job: Name::lossy("train"),
        operator: Sym::new("mpi-operator"),
        role: Sym::new("worker"),
        index: Some(0),
        created: Secs(999_000),
        ..PodRow::default()
    };
    it.send(Message::Fleet(vec![batch(ListOf::Pods, vec![Row::Pod(pod)])]));
    let graces = |it: &mut Harness| {
        let grace = |what: &What| if let What::Delete { grace, .. } = what { *grace } else { None };
        whats(it).iter().map(grace).collect::<Vec<_>>()
    };
    it.keys("A d ] y");
    assert_eq!(graces(&mut it), [Some(10)]);
    it.keys("A d [");
    insta::assert_snapshot!("delete_with_pods_80x24", it.screen());
    it.keys("y");
    assert_eq!(graces(&mut it), [Some(1)]);
    it.keys("A d ] up y");
    assert_eq!(graces(&mut it), [None], "what stays is not told to end");
    it.model.session.contexts[0].type_name = true;
    it.keys("A d ]").type_text("train").keys("enter");
    assert_eq!(graces(&mut it), [Some(10)], "brackets choose where a name is typed, too");
}

#[test]
fn a_protected_context_wants_the_name() {
    let mut it = console(vec![row("train", "Running")]);
    it.model.session.contexts[0].type_name = true;
    it.keys("A d y enter");
    assert!(sent(&mut it).is_empty() && !it.model.overlays.is_empty(), "y is only a letter now");
    it.keys("backspace").type_text("trai").keys("enter");
    assert!(sent(&mut it).is_empty());
    insta::assert_snapshot!("type_name_80x24", it.screen());
    it.type_text("n").keys("enter");
    assert_eq!(sent(&mut it)[0].how(), &How::Typed("train".into()));
}

#[test]
fn a_read_only_context_says_how_to_unlock_it_and_locks_itself_again() {
    let mut it = console(vec![row("train", "Running")]);
    it.model.session.read_only = true;
    it.keys("A d");
    assert!(it.model.overlays.is_empty() && it.screen().contains(":unlock"), "{}", it.screen());
    it.keys(":").type_text("unlock 2").keys("enter A d");
    assert!(!it.model.overlays.is_empty(), "{}", it.screen());
    it.keys("esc");
    it.at(Secs(1_000_000 + 120)).keys("A d");
    assert!(it.model.overlays.is_empty() && it.screen().contains("read-only"), "{}", it.screen());
    it.model.session.read_only_all = true;
    it.keys(":").type_text("unlock").keys("enter A d");
    assert!(it.model.overlays.is_empty());
}

#[test]
fn what_kueue_manages_is_suspended_through_its_workload() {
    let mut job = row("train", "Running");
    job.queue = Some(Sym::new("gold"));
    let mut it = console(vec![job, row("other", "Running")]);
    let workload = WorkloadRow {
        namespace: Sym::new("vision"),
        name: Name::lossy("mpijob-train-1"),
        uid: Uid::new("w"),
        job_uid: Some(Uid::new("train")),
        active: true,
        ..WorkloadRow::default()
    };
    it.send(Message::Fleet(vec![batch(ListOf::Workloads, vec![Row::Workload(workload.clone())])]));
    it.keys("V *");
    it.model.list.marks = it.model.fleet.jobs().map(crate::jobs::fleet::Job::key).collect();
    it.keys("A s y");
    let through = Through::Workload(Name::lossy("mpijob-train-1"), Uid::new("w"));
    let done = whats(&mut it);
    assert!(done.contains(&What::Suspend(through.clone())) && done.contains(&What::Suspend(Through::Job)), "{done:?}");
    it.keys("esc");
    let paused = WorkloadRow { active: false, ..workload };
    it.send(Message::Fleet(vec![batch(ListOf::Workloads, vec![Row::Workload(paused)])]));
    it.keys("A g y");
    assert_eq!(whats(&mut it), [What::Resume(through)], "the other one is left out: it is not suspended");
}

#[test]
fn what_can_not_be_done_is_said_before_anything_is_asked() {
    for (condition, keys, words) in [
        ("Succeeded", "A s", "it has ended"),
        ("Running", "A g", "it is not suspended"),
        ("Running", "A f", "it has not ended"),
        ("Running", "A q", "suspend it first"),
        ("Running", "A p", "no queue manages it"),
        ("Succeeded", "A w", "it has ended"),
    ] {
        let mut it = console(vec![row("train", condition)]);
        it.keys(keys);
        assert!(it.model.overlays.is_empty() && it.screen().contains(words), "{condition} {keys}: {}", it.screen());
    }
    let mut it = console(vec![row("train", "Running")]);
    it.keys("A w backspace 0 enter");
    assert!(it.screen().contains("no number of workers"), "{}", it.screen());
    it.keys("A l").type_text("nonsense").keys("enter");
    assert!(it.screen().contains("neither key=value nor key-"), "{}", it.screen());
}

#[test]
fn the_log_tells_the_last_word_on_each_change() {
    let mut it = console(vec![row("train", "Running")]);
    it.keys("A c");
    let entry = |id: &str, at, stage, what: &str, result: &str| Entry {
        id: Clean::new(id),
        at: Secs(at),
        stage,
        what: Clean::new(what),
        context: Clean::new("prod"),
        user: Clean::new("eva"),
        result: Clean::new(result),
        ..Entry::default()
    };
    let log = vec![
        entry("1", 990_000, Stage::Begun, "delete MPIJob vision/old", ""),
        entry("1", 990_001, Stage::Done, "delete MPIJob vision/old", ""),
        entry("2", 999_000, Stage::Begun, "scale MPIJob vision/train to 8 Worker", ""),
        entry("2", 999_001, Stage::Failed, "scale MPIJob vision/train to 8 Worker", "can't scale: exceeded quota"),
        entry("3", 999_900, Stage::Begun, "restart MPIJob vision/train", ""),
    ];
    it.send(Message::Change(ChangeMessage::Log(Ok(log))));
    insta::assert_snapshot!("log_80x24", it.screen());
}

#[test]
fn an_answer_that_takes_its_time_is_told_once() {
    let mut it = console(vec![row("train", "Running")]);
    it.keys("A d y");
    let due = it.model.changes.next_deadline().expect("a deadline");
    it.at(due);
    assert!(it.screen().contains("Still waiting"), "{}", it.screen());
    assert_eq!(it.model.changes.next_deadline(), None);
}

#[test]
fn queues_of_the_namespace_are_offered_and_those_of_other_jobs_where_they_can_not_be_listed() {
    let mut waits = row("waits", "Suspended");
    waits.queue = Some(Sym::new("old"));
    let mut other = row("other", "Running");
    other.queue = Some(Sym::new("gpu"));
    let mut it = console(vec![waits, other]);
    let offered = |it: &Harness| match it.model.overlays.last() {
        Some(Overlay::Prompt(prompt)) => prompt.completions.iter().map(|c| c.line.clone()).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    it.model.list.selected = it.model.fleet.find("vision", "waits").first().map(|job| job.key());
    it.keys("A q");
    assert_eq!(offered(&it), ["gpu", "old"]);
    let asked = it.effects.iter().any(|effect| {
        matches!(effect, Effect::Draft(DraftEffect::Names(_, Some(at), of)) if at.as_str() == "vision" && *of == [Listed::LocalQueues])
    });
    assert!(asked, "{:?}", it.effects);
    let names = Ok(["gpu", "night"].map(Name::lossy).to_vec());
    it.send(Message::Draft(DraftMessage::Named(Some(Name::lossy("vision")), Listed::LocalQueues, names)));
    assert_eq!(offered(&it), ["gpu", "night", "old"]);
}

#[test]
fn what_goes_on_is_not_told_to_have_no_answer() {
    let mut it = console(vec![row("pi", "Running")]);
    let entry = |what: &str, id: &str| Entry {
        id: Clean::new(id),
        stage: Stage::Begun,
        at: Secs(1_000_000),
        what: Clean::new(what),
        context: Clean::new("prod"),
        ..Entry::default()
    };
    it.model.changes.begin(Running {
        since: Secs(1_000_000),
        context: Clean::new("prod"),
        what: Clean::new("lead a port to port 6006 of Pod vision/pi-launcher"),
        of: 1,
        progress: None,
        slow: true,
    });
    let what = "lead a port to port 6006 of Pod vision/pi-launcher";
    it.keys("A c");
    let log = vec![entry(what, "a"), entry("delete MPIJob vision/pi", "b")];
    it.send(Message::Change(ChangeMessage::Log(Ok(log))));
    let screen = it.screen();
    let line = |words: &str| screen.lines().filter(|line| line.contains(words)).any(|line| line.contains("ago"));
    assert!(line("goes on") && line("no answer"), "{screen}");
    assert_eq!(screen.matches("no answer").count(), 1, "{screen}");
}
