//! Rows: what we keep of each Kubernetes object, small and safe to show.
//!
//! `cluster/wire` makes them where objects enter; [`crate::jobs::fleet::Fleet`] keeps them. Nothing here interprets a row.
//! A field that an object does not have is empty or `None`, never a guess. `warning` says what was malformed.

use serde::{Deserialize, Serialize};

use super::{
    kind::Kind,
    progress::Progress,
    text::{Clean, Name, Sym, Uid},
    time::Secs,
};

/// One job and what its own object says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobRow {
    /// Its API kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
    /// `metadata.creationTimestamp`.
    pub created: Secs,
    /// `metadata.deletionTimestamp`.
    pub deleting: Option<Secs>,
    /// All labels.
    pub labels: Box<[(Sym, Sym)]>,
    /// Who made it, by annotation `mpideck.io/creator` or the conventions of `cluster/wire`.
    pub creator: Option<Sym>,
    /// The annotation or label that says so.
    pub creator_by: Option<Sym>,
    /// Label `kueue.x-k8s.io/queue-name`, else the Volcano queue of the scheduling policy.
    pub queue: Option<Sym>,
    /// Kueue's priority-class label, else the scheduling policy's, else the leading pod template's.
    pub priority: Option<Sym>,
    /// `spec.runPolicy.suspend` or `spec.suspend`.
    pub suspend: bool,
    /// `managedBy`, where it is set.
    pub managed_by: Option<Sym>,
    /// Roles as the spec has them, in [`KindInfo::roles`](super::kind::KindInfo::roles) order. For a TrainJob:
    /// one `node` entry from `spec.trainer`, if it says something.
    pub replicas: Box<[ReplicaSpec]>,
    /// `slotsPerWorker` / `numProcPerNode`.
    pub slots: Option<u32>,
    /// MPI and run-policy fields that state and page need.
    pub policy: RunPolicy,
    /// `status.conditions` in the order stored.
    pub conditions: Box<[Condition]>,
    /// `status.replicaStatuses`, or `status.jobsStatus` of a TrainJob.
    pub counts: Box<[ReplicaCount]>,
    /// `status.startTime`.
    pub started: Option<Secs>,
    /// `status.completionTime`.
    pub completed: Option<Secs>,
    /// What the training program says of itself in the object.
    pub progress: Option<Box<Progress>>,
    /// What of the object could not be read, for the one row it concerns.
    pub warning: Option<Clean>,
}

/// What the run policy (and MPIJob's own fields) say. `None` where the manifest is silent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunPolicy {
    /// `cleanPodPolicy`.
    pub clean_pods: Option<Sym>,
    /// `backoffLimit`.
    pub backoff_limit: Option<u32>,
    /// `activeDeadlineSeconds`.
    pub deadline: Option<u32>,
    /// `ttlSecondsAfterFinished`.
    pub ttl: Option<u32>,
    /// `launcherCreationPolicy`.
    pub launcher_creation: Option<Sym>,
    /// `runLauncherAsWorker`.
    pub launcher_is_worker: bool,
    /// `mpiImplementation`.
    pub mpi: Option<Sym>,
    /// `runtimeRef.name` of a TrainJob.
    pub runtime: Option<Sym>,
}

/// One role of a job's spec.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaSpec {
    /// The role as the spec spells it (`Launcher`, `Worker`, `node`, …).
    pub role: Sym,
    /// `replicas`, where it is written.
    pub replicas: Option<u32>,
    /// `restartPolicy`, where it is written.
    pub restart_policy: Option<Sym>,
    /// Image of the first container.
    pub image: Option<Sym>,
    /// What one pod of this role asks for, summed over its containers (limits where requests are silent).
    pub each: Requests,
}

/// Amounts of a pod or a job. Units: GPUs (any accelerator resource), millicores, bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// Accelerators.
    pub gpus: u32,
    /// The accelerator's resource name (`nvidia.com/gpu`), if any is asked for.
    pub gpu_resource: Option<Sym>,
    /// Millicores.
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
    /// The memory limit of the main (first) container in bytes, 0 if it has none.
    pub memory_limit: u64,
}

/// One status condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// `type`.
    pub kind: Sym,
    /// `status`.
    pub status: Truth,
    /// `reason`, empty if it has none.
    pub reason: Sym,
    /// `message`.
    pub message: Clean,
    /// `lastTransitionTime`.
    pub since: Option<Secs>,
}

/// A condition's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Truth {
    /// `"True"`.
    True,
    /// `"False"`.
    False,
    /// `"Unknown"`, or anything else.
    #[default]
    Unknown,
}

/// One entry of `status.replicaStatuses` (pods) or of a TrainJob's `jobsStatus` (child Jobs).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaCount {
    /// The role, as spelled there.
    pub role: Sym,
    /// Running.
    pub active: u32,
    /// Ended well.
    pub succeeded: u32,
    /// Ended badly, so far.
    pub failed: u32,
    /// TrainJob only.
    pub ready: u32,
}

/// One pod of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodRow {
    /// Its namespace.
    pub namespace: Sym,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
    /// `metadata.creationTimestamp`.
    pub created: Secs,
    /// `metadata.deletionTimestamp`.
    pub deleting: Option<Secs>,
    /// The job it says it belongs to: label `training.kubeflow.org/job-name`, or JobSet's `jobset-name`.
    pub job: Name,
    /// Label `training.kubeflow.org/operator-name`; `jobset` for pods of a JobSet.
    pub operator: Sym,
    /// Role in lower case: `launcher`, `worker`, `master`, `ps`, …; JobSet's replicated job name.
    pub role: Sym,
    /// Index within the role. For v2beta1 MPIJobs from the pod's *name* (the label is off by one there).
    pub index: Option<u16>,
    /// JobSet's restart-attempt label.
    pub attempt: u16,
    /// The controlling owner, if any.
    pub owner: Option<Owner>,
    /// `spec.nodeName`.
    pub node: Option<Sym>,
    /// `status.phase`.
    pub phase: Phase,
    /// `status.reason`.
    pub reason: Option<Sym>,
    /// `status.message`.
    pub message: Option<Clean>,
    /// Condition `PodScheduled`, when it is not `True`: reason and message.
    pub unscheduled: Option<(Sym, Clean)>,
    /// Condition `Ready` is True.
    pub ready: bool,
    /// Condition `DisruptionTarget`, when `True`: its reason.
    pub disruption: Option<Sym>,
    /// `status.startTime`.
    pub started: Option<Secs>,
    /// Containers, init containers first.
    pub containers: Box<[ContainerRow]>,
    /// What the pod asks for.
    pub requests: Requests,
    /// What of the object could not be read.
    pub warning: Option<Clean>,
}

/// `metadata.ownerReferences[]` with `controller: true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Its kind.
    pub kind: Sym,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
}

/// A pod's phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted; not all containers have run yet.
    #[default]
    Pending,
    /// Bound, containers made, at least one runs.
    Running,
    /// All containers ended with 0.
    Succeeded,
    /// All ended, one badly.
    Failed,
    /// The kubelet has not been heard from.
    Unknown,
}

/// One container of a pod: spec and status joined by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerRow {
    /// Its name.
    pub name: Sym,
    /// Its image as the spec has it.
    pub image: Sym,
    /// Whether it is an init container.
    pub init: bool,
    /// What it is doing; `None` before the kubelet reports.
    pub state: Option<ContainerState>,
    /// `lastState.terminated`.
    pub last: Option<Terminated>,
    /// Ready.
    pub ready: bool,
    /// Restarts in place.
    pub restarts: u16,
}

/// `state` of a container status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ContainerState {
    /// Not started: why.
    Waiting {
        /// `ContainerCreating`, `ImagePullBackOff`, …
        reason: Sym,
        /// The kubelet's words.
        message: Clean,
    },
    /// Runs since then.
    Running(Option<Secs>),
    /// Ended.
    Terminated(Terminated),
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terminated {
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: Sym,
    /// Exit code.
    pub exit_code: i32,
    /// Last words (termination message), if any.
    pub message: Clean,
    /// Start.
    pub started: Option<Secs>,
    /// End.
    pub finished: Option<Secs>,
}

/// One event about a job or something it owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventRow {
    /// Its namespace.
    pub namespace: Sym,
    /// The event's own uid.
    pub uid: Uid,
    /// Kind of what it is about.
    pub about_kind: Sym,
    /// Name of what it is about.
    pub about_name: Name,
    /// Uid of what it is about.
    pub about_uid: Uid,
    /// `type` is `Warning`.
    pub warning: bool,
    /// `reason`.
    pub reason: Sym,
    /// `message`.
    pub message: Clean,
    /// How often, at least 1.
    pub count: u32,
    /// First time.
    pub first: Secs,
    /// Last time.
    pub last: Secs,
    /// Reporting component.
    pub source: Sym,
}

/// One Kueue Workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadRow {
    /// Its namespace.
    pub namespace: Sym,
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
    /// `metadata.creationTimestamp`.
    pub created: Secs,
    /// Uid of the job it stands for: label `kueue.x-k8s.io/job-uid`, else the controlling owner.
    pub job_uid: Option<Uid>,
    /// `spec.queueName`.
    pub queue: Sym,
    /// `status.admission.clusterQueue`, once reserved.
    pub cluster_queue: Option<Sym>,
    /// `spec.active`, true if unset.
    pub active: bool,
    /// `spec.priority`.
    pub priority: i64,
    /// `status.conditions`.
    pub conditions: Box<[Condition]>,
    /// `status.requeueState.count`.
    pub requeues: u32,
}

/// A row that says nothing, for what a record lacks.
impl Default for JobRow {
    fn default() -> Self {
        Self::bare(Kind::MpiJob, Name::default(), Name::default(), Uid::default())
    }
}

impl PodRow {
    /// Whether it holds accelerators.
    pub fn holds_gpus(&self) -> bool {
        self.requests.gpus > 0 && self.deleting.is_none() && !matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }
}

impl JobRow {
    /// A row with identity and nothing else, for tests and for objects of which only that could be read.
    pub fn bare(kind: Kind, namespace: Name, name: Name, uid: Uid) -> Self {
        Self {
            kind,
            namespace,
            name,
            uid,
            created: Secs::default(),
            deleting: None,
            labels: Box::default(),
            creator: None,
            creator_by: None,
            queue: None,
            priority: None,
            suspend: false,
            managed_by: None,
            replicas: Box::default(),
            slots: None,
            policy: RunPolicy::default(),
            conditions: Box::default(),
            counts: Box::default(),
            started: None,
            completed: None,
            progress: None,
            warning: None,
        }
    }

    /// The condition of this type, whatever its status.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        find(&self.conditions, kind)
    }

    /// The condition of this type, if it is True.
    pub fn is(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|c| c.status == Truth::True)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&Sym> {
        self.labels.iter().find(|(k, _)| k.as_str() == key).map(|(_, v)| v)
    }
}

impl WorkloadRow {
    /// The condition of this type, whatever its status.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        find(&self.conditions, kind)
    }

    /// The condition of this type, if it is True.
    pub fn is(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|c| c.status == Truth::True)
    }
}

fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.kind.as_str() == kind)
}
