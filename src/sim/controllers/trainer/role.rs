//! Roles of a runtime: their step, their containers, and how elements are put into their lists.

use serde_json::Value;

use crate::sim::value::{int, list, set, text, truth};

/// Label of a role of a runtime: the step of the job that it does.
const STEP: &str = "trainer.kubeflow.org~1trainjob-ancestor-step";

/// The step of the job that a role does: `trainer`, `dataset-initializer`, `model-initializer`, or none.
pub(super) fn step(replicated: &Value) -> &str {
    text(replicated, &format!("/template/metadata/labels/{STEP}"))
}

/// Whether the launcher of MPI is one of the nodes.
pub(super) fn launcher_is_node(runtime: &Value) -> bool {
    truth(runtime, "/spec/mlPolicy/mpi/runLauncherAsNode")
}

/// `container` of a role, if it has one of that name.
pub(super) fn container<'a>(replicated: &'a mut Value, called: &str) -> Option<&'a mut Value> {
    let all = replicated.pointer_mut("/template/spec/template/spec/containers")?.as_array_mut()?;
    all.iter_mut().find(|c| text(c, "/name") == called)
}

/// The container `node` of a role.
pub(super) fn node(replicated: &mut Value) -> Option<&mut Value> {
    container(replicated, "node")
}

/// Puts an element into a list, in the place of the one with the same key.
pub(super) fn upsert(to: &mut Value, field: &str, key: &str, element: Value) {
    let mut all = list(to, &format!("/{field}")).to_vec();
    match all.iter_mut().find(|old| old[key] == element[key]) {
        Some(old) => *old = element,
        None => all.push(element),
    }
    set(to, &format!("/{field}"), Value::Array(all));
}

/// How many pods a role has by itself.
pub(super) fn parallelism(replicated: &Value) -> i64 {
    int(replicated, "/template/spec/parallelism").unwrap_or(1)
}
