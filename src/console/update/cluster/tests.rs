//! The views as they read, what they ask for, and the ways between them and the jobs.

mod overview;

use std::sync::{Arc, LazyLock};

use super::*;
use crate::{
    console::{
        ids::Context,
        message::Message,
        model::{
            session::{Phase as Link, Scope, SessionMessage},
            survey::{Line, Pods, Survey, SurveyEffect, SurveyId, Told, Wanted},
        },
        testing::Harness,
    },
    jobs::{
        JobRow, Kind, Name, PodRow, Secs, Uid,
        amounts::ByResource,
        capacity::{Busy, HeldPod, NodeRow, QuotaRow, SpaceRow, Work},
        causes::Rules,
        fleet::{Batch, ListKey, ListOf, Row},
        part::Part,
        queue::{ClusterQueueRow, Group, LoadRow, LocalQueueRow, PodSetRow, Quota},
        row::{Condition, Owner, Phase, ReplicaSpec, Requests, RunPolicy, Truth},
        taint::Taint,
    },
};

const NOW: u32 = 1_000_000;
const GPU: &str = "nvidia.com/gpu";
static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::builtin()));

fn sym(text: &str) -> Sym {
    Sym::new(text)
}

fn is(kind: &str, status: Truth, ago: u32, message: &str) -> Condition {
    let since = Some(Secs(NOW - ago));
    Condition { kind: sym(kind), status, reason: sym(kind), message: Clean::new(message), since }
}

fn job(namespace: &str, name: &str, gpus: u32, state: &str, creator: &str) -> JobRow {
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy(namespace), Name::lossy(name), Uid::new(name));
    row.created = Secs(NOW - 9000);
    row.creator = Some(sym(creator)).filter(|name| !name.is_empty());
    row.creator_by = row.creator.as_ref().map(|_| sym("annotation mpideck.io/creator"));
    row.policy = RunPolicy { clean_pods: Some(sym("None")), ..RunPolicy::default() };
    let each =
        Requests { gpus, gpu_resource: Some(sym(GPU)), cpu_milli: 8000, memory: 64 << 30, ..Requests::default() };
    row.replicas = Box::new([ReplicaSpec { role: sym("Worker"), replicas: Some(2), each, ..ReplicaSpec::default() }]);
    row.conditions = match state {
        "Succeeded" => Box::new([is("Created", Truth::True, 9000, ""), is("Succeeded", Truth::True, 7200, "")]),
        "Running" => Box::new([is("Created", Truth::True, 9000, ""), is("Running", Truth::True, 8000, "")]),
        _ => Box::new([is("Created", Truth::True, 9000, "")]),
    };
    row.completed = (state == "Succeeded").then_some(Secs(NOW - 7200));
    row
}

fn pods(job: &JobRow, nodes: [&str; 2]) -> Vec<Row> {
    let pod = |(index, node): (usize, &str)| {
        let placed = !node.is_empty();
        Row::Pod(PodRow {
            namespace: sym(job.namespace.as_str()),
            name: Name::lossy(&format!("{}-worker-{index}", job.name)),
            uid: Uid::new(&format!("{}-{index}", job.name)),
            created: Secs(NOW - 8900),
            job: job.name.clone(),
            operator: sym("mpi-operator"),
            role: sym("worker"),
            index: u16::try_from(index).ok(),
            node: Some(sym(node)).filter(|_| placed),
            phase: if placed { Phase::Running } else { Phase::Pending },
            ready: placed,
            requests: job.replicas[0].each.clone(),
            ..PodRow::default()
        })
    };
    nodes.into_iter().enumerate().map(pod).collect()
}

/// Two teams: one job runs on two nodes, one has ended and still holds two GPUs, one waits for room.
fn console(width: u16, height: u16) -> Harness {
    let mut h = Harness::new(width, height);
    h.model.fleet = crate::jobs::fleet::Fleet::new(Arc::clone(&RULES));
    h.model.session.phase = Link::Up;
    h.model.session.context = "prod".into();
    let rows = [
        (job("vision", "segmentation-large", 6, "Running", "ada"), ["gpu-0", "gpu-1"]),
        (job("nlp", "ablation-7", 1, "Succeeded", "bob"), ["gpu-0", "gpu-1"]),
        (job("nlp", "pretrain", 8, "Pending", ""), ["", ""]),
    ];
    let of_pods = rows.iter().flat_map(|(row, nodes)| pods(row, *nodes)).collect();
    let jobs = rows.iter().map(|(row, _)| Row::Job(row.clone())).collect();
    let batch = |of, upserts| Batch { upserts, complete: true, ..Batch::new(ListKey { of, namespace: None }) };
    h.send(Message::Fleet(vec![batch(ListOf::Jobs(Kind::MpiJob), jobs), batch(ListOf::Pods, of_pods)]));
    h
}

fn node(name: &str, model: &str, gpus: u64) -> NodeRow {
    let mut amounts = ByResource::from([(sym("cpu"), 128_000), (sym("memory"), (1024_u64 << 30) * 1000)]);
    if gpus > 0 {
        amounts.insert(sym(GPU), gpus * 1000);
    }
    let hard = Taint { key: sym(GPU), value: sym("present"), effect: sym("NoSchedule") };
    NodeRow {
        name: sym(name),
        labels: if model.is_empty() { Box::default() } else { Box::new([(sym("nvidia.com/gpu.product"), sym(model))]) },
        taints: if gpus > 0 { Box::new([hard]) } else { Box::default() },
        ready: true,
        capacity: amounts.clone(),
        allocatable: amounts,
        ..NodeRow::default()
    }
}

fn notebook() -> HeldPod {
    HeldPod {
        namespace: sym("lab"),
        name: Name::lossy("notebook-0"),
        uid: Uid::new("notebook-0"),
        node: Some(sym("gpu-2")),
        requests: Requests { gpus: 1, cpu_milli: 4000, memory: 16 << 30, ..Requests::default() },
        ..HeldPod::default()
    }
}

fn quota(namespace: &str, lines: &[(&str, u64, u64)]) -> QuotaRow {
    let lines = lines.iter().map(|(key, hard, used)| (sym(key), hard * 1000, used * 1000)).collect();
    QuotaRow { namespace: sym(namespace), name: sym("quota"), lines, ..QuotaRow::default() }
}

fn load(n: u32, namespace: &str, job: &str, gpus: u64, priority: i64) -> LoadRow {
    let said = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 4 more needed";
    let needs = ByResource::from([(sym(GPU), gpus * 1000), (sym("cpu"), gpus * 8000)]);
    LoadRow {
        namespace: sym(namespace),
        name: Name::lossy(&format!("mpijob-{job}-{n:05x}")),
        uid: Uid::new(&format!("load-{n}")),
        created: Secs(NOW - 600 - n),
        job: Some(Owner { kind: sym("MPIJob"), name: Name::lossy(job), uid: Uid::new(job) }),
        queue: sym("gpu"),
        active: true,
        priority,
        sets: Box::new([PodSetRow { name: sym("worker"), count: 2, needs, flavors: Box::default() }]),
        conditions: Box::new([is("QuotaReserved", Truth::False, 300, said)]),
        ..LoadRow::default()
    }
}

fn survey() -> Survey {
    let mut sick = node("gpu-1", "NVIDIA-A100-SXM4-80GB", 8);
    sick.allocatable.insert(sym(GPU), 7000);
    let mut closed = node("gpu-3", "NVIDIA-H100-80GB-HBM3", 8);
    (closed.closed, closed.pressure) = (true, Box::new([sym("DiskPressure")]));
    let mut read = Survey {
        nodes: Part::whole(vec![
            node("cpu-0", "", 0),
            node("gpu-0", "NVIDIA-A100-SXM4-80GB", 8),
            sick,
            node("gpu-2", "NVIDIA-H100-80GB-HBM3", 8),
            closed,
        ]),
        pods: Part::whole(vec![notebook()]),
        quotas: Part::whole(vec![
            quota(
                "vision",
                &[
                    ("requests.nvidia.com/gpu", 16, 12),
                    ("requests.cpu", 400, 16),
                    ("requests.memory", 2 << 40, 1 << 37),
                ],
            ),
            quota("nlp", &[("requests.nvidia.com/gpu", 2, 2), ("count/mpijobs.kubeflow.org", 10, 2)]),
        ]),
        spaces: Part::whole(vec![SpaceRow { name: sym("nlp"), requester: Some(sym("mira")), ..SpaceRow::default() }]),
        ..Survey::default()
    };
    let cell = |flavor: &str| (sym(flavor), sym(GPU));
    let quota = |flavor: &str, nominal: u64, used: u64, borrowed: u64| Quota {
        cell: cell(flavor),
        nominal: nominal * 1000,
        used: used * 1000,
        borrowed: borrowed * 1000,
        ..Quota::default()
    };
    let cluster = |name: &str, cohort: &str, quotas: &[Quota], pending, reserving| ClusterQueueRow {
        name: sym(name),
        cohort: Some(sym(cohort)).filter(|cohort| !cohort.is_empty()),
        groups: Box::new([Group {
            resources: Box::new([sym(GPU)]),
            flavors: quotas.iter().map(|quota| quota.cell.0.clone()).collect(),
        }]),
        quotas: quotas.into(),
        weight: 1000,
        pending,
        reserving,
        ..ClusterQueueRow::default()
    };
    read.queues.clusters = Part::whole(vec![
        cluster("team-vision", "research", &[quota("a100", 8, 12, 4), quota("h100", 4, 0, 0)], 0, 2),
        cluster("team-nlp", "research", &[quota("a100", 8, 2, 0)], 3, 1),
        ClusterQueueRow {
            stop: crate::jobs::queue::Stop::Hold,
            ..cluster("maintenance", "", &[quota("h100", 8, 0, 0)], 0, 0)
        },
    ]);
    let local = |namespace: &str, queue: &str, pending| LocalQueueRow {
        namespace: sym(namespace),
        name: sym("gpu"),
        cluster_queue: sym(queue),
        pending,
        ..LocalQueueRow::default()
    };
    read.queues.locals = Part::whole(vec![local("vision", "team-vision", 0), local("nlp", "team-nlp", 3)]);
    read.queues.loads = Part::whole(vec![
        load(1, "nlp", "pretrain", 16, 0),
        load(2, "nlp", "urgent", 4, 100),
        load(3, "nlp", "tiny", 1, 0),
    ]);
    read
}

fn wanted(h: &Harness) -> Option<(SurveyId, Wanted)> {
    h.effects.iter().rev().find_map(|effect| match effect {
        Effect::Survey(SurveyEffect::Read(id, _, wanted)) => Some((*id, wanted.clone())),
        _ => None,
    })
}

fn read(h: &mut Harness, read: Survey) {
    let (id, _) = wanted(h).expect("asked");
    h.send(Message::Survey(id, Box::new(read)));
}

/// The view that these keys open, with everything read.
fn view(keys: &str, width: u16, height: u16) -> Harness {
    let mut h = console(width, height);
    h.keys(keys);
    read(&mut h, survey());
    h
}

#[test]
fn golden_overview() {
    insta::assert_snapshot!("overview_80x24", with_work(view("v o", 80, 24)).screen());
    insta::assert_snapshot!("overview_160x45", with_work(view("v o", 160, 45)).screen());
}

fn told(h: &mut Harness, work: Result<Work, Clean>) {
    let (id, wanted) = wanted(h).expect("asked");
    assert!(wanted.work, "it is in sight");
    let source = Clean::new("Prometheus monitoring/prometheus:9090");
    h.send(Message::Work(id, Box::new(Told { source, work })));
}

/// How busy the GPUs are is known, too.
fn with_work(mut h: Harness) -> Harness {
    let mut work = Work::new(h.model.now);
    work.add(sym("NVIDIA A100-SXM4-80GB"), Busy { measured: 14, idle: 2, sum: 1_071.0 });
    work.add(sym("NVIDIA H100 80GB HBM3"), Busy { measured: 1, idle: 1, sum: 2.0 });
    work.add_idle(sym("vision"), "segmentation-large-worker-1", 2);
    work.add_idle(sym("lab"), "notebook-0", 1);
    told(&mut h, Ok(work));
    h
}

#[test]
fn where_no_pod_holds_a_gpu_nothing_is_missing() {
    let mut h = with_work(view("v o", 80, 24));
    h.model.fleet.clear();
    let none =
        |unread: Option<&str>| Survey { pods: Part { rows: Vec::new(), unread: unread.map(Clean::new) }, ..survey() };
    read(&mut h, none(Some("list pods")));
    assert!(!h.screen().contains("no pod holds a GPU"), "nobody knows: {}", h.screen());
    read(&mut h, none(None));
    assert!(h.screen().contains("Busy        no pod holds a GPU now"), "{}", h.screen());
}

#[test]
fn golden_nodes() {
    let mut h = view("v n", 80, 24);
    h.keys("j");
    insta::assert_snapshot!("nodes_80x24", h.screen());
    h.theme = crate::console::theme::Theme::builtin("terminal", true).0;
    h.model.ascii = true;
    assert!(h.screen().is_ascii(), "{}", h.screen());
    insta::assert_snapshot!("nodes_160x45", view("v n", 160, 45).keys("j j").screen());
}

#[test]
fn golden_namespaces_queues_line_and_users() {
    insta::assert_snapshot!("namespaces_80x24", view("v s", 80, 24).screen());
    let mut h = view("v q", 80, 24);
    h.keys("j j");
    insta::assert_snapshot!("queues_80x24", h.screen());
    h.keys("g enter");
    assert!(h.screen().contains("reading ..."), "the waiting list is asked for: {}", h.screen());
    let mut h = view("v q", 80, 24);
    h.keys("j enter");
    read(&mut h, survey());
    insta::assert_snapshot!("line_80x24", h.screen());
    insta::assert_snapshot!("users_80x24", view("v u", 80, 24).screen());
}

#[test]
fn less_rights_are_said_with_what_to_ask_for() {
    let mut h = console(80, 24);
    h.keys("v n");
    let nodes = Part::unread(Clean::new("list nodes in all namespaces"));
    read(&mut h, Survey { nodes, ..Survey::default() });
    assert!(h.screen().contains("ask for: list nodes in all namespaces"), "{}", h.screen());
    h.keys("v o");
    let pods = Part::unread(Clean::new("list pods in all namespaces"));
    read(&mut h, Survey { pods, ..Survey::default() });
    let h = &mut with_work(h);
    let screen = h.screen();
    assert!(screen.contains("72% on average") && screen.contains("ask for: list pods in all namespaces"), "{screen}");
    h.keys("v s");
    let mut less = survey();
    less.pods.unread = Some(Clean::new("list pods in all namespaces"));
    read(h, less);
    assert!(h.screen().contains("vision") && h.screen().contains("list pods in all namespaces"), "{}", h.screen());
}

#[test]
fn each_view_asks_for_what_it_shows_and_the_list_for_nothing() {
    let mut h = console(80, 24);
    let mut asked = |keys: &str| {
        h.keys(keys);
        let (_, wanted) = wanted(&h).expect("asked");
        (wanted.nodes, wanted.pods, wanted.quotas, wanted.spaces, wanted.queues)
    };
    assert_eq!(asked("v n"), (true, Pods::Others, false, false, false));
    assert_eq!(asked("v s"), (false, Pods::Others, true, true, false));
    assert_eq!(asked("v q"), (false, Pods::None, false, false, true));
    assert_eq!(asked("v u"), (false, Pods::None, false, true, false));
    assert_eq!(asked("v o"), (true, Pods::Others, false, true, false));
    h.keys("esc");
    assert_eq!(h.effects.last(), Some(&Effect::Survey(SurveyEffect::Stop)));
    assert_eq!(h.model.contexts()[0], Context::List);
    h.model.session.scope = Scope::of(["nlp"]).expect("a scope");
    h.keys("v n");
    let (_, narrow) = wanted(&h).expect("asked");
    assert_eq!((narrow.pods, narrow.namespaces), (Pods::All, vec![Name::lossy("nlp")]), "the fleet has but a part");
}

#[test]
fn enter_shows_the_jobs_behind_a_row_and_esc_comes_back_to_it() {
    let mut h = view("v n", 80, 24);
    h.keys("/");
    h.model.overlays.clear();
    h.model.list.filter.set("pre");
    h.keys("j j enter");
    assert_eq!(h.model.list.filter.text, "node:=gpu-1");
    assert!(h.screen().contains("ablation-7") && !h.screen().contains("pretrain "), "{}", h.screen());
    h.keys("esc");
    let open = h.model.cluster.as_ref().expect("the view again");
    assert_eq!((open.view, open.spot().selected.as_deref()), (ClusterView::Nodes, Some("gpu-1")));
    assert_eq!(h.model.list.filter.text, "pre", "the list is as it was");
    h.keys("esc");
    assert!(h.model.cluster.is_none());
    h.keys("v s j enter enter");
    assert!(h.model.page.is_some(), "{}", h.screen());
    h.keys("esc esc");
    assert!(h.model.page.is_none() && h.model.cluster.is_some());
}

#[test]
fn a_waiting_job_leads_to_its_page_and_its_page_to_all_that_wait() {
    let mut h = view("v q", 80, 24);
    h.keys("j enter");
    let (_, asked) = wanted(&h).expect("asked");
    assert_eq!(asked.line, Some(Line::Cluster(Name::lossy("team-nlp"))));
    read(&mut h, survey());
    h.keys("j enter");
    assert!(h.model.page.is_none() && h.screen().contains("nlp/tiny is not in"), "{}", h.screen());
    h.keys("j enter");
    let page = h.model.page.as_ref().expect("the page");
    assert_eq!((page.job.row.name.as_str(), page.tab), ("pretrain", Tab::Queue));
    read(&mut h, survey());
    h.keys("enter");
    let open = h.model.cluster.as_ref().expect("the waiting list");
    assert_eq!(open.line.as_ref().map(Sym::as_str), Some("team-nlp"));
    assert_eq!(open.spot().selected.as_deref(), Some("nlp/mpijob-pretrain-00001"));
    h.keys("esc");
    let page = h.model.page.as_ref().expect("back on the page that led there");
    assert_eq!((page.job.row.name.as_str(), page.tab, h.model.cluster.is_none()), ("pretrain", Tab::Queue, true));
    h.keys("v q j enter esc");
    assert!(h.model.cluster.as_ref().is_some_and(|open| open.line.is_none()), "up to all queues");
}

#[test]
fn rows_are_sorted_by_a_chosen_column_and_turned_round() {
    let mut h = view("v n s", 80, 24);
    h.type_text("free").keys("enter");
    let first = |h: &Harness| h.model.cluster.as_ref().expect("open").table.rows[0].id.clone();
    assert!(["gpu-3", "gpu-2"].contains(&first(&h).as_str()), "{}", first(&h));
    h.keys("S");
    assert_eq!(first(&h), "cpu-0");
    h.keys("tab shift-tab");
    assert_eq!(first(&h), "cpu-0", "each view keeps its order");
}

#[test]
fn another_session_begins_with_nothing_of_the_one_before() {
    let mut h = view("v n", 80, 24);
    let id = crate::console::model::session::SessionId(h.model.session.id.0 + 1);
    h.model.session.id = id;
    h.send(Message::Session(id, SessionMessage::Counters(Vec::new())));
    assert!(h.screen().contains("reading ...") && !h.screen().contains("gpu-0"), "{}", h.screen());
}

#[test]
fn nothing_breaks_at_any_size() {
    for keys in ["v o", "v n", "v s", "v q", "v u"] {
        let mut h = view(keys, 80, 24);
        for (width, height) in [(40, 10), (41, 11), (60, 17), (80, 24), (200, 12), (300, 80)] {
            h.send(Message::Resumed(ratatui::layout::Size::new(width, height)));
            h.keys("G j k g");
            let screen = h.screen();
            assert!(screen.lines().all(|line| crate::console::widgets::text::width(line) <= width), "{keys} {screen}");
        }
    }
}

#[test]
fn gpus_of_jobs_that_have_ended_are_freed_after_a_question_about_those_very_jobs() {
    let mut h = view("v o", 80, 24);
    h.keys("A F");
    let screen = h.screen();
    assert!(screen.contains("Free 2 GPUs in 1 job?") && screen.contains("nlp/ablation-7"), "{screen}");
    h.keys("enter");
    let changes = |h: &Harness| h.effects.iter().any(|effect| matches!(effect, Effect::Change(_)));
    assert!(!changes(&h), "cancel is the default");
    h.keys("A F y");
    assert!(changes(&h));
    h.keys(":").type_text("clean-up 30d").keys("enter");
    assert!(h.screen().contains("No job in scope ended more than 30d ago"), "{}", h.screen());
    h.keys(":").type_text("clean-up 1h").keys("enter");
    assert!(h.screen().contains("Delete 1 job that ended more than 60m ago?"), "{}", h.screen());
    h.keys("esc");
    h.model.session.read_only = true;
    h.keys("A F");
    assert!(h.model.overlays.is_empty(), "read-only holds");
    h.keys(":").type_text("clean-up 1h").keys("enter");
    assert!(h.model.overlays.is_empty(), "however it is asked for");
}
