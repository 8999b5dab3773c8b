//! The `binding` subresource: a pod is given its node.

use serde_json::{Value, json};

use super::{Admitted, Reply, Server, body, reply, write};
use crate::sim::store::resource::PODS;
use crate::sim::store::{Part, Refusal};

impl Server {
    /// Answers a binding.
    pub(super) fn bind(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let binding = body::read(request, |why| Refusal::bad_request(format!("couldn't get version/kind; {why}")))?;
        let node = binding["target"]["name"].as_str().unwrap_or_default();
        if node.is_empty() {
            return Err(Refusal::new(500, "", "target.name: Required value"));
        }
        let now = self.store.clock().stamp();
        let dry_run = write::dry_run(request)?;
        self.store.rewrite(&PODS, &asked.namespace, &asked.name, Part::Both, dry_run, |pod| {
            if let Some(other) = pod["spec"]["nodeName"].as_str().filter(|other| !other.is_empty()) {
                return Err(already_bound(&asked.name, other));
            }
            pod["spec"]["nodeName"] = json!(node);
            let scheduled =
                json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
            let mut conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.retain(|condition| condition["type"] != "PodScheduled");
            conditions.push(scheduled);
            pod["status"]["conditions"] = Value::Array(conditions);
            Ok(())
        })?;
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(reply::value(201, &status))
    }
}

fn already_bound(pod: &str, node: &str) -> Refusal {
    let said = format!("pod {pod} is already assigned to node \"{node}\"");
    let message = format!("Operation cannot be fulfilled on pods/binding \"{pod}\": {said}");
    let details = json!({"name": pod, "kind": "pods/binding"});
    Refusal { details, ..Refusal::new(409, "Conflict", message) }
}
