//! From a kubeconfig entry to a kube client: TLS, proxies, impersonation, and in-process pipes.
//!
//! Real servers get kube's own stack, without its retries. A [`Dial`] gets the same layers over a pipe, since kube takes no
//! connector of ours.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use base64::Engine as _;
use hyper::{Uri, rt};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::{TokioExecutor, TokioIo},
};
use kube::{
    Client, Config,
    client::{ClientBuilder, ConfigExt as _},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::ExposeSecret as _;
use tokio::io::DuplexStream;
use tower::{BoxError, Service, ServiceBuilder};

use super::{
    credentials::bearer,
    kubeconfig::Resolved,
    problem::{Problem, ProblemKind as Kind},
    proxy::{ProxyEnv, without_user},
    target::Dial,
};

/// kube's configuration of a context, without any exec plugin (see `credentials`) and without kube's own proxy rules.
pub(crate) fn config(resolved: &Resolved, proxies: &ProxyEnv, pipe: bool) -> Result<Config, Problem> {
    let cluster = &resolved.cluster;
    let server = cluster.server.as_deref().unwrap_or_default();
    let no_url = || bad(resolved, &format!("the server's address {:?} is not a URL", without_user(server)));
    let url: Uri = full_url(server).ok_or_else(no_url)?;
    let mut config = Config::new(url);
    config.default_namespace = resolved.namespace.clone().unwrap_or_else(|| "default".into());
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.clone().filter(|n| !n.is_empty());
    config.root_cert = authorities(resolved)?;
    config.default_retry = false;
    config.auth_info = resolved.user.clone();
    config.auth_info.exec = None;
    if let Some(token) = &config.auth_info.token {
        let token = token.expose_secret().trim();
        // What can't be a header would make a panic of it further down.
        bearer(token).map_err(|_| bad(resolved, "its user's token holds characters that can't be sent"))?;
        config.auth_info.token = Some(token.to_owned().into());
    }
    if !pipe {
        let chosen = proxies.choose(cluster.proxy_url.as_deref(), &config.cluster_url);
        config.proxy_url = chosen.map_err(|why| bad(resolved, &why))?;
    }
    Ok(config)
}

fn full_url(server: &str) -> Option<Uri> {
    let full = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
    let url: Uri = full.parse().ok()?;
    let ok = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|h| !h.is_empty());
    ok.then_some(url)
}

/// Whether nobody between can read what is sent to this address.
pub(super) fn is_private(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    here || uri.scheme_str() != Some("http")
}

fn bad(resolved: &Resolved, why: &str) -> Problem {
    let what = format!("can't use cluster {} of the kubeconfig", resolved.cluster_name);
    Problem::new(Kind::BadConfig, &what, why, "Correct that cluster's entry, or fetch a fresh kubeconfig.")
}

pub(super) fn authorities(resolved: &Resolved) -> Result<Option<Vec<Vec<u8>>>, Problem> {
    let cluster = &resolved.cluster;
    let pem = if let Some(data) = cluster.certificate_authority_data.as_deref().filter(|d| !d.is_empty()) {
        let decoded = base64::engine::general_purpose::STANDARD.decode(data.trim());
        decoded.map_err(|_| bad(resolved, "certificate-authority-data is not base64"))?
    } else if let Some(file) = cluster.certificate_authority.as_deref().filter(|f| !f.is_empty()) {
        std::fs::read(file).map_err(|e| bad(resolved, &format!("can't read certificate-authority {file}: {e}")))?
    } else {
        return Ok(None);
    };
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).map(|c| c.to_vec()).collect();
    if found.is_empty() {
        return Err(bad(resolved, "its certificate-authority holds no certificate"));
    }
    Ok(Some(found))
}

/// A client for `config`. Blocking: it reads certificate files and may run a legacy login helper.
pub(crate) fn client(config: Config, dial: Option<Dial>) -> kube::Result<Client> {
    // Another library may have chosen a provider before; both would do.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    match dial {
        None => Client::try_from(config),
        Some(dial) => over_pipe(config, dial),
    }
}

fn over_pipe(config: Config, dial: Dial) -> kube::Result<Client> {
    let connector = config.rustls_https_connector_with_connector(Pipes(dial))?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector));
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

/// A connector whose every connection is a pipe into this process.
#[derive(Clone)]
struct Pipes(Dial);

impl Service<Uri> for Pipes {
    type Response = Pipe;
    type Error = io::Error;
    type Future = Ready<io::Result<Pipe>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _host: Uri) -> Self::Future {
        let dial: &Arc<_> = &self.0;
        ready(dial().map(|near| Pipe(TokioIo::new(near))))
    }
}

/// A pipe that hyper's client takes for a connection.
struct Pipe(TokioIo<DuplexStream>);

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl rt::Read for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: rt::ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl rt::Write for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::kubeconfig::Loaded;

    fn of_token(token: &str) -> Result<Config, Problem> {
        let kubeconfig = Loaded::from_value(json!({
            "clusters": [{"name": "c", "cluster": {"server": "https://api.corp:6443"}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x"
        }));
        let resolved = kubeconfig.expect("a kubeconfig").resolve(None).expect("a context");
        config(&resolved, &ProxyEnv::default(), true)
    }

    #[test]
    fn a_token_with_a_line_end_behind_it_is_sent_without_and_one_that_can_t_be_sent_is_refused() {
        let token = of_token("abc\n").expect("a configuration").auth_info.token;
        assert_eq!(token.expect("a token").expose_secret(), "abc");
        let problem = of_token("abc\ndef").expect_err("refused");
        assert_eq!(problem.kind, Kind::BadConfig);
        assert!(!format!("{problem:?}").contains("def"), "{problem:?}");
    }

    #[test]
    fn only_tls_and_this_machine_are_private() {
        for url in
            ["https://api.corp:6443", "api.corp:6443", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"]
        {
            assert!(is_private(url), "{url}");
        }
        assert!(!is_private("http://10.0.0.1:8080") && !is_private("http://127.0.0.1.evil:1"));
    }
}
