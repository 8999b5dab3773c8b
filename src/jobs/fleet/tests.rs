//! Fleets from random batches, and what joins to what.

use super::*;
use crate::jobs::text::Sym;

pub(super) fn event(uid: &str, kind: &str, name: &str, about: &str) -> EventRow {
    EventRow {
        namespace: Sym::new("ns"),
        uid: Uid::new(uid),
        about_kind: Sym::new(kind),
        about_name: Name::lossy(name),
        about_uid: Uid::new(about),
        warning: true,
        reason: Sym::new("Failed"),
        message: Clean::new("it failed"),
        count: 1,
        first: Secs(50),
        last: Secs(150),
        source: Sym::new("kubelet"),
    }
}

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{events::Waiting, join::possible_jobs};
use crate::jobs::{
    causes::Rules,
    row::{Owner, Phase, ReplicaSpec, Requests},
    state::State,
};

static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::builtin()));

fn fleet() -> Fleet {
    Fleet::new(RULES.clone())
}

fn list(of: ListOf) -> ListKey {
    ListKey { of, namespace: None }
}

fn job(kind: Kind, name: &str, uid: &str, created: u32) -> JobRow {
    let mut row = JobRow::bare(kind, Name::lossy("ns"), Name::lossy(name), Uid::new(uid));
    let spec = |role: &str, replicas| ReplicaSpec {
        role: Sym::new(role),
        replicas: Some(replicas),
        restart_policy: None,
        image: None,
        each: Requests::default(),
    };
    row.created = Secs(created);
    row.replicas = Box::new([spec("Launcher", 1), spec("Worker", 2)]);
    row
}

fn pod(job: &str, owner: &str, uid: &str, index: u16, created: u32) -> PodRow {
    PodRow {
        namespace: Sym::new("ns"),
        name: Name::lossy(&format!("{job}-worker-{index}")),
        uid: Uid::new(uid),
        created: Secs(created),
        job: Name::lossy(job),
        operator: Sym::new("mpi-operator"),
        role: Sym::new("worker"),
        index: Some(index),
        owner: (!owner.is_empty()).then(|| Owner {
            kind: Sym::new("MPIJob"),
            name: Name::lossy(job),
            uid: Uid::new(owner),
        }),
        ..PodRow::default()
    }
}

fn with(of: ListOf, rows: Vec<Row>) -> Batch {
    Batch { upserts: rows, ..Batch::new(list(of)) }
}

fn jobs(rows: Vec<JobRow>) -> Batch {
    with(ListOf::Jobs(Kind::MpiJob), rows.into_iter().map(Row::Job).collect())
}

fn pods(rows: Vec<PodRow>) -> Batch {
    with(ListOf::Pods, rows.into_iter().map(Row::Pod).collect())
}

fn names(fleet: &Fleet, uid: &str) -> Vec<String> {
    let job = fleet.jobs().find(|job| job.row.uid == Uid::new(uid)).expect("the job");
    fleet.pods(&job.key()).iter().map(|pod| pod.uid.to_string()).collect()
}

#[test]
fn a_job_made_again_leaves_the_old_pods_behind() {
    let mut fleet = fleet();
    fleet.apply(pods(vec![pod("a", "old", "p1", 0, 10), pod("a", "", "l1", 7, 11)]));
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "old", 10)]));
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "new", 20)]));
    fleet.apply(pods(vec![pod("a", "new", "p2", 0, 21), pod("a", "", "l2", 7, 22)]));
    assert_eq!(names(&fleet, "old"), ["p1", "l1"]);
    assert_eq!(names(&fleet, "new"), ["p2", "l2"]);
    let mut gone = Batch::new(list(ListOf::Jobs(Kind::MpiJob)));
    gone.removals.push(Uid::new("old"));
    fleet.apply(gone);
    assert_eq!(names(&fleet, "new"), ["p2", "l2"]);
    assert_eq!(fleet.settle(Secs(30)).jobs.len(), 2, "one is new, one is gone");
}

#[test]
fn two_kinds_of_one_name_have_their_own_pods_and_causes() {
    let mut fleet = fleet();
    let torch = |uid: &str, index, owner: &str| PodRow {
        operator: Sym::new("pytorchjob-controller"),
        role: Sym::new("worker"),
        owner: (!owner.is_empty()).then(|| Owner {
            kind: Sym::new("PyTorchJob"),
            name: Name::lossy("a"),
            uid: Uid::new(owner),
        }),
        ..pod("a", "", uid, index, 11)
    };
    // Pods come before their jobs, some without a controller.
    fleet.apply(pods(vec![
        pod("a", "mpi", "m0", 0, 11),
        torch("t0", 0, "torch"),
        torch("t1", 1, ""),
        pod("a", "", "m1", 1, 12),
    ]));
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "mpi", 10)]));
    let other = job(Kind::PyTorchJob, "a", "torch", 10);
    fleet.apply(with(ListOf::Jobs(Kind::PyTorchJob), vec![Row::Job(other)]));
    assert_eq!(names(&fleet, "mpi"), ["m0", "m1"]);
    assert_eq!(names(&fleet, "torch"), ["t0", "t1"]);
    let about = |uid: &str, kind: &str, job: &str| Row::Event(event(uid, kind, "a", job));
    fleet.apply(with(ListOf::Warnings, vec![about("e1", "MPIJob", "mpi"), about("e2", "PyTorchJob", "torch")]));
    fleet.settle(Secs(30));
    let told = |uid: &str| {
        let job = fleet.jobs().find(|job| job.row.uid == Uid::new(uid)).expect("the job");
        fleet.events(&job.key()).iter().map(|event| event.uid.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((told("mpi"), told("torch")), (vec!["e1".to_owned()], vec!["e2".to_owned()]));
    assert_eq!(fleet.find("ns", "a").len(), 2);
}

#[test]
fn a_relist_drops_what_does_not_come_again_and_shows_no_gap() {
    let mut fleet = fleet();
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "a", 1), job(Kind::MpiJob, "b", "b", 1)]));
    fleet.settle(Secs(5));
    let mut first = jobs(vec![job(Kind::MpiJob, "b", "b", 1)]);
    first.restart = true;
    fleet.apply(first);
    assert_eq!(fleet.len(), 2, "nothing goes before the read is complete");
    let mut last = jobs(vec![]);
    last.complete = true;
    last.phase = Some(ListPhase::Live);
    fleet.apply(last);
    let changed = fleet.settle(Secs(5));
    assert_eq!(changed.jobs.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["a"], "b came again unchanged");
    assert_eq!(fleet.list_phase(&list(ListOf::Jobs(Kind::MpiJob))), Some(&ListPhase::Live));
}

#[test]
fn an_event_waits_for_its_job_and_its_pod() {
    let mut fleet = fleet();
    let mut of_launcher = event("e2", "Job", "a-launcher", "launcher-job");
    of_launcher.reason = Sym::new("FailedCreate");
    let rows = [event("e1", "Pod", "a-worker-0", "p"), of_launcher, event("e3", "Node", "n", "n")];
    fleet.apply(with(ListOf::Warnings, rows.into_iter().map(Row::Event).collect()));
    fleet.settle(Secs(200));
    fleet.apply(pods(vec![pod("a", "a", "p", 0, 120)]));
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "a", 100)]));
    fleet.settle(Secs(200));
    let key = fleet.jobs().next().expect("a job").key();
    assert_eq!(fleet.events(&key).len(), 2);
}

#[test]
fn a_job_keeps_few_events_and_the_waiting_room_is_bounded() {
    let mut fleet = fleet();
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "a", 100)]));
    for i in 0..3000u32 {
        let mut about = event(&format!("e{i}"), "MPIJob", "a", if i % 2 == 0 { "a" } else { "stranger" });
        about.reason = Sym::new(&format!("Reason{}", i % 50));
        about.last = Secs(100 + i);
        fleet.apply(with(ListOf::Warnings, vec![Row::Event(about)]));
    }
    let key = fleet.jobs().next().expect("a job").key();
    let kept = fleet.events(&key);
    assert_eq!(kept.len(), 20);
    assert!(kept.iter().all(|event| event.last >= Secs(100 + 2900)), "the newest are kept");
    assert!(Waiting::MOST <= 1024 && possible_jobs(kept[0]).next().is_none());
}

#[test]
fn a_deadline_changes_a_job_with_no_new_data() {
    let mut fleet = fleet();
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "a", 1000)]));
    fleet.settle(Secs(1000));
    assert_eq!(fleet.next_deadline(), Some(Secs(1010)));
    assert!(fleet.settle(Secs(1009)).jobs.is_empty());
    assert_eq!(fleet.settle(Secs(1010)).jobs.len(), 1);
    assert_eq!(fleet.jobs().next().expect("a job").derived.state, State::OperatorSilent);
    assert_eq!(fleet.next_deadline(), None);
}

#[test]
fn a_server_clock_ahead_of_ours_is_followed() {
    let mut fleet = fleet();
    fleet.apply(jobs(vec![job(Kind::MpiJob, "a", "a", 1500)]));
    fleet.settle(Secs(1000));
    assert_eq!(fleet.next_deadline(), Some(Secs(1010)), "by our clock");
    fleet.settle(Secs(1010));
    assert_eq!(fleet.jobs().next().expect("a job").derived.state, State::OperatorSilent);
}

/// One thing that may happen to a cluster.
#[derive(Clone, Debug)]
enum Step {
    Job(u8, u8),
    NoJob(u8),
    Pod(u8, u8, bool),
    NoPod(u8),
    Workload(u8, u8),
    NoWorkload(u8),
    Relist,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..6, 0u8..4).prop_map(|(job, version)| Step::Job(job, version)),
        1 => (0u8..6).prop_map(Step::NoJob),
        5 => (0u8..12, 0u8..4, any::<bool>()).prop_map(|(pod, phase, owned)| Step::Pod(pod, phase, owned)),
        2 => (0u8..12).prop_map(Step::NoPod),
        1 => (0u8..6, 0u8..3).prop_map(|(job, version)| Step::Workload(job, version)),
        1 => (0u8..6).prop_map(Step::NoWorkload),
        1 => Just(Step::Relist),
    ]
}

/// Six jobs share three names; two of them are of another kind.
fn some_job(n: u8, version: u8) -> JobRow {
    let kind = if n % 3 == 2 { Kind::MpiJobV1 } else { Kind::MpiJob };
    let mut row = job(kind, ["a", "b", "c"][usize::from(n / 2)], &format!("job{n}"), 100 + u32::from(n) * 10);
    row.suspend = version == 1;
    row.started = (version > 1).then_some(Secs(200));
    row
}

fn some_pod(n: u8, phase: u8, owned: bool) -> PodRow {
    let owner = if owned { format!("job{}", n / 2) } else { String::new() };
    let mut row =
        pod(["a", "b", "c"][usize::from(n / 4)], &owner, &format!("pod{n}"), u16::from(n % 4), 95 + u32::from(n) * 5);
    row.phase = [Phase::Pending, Phase::Running, Phase::Failed, Phase::Succeeded][usize::from(phase)];
    row.ready = phase == 1;
    row
}

fn some_workload(n: u8, version: u8) -> WorkloadRow {
    WorkloadRow {
        namespace: Sym::new("ns"),
        name: Name::lossy("w"),
        uid: Uid::new(&format!("w{n}-{version}")),
        created: Secs(100 + u32::from(version)),
        job_uid: Some(Uid::new(&format!("job{n}"))),
        queue: Sym::new("q"),
        cluster_queue: None,
        active: version != 1,
        priority: 0,
        conditions: Box::default(),
        requeues: 0,
    }
}

#[derive(Default)]
struct Truth {
    jobs: std::collections::BTreeMap<u8, JobRow>,
    pods: std::collections::BTreeMap<u8, PodRow>,
    workloads: std::collections::BTreeMap<(u8, u8), WorkloadRow>,
}

impl Truth {
    fn batches(&self) -> Vec<Batch> {
        let of = |kind| self.jobs.values().filter(move |job| job.kind == kind).cloned().map(Row::Job).collect();
        vec![
            with(ListOf::Jobs(Kind::MpiJob), of(Kind::MpiJob)),
            with(ListOf::Jobs(Kind::MpiJobV1), of(Kind::MpiJobV1)),
            with(ListOf::Pods, self.pods.values().cloned().map(Row::Pod).collect()),
            with(ListOf::Workloads, self.workloads.values().cloned().map(Row::Workload).collect()),
        ]
    }

    /// Does the step here, and says what a watch would tell of it.
    fn take(&mut self, step: &Step) -> Vec<Batch> {
        let remove = |of, uid: Uid| Batch { removals: vec![uid], ..Batch::new(list(of)) };
        match step {
            Step::Job(n, version) => {
                let row = some_job(*n, *version);
                self.jobs.insert(*n, row.clone());
                vec![with(ListOf::Jobs(row.kind), vec![Row::Job(row)])]
            }
            Step::NoJob(n) => {
                self.jobs.remove(n).map(|row| remove(ListOf::Jobs(row.kind), row.uid)).into_iter().collect()
            }
            Step::Pod(n, phase, owned) => {
                self.pods.insert(*n, some_pod(*n, *phase, *owned));
                vec![pods(vec![some_pod(*n, *phase, *owned)])]
            }
            Step::NoPod(n) => self.pods.remove(n).map(|row| remove(ListOf::Pods, row.uid)).into_iter().collect(),
            Step::Workload(n, version) => {
                self.workloads.insert((*n, *version), some_workload(*n, *version));
                vec![with(ListOf::Workloads, vec![Row::Workload(some_workload(*n, *version))])]
            }
            Step::NoWorkload(n) => {
                let all: Vec<_> = self.workloads.keys().filter(|(job, _)| job == n).copied().collect();
                let gone = all.into_iter().filter_map(|key| self.workloads.remove(&key));
                gone.map(|row| remove(ListOf::Workloads, row.uid)).collect()
            }
            Step::Relist => self
                .batches()
                .into_iter()
                .map(|mut batch| {
                    (batch.restart, batch.complete) = (true, true);
                    batch
                })
                .collect(),
        }
    }
}

fn picture(fleet: &Fleet) -> Vec<String> {
    let mut all: Vec<String> = fleet
        .jobs()
        .map(|job| {
            let key = job.key();
            let pods: Vec<_> = fleet.pods(&key).iter().map(|pod| (pod.uid.to_string(), pod.phase)).collect();
            let workload = fleet.workload(&key).map(|w| w.uid.to_string());
            format!("{:?} {:?} {pods:?} {workload:?}", job.row, job.derived)
        })
        .collect();
    all.sort();
    all
}

proptest! {
    #[test]
    fn any_history_comes_to_the_fleet_of_its_end(steps in prop::collection::vec(step(), 0..60)) {
        let (mut truth, mut live) = (Truth::default(), fleet());
        let now = Secs(5000);
        for step in &steps {
            for batch in truth.take(step) {
                live.apply(batch);
            }
            live.settle(now);
            prop_assert_eq!(live.settle(now), Changed::default(), "settled twice");
        }
        let mut fresh = fleet();
        for batch in truth.batches() {
            fresh.apply(batch);
        }
        fresh.settle(now);
        prop_assert_eq!(picture(&live), picture(&fresh));
        prop_assert_eq!(live.pod_count(), truth.pods.len());
    }
}
