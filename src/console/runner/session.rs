//! The life of a session: connect, find out what is served, settle the scope, read the lists; again and again until
//! somebody wants another one. It outlives a credential: with a new one the same lists are read on.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Ready, Results, disk::trouble};
use crate::{
    cluster::{
        self, Mailbox, Problem, ProblemKind, Target,
        access::{self, Ask, Verdict},
        discovery::{Offer, discover},
        health::Deployment,
        watch::{MOST_WATCHES, Watches, lists},
    },
    console::{
        commands::{self, Right},
        message::Message,
        model::session::{Denied, Namespaces, Offered, Operator, Scope, SessionId, SessionMessage},
        start::LoadTarget,
    },
    jobs::{Clean, Name, fleet::ListKey, quantity::format_bytes},
};

/// What is installed meanwhile is found after at most this long.
const ASK_AGAIN: Duration = Duration::from_mins(5);
/// The same where there is nothing to read yet: somebody may be installing it.
const ASK_AGAIN_SOON: Duration = Duration::from_secs(10);
/// A selector is sent to the server when it has not changed for so long.
const TYPED: Duration = Duration::from_millis(600);
/// After a 401, between two attempts.
const SIGNED_OUT: Duration = Duration::from_mins(1);
/// How often the kubeconfig is looked at meanwhile: a new credential is used at once.
const LOOK: Duration = Duration::from_secs(2);

/// A session to be lived.
pub(super) struct Live {
    pub(super) id: SessionId,
    pub(super) target: Target,
    /// Reads the kubeconfig anew, for this context.
    pub(super) load: LoadTarget,
    pub(super) scope: Option<Scope>,
    /// Label selector that lists of jobs are narrowed by.
    pub(super) labels: watch::Receiver<Option<String>>,
    pub(super) mailbox: Mailbox,
    pub(super) ready: watch::Sender<Option<Ready>>,
    pub(super) results: Results,
    pub(super) token: CancellationToken,
}

/// What a standing session does next.
enum Next {
    AskAgain,
    Narrow,
    SignedOut,
}

impl Live {
    pub(super) async fn run(self) {
        let token = self.token.clone();
        token.run_until_cancelled(self.live()).await;
    }

    async fn live(mut self) {
        let target = self.target.clone();
        let first = self.attempt(target).await;
        let Some(mut ready) = self.stands(first).await else { return };
        let scope = self.settled(&ready).await;
        let mut reading = self.read(&ready, &scope).await;
        self.review(&ready, &scope);
        loop {
            match self.next(&ready).await {
                Next::Narrow => {
                    let keys = self.lists(&ready, &scope).await;
                    reading.change(&ready.session, &ready.offer, keys, self.labels().as_deref());
                }
                Next::SignedOut => {
                    // A plugin, a token file or the kubeconfig may have a new credential already.
                    let again = self.attempt_anew().await;
                    let Some(stands) = self.stands(again).await else { return };
                    ready = stands;
                    reading = self.read(&ready, &scope).await;
                }
                Next::AskAgain => {
                    // A failure here shows in the lists, too; they are the ones to tell of it.
                    let Ok(offer) = discover(&ready.session).await else { continue };
                    ready.offer = Arc::new(offer);
                    self.announce(&ready).await;
                    let keys = self.lists(&ready, &scope).await;
                    self.tell(SessionMessage::Lists(keys.clone())).await;
                    reading.change(&ready.session, &ready.offer, keys, self.labels().as_deref());
                }
            }
        }
    }

    /// Waits for what there is to do.
    async fn next(&mut self, ready: &Ready) -> Next {
        let wait = if ready.offer.kinds.is_empty() { ASK_AGAIN_SOON } else { ASK_AGAIN };
        let labels = &mut self.labels;
        tokio::select! {
            _ = ready.session.signed_out() => Next::SignedOut,
            () = settled_value(labels) => Next::Narrow,
            () = tokio::time::sleep(wait) => Next::AskAgain,
        }
    }

    fn labels(&self) -> Option<String> {
        self.labels.borrow().clone()
    }

    async fn tell(&self, message: SessionMessage) {
        // A closed channel means that the console has ended, and this task with it.
        let _ = self.results.send(Message::Session(self.id, message)).await;
    }

    /// It stands, and this is what it offers; how the operators do follows.
    async fn announce(&self, ready: &Ready) {
        self.ready.send_replace(Some(ready.clone()));
        self.tell(SessionMessage::Up(offered(&ready.offer))).await;
        let (ready, results, token) = (ready.clone(), self.results.clone(), self.token.clone());
        tokio::spawn(token.run_until_cancelled_owned(async move {
            let message = SessionMessage::Operators(operators(&ready).await);
            let _ = results.send(Message::Session(ready.id, message)).await;
        }));
    }

    /// Asks what commands need; the answers are hints, and nothing waits for them.
    fn review(&self, ready: &Ready, scope: &Scope) {
        let (ready, results) = (ready.clone(), self.results.clone());
        let places: Vec<Option<Name>> = match scope {
            Scope::All => vec![None],
            Scope::Named(names) => names.iter().cloned().map(Some).collect(),
        };
        tokio::spawn(self.token.clone().run_until_cancelled_owned(async move {
            let message = SessionMessage::Denied(denied(&ready.session, &places).await);
            let _ = results.send(Message::Session(ready.id, message)).await;
        }));
    }

    /// Tries until it stands. `None`: it never will without the person doing something.
    async fn stands(&self, first: Result<Ready, Problem>) -> Option<Ready> {
        let (mut result, mut wait) = (first, Duration::from_millis(500));
        loop {
            let problem = match result {
                Ok(ready) => {
                    self.announce(&ready).await;
                    return Some(ready);
                }
                Err(problem) => problem,
            };
            let trouble = trouble(&problem, (self.target.now)());
            let retries = trouble.retries;
            self.tell(SessionMessage::Down(trouble)).await;
            if !retries {
                return None;
            }
            if matches!(problem.kind, ProblemKind::Unauthorized | ProblemKind::Forbidden) {
                self.patience().await;
            } else {
                tokio::time::sleep(jittered(wait, self.id)).await;
            }
            wait = (wait * 2).min(Duration::from_secs(4));
            result = self.attempt_anew().await;
        }
    }

    /// Waits for a minute, or until a file of the kubeconfig is written.
    async fn patience(&self) {
        let (end, before) = (Instant::now() + SIGNED_OUT, written(&self.target).await);
        while Instant::now() < end {
            tokio::time::sleep(LOOK).await;
            if written(&self.target).await != before {
                return;
            }
        }
    }

    async fn attempt(&self, target: Target) -> Result<Ready, Problem> {
        let session = cluster::connect(target).await?;
        let offer = Arc::new(discover(&session).await?);
        Ok(Ready { id: self.id, session, offer })
    }

    /// With what the kubeconfig says now.
    async fn attempt_anew(&self) -> Result<Ready, Problem> {
        let load = Arc::clone(&self.load);
        let target = match tokio::task::spawn_blocking(move || load()).await {
            Ok(target) => target?,
            Err(_) => self.target.clone(),
        };
        self.attempt(target).await
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

    /// Reads the lists of what is served now.
    async fn read(&self, ready: &Ready, scope: &Scope) -> Watches {
        let keys = self.lists(ready, scope).await;
        self.tell(SessionMessage::Lists(keys.clone())).await;
        Watches::start(&ready.session, &ready.offer, keys, self.labels().as_deref(), &self.mailbox, &self.token)
    }

    /// The lists to read. More than can be watched become one of each kind for the whole cluster, of which the scope's
    /// rows are kept, if that may be read; else the last ones are polled.
    async fn lists(&self, ready: &Ready, scope: &Scope) -> Vec<ListKey> {
        let keys = lists(&ready.offer, scope.names());
        if keys.len() <= MOST_WATCHES || !may_read_all(ready).await {
            return keys;
        }
        lists(&ready.offer, &[])
    }
}

/// Waits for a new value, and until it has stopped changing.
async fn settled_value(labels: &mut watch::Receiver<Option<String>>) {
    if labels.changed().await.is_err() {
        return std::future::pending().await;
    }
    while let Ok(Ok(())) = tokio::time::timeout(TYPED, labels.changed()).await {}
}

/// When each file of the kubeconfig was written, and its length.
async fn written(target: &Target) -> Vec<Option<(SystemTime, u64)>> {
    let loaded = Arc::clone(&target.kubeconfig);
    let of = |path: &std::path::PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    };
    tokio::task::spawn_blocking(move || loaded.files.iter().map(of).collect()).await.unwrap_or_default()
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

/// Asks the server itself: a review would be a hint only. One object at most comes back.
async fn may_read_all(ready: &Ready) -> bool {
    let path = ready.offer.kinds.first().map_or_else(
        || "/api/v1/pods?limit=1".to_owned(),
        |kind| {
            let info = kind.info();
            format!("/apis/{}/{}/{}?limit=1", info.group, info.version, info.plural)
        },
    );
    let answer = ready.session.get(&path, "application/json", "list jobs of all namespaces").await;
    !matches!(answer, Err(problem) if problem.kind == ProblemKind::Forbidden)
}

/// What would be refused in these places, of what commands need.
async fn denied(session: &cluster::Session, places: &[Option<Name>]) -> Vec<Denied> {
    let rights = commands::rights();
    let asked: Vec<_> = rights.iter().flat_map(|right| places.iter().map(move |place| (*right, place))).collect();
    let asks: Vec<_> = asked
        .iter()
        .map(|(Right { verb, group, resource }, place)| Ask { verb, group, resource, namespace: (*place).clone() })
        .collect();
    let verdicts = access::review(session, &asks).await;
    asked
        .into_iter()
        .zip(verdicts)
        .filter_map(|((right, namespace), verdict)| match verdict {
            Verdict::Denied(why) => Some(Denied { right, namespace: namespace.clone(), why }),
            Verdict::Allowed | Verdict::Unknown => None,
        })
        .collect()
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
            let (state, ill) = match component.deployment {
                Deployment::Found { ready, wanted } => (format!("{ready} of {wanted} pods ready"), ready < wanted),
                Deployment::Missing => ("its Deployment is not where it usually is".to_owned(), false),
                Deployment::Unknown(why) => (format!("can't be seen: {why}"), false),
            };
            let (state, version) = (Clean::new(&state), component.version.unwrap_or_default());
            Operator { name: Clean::new(component.name), version, trouble: ill.then(|| state.clone()), state }
        })
        .collect()
}

/// What the session cost so far, in words.
pub(super) async fn counters(ready: Ready) -> Message {
    let load = ready.session.load().now();
    let resident = tokio::task::spawn_blocking(resident).await.ok().flatten();
    let counters = [
        ("requests", format!("{} ({} refused, {} failed)", load.requests, load.refusals, load.failures)),
        ("open streams", load.streams.to_string()),
        ("watch events", load.events.to_string()),
        ("bytes read", format_bytes(load.bytes)),
        ("resident memory here", resident.map_or_else(|| "not known".to_owned(), format_bytes)),
        ("server", ready.session.who().server.to_string()),
    ];
    let counters = counters.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Message::Session(ready.id, SessionMessage::Counters(counters))
}

/// Bytes of this process in memory, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?;
    Some(kib.parse::<u64>().ok()? * 1024)
}
