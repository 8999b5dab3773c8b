use crate::{
    changes::Report,
    cluster::{Problem, ProblemKind},
    config::{AlertJobs, AlertSettings, AlertSignal},
    console::{
        effect::Effect,
        message::Message,
        model::{
            alert::{AlertEffect, Run},
            change::{ChangeEffect, ChangeMessage},
            notices::{Notice, Tone},
            session::{Phase, Scope, SessionId},
            survey::Survey,
        },
        testing::Harness,
    },
    jobs::{
        Clean, JobRow, Kind, Name, PodRow, Secs, Sym, Uid,
        capacity::QuotaRow,
        fleet::{Batch, JobKey, ListKey, ListOf, ListPhase, Row},
        part::Part,
        row::{Condition, Phase as PodPhase, ReplicaSpec, Requests, Truth},
        usage::Flag,
    },
    metrics::Odd,
};

const NOW: u32 = 1_000_000;

fn lists() -> [ListKey; 2] {
    [ListOf::Jobs(Kind::MpiJob), ListOf::Pods].map(|of| ListKey { of, namespace: None })
}

/// A job of a launcher and two workers with eight GPUs each.
fn job(name: &str, state: &str) -> JobRow {
    let uid = Uid::new(&format!("uid-{name}"));
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("nlp"), Name::lossy(name), uid);
    let spec = |role, count| ReplicaSpec { role: Sym::new(role), replicas: Some(count), ..ReplicaSpec::default() };
    row.replicas = Box::new([spec("Launcher", 1), spec("Worker", 2)]);
    let condition = |kind: &str| Condition { kind: Sym::new(kind), status: Truth::True, ..Condition::default() };
    row.conditions = if state.is_empty() { Box::default() } else { Box::new([condition(state)]) };
    row
}

fn pods(name: &str) -> Vec<Row> {
    let pod = |role: &str, index: Option<u16>| PodRow {
        namespace: Sym::new("nlp"),
        name: Name::lossy(&index.map_or(format!("{name}-{role}"), |index| format!("{name}-{role}-{index}"))),
        uid: Uid::new(&format!("{name}-{role}-{index:?}")),
        job: Name::lossy(name),
        operator: Sym::new("mpi-operator"),
        role: Sym::new(role),
        index,
        phase: PodPhase::Running,
        ready: true,
        started: Some(Secs(NOW - 7_200)),
        requests: Requests { gpus: 8, ..Requests::default() },
        ..PodRow::default()
    };
    [pod("launcher", None), pod("worker", Some(0)), pod("worker", Some(1))].map(Row::Pod).into()
}

fn key(name: &str) -> JobKey {
    let uid = Uid::new(&format!("uid-{name}"));
    JobKey { namespace: Name::lossy("nlp"), name: Name::lossy(name), kind: Kind::MpiJob, uid }
}

fn put(h: &mut Harness, name: &str, state: &str) {
    let [jobs, _] = lists();
    h.send(Message::Fleet(vec![Batch { upserts: vec![Row::Job(job(name, state))], ..Batch::new(jobs) }]));
}

/// A console that has read these jobs, all of which run; each is pinned.
fn console(names: &[&str]) -> Harness {
    let mut h = Harness::new(120, 20);
    h.model.session.context = "prod".to_owned();
    h.model.session.phase = Phase::Up;
    h.model.session.planned = Some(lists().into());
    let [jobs, all_pods] = lists();
    let rows = names.iter().map(|name| Row::Job(job(name, "Running"))).collect();
    let of_pods = names.iter().flat_map(|name| pods(name)).collect();
    for (list, upserts) in [(jobs, rows), (all_pods, of_pods)] {
        h.send(Message::Fleet(vec![Batch { upserts, phase: Some(ListPhase::Live), ..Batch::new(list) }]));
    }
    h.model.record.pinned = names.iter().map(|name| key(name)).collect();
    // Any key: what is pinned is looked at after each.
    h.keys("j");
    h
}

fn told(h: &Harness) -> Vec<String> {
    h.model.notices.iter().map(|notice: &Notice| notice.text.to_string()).collect()
}

fn alerts(h: &mut Harness) -> Vec<AlertEffect> {
    let effects = std::mem::take(&mut h.effects).into_iter();
    effects.filter_map(|effect| if let Effect::Alert(alert) = effect { Some(alert) } else { None }).collect()
}

fn signals(h: &mut Harness) -> Vec<String> {
    let text = |alert| if let AlertEffect::Signal(text) = alert { Some(text) } else { None };
    alerts(h).into_iter().filter_map(text).collect()
}

#[test]
fn the_first_change_of_a_pinned_job_is_told_once_in_any_view_and_of_others_none() {
    let mut h = console(&["train"]);
    put(&mut h, "other", "Running");
    assert_eq!(told(&h), [""; 0], "what is so at first is no news");
    h.keys("v n");
    put(&mut h, "other", "Succeeded");
    put(&mut h, "train", "Succeeded");
    put(&mut h, "train", "Succeeded");
    assert_eq!(told(&h), ["nlp/train: Running, now Succeeded"]);
    assert!(h.screen().contains("nlp/train: Running, now Succeeded"), "{}", h.screen());
}

#[test]
fn what_is_still_being_read_is_no_news_but_what_happened_while_nobody_was_connected_is() {
    let mut h = console(&["train"]);
    h.model.session.id = SessionId(7);
    let loading = |h: &mut Harness, phase| {
        let [_, pods] = lists();
        h.send(Message::Fleet(vec![Batch { phase: Some(phase), ..Batch::new(pods) }]));
    };
    loading(&mut h, ListPhase::Loading(0));
    put(&mut h, "train", "Failed");
    assert_eq!(told(&h), [""; 0]);
    loading(&mut h, ListPhase::Live);
    // The lists of a session that stood are read once more.
    loading(&mut h, ListPhase::Loading(0));
    put(&mut h, "train", "Succeeded");
    assert_eq!(told(&h), ["nlp/train: Failed, now Succeeded"]);
}

#[test]
fn an_opened_job_is_watched_too_unless_only_pinned_ones_are_or_none() {
    for (jobs, tells) in [(AlertJobs::Watched, 1), (AlertJobs::Pinned, 0), (AlertJobs::Off, 0)] {
        let mut h = console(&["train"]);
        h.model.record.pinned.clear();
        h.model.alert.settings.jobs = jobs;
        h.keys("enter q");
        assert!(h.model.page.is_none());
        put(&mut h, "train", "Succeeded");
        let said = told(&h).iter().filter(|text| text.contains("now Succeeded")).count();
        assert_eq!(said, tells, "{jobs:?}: {:?}", told(&h));
    }
}

#[test]
fn a_job_that_is_gone_is_told_unless_its_list_was_narrowed() {
    for (narrowed, expected) in [(None, vec!["nlp/train: deleted"]), (Some("team=a".to_owned()), Vec::new())] {
        let mut h = console(&["train"]);
        h.model.session.narrowed = narrowed;
        let [jobs, _] = lists();
        h.send(Message::Fleet(vec![Batch { removals: vec![Uid::new("uid-train")], ..Batch::new(jobs) }]));
        assert_eq!(told(&h), expected);
    }
}

#[test]
fn what_one_deletes_oneself_is_no_news_unless_it_fails() {
    let gone = |h: &mut Harness| {
        let [jobs, _] = lists();
        h.send(Message::Fleet(vec![Batch { removals: vec![Uid::new("uid-train")], ..Batch::new(jobs) }]));
    };
    let deleted = |h: &Harness| told(h).iter().any(|text| text == "nlp/train: deleted");
    let mut h = console(&["train"]);
    h.keys("A d y");
    gone(&mut h);
    assert!(!deleted(&h), "{:?}", told(&h));
    let mut h = console(&["train"]);
    h.keys("A d y");
    let order = h.effects.iter().find_map(|effect| match effect {
        Effect::Change(ChangeEffect::Run(id, _, confirmed)) => Some((*id, confirmed.changes().to_vec())),
        _ => None,
    });
    let (id, changes) = order.expect("sent");
    let problem = Problem::new(ProblemKind::Forbidden, "can't delete it", "no right", "Ask.");
    h.send(Message::Change(ChangeMessage::Over(id, Report::refused(changes, &problem))));
    gone(&mut h);
    assert!(deleted(&h), "somebody else did it: {:?}", told(&h));
}

#[test]
fn only_what_needs_looking_at_is_signalled_and_never_faster_than_one_can_follow() {
    let names: Vec<String> = (0..10).map(|n| format!("job{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut h = console(&names);
    h.model.alert.settings.signals = vec![AlertSignal::Bell];
    h.effects.clear();
    put(&mut h, "job0", "Succeeded");
    let first = signals(&mut h);
    assert!(first.len() == 1 && first[0].starts_with("nlp/job0: Running, now"), "{first:?}");
    let [jobs, _] = lists();
    let upserts = names[1..].iter().map(|name| Row::Job(job(name, "Failed"))).collect();
    h.send(Message::Fleet(vec![Batch { upserts, ..Batch::new(jobs) }]));
    assert_eq!(signals(&mut h).len(), 2, "three in a row, this time");
    assert_eq!(told(&h).len(), 1 + 9 + 1, "each is a notice, and one says where they are: {:?}", told(&h));
    assert!(h.screen().contains("9 alerts at once; :messages lists them"), "{}", h.screen());
    let due = h.model.alert.pace.next_deadline().expect("seven wait");
    assert!(h.model.next_deadline().is_some_and(|at| at <= due), "the loop wakes for it");
    h.at(Secs(due.0 - 1));
    assert_eq!(signals(&mut h), [""; 0]);
    h.at(due);
    assert_eq!(signals(&mut h), ["7 more; :messages lists them"]);
    // On its way: one looks, and is not called.
    put(&mut h, "job0", "");
    assert!(told(&h).last().is_some_and(|text| text.contains("job0")) && signals(&mut h).is_empty(), "{:?}", told(&h));
}

#[test]
fn the_command_has_the_words_as_variables_and_one_that_changes_is_a_change() {
    let run = |changes: bool, locked: bool| {
        let mut h = console(&["train"]);
        h.model.session.read_only = locked;
        let command = vec!["tell-me".to_owned(), "--now".to_owned()];
        h.model.alert.settings = AlertSettings { command, changes, ..h.model.alert.settings };
        h.effects.clear();
        put(&mut h, "train", "Failed");
        let alerts = alerts(&mut h);
        (alerts, told(&h))
    };
    for (changes, locked) in [(false, false), (false, true), (true, false), (true, true)] {
        let (alerts, _) = run(changes, locked);
        let [AlertEffect::Run(Run { argv, variables, change })] = alerts.as_slice() else {
            panic!("{changes} {locked}: {alerts:?}")
        };
        let words = change.as_ref().map(|(_, change)| change.to_string());
        let run = "run alert-command (tell-me --now) for MPIJob nlp/train".to_owned();
        assert_eq!(words, changes.then_some(run), "whether it may is not decided here");
        assert_eq!(argv, &["tell-me", "--now"]);
        let of = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let names = ["KIND", "CONTEXT", "NAMESPACE", "NAME", "JOB_KIND", "STATE", "BEFORE"];
        let values = names.map(|name| of(&format!("MPIDECK_EVENT_{name}")).unwrap_or("-"));
        assert_eq!(values, ["state", "prod", "nlp", "train", "MPIJob", "Failed", "Running"]);
        assert!(of("MPIDECK_EVENT_TEXT").is_some_and(|text| text.starts_with("nlp/train: Running, now Failed")));
    }
    let (_, told) = run(true, true);
    assert!(told[0].contains("now Failed"), "{told:?}");
}

fn glance(h: &mut Harness, workers: &[u32]) {
    let odd = |worker: &u32| {
        let (namespace, pod) = (Name::lossy("nlp"), Name::lossy(&format!("train-worker-{worker}")));
        Odd { namespace, pod, flag: Flag::Idle(600) }
    };
    h.send(Message::Glance(h.model.session.id, workers.iter().map(odd).collect()));
}

#[test]
fn gpus_that_go_idle_are_told_once_and_those_that_were_idle_before_are_not() {
    let idle = "nlp/train: GPUs of Worker 1 idle for over 10m";
    let mut h = console(&["train"]);
    glance(&mut h, &[0]);
    assert_eq!(told(&h), [""; 0]);
    glance(&mut h, &[0, 1]);
    glance(&mut h, &[0, 1]);
    assert_eq!(told(&h), [idle]);
    glance(&mut h, &[]);
    glance(&mut h, &[0, 1]);
    assert_eq!(told(&h)[1..], ["nlp/train: GPUs of Worker 0 and 1 more idle for over 10m"], "it had worked meanwhile");
    h.model.record.pinned.clear();
    h.keys("j");
    glance(&mut h, &[]);
    glance(&mut h, &[0, 1]);
    assert_eq!(told(&h).len(), 2, "nobody watches it: {:?}", told(&h));
}

fn quotas(h: &mut Harness, used: &[u64]) {
    let row = |(at, used): (usize, &u64)| QuotaRow {
        namespace: Sym::new(["nlp", "vision"][at]),
        name: Sym::new("gpus"),
        lines: [(Sym::new("requests.nvidia.com/gpu"), 40_000, used * 1000)].into(),
        ..QuotaRow::default()
    };
    let quotas = Part::whole(used.iter().enumerate().map(row).collect());
    h.send(Message::Quotas(h.model.session.id, Box::new(Survey { quotas, ..Survey::default() })));
}

#[test]
fn a_quota_that_fills_is_told_once_and_again_only_after_it_had_room() {
    let mut h = console(&[]);
    h.model.alert.settings.quota = Some(90);
    h.keys("j");
    quotas(&mut h, &[40, 35]);
    assert_eq!(told(&h), [""; 0], "it was full before");
    quotas(&mut h, &[40, 36]);
    quotas(&mut h, &[40, 35]);
    quotas(&mut h, &[40, 36]);
    assert_eq!(told(&h), ["vision/gpus is 90% full: 36 of 40 GPU"], "a little room is none");
    quotas(&mut h, &[40, 30]);
    quotas(&mut h, &[40, 40]);
    assert_eq!(told(&h)[1..], ["vision/gpus is 100% full: 40 of 40 GPU"]);
    assert_eq!(h.model.notices.iter().last().map(|notice| notice.tone), Some(Tone::Bad));
    // What can't be read for once is as it was.
    let unread = Part::unread(Clean::new("the server is away"));
    h.send(Message::Quotas(h.model.session.id, Box::new(Survey { quotas: unread, ..Survey::default() })));
    quotas(&mut h, &[40, 40]);
    assert_eq!(told(&h).len(), 2);
}

#[test]
fn quotas_are_read_once_the_scope_is_known_and_anew_in_another_session() {
    let mut h = console(&[]);
    h.effects.clear();
    h.keys("j");
    assert_eq!(alerts(&mut h), [], "nobody asked for it");
    h.model.alert.settings.quota = Some(90);
    h.model.session.scope = Scope::Named(vec![Name::lossy("nlp")]);
    h.model.session.planned = None;
    h.keys("j");
    assert_eq!(alerts(&mut h), [], "the scope is not settled yet");
    h.model.session.planned = Some(Vec::new());
    for id in [1, 2] {
        h.model.session.id = SessionId(id);
        h.keys("j j");
        let asked = alerts(&mut h);
        let [AlertEffect::Read(session, wanted)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((*session, &wanted.namespaces), (SessionId(id), &vec![Name::lossy("nlp")]));
        assert!(wanted.quotas && wanted.rooms && !wanted.queues, "not all Workloads");
    }
}
