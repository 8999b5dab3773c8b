//! Ranks: MPI processes, and in which replica each runs.
//!
//! Owns the arithmetic of slots. Rank *r* runs where the hostfile puts it, host by host; a launcher told otherwise
//! (`-map-by node`, a rankfile) breaks that, so that a place is «probable» until the rank names its host itself.

use super::{
    kind::Kind,
    replica::{self, Replica},
    row::JobRow,
};

/// The hosts of a job in the order in which ranks fill them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranks {
    hosts: Vec<Host>,
}

/// A host: a replica and its slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The replica's title: `Worker 2`.
    pub title: String,
    /// Its newest pod.
    pub pod: Option<String>,
    /// Ranks that it takes.
    pub slots: u32,
}

impl Ranks {
    /// By the job's spec: so many slots a worker; where a node is told no number, one rank a GPU.
    pub fn of(job: &JobRow, replicas: &[Replica<'_>]) -> Self {
        let is_mpi = matches!(job.kind, Kind::MpiJob | Kind::MpiJobV1);
        let gpus = |role: &str| {
            let spec = job.replicas.iter().find(|spec| spec.role.as_str().eq_ignore_ascii_case(role));
            spec.map_or(0, |spec| spec.each.gpus)
        };
        let takes_part = |role: &str| {
            let launches = replica::is_launcher(role) && !job.policy.launcher_is_worker;
            !launches && !replica::is_initializer(role)
        };
        let host = |replica: &Replica<'_>| {
            let role = replica.role.as_str();
            let slots = if is_mpi { job.slots.unwrap_or(1) } else { job.slots.unwrap_or_else(|| gpus(role)) };
            Host { title: replica.title(), pod: replica.pod().map(|pod| pod.name.to_string()), slots }
        };
        Self { hosts: replicas.iter().filter(|replica| takes_part(replica.role.as_str())).map(host).collect() }
    }

    /// With the slots of a hostfile: `HOST slots=N` or `HOST:N`, by hosts whose first label is a pod's name.
    #[must_use]
    pub fn with_hostfile<'l>(mut self, lines: impl IntoIterator<Item = &'l str>) -> Self {
        for line in lines {
            let mut words = line.split_whitespace();
            let (first, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let (name, slots) = first.split_once(':').unwrap_or((first, rest.trim_start_matches("slots=")));
            let pod = name.split('.').next();
            let slots = slots.parse().ok();
            for host in self.hosts.iter_mut().filter(|host| host.pod.as_deref() == pod) {
                host.slots = slots.unwrap_or(host.slots);
            }
        }
        self
    }

    /// What is left of it when so many ranks were seen: with more than it has room for, it is not how they run.
    #[must_use]
    pub fn unless_beyond(self, seen: u32) -> Self {
        if self.total().is_some_and(|total| seen > total) {
            Self { hosts: self.hosts.into_iter().map(|host| Host { slots: 0, ..host }).collect() }
        } else {
            self
        }
    }

    /// How many ranks there are, if that is known.
    pub fn total(&self) -> Option<u32> {
        let known = self.hosts.iter().all(|host| host.slots > 0) && !self.hosts.is_empty();
        known.then(|| self.hosts.iter().fold(0, |sum: u32, host| sum.saturating_add(host.slots)))
    }

    /// Where this rank probably runs.
    pub fn place(&self, rank: u32) -> Option<&Host> {
        let mut left = rank;
        for host in &self.hosts {
            if left < host.slots {
                return Some(host);
            }
            left -= host.slots;
        }
        None
    }

    /// Where a rank runs that names its host (a pod's or a node's name): the replica of that pod.
    pub fn named(&self, name: &str) -> Option<&Host> {
        let pod = name.split('.').next();
        self.hosts.iter().find(|host| host.pod.as_deref() == pod)
    }

    /// The first rank of the replica of this title.
    pub fn base(&self, title: &str) -> Option<u32> {
        let at = self.hosts.iter().position(|host| host.title == title)?;
        let before = &self.hosts[..at];
        before.iter().all(|host| host.slots > 0).then(|| before.iter().map(|host| host.slots).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        replica::replicas,
        row::{PodRow, ReplicaSpec, Requests},
        text::{Name, Sym, Uid},
    };

    fn job(kind: Kind, roles: &[(&str, u32)], slots: Option<u32>, gpus: u32) -> JobRow {
        let mut job = JobRow::bare(kind, Name::lossy("ns"), Name::lossy("a"), Uid::new("a"));
        let spec = |(role, n): &(&str, u32)| ReplicaSpec {
            role: Sym::new(role),
            replicas: Some(*n),
            restart_policy: None,
            image: None,
            each: Requests { gpus, ..Requests::default() },
        };
        job.replicas = roles.iter().map(spec).collect();
        job.slots = slots;
        job
    }

    fn place(ranks: &Ranks, rank: u32) -> Option<&str> {
        ranks.place(rank).map(|host| host.title.as_str())
    }

    #[test]
    fn slots_are_filled_host_by_host_and_the_launcher_only_where_it_works() {
        let mut job = job(Kind::MpiJob, &[("Launcher", 1), ("Worker", 4)], Some(8), 0);
        let ranks = Ranks::of(&job, &replicas(&job, &[]));
        assert_eq!((ranks.total(), place(&ranks, 0), place(&ranks, 9)), (Some(32), Some("Worker 0"), Some("Worker 1")));
        assert_eq!((place(&ranks, 32), ranks.base("Worker 2")), (None, Some(16)));
        job.policy.launcher_is_worker = true;
        let ranks = Ranks::of(&job, &replicas(&job, &[]));
        assert_eq!((ranks.total(), place(&ranks, 7)), (Some(40), Some("Launcher")));
    }

    #[test]
    fn a_hostfile_knows_better_in_both_forms() {
        let job = job(Kind::MpiJob, &[("Launcher", 1), ("Worker", 2)], Some(1), 0);
        let pod = |i: u16| PodRow {
            name: Name::lossy(&format!("a-worker-{i}")),
            role: Sym::new("worker"),
            index: Some(i),
            ..PodRow::default()
        };
        let pods = [pod(0), pod(1)];
        let refs: Vec<&PodRow> = pods.iter().collect();
        let ranks = Ranks::of(&job, &replicas(&job, &refs));
        let ranks = ranks.with_hostfile(["a-worker-0.a.ns.svc slots=2", "a-worker-1.a.ns.svc:3", "other.svc slots=9"]);
        assert_eq!((ranks.total(), place(&ranks, 1), place(&ranks, 2)), (Some(5), Some("Worker 0"), Some("Worker 1")));
        assert_eq!(ranks.named("a-worker-1").map(|host| host.title.as_str()), Some("Worker 1"));
    }

    #[test]
    fn more_ranks_than_slots_mean_that_nothing_is_known_but_names() {
        let job = job(Kind::MpiJob, &[("Launcher", 1), ("Worker", 2)], None, 0);
        let ranks = Ranks::of(&job, &replicas(&job, &[]));
        assert_eq!(ranks.clone().unless_beyond(2).total(), Some(2));
        let beyond = ranks.unless_beyond(3);
        assert_eq!((beyond.total(), place(&beyond, 0)), (None, None));
    }

    #[test]
    fn kinds_without_slots_have_a_rank_a_gpu_or_an_unknown_number() {
        let with = job(Kind::PyTorchJob, &[("Master", 1), ("Worker", 2)], None, 4);
        let ranks = Ranks::of(&with, &replicas(&with, &[]));
        assert_eq!((ranks.total(), place(&ranks, 4), ranks.base("Worker 1")), (Some(12), Some("Worker 0"), Some(8)));
        let without = job(Kind::PyTorchJob, &[("Master", 1), ("Worker", 2)], None, 0);
        let ranks = Ranks::of(&without, &replicas(&without, &[]));
        assert_eq!((ranks.total(), place(&ranks, 0), ranks.base("Worker 1")), (None, None, None));
    }
}
