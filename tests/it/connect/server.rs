//! A TLS server with the certificates a test wants, that serves nothing and remembers how it was asked.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority of a test.
pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

/// What the server says to a request.
pub(super) type Answer = fn(&HeaderMap) -> (u16, &'static str);

/// How a server is to be.
pub(super) struct Wanted {
    /// Names in its certificate.
    pub(super) names: &'static [&'static str],
    /// Its certificate ended years ago.
    pub(super) expired: bool,
    /// Whom its clients' certificates must be from.
    pub(super) clients: Option<Authority>,
    /// Status and body.
    pub(super) answer: Answer,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { names: &["127.0.0.1", "localhost"], expired: false, clients: None, answer: |_| (200, NOTHING) }
    }
}

/// A cluster that serves no group at all.
pub(super) const NOTHING: &str = r#"{"kind": "APIGroupDiscoveryList", "items": []}"#;

/// A running server.
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    pub(super) ca: String,
    heads: Arc<Mutex<Vec<HeaderMap>>>,
}

/// A new authority.
pub(super) fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client's certificate and key, in PEM.
pub(super) fn client_certificate(authority: &Authority) -> (String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "alice");
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

impl Server {
    pub(super) async fn start(wanted: Wanted) -> Self {
        let authority = authority();
        let acceptor = acceptor(&authority, &wanted);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, heads) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        tokio::spawn(accept(listener, acceptor, wanted.answer, Arc::clone(&heads)));
        Self { addr, ca: authority.pem(), heads }
    }

    /// How a kubeconfig names it.
    pub(super) fn cluster(&self) -> Value {
        let data = super::base64(&self.ca);
        json!({"server": format!("https://{}", self.addr), "certificate-authority-data": data})
    }

    /// All values of a header, over all requests so far.
    pub(super) fn header(&self, name: &str) -> Vec<String> {
        let heads = self.heads.lock().unwrap();
        let values = heads.iter().flat_map(|head| head.get_all(name));
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

fn acceptor(authority: &Authority, wanted: &Wanted) -> TlsAcceptor {
    let names: Vec<String> = wanted.names.iter().map(|&name| name.to_owned()).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    if wanted.expired {
        leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = leaf.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match &wanted.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = builder.with_single_cert(vec![certificate.der().clone()], secret.into()).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, answer: Answer, heads: Arc<Mutex<Vec<HeaderMap>>>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (acceptor, heads) = (acceptor.clone(), Arc::clone(&heads));
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                heads.lock().unwrap().push(request.headers().clone());
                let response = respond(request.headers(), answer);
                async move { Ok::<_, Infallible>(response) }
            });
            // An error is the client going away.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(tls), service).await;
        });
    }
}

/// Compressed, where the client takes that.
fn respond(head: &HeaderMap, answer: Answer) -> Response<Full<Bytes>> {
    let (code, text) = answer(head);
    let response = Response::builder().status(code).header("content-type", "application/json");
    let takes_gzip = head.get("accept-encoding").is_some_and(|v| v.to_str().unwrap().contains("gzip"));
    if !takes_gzip {
        return response.body(Full::from(text)).unwrap();
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    response.header("content-encoding", "gzip").body(Full::from(encoder.finish().unwrap())).unwrap()
}
