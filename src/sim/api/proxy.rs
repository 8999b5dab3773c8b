//! `proxy` of a pod: a request that the API server passes on to a port of it, which answers as a forwarded port does.

use super::exec::answered;
use super::{Admitted, Reply, Server, reply};
use crate::sim::store::resource::PODS;
use crate::sim::store::{Obj, Refusal};

impl Server {
    /// Answers a request that is meant for a pod's port.
    pub(super) fn proxy(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let (name, port) = target(&asked.name)
            .ok_or_else(|| Refusal::bad_request(format!("invalid pod request \"{}\"", asked.name)))?;
        let pod = self.store.get(&PODS, &asked.namespace, name)?;
        let tree = pod.value();
        let Some(ip) = tree["status"]["podIP"].as_str().filter(|ip| !ip.is_empty()) else {
            return Err(Refusal::bad_request("address not allowed"));
        };
        let port = if port.is_empty() { first_port(&pod).unwrap_or(80) } else { number(&pod, port) };
        let runs = tree["status"]["phase"] == "Running";
        let Some(body) = answered(&pod, port).filter(|_| runs) else {
            let why = format!("error trying to reach service: dial tcp {ip}:{port}: connect: connection refused");
            return Err(Refusal::new(503, "ServiceUnavailable", why));
        };
        Ok(reply::text(200, body))
    }
}

/// Name and port of `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
fn target(text: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [name] => Some((name, "")),
        [name, port] | ["http" | "https" | "", name, port] => Some((name, port)),
        _ => None,
    }
}

/// The first port that a container declares.
fn first_port(pod: &Obj) -> Option<u16> {
    let tree = pod.value();
    let mut containers = tree["spec"]["containers"].as_array()?.iter();
    let port = containers.find_map(|c| c["ports"][0]["containerPort"].as_u64())?;
    u16::try_from(port).ok()
}

/// A port by its number or its name.
fn number(pod: &Obj, port: &str) -> u16 {
    let tree = pod.value();
    let containers = tree["spec"]["containers"].as_array().into_iter().flatten();
    let mut ports = containers.flat_map(|c| c["ports"].as_array().into_iter().flatten());
    let named = ports.find(|p| p["name"] == port).and_then(|p| p["containerPort"].as_u64());
    named.and_then(|n| u16::try_from(n).ok()).or_else(|| port.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_pod_is_named_with_its_port() {
        assert_eq!(target("p"), Some(("p", "")));
        assert_eq!(target("p:80"), Some(("p", "80")));
        assert_eq!(target("http:p:web"), Some(("p", "web")));
        assert_eq!(target("ftp:p:80"), None);
    }
}
