mod causes;
mod lives;
mod logs;
mod metrics;
mod owned;
mod queue;
mod small;
mod waits;

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use serde_json::json;

use super::{Kept, Tab, open_at, refresh};
use crate::{
    console::{
        Effect, Message,
        commands::{self, CommandId, PageCommand},
        message::Input,
        model::page::{
            Fetched, LogMessage, LogOrder, OwnedObject, PageEffect, PageMessage, Refusal,
            logs::{Flow, Shown, StreamState, Window},
            workers::Shape,
        },
        testing::Harness,
        update::command,
    },
    jobs::{
        Clean, EventRow, JobRow, Kind, Name, PodRow, Secs, Sym, Uid,
        causes::Rules,
        fleet::{Batch, Fleet, JobKey, ListKey, ListOf, Row},
        replica::ReplicaStatus,
        row::{Condition, ContainerRow, ContainerState, Phase, ReplicaSpec, Requests, RunPolicy, Terminated, Truth},
        state::Severity,
    },
    logs::Line,
};

const NOW: u32 = 1_000_000;
/// Compiling the rules takes longer than a test should.
static RULES: OnceLock<Arc<Rules>> = OnceLock::new();

fn condition(kind: &str, status: Truth, ago: u32, reason: &str, message: &str) -> Condition {
    Condition {
        kind: Sym::new(kind),
        status,
        reason: Sym::new(reason),
        message: Clean::new(message),
        since: Some(Secs(NOW - ago)),
    }
}

fn job(workers: u32) -> JobRow {
    let name = Name::lossy("bert-large");
    let mut row =
        JobRow::bare(Kind::MpiJob, Name::lossy("nlp"), name, Uid::new("70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed"));
    let each = |gpus, milli| Requests {
        gpus,
        gpu_resource: (gpus > 0).then(|| Sym::new("nvidia.com/gpu")),
        cpu_milli: milli,
        memory: 16 << 30,
        ..Requests::default()
    };
    let spec = |role: &str, n, each| ReplicaSpec {
        role: Sym::new(role),
        replicas: Some(n),
        restart_policy: None,
        image: Some(Sym::new("registry.local/nlp/bert:1.4")),
        each,
    };
    row.created = Secs(NOW - 3600);
    row.started = Some(Secs(NOW - 3600));
    row.creator = Some(Sym::new("mira"));
    row.queue = Some(Sym::new("research"));
    row.labels = Box::new([(Sym::new("team"), Sym::new("nlp"))]);
    row.policy = RunPolicy { backoff_limit: Some(2), ..RunPolicy::default() };
    row.replicas = Box::new([spec("Launcher", 1, each(0, 500)), spec("Worker", workers, each(8, 4000))]);
    row.conditions = Box::new([
        condition("Created", Truth::True, 3600, "MPIJobCreated", "MPIJob nlp/bert-large is created."),
        condition("Running", Truth::True, 3000, "MPIJobRunning", "MPIJob nlp/bert-large is running."),
    ]);
    row
}

fn pod(role: &str, index: Option<u16>, node: &str, ago: u32) -> PodRow {
    let name = index.map_or_else(|| format!("bert-large-{role}-x7x2q"), |i| format!("bert-large-{role}-{i}"));
    PodRow {
        namespace: Sym::new("nlp"),
        uid: Uid::new(&name),
        name: Name::lossy(&name),
        created: Secs(NOW - ago),
        started: Some(Secs(NOW - ago + 20)),
        job: Name::lossy("bert-large"),
        operator: Sym::new("mpi-operator"),
        role: Sym::new(role),
        index,
        node: Some(Sym::new(node)),
        phase: Phase::Running,
        ready: true,
        containers: Box::new([ContainerRow {
            name: Sym::new(role),
            image: Sym::new("registry.local/nlp/bert:1.4"),
            state: Some(ContainerState::Running(Some(Secs(NOW - ago + 60)))),
            ready: true,
            ..ContainerRow::default()
        }]),
        requests: Requests { gpus: if role == "worker" { 8 } else { 0 }, ..Requests::default() },
        ..PodRow::default()
    }
}

fn killed(mut pod: PodRow) -> PodRow {
    let end = Terminated {
        reason: Sym::new("OOMKilled"),
        exit_code: 137,
        started: Some(Secs(NOW - 3000)),
        finished: Some(Secs(NOW - 120)),
        ..Terminated::default()
    };
    (pod.phase, pod.ready) = (Phase::Failed, false);
    pod.containers[0].state = Some(ContainerState::Terminated(end));
    pod.containers[0].ready = false;
    pod
}

fn warning(pod: &PodRow) -> EventRow {
    EventRow {
        namespace: Sym::new("nlp"),
        uid: Uid::new(&format!("event-{}", pod.name)),
        about_kind: Sym::new("Pod"),
        about_name: pod.name.clone(),
        about_uid: pod.uid.clone(),
        warning: true,
        reason: Sym::new("BackOff"),
        message: Clean::new("Back-off restarting failed container worker"),
        count: 4,
        first: Secs(NOW - 100),
        last: Secs(NOW - 40),
        source: Sym::new("kubelet"),
    }
}

/// A job with a launcher and so many workers, of which worker 2 was killed.
fn kept(workers: u16) -> Kept {
    let mut pods: Vec<PodRow> = (0..workers).map(|i| pod("worker", Some(i), &format!("gpu-{}", i / 8), 3500)).collect();
    if let Some(second) = pods.get_mut(2) {
        *second = killed(second.clone());
    }
    pods.push(pod("launcher", None, "cpu-1", 3500));
    let events: Vec<EventRow> = pods.get(2).map(warning).into_iter().collect();
    let mut fleet = Fleet::new(Arc::clone(RULES.get_or_init(|| Arc::new(Rules::builtin()))));
    let row = job(u32::from(workers));
    let key = JobKey { namespace: row.namespace.clone(), name: row.name.clone(), kind: row.kind, uid: row.uid.clone() };
    let lists = [
        (ListOf::Jobs(Kind::MpiJob), vec![Row::Job(row)]),
        (ListOf::Pods, pods.into_iter().map(Row::Pod).collect()),
        (ListOf::Warnings, events.into_iter().map(Row::Event).collect()),
    ];
    for (of, upserts) in lists {
        let mut batch = Batch::new(ListKey { of, namespace: None });
        batch.upserts = upserts;
        fleet.apply(batch);
    }
    fleet.settle(Secs(NOW));
    Kept::of(&fleet, &key).expect("the job")
}

fn harness(width: u16, height: u16, workers: u16, tab: Tab) -> Harness {
    let mut h = Harness::new(width, height);
    let effects = open_at(&mut h.model, kept(workers), tab);
    h.effects.extend(effects);
    h
}

fn page(h: &Harness) -> &crate::console::model::page::PageModel {
    h.model.page.as_ref().expect("a page")
}

fn owned() -> Vec<OwnedObject> {
    let refused = ReplicaStatus { word: Sym::new("not allowed"), severity: Severity::Warn, symbol: '?' };
    let object = |depth, kind: &str, name: &str, word: &str, about: &str, content: &[&str]| OwnedObject {
        depth,
        kind: Sym::new(kind),
        name: Name::lossy(name),
        status: ReplicaStatus { word: Sym::new(word), severity: Severity::Good, symbol: '●' },
        about: Clean::new(about),
        content: content.iter().map(|line| Clean::new(line)).collect(),
    };
    vec![
        object(0, "Job", "bert-large-launcher", "Active", "1 active", &[]),
        object(1, "Pod", "bert-large-launcher-x7x2q", "Running", "", &[]),
        object(0, "Pod", "bert-large-worker-0", "Running", "", &[]),
        object(0, "Pod", "bert-large-worker-2", "Running", "", &[]),
        object(
            0,
            "ConfigMap",
            "bert-large-config",
            "present",
            "hostfile",
            &["bert-large-worker-0.bert-large.nlp.svc slots=8"],
        ),
        OwnedObject { status: refused, ..object(0, "Secret", "", "", "ask for: get secrets in namespace nlp", &[]) },
    ]
}

fn with_owned(h: &mut Harness) {
    let id = page(h).id;
    h.send(Message::Page(id, PageMessage::Owned(Ok(owned()))));
}

fn window(from: u64, n: u64) -> Window {
    let line = |i| {
        let rank = (i % 4) as u32;
        let text = format!("[1,{rank}]<stdout>:step {i} loss 0.{:03}", 900 - i);
        Line { rank: Some(rank), tag: 14, ..Line::plain(&text) }
    };
    let stream = StreamState { key: "l/c".to_owned(), title: Clean::new("Launcher"), flow: Flow::Open };
    Window {
        lines: (from..from + n).map(|number| Shown { number, line: line(number), marked: false }).collect(),
        before: from,
        total: from + n,
        complete: true,
        kept: from + n,
        bytes: 4096,
        max_bytes: 64 << 20,
        streams: vec![stream],
        ranks_heard: 4,
        ..Window::default()
    }
}

fn news(window: Window) -> LogMessage {
    LogMessage::News(Box::new(window))
}

#[test]
fn golden_overview() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    with_owned(&mut h);
    insta::assert_snapshot!("overview_80x24", h.screen());
    h.keys("G");
    insta::assert_snapshot!("overview_80x24_end", h.screen());
}

#[test]
fn golden_overview_wide() {
    let mut h = harness(160, 45, 16, Tab::Overview);
    with_owned(&mut h);
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(window(100, 20))));
    insta::assert_snapshot!("overview_160x45", h.screen());
}

#[test]
fn golden_configuration() {
    let mut h = harness(80, 24, 4, Tab::Configuration);
    let object = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "bert-large"},
        "spec": {"mpiReplicaSpecs": {"Worker": {"replicas": 4, "template": {"spec": {"containers": [
            {"name": "worker", "image": "bert:1.4", "env": [{"name": "WANDB_API_KEY", "value": "s3cret"}]}]}}}}}});
    let id = page(&h).id;
    h.send(Message::Page(id, PageMessage::Object(Ok(object))));
    h.keys("f");
    insta::assert_snapshot!("configuration_80x24", h.screen());
    assert!(!h.screen().contains("s3cret"));
    h.keys("x G");
    assert!(h.screen().contains("value: s3cret"));
    h.keys("f S");
    let Some(Effect::Save(name, _)) = h.effects.last() else { panic!("nothing is saved") };
    assert_eq!(name, "nlp-bert-large-stored.yaml");
}

#[test]
fn golden_workers() {
    let mut h = harness(80, 24, 100, Tab::Workers);
    h.keys("right right right");
    insta::assert_snapshot!("workers_grid_100_80x24", h.screen());
    h.theme.ascii = true;
    h.model.ascii = true;
    insta::assert_snapshot!("workers_grid_100_ascii", h.screen());
    h.theme.ascii = false;
    h.keys("t");
    insta::assert_snapshot!("workers_table_100_80x24", h.screen());
    h.keys("enter");
    insta::assert_snapshot!("worker_open_80x24", h.screen());
    assert!(
        matches!(h.effects.last(), Some(Effect::Page(PageEffect::Pod(_, _, _, name))) if *name == "bert-large-worker-2")
    );
}

#[test]
fn golden_logs() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    let reads =
        |effect: &Effect| matches!(effect, Effect::Page(PageEffect::Order(_, LogOrder::Read(all))) if all.len() == 2);
    assert!(h.effects.iter().any(reads), "launcher and the bad worker: {:?}", h.effects);
    h.send(Message::Log(id, news(window(40, 18))));
    insta::assert_snapshot!("logs_80x24", h.screen());
}

#[test]
fn golden_events() {
    let mut h = harness(80, 24, 4, Tab::Events);
    let normal = EventRow {
        warning: false,
        reason: Sym::new("Scheduled"),
        count: 1,
        last: Secs(NOW - 300),
        ..page(&h).job.warnings[0].clone()
    };
    let events = vec![page(&h).job.warnings[0].clone(), normal];
    let id = page(&h).id;
    h.send(Message::Page(id, PageMessage::Events(Ok(events))));
    insta::assert_snapshot!("events_80x24", h.screen());
    h.keys("W");
    assert!(!h.screen().contains("Scheduled"));
    h.keys("W /");
    h.type_text("schedul").keys("enter");
    assert!(h.screen().contains("(1 hidden)") && h.screen().contains("Scheduled"), "{}", h.screen());
}

#[test]
fn tabs_go_round_and_esc_goes_back_step_by_step() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    h.keys("tab tab tab tab tab tab tab");
    assert_eq!(page(&h).tab, Tab::Overview);
    h.keys("shift-tab");
    assert_eq!(page(&h).tab, Tab::Queue);
    h.keys("3 right enter");
    assert!(page(&h).workers.open.is_some());
    h.keys("esc");
    assert!(page(&h).workers.open.is_none());
    h.keys("esc");
    assert!(h.model.page.is_none());
    assert!(matches!(h.effects.last(), Some(Effect::Page(PageEffect::Close(_)))));
}

#[test]
fn events_are_read_only_while_they_are_shown() {
    let mut h = harness(80, 24, 4, Tab::Events);
    assert!(matches!(h.effects.last(), Some(Effect::Page(PageEffect::Events(..)))));
    h.keys("1");
    assert!(h.effects.iter().any(|e| matches!(e, Effect::Page(PageEffect::StopEvents(_)))));
}

#[test]
fn a_job_that_is_gone_stays_readable_and_says_so() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    refresh(&mut h.model, None);
    h.model.now = Secs(NOW + 60);
    assert!(h.screen().contains("deleted 60s ago") && h.screen().contains("out of memory"), "{}", h.screen());
    let refusal = Refusal { what: Clean::new("not found"), hint: Clean::default() };
    let id = page(&h).id;
    h.send(Message::Page(id, PageMessage::Object(Err(refusal))));
    refresh(&mut h.model, Some(kept(4)));
    assert!(!h.screen().contains("deleted"));
}

#[test]
fn the_selection_stays_on_its_replica_while_pods_change() {
    let mut h = harness(80, 24, 4, Tab::Workers);
    h.keys("right right right");
    assert_eq!(page(&h).workers.selected.as_ref().map(Name::as_str), Some("worker-2"));
    refresh(&mut h.model, Some(kept(8)));
    assert_eq!(page(&h).workers.selected.as_ref().map(Name::as_str), Some("worker-2"));
    h.keys("b t G");
    assert!(page(&h).workers.selected.is_some());
    refresh(&mut h.model, Some(kept(0)));
    assert_eq!(page(&h).workers.selected.as_ref().map(Name::as_str), Some("launcher"));
}

#[test]
fn search_goes_to_hits_and_says_when_there_is_none() {
    let mut h = harness(80, 12, 4, Tab::Overview);
    h.keys("/").type_text("MPIJobRunning").keys("enter");
    assert!(h.screen().contains("MPIJobRunning"), "{}", h.screen());
    h.keys("/").type_text("nowhere").keys("enter");
    assert!(h.screen().contains("«nowhere» is not here"), "{}", h.screen());
}

fn any_command() -> impl Strategy<Value = CommandId> {
    let ids: Vec<CommandId> = commands::all().map(|row| row.id).filter(|id| matches!(id, CommandId::Page(_))).collect();
    proptest::sample::select(ids)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_commands_at_any_size_keep_the_page_whole(
        steps in proptest::collection::vec((any_command(), 1u16..170, 1u16..60, 0u16..20), 1..25),
    ) {
        let mut h = harness(80, 24, 9, Tab::Overview);
        for (id, width, height, workers) in steps {
            h.send(Message::Input(Input::Resize(ratatui::layout::Size::new(width, height))));
            h.model.overlays.clear();
            command(&mut h.model, id);
            refresh(&mut h.model, Some(kept(workers)));
            h.screen();
            let page = page(&h);
            let ids: Vec<Name> = page.job.replicas().iter().map(crate::jobs::replica::Replica::id).collect();
            if let Some(selected) = &page.workers.selected {
                prop_assert!(ids.contains(selected));
            }
        }
    }
}

#[test]
fn every_page_command_has_a_row_and_shapes_toggle() {
    let mut h = harness(80, 24, 4, Tab::Workers);
    assert_eq!(page(&h).workers.shape(5), Shape::Table);
    assert_eq!(page(&h).workers.shape(21), Shape::Grid);
    command(&mut h.model, CommandId::Page(PageCommand::Shape));
    assert_eq!(page(&h).workers.shape(5), Shape::Grid);
    assert!(matches!(page(&h).owned, Fetched::Unasked));
}
