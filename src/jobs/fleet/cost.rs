//! What the fleet costs at 1,000 jobs x 16 workers. Run it optimised:
//! `cargo test --release --lib fleet::cost -- --ignored --nocapture`.

use std::{fs, sync::Arc, time::Instant};

use super::*;
use crate::jobs::{
    causes::Rules,
    row::{Condition, ContainerRow, ContainerState, Owner, Phase, ReplicaSpec, Requests, Truth},
    text::Sym,
};

const JOBS: u32 = 1000;
const WORKERS: u16 = 16;

fn job(n: u32) -> JobRow {
    let mut row = JobRow::bare(
        Kind::MpiJob,
        Name::lossy(&format!("team-{}", n % 20)),
        Name::lossy(&format!("train-llama-finetune-{n}")),
        Uid::new(&format!("{n:08x}-0000-4000-8000-000000000000")),
    );
    row.created = Secs(1_000_000 + n);
    row.labels =
        Box::new([(Sym::new("app"), Sym::new("llama")), (Sym::new("owner"), Sym::new(&format!("u{}", n % 50)))]);
    let spec = |role: &str, replicas, gpus| ReplicaSpec {
        role: Sym::new(role),
        replicas: Some(replicas),
        restart_policy: Some(Sym::new("Never")),
        image: Some(Sym::new("registry.example.com/team/train:1.2.3")),
        each: Requests { gpus, ..Requests::default() },
    };
    row.replicas = Box::new([spec("Launcher", 1, 0), spec("Worker", u32::from(WORKERS), 8)]);
    let condition = |kind: &str| Condition {
        kind: Sym::new(kind),
        status: Truth::True,
        reason: Sym::new(&format!("MPIJob{kind}")),
        message: Clean::new(&format!("MPIJob team/train-llama-finetune-{n} is it.")),
        since: Some(Secs(1_000_100)),
    };
    row.conditions = Box::new([condition("Created"), condition("Running")]);
    row
}

fn pod(n: u32, index: u16, restarts: u16) -> PodRow {
    let launcher = index == WORKERS;
    let (role, owner) = if launcher { ("launcher", "Job") } else { ("worker", "MPIJob") };
    let job = format!("train-llama-finetune-{n}");
    PodRow {
        namespace: Sym::new(&format!("team-{}", n % 20)),
        name: Name::lossy(&format!("{job}-{role}-{index}")),
        uid: Uid::new(&format!("{n:08x}-{index:04x}-4000-8000-000000000001")),
        created: Secs(1_000_010 + n),
        job: Name::lossy(&job),
        operator: Sym::new("mpi-operator"),
        role: Sym::new(role),
        index: (!launcher).then_some(index),
        owner: Some(Owner {
            kind: Sym::new(owner),
            name: Name::lossy(&job),
            uid: Uid::new(&format!("{n:08x}-0000-4000-8000-00000000000{}", u8::from(launcher))),
        }),
        node: Some(Sym::new(&format!("gpu-node-{}", (n * 16 + u32::from(index)) % 2000))),
        phase: Phase::Running,
        ready: true,
        started: Some(Secs(1_000_020)),
        containers: Box::new([ContainerRow {
            name: Sym::new("main"),
            image: Sym::new("registry.example.com/team/train:1.2.3"),
            state: Some(ContainerState::Running(Some(Secs(1_000_030)))),
            ready: true,
            restarts,
            ..ContainerRow::default()
        }]),
        requests: Requests { gpus: 8, gpu_resource: Some(Sym::new("nvidia.com/gpu")), ..Requests::default() },
        ..PodRow::default()
    }
}

fn batch(of: ListOf, upserts: Vec<Row>) -> Batch {
    Batch { upserts, ..Batch::new(ListKey { of, namespace: None }) }
}

fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods, reason = "it measures time")]
fn first_list_memory_and_events() {
    let mut fleet = Fleet::new(Arc::new(Rules::builtin()));
    let (before, began) = (resident(), Instant::now());
    for n in 0..JOBS {
        fleet.apply(batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(job(n))]));
        fleet.apply(batch(ListOf::Pods, (0..=WORKERS).map(|index| Row::Pod(pod(n, index, 0))).collect()));
    }
    fleet.settle(Secs(2_000_000));
    let pods = fleet.pod_count();
    println!("first list: {:?}, {} bytes a pod", began.elapsed(), (resident() - before) / pods);

    let rows: Vec<Row> =
        (0..JOBS * 5).map(|i| Row::Pod(pod(i * 7 % JOBS, (i % 16) as u16, 1 + (i / JOBS) as u16))).collect();
    let count = rows.len() as u32;
    let began = Instant::now();
    for row in rows {
        fleet.apply(batch(ListOf::Pods, vec![row]));
        assert_eq!(fleet.settle(Secs(2_000_000)).jobs.len(), 1);
    }
    println!("one event of a healthy job: {:?}", began.elapsed() / count);

    let rows: Vec<Row> = (0..JOBS * 5)
        .map(|i| {
            let mut row = pod(i % 10, (i / 10 % 16) as u16, 1 + (i / 160) as u16);
            let (reason, message) =
                (Sym::new("ImagePullBackOff"), Clean::new("Back-off pulling image \"x\": manifest unknown"));
            row.containers[0].state = Some(ContainerState::Waiting { reason, message });
            row.phase = Phase::Pending;
            Row::Pod(row)
        })
        .collect();
    let began = Instant::now();
    for row in rows {
        fleet.apply(batch(ListOf::Pods, vec![row]));
        fleet.settle(Secs(2_000_000));
    }
    println!("one event of a job all of whose workers are stuck: {:?}", began.elapsed() / count);

    let warning = |n: u32| {
        let pod = pod(0, (n % 16) as u16, 0);
        let (reason, message) = match n % 3 {
            0 => (
                "Failed",
                format!(
                    "Failed to pull image \"registry.example.com/team/train:1.2.{n}\": rpc error: code = NotFound desc = failed to resolve reference: not found"
                ),
            ),
            1 => ("BackOff", format!("Back-off pulling image \"registry.example.com/team/train:1.2.{n}\"")),
            _ => (
                "FailedScheduling",
                format!(
                    "0/{n} nodes are available: {n} Insufficient nvidia.com/gpu. preemption: 0/{n} nodes are available: {n} No preemption victims found for incoming pod."
                ),
            ),
        };
        let mut row = tests::event(&format!("e{n}"), "Pod", pod.name.as_str(), &pod.uid.to_string());
        (row.about_uid, row.namespace) = (pod.uid.clone(), pod.namespace.clone());
        (row.reason, row.message, row.warning) = (Sym::new(reason), Clean::new(&message), true);
        Row::Event(row)
    };
    fleet.apply(batch(ListOf::Warnings, (0..20).map(warning).collect()));
    fleet.settle(Secs(2_000_000));
    let key = fleet.jobs().find(|job| job.row.name.as_str().ends_with("-0")).expect("the job").key();
    let stuck = fleet.pods(&key)[1].clone();
    let began = Instant::now();
    for n in 0..1000u16 {
        let mut row = stuck.clone();
        row.containers[0].restarts = n;
        fleet.apply(batch(ListOf::Pods, vec![Row::Pod(row)]));
        fleet.settle(Secs(2_000_000));
    }
    println!("one event of a stuck job with {} warnings: {:?}", fleet.events(&key).len(), began.elapsed() / 1000);
}
