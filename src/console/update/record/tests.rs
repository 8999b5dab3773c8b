use std::sync::Arc;

use super::*;
use crate::{
    console::{
        message::Message,
        model::{
            notices::Notice,
            page::Recorded,
            record::{Opened, RecordState, Which},
            session::{ContextInfo, SessionId},
        },
        testing::Harness,
    },
    disk::records::{Header, Summary},
    jobs::{
        Clean, EventRow, JobRow, Kind, Sym, Uid,
        fleet::{Batch, ListKey, ListOf, ListPhase, Row},
        row::{Condition, Phase, Terminated, Truth},
    },
};

fn console(record: bool) -> Harness {
    let mut console = Harness::new(80, 24);
    console.model.session.context = "c".to_owned();
    console.model.session.contexts = vec![ContextInfo { name: "c".into(), record, ..ContextInfo::default() }];
    console.model.session.id = SessionId(1);
    console.model.record.begun = true;
    console
}

fn job(name: &str, condition: Option<&str>) -> Row {
    let uid = Uid::new(&format!("uid-{name}"));
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("team-a"), Name::lossy(name), uid);
    row.created = Secs(999_000);
    row.conditions = condition
        .map(|kind| Condition { kind: Sym::new(kind), status: Truth::True, ..Condition::default() })
        .into_iter()
        .collect();
    Row::Job(row)
}

fn launcher(name: &str, ended: bool) -> Row {
    let end = Terminated { exit_code: 1, ..Terminated::default() };
    let state = if ended { ContainerState::Terminated(end) } else { ContainerState::Running(Some(Secs(999_100))) };
    let main = ContainerRow { name: Sym::new("mpi"), state: Some(state), ..ContainerRow::default() };
    Row::Pod(PodRow {
        namespace: Sym::new("team-a"),
        name: Name::lossy(&format!("{name}-launcher-x")),
        uid: Uid::new(&format!("pod-{name}")),
        created: Secs(999_010),
        job: Name::lossy(name),
        operator: Sym::new("mpi-operator"),
        role: Sym::new("launcher"),
        phase: if ended { Phase::Failed } else { Phase::Running },
        containers: [main].into(),
        ..PodRow::default()
    })
}

fn send(console: &mut Harness, of: ListOf, rows: Vec<Row>, removals: Vec<Uid>) -> Vec<RecordEffect> {
    let mut batch = Batch::new(ListKey { of, namespace: None });
    (batch.upserts, batch.removals) = (rows, removals);
    let before = console.effects.len();
    console.send(Message::Fleet(vec![batch]));
    effects(console, before)
}

fn effects(console: &Harness, from: usize) -> Vec<RecordEffect> {
    let of = |effect: &Effect| match effect {
        Effect::Record(effect) => Some(effect.clone()),
        _ => None,
    };
    console.effects[from..].iter().filter_map(of).collect()
}

/// A second later: what waits is written.
fn later(console: &mut Harness) -> Vec<RecordEffect> {
    let before = console.effects.len();
    let now = console.model.now.plus(1);
    console.at(now);
    effects(console, before)
}

const JOBS: ListOf = ListOf::Jobs(Kind::MpiJob);

fn notes(effects: &[RecordEffect]) -> Vec<(&str, &str, bool)> {
    let mut out = Vec::new();
    for effect in effects {
        if let RecordEffect::Note(_, note) = effect {
            out.push((note.key.name.as_str(), note.change.state.as_str(), note.deleted));
        }
    }
    out
}

#[test]
fn what_was_so_when_we_came_is_no_news_and_a_change_is() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", Some("Failed")), job("b", None)], vec![]);
    assert_eq!(later(&mut console), []);
    send(&mut console, JOBS, vec![job("a", Some("Failed")), job("b", Some("Succeeded"))], vec![]);
    assert_eq!(notes(&later(&mut console)), [("b", "Succeeded", false)]);
    assert_eq!(later(&mut console), [], "once");
}

#[test]
fn what_comes_bit_by_bit_at_the_start_is_no_news() {
    let mut console = console(true);
    console.model.record.begun = false;
    let list = |of| ListKey { of, namespace: None };
    console.model.session.planned = Some(vec![list(JOBS), list(ListOf::Pods)]);
    let live =
        |of, rows| Message::Fleet(vec![Batch { phase: Some(ListPhase::Live), upserts: rows, ..Batch::new(list(of)) }]);
    console.send(live(JOBS, vec![job("a", Some("Running"))]));
    console.send(live(ListOf::Pods, vec![launcher("a", true)]));
    assert_eq!(later(&mut console), []);
    send(&mut console, JOBS, vec![job("a", Some("Failed"))], vec![]);
    assert_eq!(notes(&later(&mut console)), [("a", "Failed", false)]);
}

#[test]
fn many_changes_are_written_in_turns() {
    let mut console = console(true);
    let names: Vec<String> = (0..100).map(|i| format!("j{i}")).collect();
    send(&mut console, JOBS, names.iter().map(|name| job(name, None)).collect(), vec![]);
    send(&mut console, JOBS, names.iter().map(|name| job(name, Some("Failed"))).collect(), vec![]);
    let (first, second) = (later(&mut console).len(), later(&mut console).len());
    assert_eq!((first, second), (MOST_NOTES, 100 - MOST_NOTES));
    assert_eq!(console.model.record.next_deadline(), None);
}

#[test]
fn a_job_that_goes_is_written_as_it_was_with_its_pods() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    send(&mut console, ListOf::Pods, vec![launcher("a", false)], vec![]);
    let effects = send(&mut console, JOBS, vec![], vec![Uid::new("uid-a")]);
    let [RecordEffect::Note(SessionId(1), note)] = &effects[..] else { panic!("{effects:?}") };
    assert!(note.deleted && note.job.pods.len() == 1 && note.job.row.name.as_str() == "a");
}

#[test]
fn a_job_that_a_narrower_list_leaves_out_is_not_taken_for_deleted() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    console.model.session.narrowed = Some("team=x".to_owned());
    assert_eq!(notes(&send(&mut console, JOBS, vec![], vec![Uid::new("uid-a")])).first().map(|n| n.2), Some(false));
}

#[test]
fn a_pod_that_goes_is_kept_as_it_was() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    send(&mut console, ListOf::Pods, vec![launcher("a", true)], vec![]);
    later(&mut console);
    send(&mut console, ListOf::Pods, vec![], vec![Uid::new("pod-a")]);
    let effects = later(&mut console);
    let left = effects.iter().find_map(|effect| match effect {
        RecordEffect::Note(_, note) => Some(note.left.iter().map(|pod| pod.phase).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(left, Some(vec![Phase::Failed]));
}

#[test]
fn of_a_job_nobody_looks_at_the_log_is_read_once_when_the_launcher_ends() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    assert_eq!(send(&mut console, ListOf::Pods, vec![launcher("a", false)], vec![]), []);
    let effects = send(&mut console, ListOf::Pods, vec![launcher("a", true)], vec![]);
    let logs: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            RecordEffect::Logs(_, key, wanted) => Some((key.name.as_str(), wanted.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].0, logs[0].1.len(), logs[0].1[0].follow, logs[0].1[0].previous), ("a", 1, false, false));
    assert_eq!(send(&mut console, ListOf::Pods, vec![launcher("a", true)], vec![]), []);
}

#[test]
fn opened_and_pinned_jobs_are_followed_and_at_most_eight() {
    let mut console = console(true);
    let names: Vec<String> = (0..12).map(|i| format!("j{i:02}")).collect();
    send(&mut console, JOBS, names.iter().map(|name| job(name, None)).collect(), vec![]);
    send(&mut console, ListOf::Pods, names.iter().map(|name| launcher(name, false)).collect(), vec![]);
    let before = console.effects.len();
    console.keys("enter");
    let opened = effects(&console, before);
    assert!(
        matches!(&opened[..], [RecordEffect::Follow(..), RecordEffect::Logs(_, _, wanted)] if wanted[0].follow),
        "{opened:?}"
    );
    for _ in 0..11 {
        console.keys("esc j enter");
        assert!(console.model.record.followed.len() <= MOST_FOLLOWED);
    }
    assert_eq!(console.model.record.followed.len(), MOST_FOLLOWED);
    console.keys("esc g");
    let first = console.model.list.selected.clone().expect("a job");
    assert!(!console.model.record.followed.contains(&first), "opened longest ago");
    console.keys("P");
    assert!(console.model.record.followed.contains(&first) && console.model.record.followed.len() == MOST_FOLLOWED);
    console.keys("P");
    assert!(!console.model.record.followed.contains(&first));
}

#[test]
fn nothing_is_kept_where_recording_is_off() {
    let mut console = console(false);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    send(&mut console, JOBS, vec![job("a", Some("Failed"))], vec![]);
    console.keys("enter P");
    later(&mut console);
    send(&mut console, JOBS, vec![], vec![Uid::new("uid-a")]);
    assert_eq!(effects(&console, 0), []);
    let said = |notice: &Notice| notice.text.as_str().contains("not recorded");
    assert!(console.model.notices.iter().any(said), "{:?}", console.model.notices);
}

#[test]
fn what_waits_is_written_before_the_end_and_before_another_session() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    send(&mut console, JOBS, vec![job("a", Some("Failed"))], vec![]);
    let effects = flush(&mut console.model);
    let note = effects.iter().find_map(|effect| match effect {
        Effect::Record(RecordEffect::Note(_, note)) => Some((note.at, note.change.at)),
        _ => None,
    });
    assert_eq!(note, Some((console.model.now, console.model.now)));
    assert_eq!(flush(&mut console.model), []);
}

#[test]
fn a_full_disk_is_said_once_and_that_it_is_over() {
    let mut console = console(true);
    let state =
        |problem: Option<&str>, jobs| RecordState { problem: problem.map(Clean::new), jobs, ..RecordState::default() };
    let told = |console: &Harness, text: &str| {
        console.model.notices.iter().filter(|notice| notice.text.as_str().contains(text)).count()
    };
    for (n, problem) in [Some("the disk is full"), Some("the disk is full"), None].into_iter().enumerate() {
        console.send(Message::Record(RecordMessage::State(state(problem, n))));
    }
    assert_eq!((told(&console, "the disk is full"), told(&console, "recorded again")), (1, 1));
}

fn record_of(name: &str, deleted: bool) -> Opened {
    let (Row::Job(row), Row::Pod(pod)) = (job(name, Some("Failed")), launcher(name, true)) else { panic!("rows") };
    let mut fleet = crate::jobs::fleet::Fleet::new(Arc::new(crate::jobs::causes::Rules::builtin()));
    let mut batch = Batch::new(ListKey { of: JOBS, namespace: None });
    batch.upserts = vec![Row::Job(row.clone()), Row::Pod(pod)];
    fleet.apply(batch);
    fleet.settle(Secs(999_500));
    let key = fleet.jobs().next().expect("a job").key();
    let event = EventRow {
        namespace: Sym::new("team-a"),
        uid: Uid::new("e"),
        about_kind: Sym::new("MPIJob"),
        about_name: Name::lossy(name),
        about_uid: key.uid.clone(),
        warning: true,
        reason: Sym::new("MPIJobFailed"),
        message: Clean::new("MPIJob team-a/a failed"),
        count: 1,
        first: Secs(999_200),
        last: Secs(999_200),
        source: Sym::new("mpi-job-controller"),
    };
    let recorded = Recorded {
        dir: "/records/x".into(),
        begun: Secs(999_000),
        last: Secs(999_500),
        deleted: deleted.then_some(Secs(999_500)),
        manifest: Some(Secs(999_100)),
        lines: 3,
        unreadable: 0,
    };
    let object =
        serde_json::json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": name}});
    let job = Kept::of(&fleet, &key).expect("kept");
    Opened { job, object: Some(object), events: vec![event], recorded: Arc::new(recorded) }
}

/// Orders that ask a cluster for something.
fn asked_of_cluster(console: &Harness, from: usize) -> Vec<&Effect> {
    use crate::console::model::page::PageEffect as P;
    let asks =
        |effect: &&Effect| matches!(effect, Effect::Page(P::Object(..) | P::Owned(..) | P::Events(..) | P::Pod(..)));
    console.effects[from..].iter().filter(asks).collect()
}

#[test]
fn the_page_of_a_job_that_goes_shows_its_record_and_keeps_what_it_had() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    console.keys("enter");
    let gone = send(&mut console, JOBS, vec![], vec![Uid::new("uid-a")]);
    let at = |wanted: fn(&RecordEffect) -> bool| gone.iter().position(wanted);
    let noted = at(|effect| matches!(effect, RecordEffect::Note(_, note) if note.deleted)).expect("kept");
    let open = at(|effect| matches!(effect, RecordEffect::Open(Which::Job(_)))).expect("opened");
    assert!(noted < open, "it is kept before it is read: {gone:?}");
    let RecordEffect::Open(which) = gone[open].clone() else { panic!("{gone:?}") };
    let before = console.effects.len();
    console.send(Message::Record(RecordMessage::Opened(which.clone(), Ok(Some(Box::new(record_of("a", true)))))));
    assert!(effects(&console, before).contains(&RecordEffect::Show(Some("/records/x".into()))));
    let page = console.model.page.as_ref().expect("a page");
    assert!(page.recorded.is_some() && page.job.pods.len() == 1 && page.object.ready().is_some());
    assert!(console.screen().contains("This is a record"), "{}", console.screen());
    console.send(Message::Record(RecordMessage::Opened(which, Ok(Some(Box::new(record_of("a", true)))))));
    console.keys("2 3 5");
    assert_eq!(asked_of_cluster(&console, before), Vec::<&Effect>::new());
    assert!(console.screen().contains("MPIJobFailed"), "{}", console.screen());
}

/// What was measured of the job `a` up to its end.
fn numbers_of_a() -> RecordMessage {
    use crate::{
        console::model::page::metrics::Measured,
        jobs::usage::{Metric, Points, Reading, Window},
    };
    let window = Window { from: Secs(999_000), to: Secs(999_500), step: 15 };
    let pod = record_of("a", true).job.pods[0].name.clone();
    let values = (0..30).map(|i| (Secs(999_015 + i * 15), 2.5)).collect();
    let points = vec![Points { pod, metric: Metric::Cpu, values }];
    let measured = Measured { window, whole: true, reading: Reading { points, lacks: Vec::new() } };
    let key = record_of("a", true).job.key();
    RecordMessage::Numbers(key, Clean::new("Prometheus p, recorded"), Box::new(measured))
}

#[test]
fn a_record_that_is_opened_before_its_numbers_were_kept_gets_them() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    console.keys("enter 6");
    console.send(Message::Record(numbers_of_a()));
    assert!(console.model.page.as_ref().is_some_and(|page| page.metrics.usage.is_empty()), "it is no record yet");
    let gone = send(&mut console, JOBS, vec![], vec![Uid::new("uid-a")]);
    let open = gone.iter().find_map(|effect| match effect {
        RecordEffect::Open(which) => Some(which.clone()),
        _ => None,
    });
    let before = console.effects.len();
    let opened = RecordMessage::Opened(open.expect("asked for"), Ok(Some(Box::new(record_of("a", true)))));
    console.send(Message::Record(opened));
    let key = record_of("a", true).job.key();
    assert!(effects(&console, before).contains(&RecordEffect::Numbers(key, "/records/x".into())));
    assert!(console.screen().contains("No numbers were recorded"), "{}", console.screen());
    console.send(Message::Record(numbers_of_a()));
    let screen = console.screen();
    assert!(screen.contains("recorded") && screen.contains("2.5") && !screen.contains("No numbers"), "{screen}");
}

#[test]
fn recorded_jobs_are_listed_and_opened_with_all_their_tabs() {
    let mut console = console(true);
    console.keys("H");
    assert_eq!(effects(&console, 0), [RecordEffect::List]);
    let opened = record_of("a", true);
    let header = Header {
        version: records::VERSION,
        cluster: records::ClusterPlace::default(),
        context: Clean::new("c"),
        job: opened.job.key(),
    };
    let summary = Summary {
        header,
        begun: Secs(999_000),
        last: Secs(999_500),
        deleted: Some(Secs(999_500)),
        state: Clean::new("Failed"),
        finished: true,
        cause: Some(Clean::new("Out of memory, worker 1")),
        size: 1_000,
        dir: "/records/x".into(),
    };
    console.send(Message::Record(RecordMessage::Listed(Ok(vec![summary]))));
    let screen = console.screen();
    assert!(screen.contains("team-a/a") && screen.contains("Out of memory, worker 1"), "{screen}");
    let before = console.effects.len();
    console.keys("enter");
    let which = Which::Dir("/records/x".into());
    assert_eq!(effects(&console, before), [RecordEffect::Open(which.clone())]);
    console.send(Message::Record(RecordMessage::Opened(which, Ok(Some(Box::new(opened))))));
    insta::assert_snapshot!("record_80x24", console.screen());
    console.keys("2");
    assert!(console.screen().contains("kind: MPIJob"), "{}", console.screen());
    console.keys("3");
    assert!(console.screen().contains("Launcher"), "{}", console.screen());
    console.keys("enter");
    assert!(console.screen().contains("not recorded"), "{}", console.screen());
    console.keys("esc 5");
    assert!(console.screen().contains("MPIJobFailed"), "{}", console.screen());
    assert_eq!(asked_of_cluster(&console, before), Vec::<&Effect>::new());
    assert_eq!(console.model.record.followed, [], "a record is not followed");
}

#[test]
fn that_nothing_was_recorded_is_said_to_who_asked() {
    let mut console = console(true);
    send(&mut console, JOBS, vec![job("a", None)], vec![]);
    let before = console.effects.len();
    console.keys("K");
    let [RecordEffect::Open(which)] = &effects(&console, before)[..] else { panic!("not asked for") };
    console.send(Message::Record(RecordMessage::Opened(which.clone(), Ok(None))));
    assert!(console.screen().contains("Nothing was recorded"), "{}", console.screen());
    assert!(console.model.page.is_none());
}

#[test]
fn a_pin_is_for_alerts_too_where_nothing_is_recorded() {
    let mut first = console(false);
    send(&mut first, JOBS, vec![job("a", None)], vec![]);
    first.keys("P");
    let key = first.model.record.pinned.first().cloned().expect("pinned");
    assert!(first.screen().contains("is watched until it is unpinned; it is not recorded"), "{}", first.screen());
    assert_eq!(first.model.record.followed, []);
    let mut next = console(false);
    next.model.session.contexts[0].pins = [key.uid.clone()].into();
    send(&mut next, JOBS, vec![job("a", None)], vec![]);
    assert_eq!(next.model.record.pinned, [key], "in the next run, too");
    let mut silent = console(false);
    silent.model.alert.settings.jobs = crate::config::AlertJobs::Off;
    send(&mut silent, JOBS, vec![job("a", None)], vec![]);
    silent.keys("P");
    assert!(silent.screen().contains("neither recorded nor told of"), "{}", silent.screen());
}

#[test]
fn a_pin_is_remembered_and_holds_in_the_next_run() {
    let mut first = console(true);
    send(&mut first, JOBS, vec![job("a", None), job("b", None)], vec![]);
    first.keys("P");
    let pins = |console: &Harness| {
        let of = |effect: &Effect| match effect {
            Effect::Remember(Remember::Pin { context, uid, pinned }) => {
                Some((context.clone(), uid.to_string(), *pinned))
            }
            _ => None,
        };
        console.effects.iter().filter_map(of).collect::<Vec<_>>()
    };
    let context = first.model.session.context.clone();
    let key = first.model.record.pinned[0].clone();
    assert_eq!(pins(&first), [(context.clone(), key.uid.to_string(), true)]);

    let mut next = console(true);
    next.model.session.contexts[0].pins = [key.uid.clone()].into();
    send(&mut next, JOBS, vec![job("a", None), job("b", None)], vec![]);
    assert_eq!(next.model.record.pinned, std::slice::from_ref(&key), "only that one");
    assert!(next.model.record.followed.contains(&key));
    assert_eq!(pins(&next), [], "what is known isn't written again");
    next.model.list.selected = Some(key.clone());
    next.keys("P");
    assert_eq!(pins(&next), [(context, key.uid.to_string(), false)]);
    assert!(next.model.session.contexts[0].pins.is_empty() && next.model.record.pinned.is_empty());
}
