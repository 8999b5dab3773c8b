//! Which job a pod or an event belongs to. Two kinds may share a name, and a re-created job leaves old pods behind.

use std::collections::HashMap;

use crate::jobs::{
    kind::Kind,
    row::{EventRow, JobRow, Owner, PodRow},
    text::{Name, Sym},
};

/// The jobs and pods of one namespace and job name.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) jobs: Vec<u32>,
    pub(super) pods: Vec<u32>,
}

/// Groups by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Groups(HashMap<Sym, HashMap<Name, Group>>);

impl Groups {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Group> {
        self.0.get(namespace)?.get(name)
    }

    pub(super) fn entry(&mut self, namespace: &str, name: &Name) -> &mut Group {
        if !self.0.contains_key(namespace) {
            self.0.insert(Sym::new(namespace), HashMap::new());
        }
        self.0.entry(Sym::new(namespace)).or_default().entry(name.clone()).or_default()
    }

    /// Takes a job or a pod out, and the group with its last member.
    pub(super) fn remove(&mut self, namespace: &str, name: &str, job: Option<u32>, pod: Option<u32>) {
        let Some(of_namespace) = self.0.get_mut(namespace) else { return };
        let Some(group) = of_namespace.get_mut(name) else { return };
        group.jobs.retain(|id| Some(*id) != job);
        group.pods.retain(|id| Some(*id) != pod);
        if group.jobs.is_empty() && group.pods.is_empty() {
            of_namespace.remove(name);
        }
    }
}

/// Whether `pod` is one of `job`'s, given that namespace and job name agree.
///
/// The owner's uid decides where the controller is a training job itself. Launcher pods are owned by a batch Job
/// that we don't watch: there the operator label must fit, and the pod must be younger than the job.
pub(super) fn belongs(pod: &PodRow, job: &JobRow) -> bool {
    match &pod.owner {
        Some(owner) if owner.uid == job.uid => true,
        Some(owner) if is_training(owner) => false,
        _ => fits(&pod.operator, job.kind) && younger(pod, job),
    }
}

fn is_training(owner: &Owner) -> bool {
    Kind::ALL.iter().any(|kind| kind.info().kind == owner.kind.as_str())
}

fn fits(operator: &Sym, kind: Kind) -> bool {
    match kind.info().operator {
        "" => operator.as_str() == "jobset",
        label => operator.as_str() == label,
    }
}

/// Times have whole seconds: a pod that is going away in the second in which a job was made is an older job's.
fn younger(pod: &PodRow, job: &JobRow) -> bool {
    pod.created > job.created || (pod.created == job.created && pod.deleting.is_none())
}

/// The names a job may have that owns the object of `event`, longest first. Empty for objects that no job owns.
pub(super) fn possible_jobs(event: &EventRow) -> impl Iterator<Item = &str> {
    let name = event.about_name.as_str();
    // `<job>-launcher`, `<job>-worker-3`, `<job>-launcher-x7k2p`, `<job>-node-0-1-x7k2p`
    let (least, most) = match event.about_kind.as_str() {
        "Job" => (1, 2),
        "Pod" => (1, 4),
        "JobSet" | "PodGroup" => (0, 0),
        _ => (1, 0),
    };
    let cuts = std::iter::once(name.len()).chain(name.rmatch_indices('-').map(|(at, _)| at));
    cuts.enumerate().skip(least).take_while(move |(n, _)| *n <= most).map(|(_, at)| &name[..at])
}

/// Whether jobs of this kind own objects of the kind that `event` is about: only two kinds run through batch Jobs.
pub(super) fn may_own(event: &EventRow, kind: Kind) -> bool {
    match event.about_kind.as_str() {
        "Job" => matches!(kind, Kind::MpiJob | Kind::TrainJob),
        "JobSet" => kind == Kind::TrainJob,
        _ => true,
    }
}

/// Whether events about this kind of object may ever be a job's.
pub(super) fn may_concern_jobs(event: &EventRow) -> bool {
    let kind = event.about_kind.as_str();
    matches!(kind, "Pod" | "Job" | "JobSet" | "PodGroup" | "Workload")
        || Kind::ALL.iter().any(|k| k.info().kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{text::Uid, time::Secs};

    fn job(kind: Kind, created: u32) -> JobRow {
        let mut row = JobRow::bare(kind, Name::lossy("ns"), Name::lossy("a"), Uid::new("job"));
        row.created = Secs(created);
        row
    }

    fn pod(operator: &str, owner: Option<(&str, &str)>, created: u32) -> PodRow {
        let owner = owner.map(|(kind, uid)| Owner { kind: Sym::new(kind), name: Name::lossy("o"), uid: Uid::new(uid) });
        PodRow { operator: Sym::new(operator), owner, created: Secs(created), ..PodRow::default() }
    }

    #[test]
    fn owner_then_label_then_age() {
        let job = job(Kind::MpiJob, 100);
        assert!(belongs(&pod("mpi-operator", Some(("MPIJob", "job")), 5), &job), "owned");
        assert!(!belongs(&pod("mpi-operator", Some(("MPIJob", "older")), 200), &job), "owned by another");
        assert!(belongs(&pod("mpi-operator", Some(("Job", "x")), 100), &job), "launcher");
        assert!(!belongs(&pod("mpi-operator", Some(("Job", "x")), 99), &job), "older job's launcher");
        assert!(!belongs(&pod("pytorchjob-controller", Some(("Job", "x")), 200), &job), "another kind's");
        let mut going = pod("mpi-operator", Some(("Job", "x")), 100);
        going.deleting = Some(Secs(101));
        assert!(!belongs(&going, &job), "going away in the second of creation");
    }

    #[test]
    fn objects_name_their_jobs() {
        let of = |kind: &str, name: &str| {
            let event = crate::jobs::fleet::tests::event("e", kind, name, "u");
            possible_jobs(&event).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of("Job", "my-train-launcher"), ["my-train", "my"]);
        assert_eq!(of("Pod", "a-worker-3"), ["a-worker", "a"]);
        assert_eq!(of("JobSet", "a-b"), ["a-b"]);
        assert!(of("Service", "a-b").is_empty());
    }
}
