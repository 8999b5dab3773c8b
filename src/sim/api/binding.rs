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
        if binding["metadata"]["name"] != asked.name.as_str() {
            return Err(Refusal::bad_request("name in URL does not match name in Binding object"));
        }
        let target = &binding["target"];
        let node = target["name"].as_str().unwrap_or_default();
        if node.is_empty() {
            return Err(Refusal::new(500, "", "target.name: Required value"));
        }
        let kind = target["kind"].as_str().unwrap_or_default();
        if !["", "Node"].contains(&kind) {
            let said = format!("Unsupported value: {kind:?}: supported values: \"Node\", \"<empty>\"");
            return Err(Refusal::new(500, "", format!("target.kind: {said}")));
        }
        let now = self.store.clock().stamp();
        let dry_run = write::dry_run(request)?;
        self.store.rewrite(&PODS, &asked.namespace, &asked.name, Part::Both, dry_run, |pod| {
            if let Some(other) = pod["spec"]["nodeName"].as_str().filter(|other| !other.is_empty()) {
                let said = format!("is already assigned to node \"{other}\"");
                return Err(not_to_bind(&asked.name, &said));
            }
            if pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
                return Err(not_to_bind(&asked.name, "has non-empty .spec.schedulingGates"));
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

fn not_to_bind(pod: &str, why: &str) -> Refusal {
    let message = format!("Operation cannot be fulfilled on pods/binding \"{pod}\": pod {pod} {why}");
    let details = json!({"name": pod, "kind": "pods/binding"});
    Refusal { details, ..Refusal::new(409, "Conflict", message) }
}
