//! A look at the whole cluster's numbers, once a minute: what is odd, told where the jobs' causes are made.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{alert, fleet};
use crate::{
    console::{effect::Effect, model::Model},
    jobs::{
        Name, Secs,
        fleet::{Job, JobKey},
        usage::{Flag, flags::IDLE_FOR},
    },
    metrics::Odd,
};

/// Takes in what was seen: of all jobs but the one whose numbers are read on its page.
pub fn taken(model: &mut Model, odd: &[Odd]) -> Vec<Effect> {
    let mut by_pod: HashMap<(&str, &str), Vec<Flag>> = HashMap::new();
    for Odd { namespace, pod, flag } in odd {
        by_pod.entry((namespace.as_str(), pod.as_str())).or_default().push(*flag);
    }
    let open = model.page.as_ref().filter(|page| page.metrics.followed.is_some()).map(|page| page.job.key());
    // Those where something is odd now, and those where it was before.
    let places: HashSet<&str> = by_pod.keys().map(|(namespace, _)| *namespace).collect();
    let near = model.fleet.jobs().filter(|job| places.contains(job.row.namespace.as_str())).map(Job::key);
    let keys: BTreeSet<JobKey> = near.chain(model.fleet.odd_jobs()).collect();
    for key in keys.iter().filter(|key| Some(*key) != open.as_ref()) {
        let found = of_job(model, key, &by_pod);
        model.fleet.measure(key, found);
    }
    let watched: Vec<JobKey> = model.alert.states.keys().filter(|key| Some(*key) != open.as_ref()).cloned().collect();
    let mut effects: Vec<Effect> = watched.iter().flat_map(|key| alert::measured(model, key)).collect();
    effects.extend(fleet::settle(model));
    effects
}

fn of_job(model: &Model, key: &JobKey, by_pod: &HashMap<(&str, &str), Vec<Flag>>) -> Vec<(Name, Flag)> {
    let mut found = Vec::new();
    for pod in model.fleet.pods(key) {
        let flags = by_pod.get(&(key.namespace.as_str(), pod.name.as_str())).into_iter().flatten();
        let counts =
            |flag: &&Flag| !matches!(flag, Flag::Idle(_)) || (pod.requests.gpus > 0 && is_old(pod.started, model.now));
        found.extend(flags.filter(counts).map(|flag| (pod.name.clone(), *flag)));
    }
    found
}

/// Who has not been there for so long was not idle for so long.
fn is_old(started: Option<Secs>, now: Secs) -> bool {
    started.is_some_and(|started| now.since(started) >= IDLE_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        console::{message::Message, testing::Harness},
        jobs::{
            JobRow, Kind, PodRow, Sym, Uid,
            fleet::{Batch, ListKey, ListOf, Row},
            row::{Condition, Phase, ReplicaSpec, Requests, Truth},
        },
    };

    const NOW: u32 = 1_000_000;

    /// A running job of one worker, which has run for so long.
    fn harness(seconds: u32) -> Harness {
        let (namespace, name) = (Name::lossy("nlp"), Name::lossy("t"));
        let mut row = JobRow::bare(Kind::MpiJob, namespace, name.clone(), Uid::new("u"));
        let requests = || Requests { gpus: 8, ..Requests::default() };
        let spec =
            |role| ReplicaSpec { role: Sym::new(role), replicas: Some(1), each: requests(), ..ReplicaSpec::default() };
        row.replicas = Box::new([spec("Launcher"), spec("Worker")]);
        let running = Condition { kind: Sym::new("Running"), status: Truth::True, ..Condition::default() };
        row.conditions = Box::new([running]);
        let pod = |role: &str, index| PodRow {
            namespace: Sym::new("nlp"),
            name: Name::lossy(&format!("t-{role}-0")),
            uid: Uid::new(role),
            job: name.clone(),
            operator: Sym::new("mpi-operator"),
            role: Sym::new(role),
            index,
            phase: Phase::Running,
            ready: true,
            node: Some(Sym::new("n1")),
            started: Some(Secs(NOW - seconds)),
            requests: requests(),
            ..PodRow::default()
        };
        let pods = vec![Row::Pod(pod("launcher", None)), Row::Pod(pod("worker", Some(0)))];
        let mut h = Harness::new(100, 20);
        for (of, upserts) in [(ListOf::Jobs(Kind::MpiJob), vec![Row::Job(row)]), (ListOf::Pods, pods)] {
            h.send(Message::Fleet(vec![Batch { upserts, ..Batch::new(ListKey { of, namespace: None }) }]));
        }
        h
    }

    fn glance(h: &mut Harness, flags: &[Flag]) {
        let odd = |flag: &Flag| Odd { namespace: Name::lossy("nlp"), pod: Name::lossy("t-worker-0"), flag: *flag };
        let id = h.model.session.id;
        h.send(Message::Glance(id, flags.iter().map(odd).collect()));
    }

    #[test]
    fn what_is_odd_is_the_cause_on_the_list_until_it_is_over() {
        let mut h = harness(3_600);
        glance(&mut h, &[Flag::Idle(600)]);
        assert!(h.screen().contains("Worker 0: GPUs idle for over 10m"), "{}", h.screen());
        glance(&mut h, &[]);
        assert!(!h.screen().contains("idle"), "{}", h.screen());
        glance(&mut h, &[Flag::Idle(600), Flag::Xid(79)]);
        assert!(h.screen().contains("Worker 0: GPU reports Xid error 79"), "the worst first: {}", h.screen());
    }

    #[test]
    fn who_has_just_begun_was_not_idle_for_ten_minutes() {
        let mut h = harness(120);
        glance(&mut h, &[Flag::Idle(600)]);
        assert!(!h.screen().contains("idle"), "{}", h.screen());
    }
}
