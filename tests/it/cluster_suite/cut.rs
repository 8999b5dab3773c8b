//! Connections that can be cut, whatever cluster they lead to.

use std::net::SocketAddr;
use std::sync::Arc;

use mpideck::cluster::kubeconfig::{self, Loaded, Source};
use mpideck::sim::Faults;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A forwarder of TCP connections, or the sim's own switch where there are none.
pub(super) enum Forwarder {
    Tcp(watch::Sender<u32>),
    Sim(Faults),
}

impl Forwarder {
    pub(super) fn of_sim(faults: Faults) -> Self {
        Self::Sim(faults)
    }

    /// Listens in place of the current context's server; the kubeconfig that leads there.
    pub(super) async fn to(loaded: &Loaded) -> (Arc<Loaded>, Self) {
        let contexts = loaded.contexts();
        let current = contexts.all.iter().find(|c| Some(&c.name) == contexts.current.as_ref()).unwrap();
        let url: http::Uri = current.server.as_str().parse().unwrap();
        let host = url.host().unwrap().trim_matches(['[', ']']).to_owned();
        let server = (host.clone(), url.port_u16().unwrap_or(443));
        let listener = TcpListener::bind((host.as_str(), 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let cuts = watch::Sender::new(0);
        tokio::spawn(accept(listener, server, cuts.clone()));
        (redirected(loaded, current.server.as_str(), &host, addr), Self::Tcp(cuts))
    }

    /// Ends all connections (in process: all watches).
    pub(super) fn cut(&self) {
        match self {
            Self::Tcp(cuts) => cuts.send_modify(|n| *n += 1),
            Self::Sim(faults) => faults.cut_watches(),
        }
    }
}

async fn accept(listener: TcpListener, server: (String, u16), cuts: watch::Sender<u32>) {
    while let Ok((mut near, _)) = listener.accept().await {
        let (server, mut cut) = (server.clone(), cuts.subscribe());
        tokio::spawn(async move {
            let Ok(mut far) = TcpStream::connect(server).await else { return };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = cut.changed() => {}
            }
        });
    }
}

/// The same kubeconfig with another address. It goes through a file, as there is no other way to read one.
fn redirected(loaded: &Loaded, from: &str, host: &str, to: SocketAddr) -> Arc<Loaded> {
    let file = loaded.files.first().cloned();
    let text = match file {
        Some(file) => std::fs::read_to_string(file).unwrap(),
        None => panic!("only a kubeconfig in a file can be redirected"),
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let text = text.replace(from, &format!("https://{host}:{}", to.port()));
    // Beside the other: it may name files relative to itself.
    let dir = loaded.files[0].parent().unwrap();
    let beside = tempfile::Builder::new().prefix(".cuttable-").tempfile_in(dir).unwrap();
    std::fs::write(beside.path(), text).unwrap();
    let source = Source { explicit: Some(beside.path().to_owned()), ..Source::default() };
    kubeconfig::load(&source).unwrap().shared()
}
