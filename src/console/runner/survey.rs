//! Reading for the views of queues and cluster, while somebody looks.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::DropGuard;

use super::{Ready, Results, Runner, metrics::Search};
use crate::{
    cluster::survey::Surveyor,
    console::{
        message::Message,
        model::survey::{SurveyEffect, SurveyId, Told},
    },
    jobs::{Name, Sym, amounts::is_accelerator, capacity::NodeRow},
    metrics,
};

/// A visible view is no older than that, where the cluster answers quickly.
const EVERY: Duration = Duration::from_secs(10);
/// A read that takes long is repeated that much less often: a twentieth of the time at most is spent on it.
const REST: u32 = 20;

/// The task that reads; dropping it ends that.
pub(super) type Reading = Option<DropGuard>;

/// Executes an order.
pub(super) fn execute(runner: &mut Runner, effect: SurveyEffect) {
    runner.survey = None;
    let SurveyEffect::Read(id, session, wanted) = effect else { return };
    let Some(ready) = runner.ready().filter(|ready| ready.id == session) else { return };
    let (token, results) = (runner.token(), runner.results());
    runner.survey = Some(token.clone().drop_guard());
    let (offers, offered) = watch::channel(Vec::new());
    if let (true, Some(search)) = (wanted.work, Search::of(runner)) {
        let work = work(id, ready.clone(), search, (wanted.namespaces.clone(), offered), results.clone());
        tokio::spawn(token.clone().run_until_cancelled_owned(work));
    }
    tokio::spawn(token.run_until_cancelled_owned(async move {
        let mut surveyor = Surveyor::default();
        loop {
            let begun = Instant::now();
            let read = surveyor.read(&ready.session, &ready.offer, &wanted).await;
            offers.send_replace(accelerators(&read.nodes.rows));
            if results.send(Message::Survey(id, Box::new(read))).await.is_err() {
                return;
            }
            sleep(EVERY.max(begun.elapsed() * REST)).await;
        }
    }));
}

/// The accelerators that nodes have, by resource, each once.
fn accelerators(nodes: &[NodeRow]) -> Vec<Sym> {
    let resources = nodes.iter().flat_map(|node| node.capacity.keys());
    let all: BTreeSet<_> = resources.filter(|resource| is_accelerator(resource.as_str())).cloned().collect();
    all.into_iter().collect()
}

/// What is asked about: namespaces, and the accelerators that nodes have, as soon as they were read.
type About = (Vec<Name>, watch::Receiver<Vec<Sym>>);

/// Asks how busy accelerators are, again and again.
async fn work(id: SurveyId, ready: Ready, search: Search, (namespaces, offered): About, results: Results) {
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        let found = search.found(&ready).await;
        let known = offered.borrow().clone();
        let work = metrics::work(&found.source, &namespaces, &known, ready.session.now()).await;
        search.heed(&mut failures, work.as_ref().is_err_and(|unknown| unknown.has_failed)).await;
        let told = Told { source: found.source.title(), work: work.map_err(|unknown| unknown.why) };
        if results.send(Message::Work(id, Box::new(told))).await.is_err() {
            return;
        }
        sleep(EVERY.max(begun.elapsed() * REST)).await;
    }
}
