//! Finding a source of numbers: what the settings say, else OpenShift's Route, else a Service that is a Prometheus, else
//! metrics.k8s.io.
//!
//! Owns what is looked for and where credentials go. The cluster's token goes only to an address from the settings that
//! asks for it, and to openshift-monitoring's own Route over TLS that is verified; to a Service nothing goes, since the API
//! server takes credentials out of what it passes on.

use serde::Deserialize;

use super::source::{Prometheus, Service, Source, Way, Where, Wish};
use crate::{
    cluster::{
        Problem, ProblemKind, Session, Target, connect,
        discovery::Offer,
        elsewhere::{self, Elsewhere, Shown},
        paths::{Resource, query},
    },
    jobs::Clean,
};

/// What was found, and what was not.
#[derive(Clone, Debug)]
pub struct Found {
    /// The source.
    pub source: Source,
    /// What was tried before it, in words; the source that was asked for first.
    pub tried: Vec<Problem>,
    /// The Service to try first the next time.
    pub remember: Option<Service>,
}

/// Services that installers of Prometheus make, the most usual first.
const USUAL: &[(&str, &str, &str)] = &[
    ("monitoring", "prometheus-k8s", "9090"),
    ("monitoring", "prometheus-operated", "9090"),
    ("monitoring", "prometheus", "9090"),
    ("monitoring", "kube-prometheus-stack-prometheus", "9090"),
    ("monitoring", "prometheus-kube-prometheus-prometheus", "9090"),
    ("monitoring", "prometheus-server", "80"),
    ("prometheus", "prometheus-server", "80"),
];
/// Parts of names of what belongs to a Prometheus without being one.
const NOT_IT: &[&str] =
    &["alertmanager", "exporter", "operator", "pushgateway", "adapter", "grafana", "state-metrics", "webhook"];
/// Candidates that are tried at most.
const MOST: usize = 6;

/// Looks for a source. `before` is the Service that was found the last time.
pub async fn find(target: &Target, session: &Session, offer: &Offer, wish: &Wish, before: Option<Service>) -> Found {
    let mut tried = Vec::new();
    let prometheus = match &wish.prometheus {
        Where::Off => None,
        Where::Url(url) => note(by_url(target, wish, url).await, &mut tried),
        Where::Service(service) => note(by_service(session, service, wish.tenancy).await, &mut tried),
        Where::Find => search(target, session, offer, before, &mut tried).await,
    };
    if let Some((prometheus, remember)) = prometheus {
        return Found { source: Source::Prometheus(prometheus), tried: Vec::new(), remember };
    }
    let source = if offer.metrics { Source::MetricsServer } else { Source::Nothing };
    Found { source, tried, remember: None }
}

type One = (Prometheus, Option<Service>);

fn note(result: Result<One, Problem>, tried: &mut Vec<Problem>) -> Option<One> {
    result.map_err(|problem| tried.push(problem)).ok()
}

async fn search(
    target: &Target,
    session: &Session,
    offer: &Offer,
    before: Option<Service>,
    tried: &mut Vec<Problem>,
) -> Option<One> {
    let mut refused = None;
    if let Some(service) = &before {
        match by_service(session, service, false).await {
            Ok(found) => return Some(found),
            Err(problem) if problem.kind == ProblemKind::NotFound => {}
            Err(problem) => refused = Some(problem),
        }
    }
    if offer.projects
        && let Some(found) = note(by_route(target, session).await, tried)
    {
        return Some(found);
    }
    let (services, guessed) = candidates(session).await;
    let mut hidden = None;
    for service in services.into_iter().filter(|service| Some(service) != before.as_ref()) {
        match by_service(session, &service, false).await {
            Ok(found) => return Some(found),
            // One that isn't there is no news; one that may not be asked is.
            Err(problem) if problem.kind == ProblemKind::NotFound => {}
            // Of a guess this does not even say that it is there.
            Err(problem) if guessed && problem.ask().is_some() => hidden = hidden.or(Some(problem)),
            Err(problem) => refused = refused.or(Some(problem)),
        }
    }
    let problem = refused.or_else(|| hidden.map(unseen));
    tried.push(problem.unwrap_or_else(|| {
        let hint = "Set its address with prometheus in config.toml (docs/metrics.md), if there is one.";
        Problem::new(ProblemKind::NotFound, "no Prometheus was found", "no Service looks like one", hint)
    }));
    None
}

/// Nobody knows whether there is one: Services can't be listed, and a guess was refused.
fn unseen(mut refused: Problem) -> Problem {
    let right = refused.ask().map_or_else(String::new, |ask| format!(" ({ask})"));
    refused.what = Clean::new("no Prometheus was found");
    refused.why = Clean::new(&format!("you may not list Services, nor ask those that there usually are{right}"));
    refused.hint =
        Clean::new("Ask for the right to list Services, or set the address of one with prometheus (docs/metrics.md).");
    refused
}

async fn by_url(target: &Target, wish: &Wish, url: &str) -> Result<One, Problem> {
    let credential = match (&wish.token_file, &wish.certificate) {
        (Some(file), _) => Shown::TokenFile(file.clone()),
        (None, Some((certificate, key))) => Shown::Certificate(certificate.clone(), key.clone()),
        (None, None) if wish.cluster_token => Shown::ClusterToken,
        (None, None) => Shown::Nothing,
    };
    let to = Elsewhere { url: url.to_owned(), ca: wish.ca.clone(), credential };
    let session = connect(elsewhere::target(target, &to)?).await?;
    let mut prometheus = Prometheus::new(url, session, "", Way::Url);
    prometheus.tenancy = wish.tenancy;
    probed(prometheus, None).await
}

async fn by_service(session: &Session, service: &Service, tenancy: bool) -> Result<One, Problem> {
    let name = service.to_string();
    let mut prometheus = Prometheus::new(&name, session.clone(), &service.proxied(), Way::Proxy);
    prometheus.tenancy = tenancy;
    probed(prometheus, Some(service.clone())).await
}

async fn probed(prometheus: Prometheus, remember: Option<Service>) -> Result<One, Problem> {
    // A tenancy proxy passes queries on and nothing else.
    if !prometheus.tenancy {
        prometheus.probe().await?;
    }
    Ok((prometheus, remember))
}

#[derive(Deserialize)]
struct Route {
    spec: RouteSpec,
}

#[derive(Deserialize)]
struct RouteSpec {
    #[serde(default)]
    host: String,
}

/// OpenShift's own, of which the cluster itself says where it is.
async fn by_route(target: &Target, session: &Session) -> Result<One, Problem> {
    let routes = Resource::new("route.openshift.io", "v1", "routes");
    let namespace = crate::jobs::Name::lossy("openshift-monitoring");
    let doing = "find openshift-monitoring's thanos-querier";
    let route: Route = session.get_json(&routes.one(Some(&namespace), "thanos-querier"), doing).await?;
    let host = Clean::new(&route.spec.host);
    let to = Elsewhere { url: format!("https://{host}"), ca: None, credential: Shown::ClusterToken };
    let there = connect(elsewhere::target(target, &to)?).await?;
    probed(Prometheus::new(host.as_str(), there, "", Way::Route), None).await
}

#[derive(Deserialize)]
struct ServiceList {
    #[serde(default)]
    items: Vec<ServiceItem>,
}

#[derive(Deserialize)]
struct ServiceItem {
    metadata: Metadata,
    #[serde(default)]
    spec: ServiceSpec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct ServiceSpec {
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
struct Port {
    #[serde(default)]
    name: String,
    port: u16,
}

/// Services that may be a Prometheus, the likeliest first: those that there are, else, where they can't be listed, those
/// that there usually are (and `true`).
async fn candidates(session: &Session) -> (Vec<Service>, bool) {
    let path = format!("{}{}", Resource::core("services").all(None), query(&[("limit", "1000")]));
    match session.get_json::<ServiceList>(&path, "look for a Prometheus").await {
        Ok(list) => (likely(&list), false),
        Err(_) => (usual(), true),
    }
}

fn usual() -> Vec<Service> {
    USUAL
        .iter()
        .map(|(namespace, name, port)| Service {
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
            port: (*port).to_owned(),
        })
        .collect()
}

fn likely(list: &ServiceList) -> Vec<Service> {
    let mut rated: Vec<(u8, Service)> = list.items.iter().filter_map(rated).collect();
    rated.sort();
    rated.into_iter().map(|(_, service)| service).take(MOST).collect()
}

/// A Service with how unlikely it is.
fn rated(item: &ServiceItem) -> Option<(u8, Service)> {
    let name = item.metadata.name.as_str();
    if NOT_IT.iter().any(|word| name.contains(word)) {
        return None;
    }
    let label = |key: &str| item.metadata.labels.get(key).map_or("", String::as_str);
    let app = [label("app.kubernetes.io/name"), label("app"), label("app.kubernetes.io/component")];
    let is = |word: &str| app.contains(&word) || name == word;
    let unlikely = if is("thanos-query") || is("thanos-querier") {
        0
    } else if is("prometheus") || is("kube-prometheus-stack-prometheus") || is("prometheus-k8s") {
        1
    } else if name.contains("prometheus") || name.contains("thanos-query") || is("vmsingle") {
        2
    } else {
        return None;
    };
    let known = |port: &&Port| {
        matches!(port.name.as_str(), "web" | "http-web" | "http" | "http-query")
            || matches!(port.port, 9090 | 80 | 10902)
    };
    let port = item.spec.ports.iter().find(|port| port.port == 9090).or_else(|| item.spec.ports.iter().find(known))?;
    let Metadata { namespace, name, .. } = &item.metadata;
    let service = Service { namespace: namespace.clone(), name: name.clone(), port: port.port.to_string() };
    // The governing Service of a StatefulSet is one more name of the same.
    Some((unlikely + u8::from(name.ends_with("-operated")), service))
}

#[cfg(test)]
mod tests;
