//! Visits that need no terminal: ports that are led to replicas, each until it is stopped, its pod is gone, or its session
//! ends; a program in all replicas for what it prints.

use std::collections::BTreeMap;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Runner, change};
use crate::{
    changes::{
        Confirmed, Forwarding, Report, Traffic, What, listen,
        visit::{self, Answer, Places},
    },
    console::{
        message::Message,
        model::{
            change::{ChangeId, ChangeMessage},
            page::{
                PageId,
                metrics::{Asked, MetricsMessage},
            },
            session::SessionId,
            visit::{Forward, VisitEffect, VisitMessage},
        },
    },
    jobs::{Clean, Secs},
    metrics::nvidia_smi,
};

/// Those that go on until they are stopped: ports that are led on, programs that run again and again. Dropping one stops it.
#[derive(Default)]
pub(super) struct Forwards(BTreeMap<ChangeId, Going>);

/// One of them, and where the pods of a program are told.
struct Going {
    _guard: DropGuard,
    pods: Option<watch::Sender<Places>>,
}

impl Forwards {
    fn begin(&mut self, id: ChangeId, token: &CancellationToken, pods: Option<watch::Sender<Places>>) {
        self.0.insert(id, Going { _guard: token.clone().drop_guard(), pods });
    }

    /// It goes on in these pods.
    fn move_to(&self, id: ChangeId, pods: Places) {
        if let Some(sender) = self.0.get(&id).and_then(|going| going.pods.as_ref()) {
            sender.send_replace(pods);
        }
    }

    /// It goes on no more.
    fn stop(&mut self, id: ChangeId) {
        self.0.remove(&id);
    }
}

/// Executes an order. What needs the terminal is the loop's.
pub(super) fn execute(runner: &mut Runner, effect: VisitEffect) {
    match effect {
        VisitEffect::Forward(id, session, confirmed) => forward(runner, id, session, confirmed),
        VisitEffect::Measure(id, session, page, confirmed) => measure(runner, id, session, page, confirmed),
        VisitEffect::Pods(id, pods) => runner.forwards.move_to(id, pods),
        VisitEffect::Stop(id) => runner.forwards.stop(id),
        VisitEffect::Lend(..) | VisitEffect::Program(..) => {}
    }
}

/// Runs a program in replicas, and reads what it prints as numbers of their page.
fn measure(runner: &mut Runner, id: ChangeId, session: SessionId, page: PageId, confirmed: Confirmed) {
    let Some(desk) = change::desk(runner, session) else { return change::no_connection(runner, id, confirmed) };
    let (token, results) = (runner.token(), runner.results());
    let again = confirmed.changes().first().and_then(|change| match &change.what {
        What::Measure { pods, every: Some(_), .. } => Some(watch::channel(pods.clone())),
        _ => None,
    });
    let pods = again.map(|(sender, pods)| {
        runner.forwards.begin(id, &token, Some(sender));
        pods
    });
    tokio::spawn(async move {
        let tell = |answers: Vec<Answer>| {
            let asked = asked(desk.session.now(), &answers);
            let results = results.clone();
            async move {
                if !answers.is_empty() {
                    // A closed channel means that the console has ended.
                    let _ = results.send(Message::Metrics(page, MetricsMessage::Asked(Box::new(asked)))).await;
                }
            }
        };
        let report = if let Some(pods) = pods {
            Box::pin(visit::watch(&desk, confirmed, pods, tell, stopped(token))).await
        } else {
            let once = Box::pin(visit::measure(&desk, confirmed));
            let Some((report, answers)) = token.run_until_cancelled(once).await else { return };
            tell(answers).await;
            report
        };
        let _ = results.send(Message::Change(ChangeMessage::Over(id, report))).await;
    });
}

fn asked(at: Secs, answers: &[Answer]) -> Asked {
    Asked { at, reading: nvidia_smi::reading(at, answers), parts: nvidia_smi::parts(at, answers) }
}

/// Leads a port of this machine to one of a replica.
fn forward(runner: &mut Runner, id: ChangeId, session: SessionId, confirmed: Confirmed) {
    let local = confirmed.changes().first().and_then(|change| match change.what {
        What::Forward { local, .. } => Some(local),
        _ => None,
    });
    let Some(desk) = change::desk(runner, session) else { return change::no_connection(runner, id, confirmed) };
    let (token, results) = (runner.token(), runner.results());
    runner.forwards.begin(id, &token, None);
    tokio::spawn(async move {
        let over = |report| Message::Change(ChangeMessage::Over(id, report));
        let listener = match listen(local.unwrap_or_default()).await {
            Ok(listener) => listener,
            Err(problem) => {
                let _ = results.send(over(Report::refused(confirmed.into_changes(), &problem))).await;
                return;
            }
        };
        let forwarding = Forwarding { listener, traffic: Traffic::default() };
        if let Some(forward) = shown(&confirmed, &forwarding) {
            // A closed channel means that the console has ended.
            let _ = results.send(Message::Visit(VisitMessage::Forwarding(id, forward))).await;
        }
        let report = visit::forward(&desk, confirmed, forwarding, stopped(token)).await;
        let _ = results.send(over(report)).await;
    });
}

async fn stopped(token: CancellationToken) {
    token.cancelled().await;
}

fn shown(confirmed: &Confirmed, forwarding: &Forwarding) -> Option<Forward> {
    let change = confirmed.changes().first()?;
    let What::Forward { port, .. } = change.what else { return None };
    let local = forwarding.listener.local_addr().ok()?;
    Some(Forward {
        local: Clean::new(&local.to_string()),
        far: Clean::new(&format!("{}/{}:{port}", change.subject.namespace, change.subject.name)),
        context: change.context.clone(),
        traffic: forwarding.traffic.clone(),
    })
}
