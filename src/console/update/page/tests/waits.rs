//! Jobs without pods: what they wait for and what to do is said wherever a pod would be.

use super::*;
use crate::jobs::{row::WorkloadRow, state::State};

/// A job that never had a pod, as the fleet derives it from this row and Workload.
fn waiting(row: JobRow, workload: Option<WorkloadRow>, now: Secs) -> Kept {
    let mut fleet = Fleet::new(Arc::clone(RULES.get_or_init(|| Arc::new(Rules::builtin()))));
    let key = JobKey { namespace: row.namespace.clone(), name: row.name.clone(), kind: row.kind, uid: row.uid.clone() };
    let mut put = |of, row| {
        let mut batch = Batch::new(ListKey { of, namespace: None });
        batch.upserts.push(row);
        fleet.apply(batch);
    };
    put(ListOf::Jobs(row.kind), Row::Job(row));
    if let Some(workload) = workload {
        put(ListOf::Workloads, Row::Workload(workload));
    }
    fleet.settle(now);
    Kept::of(&fleet, &key).expect("the job")
}

fn suspended() -> JobRow {
    JobRow {
        suspend: true,
        conditions: Box::new([condition("Created", Truth::True, 3600, "MPIJobCreated", "")]),
        ..job(3)
    }
}

fn workload(reason: &str, message: &str, active: bool) -> WorkloadRow {
    WorkloadRow {
        namespace: Sym::new("nlp"),
        name: Name::lossy("mpijob-bert-large-1"),
        uid: Uid::new("w"),
        created: Secs(NOW - 3590),
        job_uid: Some(job(1).uid),
        queue: Sym::new("research"),
        cluster_queue: None,
        active,
        priority: 0,
        conditions: Box::new([condition("QuotaReserved", Truth::False, 3590, reason, message)]),
        requeues: 0,
    }
}

fn cases() -> Vec<(Kept, &'static str, &'static str)> {
    let quota = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 8 more needed";
    let never = "couldn't assign flavors to pod set worker: insufficient quota for nvidia.com/gpu in flavor a100, previously considered podsets requests (0) + current podset request (32) > maximum capacity (24)";
    let queued = waiting(suspended(), Some(workload("Pending", quota, true)), Secs(NOW));
    let inadmissible = waiting(suspended(), Some(workload("Inadmissible", never, true)), Secs(NOW));
    let paused = waiting(suspended(), Some(workload("Pending", "", false)), Secs(NOW));
    let silent = waiting(JobRow { conditions: Box::default(), ..job(3) }, None, Secs(NOW));
    vec![
        (queued, "Queued", "LocalQueue research"),
        (inadmissible, "Not admitted", "LocalQueue research"),
        (paused, "Paused", "kubectl patch workload mpijob-bert-large-1 -n nlp"),
        (waiting(suspended(), None, Secs(NOW)), "Suspended", "kubectl patch mpijob bert-large -n nlp"),
        (silent, "Not seen", "looked at this MPIJob"),
    ]
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_job_without_pods_says_what_it_waits_for_and_what_to_do() {
    for (job, word, words) in cases() {
        let state = job.derived.state.clone();
        for (tab, keys) in [(Tab::Overview, ""), (Tab::Workers, ""), (Tab::Workers, "enter")] {
            let mut h = Harness::new(100, 45);
            open_at(&mut h.model, job.clone(), tab);
            if !keys.is_empty() {
                h.keys(keys);
            }
            let (screen, whole) = (h.screen(), flat(&h.screen()));
            assert!(whole.contains(word) && whole.contains(words), "{state} on {tab:?} {keys}: {screen}");
            assert!(!whole.contains("Missing"), "{screen}");
            assert!(whole.contains("To do") || whole.contains("Remedy"), "{state} on {tab:?} {keys}: {screen}");
            let bare = screen.lines().any(|line| line.trim_end().ends_with(" -"));
            assert!(tab == Tab::Overview || !bare, "a dash tells nothing: {screen}");
        }
    }
}

#[test]
fn golden_workers_of_a_queued_job() {
    let (queued, ..) = cases().swap_remove(0);
    assert_eq!(queued.derived.state, State::Queued);
    let mut h = Harness::new(80, 24);
    open_at(&mut h.model, queued, Tab::Workers);
    insta::assert_snapshot!("workers_queued_80x24", h.screen());
    h.keys("1");
    insta::assert_snapshot!("overview_queued_80x24", h.screen());
}

#[test]
fn the_words_of_an_event_have_room_on_a_narrow_screen() {
    let mut h = harness(80, 24, 4, Tab::Events);
    let event = EventRow {
        about_kind: Sym::new("Pod"),
        about_name: Name::lossy("bert-large-launcher-that-has-a-long-name-x7x2q"),
        reason: Sym::new("FailedToDrainNode"),
        message: Clean::new("a message that is read more easily in one line than in ten"),
        ..page(&h).job.warnings[0].clone()
    };
    let id = page(&h).id;
    h.send(Message::Page(id, PageMessage::Events(Ok(vec![event]))));
    assert!(h.screen().contains("a message that is read more easily in one line than in ten"), "{}", h.screen());
}
