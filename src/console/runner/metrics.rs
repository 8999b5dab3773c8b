//! Reading numbers for a page that shows them: every ten seconds, as long as it does.
//!
//! The source is looked for once a session, whoever needs it first; one that is not the best is looked for again after a
//! minute.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::DropGuard;

use super::{Ready, Results, Runner, refusal, remember::Keeping};
use crate::{
    cluster::Target,
    config::context::PrometheusSettings,
    console::{
        effect::{MetricsEffect, Remember},
        message::Message,
        model::{
            page::{
                PageId,
                metrics::{Followed, Measured, MetricsMessage, Parted},
            },
            session::SessionId,
        },
        wish::wish,
    },
    disk::Remembered,
    jobs::{Secs, usage::Window},
    metrics::{self, Found, Service, Source},
};

/// Between two looks of a visible page.
const EVERY: Duration = Duration::from_secs(10);
/// After so long another source is looked for, if there was none that knows all.
const AGAIN: Duration = Duration::from_mins(1);

/// What runs for pages.
#[derive(Default)]
pub(super) struct Tasks {
    /// All replicas.
    all: HashMap<PageId, DropGuard>,
    /// The GPUs of one replica.
    parts: HashMap<PageId, DropGuard>,
}

/// The sources of a session, found once for all that need them.
#[derive(Clone, Default)]
pub(super) struct Sources(Arc<Mutex<Option<(Instant, Found)>>>);

/// Executes an order.
pub(super) fn execute(runner: &mut Runner, effect: MetricsEffect) {
    match effect {
        MetricsEffect::Follow(id, session, followed) => {
            let Some((ready, search)) = reach(runner, session) else { return };
            let token = runner.token();
            let task = Task { id, ready, search, followed, results: runner.results() };
            runner.metrics.all.insert(id, token.clone().drop_guard());
            tokio::spawn(token.run_until_cancelled_owned(task.run()));
        }
        MetricsEffect::Stop(id) => {
            runner.metrics.all.remove(&id);
            runner.metrics.parts.remove(&id);
        }
        MetricsEffect::Part(id, session, parted) => {
            runner.metrics.parts.remove(&id);
            let Some(parted) = parted else { return };
            let Some((ready, search)) = reach(runner, session) else { return };
            let token = runner.token();
            runner.metrics.parts.insert(id, token.clone().drop_guard());
            tokio::spawn(token.run_until_cancelled_owned(parts(id, ready, search, *parted, runner.results())));
        }
    }
}

/// The session, if it is still the current one, and what finds its source.
fn reach(runner: &Runner, session: SessionId) -> Option<(Ready, Search)> {
    Some((runner.ready().filter(|ready| ready.id == session)?, Search::of(runner)?))
}

/// Reads the GPUs of one replica one by one, again and again. What can't be had is told with the numbers of the replica.
async fn parts(id: PageId, ready: Ready, search: Search, parted: Parted, results: Results) {
    let Parted { followed: Followed { job, range, started, ended }, metric } = &parted;
    let mut failures = 0;
    loop {
        let now = ready.session.now();
        let window = range.window(*started, ended.map_or(now, |ended| ended.min(now)));
        let source = search.found(&ready).await.source;
        let read = metrics::apart(&source, job, *metric, window).await;
        search.heed(&mut failures, read.is_err()).await;
        if let Ok(read) = read {
            let is_heard = results.send(Message::Metrics(id, MetricsMessage::Apart(window, read))).await.is_ok();
            // The numbers of what has ended don't change any more.
            if !is_heard || (ended.is_some() && source.has_history()) {
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// After so long a session's cluster is looked at for the first time, and how often it is again; where there is no
/// Prometheus, one is looked for as often as the last says.
const GLANCE: [Duration; 3] = [Duration::from_secs(20), Duration::from_mins(1), Duration::from_mins(10)];

/// Looks at the whole cluster's numbers again and again, once the session stands and as long as it does.
pub(super) fn glance(runner: &Runner) {
    let (Some(search), Some(mut ready)) = (Search::of(runner), runner.readiness()) else { return };
    let (token, results) = (runner.token(), runner.results());
    tokio::spawn(token.run_until_cancelled_owned(async move {
        let Ok(Some(first)) = ready.wait_for(Option::is_some).await.map(|ready| ready.clone()) else { return };
        let mut pause = GLANCE[0];
        loop {
            tokio::time::sleep(pause).await;
            let Some(now) = ready.borrow().clone() else { continue };
            let Source::Prometheus(prometheus) = search.found(&now).await.source else {
                pause = GLANCE[2];
                continue;
            };
            pause = GLANCE[1];
            // What can't be had is told where somebody looks for it.
            if let Ok(odd) = prometheus.glance(now.session.now()).await
                && results.send(Message::Glance(first.id, odd)).await.is_err()
            {
                return;
            }
        }
    }));
}

/// All that is needed to find a source.
pub(super) struct Search {
    target: Target,
    settings: PrometheusSettings,
    kept: Keeping,
    context: String,
    sources: Sources,
}

impl Search {
    /// What this session's context says of it.
    pub(super) fn of(runner: &Runner) -> Option<Self> {
        let running = runner.running.as_ref()?;
        let context = running.context.clone();
        Some(Self {
            target: runner.start.in_context(runner.target.as_ref()?, &context),
            settings: runner.start.config.context(&context).prometheus,
            kept: runner.kept.clone(),
            context,
            sources: running.sources.clone(),
        })
    }

    /// The session's source. Who comes while it is looked for waits for that.
    pub(super) async fn found(&self, ready: &Ready) -> Found {
        let mut held = self.sources.0.lock().await;
        if let Some((at, found)) = &*held
            && (found.source.has_history() || at.elapsed() < AGAIN)
        {
            return found.clone();
        }
        let found = self.look(ready).await;
        *held = Some((Instant::now(), found.clone()));
        found
    }

    async fn look(&self, ready: &Ready) -> Found {
        let wish = match wish(&self.settings) {
            Ok(wish) => wish,
            Err(problem) => {
                let source = if ready.offer.metrics { Source::MetricsServer } else { Source::Nothing };
                return Found { source, tried: vec![problem], remember: None };
            }
        };
        let before = self.remembered().await;
        let found = metrics::find(&self.target, &ready.session, &ready.offer, &wish, before.clone()).await;
        if let Some(service) = found.remember.clone().filter(|service| Some(service) != before.as_ref()) {
            self.remember(service).await;
        }
        found
    }

    async fn remembered(&self) -> Option<Service> {
        let (path, context) = (self.kept.path()?.to_owned(), self.context.clone());
        let read = move || Service::parse(Remembered::load(&path).0.sources.get(&context)?);
        tokio::task::spawn_blocking(read).await.ok()?
    }

    async fn remember(&self, service: Service) {
        self.kept.put(Remember::Source { context: self.context.clone(), service: service.to_string() });
        let kept = self.kept.clone();
        // What can't be remembered is found again the next time.
        let _ = tokio::task::spawn_blocking(move || kept.write()).await;
    }

    /// Counts failures in a row: after some the source does not answer any more, and the next one who asks looks anew.
    pub(super) async fn heed(&self, failures: &mut u32, has_failed: bool) {
        *failures = if has_failed { *failures + 1 } else { 0 };
        if *failures == PATIENCE {
            *failures = 0;
            *self.sources.0.lock().await = None;
        }
    }
}

struct Task {
    id: PageId,
    ready: Ready,
    search: Search,
    followed: Followed,
    results: Results,
}

/// Failures in a row after which a source is looked for anew.
const PATIENCE: u32 = 3;

impl Task {
    async fn run(self) {
        let (mut told, mut known, mut failures) = (None, None, 0);
        loop {
            let found = self.search.found(&self.ready).await;
            if told.as_ref() != Some(&found.source.title()) {
                (told, known) = (Some(found.source.title()), None);
                let tried = found.tried.iter().map(refusal).collect();
                let title = (!matches!(found.source, Source::Nothing)).then(|| found.source.title());
                self.tell(MetricsMessage::Source(title, tried)).await;
            }
            let failed = self.look(&found.source, &mut known).await.err();
            // The numbers of what has ended don't change any more.
            if failed.is_none() && self.followed.ended.is_some() && found.source.has_history() {
                return;
            }
            self.search.heed(&mut failures, failed.is_some()).await;
            if let Some(failed) = failed {
                self.tell(failed).await;
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Reads what is not known yet. `known`: up to when it is, at which steps.
    async fn look(&self, source: &Source, known: &mut Option<(Secs, u32)>) -> Result<(), MetricsMessage> {
        let Followed { job, range, started, ended } = &self.followed;
        let now = self.ready.session.now();
        let all = range.window(*started, ended.map_or(now, |ended| ended.min(now)));
        let since = known.filter(|(_, step)| *step == all.step).map(|(at, step)| Secs(at.0.saturating_sub(2 * step)));
        // A sample may have come a step or two late.
        let window = since.map_or(all, |since| all.after(since));
        let read = metrics::read(source, &self.ready.session, job, window).await;
        let reading = read.map_err(|problem| MetricsMessage::Failed(refusal(&problem)))?;
        let whole = source.has_history() && since.is_none();
        *known = Some((window.to, window.step));
        self.tell(MetricsMessage::Read(Box::new(Measured { window: Window { ..window }, whole, reading }))).await;
        Ok(())
    }

    async fn tell(&self, message: MetricsMessage) {
        // A closed channel means that the console has ended.
        let _ = self.results.send(Message::Metrics(self.id, message)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::kubeconfig::Loaded;

    #[tokio::test]
    async fn a_source_that_fails_again_and_again_is_looked_for_anew() {
        let loaded = Loaded::from_value(json!({"apiVersion": "v1", "kind": "Config"})).expect("a kubeconfig");
        let search = Search {
            target: Target::new(loaded.shared()),
            settings: PrometheusSettings::default(),
            kept: Keeping::new(None),
            context: String::new(),
            sources: Sources::default(),
        };
        let found = Found { source: Source::MetricsServer, tried: Vec::new(), remember: None };
        *search.sources.0.lock().await = Some((Instant::now(), found));
        let mut failures = 0;
        let mut is_known = async |outcomes: &[bool]| {
            for has_failed in outcomes {
                search.heed(&mut failures, *has_failed).await;
            }
            search.sources.0.lock().await.is_some()
        };
        assert!(is_known(&[true, true, false, true, true]).await, "in a row");
        assert!(!is_known(&[true]).await);
    }
}
