//! `metrics.k8s.io`: pods and nodes with what they use, as metrics-server answers for them.

use serde_json::json;

use super::{Admitted, Form, Reply, Server, header, method_not_allowed, reply};
use crate::sim::numbers::Resources;
use crate::sim::store::resource::{NODES, POD_METRICS, PODS};
use crate::sim::store::{Obj, Refusal, Resource, Selector};

impl Server {
    /// Answers a request for one of the two resources.
    pub(super) fn resource_metrics(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let numbers = self.numbers.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let Some(numbers) = numbers.filter(|_| !self.faults.plan().no_metrics_server) else {
            let message = "the server is currently unable to handle the request";
            return Err(Refusal::new(503, "ServiceUnavailable", message));
        };
        let (asked, of_pods) = (&request.asked, *resource == POD_METRICS);
        let source: &'static Resource = if of_pods { &PODS } else { &NODES };
        let resources = numbers.resources();
        match asked.verb.as_str() {
            "get" => {
                let form = Form::of_one(request, resource)?;
                let object = self.store.get(source, &asked.object_namespace(resource), &asked.name);
                let object = object.ok().and_then(|object| self.made(resource, &object, &resources));
                let found = object.ok_or_else(|| missing(&asked.namespace, &asked.name, of_pods))?;
                Ok(reply::json(200, form.one(resource, &found, &request.query, &self.store), reply::JSON))
            }
            "list" => {
                let form = Form::of(request)?;
                let query = &request.query;
                let selector = Selector::parse(source, query.get("labelSelector"), query.get("fieldSelector"))?;
                let listed = self.store.list(source, asked.scope(resource), &selector);
                let found: Vec<Obj> =
                    listed.items.iter().filter_map(|object| self.made(resource, object, &resources)).collect();
                let parts = form.many(resource, found.iter().map(AsRef::as_ref), &json!({}), query, &self.store);
                let gzip = header(&request.headers, "accept-encoding").contains("gzip");
                Ok(reply::parts(parts, reply::JSON, gzip))
            }
            _ => Err(method_not_allowed()),
        }
    }

    /// The metrics of a pod or node.
    fn made(&self, resource: &'static Resource, object: &Obj, resources: &Resources) -> Option<Obj> {
        let tree = object.value();
        let labels = &tree["metadata"]["labels"];
        let value = if *resource == POD_METRICS {
            resources.of_pod(&object.uid, labels)
        } else {
            resources.of_node(&object.name, labels)
        };
        value.map(|value| self.store.unstored(resource, value))
    }
}

/// 404, as metrics-server says it.
fn missing(namespace: &str, name: &str, pod: bool) -> Refusal {
    let (kind, name) =
        if pod { ("podmetrics", format!("{namespace}/{name}")) } else { ("nodemetrics", name.to_owned()) };
    let details = json!({"name": name, "group": "metrics.k8s.io", "kind": kind});
    Refusal { details, ..Refusal::new(404, "NotFound", format!("{kind}.metrics.k8s.io \"{name}\" not found")) }
}
