//! Asking a cluster about drafts: one task, which always asks about the newest text.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Ready, Results, Runner};
use crate::{
    cluster::{
        preflight::{Candidate, preflight, rehearse},
        survey::{self, Pods, Surveyor},
    },
    console::{
        message::Message,
        model::{
            draft::{DraftId, DraftMessage, Haste, Question},
            session::SessionId,
        },
    },
    jobs::{
        Name, Raw,
        checks::{
            Checks,
            cluster::{Answer, Facts, Part, Said},
        },
        fleet::JobKey,
        outlook::{Ground, Outlook, outlook},
    },
};

/// Fingers that rest for so long pause.
const PAUSE: Duration = Duration::from_secs(1);
/// What is known of the cluster is good for so long, while one types.
const GOOD_FOR: Duration = Duration::from_secs(20);

/// A text to ask about.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) id: DraftId,
    pub(super) question: Question,
    pub(super) text: Raw,
}

/// The task; it ends with this.
pub(super) struct Asker {
    id: DraftId,
    slot: watch::Sender<Order>,
}

/// A text, and the session to ask once it stands.
#[derive(Clone)]
struct Order {
    wanted: Wanted,
    ready: watch::Receiver<Option<Ready>>,
}

/// Has the cluster asked about a text.
pub(super) fn ask(runner: &mut Runner, wanted: Wanted) {
    let session = wanted.question.session;
    let Some(ready) = runner.running.as_ref().filter(|running| running.id == session).map(|r| r.ready.clone()) else {
        return;
    };
    let (id, order) = (wanted.id, Order { wanted, ready });
    if let Some(asker) = &mut runner.asker {
        asker.id = id;
        asker.slot.send_replace(order);
        return;
    }
    let (slot, inbox) = watch::channel(order);
    tokio::spawn(run(inbox, runner.results()));
    runner.asker = Some(Asker { id, slot });
}

/// This draft is not open any more.
pub(super) fn closed(runner: &mut Runner, id: DraftId) {
    runner.asker.take_if(|asker| asker.id == id);
}

async fn run(mut inbox: watch::Receiver<Order>, results: Results) {
    let mut known = Known::default();
    loop {
        let order = inbox.borrow_and_update().clone();
        let asked = async {
            answered(order, &mut known, &results).await;
            // All is said: the next text is waited for.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            changed = inbox.changed() => if changed.is_err() { return },
            () = asked => {}
        }
    }
}

/// What was said of the cluster itself, a moment ago.
#[derive(Default)]
struct Known {
    of: Option<(SessionId, Name)>,
    answers: BTreeMap<Part, (Instant, Answer)>,
}

impl Known {
    /// Forgets what is no good for a question.
    fn fit(&mut self, question: &Question, namespace: &Name) {
        let of = Some((question.session, namespace.clone()));
        let good = self.of == of && question.haste == Haste::Pause;
        self.of = of;
        self.answers.retain(|_, (at, _)| good && at.elapsed() < GOOD_FOR);
    }
}

/// Asks, and tells of each answer. `None`: there is nothing to ask, or nobody.
async fn answered(order: Order, known: &mut Known, results: &Results) -> Option<()> {
    let Order { wanted: Wanted { id, question, text }, mut ready } = order;
    if question.haste == Haste::Pause {
        sleep(PAUSE).await;
    }
    let ready = ready.wait_for(Option::is_some).await.ok()?.clone()?;
    let fallback = question.namespace.clone();
    let read = tokio::task::spawn_blocking(move || Candidate::all(text.for_writing(), &fallback));
    let with_runtime = |candidate: Candidate| candidate.with_runtime(&ready.session, &ready.offer);
    let candidates = join_all(read.await.ok()?.ok()?.into_iter().map(with_runtime)).await;
    let out = |candidate: &Candidate| Said { out: candidate.parts(&ready.offer), ..Said::default() };
    let mut said: Vec<Said> = candidates.iter().map(out).collect();
    let message = |said: &[Said]| Message::Draft(DraftMessage::Asked(id, question.clone(), said.to_vec()));
    results.send(message(&said)).await.ok()?;
    let mut all = Vec::with_capacity(candidates.len());
    for (at, candidate) in candidates.iter().enumerate() {
        known.fit(&question, &candidate.namespace);
        let mut facts = Facts::new(candidate.namespace.as_str(), candidate.parts(&ready.offer));
        for (part, (_, answer)) in &known.answers {
            if facts.out().any(|out| out == part) {
                facts.take(part.clone(), Ok(answer.clone()));
            }
        }
        let parts: Vec<Part> = facts.out().cloned().collect();
        let now = Instant::now();
        preflight(&ready.session, &ready.offer, candidate, parts, |part, fact| {
            if let (true, Ok(answer)) = (part.is_about_the_cluster(), &fact) {
                known.answers.insert(part.clone(), (now, answer.clone()));
            }
            facts.take(part, fact);
            said[at] = judged(candidate, &facts);
            // Where the console is behind, the next one tells more.
            let _ = results.try_send(message(&said));
        })
        .await;
        said[at] = judged(candidate, &facts);
        all.push(facts);
    }
    results.send(message(&said)).await.ok()?;
    if question.haste == Haste::Pause {
        return Some(());
    }
    let outlooks = outlooks(&ready, candidates.iter().zip(&all)).await;
    results.send(Message::Draft(DraftMessage::Outlook(id, question.clone(), outlooks))).await.ok()
}

/// What the server says to an edit of a job, without making it.
pub(super) async fn rehearsed(ready: &Ready, key: &JobKey, patch: &Value) -> Said {
    match rehearse(&ready.session, key, patch).await {
        Ok(objections) => Said { problems: Checks::builtin().objections(&objections), ..Said::default() },
        Err(why) => Said { unread: vec![(Part::DryJob, why)], ..Said::default() },
    }
}

/// Whether the jobs would start at once, by who holds what now.
async fn outlooks<'a, I>(ready: &Ready, jobs: I) -> Vec<Outlook>
where
    I: Iterator<Item = (&'a Candidate, &'a Facts)> + Clone,
{
    let mut namespaces: Vec<_> = jobs.clone().map(|(candidate, _)| candidate.namespace.clone()).collect();
    namespaces.sort();
    namespaces.dedup();
    let wanted = survey::Wanted { nodes: true, pods: Pods::All, queues: true, namespaces, ..survey::Wanted::default() };
    let found = Surveyor::default().read(&ready.session, &ready.offer, &wanted).await;
    let ground = Ground { nodes: &found.nodes, pods: &found.pods, queues: &found.queues };
    let of = |(candidate, facts): (&Candidate, &Facts)| {
        outlook(candidate.kind, &candidate.job, facts, candidate.namespace.as_str(), &ground)
    };
    jobs.map(of).collect()
}

fn judged(candidate: &Candidate, facts: &Facts) -> Said {
    Checks::builtin().said(candidate.kind, &candidate.job, facts)
}
