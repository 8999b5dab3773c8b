//! What the sim can serve: one row a resource.
//!
//! A new kind is a new row here (and, for kubectl's columns, one in `api/table.rs`).

/// One resource of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for core.
    pub group: &'static str,
    /// The served version.
    pub version: &'static str,
    /// Name in URLs.
    pub plural: &'static str,
    /// Name for one.
    pub singular: &'static str,
    /// The manifest's word.
    pub kind: &'static str,
    /// Lives in a namespace.
    pub namespaced: bool,
    /// kubectl's short names.
    pub short_names: &'static [&'static str],
    /// Groups such as `all`.
    pub categories: &'static [&'static str],
    /// Has `/status`: then the main path cannot write status, nor the other the rest.
    pub status: bool,
    /// Counts `metadata.generation`.
    pub generation: bool,
    /// A custom resource: stricter selectors, other words in some refusals.
    pub custom: bool,
    /// Has `/scale`: the pointers at which replicas are wanted and told.
    pub scale: Option<Scale>,
    /// Dotted paths that a field selector may name, beside `metadata.name` and `metadata.namespace`.
    pub selectable: &'static [&'static str],
    /// The resource whose objects these are, in another shape.
    pub kept_as: Option<&'static Resource>,
}

/// Where a kind keeps what its `/scale` is about.
#[derive(Debug, PartialEq, Eq)]
pub struct Scale {
    /// The wanted replicas, as a JSON pointer.
    pub wanted: &'static str,
    /// The replicas that there are.
    pub told: &'static str,
    /// The selector of their pods, as text.
    pub selector: &'static str,
}

impl Resource {
    /// The resource under which its objects are kept.
    pub fn kept(&'static self) -> &'static Self {
        self.kept_as.unwrap_or(self)
    }

    /// Whether it is only read, and worked out by an API server behind this one.
    pub fn is_measured(&self) -> bool {
        self.group == POD_METRICS.group
    }

    /// `v1` or `kubeflow.org/v2beta1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `Pod` or `MPIJob.kubeflow.org`, as other refusals name it.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// `pods` or `mpijobs.kubeflow.org`, as refusals name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// What kinds of the core group have in common.
pub(super) const CORE: Resource = Resource {
    group: "",
    version: "v1",
    plural: "",
    singular: "",
    kind: "",
    namespaced: true,
    short_names: &[],
    categories: &[],
    status: false,
    generation: false,
    custom: false,
    scale: None,
    selectable: &[],
    kept_as: None,
};
const RBAC: Resource = Resource { group: "rbac.authorization.k8s.io", ..CORE };
const CUSTOM: Resource = Resource { custom: true, status: true, generation: true, ..CORE };
const KUBEFLOW: Resource = Resource { group: "kubeflow.org", version: "v1", ..CUSTOM };
const KUEUE: Resource = Resource { group: "kueue.x-k8s.io", version: "v1beta2", ..CUSTOM };
const KUEUE_OLD: Resource = Resource { version: "v1beta1", ..KUEUE };

/// The scale of a v1 kind is that of its workers.
macro_rules! workers {
    ($kind:literal) => {
        Some(Scale {
            wanted: concat!("/spec/", $kind, "ReplicaSpecs/Worker/replicas"),
            told: "/status/replicaStatuses/Worker/active",
            selector: "/status/replicaStatuses/Worker/selector",
        })
    };
}

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident: $plural:literal $singular:literal $kind:literal, $short:expr, { $($field:ident: $value:expr),* } of $base:ident;)*) => {
        $($(#[$doc])* pub static $name: Resource = Resource {
            plural: $plural, singular: $singular, kind: $kind, short_names: &$short, $($field: $value,)* ..$base
        };)*
        /// Every row, in the order of discovery.
        pub static ALL: &[&Resource] = &[$(&$name),*];
    };
}

resources! {
    /// Namespaces.
    NAMESPACES: "namespaces" "namespace" "Namespace", ["ns"], { namespaced: false, status: true, selectable: &["status.phase"] } of CORE;
    /// Pods.
    PODS: "pods" "pod" "Pod", ["po"], { status: true, generation: true, categories: &["all"],
        selectable: &["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"] } of CORE;
    /// Events of the core group.
    EVENTS: "events" "event" "Event", ["ev"], {
        selectable: &["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"] } of CORE;
    /// Services.
    SERVICES: "services" "service" "Service", ["svc"], { status: true, categories: &["all"], selectable: &["spec.clusterIP", "spec.type"] } of CORE;
    /// Config maps.
    CONFIGMAPS: "configmaps" "configmap" "ConfigMap", ["cm"], {} of CORE;
    /// Secrets.
    SECRETS: "secrets" "secret" "Secret", [], { selectable: &["type"] } of CORE;
    /// Where a Service's pods are, in the older form.
    ENDPOINTS: "endpoints" "endpoints" "Endpoints", ["ep"], {} of CORE;
    /// Volumes that claims bind to.
    VOLUMES: "persistentvolumes" "persistentvolume" "PersistentVolume", ["pv"], { namespaced: false, status: true } of CORE;
    /// Nodes.
    NODES: "nodes" "node" "Node", ["no"], { namespaced: false, status: true, selectable: &["spec.unschedulable"] } of CORE;
    /// Service accounts.
    SERVICEACCOUNTS: "serviceaccounts" "serviceaccount" "ServiceAccount", ["sa"], {} of CORE;
    /// Volume claims.
    CLAIMS: "persistentvolumeclaims" "persistentvolumeclaim" "PersistentVolumeClaim", ["pvc"], { status: true } of CORE;
    /// Resource quotas.
    QUOTAS: "resourcequotas" "resourcequota" "ResourceQuota", ["quota"], { status: true } of CORE;
    /// Limit ranges.
    LIMITRANGES: "limitranges" "limitrange" "LimitRange", ["limits"], {} of CORE;
    /// Deployments (the operators').
    DEPLOYMENTS: "deployments" "deployment" "Deployment", ["deploy"], { group: "apps", status: true, generation: true, categories: &["all"] } of CORE;
    /// What a Deployment makes its pods by.
    REPLICASETS: "replicasets" "replicaset" "ReplicaSet", ["rs"], { group: "apps", status: true, generation: true, categories: &["all"], selectable: &["status.replicas"] } of CORE;
    /// Batch Jobs (the launchers).
    JOBS: "jobs" "job" "Job", [], { group: "batch", status: true, generation: true, categories: &["all"], selectable: &["status.successful"] } of CORE;
    /// Disruption budgets.
    BUDGETS: "poddisruptionbudgets" "poddisruptionbudget" "PodDisruptionBudget", ["pdb"], { group: "policy", status: true, generation: true } of CORE;
    /// Priority classes.
    PRIORITYCLASSES: "priorityclasses" "priorityclass" "PriorityClass", ["pc"], { group: "scheduling.k8s.io", namespaced: false, generation: true } of CORE;
    /// Storage classes.
    STORAGECLASSES: "storageclasses" "storageclass" "StorageClass", ["sc"], { group: "storage.k8s.io", namespaced: false } of CORE;
    /// Who holds what for a while: nodes' heartbeats, leaders of controllers.
    LEASES: "leases" "lease" "Lease", [], { group: "coordination.k8s.io" } of CORE;
    /// Where a Service's pods are.
    ENDPOINTSLICES: "endpointslices" "endpointslice" "EndpointSlice", [], { group: "discovery.k8s.io", generation: true } of CORE;
    /// The events of the core group in their newer shape.
    EVENTS_NEWER: "events" "event" "Event", ["ev"], { group: "events.k8s.io", kept_as: Some(&EVENTS),
        selectable: &["reason", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reportingController", "type"] } of CORE;
    /// Rights in a namespace.
    ROLES: "roles" "role" "Role", [], {} of RBAC;
    /// Who has them.
    ROLEBINDINGS: "rolebindings" "rolebinding" "RoleBinding", [], {} of RBAC;
    /// Rights anywhere.
    CLUSTERROLES: "clusterroles" "clusterrole" "ClusterRole", [], { namespaced: false } of RBAC;
    /// Who has them everywhere.
    CLUSTERROLEBINDINGS: "clusterrolebindings" "clusterrolebinding" "ClusterRoleBinding", [], { namespaced: false } of RBAC;
    /// Network policies.
    NETWORKPOLICIES: "networkpolicies" "networkpolicy" "NetworkPolicy", ["netpol"], { group: "networking.k8s.io", generation: true } of CORE;
    /// `MPIJob` of mpi-operator.
    MPIJOBS: "mpijobs" "mpijob" "MPIJob", [], { version: "v2beta1" } of KUBEFLOW;
    /// `MPIJob` of training-operator; not served together with [`MPIJOBS`].
    MPIJOBS_V1: "mpijobs" "mpijob" "MPIJob", [], {} of KUBEFLOW;
    /// `PyTorchJob`.
    PYTORCHJOBS: "pytorchjobs" "pytorchjob" "PyTorchJob", [], { scale: workers!("pytorch") } of KUBEFLOW;
    /// `TFJob`.
    TFJOBS: "tfjobs" "tfjob" "TFJob", [], {} of KUBEFLOW;
    /// `XGBoostJob`.
    XGBOOSTJOBS: "xgboostjobs" "xgboostjob" "XGBoostJob", [], {} of KUBEFLOW;
    /// `PaddleJob`.
    PADDLEJOBS: "paddlejobs" "paddlejob" "PaddleJob", [], { scale: workers!("paddle") } of KUBEFLOW;
    /// `JAXJob`.
    JAXJOBS: "jaxjobs" "jaxjob" "JAXJob", [], { scale: workers!("jax") } of KUBEFLOW;
    /// `TrainJob`.
    TRAINJOBS: "trainjobs" "trainjob" "TrainJob", [], { group: "trainer.kubeflow.org", version: "v1alpha1" } of CUSTOM;
    /// Runtimes of a namespace.
    TRAININGRUNTIMES: "trainingruntimes" "trainingruntime" "TrainingRuntime", [], { group: "trainer.kubeflow.org", version: "v1alpha1", status: false } of CUSTOM;
    /// Runtimes of the cluster.
    CLUSTERTRAININGRUNTIMES: "clustertrainingruntimes" "clustertrainingruntime" "ClusterTrainingRuntime", [], { group: "trainer.kubeflow.org", version: "v1alpha1", status: false, namespaced: false } of CUSTOM;
    /// `JobSet`.
    JOBSETS: "jobsets" "jobset" "JobSet", [], { group: "jobset.x-k8s.io", version: "v1alpha2" } of CUSTOM;
    /// Kueue workloads.
    WORKLOADS: "workloads" "workload" "Workload", ["kwl"], {} of KUEUE;
    /// Kueue queues of a namespace.
    LOCALQUEUES: "localqueues" "localqueue" "LocalQueue", ["queue", "queues", "lq"], {} of KUEUE;
    /// Kueue queues of the cluster.
    CLUSTERQUEUES: "clusterqueues" "clusterqueue" "ClusterQueue", ["cq"], { namespaced: false } of KUEUE;
    /// Kueue flavors.
    RESOURCEFLAVORS: "resourceflavors" "resourceflavor" "ResourceFlavor", ["flavor", "flavors", "rf"], { namespaced: false, status: false } of KUEUE;
    /// Kueue priorities.
    WORKLOADPRIORITYCLASSES: "workloadpriorityclasses" "workloadpriorityclass" "WorkloadPriorityClass", [], { namespaced: false, status: false } of KUEUE;
    /// Kueue queues that share, in a tree.
    COHORTS: "cohorts" "cohort" "Cohort", ["co"], { namespaced: false } of KUEUE;
    /// Whom Kueue asks before it lets a workload start.
    ADMISSIONCHECKS: "admissionchecks" "admissioncheck" "AdmissionCheck", ["ac"], { namespaced: false } of KUEUE;
    /// What pods use, as metrics-server tells it: worked out when asked, never stored.
    POD_METRICS: "pods" "" "PodMetrics", [], { group: "metrics.k8s.io", version: "v1beta1" } of CORE;
    /// What nodes use.
    NODE_METRICS: "nodes" "" "NodeMetrics", [], { group: "metrics.k8s.io", version: "v1beta1", namespaced: false } of CORE;
    /// Projects of `OpenShift`: the namespaces that one may see. Only where that is played.
    PROJECTS: "projects" "project" "Project", [], { group: "project.openshift.io", namespaced: false, custom: true } of CORE;
    /// Kueue before 0.16: its API under the older version.
    WORKLOADS_OLD: "workloads" "workload" "Workload", ["kwl"], {} of KUEUE_OLD;
    /// As above.
    LOCALQUEUES_OLD: "localqueues" "localqueue" "LocalQueue", ["queue", "queues", "lq"], {} of KUEUE_OLD;
    /// As above.
    CLUSTERQUEUES_OLD: "clusterqueues" "clusterqueue" "ClusterQueue", ["cq"], { namespaced: false } of KUEUE_OLD;
    /// As above.
    RESOURCEFLAVORS_OLD: "resourceflavors" "resourceflavor" "ResourceFlavor", ["flavor", "flavors", "rf"], { namespaced: false, status: false } of KUEUE_OLD;
    /// As above.
    WORKLOADPRIORITYCLASSES_OLD: "workloadpriorityclasses" "workloadpriorityclass" "WorkloadPriorityClass", [], { namespaced: false, status: false } of KUEUE_OLD;
    /// As above.
    COHORTS_OLD: "cohorts" "cohort" "Cohort", ["co"], { namespaced: false } of KUEUE_OLD;
    /// As above.
    ADMISSIONCHECKS_OLD: "admissionchecks" "admissioncheck" "AdmissionCheck", ["ac"], { namespaced: false } of KUEUE_OLD;
    /// Volcano's gangs.
    PODGROUPS: "podgroups" "podgroup" "PodGroup", ["pg", "podgroup-v1beta1"], { group: "scheduling.volcano.sh", version: "v1beta1" } of CUSTOM;
    /// scheduler-plugins' gangs.
    PODGROUPS_SCHEDULER_PLUGINS: "podgroups" "podgroup" "PodGroup", ["pg", "pgs"], { group: "scheduling.x-k8s.io", version: "v1alpha1" } of CUSTOM;
}

/// The rows of a cluster with the newer or the older APIs: of two versions of one resource, a cluster serves one.
pub fn of_age(old: bool) -> impl Iterator<Item = &'static Resource> {
    let twin = |a: &Resource, b: &Resource| (a.group, a.plural) == (b.group, b.plural) && a.version != b.version;
    // The newer stands first.
    let is_older = move |at: usize| ALL.iter().take(at).any(|other| twin(other, ALL[at]));
    let rows = ALL.iter().copied().enumerate();
    rows.filter(move |(at, row)| is_older(*at) == old || !ALL.iter().any(|other| twin(other, row))).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_kind_has_its_row() {
        for kind in crate::jobs::Kind::ALL {
            let info = kind.info();
            let row = ALL.iter().find(|r| (r.group, r.version, r.plural) == (info.group, info.version, info.plural));
            assert_eq!(row.map(|r| r.kind), Some(info.kind));
        }
    }

    #[test]
    fn one_version_of_a_resource_is_served() {
        for old in [false, true] {
            let mut ids: Vec<_> = of_age(old).map(|row| (row.group, row.plural)).collect();
            let rows = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), rows);
            assert_eq!(of_age(old).any(|row| *row == MPIJOBS), !old);
            assert_eq!(of_age(old).any(|row| *row == WORKLOADS_OLD), old);
        }
    }

    #[test]
    fn names_read_as_in_refusals() {
        assert_eq!((PODS.qualified().as_str(), PODS.api_version().as_str()), ("pods", "v1"));
        assert_eq!(MPIJOBS.qualified(), "mpijobs.kubeflow.org");
        assert_eq!(MPIJOBS.api_version(), "kubeflow.org/v2beta1");
    }
}
