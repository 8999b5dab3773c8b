//! Jobs of every kind: one shape that covers all, since a field they don't have is simply absent.

use serde::Deserialize;

use super::{
    lenient::{Entries, Flag, List, Num, Obj, Pairs, Scalar, Text},
    parts::{self, Conditions, Meta, PodSpec, Resources, sym, time},
};
use crate::jobs::{
    kind::Kind,
    progress::{self, Progress},
    row::{JobRow, ReplicaCount, ReplicaSpec, Requests, RunPolicy},
    text::{Clean, Sym},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobWire<'a> {
    #[serde(borrow)]
    pub(super) metadata: Obj<Meta<'a, Pairs<'a>>>,
    #[serde(borrow)]
    spec: Obj<Spec<'a>>,
    #[serde(borrow)]
    status: Obj<Reported<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow, alias = "nprocPerNode")]
    slots_per_worker: Scalar<'a>,
    run_launcher_as_worker: Flag,
    #[serde(borrow)]
    launcher_creation_policy: Text<'a>,
    #[serde(borrow)]
    mpi_implementation: Text<'a>,
    #[serde(
        borrow,
        alias = "mpiReplicaSpecs",
        alias = "pytorchReplicaSpecs",
        alias = "tfReplicaSpecs",
        alias = "xgbReplicaSpecs",
        alias = "paddleReplicaSpecs",
        alias = "jaxReplicaSpecs"
    )]
    replica_specs: Entries<'a, Obj<Replica<'a>>>,
    #[serde(borrow)]
    run_policy: Obj<RunWire<'a>>,
    /// v1 MPIJobs may have it here, too.
    #[serde(borrow)]
    clean_pod_policy: Text<'a>,
    suspend: Flag,
    #[serde(borrow)]
    managed_by: Text<'a>,
    active_deadline_seconds: Num,
    #[serde(borrow)]
    runtime_ref: Obj<RuntimeRef<'a>>,
    #[serde(borrow)]
    trainer: Option<Obj<Trainer<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Replica<'a> {
    replicas: Num,
    #[serde(borrow)]
    restart_policy: Text<'a>,
    #[serde(borrow)]
    template: Obj<Template<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template<'a> {
    #[serde(borrow)]
    spec: Obj<PodSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RunWire<'a> {
    #[serde(borrow)]
    clean_pod_policy: Text<'a>,
    backoff_limit: Num,
    active_deadline_seconds: Num,
    ttl_seconds_after_finished: Num,
    suspend: Flag,
    #[serde(borrow)]
    managed_by: Text<'a>,
    #[serde(borrow)]
    scheduling_policy: Obj<Scheduling<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Scheduling<'a> {
    #[serde(borrow)]
    queue: Text<'a>,
    #[serde(borrow)]
    priority_class: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RuntimeRef<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Trainer<'a> {
    #[serde(borrow)]
    image: Text<'a>,
    num_nodes: Num,
    #[serde(borrow)]
    num_proc_per_node: Scalar<'a>,
    #[serde(borrow)]
    resources_per_node: Obj<Resources<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reported<'a> {
    #[serde(borrow)]
    conditions: Conditions<'a>,
    #[serde(borrow)]
    replica_statuses: Entries<'a, Obj<Count<'a>>>,
    #[serde(borrow)]
    jobs_status: List<Obj<Count<'a>>>,
    #[serde(borrow)]
    start_time: Text<'a>,
    #[serde(borrow)]
    completion_time: Text<'a>,
    trainer_status: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Count<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    active: Num,
    succeeded: Num,
    failed: Num,
    ready: Num,
}

impl JobWire<'_> {
    pub(super) fn row(self, kind: Kind, odd: bool) -> JobRow {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let policy = &spec.run_policy.0;
        let replicas = spec.replicas(kind);
        let (creator, creator_by) = creator(&meta).unzip();
        JobRow {
            kind,
            namespace: meta.namespace(),
            name: meta.name(),
            uid: meta.uid(),
            created: meta.created(),
            deleting: meta.deleting(),
            labels: meta.labels.0.iter().map(|(k, v)| (Sym::new(k.as_str()), Sym::new(v.as_str()))).collect(),
            creator,
            creator_by,
            queue: queue(&meta, policy),
            priority: priority(&meta, &spec),
            suspend: policy.suspend.0.or(spec.suspend.0).unwrap_or(false),
            managed_by: sym(&policy.managed_by).or_else(|| sym(&spec.managed_by)),
            slots: spec.slots(),
            policy: spec.policy(),
            replicas,
            conditions: parts::conditions(&status.conditions),
            counts: status.counts(),
            started: time(&status.start_time),
            completed: time(&status.completion_time),
            progress: progress(&meta, &status),
            warning: if odd {
                Some(Clean::new("a field is of another type than the API says"))
            } else {
                status.lacking()
            },
        }
    }
}

/// What people write down, ours first, and where they do.
fn creator(meta: &Meta<'_, Pairs<'_>>) -> Option<(Sym, Sym)> {
    let in_pairs = |pairs: &Pairs<'_>, kind: &str, keys: &[&str]| {
        let found = keys.iter().find_map(|key| Some((pairs.text(key)?, *key)));
        found.map(|(name, key)| (Sym::new(name), Sym::new(&format!("{kind} {key}"))))
    };
    let noted = in_pairs(&meta.annotations, "annotation", &["mpideck.io/creator", "opendatahub.io/username"]);
    noted.or_else(|| in_pairs(&meta.labels, "label", &["mpideck.io/creator", "created-by", "owner", "user"]))
}

/// What the training program says: OpenShift AI's annotation, else Kubeflow Trainer's status.
fn progress(meta: &Meta<'_, Pairs<'_>>, status: &Reported<'_>) -> Option<Box<Progress>> {
    let noted = meta.annotations.text("trainer.opendatahub.io/trainerStatus").and_then(progress::reported);
    noted.or_else(|| progress::reported_in(status.trainer_status.as_ref()?)).map(Box::new)
}

fn queue(meta: &Meta<'_, Pairs<'_>>, policy: &RunWire<'_>) -> Option<Sym> {
    let kueue = meta.labels.text("kueue.x-k8s.io/queue-name");
    let volcano = || meta.annotations.text("scheduling.volcano.sh/queue-name");
    kueue.or_else(|| policy.scheduling_policy.0.queue.some()).or_else(volcano).map(Sym::new)
}

fn priority(meta: &Meta<'_, Pairs<'_>>, spec: &Spec<'_>) -> Option<Sym> {
    let kueue = meta.labels.text("kueue.x-k8s.io/priority-class");
    let policy = || spec.run_policy.0.scheduling_policy.0.priority_class.some();
    let template = || spec.replica_specs.0.iter().find_map(|(_, r)| r.0.template.0.spec.0.priority_class_name.some());
    kueue.or_else(policy).or_else(template).map(Sym::new)
}

impl Spec<'_> {
    fn replicas(&self, kind: Kind) -> Box<[ReplicaSpec]> {
        if let Some(Obj(trainer)) = &self.trainer {
            return trainer.node().into_iter().collect();
        }
        let known = kind.info().roles;
        let place = |role: &str| known.iter().position(|r| *r == role).unwrap_or(known.len());
        let mut sorted: Vec<_> = self.replica_specs.0.iter().collect();
        sorted.sort_by_key(|(role, _)| place(role.as_str()));
        sorted.into_iter().map(|(role, replica)| replica.0.spec(role.as_str())).collect()
    }

    fn slots(&self) -> Option<u32> {
        let own = self.slots_per_worker.0.parse().ok();
        own.or_else(|| self.trainer.as_ref().and_then(|t| t.0.num_proc_per_node.0.parse().ok()))
    }

    fn policy(&self) -> RunPolicy {
        let policy = &self.run_policy.0;
        RunPolicy {
            clean_pods: sym(&policy.clean_pod_policy).or_else(|| sym(&self.clean_pod_policy)),
            backoff_limit: policy.backoff_limit.count(),
            deadline: policy.active_deadline_seconds.count().or(self.active_deadline_seconds.count()),
            ttl: policy.ttl_seconds_after_finished.count(),
            launcher_creation: sym(&self.launcher_creation_policy),
            launcher_is_worker: self.run_launcher_as_worker.0.unwrap_or(false),
            mpi: sym(&self.mpi_implementation),
            runtime: sym(&self.runtime_ref.0.name),
        }
    }
}

impl Replica<'_> {
    fn spec(&self, role: &str) -> ReplicaSpec {
        let pod = &self.template.0.spec.0;
        ReplicaSpec {
            role: Sym::new(role),
            replicas: self.replicas.count(),
            restart_policy: sym(&self.restart_policy),
            image: pod.containers.0.first().and_then(|c| sym(&c.0.image)),
            each: pod.requests(),
        }
    }
}

impl Trainer<'_> {
    /// `None` if it says nothing that a replica has: then the runtime decides.
    fn node(&self) -> Option<ReplicaSpec> {
        let mut each = Requests::default();
        self.resources_per_node.0.add_to(&mut each);
        let (replicas, image) = (self.num_nodes.count(), sym(&self.image));
        let says = replicas.is_some() || image.is_some() || each != Requests::default();
        says.then(|| ReplicaSpec { role: Sym::new("node"), replicas, restart_policy: None, image, each })
    }
}

impl Reported<'_> {
    fn counts(&self) -> Box<[ReplicaCount]> {
        let by_role = self.replica_statuses.0.iter().map(|(role, c)| c.0.count(role.as_str()));
        by_role.chain(self.jobs_status.0.iter().map(|c| c.0.count(c.0.name.as_str()))).collect()
    }

    /// Operators always give a condition a type and a reason; one without was written by something else.
    fn lacking(&self) -> Option<Clean> {
        let bad =
            self.conditions.0.iter().find(|c| c.0.r#type.as_str().is_empty() || c.0.reason.as_str().is_empty())?;
        Some(match bad.0.r#type.some() {
            Some(kind) => Clean::new(&format!("condition {kind} has no reason")),
            None => Clean::new("a condition has no type"),
        })
    }
}

impl Count<'_> {
    fn count(&self, role: &str) -> ReplicaCount {
        let or_0 = |n: Num| n.count().unwrap_or(0);
        ReplicaCount {
            role: Sym::new(role),
            active: or_0(self.active),
            succeeded: or_0(self.succeeded),
            failed: or_0(self.failed),
            ready: or_0(self.ready),
        }
    }
}
