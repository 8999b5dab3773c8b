//! Every view offers at its foot what can be done there, by keys that do it.

use super::*;
use crate::{
    console::{message::Message, model::session::Phase as Link, testing::Harness},
    jobs::{
        JobRow, Kind, Name, PodRow, Secs, Sym, Uid,
        fleet::{Batch, ListKey, ListOf, Row},
        row::{Condition, Phase, ReplicaSpec, Requests, Truth},
    },
};

fn job(name: &str, state: &str) -> JobRow {
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("nlp"), Name::lossy(name), Uid::new(name));
    row.created = Secs(990_000);
    let spec = |role: &str, gpus| ReplicaSpec {
        role: Sym::new(role),
        replicas: Some(1),
        each: Requests { gpus, ..Requests::default() },
        ..ReplicaSpec::default()
    };
    row.replicas = Box::new([spec("Launcher", 0), spec("Worker", 8)]);
    row.conditions = Box::new([Condition { kind: Sym::new(state), status: Truth::True, ..Condition::default() }]);
    row
}

fn worker(job: &JobRow) -> PodRow {
    PodRow {
        namespace: Sym::new("nlp"),
        name: Name::lossy(&format!("{}-worker-0", job.name)),
        uid: Uid::new(&format!("{}-worker-0", job.name)),
        job: job.name.clone(),
        operator: Sym::new("mpi-operator"),
        role: Sym::new("worker"),
        index: Some(0),
        phase: Phase::Running,
        ready: true,
        node: Some(Sym::new("gpu-0")),
        ..PodRow::default()
    }
}

fn at(way: &str) -> Harness {
    let mut it = Harness::new(160, 45);
    it.model.session.phase = Link::Up;
    let jobs = [job("failed", "Failed"), job("runs", "Running"), job("done", "Succeeded")];
    let pods = jobs[..2].iter().map(worker).map(Row::Pod).collect();
    let jobs = jobs.into_iter().map(Row::Job).collect();
    let batch = |of, upserts| Batch { upserts, complete: true, ..Batch::new(ListKey { of, namespace: None }) };
    it.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::MpiJob), jobs), batch(ListOf::Pods, pods)]));
    it.keys(way);
    it
}

#[test]
fn what_does_not_apply_to_the_selected_job_is_not_offered() {
    let has = |way: &str, title: &str| hinted(&at(way).model).iter().any(|(row, _)| row.title == title);
    assert!(has("g", "Fix and resubmit") && !has("G", "Fix and resubmit"));
    assert!(has("v n", "Sort") && !has("v o", "Sort"));
}
