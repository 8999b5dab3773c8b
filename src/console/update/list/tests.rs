//! The list by its keys: what is selected, shown and sent, and how it looks.

use proptest::prelude::*;
use ratatui::backend::{Backend, CrosstermBackend};

use crate::{
    console::{
        commands::{self, CommandId},
        effect::{Effect, Remember},
        message::Message,
        model::session::{Offered, Phase, Scope},
        testing::Harness,
        theme::Theme,
        update::command,
    },
    jobs::{
        Clean, JobRow, Kind, Name, Secs, Sym, Uid,
        fleet::{Batch, JobKey, ListKey, ListOf, ListPhase, Row},
        row::{Condition, ReplicaCount, ReplicaSpec, Requests, Truth},
    },
};

/// The clock of these tests.
const NOW: u32 = 1_790_000_000;

fn list() -> ListKey {
    ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None }
}

fn replica(role: &str, replicas: u32, gpus: u32) -> ReplicaSpec {
    ReplicaSpec {
        role: Sym::new(role),
        replicas: Some(replicas),
        restart_policy: None,
        image: Some(Sym::new("registry.example/ml/horovod:0.28")),
        each: Requests { gpus, ..Requests::default() },
    }
}

/// A job of four workers with two GPUs each, whose last condition is `condition`.
fn job(namespace: &str, name: &str, age: u32, condition: &str) -> JobRow {
    let mut row =
        JobRow::bare(Kind::MpiJob, Name::lossy(namespace), Name::lossy(name), Uid::new(&format!("{namespace}/{name}")));
    let created = Secs(NOW - age);
    row.created = created;
    row.creator = Some(Sym::new("ada"));
    row.labels = [(Sym::new("team"), Sym::new(namespace))].into();
    row.queue = Some(Sym::new("gold"));
    row.replicas = [replica("Launcher", 1, 0), replica("Worker", 4, 2)].into();
    row.started = Some(created);
    if matches!(condition, "Succeeded" | "Failed") {
        row.completed = Some(Secs(NOW - age / 2));
    }
    row.counts = [ReplicaCount { role: Sym::new("Worker"), active: 4, ..ReplicaCount::default() }].into();
    row.suspend = condition == "Suspended";
    let of = |kind: &str| Condition {
        kind: Sym::new(kind),
        status: Truth::True,
        reason: Sym::new(&format!("MPIJob{kind}")),
        message: Clean::new(&format!("MPIJob {namespace}/{name} is {condition}")),
        since: Some(created),
    };
    row.conditions = ["Created", condition].map(of).into();
    row
}

fn rows() -> Vec<JobRow> {
    vec![
        job("vision", "resnet-152-sweep-learning-rates-0042", 3600 * 30, "Running"),
        job("vision", "resnet-50", 3600 * 80, "Succeeded"),
        job("nlp", "llama-7b-pretrain", 900, "Failed"),
        job("nlp", "bert-large", 86_400 * 4, "Failed"),
        job("speech", "whisper-tune", 86_400 * 12, "Suspended"),
        job("speech", "conformer", 90, "Succeeded"),
    ]
}

fn batch(rows: Vec<JobRow>) -> Batch {
    Batch {
        upserts: rows.into_iter().map(Row::Job).collect(),
        complete: true,
        phase: Some(ListPhase::Live),
        ..Batch::new(list())
    }
}

fn harness(width: u16, height: u16) -> Harness {
    let mut harness = Harness::new(width, height);
    harness.model.now = Secs(NOW);
    harness.model.session.context = "lab".to_owned();
    harness.model.session.phase = Phase::Up;
    harness.model.session.offered = Some(Offered { kinds: vec![Clean::new("MPIJob")], ..Offered::default() });
    harness
}

fn filled(width: u16, height: u16) -> Harness {
    let mut harness = harness(width, height);
    harness.send(Message::Fleet(vec![batch(rows())]));
    harness
}

fn selected(harness: &Harness) -> &str {
    harness.model.list.selected.as_ref().map_or("", |key| key.name.as_str())
}

fn shown(harness: &Harness) -> Vec<&str> {
    harness.model.list.order.from(0).map(|key| key.name.as_str()).collect()
}

#[test]
fn the_most_urgent_and_newest_stand_first() {
    let harness = filled(80, 24);
    assert_eq!(shown(&harness)[..2], ["llama-7b-pretrain", "bert-large"]);
    assert_eq!(selected(&harness), "llama-7b-pretrain");
}

#[test]
fn selection_follows_its_job_and_goes_to_the_neighbour_when_it_is_gone() {
    let mut harness = filled(80, 24);
    harness.keys("j");
    assert_eq!(selected(&harness), "bert-large");
    harness.send(Message::Fleet(vec![batch(vec![job("nlp", "newer", 10, "Failed")])]));
    assert_eq!((selected(&harness), harness.model.list.at), ("bert-large", 2), "it moved with its job");
    let gone = Batch { removals: vec![Uid::new("nlp/bert-large")], ..Batch::new(list()) };
    let neighbour = shown(&harness)[3].to_owned();
    harness.send(Message::Fleet(vec![gone]));
    assert_eq!(selected(&harness), neighbour);
}

#[test]
fn a_job_made_again_under_its_name_stays_selected() {
    let mut harness = filled(80, 24);
    harness.keys("j");
    let mut again = job("nlp", "bert-large", 5, "Running");
    again.uid = Uid::new("another");
    let gone = Batch { removals: vec![Uid::new("nlp/bert-large")], ..batch(vec![again]) };
    harness.send(Message::Fleet(vec![gone]));
    assert_eq!(selected(&harness), "bert-large");
    assert_eq!(harness.model.list.selected.as_ref().map(|key| &key.uid), Some(&Uid::new("another")));
}

#[test]
fn what_is_wrong_in_a_filter_is_told_once() {
    let mut harness = filled(120, 24);
    let told = |harness: &Harness| harness.screen().matches("a whole number").count();
    harness.keys("/").type_text("gpu>x");
    assert_eq!(told(&harness), 1, "{}", harness.screen());
    harness.keys("enter");
    assert_eq!(told(&harness), 1, "{}", harness.screen());
}

#[test]
fn a_filter_is_live_and_esc_brings_back_what_was() {
    let mut harness = filled(80, 24);
    harness.keys("j /").type_text("ns:vision");
    assert_eq!(shown(&harness).len(), 2);
    assert!(harness.screen().contains("2 of 6 shown, 4 hidden by filter"), "{}", harness.screen());
    harness.keys("esc");
    assert_eq!((shown(&harness).len(), selected(&harness)), (6, "bert-large"));
    harness.keys("/").type_text("ns:vision kin:x").keys("enter");
    assert!(harness.screen().contains("no field «kin»"), "{}", harness.screen());
    assert_eq!(shown(&harness).len(), 2, "the rest of the filter applies");
    harness.keys("esc");
    assert_eq!(shown(&harness).len(), 6);
}

#[test]
fn one_key_shows_what_needs_attention() {
    let mut harness = filled(80, 24);
    harness.keys("a");
    assert_eq!(shown(&harness), ["llama-7b-pretrain", "bert-large"]);
    harness.keys("a");
    assert_eq!(shown(&harness).len(), 6);
}

#[test]
fn marks_survive_a_filter_and_name_what_a_command_is_about() {
    let mut harness = filled(80, 24);
    harness.keys("space space /").type_text("ns:vision").keys("enter");
    assert_eq!(harness.model.list.marks.len(), 2);
    assert!(harness.screen().contains("2 marked"));
    harness.keys("* esc U");
    assert!(harness.model.list.marks.is_empty());
    harness.keys("g space j j V");
    assert_eq!(harness.model.list.targets().len(), 4);
    harness.keys("c");
    let copied = harness.effects.iter().rev().find_map(|effect| match effect {
        Effect::Clipboard(text) => Some(text.lines().count()),
        _ => None,
    });
    assert_eq!(copied, Some(4));
}

#[test]
fn columns_and_order_are_chosen_and_remembered() {
    let mut harness = filled(160, 45);
    harness.keys("s").type_text("name").keys("enter");
    assert_eq!(shown(&harness)[0], "bert-large");
    harness.keys("S");
    assert_eq!(shown(&harness)[0], "whisper-tune");
    harness.keys("O").type_text(" label:team").keys("enter");
    assert!(harness.screen().contains("TEAM"), "{}", harness.screen());
    let kept = harness.effects.iter().rev().find_map(|effect| match effect {
        Effect::Remember(Remember::Columns(columns)) => columns.last().cloned(),
        _ => None,
    });
    assert_eq!(kept.as_deref(), Some("label:team"));
    harness.keys("F").type_text("mine").keys("enter");
    assert!(harness.model.list.saved.is_empty(), "without a filter there is nothing to save");
    harness.keys("/").type_text("bert").keys("enter F").type_text("mine").keys("enter esc f enter");
    assert_eq!(shown(&harness), ["bert-large"]);
}

#[test]
fn a_change_that_is_not_on_the_screen_draws_nothing() {
    let mut harness = harness(80, 12);
    let many: Vec<_> = (0..400).map(|i| job("a", &format!("job-{i:03}"), 10_000 + i, "Running")).collect();
    harness.send(Message::Fleet(vec![batch(many)]));
    harness.model.dirty = false;
    let mut far = job("a", "job-399", 10_399, "Running");
    far.priority = Some(Sym::new("high"));
    harness.send(Message::Fleet(vec![Batch { upserts: vec![Row::Job(far)], ..Batch::new(list()) }]));
    assert!(!harness.model.dirty);
    let mut near = job("a", "job-000", 10_000, "Running");
    near.priority = Some(Sym::new("high"));
    harness.send(Message::Fleet(vec![Batch { upserts: vec![Row::Job(near)], ..Batch::new(list()) }]));
    assert!(harness.model.dirty);
}

/// Run with `cargo test --release -- --ignored --nocapture costs`: budgets are 1 ms a keystroke, 30 µs an event.
#[test]
#[ignore = "a measurement"]
fn costs_of_a_keystroke_and_an_event() {
    let mut harness = harness(160, 45);
    let conditions = ["Running", "Failed", "Succeeded"];
    let many = (0..1000)
        .map(|i| job(&format!("team-{}", i % 40), &format!("llama-{i:04}"), 10_000 + i, conditions[i as usize % 3]));
    harness.send(Message::Fleet(vec![batch(many.collect())]));
    let mut out = Vec::new();
    for (what, filter) in [("word", "llama"), ("strewn", "lma7"), ("regex", "/a-0.*7/"), ("field", "ns:team-3 gpu>=8")]
    {
        harness.model.list.filter.set(filter);
        let (now, model) = (harness.model.now, &mut harness.model);
        let started = tokio::time::Instant::now();
        for _ in 0..20 {
            model.list.refilter(&model.fleet, now);
        }
        out.push(format!("{what}: {:?} a keystroke", started.elapsed() / 20));
    }
    harness.model.list.filter.set("");
    let started = tokio::time::Instant::now();
    for i in 0..500 {
        let mut row = job("team-0", "llama-0000", 10_000, "Running");
        row.slots = Some(i);
        harness.send(Message::Fleet(vec![Batch { upserts: vec![Row::Job(row)], ..Batch::new(list()) }]));
    }
    out.push(format!("{:?} an event", started.elapsed() / 500));
    println!("{out:#?}");
}

#[test]
fn the_deadline_is_that_of_the_ages_on_the_screen() {
    let mut harness = filled(160, 45);
    let at = harness.model.list.deadline.expect("an age");
    assert_eq!(at, Secs(NOW + 1), "the conformer is 90 s old");
    let before = harness.screen();
    harness.at(at);
    assert_ne!(harness.screen(), before);
    let mut old = self::harness(160, 45);
    old.send(Message::Fleet(vec![batch(vec![job("a", "b", 86_400 * 20, "Succeeded")])]));
    assert!(old.model.list.deadline.is_none_or(|at| at.0 > NOW + 3600));
}

#[test]
fn a_wide_blank_in_a_filter_is_a_blank() {
    let mut harness = filled(80, 24);
    harness.keys("/").type_text("a\u{2003}st");
    assert!(harness.screen().contains("state:"), "{}", harness.screen());
}

#[test]
fn moving_the_selection_costs_few_bytes() {
    let mut harness = harness(160, 45);
    let many: Vec<_> =
        (0..60).map(|i| job("research", &format!("llama-pretraining-{i:03}"), 10_000 + i, "Failed")).collect();
    harness.send(Message::Fleet(vec![batch(many)]));
    let before = harness.buffer();
    harness.keys("j");
    let after = harness.buffer();
    let mut bytes = Vec::new();
    CrosstermBackend::new(&mut bytes).draw(before.diff(&after).into_iter()).expect("drawn");
    assert!(bytes.len() <= 300, "{} bytes", bytes.len());
}

fn plain(mut harness: Harness, ascii: bool) -> String {
    (harness.theme, _) = Theme::builtin("terminal", ascii);
    harness.screen()
}

#[test]
fn golden_screens() {
    insta::assert_snapshot!("list_80x24", plain(filled(80, 24), false));
    insta::assert_snapshot!("list_120x40", plain(filled(120, 40), false));
    insta::assert_snapshot!("list_160x45", plain(filled(160, 45), false));
    insta::assert_snapshot!("list_40x10_ascii", plain(filled(40, 10), true));
    let mut wide = filled(160, 45);
    wide.keys("ctrl-w right right space /").type_text("ns:nlp").keys("enter");
    insta::assert_snapshot!("list_wide_160x45_ascii", plain(wide, true));
}

#[test]
fn empty_screens_say_what_to_do() {
    let mut none = harness(80, 24);
    none.send(Message::Fleet(vec![batch(Vec::new())]));
    assert!(none.screen().contains("There are no training jobs in any namespace"), "{}", none.screen());
    assert!(none.screen().contains("N makes one from a template"), "{}", none.screen());
    let mut hidden = filled(80, 24);
    hidden.keys("/").type_text("xyzzy").keys("enter");
    assert!(hidden.screen().contains("None of 6 jobs matches."), "{}", hidden.screen());
    let mut refused = harness(80, 24);
    refused.model.session.scope = Scope::of(["nlp"]).expect("a scope");
    let phase = Some(ListPhase::Forbidden(Clean::new("list mpijobs.kubeflow.org in namespace nlp")));
    refused.send(Message::Fleet(vec![Batch { phase, ..Batch::new(list()) }]));
    let screen = refused.screen();
    assert!(screen.contains("can't be read") && screen.contains("list mpijobs.kubeflow.org"), "{screen}");
    let mut loading = harness(80, 24);
    loading.send(Message::Fleet(vec![Batch { phase: Some(ListPhase::Loading(250)), ..Batch::new(list()) }]));
    assert!(loading.screen().contains("250 so far"), "{}", loading.screen());
}

#[derive(Clone, Debug)]
enum Step {
    Rows(Vec<(u8, u8, u8)>),
    Gone(u8),
    Run(usize),
    Type(String),
    Enter,
    Size(u16, u16),
    Time(u16),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0u8..30, 0u8..3, 0u8..4);
    let step = prop_oneof![
        prop::collection::vec(row, 0..12).prop_map(Step::Rows),
        (0u8..30).prop_map(Step::Gone),
        (0usize..24).prop_map(Step::Run),
        "[a-z:! /0-9<>]{0,4}".prop_map(Step::Type),
        Just(Step::Enter),
        (1u16..200, 1u16..50).prop_map(|(w, h)| Step::Size(w, h)),
        (0u16..4000).prop_map(Step::Time),
    ];
    prop::collection::vec(step, 0..30)
}

fn take(harness: &mut Harness, step: Step) {
    use crate::console::message::Input;
    match step {
        Step::Rows(rows) => {
            let conditions = ["Running", "Failed", "Succeeded", "Suspended"];
            let rows = rows.into_iter().map(|(n, namespace, condition)| {
                job(
                    &format!("ns-{namespace}"),
                    &format!("job-{n}"),
                    100 * u32::from(n),
                    conditions[usize::from(condition)],
                )
            });
            let batch = batch(rows.collect());
            harness.send(Message::Fleet(vec![batch]));
        }
        Step::Gone(n) => {
            let removals = (0..3).map(|i| Uid::new(&format!("ns-{i}/job-{n}"))).collect();
            harness.send(Message::Fleet(vec![Batch { removals, ..Batch::new(list()) }]));
        }
        Step::Run(n) => {
            let all: Vec<CommandId> =
                commands::all().map(|row| row.id).filter(|id| matches!(id, CommandId::List(_))).collect();
            command(&mut harness.model, all[n % all.len()]);
            harness.model.page = None;
        }
        Step::Type(text) => drop(harness.type_text(&text).keys("backspace")),
        Step::Enter => drop(harness.keys("enter")),
        Step::Size(width, height) => {
            harness.send(Message::Input(Input::Resize(ratatui::layout::Size::new(width, height))));
        }
        Step::Time(seconds) => {
            let at = harness.model.now.plus(seconds.into());
            harness.at(at);
        }
    }
    harness.model.page = None;
}

/// The order is that of one made from scratch, and the selection is a shown job on the screen.
fn check(harness: &mut Harness) -> Result<(), TestCaseError> {
    harness.buffer();
    let list = &harness.model.list;
    let kept: Vec<JobKey> = list.order.from(0).cloned().collect();
    prop_assert_eq!(list.selected.is_none(), kept.is_empty());
    if let Some(key) = &list.selected {
        prop_assert_eq!(kept.get(list.at), Some(key));
        prop_assert!(list.height == 0 || (list.top..list.top + list.height).contains(&list.at));
    }
    let now = harness.model.now;
    harness.model.list.rebuild(&harness.model.fleet, now);
    prop_assert_eq!(harness.model.list.order.from(0).cloned().collect::<Vec<_>>(), kept);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_rows_keys_and_sizes_leave_a_valid_list(steps in steps()) {
        let mut harness = harness(80, 24);
        for step in steps {
            take(&mut harness, step);
            check(&mut harness)?;
        }
    }
}
