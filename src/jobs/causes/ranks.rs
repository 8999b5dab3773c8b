//! Who has which rank: from hosts that lines name, and from the order of the hostfile.

use std::{collections::HashSet, sync::Arc};

use super::place::Subject;
use crate::jobs::{
    row::{JobRow, PodRow},
    text::Sym,
};

/// The replicas of a job as its ranks see them.
#[derive(Clone, Debug, Default)]
pub struct Crew {
    /// Pod names and the replicas that they are.
    pub pods: Vec<(String, Arc<Subject>)>,
    /// Ranks of each replica, 0 if that is not known.
    pub slots: u32,
    /// The launcher has the first ranks.
    pub launcher_works: bool,
}

impl Crew {
    /// The pods of a job.
    pub fn of(job: &JobRow, pods: &[&PodRow]) -> Self {
        let mut all: Vec<_> = pods.iter().map(|pod| (pod.name.to_string(), Arc::new(Subject::of_pod(pod)))).collect();
        all.extend(gone(job, pods));
        Self { pods: all, slots: job.slots.unwrap_or(1), launcher_works: job.policy.launcher_is_worker }
    }

    /// The replica of a host or a rank. With neither there is none; what can't be placed is only its rank.
    ///
    /// By rank it is the hostfile's order filled up slot by slot, which another mapping breaks: a host counts more.
    pub fn subject(&self, rank: Option<u32>, host: Option<&str>, ranks: u32) -> Option<Subject> {
        let by_host = host.and_then(|host| self.host(host));
        let found = by_host.or_else(|| self.rank(rank?, ranks));
        match (found, rank) {
            (Some(found), rank) => Some(Subject { rank, ..found }),
            (None, Some(_)) => Some(Subject { rank, ..Subject::default() }),
            (None, None) => None,
        }
    }

    /// By pod or node name, else by what names of pods look like.
    fn host(&self, host: &str) -> Option<Subject> {
        let host = host.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let short = host.split('.').next().unwrap_or(host);
        let is_pod = |(name, _): &&(String, Arc<Subject>)| name == short || name.starts_with(&format!("{short}-"));
        let on_node = |(_, subject): &&(String, Arc<Subject>)| subject.node.as_ref().is_some_and(|node| *node == host);
        let mut on_it = self.pods.iter().filter(on_node);
        if let Some((_, subject)) = self.pods.iter().find(is_pod) {
            return Some((**subject).clone());
        }
        if let (Some((_, subject)), None) = (on_it.next(), on_it.next()) {
            return Some((**subject).clone());
        }
        named(short)
    }

    fn rank(&self, rank: u32, ranks: u32) -> Option<Subject> {
        let works = |subject: &Subject| self.launcher_works || subject.role != "launcher";
        let mut crew: Vec<&Arc<Subject>> = self.pods.iter().map(|(_, subject)| subject).filter(|s| works(s)).collect();
        crew.sort_by_key(|subject| (subject.role != "launcher" && subject.role != "master", subject.index));
        crew.dedup_by(|a, b| a.id() == b.id());
        let count = crew.len() as u32;
        let slots = match self.slots {
            0 if count > 0 && ranks > 0 => ranks.div_ceil(count),
            slots => slots,
        };
        // Whatever the slots are, the first rank is on the first host.
        let nth = if rank == 0 { 0 } else { rank.checked_div(slots)? };
        crew.get(nth as usize).map(|subject| (***subject).clone())
    }
}

/// Workers whose pods were cleaned up: they had their ranks all the same.
fn gone(job: &JobRow, pods: &[&PodRow]) -> Vec<(String, Arc<Subject>)> {
    const MOST: u32 = 4096;
    let Some(spec) = job.replicas.iter().find(|spec| spec.role.as_str() == "Worker") else { return Vec::new() };
    let known: HashSet<u16> =
        pods.iter().filter(|pod| pod.role.as_str() == "worker").filter_map(|pod| pod.index).collect();
    let all = (0..spec.replicas.unwrap_or(0).min(MOST)).filter_map(|nth| u16::try_from(nth).ok());
    let subject = |nth: u16| Subject::of(Sym::new("worker"), Some(nth));
    all.filter(|nth| !known.contains(nth))
        .map(|nth| (format!("{}-worker-{nth}", job.name), Arc::new(subject(nth))))
        .collect()
}

/// The replica that a pod of this name is: `train-worker-3`, `train-launcher-x7k2p`, `train-node-0-1`.
pub fn named(pod: &str) -> Option<Subject> {
    const ROLES: [&str; 8] = ["worker", "launcher", "master", "node", "ps", "chief", "evaluator", "server"];
    let parts: Vec<&str> = pod.split('-').collect();
    let (at, role) = parts.iter().enumerate().rev().find(|(_, part)| ROLES.contains(part))?;
    let rest = parts.get(at + 1..).unwrap_or_default();
    let numbers: Vec<u16> = rest.iter().map_while(|part| part.parse().ok()).collect();
    // JobSet's pods are numbered by Job and by completion: the last is the node's.
    // One number alone is a machine's.
    let index = if *role == "node" { numbers.get(1) } else { numbers.first() };
    (*role == "launcher" || index.is_some()).then(|| Subject::of(Sym::new(role), index.copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew(slots: u32) -> Crew {
        let pod = |name: &str| (name.to_owned(), Arc::new(named(name).expect("a replica")));
        Crew { pods: ["t-launcher-ab1cd", "t-worker-0", "t-worker-1"].map(pod).into(), slots, launcher_works: false }
    }

    #[test]
    fn names_of_pods_tell_the_replica() {
        let id = |name: &str| named(name).map(|subject| subject.id().to_string());
        assert_eq!(id("train-worker-3").as_deref(), Some("worker-3"));
        assert_eq!(id("my-worker-job-launcher-x7k2p").as_deref(), Some("launcher"));
        assert_eq!(id("bert-node-0-5-abcde").as_deref(), Some("node-5"));
        assert_eq!((id("gpu-7"), id("gpu-node-7")), (None, None), "machines");
        assert_eq!(id(""), None);
    }

    #[test]
    fn a_worker_whose_pod_is_gone_has_its_ranks_all_the_same() {
        use crate::jobs::{Kind, Name, Uid, row::ReplicaSpec};
        let mut job = JobRow::bare(Kind::MpiJob, Name::lossy("n"), Name::lossy("t"), Uid::new("u"));
        job.slots = Some(2);
        let spec = ReplicaSpec { role: Sym::new("Worker"), replicas: Some(3), ..ReplicaSpec::default() };
        job.replicas = Box::new([spec]);
        let there =
            PodRow { name: Name::lossy("t-worker-1"), role: Sym::new("worker"), index: Some(1), ..PodRow::default() };
        let crew = Crew::of(&job, &[&there]);
        let of = |rank| crew.subject(Some(rank), None, 6).map(|subject| subject.id().to_string());
        assert_eq!([of(0), of(3), of(5)].map(Option::unwrap_or_default), ["worker-0", "worker-1", "worker-2"]);
        assert_eq!(crew.pods.len(), 3, "each once");
    }

    #[test]
    fn a_host_counts_more_than_the_order_and_an_unknown_rank_stays_a_rank() {
        let id = |rank, host, slots, ranks| {
            crew(slots)
                .subject(rank, host, ranks)
                .map(|subject| (subject.role.to_string(), subject.index, subject.rank))
        };
        let worker = |n, rank| Some(("worker".to_owned(), Some(n), rank));
        assert_eq!(id(Some(5), None, 4, 0), worker(1, Some(5)));
        assert_eq!(id(Some(3), None, 0, 8), worker(0, Some(3)), "eight ranks on two workers");
        assert_eq!(id(Some(0), Some("t-worker-1.t.ns.svc"), 4, 0), worker(1, Some(0)));
        assert_eq!(id(Some(9), None, 4, 0), Some((String::new(), None, Some(9))));
        assert_eq!(id(None, Some("elsewhere"), 4, 0), None);
    }
}
