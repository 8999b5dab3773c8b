//! The kinds of training job and how their API objects are laid out.
//!
//! Owns one table, a row a kind. Whoever needs to know where a kind keeps something asks here, so that a new kind
//! is a new row. Source: facts on mpi-operator 0.8, training-operator 1.9, trainer 2.x.

use std::fmt;

/// A kind of job. `MpiJob` and `MpiJobV1` are two shapes behind one CRD name: a cluster serves one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// kubeflow.org/v2beta1 of mpi-operator: launcher is a batch Job, workers are plain pods.
    MpiJob,
    /// kubeflow.org/v1 of training-operator: launcher and workers are plain pods.
    MpiJobV1,
    /// trainer.kubeflow.org/v1alpha1, run through a JobSet.
    TrainJob,
    /// kubeflow.org/v1.
    PyTorchJob,
    /// kubeflow.org/v1.
    TfJob,
    /// kubeflow.org/v1.
    XgBoostJob,
    /// kubeflow.org/v1.
    PaddleJob,
    /// kubeflow.org/v1.
    JaxJob,
}

/// Where a kind's API objects keep things.
#[derive(Debug)]
pub struct KindInfo {
    /// API group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// The `kind` word of the manifest.
    pub kind: &'static str,
    /// Resource name in URLs.
    pub plural: &'static str,
    /// Short name on screen and in `kind:` filters.
    pub short: &'static str,
    /// Field of `spec` that maps role to replica spec; empty for TrainJob.
    pub replica_specs: &'static str,
    /// Value of the pod label `training.kubeflow.org/operator-name`; empty for TrainJob.
    pub operator: &'static str,
    /// Roles in the order in which they are shown; the first that exists leads the job.
    pub roles: &'static [&'static str],
}

impl Kind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::MpiJob,
        Self::MpiJobV1,
        Self::TrainJob,
        Self::PyTorchJob,
        Self::TfJob,
        Self::XgBoostJob,
        Self::PaddleJob,
        Self::JaxJob,
    ];

    /// The kind's row of the table.
    pub const fn info(self) -> &'static KindInfo {
        match self {
            Self::MpiJob => &MPIJOB,
            Self::MpiJobV1 => &MPIJOB_V1,
            Self::TrainJob => &TRAINJOB,
            Self::PyTorchJob => &PYTORCHJOB,
            Self::TfJob => &TFJOB,
            Self::XgBoostJob => &XGBOOSTJOB,
            Self::PaddleJob => &PADDLEJOB,
            Self::JaxJob => &JAXJOB,
        }
    }

    /// The kind of an object by its `apiVersion` and `kind`.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/')?;
        Self::ALL.into_iter().find(|k| (k.info().group, k.info().version, k.info().kind) == (group, version, kind))
    }

    /// Whether it is one of training-operator's v1 kinds, where a failed replica fails the job.
    pub const fn is_v1(self) -> bool {
        !matches!(self, Self::MpiJob | Self::TrainJob)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.info().kind)
    }
}

const KUBEFLOW: &str = "kubeflow.org";

const fn v1(
    kind: &'static str,
    plural: &'static str,
    short: &'static str,
    replica_specs: &'static str,
    operator: &'static str,
    roles: &'static [&'static str],
) -> KindInfo {
    KindInfo { group: KUBEFLOW, version: "v1", kind, plural, short, replica_specs, operator, roles }
}

static MPIJOB: KindInfo = KindInfo {
    group: KUBEFLOW,
    version: "v2beta1",
    kind: "MPIJob",
    plural: "mpijobs",
    short: "mpi",
    replica_specs: "mpiReplicaSpecs",
    operator: "mpi-operator",
    roles: &["Launcher", "Worker"],
};
static MPIJOB_V1: KindInfo =
    v1("MPIJob", "mpijobs", "mpi", "mpiReplicaSpecs", "mpijob-controller", &["Launcher", "Worker"]);
static TRAINJOB: KindInfo = KindInfo {
    group: "trainer.kubeflow.org",
    version: "v1alpha1",
    kind: "TrainJob",
    plural: "trainjobs",
    short: "train",
    replica_specs: "",
    operator: "",
    roles: &["launcher", "node"],
};
static PYTORCHJOB: KindInfo =
    v1("PyTorchJob", "pytorchjobs", "pytorch", "pytorchReplicaSpecs", "pytorchjob-controller", &["Master", "Worker"]);
static TFJOB: KindInfo = v1(
    "TFJob",
    "tfjobs",
    "tf",
    "tfReplicaSpecs",
    "tfjob-controller",
    &["Chief", "Master", "PS", "Worker", "Evaluator"],
);
static XGBOOSTJOB: KindInfo =
    v1("XGBoostJob", "xgboostjobs", "xgboost", "xgbReplicaSpecs", "xgboostjob-controller", &["Master", "Worker"]);
static PADDLEJOB: KindInfo =
    v1("PaddleJob", "paddlejobs", "paddle", "paddleReplicaSpecs", "paddlejob-controller", &["Master", "Worker"]);
static JAXJOB: KindInfo = v1("JAXJob", "jaxjobs", "jax", "jaxReplicaSpecs", "jaxjob-controller", &["Worker"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_own_words() {
        for kind in Kind::ALL {
            let info = kind.info();
            assert_eq!(Kind::of(&format!("{}/{}", info.group, info.version), info.kind), Some(kind));
        }
        assert_eq!(Kind::of("v1", "Pod"), None);
    }
}
