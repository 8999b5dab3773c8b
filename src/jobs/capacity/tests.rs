use std::sync::{Arc, LazyLock};

use super::*;
use crate::jobs::{
    JobRow, Kind, Name, PodRow, Secs, Sym, Uid,
    amounts::ByResource,
    causes::Rules,
    fleet::{Batch, ListKey, ListOf, Row},
    row::{Condition, Phase, ReplicaSpec, Requests, RunPolicy, Truth},
};

static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::builtin()));
const NOW: Secs = Secs(1_000_000);

fn sym(text: &str) -> Sym {
    Sym::new(text)
}

fn node(name: &str, model: &str, gpus: u64) -> NodeRow {
    let amounts = |gpus: u64| {
        ByResource::from([
            (sym("nvidia.com/gpu"), gpus * 1000),
            (sym("cpu"), 64_000),
            (sym("memory"), (256_u64 << 30) * 1000),
        ])
    };
    NodeRow {
        name: sym(name),
        labels: Box::new([(sym("nvidia.com/gpu.product"), sym(model))]),
        ready: true,
        capacity: amounts(gpus),
        allocatable: amounts(gpus),
        ..NodeRow::default()
    }
}

fn gpus(gpus: u32) -> Requests {
    Requests { gpus, cpu_milli: 4000, memory: 1 << 30, ..Requests::default() }
}

/// A job of two workers with 4 GPUs each, made by `creator`, in this state.
fn fleet(jobs: &[(&str, &str, &str, Option<&str>)]) -> Fleet {
    let mut fleet = Fleet::new(Arc::clone(&RULES));
    let (mut rows, mut pods) = (Vec::new(), Vec::new());
    for (namespace, name, state, creator) in jobs {
        let mut row = JobRow::bare(Kind::MpiJob, Name::lossy(namespace), Name::lossy(name), Uid::new(name));
        row.created = Secs(NOW.0 - 9000);
        row.creator = creator.map(sym);
        row.creator_by = creator.map(|_| sym("annotation mpideck.io/creator"));
        row.policy = RunPolicy { clean_pods: Some(sym("None")), ..RunPolicy::default() };
        let each = gpus(4);
        row.replicas =
            Box::new([ReplicaSpec { role: sym("Worker"), replicas: Some(2), each, ..ReplicaSpec::default() }]);
        let is = |kind: &str, ago: u32| Condition {
            kind: sym(kind),
            status: Truth::True,
            reason: sym(kind),
            since: Some(Secs(NOW.0 - ago)),
            ..Condition::default()
        };
        row.conditions = match *state {
            "Succeeded" => Box::new([is("Created", 9000), is("Succeeded", 7200)]),
            "Running" => Box::new([is("Created", 9000), is("Running", 8000)]),
            _ => Box::new([is("Created", 9000)]),
        };
        row.completed = (*state == "Succeeded").then_some(Secs(NOW.0 - 7200));
        rows.push(Row::Job(row));
        for index in 0..2 {
            let placed = *state != "Pending";
            pods.push(Row::Pod(PodRow {
                namespace: sym(namespace),
                name: Name::lossy(&format!("{name}-worker-{index}")),
                uid: Uid::new(&format!("{name}-{index}")),
                created: Secs(NOW.0 - 8900),
                job: Name::lossy(name),
                operator: sym("mpi-operator"),
                role: sym("worker"),
                index: Some(index),
                node: placed.then(|| sym(&format!("gpu-{index}"))),
                phase: if placed { Phase::Running } else { Phase::Pending },
                ready: placed,
                requests: gpus(4),
                ..PodRow::default()
            }));
        }
    }
    for (of, upserts) in [(ListOf::Jobs(Kind::MpiJob), rows), (ListOf::Pods, pods)] {
        fleet.apply(Batch { upserts, complete: true, ..Batch::new(ListKey { of, namespace: None }) });
    }
    fleet.settle(NOW);
    fleet
}

fn notebook(node: &str) -> HeldPod {
    HeldPod {
        namespace: sym("lab"),
        name: Name::lossy("notebook-0"),
        uid: Uid::new("notebook-0"),
        job: Name::default(),
        node: Some(sym(node)),
        requests: gpus(1),
    }
}

#[test]
fn a_node_shows_who_holds_it_and_what_is_left() {
    let fleet = fleet(&[("vision", "train", "Running", None)]);
    let rows = [node("gpu-0", "A100", 8), node("gpu-1", "A100", 8)];
    let pods = held(&fleet, &Part::whole(vec![notebook("gpu-0")]));
    let all = nodes(&rows, &pods);
    let names: Vec<_> = all[0].held.iter().map(|(holder, n)| (holder.name.as_str(), holder.is_job, *n)).collect();
    assert_eq!(names, [("train", true, 4), ("notebook-0", false, 1)]);
    let free = all[0].free();
    assert_eq!((free.gpus, free.cpu_milli, free.memory, all[0].pods), (3, 56_000, 254 << 30, 2));
    assert_eq!(all[0].lacks(&gpus(4)), Some("too few GPUs free"));
    assert_eq!(all[1].lacks(&gpus(4)), None);
    let closed = NodeRow { closed: true, ..node("gpu-1", "A100", 8) };
    let closed = [closed];
    assert_eq!(nodes(&closed, &[])[0].lacks(&gpus(1)), Some("closed for new pods"));
}

#[test]
fn a_pod_that_is_read_twice_counts_once() {
    let fleet = fleet(&[("vision", "train", "Running", None)]);
    let again: Vec<_> = held(&fleet, &Part::default());
    assert_eq!(held(&fleet, &Part::whole(again)).len(), 2);
}

#[test]
fn what_waits_and_would_fit_is_named() {
    let fleet = fleet(&[("vision", "waits", "Pending", None), ("vision", "runs", "Running", None)]);
    let rows = [node("gpu-0", "A100", 8), node("small", "T4", 2)];
    let all = nodes(&rows, &held(&fleet, &Part::default()));
    let names = |at: usize| {
        let (fitting, others) = starts(&fleet, &all[at]);
        (fitting.iter().map(|job| job.row.name.to_string()).collect::<Vec<_>>(), others)
    };
    assert_eq!(names(0), (vec!["waits".to_owned()], 0));
    assert_eq!(names(1), (vec![], 1));
}

#[test]
fn the_overview_counts_what_is_there_held_lost_and_wasted() {
    let fleet = fleet(&[
        ("vision", "runs", "Running", None),
        ("vision", "ended", "Succeeded", None),
        ("nlp", "waits", "Pending", None),
    ]);
    let mut lost = node("gpu-2", "H100", 8);
    lost.ready = false;
    let mut sick = node("gpu-1", "A100", 8);
    sick.allocatable.insert(sym("nvidia.com/gpu"), 7000);
    let rows = [node("gpu-0", "A100", 8), sick, lost];
    let pods = held(&fleet, &Part::default());
    let got = overview(&fleet, &nodes(&rows, &pods), &pods, NOW);
    let all = Gpus { total: 15, allocated: 15, unhealthy: 9, closed: 0 };
    assert_eq!(got.gpus, all, "the ninth of eight and the tenth of seven are not there");
    assert_eq!(got.models[0], (sym("A100"), Gpus { unhealthy: 1, ..all }));
    assert_eq!((got.nodes, got.wanted), ((3, 1), 8));
    assert_eq!(got.leaked, (8, 1, 16), "8 GPUs for two hours");
    assert_eq!(got.namespaces, [(sym("vision"), 16)]);
    let states: Vec<_> = got.states.iter().map(|(word, _, n)| (word.as_str(), *n)).collect();
    assert_eq!(states, [("Pending", 1), ("Running", 1), ("Succeeded", 1)]);
}

fn quota(namespace: &str, lines: &[(&str, u64, u64)]) -> QuotaRow {
    QuotaRow {
        namespace: sym(namespace),
        name: sym("q"),
        lines: lines.iter().map(|(key, hard, used)| (sym(key), hard * 1000, used * 1000)).collect(),
        ..QuotaRow::default()
    }
}

#[test]
fn of_several_quotas_the_fullest_counts() {
    let fleet = fleet(&[("vision", "runs", "Running", None)]);
    let quotas = [
        quota(
            "vision",
            &[("requests.nvidia.com/gpu", 16, 8), ("requests.cpu", 100, 10), ("count/mpijobs.kubeflow.org", 5, 1)],
        ),
        quota("vision", &[("requests.nvidia.com/gpu", 10, 8)]),
        QuotaRow { scoped: true, ..quota("vision", &[("requests.memory", 1, 1)]) },
    ];
    let all = spaces(
        &fleet,
        &quotas,
        &[SpaceRow { name: sym("vision"), requester: Some(sym("ada")), ..SpaceRow::default() }],
        &[],
    );
    let space = &all[0];
    assert_eq!(space.gpus, Some(Use { used: 8000, hard: 10_000 }));
    assert_eq!((space.gpus.map(Use::percent), space.cpu.map(Use::percent)), (Some(80), Some(10)));
    assert_eq!((space.memory, space.scoped, space.jobs), (None, 1, [1, 1, 0]));
    assert_eq!(space.requester, Some(sym("ada")));
    assert_eq!(Use { used: 0, hard: 0 }.percent(), 100);
}

#[test]
fn users_are_known_by_what_says_so() {
    let fleet = fleet(&[
        ("vision", "a", "Running", Some("ada")),
        ("lab", "b", "Running", None),
        ("nlp", "c", "Pending", None),
        ("nlp", "d", "Succeeded", Some("ada")),
    ]);
    let all = users(&fleet, &[SpaceRow { name: sym("lab"), requester: Some(sym("bob")), ..SpaceRow::default() }]);
    let got: Vec<_> = all
        .iter()
        .map(|user| {
            let name = user.name.as_ref().map_or("?", |name| name.as_str());
            (name, user.by[0].as_str(), user.jobs, user.gpus, user.leaked)
        })
        .collect();
    assert_eq!(
        got,
        [
            ("ada", "annotation mpideck.io/creator", [2, 1, 0, 0], 16, 8),
            ("bob", "requester of the namespace", [1, 1, 0, 0], 8, 0),
            ("?", "nothing tells", [1, 0, 1, 0], 0, 0),
        ]
    );
}
