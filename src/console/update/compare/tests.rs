use std::{path::PathBuf, sync::Arc};

use crate::{
    console::{
        effect::Effect,
        message::Message,
        model::{
            page::{Kept, Recorded},
            record::{Opened, RecordEffect, RecordMessage, Which},
            session::Phase as SessionPhase,
        },
        testing::Harness,
    },
    disk::records::{ClusterPlace, Header, Summary, VERSION},
    jobs::{
        Clean, JobRow, Kind, Name, PodRow, Secs, Sym, Uid,
        compare::Goals,
        fleet::{Batch, Fleet, JobKey, ListKey, ListOf, Row},
        progress::{Progress, Rate, Unit},
        row::{Condition, ContainerRow, ContainerState, Phase, ReplicaSpec, Requests, RunPolicy, Truth},
    },
};

const NOW: u32 = 1_000_000;

fn condition(kind: &str, ago: u32) -> Condition {
    Condition { kind: Sym::new(kind), status: Truth::True, since: Some(Secs(NOW - ago)), ..Condition::default() }
}

/// A job of so many workers with eight GPUs each, and how fast it trains.
fn job(name: &str, workers: u32, ago: u32, speed: f64) -> JobRow {
    let each =
        Requests { gpus: 8, gpu_resource: Some(Sym::new("nvidia.com/gpu")), memory: 64 << 30, ..Requests::default() };
    let spec = |role: &str, replicas, each| ReplicaSpec {
        role: Sym::new(role),
        replicas: Some(replicas),
        image: Some(Sym::new("registry.local/nlp/bert:1.4")),
        each,
        ..ReplicaSpec::default()
    };
    let rate = Rate { last: speed, mean: speed, unit: Unit::Samples, per_gpu: false, measured: false };
    let progress = Progress {
        at: Some(Secs(NOW - 10)),
        step: Some(450),
        steps: Some(1000),
        share: Some(0.45),
        loss: Some(0.53),
        rate: Some(rate),
        ..Progress::default()
    };
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("nlp"), Name::lossy(name), Uid::new(name));
    row.created = Secs(NOW - ago);
    row.started = Some(Secs(NOW - ago));
    row.slots = Some(8);
    row.queue = Some(Sym::new(if workers > 2 { "large" } else { "small" }));
    row.policy = RunPolicy { mpi: Some(Sym::new("OpenMPI")), ..RunPolicy::default() };
    row.replicas = Box::new([spec("Launcher", 1, Requests::default()), spec("Worker", workers, each)]);
    row.conditions = Box::new([condition("Created", ago), condition("Running", ago - 60)]);
    row.progress = Some(Box::new(progress));
    row
}

fn batch(of: ListOf, rows: Vec<Row>) -> Message {
    Message::Fleet(vec![Batch { upserts: rows, ..Batch::new(ListKey { of, namespace: None }) }])
}

fn harness(width: u16, height: u16) -> Harness {
    let mut h = Harness::new(width, height);
    h.model.goals = Goals { efficiency: Some(80), speed: None };
    let jobs = [job("bert-1", 1, 9_000, 800.0), job("bert-2", 2, 8_000, 1520.0), job("bert-4", 4, 7_000, 2400.0)];
    h.send(batch(ListOf::Jobs(Kind::MpiJob), jobs.into_iter().map(Row::Job).collect()));
    h
}

fn compared(width: u16, height: u16) -> Harness {
    let mut h = harness(width, height);
    h.keys("* =");
    h
}

fn summary(dir: &str) -> Summary {
    let job = JobKey {
        namespace: Name::lossy("nlp"),
        name: Name::lossy("bert-old"),
        kind: Kind::MpiJob,
        uid: Uid::new("old"),
    };
    let cluster = ClusterPlace::new("https://a", b"");
    Summary {
        header: Header { version: VERSION, cluster, context: Clean::new("c"), job },
        begun: Secs(1),
        last: Secs(2),
        deleted: None,
        state: Clean::new("Succeeded"),
        finished: true,
        cause: None,
        size: 1,
        dir: PathBuf::from(dir),
    }
}

fn opened(dir: &str) -> Box<Opened> {
    let row = job("bert-old", 1, 90_000, 400.0);
    let key = JobKey { namespace: row.namespace.clone(), name: row.name.clone(), kind: row.kind, uid: row.uid.clone() };
    let mut fleet = Fleet::new(Arc::default());
    let list = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
    fleet.apply(Batch { upserts: vec![Row::Job(row)], ..Batch::new(list) });
    fleet.settle(Secs(NOW));
    let recorded = Recorded { dir: PathBuf::from(dir), last: Secs(NOW - 80_000), ..Recorded::default() };
    let job = Kept::of(&fleet, &key).expect("there");
    Box::new(Opened { job, object: None, events: Vec::new(), recorded: Arc::new(recorded) })
}

#[test]
fn golden_screens() {
    insta::assert_snapshot!("compare_80x24", compared(80, 24).screen());
    insta::assert_snapshot!("compare_160x45", compared(160, 45).screen());
}

#[test]
fn the_oldest_is_the_baseline_until_another_is_chosen() {
    let mut h = compared(160, 45);
    let line = |h: &Harness, title: &str| {
        let screen = h.screen();
        let words = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        screen.lines().map(words).find(|words| words.get(1).is_some_and(|word| word == title)).unwrap_or_default()
    };
    assert_eq!(line(&h, "speed-up")[2..5], ["1.00x", "1.90x", "3.00x"]);
    assert_eq!(line(&h, "efficiency")[2..6], ["100%", "95%", "75%", "!"]);
    h.keys("right b");
    assert_eq!(line(&h, "speed-up")[2..5], ["0.53x", "1.00x", "1.58x"]);
    h.keys("x");
    assert_eq!(line(&h, "speed-up")[2..4], ["1.00x", "3.00x"], "{}", h.screen());
    h.keys("x x x esc");
    assert!(h.model.compare().is_none());
    assert!(h.screen().contains("bert-1"), "{}", h.screen());
}

#[test]
fn what_is_saved_is_what_is_shown() {
    let mut h = compared(80, 24);
    h.keys("S");
    let Some(Effect::Save(name, text)) = h.effects.last() else { panic!("{:?}", h.effects.last()) };
    assert_eq!(name, "nlp-bert-1-compared.json");
    let json: serde_json::Value = serde_json::from_str(text.for_writing()).expect("JSON");
    assert_eq!((&json["jobs"][2]["speedUp"], &json["differs"][0]), (&3.0.into(), &"queue".into()));
    h.keys(":").type_text("compare.save-csv").keys("enter");
    let Some(Effect::Save(name, text)) = h.effects.last() else { panic!("{:?}", h.effects.last()) };
    assert_eq!((name.as_str(), text.for_writing().lines().count()), ("nlp-bert-1-compared.csv", 4));
}

#[test]
fn records_are_added_once_they_are_read() {
    let mut h = compared(160, 45);
    h.keys("a");
    assert_eq!(h.effects.last(), Some(&Effect::Record(RecordEffect::List)));
    h.send(Message::Record(RecordMessage::Listed(Ok(vec![summary("/r/old")]))));
    assert!(h.screen().contains("bert-old"), "{}", h.screen());
    h.keys("enter");
    let which = Which::Dir(PathBuf::from("/r/old"));
    assert_eq!(h.effects.last(), Some(&Effect::Record(RecordEffect::Open(which.clone()))));
    assert!(h.screen().contains("reading 1 more"), "{}", h.screen());
    h.send(Message::Record(RecordMessage::Opened(which.clone(), Ok(Some(opened("/r/old"))))));
    let screen = h.screen();
    assert!(screen.contains("nlp (record)") && screen.contains("bert-old") && screen.contains("0.50x"), "{screen}");
    assert!(h.model.page.is_none(), "it does not open its page");
    h.keys("right right right b");
    assert!(h.screen().contains("against nlp/bert-old"), "{}", h.screen());
    let gone = Which::Dir(PathBuf::from("/r/gone"));
    h.model.compare_mut().expect("open").wanted = vec![PathBuf::from("/r/gone")];
    h.send(Message::Record(RecordMessage::Opened(gone, Ok(None))));
    assert!(h.screen().contains("This record is gone"), "{}", h.screen());
}

#[test]
fn a_job_that_is_deleted_meanwhile_stays_as_it_was() {
    let mut h = compared(160, 45);
    let list = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
    h.send(batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(job("bert-2", 2, 8_000, 1600.0))]));
    h.send(Message::Fleet(vec![Batch { removals: vec![Uid::new("bert-2")], ..Batch::new(list) }]));
    let screen = h.screen();
    assert!(screen.contains("gone, was Running") && screen.contains("2.00x"), "as it was at its end: {screen}");
}

#[test]
fn the_logs_of_compared_jobs_are_read_where_the_job_says_nothing_itself() {
    let mut h = Harness::new(160, 45);
    h.model.session.phase = SessionPhase::Up;
    let quiet = |name| Row::Job(JobRow { progress: None, ..job(name, 1, 9_000, 1.0) });
    h.send(batch(ListOf::Jobs(Kind::MpiJob), vec![quiet("a"), quiet("b")]));
    let pod = |job: &str| {
        let state = Some(ContainerState::Running(Some(Secs(NOW - 100))));
        let main = ContainerRow { name: Sym::new("mpi"), state, ..ContainerRow::default() };
        Row::Pod(PodRow {
            namespace: Sym::new("nlp"),
            name: Name::lossy(&format!("{job}-launcher")),
            uid: Uid::new(&format!("pod-{job}")),
            created: Secs(NOW - 100),
            job: Name::lossy(job),
            operator: Sym::new("mpi-operator"),
            role: Sym::new("launcher"),
            phase: Phase::Running,
            containers: [main].into(),
            ..PodRow::default()
        })
    };
    h.send(batch(ListOf::Pods, vec![pod("a"), pod("b")]));
    let asked = |h: &Harness| h.effects.iter().filter(|effect| matches!(effect, Effect::Listen(..))).count();
    assert_eq!(asked(&h), 0, "nobody looks");
    h.keys("* =");
    assert_eq!(asked(&h), 2);
    let goes_on = |effect: &Effect| matches!(effect, Effect::Listen(_, _, wanted) if wanted[0].follow);
    assert!(h.effects.iter().any(goes_on), "for the mean of all speeds, and then only what is new");
}

#[test]
fn any_size_can_be_drawn() {
    for (width, height) in [(40, 10), (41, 11), (60, 12), (300, 80)] {
        let mut h = compared(width, height);
        for _ in 0..3 {
            h.keys("right down");
            assert!(h.screen().contains("Compare"), "{width}x{height}\n{}", h.screen());
        }
    }
}
