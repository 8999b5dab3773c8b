//! Tab Queue: what it asks for, and how it reads.

use super::*;
use crate::{
    console::model::{
        session::Phase as Link,
        survey::{Survey, SurveyEffect, SurveyId},
    },
    jobs::{
        amounts::ByResource,
        capacity::NodeRow,
        gang::GangRow,
        part::Part,
        queue::{ClusterQueueRow, Group, LoadRow, LocalQueueRow, PodSetRow, Quota, WaitingRow},
        row::{Owner, WorkloadRow},
    },
};

const GPU: &str = "nvidia.com/gpu";
const SHORT: &str = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 24 more needed";

fn load(n: u32, job: &str, uid: &str, gpus: u64, priority: i64, held: Option<u32>) -> LoadRow {
    let needs = ByResource::from([(Sym::new(GPU), gpus * 1000), (Sym::new("cpu"), gpus * 4000)]);
    let flavors: Box<[_]> = held.map(|_| (Sym::new(GPU), Sym::new("a100"))).into_iter().collect();
    let conditions: Box<[Condition]> = match held {
        Some(ago) => Box::new(
            ["QuotaReserved", "Admitted"].map(|kind| condition(kind, Truth::True, ago, kind, "Quota reserved")),
        ),
        None => Box::new([condition("QuotaReserved", Truth::False, 600, "WaitingForQuota", SHORT)]),
    };
    LoadRow {
        namespace: Sym::new("nlp"),
        name: Name::lossy(&format!("mpijob-{job}-{n:05x}")),
        uid: Uid::new(&format!("load-{n}")),
        created: Secs(NOW - 700 - n),
        job: Some(Owner { kind: Sym::new("MPIJob"), name: Name::lossy(job), uid: Uid::new(uid) }),
        queue: Sym::new("research"),
        cluster_queue: held.map(|_| Sym::new("research-large")),
        active: true,
        priority,
        sets: Box::new([PodSetRow { name: Sym::new("worker"), count: 4, needs, flavors }]),
        conditions,
        evictions: if held.is_none() { Box::new([(Sym::new("Preempted"), 2)]) } else { Box::default() },
        ..LoadRow::default()
    }
}

fn survey() -> Survey {
    let own = "70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed";
    let mut mine = load(1, "bert-large", own, 32, 0, None);
    let said = "Preempted to accommodate a workload (UID: x, JobUID: uid-5) due to prioritization in the ClusterQueue; preemptor path: /all/research-large; preemptee path: /all/research-large";
    mine.conditions =
        [&mine.conditions[..], &[condition("Preempted", Truth::False, 900, "QuotaReserved", said)]].concat().into();
    let mut read = Survey::default();
    let other = ClusterQueueRow {
        name: Sym::new("vision-large"),
        cohort: Some(Sym::new("all")),
        quotas: Box::new([Quota {
            cell: (Sym::new("a100"), Sym::new(GPU)),
            nominal: 16_000,
            used: 16_000,
            ..Quota::default()
        }]),
        ..ClusterQueueRow::default()
    };
    let own_queue = ClusterQueueRow {
        name: Sym::new("research-large"),
        cohort: Some(Sym::new("all")),
        groups: Box::new([Group { resources: Box::new([Sym::new(GPU)]), flavors: Box::new([Sym::new("a100")]) }]),
        quotas: Box::new([Quota {
            cell: (Sym::new("a100"), Sym::new(GPU)),
            nominal: 64_000,
            used: 56_000,
            ..Quota::default()
        }]),
        weight: 1000,
        share: Some(250),
        ..ClusterQueueRow::default()
    };
    read.queues.clusters = Part::whole(vec![own_queue, other]);
    let (namespace, name) = (Sym::new("nlp"), Sym::new("research"));
    read.queues.locals = Part::whole(vec![LocalQueueRow {
        namespace,
        name,
        cluster_queue: Sym::new("research-large"),
        ..LocalQueueRow::default()
    }]);
    read.queues.loads = Part::whole(vec![
        mine,
        load(2, "urgent", "uid-2", 8, 100, None),
        load(3, "pretrain", "uid-3", 48, 0, Some(7200)),
        load(4, "finetune", "uid-4", 4, 0, Some(3600)),
        load(5, "rush", "uid-5", 4, 50, Some(900)),
    ]);
    let told = |n: u32, job: &str, place| WaitingRow {
        namespace: Sym::new(if place == 1 { "vision" } else { "nlp" }),
        name: Name::lossy(&format!("mpijob-{job}-{n:05x}")),
        owner: Some(Name::lossy(job)),
        priority: 10,
        place,
        created: Secs(NOW - 4000),
        ..WaitingRow::default()
    };
    read.line = Part::whole(vec![
        told(2, "urgent", 0),
        told(9, "other-team", 1),
        told(1, "bert-large", 2),
        told(7, "later", 3),
    ]);
    read
}

fn queued(width: u16, height: u16) -> Harness {
    let mut h = harness(width, height, 4, Tab::Overview);
    h.model.session.phase = Link::Up;
    let page = h.model.page.as_mut().expect("a page");
    page.job.row.suspend = true;
    page.job.pods.clear();
    h.keys("7");
    h
}

fn asked(h: &Harness) -> Option<(SurveyId, bool, bool)> {
    match h.effects.last() {
        Some(Effect::Survey(SurveyEffect::Read(id, _, wanted))) => Some((*id, wanted.queues, wanted.nodes)),
        _ => None,
    }
}

#[test]
fn golden_queue() {
    let mut h = queued(80, 24);
    let (id, queues, nodes) = asked(&h).expect("asked");
    assert_eq!((queues, nodes), (true, false), "only what is shown");
    assert!(h.screen().contains("reading ..."));
    h.send(Message::Survey(id, Box::new(survey())));
    insta::assert_snapshot!("queue_80x24", h.screen());
    h.keys("1");
    assert_eq!(h.effects.last(), Some(&Effect::Survey(SurveyEffect::Stop)), "nothing is read for what nobody sees");
}

#[test]
fn golden_queue_wide_and_with_less_rights() {
    let mut h = queued(160, 45);
    let (id, ..) = asked(&h).expect("asked");
    let mut read = survey();
    read.queues.clusters = Part::unread(Clean::new("list clusterqueues.kueue.x-k8s.io in all namespaces"));
    read.queues.loads.rows.truncate(1);
    read.queues.loads.unread = Some(Clean::new("list workloads.kueue.x-k8s.io in all namespaces"));
    h.send(Message::Survey(id, Box::new(read)));
    insta::assert_snapshot!("queue_160x45_less_rights", h.screen());
}

#[test]
fn golden_queue_without_one() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    h.model.session.phase = Link::Up;
    let page = h.model.page.as_mut().expect("a page");
    page.job.row.queue = None;
    let said = "0/12 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 11 Insufficient nvidia.com/gpu. preemption: 0/12 nodes are available: 12 No preemption victims found.";
    for pod in page.job.pods.iter_mut().filter(|pod| pod.role.as_str() == "worker") {
        (pod.node, pod.phase, pod.ready) = (None, Phase::Pending, false);
        pod.unscheduled = Some((Sym::new("Unschedulable"), Clean::new(said)));
    }
    h.keys("7");
    let (id, queues, nodes) = asked(&h).expect("asked");
    assert_eq!((queues, nodes), (false, true));
    let node = |name: &str, gpus: u64, closed| NodeRow {
        name: Sym::new(name),
        ready: true,
        closed,
        allocatable: ByResource::from([
            (Sym::new(GPU), gpus * 1000),
            (Sym::new("cpu"), 64_000),
            (Sym::new("memory"), u64::MAX / 4),
        ]),
        ..NodeRow::default()
    };
    let nodes = vec![node("gpu-0", 4, false), node("gpu-1", 4, false), node("gpu-2", 8, true), node("gpu-3", 8, false)];
    h.send(Message::Survey(id, Box::new(Survey { nodes: Part::whole(nodes), ..Survey::default() })));
    insta::assert_snapshot!("queue_80x24_scheduler", h.screen());
}

#[test]
fn a_gang_is_told_with_what_it_waits_for() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    h.model.session.phase = Link::Up;
    let page = h.model.page.as_mut().expect("a page");
    page.job.row.queue = None;
    let (namespace, name, uid) = (page.job.row.namespace.clone(), page.job.row.name.clone(), page.job.row.uid.clone());
    h.keys("7");
    let Some(Effect::Survey(SurveyEffect::Read(id, _, wanted))) = h.effects.last() else { panic!("asked") };
    let (id, wanted) = (*id, wanted.gangs.clone());
    assert_eq!(wanted, Some(namespace.clone()));
    let gang = |name: Name, owner: &Uid, message: &str| GangRow {
        group: Sym::new("scheduling.volcano.sh"),
        namespace: Sym::new(namespace.as_str()),
        name,
        owner: Some(owner.clone()),
        phase: Sym::new("Inqueue"),
        least: 5,
        conditions: Box::new([condition("Unschedulable", Truth::True, 60, "NotEnoughResources", message)]),
        ..GangRow::default()
    };
    let own = gang(name, &uid, "4/5 tasks in gang unschedulable");
    let other = gang(Name::lossy("other"), &Uid::new("u-2"), "of another job");
    h.send(Message::Survey(id, Box::new(Survey { gangs: Part::whole(vec![other, own]), ..Survey::default() })));
    let screen = h.screen();
    assert!(screen.contains("Inqueue: Volcano, 5 pods must be placed together; 0 run"), "{screen}");
    assert!(screen.contains("Unschedulable: 4/5 tasks in gang unschedulable"), "{screen}");
    assert!(!screen.contains("of another job"), "{screen}");
    let unread = Part::unread(Clean::new("list podgroups.scheduling.volcano.sh in namespace nlp"));
    h.send(Message::Survey(id, Box::new(Survey { gangs: unread, ..Survey::default() })));
    assert!(h.screen().contains("ask for: list podgroups.scheduling.volcano.sh"), "{}", h.screen());
}

#[test]
fn what_was_read_stays_when_it_cannot_be_read_again() {
    let mut h = queued(80, 24);
    let (id, ..) = asked(&h).expect("asked");
    h.send(Message::Survey(id, Box::new(survey())));
    let mut failed = Survey::default();
    failed.queues.loads = Part::unread(Clean::new("connection refused"));
    failed.queues.locals = Part::unread(Clean::new("connection refused"));
    h.send(Message::Survey(id, Box::new(failed)));
    assert!(h.screen().contains("needs 32 GPU"), "{}", h.screen());
    h.keys("G");
    assert!(h.screen().contains("connection refused"), "{}", h.screen());
    h.send(Message::Survey(SurveyId(99), Box::default()));
    assert!(h.screen().contains("connection refused"), "an answer to another question is dropped");
}

#[test]
fn a_record_tells_what_the_last_workload_said() {
    let mut h = harness(100, 24, 4, Tab::Queue);
    let page = h.model.page.as_mut().expect("a page");
    (page.recorded, page.job.workload) = (Some(Arc::default()), None);
    assert!(h.screen().contains("no queue manages this job"), "{}", h.screen());
    let conditions = Box::new([condition("QuotaReserved", Truth::False, 600, "WaitingForQuota", SHORT)]);
    let load = WorkloadRow { queue: Sym::new("research"), conditions, ..WorkloadRow::default() };
    h.model.page.as_mut().expect("a page").job.workload = Some(load);
    let screen = h.screen();
    assert!(screen.contains("Queue       research"), "{screen}");
    assert!(screen.contains("Workload    not QuotaReserved: WaitingForQuota couldn't assign flavors"), "{screen}");
}
