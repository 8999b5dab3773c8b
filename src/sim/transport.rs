//! Ways to the API server: TLS on a port, or pipes inside the process.
//!
//! Owns connections, certificates and the server's absence; knows nothing of what is asked over them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_util::sync::CancellationToken;

use super::api::Server;

/// Bytes in a pipe before its writer waits.
const PIPE: usize = 64 << 10;
/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A pipe to the server; its far end is served until either side closes it, the server goes away or stops.
pub(super) fn dial(server: &Arc<Server>, stop: &CancellationToken) -> io::Result<DuplexStream> {
    if stop.is_cancelled() || server.faults.away().is_some() {
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused"));
    }
    let (near, far) = tokio::io::duplex(PIPE);
    tokio::spawn(serve(Arc::clone(server), far, stop.clone()));
    Ok(near)
}

/// Serves one connection. It has no header time-out: under a paused clock that would close idle connections.
async fn serve(server: Arc<Server>, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, stop: CancellationToken) {
    let faults = server.faults.clone();
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.handle(request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades();
    tokio::select! {
        // An error is the client going away: there is nobody left to tell.
        _ = connection => {}
        () = faults.going_away() => {}
        () = stop.cancelled() => {}
    }
}

/// Listens on `addr` until `stop`. Gives the address and the certificate of its authority.
pub(super) async fn listen(
    server: &Arc<Server>,
    addr: SocketAddr,
    stop: &CancellationToken,
) -> io::Result<(SocketAddr, String)> {
    let (acceptor, ca) = acceptor(addr).map_err(io::Error::other)?;
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let (server, until) = (Arc::clone(server), stop.clone());
    tokio::spawn(
        async move { until.clone().run_until_cancelled(accept(server, listener, addr, acceptor, until)).await },
    );
    Ok((addr, ca))
}

/// Accepts for ever. While the server is away nothing listens, so that clients are refused as by a dead machine.
async fn accept(
    server: Arc<Server>,
    listener: TcpListener,
    addr: SocketAddr,
    acceptor: TlsAcceptor,
    stop: CancellationToken,
) {
    let mut listening = Some(listener);
    loop {
        let Some(listener) = &listening else {
            tokio::time::sleep(server.faults.away().unwrap_or_default()).await;
            listening = TcpListener::bind(addr).await.ok();
            if listening.is_none() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            continue;
        };
        tokio::select! {
            () = server.faults.going_away() => listening = None,
            accepted = listener.accept() => {
                if let Ok((tcp, _)) = accepted {
                    tokio::spawn(greet(Arc::clone(&server), tcp, acceptor.clone(), stop.clone()));
                }
            }
        }
    }
}

async fn greet(server: Arc<Server>, tcp: TcpStream, acceptor: TlsAcceptor, stop: CancellationToken) {
    // Without it a small answer waits for the one before to be acknowledged.
    let _ = tcp.set_nodelay(true);
    if let Ok(Ok(tls)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp)).await {
        serve(server, tls, stop).await;
    }
}

/// A new authority and a certificate of it for this address. Their keys exist only in this process.
fn acceptor(addr: SocketAddr) -> Result<(TlsAcceptor, String), Box<dyn std::error::Error + Send + Sync>> {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "mpideck sim authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let names = [addr.ip().to_string(), "127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "mpideck sim");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?;

    let secret = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret.into())?;
    // Clients that would like HTTP/2 are told what there is.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}
