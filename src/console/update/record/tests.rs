use super::*;
use crate::{
    console::{
        message::Message,
        model::{
            record::RecordState,
            session::{ContextInfo, SessionId},
        },
        testing::Harness,
    },
    jobs::{
        Clean, JobRow, Kind, Sym, Uid,
        fleet::{Batch, ListKey, ListOf, Row},
        row::{Condition, Phase, Terminated, Truth},
    },
};

fn console(record: bool) -> Harness {
    let mut console = Harness::new(80, 24);
    console.model.session.context = "c".to_owned();
    console.model.session.contexts = vec![ContextInfo { name: "c".into(), record, ..ContextInfo::default() }];
    console.model.session.id = SessionId(1);
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
    assert!(console.screen().contains("not recorded"), "{}", console.screen());
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
