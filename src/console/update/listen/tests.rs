use crate::{
    console::{
        commands::Right,
        effect::Effect,
        message::Message,
        model::{
            record::{RecordEffect, Wanted},
            session::{ContextInfo, Denied, Phase as SessionPhase, SessionId},
        },
        testing::Harness,
    },
    disk::records::Stream,
    jobs::{
        Clean, JobRow, Kind, Name, PodRow, Secs, Sym, Uid,
        columns::ColumnId,
        fleet::{Batch, JobKey, ListKey, ListOf, Row, Said},
        progress::{Progress, reported},
        reach::{Barrier, Reach},
        row::{Condition, ContainerRow, ContainerState, Phase, Terminated, Truth},
    },
    logs::ruled,
};

const JOBS: ListOf = ListOf::Jobs(Kind::MpiJob);
const OOM: &[u8] = b"[1,9]<stderr>:torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB.\n";

fn console(record: bool) -> Harness {
    let mut h = Harness::new(120, 24);
    h.model.session.context = "c".to_owned();
    h.model.session.contexts = vec![ContextInfo { name: "c".into(), record, ..ContextInfo::default() }];
    h.model.session.id = SessionId(1);
    h
}

fn job(condition: Option<&str>) -> Row {
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("team"), Name::lossy("pi"), Uid::new("uid-pi"));
    row.created = Secs(999_000);
    let condition =
        condition.map(|kind| Condition { kind: Sym::new(kind), status: Truth::True, ..Condition::default() });
    row.conditions = condition.into_iter().collect();
    Row::Job(row)
}

fn launcher(name: &str, code: Option<i32>, created: u32) -> Row {
    let end = |code| {
        ContainerState::Terminated(Terminated { reason: Sym::new("Error"), exit_code: code, ..Terminated::default() })
    };
    let state = code.map_or(ContainerState::Running(Some(Secs(created))), end);
    let main = ContainerRow { name: Sym::new("mpi"), state: Some(state), ..ContainerRow::default() };
    Row::Pod(PodRow {
        namespace: Sym::new("team"),
        name: Name::lossy(name),
        uid: Uid::new(name),
        created: Secs(created),
        job: Name::lossy("pi"),
        operator: Sym::new("mpi-operator"),
        role: Sym::new("launcher"),
        phase: if code.is_some() { Phase::Failed } else { Phase::Running },
        containers: [main].into(),
        ..PodRow::default()
    })
}

fn send(h: &mut Harness, of: ListOf, rows: Vec<Row>) -> Vec<Effect> {
    let before = h.effects.len();
    h.send(Message::Fleet(vec![Batch { upserts: rows, ..Batch::new(ListKey { of, namespace: None }) }]));
    h.effects[before..].to_vec()
}

fn looked_at(effects: &[Effect]) -> Vec<(String, u16, bool)> {
    let of = |effect: &Effect| match effect {
        Effect::Listen(SessionId(1), _, wanted) => wanted.clone(),
        _ => Vec::new(),
    };
    let all = effects.iter().flat_map(of);
    all.map(|wanted| (wanted.stream.pod.to_string(), wanted.stream.run, wanted.previous)).collect()
}

fn said(pod: &str, lines: &[u8]) -> Box<Said> {
    let rules = crate::jobs::causes::Rules::builtin();
    let (container, scan) = (Sym::new("mpi"), ruled::scan(&rules, lines));
    Box::new(Said { pod: Name::lossy(pod), container, previous: false, whole: true, quiet: None, scan })
}

fn key(h: &Harness) -> JobKey {
    h.model.fleet.jobs().next().expect("a job").key()
}

fn class(h: &Harness) -> Option<String> {
    let job = h.model.fleet.jobs().next().expect("a job");
    job.derived.cause.as_ref().map(|cause| cause.class.to_string())
}

#[test]
fn a_failed_job_that_nobody_opened_is_explained_by_one_look_at_its_log() {
    let mut h = console(false);
    send(&mut h, JOBS, vec![job(Some("Failed"))]);
    let effects = send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", Some(1), 999_010)]);
    assert_eq!(looked_at(&effects), [("pi-launcher-a".to_owned(), 0, false)]);
    assert_eq!(looked_at(&send(&mut h, JOBS, vec![job(Some("Failed"))])), [], "once");
    let key = key(&h);
    h.send(Message::Heard(key, said("pi-launcher-a", OOM)));
    assert_eq!(class(&h).as_deref(), Some("gpu_oom"));
    assert!(h.screen().contains("CUDA out of memory"), "{}", h.screen());
}

#[test]
fn what_ended_before_tells_why_a_job_is_tried_again_but_not_of_one_that_runs() {
    let mut h = console(false);
    send(&mut h, JOBS, vec![job(Some("Restarting"))]);
    let pods = vec![launcher("pi-launcher-a", Some(1), 999_010), launcher("pi-launcher-b", None, 999_500)];
    let effects = send(&mut h, ListOf::Pods, pods);
    let state = h.model.fleet.jobs().next().map(|job| job.derived.state.word());
    let asked = looked_at(&effects);
    if state == Some("Restarting") {
        assert_eq!(asked, [("pi-launcher-a".to_owned(), 0, false)], "the present one has not ended");
    }
    let key = key(&h);
    h.send(Message::Heard(key, said("pi-launcher-a", OOM)));
    send(&mut h, JOBS, vec![job(Some("Running"))]);
    assert_eq!(class(&h), None, "{:?}", h.model.fleet.jobs().next().map(|job| job.derived.clone()));
}

#[test]
fn what_is_not_asked_for_again_or_in_vain() {
    let mut h = console(false);
    let right = Right { verb: "get", group: "", resource: "pods/log" };
    h.model.session.denied = vec![Denied { right, namespace: Some(Name::lossy("team")), why: Clean::default() }];
    send(&mut h, JOBS, vec![job(Some("Failed"))]);
    let effects = send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", Some(1), 999_010)]);
    assert_eq!(looked_at(&effects), [], "it would be refused");

    let mut h = console(true);
    h.model.record.begun = true;
    send(&mut h, JOBS, vec![job(None)]);
    send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", None, 999_010)]);
    let effects = send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", Some(1), 999_010)]);
    let stream = Stream { pod: Name::lossy("pi-launcher-a"), container: Sym::new("mpi"), run: 0 };
    let kept = |effect: &Effect| match effect {
        Effect::Record(RecordEffect::Logs(_, _, wanted)) => wanted.iter().any(|w: &Wanted| w.stream == stream),
        _ => false,
    };
    assert!(effects.iter().any(kept), "the recorder reads it: {effects:?}");
    send(&mut h, JOBS, vec![job(Some("Failed"))]);
    let again = send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", Some(1), 999_010)]);
    assert_eq!((looked_at(&effects), looked_at(&again)), (vec![], vec![]), "nobody else does");
}

const TIMED_OUT: &[u8] = b"ssh: connect to host pi-worker-0.pi port 22: Connection timed out\n";

/// A failed job whose launcher's log says this; its jobs of which policies were asked.
fn unreached(lines: &[u8]) -> (Harness, Vec<JobKey>) {
    let mut h = console(false);
    send(&mut h, JOBS, vec![job(Some("Failed"))]);
    send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", Some(1), 999_010)]);
    let key = key(&h);
    h.send(Message::Heard(key.clone(), said("pi-launcher-a", lines)));
    // The same once more asks nothing more.
    h.send(Message::Heard(key, said("pi-launcher-a", lines)));
    let asked = h.effects.iter().filter_map(|effect| match effect {
        Effect::Reach(SessionId(1), key) => Some(key.clone()),
        _ => None,
    });
    let asked = asked.collect();
    (h, asked)
}

fn title_with(reach: Reach) -> (String, String) {
    let (mut h, asked) = unreached(TIMED_OUT);
    h.send(Message::Reach(asked[0].clone(), reach));
    let job = h.model.fleet.jobs().next().expect("a job");
    let cause = job.derived.cause.clone().expect("a cause");
    assert_eq!(&*cause.class, "ssh_refused");
    (cause.title.to_string(), cause.remedy.to_string())
}

#[test]
fn the_policy_that_keeps_ssh_out_is_named() {
    let barred = |ports: &[&str]| {
        let ports = ports.iter().map(ToString::to_string).collect();
        title_with(Reach::Barred(vec![Barrier { policies: Clean::new("deny-all"), ports }]))
    };
    assert!(barred(&[]).0.ends_with("; NetworkPolicy deny-all lets nothing through"), "{}", barred(&[]).0);
    assert!(barred(&["443"]).0.ends_with("; NetworkPolicy deny-all lets only port 443 through"));
    assert!(!barred(&["20-30"]).0.contains("deny-all"), "it lets ssh through: something else is in the way");
    let (title, remedy) = title_with(Reach::Open);
    assert!(!title.contains("NetworkPolicy") && remedy.contains("No NetworkPolicy"), "{title} {remedy}");
    let (_, remedy) = title_with(Reach::Unread(Clean::new("you may not list them")));
    assert!(remedy.ends_with("could not be read: you may not list them"), "{remedy}");
}

#[test]
fn policies_are_asked_for_once_and_only_where_nobody_answered() {
    assert_eq!(unreached(TIMED_OUT).1.len(), 1);
    assert_eq!(unreached(b"ssh: connect to host pi-worker-0.pi port 22: Connection refused\n").1, []);
    assert_eq!(unreached(OOM).1, []);
}

#[test]
fn policies_are_asked_for_again_while_a_job_tries_and_not_after_its_end() {
    let asked = |condition: &str, pause: u32| {
        let mut h = console(false);
        send(&mut h, JOBS, vec![job(Some(condition))]);
        let first = launcher("pi-launcher-a", Some(1), 999_010);
        send(&mut h, ListOf::Pods, vec![first.clone()]);
        let key = key(&h);
        h.send(Message::Heard(key.clone(), said("pi-launcher-a", TIMED_OUT)));
        h.at(h.model.now.plus(pause));
        send(&mut h, ListOf::Pods, vec![first, launcher("pi-launcher-b", Some(1), 999_100)]);
        h.send(Message::Heard(key, said("pi-launcher-b", TIMED_OUT)));
        h.effects.iter().filter(|effect| matches!(effect, Effect::Reach(..))).count()
    };
    assert_eq!(asked("Restarting", 61), 2, "somebody may have mended them");
    assert_eq!(asked("Restarting", 20), 1);
    assert_eq!(asked("Failed", 61), 1, "what was in the way then is not another now");
}

fn with_progress_shown(condition: &str, progress: Option<Box<Progress>>) -> (Harness, Vec<Effect>) {
    let mut h = console(false);
    h.model.session.phase = SessionPhase::Up;
    h.model.list.columns.toggle(ColumnId::Progress);
    let Row::Job(row) = job(Some(condition)) else { unreachable!("a job") };
    let mut effects = send(&mut h, JOBS, vec![Row::Job(JobRow { progress, ..row })]);
    effects.extend(send(&mut h, ListOf::Pods, vec![launcher("pi-launcher-a", None, 999_010)]));
    (h, effects)
}

#[test]
fn the_progress_that_a_row_shows_is_looked_for_in_its_log_again_and_again() {
    let (mut h, effects) = with_progress_shown("Running", None);
    let look = ("pi-launcher-a".to_owned(), 0, false);
    assert_eq!(looked_at(&effects), [] as [(String, u16, bool); 0], "not twice within a second: the pod came later");
    let due = h.model.next_deadline().expect("it is looked again");
    let before = h.effects.len();
    h.at(due);
    assert_eq!(looked_at(&h.effects[before..]), std::slice::from_ref(&look));
    let key = key(&h);
    let lines = b"2026-11-22T12:00:00Z [1,0]<stdout>:step 40/100 loss 0.5\n";
    h.send(Message::Heard(key, said("pi-launcher-a", lines)));
    assert!(h.screen().contains("40% 40/100"), "{}", h.screen());
    h.keys("enter");
    let screen = h.screen();
    assert!(screen.contains("40%, step 40 of 100, loss 0.5") && screen.contains("from the log"), "{screen}");
    h.keys("esc");
    let before = h.effects.len();
    h.at(due.plus(20));
    assert_eq!(looked_at(&h.effects[before..]), [], "not again so soon");
    h.at(due.plus(61));
    assert_eq!(looked_at(&h.effects[before..]), [look]);
}

#[test]
fn without_a_session_nothing_is_due() {
    let (mut h, _) = with_progress_shown("Running", None);
    assert!(h.model.listen.next_deadline().is_some());
    h.model.session.phase = SessionPhase::Connecting;
    h.send(Message::Resumed(h.model.size));
    assert_eq!(h.model.listen.next_deadline(), None);
}

#[test]
fn no_log_is_read_for_progress_that_nobody_sees_or_that_the_object_tells() {
    let told = reported(r#"{"progressPercentage": 12}"#).map(Box::new);
    let (mut h, _) = with_progress_shown("Running", told);
    assert!(h.screen().contains(" 12%"), "{}", h.screen());
    h.at(h.model.now.plus(100));
    assert_eq!(looked_at(&h.effects), []);
    let (mut h, _) = with_progress_shown("Running", None);
    h.model.list.columns.toggle(ColumnId::Progress);
    h.send(Message::Resumed(h.model.size));
    h.at(h.model.now.plus(100));
    assert_eq!(looked_at(&h.effects), []);
}
