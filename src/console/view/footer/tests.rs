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

/// Ways to every view, from a list with three jobs of which the first one has failed.
const WAYS: [&str; 27] = [
    "g",
    "a",
    "j",
    "G",
    "space",
    "enter",
    "enter 2",
    "enter 3",
    "enter 4",
    "enter 5",
    "enter 6",
    "enter 7",
    "G enter",
    "G enter 3",
    "G enter 4",
    "G enter 6",
    "G enter 7",
    "v o",
    "v n",
    "v s",
    "v q",
    "v u",
    "?",
    "space j space =",
    "N",
    ":",
    "/",
];

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

fn at(way: &str, locked: bool) -> Harness {
    let mut it = Harness::new(160, 45);
    it.model.session.phase = Link::Up;
    let jobs = [job("failed", "Failed"), job("runs", "Running"), job("done", "Succeeded")];
    let pods = jobs[..2].iter().map(worker).map(Row::Pod).collect();
    let jobs = jobs.into_iter().map(Row::Job).collect();
    let batch = |of, upserts| Batch { upserts, complete: true, ..Batch::new(ListKey { of, namespace: None }) };
    it.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::MpiJob), jobs), batch(ListOf::Pods, pods)]));
    it.model.session.read_only = locked;
    it.keys(way);
    it
}

fn complaints(it: &Harness) -> Vec<String> {
    let bad = it.model.notices.iter().filter(|notice| matches!(notice.tone, Tone::Warn | Tone::Bad));
    bad.map(|notice| notice.text.to_string()).collect()
}

#[test]
fn what_a_view_offers_can_be_done_there_by_the_key_that_is_named() {
    let mut wrong = Vec::new();
    for (way, locked) in WAYS.iter().flat_map(|way| [(*way, false), (*way, true)]) {
        let offered: Vec<(CommandId, String)> =
            hinted(&at(way, locked).model).into_iter().map(|(row, key)| (row.id, key)).collect();
        let has_own_keys = [":", "/", "N"].contains(&way);
        assert!(has_own_keys || !offered.is_empty(), "{way}: nothing is offered");
        for (id, key) in offered {
            let mut it = at(way, locked);
            let before = complaints(&it);
            it.keys(&key);
            let after = complaints(&it);
            if after != before {
                wrong.push(format!("{way:?} then {key} ({id:?}, read-only: {locked}): {after:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_does_not_apply_to_the_selected_job_is_not_offered() {
    let has = |way: &str, title: &str| hinted(&at(way, false).model).iter().any(|(row, _)| row.title == title);
    assert!(has("g", "Fix and resubmit") && !has("G", "Fix and resubmit"));
    assert!(has("v n", "Sort") && !has("v o", "Sort"));
}
