//! What went wrong between us and a cluster: what happened, why, and what to do next.
//!
//! Owns the kinds of failure and their words. Every text is [`Clean`] and none holds a credential.

mod network;
mod status;

use std::{error::Error, fmt, time::Duration};

use crate::jobs::text::Clean;

pub use status::ApiStatus;

/// What kind of failure it is: callers branch on this, never on the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// No kubeconfig, and not inside a cluster.
    NoConfig,
    /// A kubeconfig, or a file it names, can't be read or makes no sense.
    BadConfig,
    /// The context is not in the kubeconfig, or none is chosen.
    UnknownContext,
    /// The context names a user that is not there.
    UnknownUser,
    /// The server's name does not resolve.
    Dns,
    /// Nobody answers at the server's address, or the connection broke.
    Unreachable,
    /// The TLS handshake failed.
    Tls,
    /// A certificate, theirs or ours, has expired.
    CertificateExpired,
    /// 401, or a credential plugin that failed.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 410: what we know is too old.
    Gone,
    /// 409.
    Conflict,
    /// 400 and 422.
    Invalid,
    /// 429.
    TooMany,
    /// 5xx, or an answer that is not one of an API server.
    Server,
    /// No answer in time.
    Timeout,
    /// Given up by ourselves.
    Cancelled,
    /// Our own mistake.
    Bug,
}

/// A field the server objected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldCause {
    /// Its path (`spec.mpiReplicaSpecs.Worker.replicas`), empty if the server named none.
    pub field: Clean,
    /// What is wrong with it.
    pub message: Clean,
}

/// A failure, in words for a person and a kind for the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Kind.
    pub kind: ProblemKind,
    /// What we were doing: `can't list mpijobs in team-a`.
    pub what: Clean,
    /// Why it failed, in the server's or the system's words where those are good.
    pub why: Clean,
    /// What to do next.
    pub hint: Clean,
    answer: Option<Box<Answer>>,
}

/// What only a server's answer tells. Boxed: most results are not errors, and errors should be small to pass on.
#[derive(Clone, Debug, Default, PartialEq)]
struct Answer {
    code: u16,
    retry_after: Option<Duration>,
    causes: Box<[FieldCause]>,
    ask: Option<Clean>,
}

/// How a session signs in: what to do about a 401 depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing at all.
    Anonymous,
    /// A token written in the kubeconfig.
    Token,
    /// A token read from this file.
    TokenFile(Clean),
    /// A client certificate.
    Certificate,
    /// User name and password.
    Basic,
    /// An OIDC (or other legacy) provider of this name.
    Provider(Clean),
    /// An exec credential plugin: its command.
    Plugin(Clean),
    /// The service account of the pod we run in.
    InCluster,
}

/// What was being done, to whom and as whom: the words around a failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// `list mpijobs in team-a`.
    pub(crate) doing: &'a str,
    /// `https://host:port`.
    pub(crate) server: &'a str,
    /// The proxy that leads there, as it may be shown.
    pub(crate) proxy: Option<&'a str>,
    /// How we sign in.
    pub(crate) credential: &'a Credential,
}

impl Problem {
    /// Whether only another kubeconfig, token or certificate can help.
    pub fn wants_new_credential(&self) -> bool {
        matches!(self.kind, ProblemKind::Unauthorized | ProblemKind::Tls | ProblemKind::CertificateExpired)
    }

    /// A problem with these words.
    pub fn new(kind: ProblemKind, what: &str, why: &str, hint: &str) -> Self {
        Self { kind, what: Clean::new(what), why: Clean::new(why), hint: Clean::new(hint), answer: None }
    }

    /// The same, with another next step.
    #[must_use]
    pub fn hinted(self, hint: &str) -> Self {
        Self { hint: Clean::new(hint.trim()), ..self }
    }

    /// The same, about something else.
    #[must_use]
    pub fn about(self, what: &str) -> Self {
        Self { what: Clean::new(what), ..self }
    }

    /// An answer that is not what an API server says.
    pub(crate) fn unexpected(doing: &str, why: &str) -> Self {
        Self::new(
            ProblemKind::Server,
            &format!("can't {doing}"),
            why,
            "The answer is not one of a Kubernetes API server: check the server's address, and any proxy on the way.",
        )
    }

    /// No answer within `after`.
    pub(crate) fn timeout(doing: &str, server: &str, after: Duration) -> Self {
        Self::new(
            ProblemKind::Timeout,
            &format!("can't {doing}"),
            &format!("{server} did not answer within {} s", after.as_secs_f32()),
            "Check VPN and network, or allow more time with --request-timeout.",
        )
    }

    /// Whatever kube, hyper, rustls or the system said.
    pub(crate) fn of(error: &(dyn Error + 'static), about: &About<'_>) -> Self {
        network::classify(error, about)
    }

    /// An answer with an error status. `headers` are looked at for `Retry-After`.
    pub(crate) fn answered(code: u16, headers: &http::HeaderMap, body: &[u8], about: &About<'_>) -> Self {
        let mut problem = status::classify(code, body, about);
        if let Some(answer) = &mut problem.answer {
            answer.retry_after = answer.retry_after.or_else(|| {
                let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
                Some(Duration::from_secs(seconds))
            });
        }
        problem
    }

    /// HTTP status, if there was an answer.
    pub fn code(&self) -> Option<u16> {
        self.answer.as_ref().map(|a| a.code)
    }

    /// How long the server asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.answer.as_ref()?.retry_after
    }

    /// Fields named by a 422.
    pub fn causes(&self) -> &[FieldCause] {
        self.answer.as_ref().map_or(&[], |a| &a.causes)
    }

    /// What a 403 refused, as `list mpijobs.kubeflow.org in namespace team-a`: what to ask an administrator for.
    pub fn ask(&self) -> Option<&Clean> {
        self.answer.as_ref()?.ask.as_ref()
    }

    /// Whether trying again soon may help without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        use ProblemKind as K;
        matches!(self.kind, K::Dns | K::Unreachable | K::TooMany | K::Server | K::Timeout | K::Gone | K::Conflict)
    }
}

/// One line: what, and why.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.what.is_empty(), self.why.is_empty()) {
            (false, false) => write!(f, "{}: {}", self.what, self.why),
            (false, true) => write!(f, "{}", self.what),
            _ => write!(f, "{}", self.why),
        }
    }
}

impl Error for Problem {}

impl Credential {
    /// What to do when the server does not accept it.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::Anonymous => "This context has no credentials: add a user to it in the kubeconfig, or log in with your cluster's own tool.".into(),
            Self::Token => "The token in the kubeconfig has expired or was revoked: log in again (for example `oc login`) or ask for a new one.".into(),
            Self::TokenFile(path) => format!("The token in {path} is not accepted: renew that file."),
            Self::Certificate => "The client certificate is not accepted: it may have expired, or belong to another cluster. Ask for a new one.".into(),
            Self::Basic => "User name or password is not accepted: correct them in the kubeconfig.".into(),
            Self::Provider(name) => format!("The {name} login has expired: log in again with your {name} tool, then reconnect."),
            Self::Plugin(command) => format!("Sign in again: the login command runs `{command}` with the terminal handed over to it."),
            Self::InCluster => "The pod's service account is not accepted: check that its token is mounted and the account still exists.".into(),
        }
    }
}

#[cfg(test)]
mod tests;
