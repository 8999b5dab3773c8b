//! Which columns each resource has, and what stands in them: one table.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{self, age, condition, count, labels_of, last_condition, names, or_none, words};
use super::column::{Column, text, wide};
use super::{event, places, pods};
use crate::sim::store::Resource;

const fn number(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { name, kind: "integer", wide: false, cell }
}

const AGE: Column = text("Age", |o, now| json!(age(&o["metadata"]["creationTimestamp"], now)));
/// Custom resources tell when they were made; the server turns it into an age all the same.
const AGE_OF_CUSTOM: Column = Column { kind: "date", ..AGE };
const STATE: Column = text("State", |o, _| last_condition(&o["status"]));
const CONTAINERS: Column = wide("Containers", |o, _| names(&o["spec"]["template"]["spec"], "name"));
const IMAGES: Column = wide("Images", |o, _| names(&o["spec"]["template"]["spec"], "image"));
const SELECTOR: Column = wide("Selector", |o, _| json!(labels_of(&o["spec"]["selector"])));

static NAMESPACE: &[Column] = &[text("Status", |o, _| o["status"]["phase"].clone()), AGE];
static NODE: &[Column] = &[
    text("Status", |o, _| json!(cells::node_status(o))),
    text("Roles", |o, _| json!(cells::node_roles(o))),
    AGE,
    text("Version", |o, _| o["status"]["nodeInfo"]["kubeletVersion"].clone()),
    wide("Internal-IP", |o, _| cells::node_address(o, "InternalIP")),
    wide("External-IP", |o, _| cells::node_address(o, "ExternalIP")),
    wide("OS-Image", |o, _| words(&o["status"]["nodeInfo"]["osImage"], "<unknown>")),
    wide("Kernel-Version", |o, _| words(&o["status"]["nodeInfo"]["kernelVersion"], "<unknown>")),
    wide("Container-Runtime", |o, _| words(&o["status"]["nodeInfo"]["containerRuntimeVersion"], "<unknown>")),
];
static SERVICE: &[Column] = &[
    text("Type", |o, _| o["spec"]["type"].clone()),
    text("Cluster-IP", |o, _| or_none(&o["spec"]["clusterIP"])),
    text("External-IP", |_, _| json!("<none>")),
    text("Port(s)", |o, _| json!(cells::ports(&o["spec"]))),
    AGE,
    wide("Selector", |o, _| json!(cells::pairs(&o["spec"]["selector"]))),
];
static CONFIG_MAP: &[Column] = &[text("Data", |o, _| json!(count(&o["data"]) + count(&o["binaryData"]))), AGE];
static SECRET: &[Column] =
    &[text("Type", |o, _| o["type"].clone()), text("Data", |o, _| json!(count(&o["data"]))), AGE];
static CLAIM: &[Column] = &[
    text("Status", |o, _| json!(cells::phase(o))),
    text("Volume", |o, _| words(&o["spec"]["volumeName"], "")),
    text("Capacity", |o, _| cells::if_bound(o, &o["status"]["capacity"]["storage"])),
    text("Access Modes", |o, _| cells::if_bound(o, &json!(cells::access_modes(&o["status"]["accessModes"])))),
    text("StorageClass", |o, _| words(&o["spec"]["storageClassName"], "")),
    text("VolumeAttributesClass", |o, _| words(&o["spec"]["volumeAttributesClassName"], "<unset>")),
    AGE,
    wide("VolumeMode", |o, _| words(&o["spec"]["volumeMode"], "<unset>")),
];
static VOLUME: &[Column] = &[
    text("Capacity", |o, _| o["spec"]["capacity"]["storage"].clone()),
    text("Access Modes", |o, _| json!(cells::access_modes(&o["spec"]["accessModes"]))),
    text("Reclaim Policy", |o, _| o["spec"]["persistentVolumeReclaimPolicy"].clone()),
    text("Status", |o, _| json!(cells::phase(o))),
    text("Claim", |o, _| json!(cells::claim(&o["spec"]["claimRef"]))),
    text("StorageClass", |o, _| words(&o["spec"]["storageClassName"], "")),
    text("VolumeAttributesClass", |o, _| words(&o["spec"]["volumeAttributesClassName"], "<unset>")),
    text("Reason", |o, _| words(&o["status"]["reason"], "")),
    AGE,
    wide("VolumeMode", |o, _| words(&o["spec"]["volumeMode"], "<unset>")),
];
static QUOTA: &[Column] = &[
    text("Request", |o, _| json!(cells::quota(&o["status"], false))),
    text("Limit", |o, _| json!(cells::quota(&o["status"], true))),
    AGE,
];
static LIMIT_RANGE: &[Column] =
    &[Column { kind: "date", ..text("Created At", |o, _| o["metadata"]["creationTimestamp"].clone()) }];
static DEPLOYMENT: &[Column] = &[
    text("Ready", |o, _| {
        let number = |v: &Value, default| v.as_i64().unwrap_or(default);
        json!(format!("{}/{}", number(&o["status"]["readyReplicas"], 0), number(&o["spec"]["replicas"], 1)))
    }),
    text("Up-to-date", |o, _| json!(o["status"]["updatedReplicas"].as_i64().unwrap_or(0))),
    text("Available", |o, _| json!(o["status"]["availableReplicas"].as_i64().unwrap_or(0))),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static REPLICA_SET: &[Column] = &[
    number("Desired", |o, _| json!(o["spec"]["replicas"].as_i64().unwrap_or(0))),
    number("Current", |o, _| json!(o["status"]["replicas"].as_i64().unwrap_or(0))),
    number("Ready", |o, _| json!(o["status"]["readyReplicas"].as_i64().unwrap_or(0))),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static ENDPOINTS: &[Column] = &[text("Endpoints", |o, _| json!(places::endpoints(o))), AGE];
static ENDPOINT_SLICE: &[Column] = &[
    text("AddressType", |o, _| words(&o["addressType"], "")),
    text("Ports", |o, _| json!(places::ports(o))),
    text("Endpoints", |o, _| json!(places::addresses(o))),
    AGE,
];
static LEASE: &[Column] = &[text("Holder", |o, _| words(&o["spec"]["holderIdentity"], "")), AGE];
static ROLE: &[Column] =
    &[Column { kind: "date", ..text("Created At", |o, _| o["metadata"]["creationTimestamp"].clone()) }];
static BINDING: &[Column] = &[
    text("Role", |o, _| json!(cells::role(&o["roleRef"]))),
    AGE,
    wide("Users", |o, _| json!(cells::subjects(o, "User"))),
    wide("Groups", |o, _| json!(cells::subjects(o, "Group"))),
    wide("ServiceAccounts", |o, _| json!(cells::subjects(o, "ServiceAccount"))),
];
static JOB: &[Column] = &[
    text("Status", |o, _| json!(cells::job_status(o))),
    text("Completions", |o, _| {
        let (done, wanted) = (&o["status"]["succeeded"], &o["spec"]["completions"]);
        json!(format!("{}/{}", done.as_i64().unwrap_or(0), wanted.as_i64().unwrap_or(1)))
    }),
    text("Duration", |o, now| json!(cells::took(&o["status"], now))),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static BUDGET: &[Column] = &[
    text("Min Available", |o, _| words(&o["spec"]["minAvailable"], "N/A")),
    text("Max Unavailable", |o, _| words(&o["spec"]["maxUnavailable"], "N/A")),
    number("Allowed Disruptions", |o, _| json!(o["status"]["disruptionsAllowed"].as_i64().unwrap_or(0))),
    AGE,
];
static NETWORK_POLICY: &[Column] = &[text("Pod-Selector", |o, _| json!(labels_of(&o["spec"]["podSelector"]))), AGE];
static PRIORITY_CLASS: &[Column] = &[
    number("Value", |o, _| o["value"].clone()),
    Column { kind: "boolean", ..text("Global-Default", |o, _| json!(o["globalDefault"] == true)) },
    AGE,
    text("PreemptionPolicy", |o, _| o["preemptionPolicy"].clone()),
];
static STORAGE_CLASS: &[Column] = &[
    text("Provisioner", |o, _| o["provisioner"].clone()),
    text("ReclaimPolicy", |o, _| words(&o["reclaimPolicy"], "Delete")),
    text("VolumeBindingMode", |o, _| words(&o["volumeBindingMode"], "<unset>")),
    text("AllowVolumeExpansion", |o, _| json!((o["allowVolumeExpansion"] == true).to_string())),
    AGE,
];
static JOB_KIND: &[Column] = &[STATE, AGE_OF_CUSTOM];
static MPI_JOB_V1: &[Column] = &[AGE_OF_CUSTOM, STATE];
static JOB_SET: &[Column] = &[
    text("TerminalState", |o, _| o["status"]["terminalState"].clone()),
    text("Restarts", |o, _| o["status"]["restarts"].clone()),
    text("Completed", |o, _| condition(&o["status"], "Completed")),
    text("Suspended", |o, _| o["spec"]["suspend"].clone()),
    AGE_OF_CUSTOM,
];
static WORKLOAD: &[Column] = &[
    text("Queue", |o, _| o["spec"]["queueName"].clone()),
    text("Reserved in", |o, _| o["status"]["admission"]["clusterQueue"].clone()),
    text("Admitted", |o, _| condition(&o["status"], "Admitted")),
    text("Finished", |o, _| condition(&o["status"], "Finished")),
    AGE_OF_CUSTOM,
];
static LOCAL_QUEUE: &[Column] = &[
    text("ClusterQueue", |o, _| o["spec"]["clusterQueue"].clone()),
    number("Pending Workloads", |o, _| o["status"]["pendingWorkloads"].clone()),
    number("Admitted Workloads", |o, _| o["status"]["admittedWorkloads"].clone()),
];
static CLUSTER_QUEUE: &[Column] = &[
    text("Cohort", |o, _| o["spec"]["cohortName"].clone()),
    wide("Strategy", |o, _| o["spec"]["queueingStrategy"].clone()),
    number("Pending Workloads", |o, _| o["status"]["pendingWorkloads"].clone()),
    Column { wide: true, ..number("Admitted Workloads", |o, _| o["status"]["admittedWorkloads"].clone()) },
];
static WORKLOAD_PRIORITY: &[Column] = &[number("Value", |o, _| o["value"].clone())];
static POD_GROUP: &[Column] = &[
    text("Status", |o, _| o["status"]["phase"].clone()),
    number("MinMember", |o, _| o["spec"]["minMember"].clone()),
    number("RUNNINGS", |o, _| o["status"]["running"].clone()),
    AGE_OF_CUSTOM,
];
static POD_METRICS: &[Column] = &[
    text("CPU", |o, _| o["containers"][0]["usage"]["cpu"].clone()),
    text("Memory", |o, _| o["containers"][0]["usage"]["memory"].clone()),
    text("Window", |o, _| o["window"].clone()),
];
static NODE_METRICS: &[Column] = &[
    text("CPU", |o, _| o["usage"]["cpu"].clone()),
    text("Memory", |o, _| o["usage"]["memory"].clone()),
    text("Window", |o, _| o["window"].clone()),
];
static PLAIN: &[Column] = &[AGE];
static PLAIN_CUSTOM: &[Column] = &[AGE_OF_CUSTOM];

/// The columns of a resource after its name; events have theirs at the end.
pub(super) fn of(resource: &Resource) -> &'static [Column] {
    match (resource.group, resource.plural) {
        ("", "pods") => pods::COLUMNS,
        ("metrics.k8s.io", "pods") => POD_METRICS,
        ("metrics.k8s.io", _) => NODE_METRICS,
        ("" | "events.k8s.io", "events") => event::COLUMNS,
        ("", "namespaces") => NAMESPACE,
        ("", "nodes") => NODE,
        ("", "services") => SERVICE,
        ("", "configmaps") => CONFIG_MAP,
        ("", "secrets") => SECRET,
        ("", "persistentvolumeclaims") => CLAIM,
        ("", "persistentvolumes") => VOLUME,
        ("", "resourcequotas") => QUOTA,
        ("", "limitranges") => LIMIT_RANGE,
        ("", "endpoints") => ENDPOINTS,
        ("discovery.k8s.io", "endpointslices") => ENDPOINT_SLICE,
        ("coordination.k8s.io", "leases") => LEASE,
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => ROLE,
        ("rbac.authorization.k8s.io", _) => BINDING,
        ("apps", "replicasets") => REPLICA_SET,
        ("apps", "deployments") => DEPLOYMENT,
        ("batch", "jobs") => JOB,
        ("policy", "poddisruptionbudgets") => BUDGET,
        ("networking.k8s.io", "networkpolicies") => NETWORK_POLICY,
        ("scheduling.k8s.io", "priorityclasses") => PRIORITY_CLASS,
        ("storage.k8s.io", "storageclasses") => STORAGE_CLASS,
        ("kubeflow.org", "mpijobs") if resource.version == "v1" => MPI_JOB_V1,
        ("kubeflow.org", "mpijobs") => PLAIN_CUSTOM,
        ("kubeflow.org", _) | ("trainer.kubeflow.org", "trainjobs") => JOB_KIND,
        ("jobset.x-k8s.io", "jobsets") => JOB_SET,
        ("kueue.x-k8s.io", "workloads") => WORKLOAD,
        ("kueue.x-k8s.io", "localqueues") => LOCAL_QUEUE,
        ("kueue.x-k8s.io", "clusterqueues") => CLUSTER_QUEUE,
        ("kueue.x-k8s.io", "workloadpriorityclasses") => WORKLOAD_PRIORITY,
        (_, "podgroups") => POD_GROUP,
        _ if resource.custom => PLAIN_CUSTOM,
        _ => PLAIN,
    }
}
