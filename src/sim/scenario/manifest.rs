//! Manifests of planned jobs, as their users would have written them.

use serde_json::{Value, json};

use super::plan::Plan;
use crate::{
    jobs::Kind,
    sim::{
        kubelet::script::ANNOTATION,
        store::{Resource, Store},
        value::{list, push, set},
    },
};

/// The resource and the manifest of a plan; `None` if its kind is not served.
pub(super) fn of(store: &Store, plan: &Plan, job_name: &str) -> Option<(&'static Resource, Value)> {
    let served = |kind: Kind| {
        let info = kind.info();
        Some((kind, store.resource(info.group, info.version, info.plural)?))
    };
    let (kind, resource) = Kind::ALL.into_iter().filter(|k| k.info().kind == plan.kind).find_map(served)?;
    let mut labels = json!({"team": plan.namespace, "app.kubernetes.io/part-of": plan.name});
    if !plan.queue.is_empty() {
        labels["kueue.x-k8s.io/queue-name"] = json!(plan.queue);
    }
    if !plan.priority.is_empty() {
        labels["kueue.x-k8s.io/priority-class"] = json!(plan.priority);
    }
    let mut object = json!({
        "metadata": {
            "name": job_name, "namespace": plan.namespace, "labels": labels,
            "annotations": {"mpideck.io/creator": plan.user, "sim.mpideck.io/script": plan.script},
        },
        "spec": match kind {
            Kind::MpiJob | Kind::MpiJobV1 => mpi(plan, kind),
            Kind::TrainJob => train(plan),
            _ => v1(plan, kind),
        },
    });
    if let Some(run) = plan.run.filter(|_| kind == Kind::TrainJob) {
        object["metadata"]["annotations"]["sim.mpideck.io/run-seconds"] = json!(run.to_string());
    }
    if !plan.patch.is_empty()
        && let Ok(patch) = serde_saphyr::from_str::<Value>(&plan.patch)
    {
        json_patch::merge(&mut object, &patch);
    }
    if !plan.finalizer.is_empty() {
        object["metadata"]["finalizers"] = json!([plan.finalizer]);
    }
    Some((resource, object))
}

fn image(plan: &Plan) -> &str {
    if !plan.image.is_empty() {
        return &plan.image;
    }
    match plan.script.as_str() {
        "horovod" => "registry.example.com/ml/horovod:0.28.1-torch2.4-cuda12.4",
        "deepspeed" => "registry.example.com/ml/deepspeed:0.16.2-cuda12.4",
        "openmpi" => "registry.example.com/hpc/openmpi:4.1.6-cuda12.4",
        "tensorflow" => "registry.example.com/ml/tensorflow:2.17.0-gpu",
        _ => "registry.example.com/ml/pytorch:2.5.1-cuda12.4-cudnn9",
    }
}

fn command(plan: &Plan) -> Vec<String> {
    let np = plan.workers * plan.gpus.max(1);
    let default = match plan.script.as_str() {
        "deepspeed" => "deepspeed --hostfile /etc/mpi/hostfile train.py --deepspeed ds_config.json".to_owned(),
        "openmpi" => format!("mpirun -np {np} --tag-output /opt/app/solver --input /data/case.in"),
        "openmpi5" => format!("mpirun -np {np} --output tag-detailed /opt/app/solver --input /data/case.in"),
        "intel" | "mpich" => format!("mpirun -l -n {np} /opt/app/solver --input /data/case.in"),
        "tensorflow" => "python train.py --strategy multi_worker".to_owned(),
        _ if plan.kind != "MPIJob" => format!("torchrun --nproc-per-node={} train.py --epochs 90", plan.gpus.max(1)),
        _ => format!("horovodrun -np {np} --verbose python train.py --epochs 90 --batch-size 256"),
    };
    let given = if plan.command.is_empty() { default } else { plan.command.clone() };
    given.split_whitespace().map(str::to_owned).collect()
}

fn template(plan: &Plan, name: &str, gpus: u32, command: &[String]) -> Value {
    let mut container = json!({"name": name, "image": image(plan)});
    let mut limits =
        if gpus > 0 { json!({"cpu": "8", "memory": plan.memory}) } else { json!({"cpu": "1", "memory": "2Gi"}) };
    if gpus > 0 {
        limits["nvidia.com/gpu"] = json!(gpus.to_string());
    }
    container["resources"] = json!({"limits": limits});
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    let mut spec = json!({"containers": [container]});
    if gpus > 0 {
        set(&mut spec, "/volumes", json!([{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}]));
        spec["containers"][0]["volumeMounts"] = json!([{"name": "dshm", "mountPath": "/dev/shm"}]);
        if !plan.product.is_empty() {
            spec["nodeSelector"] = json!({"nvidia.com/gpu.product": plan.product});
        }
    }
    if !plan.claim.is_empty() {
        push(&mut spec, "/volumes", json!({"name": "checkpoints", "persistentVolumeClaim": {"claimName": plan.claim}}));
        let mut mounts = list(&spec, "/containers/0/volumeMounts").to_vec();
        mounts.push(json!({"name": "checkpoints", "mountPath": "/checkpoints"}));
        spec["containers"][0]["volumeMounts"] = Value::Array(mounts);
    }
    let mut annotations = json!({});
    annotations[ANNOTATION] = json!(plan.script);
    if let Some(run) = plan.run.filter(|_| !command.is_empty()) {
        annotations["sim.mpideck.io/run-seconds"] = json!(run.to_string());
    }
    json!({"metadata": {"annotations": annotations}, "spec": spec})
}

fn run_policy(plan: &Plan) -> Value {
    let mut policy = json!({"cleanPodPolicy": plan.clean});
    if plan.suspend || !plan.queue.is_empty() {
        policy["suspend"] = json!(true);
    }
    for (key, value) in [("backoffLimit", plan.backoff), ("activeDeadlineSeconds", plan.deadline)] {
        if let Some(n) = value {
            policy[key] = json!(n);
        }
    }
    if !plan.managed_by.is_empty() {
        policy["managedBy"] = json!(plan.managed_by);
    }
    policy
}

fn mpi(plan: &Plan, kind: Kind) -> Value {
    let mut launcher = json!({"replicas": 1, "template": template(plan, "launcher", 0, &command(plan))});
    if !plan.restart.is_empty() {
        launcher["restartPolicy"] = json!(plan.restart);
    }
    let worker = json!({"replicas": plan.workers, "template": template(plan, "worker", plan.gpus, &[])});
    let mut spec = json!({
        "slotsPerWorker": plan.gpus.max(1), "runPolicy": run_policy(plan),
        "mpiReplicaSpecs": {"Launcher": launcher, "Worker": worker},
    });
    if kind == Kind::MpiJobV1 {
        return spec;
    }
    if plan.wait {
        spec["launcherCreationPolicy"] = json!("WaitForWorkersReady");
    }
    if !plan.mpi.is_empty() {
        spec["mpiImplementation"] = json!(plan.mpi);
    }
    spec
}

fn v1(plan: &Plan, kind: Kind) -> Value {
    let main = match kind {
        Kind::PyTorchJob => "pytorch",
        Kind::TfJob => "tensorflow",
        Kind::XgBoostJob => "xgboost",
        Kind::PaddleJob => "paddle",
        _ => "jax",
    };
    let words = command(plan);
    let replica = |n: u32| {
        let policy = if plan.restart.is_empty() { "OnFailure" } else { &plan.restart };
        json!({"replicas": n, "restartPolicy": policy, "template": template(plan, main, plan.gpus, &words)})
    };
    let specs = match kind {
        Kind::JaxJob => json!({"Worker": replica(plan.workers)}),
        Kind::TfJob => json!({"Chief": replica(1), "PS": replica(1), "Worker": replica(plan.workers)}),
        _ => json!({"Master": replica(1), "Worker": replica(plan.workers)}),
    };
    json!({"runPolicy": run_policy(plan), kind.info().replica_specs: specs})
}

fn train(plan: &Plan) -> Value {
    let runtime = if plan.runtime.is_empty() { "torch-distributed" } else { &plan.runtime };
    let mut resources = json!({"limits": {"cpu": "8", "memory": plan.memory}});
    if plan.gpus > 0 {
        resources["limits"]["nvidia.com/gpu"] = json!(plan.gpus.to_string());
    }
    let mut spec = json!({
        "runtimeRef": {"apiGroup": "trainer.kubeflow.org", "kind": "ClusterTrainingRuntime", "name": runtime},
        "trainer": {"numNodes": plan.workers, "image": image(plan), "command": command(plan), "resourcesPerNode": resources},
    });
    if plan.suspend || !plan.queue.is_empty() {
        spec["suspend"] = json!(true);
    }
    if !plan.managed_by.is_empty() {
        spec["managedBy"] = json!(plan.managed_by);
    }
    spec
}
