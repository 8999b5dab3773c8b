//! Paths that answer with numbers: `/metrics`, and Services passed on to Prometheus.
//!
//! Owns what is the API server's part: which Service is meant, and what it says where nobody answers. Answers are worked
//! out beside the connections, so that a large one keeps nobody waiting.

use std::sync::{Arc, PoisonError};

use serde_json::Value;

use super::exec::answered;
use super::{Admitted, Query, Reply, Server, header, reply};
use crate::sim::faults::{Ailment, SLOWNESS};
use crate::sim::numbers::{Answered, Asking, Numbers};
use crate::sim::store::Refusal;
use crate::sim::store::resource::{ENDPOINTS, PODS, SERVICES};

/// The page of the exporters.
const PAGE: &str = "/metrics";
/// The Service behind which there is a Prometheus.
const PROMETHEUS: (&str, &str) = ("monitoring", "prometheus");
/// Steps of a path before what is passed on: `/api/v1/namespaces/NS/services/NAME/proxy/`.
const BEFORE: usize = 8;
/// The content type of the page.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a request is one of these.
pub(super) fn is(request: &Admitted) -> bool {
    let asked = &request.asked;
    asked.path == PAGE || (asked.resource == SERVICES.plural && asked.group.is_empty() && asked.subresource == "proxy")
}

impl Server {
    /// Answers it.
    pub(super) async fn measured(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner).clone();
        let plan = self.faults.plan();
        if request.asked.path == PAGE {
            let Some(numbers) = numbers else { return Ok(reply::page_not_found()) };
            let exporter = request.query.get("exporter").to_owned();
            let page = beside(move || numbers.page(&exporter, plan.gpu_labels)).await?;
            return Ok(reply::json(200, page.into(), EXPOSITION));
        }
        let numbers = match self.behind(request, numbers)? {
            Behind::Prometheus(numbers) => numbers,
            Behind::Pod(said) => return Ok(reply::text(200, said)),
        };
        match plan.prometheus {
            Ailment::Down => return Err(no_endpoints(PROMETHEUS.1)),
            Ailment::Slow => self.store.clock().sleep(SLOWNESS).await,
            Ailment::Unauthorized => return Ok(reply::text(401, "Unauthorized\n")),
            Ailment::Refuses => return Ok(reply::value(422, &Asking::refused())),
            Ailment::None | Ailment::Empty => {}
        }
        let asking = asking(request);
        let empty = plan.prometheus == Ailment::Empty;
        let answered = beside(move || numbers.prometheus(&asking, plan.gpu_labels, empty)).await?;
        Ok(match answered {
            Answered::Json(code, body) => reply::value(code, &body),
            Answered::Text(code, body) => reply::text(code, body),
        })
    }

    /// What is behind the Service of a request.
    fn behind(&self, request: &Admitted, numbers: Option<Arc<Numbers>>) -> Result<Behind, Refusal> {
        let asked = &request.asked;
        let (name, port) = service(&asked.name);
        let found = self.store.get(&SERVICES, &asked.namespace, name)?;
        let tree = found.value();
        let mut ports = tree["spec"]["ports"].as_array().into_iter().flatten();
        let is_meant = |p: &Value| port.is_empty() || p["name"] == port || p["port"].as_u64() == port.parse().ok();
        let Some(meant) = ports.find(|p| is_meant(p)) else {
            return Err(unavailable(&format!("no service port {port:?} found for service {name:?}")));
        };
        let is_it = (asked.namespace.as_str(), name) == PROMETHEUS;
        match numbers.filter(|_| is_it) {
            Some(numbers) => Ok(Behind::Prometheus(numbers)),
            None => self.pod_behind(&asked.namespace, name, &meant["name"]).map(Behind::Pod),
        }
    }

    /// What the first ready pod of a Service answers at a port.
    fn pod_behind(&self, namespace: &str, service: &str, port: &Value) -> Result<String, Refusal> {
        let endpoints = self.store.get(&ENDPOINTS, namespace, service).map_err(|_| no_endpoints(service))?;
        let tree = endpoints.value();
        let subset = &tree["subsets"][0];
        let address = &subset["addresses"][0];
        let pod = address["targetRef"]["name"].as_str().unwrap_or_default();
        let pod = self.store.get(&PODS, namespace, pod).map_err(|_| no_endpoints(service))?;
        let number = subset["ports"].as_array().into_iter().flatten().find(|p| p["name"] == *port);
        let number = number.and_then(|p| p["port"].as_u64()).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
        answered(&pod, number).ok_or_else(|| {
            let ip = address["ip"].as_str().unwrap_or_default();
            let why = format!("dial tcp {ip}:{number}: connect: connection refused");
            unavailable(&format!("error trying to reach service: {why}"))
        })
    }
}

/// What is behind a Service.
enum Behind {
    Prometheus(Arc<Numbers>),
    /// A pod, and what it says.
    Pod(String),
}

/// Name and port of `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
fn service(text: &str) -> (&str, &str) {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [name, port] | [_, name, port] => (*name, *port),
        _ => (text, ""),
    }
}

/// What is passed on: path and parameters, those of a form too.
fn asking(request: &Admitted) -> Asking {
    let steps: Vec<&str> = request.asked.path.split('/').skip(BEFORE).collect();
    let mut params = request.query.all().to_vec();
    if header(&request.headers, "content-type").starts_with("application/x-www-form-urlencoded") {
        params.extend(Query::parse(&String::from_utf8_lossy(&request.body)).all().iter().cloned());
    }
    Asking { path: format!("/{}", steps.join("/")), params }
}

fn unavailable(message: &str) -> Refusal {
    Refusal::new(503, "ServiceUnavailable", message)
}

fn no_endpoints(service: &str) -> Refusal {
    unavailable(&format!("no endpoints available for service {service:?}"))
}

/// Does work that takes long on a thread of its own.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let failed = |_| Refusal::new(500, "InternalError", "Internal error occurred: the numbers could not be worked out");
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_as_proxies_name_them() {
        for (text, expected) in
            [("p", ("p", "")), ("p:9090", ("p", "9090")), ("http:p:web", ("p", "web")), ("https:p:", ("p", ""))]
        {
            assert_eq!(service(text), expected, "{text}");
        }
    }
}
