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
        health::Deployment,
        watch::Watches,
    },
    console::{
        message::Message,
        model::session::{Namespaces, Offered, Operator, Scope, SessionId, SessionMessage},
    },
    jobs::{
        Clean, Kind, Name,
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
        let watches = Watches::start(&ready.session, &ready.offer, keys, None, &self.mailbox, &token);
        Reading { _watches: watches, _cancels: token.drop_guard() }
    }
}

/// Lists being read; dropping it ends that.
struct Reading {
    _watches: Watches,
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

/// Asks the server itself: a review would be a hint only. One object of the first kind at most comes back.
async fn may_read_all(ready: &Ready) -> bool {
    let Some(kind) = ready.offer.kinds.first() else { return true };
    let info = kind.info();
    let path = format!("/apis/{}/{}/{}?limit=1", info.group, info.version, info.plural);
    let answer = ready.session.get(&path, "application/json", "list jobs of all namespaces").await;
    !matches!(answer, Err(problem) if problem.kind == ProblemKind::Forbidden)
}

/// Which namespaces there are.
pub(super) async fn namespaces(ready: Ready) -> Message {
    let namespaces = match cluster::namespaces::list(&ready.session, &ready.offer).await {
        Ok(cluster::namespaces::Namespaces::Known(names)) => Namespaces::Known(names),
        Ok(cluster::namespaces::Namespaces::Typed(ask)) => Namespaces::Unreadable(ask),
        Err(problem) => Namespaces::Unreadable(problem.why),
    };
    Message::Session(ready.id, SessionMessage::Namespaces(namespaces))
}

/// How the operators of what is served do, where that may be read.
async fn operators(ready: &Ready) -> Vec<Operator> {
    let served = cluster::health::health(&ready.session, &ready.offer).await.into_iter().filter(|c| c.served);
    served
        .map(|component| {
            let trouble = match component.deployment {
                Deployment::Found { ready, wanted } if ready < wanted => {
                    Some(Clean::new(&format!("{ready} of {wanted} pods ready")))
                }
                _ => None,
            };
            let version = component.version.unwrap_or_default();
            Operator { name: Clean::new(component.name), version, trouble }
        })
        .collect()
}

/// What the session cost so far, in words.
pub(super) async fn counters(ready: Ready) -> Message {
    let load = ready.session.load().now();
    let counters = [
        ("requests", format!("{} ({} failed)", load.requests, load.failures)),
        ("open streams", load.streams.to_string()),
        ("watch events", load.events.to_string()),
        ("bytes read", load.bytes.to_string()),
        ("server", ready.session.who().server.to_string()),
    ];
    let counters = counters.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Message::Session(ready.id, SessionMessage::Counters(counters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(kinds: &[Kind]) -> Offer {
        let mut offer = Offer::default();
        offer.kinds = kinds.to_vec();
        offer.kueue = Some(Clean::new("v1beta1"));
        offer.jobsets = Some(Clean::new("v1alpha2"));
        offer
    }

    #[test]
    fn a_plan_reads_jobs_first_and_only_what_is_served() {
        let of = |offer: &Offer| plan(offer, &Scope::All).into_iter().map(|key| key.of).collect::<Vec<_>>();
        assert_eq!(of(&Offer::default()), []);
        assert_eq!(
            of(&offer(&[Kind::MpiJob])),
            [ListOf::Jobs(Kind::MpiJob), ListOf::Pods, ListOf::Warnings, ListOf::Workloads]
        );
        assert!(!of(&offer(&[Kind::TrainJob])).contains(&ListOf::Pods));
        assert!(of(&offer(&[Kind::TrainJob])).contains(&ListOf::JobSetPods));
    }

    #[test]
    fn too_many_lists_become_one_of_each_kind() {
        let offer = offer(&[Kind::MpiJob, Kind::PyTorchJob]);
        let names: Vec<String> = (0..12).map(|n| format!("team-{n}")).collect();
        let scope = Scope::of(names.iter().map(String::as_str)).expect("names");
        let keys = within(plan(&offer, &scope), || plan(&offer, &Scope::All));
        assert!(keys.len() <= MOST_LISTS && keys.iter().all(|key| key.namespace.is_none()));
    }
}
