//! What a job asks for, by role and in all. Limits fill in for missing requests where rows are made.

use super::{
    kind::Kind,
    replica::{is_initializer, wanted},
    row::{JobRow, PodRow, Requests},
    text::Sym,
};

/// One role's share.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleTotal {
    /// The role.
    pub role: Sym,
    /// How many pods.
    pub replicas: u32,
    /// What one of them asks for.
    pub each: Requests,
    /// What all of them ask for.
    pub all: Requests,
}

/// Shares by role, in the order of the spec. A `TrainJob` whose manifest leaves them to its runtime is read from its pods.
pub fn by_role(job: &JobRow, pods: &[&PodRow]) -> Vec<RoleTotal> {
    let silent = job.replicas.iter().all(|spec| spec.each == Requests::default());
    if job.kind == Kind::TrainJob && silent && !pods.is_empty() {
        return from_pods(pods);
    }
    let share = |role: &Sym, replicas: u32, each: &Requests| RoleTotal {
        role: role.clone(),
        replicas,
        each: each.clone(),
        all: times(each, replicas),
    };
    job.replicas.iter().map(|s| share(&s.role, wanted(job.kind, s.role.as_str(), s.replicas), &s.each)).collect()
}

/// What the whole job asks for.
pub fn total(job: &JobRow, pods: &[&PodRow]) -> Requests {
    let mut sum = Requests::default();
    for role in by_role(job, pods) {
        add(&mut sum, &role.all);
    }
    sum
}

/// Accelerators of the whole job, as [`total`] but without making anything.
pub fn gpus(job: &JobRow, pods: &[&PodRow]) -> u32 {
    if job.kind == Kind::TrainJob {
        return total(job, pods).gpus;
    }
    let of = |spec: &super::row::ReplicaSpec| {
        wanted(job.kind, spec.role.as_str(), spec.replicas).saturating_mul(spec.each.gpus)
    };
    job.replicas.iter().fold(0, |sum, spec| sum.saturating_add(of(spec)))
}

fn from_pods(pods: &[&PodRow]) -> Vec<RoleTotal> {
    let mut roles: Vec<RoleTotal> = Vec::new();
    let newest = pods.iter().map(|pod| pod.attempt).max().unwrap_or(0);
    for pod in pods.iter().filter(|pod| pod.attempt == newest && !is_initializer(pod.role.as_str())) {
        match roles.iter_mut().find(|role| role.role == pod.role) {
            Some(role) => {
                role.replicas += 1;
                add(&mut role.all, &pod.requests);
            }
            None => roles.push(RoleTotal {
                role: pod.role.clone(),
                replicas: 1,
                each: pod.requests.clone(),
                all: pod.requests.clone(),
            }),
        }
    }
    roles
}

fn times(each: &Requests, n: u32) -> Requests {
    Requests {
        gpus: each.gpus.saturating_mul(n),
        gpu_resource: each.gpu_resource.clone(),
        cpu_milli: each.cpu_milli.saturating_mul(u64::from(n)),
        memory: each.memory.saturating_mul(u64::from(n)),
        memory_limit: each.memory_limit.saturating_mul(u64::from(n)),
    }
}

fn add(sum: &mut Requests, more: &Requests) {
    sum.gpus = sum.gpus.saturating_add(more.gpus);
    sum.cpu_milli = sum.cpu_milli.saturating_add(more.cpu_milli);
    sum.memory = sum.memory.saturating_add(more.memory);
    sum.memory_limit = sum.memory_limit.saturating_add(more.memory_limit);
    if sum.gpu_resource.is_none() {
        sum.gpu_resource.clone_from(&more.gpu_resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        row::ReplicaSpec,
        text::{Name, Uid},
    };

    fn each(gpus: u32, milli: u64) -> Requests {
        Requests { gpus, cpu_milli: milli, memory: 1 << 30, ..Requests::default() }
    }

    #[test]
    fn launcher_and_workers_count() {
        let mut job = JobRow::bare(Kind::MpiJob, Name::lossy("ns"), Name::lossy("a"), Uid::new("a"));
        let spec = |role: &str, replicas, each| ReplicaSpec {
            role: Sym::new(role),
            replicas,
            restart_policy: None,
            image: None,
            each,
        };
        job.replicas = Box::new([spec("Launcher", None, each(0, 500)), spec("Worker", Some(4), each(8, 2000))]);
        let all = total(&job, &[]);
        assert_eq!((all.gpus, all.cpu_milli, all.memory), (32, 8500, 5 << 30));
        assert_eq!(gpus(&job, &[]), 32);
    }

    #[test]
    fn a_silent_trainjob_is_read_from_its_pods() {
        let job = JobRow::bare(Kind::TrainJob, Name::lossy("ns"), Name::lossy("a"), Uid::new("a"));
        let pod =
            |role: &str, attempt| PodRow { role: Sym::new(role), attempt, requests: each(4, 100), ..PodRow::default() };
        let pods = [pod("node", 0), pod("node", 1), pod("node", 1), pod("dataset-initializer", 1)];
        assert_eq!(gpus(&job, &pods.iter().collect::<Vec<_>>()), 8);
    }
}
