//! What logs say becomes the job's cause, on list and page.

use super::*;
use crate::jobs::{
    causes::{LogLine, Scan},
    fleet::Said,
};

const OOM: &str = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 1 has a total capacity of 79.15 GiB of which 1.02 GiB is free.";

/// A log of the launcher, whose lines these ranks wrote.
fn said(lines: &[(u32, &str)]) -> Vec<Said> {
    let rules = RULES.get_or_init(|| Arc::new(Rules::builtin()));
    let mut scan = Scan::default();
    for (number, (rank, text)) in (1..).zip(lines) {
        scan.feed(rules, &LogLine { text, rank: Some(*rank), number, ..LogLine::default() });
    }
    vec![Said { pod: Name::lossy("bert-large-launcher-x7x2q"), container: Sym::new("launcher"), previous: false, scan }]
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
