//! What logs say becomes the job's cause, on list and page.

use super::*;
use crate::{
    console::model::page::{
        Recorded,
        logs::{Past, Seeking, Sought},
    },
    jobs::{
        causes::{LogLine, Quiet, Scan},
        fleet::Said,
        state::{Evidence, Origin},
    },
};

const OOM: &str = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 1 has a total capacity of 79.15 GiB of which 1.02 GiB is free.";

/// A log of the launcher, whose lines these ranks wrote.
fn said(lines: &[(u32, &str)]) -> Vec<Said> {
    let rules = RULES.get_or_init(|| Arc::new(Rules::builtin()));
    let mut scan = Scan::default();
    for (number, (rank, text)) in (1..).zip(lines) {
        scan.feed(rules, &LogLine { text, rank: Some(*rank), number, ..LogLine::default() });
    }
    vec![Said {
        pod: Name::lossy("bert-large-launcher-x7x2q"),
        container: Sym::new("launcher"),
        previous: false,
        whole: true,
        quiet: None,
        scan,
    }]
}

/// A console that watches a job whose launcher ended with 1, with its page open on tab Logs.
fn failed_job() -> Harness {
    let mut h = Harness::new(120, 40);
    let mut row = job(3);
    row.slots = Some(4);
    let mut launcher = killed(pod("launcher", None, "cpu-1", 3500));
    if let Some(ContainerState::Terminated(end)) = &mut launcher.containers[0].state {
        (end.reason, end.exit_code) = (Sym::new("Error"), 1);
    }
    let mut pods = vec![Row::Pod(launcher)];
    pods.extend((0..3).map(|i| Row::Pod(pod("worker", Some(i), &format!("gpu-{}", i + 5), 3500))));
    let batch = |of, upserts| Batch { upserts, complete: true, ..Batch::new(ListKey { of, namespace: None }) };
    let jobs = batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(row)]);
    h.send(Message::Fleet(vec![jobs, batch(ListOf::Pods, pods)]));
    let key = h.model.fleet.jobs().next().expect("a job").key();
    h.model.list.selected = Some(key.clone());
    let effects = super::super::open_on(&mut h.model, &key, Tab::Logs);
    h.effects.extend(effects);
    h
}

#[test]
fn what_a_log_says_is_the_cause_on_page_and_list() {
    let mut h = failed_job();
    let id = page(&h).logs.id;
    let before = page(&h).job.derived.cause.as_ref().map(|cause| cause.class.to_string());
    assert_ne!(before.as_deref(), Some("cuda_oom"));
    h.send(Message::Said(id, said(&[(0, "step 1 loss 0.9"), (9, OOM)])));
    h.keys("d");
    let screen = h.screen();
    assert!(screen.contains("Worker 2 (rank 9, node gpu-7): CUDA out of memory"), "{screen}");
    assert!(screen.contains("log of bert-large-launcher-x7x2q, line 2"), "{screen}");
    assert!(screen.contains("Sure") && screen.contains("95 %"), "{screen}");
    h.keys("esc");
    assert!(h.screen().contains("CUDA out of memory"), "{}", h.screen());
    let changed = Message::Fleet(Vec::new());
    h.send(changed);
    assert!(h.screen().contains("CUDA out of memory"), "what was said stays: {}", h.screen());
}

#[test]
fn what_a_closed_log_says_is_not_heard() {
    let mut h = failed_job();
    let id = page(&h).logs.id;
    h.keys("esc");
    h.send(Message::Said(id, said(&[(9, OOM)])));
    assert!(!h.screen().contains("CUDA out of memory"), "{}", h.screen());
}

fn lines_wanted(h: &Harness) -> Vec<Sought> {
    let line = |effect: &Effect| match effect {
        Effect::Page(PageEffect::Order(_, LogOrder::Line(sought))) => Some(sought.clone()),
        _ => None,
    };
    h.effects.iter().filter_map(line).collect()
}

/// The logs of the open page answer.
fn answer(h: &mut Harness, seeking: Seeking) {
    let id = page(h).logs.id;
    h.send(Message::Log(id, LogMessage::Window(Box::new(Window { seeking, ..Window::default() }))));
}

#[test]
fn one_key_on_the_list_leads_to_the_line_once_a_log_tells_it() {
    let mut h = failed_job();
    h.keys("esc !");
    assert_eq!((page(&h).tab, lines_wanted(&h).len()), (Tab::Logs, 0), "exit 1 says nothing: the log may");
    assert!(h.screen().contains("looking for the cause's line"), "{}", h.screen());
    let id = page(&h).logs.id;
    h.send(Message::Said(id, said(&[(0, "step 1 loss 0.9"), (9, OOM)])));
    let wanted = lines_wanted(&h);
    let [sought] = &wanted[..] else { panic!("{wanted:?}") };
    assert_eq!(sought.pod.as_ref().map(Name::as_str), Some("bert-large-launcher-x7x2q"));
    assert_eq!((sought.text.as_str(), sought.rank), (OOM, Some(9)));
    answer(&mut h, Seeking::Found);
    assert_eq!(page(&h).logs.wish, None);
    h.keys("W");
    assert!(page(&h).logs.choice.view.trouble);
    h.keys("!");
    assert_eq!((lines_wanted(&h).len(), page(&h).logs.choice.view.is_all()), (2, true), "all lines, and at once");
}

#[test]
fn who_moves_meanwhile_is_not_led_away() {
    let mut h = failed_job();
    h.keys("! k");
    let id = page(&h).logs.id;
    h.send(Message::Said(id, said(&[(9, OOM)])));
    assert_eq!(lines_wanted(&h), []);
}

#[test]
fn a_line_further_back_is_read_again_from_the_start_and_one_that_is_gone_is_said() {
    let mut h = failed_job();
    let id = page(&h).logs.id;
    h.send(Message::Said(id, said(&[(9, OOM)])));
    h.keys("!");
    answer(&mut h, Seeking::Looking);
    assert_eq!(page(&h).logs.id, id);
    answer(&mut h, Seeking::Lost);
    assert_ne!(page(&h).logs.id, id, "read anew");
    assert_eq!((page(&h).logs.past, lines_wanted(&h).len()), (Past::Everything, 2));
    answer(&mut h, Seeking::Lost);
    assert!(h.screen().contains("not in the log of bert-large-launcher-x7x2q any more"), "{}", h.screen());
    assert_eq!(page(&h).logs.wish, None);
}

#[test]
fn a_cause_of_a_status_an_event_or_a_condition_is_gone_to_where_that_is() {
    let mut h = harness(100, 30, 4, Tab::Overview);
    h.keys("!");
    let open = page(&h).workers.open.as_ref().map(|open| open.id.to_string());
    assert_eq!((page(&h).tab, open.as_deref()), (Tab::Workers, Some("worker-2")), "killed for memory");
    let cause = |origin: Origin, text: &str| {
        let mut job = kept(4);
        let mut derived = (*job.derived).clone();
        let mut cause = derived.cause.take().expect("a cause");
        cause.evidence = Box::new([Evidence { at: Clean::default(), line: None, text: Clean::new(text), origin }]);
        derived.cause = Some(cause);
        job.derived = Arc::new(derived);
        job
    };
    let words = "Back-off pulling image";
    let job = cause(Origin::Event(Clean::new(words)), words);
    refresh(&mut h.model, Some(job));
    h.keys("!");
    assert_eq!(page(&h).tab, Tab::Events);
    let wish = |h: &Harness| page(h).events.wish.as_ref().map(|query| query.typed().to_owned());
    assert_eq!(wish(&h).as_deref(), Some(words));
    let text = "MPIJob nlp/bert-large is running.";
    refresh(&mut h.model, Some(cause(Origin::Job, text)));
    h.keys("!");
    assert_eq!(page(&h).tab, Tab::Overview);
    assert!(page(&h).overview.hit.is_some(), "the condition with these words");
    let said = Clean::new("CUDA out of memory");
    let pod = Name::lossy("bert-large-worker-2");
    refresh(&mut h.model, Some(cause(Origin::Pod { pod: pod.clone(), said }, "CUDA out of memory, died")));
    h.keys("!");
    let wanted = lines_wanted(&h);
    assert_eq!(wanted.last().map(|sought| sought.pod.clone()), Some(Some(pod)), "its log has the words, too");
}

#[test]
fn a_job_that_is_well_has_no_cause_to_go_to() {
    let mut h = harness(100, 30, 4, Tab::Overview);
    let mut job = kept(4);
    let mut derived = (*job.derived).clone();
    (derived.cause, derived.state) = (None, crate::jobs::state::State::Running);
    job.derived = Arc::new(derived);
    refresh(&mut h.model, Some(job));
    h.keys("!");
    assert!(h.screen().contains("nothing is known to be wrong"), "{}", h.screen());
}

#[test]
fn what_a_record_says_never_reaches_the_living_job() {
    let mut h = failed_job();
    let recorded = Recorded {
        dir: "/r".into(),
        begun: Secs(NOW - 900),
        last: Secs(NOW - 60),
        deleted: None,
        manifest: None,
        lines: 2,
        unreadable: 0,
    };
    h.model.page.as_mut().expect("a page").recorded = Some(Arc::new(recorded));
    let id = page(&h).logs.id;
    h.send(Message::Said(id, said(&[(9, OOM)])));
    let job = h.model.fleet.jobs().next().expect("a job");
    assert_ne!(job.derived.cause.as_ref().map(|cause| &*cause.class), Some("gpu_oom"));
}

/// A console that watches a job that runs, with its page open on tab Logs, whose log is as told.
fn running_job(change: impl FnOnce(&mut JobRow), said: Vec<Said>) -> Harness {
    let mut h = Harness::new(120, 40);
    let mut row = job(3);
    row.slots = Some(4);
    change(&mut row);
    let mut pods = vec![Row::Pod(pod("launcher", None, "cpu-1", 3500))];
    pods.extend((0..3).map(|i| Row::Pod(pod("worker", Some(i), &format!("gpu-{}", i + 5), 3500))));
    let batch = |of, upserts| Batch { upserts, complete: true, ..Batch::new(ListKey { of, namespace: None }) };
    let jobs = batch(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(row)]);
    h.send(Message::Fleet(vec![jobs, batch(ListOf::Pods, pods)]));
    let key = h.model.fleet.jobs().next().expect("a job").key();
    h.model.list.selected = Some(key.clone());
    let effects = super::super::open_on(&mut h.model, &key, Tab::Logs);
    h.effects.extend(effects);
    let id = page(&h).logs.id;
    h.send(Message::Said(id, said));
    h
}

fn cause_of(h: &Harness) -> Option<(String, String)> {
    let cause = page(h).job.derived.cause.as_ref()?;
    Some((cause.rule.to_string(), cause.title.to_string()))
}

#[test]
fn a_silent_log_of_a_job_that_runs_is_told_with_who_fell_silent_first() {
    let mut said = said(&[(0, "step 1 loss 0.9"), (9, "step 1 loss 0.9")]);
    assert_eq!(cause_of(&running_job(|_| {}, said.clone())), None, "it trains");
    said[0].quiet = Some(Quiet { since: Secs(NOW - 900), line: 2, first: vec![9] });
    let h = running_job(|_| {}, said);
    let (rule, title) = cause_of(&h).expect("told");
    assert_eq!(rule, "stall");
    assert!(title.starts_with("No new line since ") && title.contains("Worker 2 (rank 9, node gpu-7)"), "{title}");
}

#[test]
fn replicas_that_cant_be_reached_yet_are_no_cause_while_the_launcher_has_just_begun() {
    let refused = "ssh: connect to host bert-large-worker-1 port 2222: Connection refused";
    let h = running_job(|_| {}, said(&[(0, refused)]));
    assert_eq!(cause_of(&h).map(|(rule, _)| rule).as_deref(), Some("ssh-refused"), "after an hour it is one");
    let mut h = running_job(|_| {}, said(&[(0, refused)]));
    let young = pod("launcher", None, "cpu-1", 100);
    let batch = Batch { upserts: vec![Row::Pod(young)], ..Batch::new(ListKey { of: ListOf::Pods, namespace: None }) };
    h.send(Message::Fleet(vec![batch]));
    assert_eq!(cause_of(&h), None, "it runs for 40 s");
    h.at(Secs(NOW + 81));
    assert_eq!(cause_of(&h).map(|(rule, _)| rule).as_deref(), Some("ssh-refused"), "two minutes are over");
}

#[test]
fn an_mpirun_that_is_not_the_one_of_the_manifest_is_the_cause() {
    let words = [
        (0, "[mpiexec@launcher] match_arg (../hydra_arg.c:83): unrecognized argument allow-run-as-root"),
        (0, "[mpiexec@launcher] HYDU_parse_array (../hydra_arg.c:128): argument matching returned error"),
    ];
    let with = |mpi: &'static str| running_job(|row| row.policy.mpi = Some(Sym::new(mpi)), said(&words));
    let (rule, title) = cause_of(&with("OpenMPI")).expect("a cause");
    assert_eq!(rule, "mpi-implementation");
    assert!(title.contains("MPICH or Intel MPI's, but mpiImplementation is OpenMPI"), "{title}");
    assert_ne!(cause_of(&with("Intel")).map(|(rule, _)| rule).as_deref(), Some("mpi-implementation"));
}
