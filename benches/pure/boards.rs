//! The views of a cluster of 1,000 jobs on 500 nodes, made anew as they are every ten seconds while one is visible.

use std::{collections::BTreeSet, hint::black_box};

use criterion::Criterion;
use mpideck::jobs::{
    Name, Secs, Sym, Uid,
    amounts::ByResource,
    boards,
    capacity::{NodeRow, QuotaRow, held, nodes, overview},
    part::Part,
    queue::{ClusterQueueRow, LoadRow, LocalQueueRow, PodSetRow, Queues, Quota},
    row::{Condition, Truth},
};

use super::loaded::{Loaded, SIZES};

/// Nodes of the cluster, and `ClusterQueue`s in it.
const NODES: usize = 500;
const QUEUES: usize = 50;
const GPU: &str = "nvidia.com/gpu";
const SAID: &str = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 8 more needed";

fn sym(text: &str) -> Sym {
    Sym::new(text)
}

/// 500 nodes: of those that the fleet's pods run on, and more if there are fewer.
fn rows(loaded: &Loaded) -> Part<NodeRow> {
    let fleet = &loaded.model.fleet;
    let mut names: BTreeSet<Sym> = fleet
        .jobs()
        .flat_map(|job| fleet.pods(&job.key()))
        .filter_map(|pod| pod.node.clone())
        .take(NODES * 40)
        .collect();
    names.extend((names.len()..NODES).map(|n| sym(&format!("spare-{n}"))));
    let amounts =
        || ByResource::from([(sym(GPU), 8_000), (sym("cpu"), 128_000), (sym("memory"), (1_u64 << 40) * 1000)]);
    let node = |name: Sym| NodeRow {
        name,
        labels: Box::new([(sym("nvidia.com/gpu.product"), sym("NVIDIA-H100-80GB-HBM3"))]),
        ready: true,
        capacity: amounts(),
        allocatable: amounts(),
        ..NodeRow::default()
    };
    Part::whole(names.into_iter().take(NODES).map(node).collect())
}

/// 50 queues in ten cohorts, and 1,000 Workloads that wait in them.
fn queues() -> Queues {
    let cell = || (sym("a100"), sym(GPU));
    let cluster = |n: usize| ClusterQueueRow {
        name: sym(&format!("queue-{n}")),
        cohort: Some(sym(&format!("cohort-{}", n % 10))),
        quotas: Box::new([Quota { cell: cell(), nominal: 64_000, used: 60_000, ..Quota::default() }]),
        weight: 1000,
        pending: 20,
        ..ClusterQueueRow::default()
    };
    let local = |n: usize| LocalQueueRow {
        namespace: sym(&format!("team-{n}")),
        name: sym("main"),
        cluster_queue: sym(&format!("queue-{n}")),
        ..LocalQueueRow::default()
    };
    let said = Condition {
        kind: sym("QuotaReserved"),
        status: Truth::False,
        reason: sym("Pending"),
        message: mpideck::jobs::Clean::new(SAID),
        ..Condition::default()
    };
    let load = |n: u32| LoadRow {
        namespace: sym(&format!("team-{}", n as usize % QUEUES)),
        name: Name::lossy(&format!("mpijob-train-{n}")),
        uid: Uid::new(&format!("load-{n}")),
        created: Secs(1_000_000 + n),
        queue: sym("main"),
        active: true,
        priority: i64::from(n % 7),
        sets: Box::new([PodSetRow {
            name: sym("worker"),
            count: 4,
            needs: ByResource::from([(sym(GPU), 8_000)]),
            flavors: Box::default(),
        }]),
        conditions: Box::new([said.clone()]),
        ..LoadRow::default()
    };
    Queues {
        clusters: Part::whole((0..QUEUES).map(cluster).collect()),
        locals: Part::whole((0..QUEUES).map(local).collect()),
        loads: Part::whole((0..1_000).map(load).collect()),
        ..Queues::default()
    }
}

fn quotas() -> Part<QuotaRow> {
    let quota = |n: usize| QuotaRow {
        namespace: sym(&format!("team-{n}")),
        name: sym("gpus"),
        lines: Box::new([(sym("requests.nvidia.com/gpu"), 64_000, 60_000)]),
        ..QuotaRow::default()
    };
    Part::whole((0..200).map(quota).collect())
}

/// Each view's rows.
pub(crate) fn boards(c: &mut Criterion) {
    let [.., size] = SIZES;
    let loaded = Loaded::new(size);
    let (fleet, now) = (&loaded.model.fleet, loaded.model.now);
    let (all, queues, quotas) = (rows(&loaded), queues(), quotas());
    let mut group = c.benchmark_group(format!("boards: {size}, {} nodes", all.rows.len()));
    group.bench_function("overview", |b| {
        b.iter(|| {
            let pods = held(fleet, &Part::default());
            black_box(overview(fleet, &nodes(&all.rows, &pods), &pods, now))
        });
    });
    group.bench_function("nodes", |b| b.iter(|| black_box(boards::nodes(fleet, &all, &Part::default()))));
    let first = all.rows[0].name.clone();
    group.bench_function("what could start on a node", |b| {
        b.iter(|| black_box(boards::of_node(fleet, &all.rows, &Part::default(), first.as_str())));
    });
    group.bench_function("namespaces", |b| {
        b.iter(|| black_box(boards::spaces(fleet, &quotas, &Part::default(), &Part::default())));
    });
    group.bench_function("queues", |b| b.iter(|| black_box(boards::queues(&queues))));
    group.bench_function("a waiting list", |b| {
        b.iter(|| black_box(boards::line(&queues, &Part::default(), "queue-3", now)));
    });
    group.bench_function("users", |b| b.iter(|| black_box(boards::users(fleet, &Part::default()))));
    group.finish();
}
