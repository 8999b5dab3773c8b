//! A port of this machine that leads to one of a replica.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

use crate::{
    changes::{Change, Desk},
    cluster::{Problem, ProblemKind, Session, exec},
    jobs::Name,
};

/// Connections at once; more wait.
const MOST: usize = 64;
/// After an accept that failed (no more file descriptors, say).
const PAUSE: Duration = Duration::from_millis(200);

/// What went through so far. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Traffic(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    connections: AtomicU64,
}

impl Traffic {
    /// Connections that are open, and all there were.
    pub fn counts(&self) -> (usize, u64) {
        (self.0.open.load(Relaxed), self.0.connections.load(Relaxed))
    }
}

/// Takes a port of this machine, for its own users only: 127.0.0.1. 0 takes one that is free.
pub async fn listen(port: u16) -> Result<TcpListener, Problem> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "Another program has it: choose another local port, or 0 for any.",
            io::ErrorKind::PermissionDenied => "Ports below 1024 need rights of their own: choose a higher one.",
            _ => "Choose another local port.",
        };
        let what = format!("can't listen on 127.0.0.1:{port}");
        Problem::new(ProblemKind::Invalid, &what, &error.to_string(), hint)
    })
}

/// The near end of a forwarded port.
#[derive(Debug)]
pub struct Forwarding {
    /// Where connections come in.
    pub listener: TcpListener,
    /// What they cost.
    pub traffic: Traffic,
}

impl Forwarding {
    /// Leads connections on, until the pod is no more, or nothing may be changed any more: that is asked with each of them.
    /// Dropping the future closes them all.
    pub(super) async fn run(&self, desk: &Desk, change: &Change, port: u16) -> Problem {
        let (session, pod) = (&desk.session, &change.subject);
        let mut open = JoinSet::new();
        let room = Arc::new(Semaphore::new(MOST));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return closed() };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((near, _)) => {
                        if let Err(problem) = desk.gate.check_open(change, session.now()) {
                            return problem;
                        }
                        let lead = lead(session.clone(), pod.namespace.clone(), pod.name.clone(), port, near);
                        let counted = self.traffic.clone();
                        open.spawn(async move {
                            counted.0.connections.fetch_add(1, Relaxed);
                            counted.0.open.fetch_add(1, Relaxed);
                            let led = lead.await;
                            counted.0.open.fetch_sub(1, Relaxed);
                            drop(place);
                            led
                        });
                    }
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(led) = open.join_next(), if !open.is_empty() => {
                    // One connection that breaks is its client's matter; a pod that is gone is everybody's.
                    if let Ok(Err(problem)) = led
                        && matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Forbidden)
                    {
                        return problem;
                    }
                }
            }
        }
    }
}

fn closed() -> Problem {
    Problem::new(ProblemKind::Bug, "can't forward the port", "its room was closed", "Please report this.")
}

/// Leads one connection to the replica.
async fn lead(session: Session, namespace: Name, pod: Name, port: u16, mut near: TcpStream) -> Result<(), Problem> {
    let mut forwarder = exec::forward(&session, &namespace, &pod, port).await?;
    let Some(mut far) = forwarder.take_stream(port) else { return Ok(()) };
    // Either end may break it off.
    let _ = copy_bidirectional(&mut near, &mut far).await;
    Ok(())
}
