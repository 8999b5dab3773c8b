//! `mpideck compare` as a process: a job of a served sim beside one that is known from its record only.

use mpideck::disk::records::{Bounds, ClusterPlace, Fact, Header, LogText, Records, Stream, VERSION};
use mpideck::jobs::fleet::JobKey;
use mpideck::jobs::row::{Condition, ContainerRow, ContainerState, Phase, Terminated, Truth};
use mpideck::jobs::{Clean, JobRow, Kind, Name, PodRow, Secs, Sym, Uid};
use serde_json::Value;

use crate::lived::lived;
use crate::program::Program;

const BEGAN: u32 = 1_700_000_000;

/// Writes the record of a job whose launcher told of a hundred steps, each a second, at this speed.
fn record(program: &Program, name: &str, speed: u32) {
    let records = Records::new(program.path(".local/state/mpideck/records"), Bounds::default());
    let job = JobKey {
        namespace: Name::lossy("nlp"),
        name: Name::lossy(name),
        kind: Kind::MpiJob,
        uid: Uid::new(&format!("uid-{name}")),
    };
    let cluster = ClusterPlace::new("https://gone", b"");
    let header = Header { version: VERSION, cluster, context: Clean::new("gone"), job: job.clone() };
    let mut writer = records.writer(&header, Secs(BEGAN)).unwrap();
    let mut row = JobRow::bare(job.kind, job.namespace.clone(), job.name.clone(), job.uid.clone());
    row.created = Secs(BEGAN);
    let condition = |kind: &str, at: u32| Condition {
        kind: Sym::new(kind),
        status: Truth::True,
        reason: Sym::new("x"),
        since: Some(Secs(BEGAN + at)),
        ..Condition::default()
    };
    row.conditions = [condition("Running", 10), condition("Succeeded", 200)].into();
    (row.started, row.completed) = (Some(Secs(BEGAN)), Some(Secs(BEGAN + 200)));
    let end = Terminated { reason: Sym::new("Completed"), finished: Some(Secs(BEGAN + 200)), ..Terminated::default() };
    let main =
        ContainerRow { name: Sym::new("mpi"), state: Some(ContainerState::Terminated(end)), ..ContainerRow::default() };
    let pod = PodRow {
        namespace: Sym::new("nlp"),
        name: Name::lossy(&format!("{name}-launcher")),
        uid: Uid::new(&format!("pod-{name}")),
        created: Secs(BEGAN),
        job: job.name.clone(),
        operator: Sym::new("mpi-operator"),
        role: Sym::new("launcher"),
        phase: Phase::Succeeded,
        containers: [main].into(),
        ..PodRow::default()
    };
    let stream = Stream { pod: pod.name.clone(), container: Sym::new("mpi"), run: 0 };
    writer.add(Secs(BEGAN + 300), [Fact::Job(Box::new(row)), Fact::Pod(Box::new(pod)), Fact::Deleted]).unwrap();
    writer.begin_log(&stream).unwrap();
    let line = |n: u32| LogText {
        at: Some(i64::from(BEGAN + 50 + n) * 1_000_000_000),
        text: format!("[1,0]<stdout>:step {n}/100 loss 0.5 {speed} images/sec"),
    };
    let lines: Vec<LogText> = (1..=100).map(line).collect();
    writer.add_log(&stream, &lines, 0).unwrap();
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_compared_without_a_cluster() {
    let program = Program::with(&serde_json::json!({}));
    record(&program, "one", 100);
    record(&program, "two", 150);
    let said = program.run("compare --recorded nlp/one uid-two -o json").await;
    let compared = json(said.went_well());
    let [one, two] = [&compared["jobs"][0], &compared["jobs"][1]];
    assert_eq!((&one["recorded"], &one["state"], &one["ranSeconds"]), (&true.into(), &"Succeeded".into(), &190.into()));
    assert_eq!((&two["speed"]["mean"], &two["speedUp"]), (&150.0.into(), &1.5.into()), "{compared}");
    assert_eq!((&two["progress"]["origin"], &two["progress"]["percent"]), (&"log".into(), &100.0.into()));
    let said = program.run("compare --recorded one two -o csv").await;
    assert_eq!(said.went_well().lines().count(), 3, "{said:?}");
    let said = program.run("compare --recorded one three").await;
    said.failed_with(4, &["no job and no record «three»", "mpideck history"]);
    program.run("compare one").await.failed_with(2, &["2 values required"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_the_cluster_stands_beside_a_record_and_its_log_tells_its_speed() {
    let lived = lived("healthy-horovod").await;
    let served = lived.sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let program = Program::with(served.kubeconfig());
    record(&program, "old", 1400);
    let living = format!("{}/{}", lived.namespace, lived.job);
    let said = program.run(&format!("compare {living} nlp/old -o json")).await;
    assert_eq!(said.code, 0, "{said:?}");
    let compared = json(&said.out);
    let [own, old] = [&compared["jobs"][0], &compared["jobs"][1]];
    assert_eq!((&own["recorded"], &old["recorded"]), (&false.into(), &true.into()), "{compared}");
    assert_eq!((&own["speed"]["unit"], &own["gpus"]), (&"samples/s".into(), &8.into()), "{compared}");
    let mean = own["speed"]["mean"].as_f64().unwrap();
    assert!((2_780.0..2_940.0).contains(&mean), "{compared}");
    assert_eq!(old["speedUp"].as_f64(), Some(1400.0 / mean), "{compared}");
    let said = program.run(&format!("compare {living} nlp/old")).await;
    assert!(said.out.contains("(baseline)") && said.out.contains("samples/s"), "{said:?}");
    assert!(said.out.contains(&format!("against {living}, by mean speeds")), "{said:?}");
}
