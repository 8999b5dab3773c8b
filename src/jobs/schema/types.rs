//! The shapes of the job kinds, as their custom resource definitions give them. Comments are what `kubectl explain` says.
#![allow(dead_code, reason = "only the shape of these types is used")]
#![allow(clippy::doc_markdown, reason = "kubectl explain shows the comments as they are")]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use schemars::JsonSchema;
use serde_json::{Value, json};

/// The schema of a custom resource's objects around those of its parts.
pub fn root(kind: &str, parts: &Value) -> Value {
    let mut schema = json!({"description": format!("{kind} is a custom resource."), "type": "object", "properties": {
        "apiVersion": {"description": "Group and version of this object's schema.", "type": "string"},
        "kind": {"description": "The kind of this object.", "type": "string"},
        "metadata": {"description": "Name, labels and what the server keeps.", "$ref": format!("{}{}", super::PLACE, super::META)},
    }});
    for (key, part) in parts.as_object().into_iter().flatten() {
        let described = match key.as_str() {
            "spec" => "What is wanted.",
            _ => "What was last seen of it.",
        };
        schema["properties"][key] = part.clone();
        schema["properties"][key]["description"] = json!(described);
    }
    schema
}

/// An MPI job of mpi-operator.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MpiJobSpec {
    /// When the launcher is made: AtStartup or WaitForWorkersReady.
    #[schemars(extend("default" = "AtStartup"))]
    launcher_creation_policy: Option<String>,
    /// The MPI that the images hold.
    #[schemars(extend("default" = "OpenMPI", "enum" = ["OpenMPI", "Intel", "MPICH"]))]
    mpi_implementation: Option<String>,
    /// Launcher and Worker, each with its replicas and pod template.
    mpi_replica_specs: BTreeMap<String, ReplicaSpec>,
    /// Whether the launcher's pod takes ranks too.
    #[schemars(extend("default" = false))]
    run_launcher_as_worker: Option<bool>,
    /// How the job ends and what is left then.
    run_policy: Option<MpiRunPolicy>,
    /// Ranks per worker in the hostfile.
    #[schemars(extend("default" = 1))]
    slots_per_worker: Option<i32>,
    /// Where the job's ssh keys are mounted.
    #[schemars(extend("default" = "/root/.ssh"))]
    ssh_auth_mount_path: Option<String>,
}

/// How an MPI job ends and what is left then.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MpiRunPolicy {
    /// Seconds after which the launcher is ended.
    active_deadline_seconds: Option<i64>,
    /// Attempts of the launcher beside the first.
    backoff_limit: Option<i32>,
    /// Which pods are deleted at the end: None, Running or All.
    clean_pod_policy: Option<String>,
    /// Which controller minds the job.
    managed_by: Option<String>,
    /// For gang schedulers.
    scheduling_policy: Option<SchedulingPolicy>,
    /// Holds the job: no pods while true.
    #[schemars(extend("default" = false))]
    suspend: Option<bool>,
    /// Seconds that the launcher's Job is kept after its end.
    ttl_seconds_after_finished: Option<i32>,
}

/// How a job ends and what is left then.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunPolicy {
    /// Seconds after which the job fails.
    active_deadline_seconds: Option<i64>,
    /// Restarts before the job fails.
    backoff_limit: Option<i32>,
    /// Which pods are deleted at the end: None, Running or All.
    clean_pod_policy: Option<String>,
    /// Which controller minds the job.
    managed_by: Option<String>,
    /// For gang schedulers.
    scheduling_policy: Option<SchedulingPolicy>,
    /// Holds the job: no pods while true.
    #[schemars(extend("default" = false))]
    suspend: Option<bool>,
    /// Seconds that the job is kept after its end.
    ttl_seconds_after_finished: Option<i32>,
}

/// What a gang scheduler is told.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchedulingPolicy {
    /// Pods that must be placed together.
    min_available: Option<i32>,
    /// Resources that must be free together.
    min_resources: Option<BTreeMap<String, Quantity>>,
    /// Priority of the group.
    priority_class: Option<String>,
    /// Queue of the group.
    queue: Option<String>,
    /// Seconds to wait for a place.
    schedule_timeout_seconds: Option<i32>,
}

/// Pods of one role.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSpec {
    /// How many.
    replicas: Option<i32>,
    /// What becomes of a pod that ended.
    restart_policy: Option<String>,
    /// What each pod is made from.
    template: Option<PodTemplate>,
}

/// What a pod is made from.
#[derive(JsonSchema)]
pub struct PodTemplate {
    /// Labels and annotations of the pods.
    metadata: Option<TemplateMetadata>,
    /// Containers, volumes and placement.
    spec: Option<PodSpec>,
}

/// The metadata that a template may set.
#[derive(JsonSchema)]
pub struct TemplateMetadata {
    /// Annotations of the pods.
    annotations: Option<BTreeMap<String, String>>,
    /// Finalizers of the pods.
    finalizers: Option<Vec<String>>,
    /// Labels of the pods.
    labels: Option<BTreeMap<String, String>>,
    /// Not used: pods are named after their job.
    name: Option<String>,
    /// Not used: pods live beside their job.
    namespace: Option<String>,
}

/// An MPI job of training-operator.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MpiJobV1Spec {
    /// Which pods are deleted at the end: None, Running or All.
    clean_pod_policy: Option<String>,
    /// The container that counts.
    main_container: Option<String>,
    /// Launcher and Worker.
    mpi_replica_specs: BTreeMap<String, ReplicaSpec>,
    /// How the job ends.
    run_policy: Option<RunPolicy>,
    /// Ranks per worker.
    slots_per_worker: Option<i32>,
}

/// A PyTorch job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PyTorchJobSpec {
    /// For elastic jobs.
    #[schemars(with = "Option<Anything>")]
    elastic_policy: Option<Value>,
    /// Processes on each node: a number, auto, cpu or gpu.
    nproc_per_node: Option<String>,
    /// Master and Worker.
    pytorch_replica_specs: BTreeMap<String, ReplicaSpec>,
    /// How the job ends.
    run_policy: Option<RunPolicy>,
}

/// A TensorFlow job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TfJobSpec {
    /// Whether workers may come and go.
    enable_dynamic_worker: Option<bool>,
    /// How the job ends.
    run_policy: Option<RunPolicy>,
    /// Empty or AllWorkers.
    success_policy: Option<String>,
    /// Chief, PS, Worker and Evaluator.
    tf_replica_specs: BTreeMap<String, ReplicaSpec>,
}

/// An XGBoost job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct XgBoostJobSpec {
    /// How the job ends.
    run_policy: Option<RunPolicy>,
    /// Master and Worker.
    xgb_replica_specs: BTreeMap<String, ReplicaSpec>,
}

/// A `PaddlePaddle` job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaddleJobSpec {
    /// For elastic jobs.
    #[schemars(with = "Option<Anything>")]
    elastic_policy: Option<Value>,
    /// Master and Worker.
    paddle_replica_specs: BTreeMap<String, ReplicaSpec>,
    /// How the job ends.
    run_policy: Option<RunPolicy>,
}

/// A JAX job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JaxJobSpec {
    /// Workers.
    jax_replica_specs: BTreeMap<String, ReplicaSpec>,
    /// How the job ends.
    run_policy: Option<RunPolicy>,
}

/// Conditions, counts and times of a job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// When it ended.
    completion_time: Option<String>,
    /// What has become of it, one entry a type.
    conditions: Option<Vec<JobCondition>>,
    /// When the controller last looked.
    last_reconcile_time: Option<String>,
    /// Pods by role.
    replica_statuses: Option<BTreeMap<String, ReplicaCounts>>,
    /// When it started.
    start_time: Option<String>,
}

/// One thing that has become of a job.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCondition {
    /// When the status last changed.
    last_transition_time: Option<String>,
    /// When it was last written.
    last_update_time: Option<String>,
    /// For people.
    message: Option<String>,
    /// For machines.
    reason: Option<String>,
    /// True, False or Unknown.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    status: String,
    /// Created, Running, Restarting, Suspended, Succeeded or Failed.
    #[serde(rename = "type")]
    kind: String,
}

/// Pods of a role, counted.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaCounts {
    /// Running.
    active: Option<i32>,
    /// Ended badly.
    failed: Option<i32>,
    /// Not used.
    label_selector: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector>,
    /// Selects the role's pods.
    selector: Option<String>,
    /// Ended well.
    succeeded: Option<i32>,
}

/// An object of any shape.
#[derive(JsonSchema)]
#[schemars(extend("type" = "object", "x-kubernetes-preserve-unknown-fields" = true))]
pub struct Anything {}

/// A job of Kubeflow Trainer.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrainJobSpec {
    /// Seconds after which the job fails.
    #[schemars(extend("minimum" = 1))]
    active_deadline_seconds: Option<i64>,
    /// Annotations of what is made for the job.
    annotations: Option<BTreeMap<String, String>>,
    /// Fetches data and model first.
    #[schemars(with = "Option<Anything>")]
    initializer: Option<Value>,
    /// Labels of what is made for the job.
    labels: Option<BTreeMap<String, String>>,
    /// Which controller minds the job.
    #[schemars(extend("default" = "trainer.kubeflow.org/trainjob-controller"))]
    managed_by: Option<String>,
    /// Changes to the runtime's pods.
    #[schemars(with = "Option<Vec<Anything>>")]
    pod_template_overrides: Option<Value>,
    /// Changes to the runtime.
    #[schemars(with = "Option<Vec<Anything>>")]
    runtime_patches: Option<Value>,
    /// The runtime to build on.
    runtime_ref: RuntimeRef,
    /// Holds the job: no pods while true.
    #[schemars(extend("default" = false))]
    suspend: Option<bool>,
    /// The training itself.
    trainer: Option<TrainerSpec>,
}

/// Names a runtime.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeRef {
    /// The runtime's group.
    #[schemars(extend("default" = "trainer.kubeflow.org"))]
    api_group: Option<String>,
    /// TrainingRuntime or ClusterTrainingRuntime.
    #[schemars(extend("default" = "ClusterTrainingRuntime"))]
    kind: Option<String>,
    /// Its name.
    name: String,
}

/// The training itself.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrainerSpec {
    /// Arguments of the command.
    args: Option<Vec<String>>,
    /// The command.
    command: Option<Vec<String>>,
    /// Environment of the training's container.
    env: Option<Vec<k8s_openapi::api::core::v1::EnvVar>>,
    /// The image.
    image: Option<String>,
    /// Nodes to train on.
    num_nodes: Option<i32>,
    /// Processes on each node.
    num_proc_per_node: Option<i32>,
    /// What each node needs.
    resources_per_node: Option<ResourceRequirements>,
}

/// Conditions of a train job, and its jobs counted.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrainJobStatus {
    /// What has become of it.
    conditions: Option<Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition>>,
    /// The jobs it consists of.
    #[schemars(with = "Option<Vec<Anything>>")]
    jobs_status: Option<Value>,
    /// What the training says about itself.
    #[schemars(with = "Option<Anything>")]
    trainer_status: Option<Value>,
}
