//! Failures below HTTP: names, sockets, TLS, credentials. Looks through wrapped errors for the one that explains.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError};

use super::{About, Problem, ProblemKind as Kind};

const PROXY_HINT: &str = "Correct HTTPS_PROXY or proxy-url, or name the server in NO_PROXY if it needs no proxy.";

/// The most telling error of the chain decides.
pub(super) fn classify(error: &(dyn Error + 'static), about: &About<'_>) -> Problem {
    let chain = chain(error);
    if let Some(problem) = chain.iter().find_map(|e| e.downcast_ref::<Problem>()) {
        return problem.clone();
    }
    if let Some(tls) = chain.iter().find_map(|e| e.downcast_ref::<rustls::Error>()) {
        return of_tls(tls, about);
    }
    let texts = || chain.iter().map(ToString::to_string);
    if texts().any(|t| t.contains("dns error") || t.contains("failed to lookup address")) {
        return dns(about);
    }
    if let Some(problem) = chain.iter().find_map(|e| of_kube(*e, about)) {
        return problem;
    }
    if let Some(io) = chain.iter().rev().find_map(|e| e.downcast_ref::<io::Error>()) {
        return of_io(io, about);
    }
    let why = texts().next_back().unwrap_or_default();
    let why = about.proxy.map_or_else(|| why.clone(), |proxy| format!("the proxy {proxy} does not lead there: {why}"));
    made(Kind::Unreachable, about, &why, "Check VPN, network and proxy if it goes on.")
}

/// The error, its sources, and what `io::Error` wraps without calling it a source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut out = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if out.len() == 16 {
            break;
        }
        out.push(error);
        let inner: Option<&'a (dyn Error + 'static)> =
            error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map(|e| e as &(dyn Error + 'static));
        next = inner.or_else(|| error.source());
    }
    out
}

fn made(kind: Kind, about: &About<'_>, why: &str, hint: &str) -> Problem {
    Problem::new(kind, &format!("can't {}", about.doing), why, hint)
}

fn dns(about: &About<'_>) -> Problem {
    let why = format!("the name {} does not resolve", host_of(about.proxy.unwrap_or(about.server)));
    let hint = about.proxy.map_or("Check VPN and DNS, and the server's name in the kubeconfig.", |_| PROXY_HINT);
    made(Kind::Dns, about, &why, hint)
}

fn host_of(server: &str) -> String {
    let uri = server.parse::<http::Uri>().ok();
    uri.and_then(|u| u.host().map(str::to_owned)).unwrap_or_else(|| server.to_owned())
}

fn of_io(error: &io::Error, about: &About<'_>) -> Problem {
    use io::ErrorKind as E;
    let server = about.proxy.map_or_else(|| about.server.to_owned(), |proxy| format!("the proxy {proxy}"));
    let running = "Is the API server running, and the port in the kubeconfig right?";
    let (kind, why, hint) = match error.kind() {
        E::ConnectionRefused => {
            (Kind::Unreachable, format!("{server} refuses connections"), about.proxy.map_or(running, |_| PROXY_HINT))
        }
        E::TimedOut => {
            (Kind::Timeout, format!("{server} does not answer"), "Check VPN and network, or a firewall on the way.")
        }
        E::HostUnreachable | E::NetworkUnreachable | E::NetworkDown => {
            (Kind::Unreachable, format!("there is no route to {server}"), "Check that the network and VPN are up.")
        }
        E::ConnectionReset | E::ConnectionAborted | E::BrokenPipe | E::UnexpectedEof => (
            Kind::Unreachable,
            format!("{server} closed the connection"),
            "A proxy or load balancer on the way may cut long connections.",
        ),
        E::NotFound | E::PermissionDenied => {
            (Kind::BadConfig, error.to_string(), "Correct the path or its permissions in the kubeconfig.")
        }
        _ => (Kind::Unreachable, format!("{server}: {error}"), "Check VPN, network and proxy."),
    };
    made(kind, about, &why, hint)
}

fn of_tls(error: &rustls::Error, about: &About<'_>) -> Problem {
    use rustls::Error as E;
    let server = about.server;
    match error {
        E::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => made(
            Kind::CertificateExpired,
            about,
            &format!("the certificate of {server} has expired"),
            "The cluster's administrator must renew it. Check this machine's clock, too.",
        ),
        E::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => made(
            Kind::CertificateExpired,
            about,
            &format!("the certificate of {server} is not valid yet"),
            "Check this machine's clock.",
        ),
        E::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            made(
                Kind::Tls,
                about,
                &format!("the certificate of {server} is for another name"),
                "Use the name it was made for, or set tls-server-name for this cluster in the kubeconfig.",
            )
        }
        E::InvalidCertificate(_) | E::NoCertificatesPresented => made(
            Kind::Tls,
            about,
            &format!("the certificate of {server} is not trusted: {error}"),
            "The kubeconfig's certificate-authority is not the one of this server: fetch a fresh kubeconfig.",
        ),
        E::AlertReceived(AlertDescription::CertificateExpired) => made(
            Kind::CertificateExpired,
            about,
            "the server says that our client certificate has expired",
            &about.credential.remedy(),
        ),
        E::AlertReceived(alert) => made(
            Kind::Tls,
            about,
            &format!("the server refused the TLS connection ({alert:?})"),
            &about.credential.remedy(),
        ),
        _ => made(
            Kind::Tls,
            about,
            &format!("no TLS connection with {server}: {error}"),
            "Check http against https, the port, and whether a proxy answers in the server's place.",
        ),
    }
}

/// What kube says itself; its other errors only wrap one that the chain shows.
fn of_kube(error: &(dyn Error + 'static), about: &About<'_>) -> Option<Problem> {
    match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::ProxyProtocolUnsupported { .. }) => {
            let hint = "Use http://, https:// or socks5:// in proxy-url or HTTPS_PROXY.";
            return Some(made(Kind::BadConfig, about, "the proxy's address has a scheme we can't speak", hint));
        }
        // An answer that kube has read before us.
        Some(kube::Error::Api(status)) => {
            let body = serde_json::to_vec(status).unwrap_or_default();
            return Some(Problem::answered(status.code, &http::HeaderMap::new(), &body, about));
        }
        _ => {}
    }
    if let Some(auth) = error.downcast_ref::<kube::client::AuthError>() {
        return Some(of_auth(auth, about));
    }
    let config = error.downcast_ref::<kube::config::KubeconfigError>()?;
    let hint = "Correct that entry of the kubeconfig, or fetch a fresh one.";
    Some(made(Kind::BadConfig, about, &config.to_string(), hint))
}

/// Only words that can't hold a token: kube puts a helper's whole output into some of these.
fn of_auth(error: &kube::client::AuthError, about: &About<'_>) -> Problem {
    use kube::client::AuthError as A;
    let why = match error {
        A::ReadTokenFile(cause, path) => format!("the token file {} can't be read: {cause}", path.display()),
        A::AuthExecRun { out, .. } => format!("the login helper failed ({})", out.status),
        A::AuthExecStart(cause) => format!("the login helper can't be started: {cause}"),
        A::InvalidBasicAuth(_) | A::InvalidBearerToken(_) => {
            "the credential holds characters that can't be sent".into()
        }
        A::Oidc(cause) => format!("the OIDC login can't be refreshed: {cause}"),
        _ => "the credentials of this context can't be used".into(),
    };
    made(Kind::Unauthorized, about, &why, &about.credential.remedy())
}
