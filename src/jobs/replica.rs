//! Replicas: a role and an index of a job, with the pods that have been its attempts.
//!
//! Owns which pods make a replica, and the word for how it is. Must not know the job's state.

use super::{
    health::{self, Health},
    kind::Kind,
    row::{ContainerState, JobRow, PodRow},
    state::Severity,
    text::{Name, Sym},
    time::Secs,
};

/// One replica of a job. A pod that the spec asks for but nobody has made yet is a replica without attempts.
#[derive(Clone, Debug)]
pub struct Replica<'a> {
    /// The role as it is shown: `Launcher`, `Worker`, `Node`, `Master`, …
    pub role: Sym,
    /// Its index; `None` for the one of its role.
    pub index: Option<u16>,
    /// Its pods, the newest last.
    pub attempts: Vec<&'a PodRow>,
    /// How it is while there is no pod: a word and how urgent that is, as the job's state has it.
    pub absent: (&'static str, Severity),
}

/// How a replica without a pod is, as long as nobody knows better.
pub const MISSING: (&str, Severity) = ("Missing", Severity::Wait);

/// How a replica is, in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// `Ready`, `Unscheduled`, `ImagePullBackOff`, `OOMKilled`, …
    pub word: Sym,
    /// How urgent that is.
    pub severity: Severity,
    /// One character that says the same without colour.
    pub symbol: char,
}

impl<'a> Replica<'a> {
    /// The pod that counts: the newest attempt.
    pub fn pod(&self) -> Option<&'a PodRow> {
        self.attempts.last().copied()
    }

    /// For a title: `Launcher`, `Worker 2`.
    pub fn title(&self) -> String {
        self.index.map_or_else(|| self.role.to_string(), |index| format!("{} {index}", self.role))
    }

    /// For keys and arguments: `launcher`, `worker-2`.
    pub fn id(&self) -> Name {
        let role = self.role.as_str().to_ascii_lowercase();
        Name::lossy(&self.index.map_or_else(|| role.clone(), |index| format!("{role}-{index}")))
    }

    /// Restarts in place and further attempts.
    pub fn restarts(&self) -> u16 {
        let in_place = self.attempts.iter().fold(0u16, |sum, pod| sum.saturating_add(health::restarts(pod)));
        in_place.saturating_add((self.attempts.len().max(1) - 1) as u16)
    }

    /// How it is, by its newest attempt. An attempt's reason is told in Kubernetes' own word.
    pub fn status(&self) -> ReplicaStatus {
        let Some(pod) = self.pod() else {
            let (word, severity) = self.absent;
            return ReplicaStatus { word: Sym::new(word), severity, symbol: '·' };
        };
        let health = Health::of(pod);
        let (severity, symbol) = match health {
            Health::Ready => (Severity::Good, '●'),
            Health::Running => (Severity::Good, '◐'),
            Health::Starting => (Severity::Wait, '○'),
            Health::Gated => (Severity::Wait, '…'),
            Health::Unscheduled => (Severity::Warn, '?'),
            Health::Stuck => (Severity::Bad, '!'),
            Health::Crashing => (Severity::Bad, '↻'),
            Health::Failed => (Severity::Bad, '✗'),
            Health::Lost => (Severity::Bad, '⊘'),
            Health::Leaving | Health::Stopped => (Severity::Done, '-'),
            Health::Completed => (Severity::Done, '✓'),
        };
        ReplicaStatus { word: Sym::new(&word(pod, health)), severity, symbol }
    }
}

impl ReplicaStatus {
    /// [`ReplicaStatus::symbol`] where only ASCII can be shown.
    pub const fn ascii(&self) -> char {
        match self.symbol {
            '●' => '*',
            '◐' => '+',
            '○' => 'o',
            '…' => ':',
            '↻' => '@',
            '✗' => 'X',
            '⊘' => '#',
            '✓' => 'v',
            '·' => '.',
            other => other,
        }
    }
}

fn word(pod: &PodRow, health: Health) -> String {
    let state = pod.containers.iter().find_map(|container| match &container.state {
        Some(ContainerState::Waiting { reason, .. }) if !reason.is_empty() => Some(reason.to_string()),
        _ => None,
    });
    let end = health::bad_end(pod).map(|end| match end.reason.as_str() {
        "" | "Error" => format!("exit {}", end.exit_code),
        reason => reason.to_owned(),
    });
    let known = match health {
        Health::Stuck | Health::Starting => state,
        Health::Crashing => state.or(end),
        Health::Failed => end,
        Health::Lost => pod.reason.as_ref().or(pod.disruption.as_ref()).map(Sym::to_string),
        _ => None,
    };
    known.unwrap_or_else(|| health.word().to_owned())
}

/// Whether pods of this role wait for the others and start them, rather than train: an MPI launcher.
pub fn is_launcher(role: &str) -> bool {
    role.eq_ignore_ascii_case("launcher")
}

/// Whether the launcher of a `TrainJob` is one of its nodes: with `runLauncherAsNode` of its runtime, which is not ours to
/// read, there is one pod of role `node` less than `numNodes`.
pub(super) fn is_launcher_a_node(job: &JobRow, nodes: usize) -> bool {
    let wanted = job.replicas.iter().find_map(|spec| spec.replicas);
    job.kind == Kind::TrainJob && nodes > 0 && wanted == u32::try_from(nodes + 1).ok()
}

/// Whether pods of this role only prepare a `TrainJob`.
pub fn is_initializer(role: &str) -> bool {
    role.ends_with("-initializer")
}

/// How many pods a role of the spec stands for, with the operators' defaults.
pub fn wanted(kind: Kind, role: &str, replicas: Option<u32>) -> u32 {
    replicas.unwrap_or(u32::from(kind != Kind::MpiJob || is_launcher(role)))
}

/// The replicas of a job: the leading role first, by index, those of the spec that have no pod included.
pub fn replicas<'a>(job: &JobRow, pods: &[&'a PodRow]) -> Vec<Replica<'a>> {
    let mut all: Vec<Replica<'a>> = Vec::new();
    for spec in &job.replicas {
        let count = wanted(job.kind, spec.role.as_str(), spec.replicas).min(u32::from(u16::MAX));
        let single = is_launcher(spec.role.as_str());
        for index in 0..count as u16 {
            let index = (!single).then_some(index);
            all.push(Replica { role: shown(spec.role.as_str()), index, attempts: Vec::new(), absent: MISSING });
        }
    }
    // Pods come in nearly the same order: the next replica is mostly the right one.
    let mut next = 0;
    for pod in pods {
        let index = pod.index.filter(|_| !is_launcher(pod.role.as_str()));
        let is_its = |r: &Replica<'_>| r.index == index && r.role.as_str().eq_ignore_ascii_case(pod.role.as_str());
        let mut turn = (next.min(all.len())..all.len()).chain(0..next.min(all.len()));
        match turn.find(|at| is_its(&all[*at])) {
            Some(at) => {
                all[at].attempts.push(pod);
                next = at;
            }
            None => all.push(Replica { role: shown(pod.role.as_str()), index, attempts: vec![pod], absent: MISSING }),
        }
    }
    let nodes = all.iter().filter(|r| !r.attempts.is_empty() && !is_launcher(r.role.as_str())).count();
    let launched = all.iter().any(|r| is_launcher(r.role.as_str()) && !r.attempts.is_empty());
    if launched && is_launcher_a_node(job, nodes) {
        all.retain(|replica| !replica.attempts.is_empty());
    }
    for replica in &mut all {
        replica.attempts.sort_by_key(|pod| (pod.attempt, age_key(pod)));
    }
    let roles = job.kind.info().roles;
    let rank = |r: &Replica<'_>| roles.iter().position(|role| role.eq_ignore_ascii_case(r.role.as_str()));
    all.sort_by_cached_key(|r| (rank(r).unwrap_or(roles.len()), r.role.clone(), r.index));
    all
}

/// Of two attempts made in the same second, the one that is going away or has ended is the older.
fn age_key(pod: &PodRow) -> (Secs, bool, bool) {
    (pod.created, pod.deleting.is_none(), !Health::of(pod).has_ended())
}

pub(super) fn shown(role: &str) -> Sym {
    let mut letters = role.chars();
    letters.next().map_or_else(Sym::default, |first| Sym::new(&first.to_uppercase().chain(letters).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        row::{ContainerRow, Phase, ReplicaSpec, Requests, Terminated},
        text::Uid,
    };

    fn job(workers: u32) -> JobRow {
        let mut job = JobRow::bare(Kind::MpiJob, Name::lossy("ns"), Name::lossy("a"), Uid::new("a"));
        let spec = |role: &str, n| ReplicaSpec {
            role: Sym::new(role),
            replicas: n,
            restart_policy: None,
            image: None,
            each: Requests::default(),
        };
        job.replicas = Box::new([spec("Launcher", None), spec("Worker", Some(workers))]);
        job
    }

    fn pod(role: &str, index: Option<u16>, created: u32, phase: Phase) -> PodRow {
        PodRow { role: Sym::new(role), index, created: Secs(created), phase, ready: true, ..PodRow::default() }
    }

    #[test]
    fn missing_pods_are_replicas_too_and_retries_are_attempts() {
        let pods = [
            pod("worker", Some(1), 10, Phase::Running),
            pod("launcher", None, 30, Phase::Running),
            pod("launcher", Some(0), 20, Phase::Failed),
        ];
        let pods: Vec<&PodRow> = pods.iter().collect();
        let job = job(3);
        let all = replicas(&job, &pods);
        assert_eq!(
            all.iter().map(Replica::title).collect::<Vec<_>>(),
            ["Launcher", "Worker 0", "Worker 1", "Worker 2"]
        );
        assert_eq!(all[0].attempts.iter().map(|p| p.created.0).collect::<Vec<_>>(), [20, 30]);
        assert_eq!((all[0].restarts(), all[0].status().word.as_str()), (1, "Ready"));
        assert_eq!((all[1].status().word.as_str(), all[1].status().ascii()), ("Missing", '.'));
        assert_eq!(all[3].id().as_str(), "worker-2");
    }

    #[test]
    fn a_launcher_that_is_a_node_leaves_no_node_missing() {
        let mut job = job(0);
        job.kind = Kind::TrainJob;
        let spec = |n| ReplicaSpec { role: Sym::new("node"), replicas: Some(n), ..job.replicas[1].clone() };
        job.replicas = Box::new([spec(3)]);
        let pods = [
            pod("node", Some(0), 10, Phase::Running),
            pod("node", Some(1), 10, Phase::Running),
            pod("launcher", Some(0), 30, Phase::Running),
        ];
        let titles = |n: usize| {
            let pods: Vec<&PodRow> = pods[..n].iter().collect();
            replicas(&job, &pods).iter().map(Replica::title).collect::<Vec<_>>()
        };
        assert_eq!(titles(2), ["Node 0", "Node 1", "Node 2"], "before the launcher comes nobody can know");
        assert_eq!(titles(3), ["Launcher", "Node 0", "Node 1"]);
    }

    #[test]
    fn a_bad_end_is_told_in_kubernetes_words() {
        let end = |reason: &str, code| {
            let end = Terminated { reason: Sym::new(reason), exit_code: code, ..Terminated::default() };
            let main = ContainerRow { state: Some(ContainerState::Terminated(end)), ..ContainerRow::default() };
            let pod = PodRow { containers: Box::new([main]), ..pod("worker", Some(0), 1, Phase::Failed) };
            let status =
                Replica { role: Sym::new("Worker"), index: Some(0), attempts: vec![&pod], absent: MISSING }.status();
            (status.word.to_string(), status.severity)
        };
        assert_eq!(end("OOMKilled", 137), ("OOMKilled".to_owned(), Severity::Bad));
        assert_eq!(end("Error", 3), ("exit 3".to_owned(), Severity::Bad));
        assert_eq!(end("Error", 143), ("Stopped".to_owned(), Severity::Done));
    }
}
