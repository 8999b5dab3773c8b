//! The life of a session: connect, find out what is served, settle the scope, read the lists; again and again until
//! somebody wants another one.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Ready, Results, disk::trouble};
use crate::{
    cluster::{
        self, Mailbox, Problem, ProblemKind, Target,
        discovery::{Offer, discover},
    },
    console::{
        message::Message,
        model::session::{Namespaces, Offered, Operator, Scope, SessionId, SessionMessage},
    },
    jobs::{
        Clean, Kind, Name, Secs,
        fleet::{ListKey, ListOf},
    },
};

/// What is installed meanwhile is found after at most this long.
const ASK_AGAIN: Duration = Duration::from_mins(5);
/// As many lists are read at most.
const MOST_LISTS: usize = 24;

/// A session to be lived.
pub(super) struct Live {
    pub(super) id: SessionId,
    pub(super) target: Target,
    pub(super) scope: Option<Scope>,
    pub(super) mailbox: Mailbox,
    pub(super) ready: watch::Sender<Option<Ready>>,
    pub(super) results: Results,
    pub(super) token: CancellationToken,
}

impl Live {
    pub(super) async fn run(self) {
        let token = self.token.clone();
        token.run_until_cancelled(self.live()).await;
    }

    async fn live(self) {
        let Some(mut ready) = self.connected().await else { return };
        let scope = self.settled(&ready).await;
        let mut reading = self.read(&ready, &scope, None).await;
        loop {
            self.tell(SessionMessage::Operators(operators(&ready).await)).await;
            tokio::time::sleep(ASK_AGAIN).await;
            // A failure here shows in the lists, too; they are the ones to tell of it.
            let Ok(offer) = discover(&ready.session).await else { continue };
            let differs = plan(&offer, &scope) != plan(&ready.offer, &scope);
            ready.offer = Arc::new(offer);
            self.ready.send_replace(Some(ready.clone()));
            self.tell(SessionMessage::Up(offered(&ready.offer))).await;
            if differs {
                reading = self.read(&ready, &scope, Some(reading)).await;
            }
        }
    }

    async fn tell(&self, message: SessionMessage) {
        // A closed channel means that the console has ended, and this task with it.
        let _ = self.results.send(Message::Session(self.id, message)).await;
    }

    /// Tries until it stands. `None`: it never will without the person doing something.
    async fn connected(&self) -> Option<Ready> {
        let mut wait = Duration::from_millis(500);
        loop {
            match self.attempt().await {
                Ok(ready) => {
                    self.ready.send_replace(Some(ready.clone()));
                    self.tell(SessionMessage::Up(offered(&ready.offer))).await;
                    return Some(ready);
                }
                Err(problem) => {
                    let trouble = trouble(&problem, (self.target.now)());
                    let retries = trouble.retries;
                    self.tell(SessionMessage::Down(trouble)).await;
                    if !retries {
                        return None;
                    }
                    let slow = matches!(problem.kind, ProblemKind::Unauthorized | ProblemKind::Forbidden);
                    tokio::time::sleep(if slow { Duration::from_mins(1) } else { jittered(wait, self.id) }).await;
                    wait = (wait * 2).min(Duration::from_secs(4));
                }
            }
        }
    }

    async fn attempt(&self) -> Result<Ready, Problem> {
        let session = cluster::connect(self.target.clone()).await?;
        let offer = Arc::new(discover(&session).await?);
        Ok(Ready { id: self.id, session, offer })
    }

    /// The scope that was asked for, else all namespaces if they may be read, else `default`.
    async fn settled(&self, ready: &Ready) -> Scope {
        if let Some(scope) = &self.scope {
            return scope.clone();
        }
        let all = may_read_all(ready).await;
        let default = || Name::new("default").map_or(Scope::All, |name| Scope::Named(vec![name]));
        let scope = if all { Scope::All } else { default() };
        self.tell(SessionMessage::Scoped { scope: scope.clone(), choose: !all }).await;
        scope
    }

    /// Reads the lists that are served now; those that were read before under the same key go on.
    async fn read(&self, ready: &Ready, scope: &Scope, before: Option<Reading>) -> Reading {
        drop(before);
        let keys = within(plan(&ready.offer, scope), || plan(&ready.offer, &Scope::All));
        self.tell(SessionMessage::Lists(keys.clone())).await;
        let token = self.token.child_token();
        cluster::watch::Watches::start(ready.session.clone(), keys, self.mailbox.clone(), token.clone());
        Reading { _cancels: token.drop_guard() }
    }
}

/// Lists being read; dropping it ends that.
struct Reading {
    _cancels: tokio_util::sync::DropGuard,
}

/// The lists for what is served: jobs first, since they are the screen.
fn plan(offer: &Offer, scope: &Scope) -> Vec<ListKey> {
    let mut of: Vec<ListOf> = offer.kinds.iter().map(|kind| ListOf::Jobs(*kind)).collect();
    if of.is_empty() {
        return Vec::new();
    }
    if offer.kinds.iter().any(|kind| *kind != Kind::TrainJob) {
        of.push(ListOf::Pods);
    }
    if offer.kinds.contains(&Kind::TrainJob) && offer.jobsets.is_some() {
        of.push(ListOf::JobSetPods);
    }
    of.push(ListOf::Warnings);
    if offer.kueue.is_some() {
        of.push(ListOf::Workloads);
    }
    let places: Vec<Option<Name>> = match scope {
        Scope::All => vec![None],
        Scope::Named(names) => names.iter().cloned().map(Some).collect(),
    };
    let key = |of: ListOf| places.iter().map(move |namespace| ListKey { of, namespace: namespace.clone() });
    of.into_iter().flat_map(key).collect()
}

/// More lists than allowed become one of each kind for the whole cluster, of which the scope's rows are kept.
fn within(keys: Vec<ListKey>, whole: impl FnOnce() -> Vec<ListKey>) -> Vec<ListKey> {
    if keys.len() <= MOST_LISTS { keys } else { whole() }
}

fn jittered(wait: Duration, id: SessionId) -> Duration {
    // Sessions of many consoles that lost the same server should not come back in step; the process id differs.
    let spread = (std::process::id().wrapping_mul(2_654_435_761) ^ id.0) % 400;
    wait * (800 + spread) / 1000
}

fn offered(offer: &Offer) -> Offered {
    Offered {
        kinds: offer.kinds.iter().map(|kind| Clean::new(kind.info().kind)).collect(),
        components: Vec::new(),
        version: offer.server_version.clone().unwrap_or_default(),
    }
}
