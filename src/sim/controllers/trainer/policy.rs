//! What the policies of a runtime (torch, JAX, none; MPI has its own file) make of its roles: how many, with which
//! variables.

use serde_json::{Value, json};

use super::role::{launcher_is_node, node, parallelism, step, upsert};
use crate::sim::{
    amounts::amount,
    value::{int, list, name, text},
};

/// Where the leading node of torch and JAX listens.
const PORT: i64 = 29500;

/// How many pods a role has.
pub(super) fn nodes(job: &Value, runtime: &Value, replicated: &Value) -> i64 {
    let ml = &runtime["spec"]["mlPolicy"];
    let own = parallelism(replicated);
    let usual = if step(replicated) == "trainer" && ml.is_object() { int(ml, "/numNodes").unwrap_or(1) } else { own };
    let Some(asked) = int(job, "/spec/trainer/numNodes") else { return usual };
    if ml["mpi"].is_object() {
        return match text(replicated, "/name") {
            // One of them is the launcher, but one is always made.
            "node" if launcher_is_node(runtime) => (asked - 1).max(1),
            "node" => asked,
            _ => usual,
        };
    }
    if step(replicated) == "trainer" { asked } else { usual }
}

/// Gives whoever trains the variables of its library; only where the TrainJob says something of its trainer.
pub(super) fn equip(job: &Value, runtime: &Value, replicated: &mut Value, nodes: i64) {
    if step(replicated) != "trainer" || !job["spec"]["trainer"].is_object() {
        return;
    }
    let ml = &runtime["spec"]["mlPolicy"];
    let (torch, jax) = (ml["torch"].is_object(), ml["jax"].is_object());
    let index = json!({"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}});
    let head = format!("{0}-node-0-0.{0}", name(job));
    let processes = processes(job, runtime);
    let Some(node) = node(replicated) else { return };
    if !jax {
        for variable in list(job, "/spec/trainer/env") {
            upsert(node, "env", "name", variable.clone());
        }
    }
    let variables = if torch {
        vec![
            json!({"name": "PET_NNODES", "value": nodes.to_string()}),
            json!({"name": "PET_NPROC_PER_NODE", "value": processes}),
            json!({"name": "PET_NODE_RANK", "valueFrom": index}),
            json!({"name": "PET_MASTER_ADDR", "value": head}),
            json!({"name": "PET_MASTER_PORT", "value": PORT.to_string()}),
        ]
    } else if jax {
        vec![
            json!({"name": "JAX_NUM_PROCESSES", "value": nodes.to_string()}),
            json!({"name": "JAX_PROCESS_ID", "valueFrom": index}),
            json!({"name": "JAX_COORDINATOR_ADDRESS", "value": format!("{head}:{PORT}")}),
        ]
    } else {
        return;
    };
    for variable in variables {
        upsert(node, "env", "name", variable);
    }
    upsert(node, "ports", "containerPort", json!({"containerPort": PORT, "protocol": "TCP"}));
}

/// Processes on a node of torch: what was said, else left to torchrun where there are GPUs, else one for each CPU.
fn processes(job: &Value, runtime: &Value) -> String {
    if let Some(given) = int(job, "/spec/trainer/numProcPerNode") {
        return given.to_string();
    }
    let resources = per_node(job, runtime);
    if gpus(&resources) > 0 {
        return "auto".to_owned();
    }
    let cpus =
        |side: &str| resources[side].get("cpu").map(|n| amount("cpu", n).saturating_add(999) / 1000).filter(|n| *n > 0);
    cpus("requests").or_else(|| cpus("limits")).unwrap_or(1).to_string()
}

/// What a node asks for, by the TrainJob, else by its runtime.
pub(super) fn per_node(job: &Value, runtime: &Value) -> Value {
    let own = &job["spec"]["trainer"]["resourcesPerNode"];
    if own.is_object() {
        return own.clone();
    }
    let trains = |r: &&Value| step(r) == "trainer" || text(r, "/name") == "node";
    let found = list(runtime, "/spec/template/spec/replicatedJobs").iter().find(trains);
    let containers = found.map_or(&[][..], |r| list(r, "/template/spec/template/spec/containers"));
    containers.iter().find(|c| text(c, "/name") == "node").map(|c| c["resources"].clone()).unwrap_or_default()
}

/// The GPUs among resources.
pub(super) fn gpus(resources: &Value) -> i64 {
    let all = ["limits", "requests"].into_iter().filter_map(|side| resources[side].as_object()).flatten();
    all.filter(|(key, _)| key.contains("gpu")).map(|(key, n)| amount(key, n)).max().unwrap_or(0)
}
