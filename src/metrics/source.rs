//! What can be a source of numbers, and what a user may wish of it.

use std::{fmt, path::PathBuf, sync::Arc};

use tokio::sync::Semaphore;

use crate::{cluster::Session, jobs::Clean};

/// Questions that one source is asked at once, whoever asks.
const AT_ONCE: usize = 4;

/// Where numbers come from.
#[derive(Clone)]
pub enum Source {
    /// A Prometheus, or what answers like one (Thanos, Mimir, `VictoriaMetrics`).
    Prometheus(Prometheus),
    /// metrics.k8s.io: CPU and memory now, and nothing else.
    MetricsServer,
    /// Nothing that was found.
    Nothing,
}

/// A Prometheus that can be asked. Clones share a budget of questions.
#[derive(Clone)]
pub struct Prometheus {
    /// What it is called: its address or its Service.
    pub name: Clean,
    pub(super) session: Session,
    /// What goes before `/api/v1/…`.
    pub(super) base: String,
    pub(super) way: Way,
    /// Name the namespace in each question, as a tenancy proxy wants it.
    pub(super) tenancy: bool,
    pub(super) budget: Arc<Semaphore>,
}

/// How it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By the address in the user's settings.
    Url,
    /// By OpenShift's Route to thanos-querier.
    Route,
    /// Through the API server's service proxy.
    Proxy,
}

/// A Service with one of its ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Number or name of a port.
    pub port: String,
}

/// What is wished of a source: the settings of a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Where a Prometheus is.
    pub prometheus: Where,
    /// CA file of its address.
    pub ca: Option<PathBuf>,
    /// File with a token for it.
    pub token_file: Option<PathBuf>,
    /// Client certificate and key for it.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Show it the cluster's token.
    pub cluster_token: bool,
    /// It wants the namespace in each question.
    pub tenancy: bool,
}

/// Where a Prometheus is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Where {
    /// To be found.
    #[default]
    Find,
    /// Not to be used.
    Off,
    /// At this address.
    Url(String),
    /// Behind this Service, through the API server.
    Service(Service),
}

impl Where {
    /// Reads a setting: `auto`, `off`, `https://…` or `NAMESPACE/SERVICE:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "auto" => Some(Self::Find),
            "off" => Some(Self::Off),
            url if url.starts_with("https://") || url.starts_with("http://") => {
                let is_whole =
                    url.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
                is_whole.then(|| Self::Url(url.trim_end_matches('/').to_owned()))
            }
            service => Service::parse(service).map(Self::Service),
        }
    }
}

impl Service {
    /// Reads `NAMESPACE/SERVICE:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, rest) = text.split_once('/')?;
        let (name, port) = rest.split_once(':')?;
        let is_label = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let all = [namespace, name, port].into_iter().all(is_label);
        all.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned(), port: port.to_owned() })
    }

    /// Its path through the API server.
    pub(super) fn proxied(&self) -> String {
        let Self { namespace, name, port } = self;
        // `https` must be said; without it the API server speaks plainly.
        let scheme = if matches!(port.as_str(), "9091" | "https") { "https:" } else { "" };
        format!("/api/v1/namespaces/{namespace}/services/{scheme}{name}:{port}/proxy")
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.namespace, self.name, self.port)
    }
}

impl Prometheus {
    pub(super) fn new(name: &str, session: Session, base: &str, way: Way) -> Self {
        let budget = Arc::new(Semaphore::new(AT_ONCE));
        Self { name: Clean::new(name), session, base: base.to_owned(), way, tenancy: false, budget }
    }

    /// What to do about a 401 of its own.
    pub(super) fn sign_in_hint(&self) -> String {
        match self.way {
            Way::Proxy => "The API server takes credentials out of what it passes on: give its own address with \
                prometheus, and a token with prometheus-token-file (docs/metrics.md)."
                .to_owned(),
            Way::Route => "The cluster's token is not taken there: log in again (`oc login`).".to_owned(),
            Way::Url => "Give a token with prometheus-token-file, or show it the cluster's with \
                prometheus-cluster-token = true (docs/metrics.md)."
                .to_owned(),
        }
    }

    /// What to do about a 403 of its own.
    pub(super) fn forbidden_hint(&self) -> String {
        match self.way {
            Way::Route => "Ask for the cluster role cluster-monitoring-view, or for an address with tenancy \
                (prometheus-tenancy = true)."
                .to_owned(),
            Way::Url | Way::Proxy => "Ask its administrator to let you query it.".to_owned(),
        }
    }
}

impl Source {
    /// What it is called on screen.
    pub fn title(&self) -> Clean {
        match self {
            Self::Prometheus(prometheus) => Clean::new(&format!("Prometheus {}", prometheus.name)),
            Self::MetricsServer => Clean::new("metrics.k8s.io"),
            Self::Nothing => Clean::new("no source"),
        }
    }

    /// Whether it knows what was before.
    pub const fn has_history(&self) -> bool {
        matches!(self, Self::Prometheus(_))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_an_address_a_service_or_a_word() {
        let service = |namespace: &str, name: &str, port: &str| {
            Some(Where::Service(Service { namespace: namespace.into(), name: name.into(), port: port.into() }))
        };
        assert_eq!(Where::parse("auto"), Some(Where::Find));
        assert_eq!(Where::parse(" off "), Some(Where::Off));
        assert_eq!(Where::parse("https://p.corp/prom/"), Some(Where::Url("https://p.corp/prom".into())));
        assert_eq!(Where::parse("monitoring/prometheus-k8s:9090"), service("monitoring", "prometheus-k8s", "9090"));
        assert_eq!(Where::parse("monitoring/prometheus:web"), service("monitoring", "prometheus", "web"));
        for wrong in ["", "prometheus", "p:9090", "a/b", "a/b:", "../x:1", "https://", "a/b/c:1", "a/b:1/../x"] {
            assert_eq!(Where::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_service_is_reached_through_the_api_server() {
        let path = |text| Service::parse(text).expect("a service").proxied();
        assert_eq!(path("m/p:9090"), "/api/v1/namespaces/m/services/p:9090/proxy");
        assert_eq!(path("m/p:9091"), "/api/v1/namespaces/m/services/https:p:9091/proxy");
    }
}
