//! The ground a fleet stands on: what is served, nodes, namespaces, operators, queues, runtimes, quotas.

use serde_json::{Value, json};

use crate::sim::controllers::desk::UNWATCHED;
use crate::sim::store::{
    Resource, Store,
    resource::{
        self, CLUSTERQUEUES, CLUSTERTRAININGRUNTIMES, DEPLOYMENTS, LOCALQUEUES, NODES, PRIORITYCLASSES, QUOTAS,
        RESOURCEFLAVORS, SERVICEACCOUNTS, SERVICES, STORAGECLASSES, WORKLOADPRIORITYCLASSES,
    },
};

/// The demo's namespaces: name, whether the operators watch them, and whose they are.
pub(super) const NAMESPACES: [(&str, bool, &str); 6] = [
    ("vision", true, "perception"),
    ("nlp", true, "language"),
    ("speech", true, "language"),
    ("climate", true, "science"),
    ("research", true, "science"),
    ("sandbox", false, ""),
];

const SYSTEM_CLUSTER: &str =
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.";
const SYSTEM_NODE: &str = "Used for system critical pods that must not be moved from their current node.";

fn put(store: &Store, resource: &'static Resource, object: Value) {
    // What is there already (a namespace made by the API server) may stay as it is.
    let _ = store.seed(resource, object);
}

/// Lays the ground.
pub(crate) fn lay(store: &Store, demo: bool) {
    for name in
        ["default", "kube-system", "kube-public", "kube-node-lease", "mpi-operator", "kubeflow-system", "kueue-system"]
    {
        namespace(store, name, true, "");
    }
    nodes(store);
    operators(store);
    monitoring(store);
    if store.served("kueue.x-k8s.io", "workloads").is_some() {
        runtimes(store);
    }
    for (class, provisioner, mode, default) in [
        ("standard", "block.csi.example.com", "WaitForFirstConsumer", "true"),
        ("shared-nfs", "nfs.csi.example.com", "Immediate", "false"),
    ] {
        let annotations = json!({"storageclass.kubernetes.io/is-default-class": default});
        put(
            store,
            &STORAGECLASSES,
            json!({"metadata": {"name": class, "annotations": annotations}, "provisioner": provisioner, "reclaimPolicy": "Delete", "volumeBindingMode": mode}),
        );
    }
    for (class, value, what) in [
        ("system-cluster-critical", 2_000_000_000_i64, SYSTEM_CLUSTER),
        ("system-node-critical", 2_000_001_000, SYSTEM_NODE),
        ("training-high", 1000, ""),
        ("training-low", -100, ""),
    ] {
        let mut made = json!({"metadata": {"name": class}, "value": value});
        if !what.is_empty() {
            made["description"] = json!(what);
        }
        put(store, &PRIORITYCLASSES, made);
    }
    if demo {
        for (name, watched, team) in NAMESPACES {
            namespace(store, name, watched, team);
        }
        queues(store);
        let hard = json!({"requests.nvidia.com/gpu": "6", "pods": "40"});
        put(
            store,
            &QUOTAS,
            json!({"metadata": {"name": "gpu-quota", "namespace": "speech"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": {}}}),
        );
    }
}

/// Prometheus, as its operator sets it up; who passes requests on to it is the API server.
fn monitoring(store: &Store) {
    namespace(store, "monitoring", true, "");
    let labels = json!({"app.kubernetes.io/name": "prometheus", "app.kubernetes.io/component": "prometheus"});
    let ports = json!([{"name": "web", "port": 9090, "protocol": "TCP", "targetPort": "web"}]);
    put(
        store,
        &SERVICES,
        json!({"metadata": {"name": "prometheus", "namespace": "monitoring", "labels": labels},
            "spec": {"type": "ClusterIP", "clusterIP": "10.96.14.90", "clusterIPs": ["10.96.14.90"], "ports": ports, "selector": labels}}),
    );
}

fn namespace(store: &Store, name: &str, watched: bool, team: &str) {
    let mut labels = json!({"kubernetes.io/metadata.name": name});
    if !watched {
        labels[UNWATCHED] = json!("none");
    }
    if !team.is_empty() {
        labels["team"] = json!(team);
    }
    put(
        store,
        &resource::NAMESPACES,
        json!({"metadata": {"name": name, "labels": labels}, "status": {"phase": "Active"}}),
    );
    put(store, &SERVICEACCOUNTS, json!({"metadata": {"name": "default", "namespace": name}}));
}

fn nodes(store: &Store) {
    node(store, "cp-1", 0, 0, "", Some(("node-role.kubernetes.io/control-plane", "")));
    for i in 0..3 {
        node(store, &format!("cpu-{i}"), i + 1, 0, "", None);
    }
    for i in 0..8 {
        let product = if i < 4 { "NVIDIA-A100-SXM4-80GB" } else { "NVIDIA-H100-80GB-HBM3" };
        let short = if i < 4 { "a100" } else { "h100" };
        node(store, &format!("gpu-{short}-{}", i % 4), i + 4, 8, product, Some(("nvidia.com/gpu", "present")));
    }
}

fn node(store: &Store, name: &str, n: u32, gpus: u32, product: &str, taint: Option<(&str, &str)>) {
    let zone = ["eu-west-1a", "eu-west-1b", "eu-west-1c"][(n % 3) as usize];
    let ip = format!("10.0.{}.{}", n % 3, 10 + n);
    let mut labels = json!({
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "eu-west-1",
    });
    let (cpu, memory) = if gpus > 0 { ("128", "1024Gi") } else { ("64", "256Gi") };
    let mut capacity = json!({"cpu": cpu, "memory": memory, "ephemeral-storage": "900Gi", "pods": "110"});
    if gpus > 0 {
        labels["nvidia.com/gpu.product"] = json!(product);
        labels["nvidia.com/gpu.count"] = json!(gpus.to_string());
        capacity["nvidia.com/gpu"] = json!(gpus.to_string());
    }
    let mut spec = json!({"podCIDR": format!("10.244.{n}.0/24"), "providerID": format!("metal://{name}")});
    if let Some((key, value)) = taint {
        spec["taints"] = json!([{"key": key, "value": value, "effect": "NoSchedule"}]);
        if gpus == 0 {
            labels["node-role.kubernetes.io/control-plane"] = json!("");
        }
    }
    let now = store.clock().stamp();
    let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status", "lastHeartbeatTime": now, "lastTransitionTime": now});
    put(
        store,
        &NODES,
        json!({
            "metadata": {"name": name, "labels": labels}, "spec": spec,
            "status": {
                "allocatable": capacity, "capacity": capacity, "conditions": [ready],
                "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
                "nodeInfo": {"kubeletVersion": store.release().git_version(), "osImage": "Ubuntu 24.04.2 LTS", "kernelVersion": "6.8.0-62-generic", "containerRuntimeVersion": "containerd://2.0.5", "operatingSystem": "linux", "architecture": "amd64"},
            },
        }),
    );
}

fn operators(store: &Store) {
    if store.served("kueue.x-k8s.io", "workloads").is_none() {
        return;
    }
    for (space, name, image) in [
        ("mpi-operator", "mpi-operator", "mpioperator/mpi-operator:0.8.2"),
        ("kubeflow-system", "training-operator", "kubeflow/training-operator:v1-9.4"),
        (
            "kubeflow-system",
            "kubeflow-trainer-controller-manager",
            "ghcr.io/kubeflow/trainer/trainer-controller-manager:v2.3.0",
        ),
        ("kubeflow-system", "jobset-controller-manager", "registry.k8s.io/jobset/jobset:v0.10.1"),
        ("kueue-system", "kueue-controller-manager", "registry.k8s.io/kueue/kueue:v0.19.2"),
    ] {
        let labels = json!({"app": name});
        put(
            store,
            &DEPLOYMENTS,
            json!({
                "metadata": {"name": name, "namespace": space, "labels": labels},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "manager", "image": image}]}}},
                "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1},
            }),
        );
    }
}

fn runtimes(store: &Store) {
    let node = |ancestor: bool, command: Value| {
        let mut replicated = json!({
            "name": "node", "replicas": 1,
            "template": {"metadata": {}, "spec": {"backoffLimit": 0, "template": {"metadata": {}, "spec": {
                "restartPolicy": "Never", "containers": [{"name": "node", "image": "registry.example.com/ml/pytorch:2.5.1-cuda12.4-cudnn9"}],
            }}}},
        });
        if ancestor {
            replicated["template"]["metadata"]["labels"] =
                json!({"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"});
        }
        if !command.is_null() {
            replicated["template"]["spec"]["template"]["spec"]["containers"][0]["command"] = command;
        }
        replicated
    };
    let make = |name: &str, framework: &str, policy: Value, spec: Value| {
        put(
            store,
            &CLUSTERTRAININGRUNTIMES,
            json!({
                "metadata": {"name": name, "labels": {"trainer.kubeflow.org/framework": framework}},
                "spec": {"mlPolicy": policy, "template": {"spec": spec}},
            }),
        );
    };
    make(
        "torch-distributed",
        "torch",
        json!({"numNodes": 1, "torch": {}}),
        json!({"replicatedJobs": [node(true, Value::Null)], "failurePolicy": {"maxRestarts": 1}}),
    );
    make(
        "jax-distributed",
        "jax",
        json!({"numNodes": 1, "jax": {}}),
        json!({"replicatedJobs": [node(true, Value::Null)]}),
    );
    let mut launcher = node(true, Value::Null);
    launcher["name"] = json!("launcher");
    let sshd = node(false, json!(["/usr/sbin/sshd", "-De"]));
    let mpi = json!({"numNodes": 1, "mpi": {"numProcPerNode": 1, "mpiImplementation": "OpenMPI", "sshAuthMountPath": "/home/mpiuser/.ssh", "runLauncherAsNode": false}});
    make(
        "openmpi-cuda",
        "openmpi",
        mpi,
        json!({
            "replicatedJobs": [launcher, sshd], "successPolicy": {"operator": "All", "targetReplicatedJobs": ["launcher"]},
        }),
    );
}

fn queues(store: &Store) {
    for name in ["a100", "h100"] {
        put(
            store,
            &RESOURCEFLAVORS,
            json!({"metadata": {"name": name}, "spec": {
                "nodeLabels": {"topology.kubernetes.io/region": "eu-west-1"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            }}),
        );
    }
    for (class, value) in [("production", 1000), ("research", 100), ("scavenger", -10)] {
        put(
            store,
            &WORKLOADPRIORITYCLASSES,
            json!({"metadata": {"name": class}, "value": value, "description": class}),
        );
    }
    for (name, flavor, gpus, stop) in [
        ("team-shared", "a100", "12", "None"),
        ("team-large", "h100", "8", "None"),
        ("maintenance", "h100", "8", "Hold"),
    ] {
        let resources = json!([{"name": "cpu", "nominalQuota": "256"}, {"name": "memory", "nominalQuota": "2048Gi"}, {"name": "nvidia.com/gpu", "nominalQuota": gpus}]);
        put(
            store,
            &CLUSTERQUEUES,
            json!({
                "metadata": {"name": name},
                "spec": {
                    "queueingStrategy": "BestEffortFIFO", "stopPolicy": stop, "namespaceSelector": {},
                    "preemption": {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Never"},
                    "resourceGroups": [{"coveredResources": ["cpu", "memory", "nvidia.com/gpu"], "flavors": [{"name": flavor, "resources": resources}]}],
                },
            }),
        );
    }
    for (space, name, queue) in [
        ("vision", "vision-gpu", "team-shared"),
        ("nlp", "nlp-gpu", "team-shared"),
        ("research", "research-large", "team-large"),
        ("climate", "climate-maint", "maintenance"),
    ] {
        put(
            store,
            &LOCALQUEUES,
            json!({"metadata": {"name": name, "namespace": space}, "spec": {"clusterQueue": queue, "stopPolicy": "None"}}),
        );
    }
}
