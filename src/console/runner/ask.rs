//! Asking a cluster about drafts: one task, which always asks about the newest text.

use std::{collections::BTreeMap, time::Duration};

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
            cluster::{Answer, Fact, Facts, Part, Said},
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
    /// Forgets what is no good for a question that is being asked since `begun`.
    fn fit(&mut self, question: &Question, namespace: &Name, begun: Instant) {
        let of = Some((question.session, namespace.clone()));
        let is_same = self.of == of;
        self.of = of;
        let typing = question.haste == Haste::Pause;
        self.answers.retain(|_, (at, _)| is_same && (*at >= begun || typing && at.elapsed() < GOOD_FOR));
    }

    fn keep(&mut self, part: &Part, fact: &Fact) {
        if let (true, Ok(answer)) = (part.is_about_the_cluster(), fact) {
            self.answers.insert(part.clone(), (Instant::now(), answer.clone()));
        }
    }

    async fn all_founded(
        &mut self,
        ready: &Ready,
        question: &Question,
        begun: Instant,
        all: Vec<Candidate>,
    ) -> Vec<Candidate> {
        let mut founded = Vec::with_capacity(all.len());
        for candidate in all {
            self.fit(question, &candidate.namespace, begun);
            founded.push(self.founded(ready, candidate).await);
        }
        founded
    }

    /// A job with what it builds on, which is read unless it is known.
    async fn founded(&mut self, ready: &Ready, candidate: Candidate) -> Candidate {
        let Some(part) = candidate.builds_on() else { return candidate };
        if !self.answers.contains_key(&part) {
            let keep = |part: Part, fact: Fact| self.keep(&part, &fact);
            preflight(&ready.session, &ready.offer, &candidate, vec![part.clone()], keep).await;
        }
        candidate.on(self.answers.get(&part).map(|(_, answer)| answer))
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
    let begun = Instant::now();
    let candidates = known.all_founded(&ready, &question, begun, read.await.ok()?.ok()?).await;
    let out = |candidate: &Candidate| Said { out: candidate.parts(&ready.offer), ..Said::default() };
    let mut said: Vec<Said> = candidates.iter().map(out).collect();
    let message = |said: &[Said]| Message::Draft(DraftMessage::Asked(id, question.clone(), said.to_vec()));
    results.send(message(&said)).await.ok()?;
    let mut all = Vec::with_capacity(candidates.len());
    for (at, candidate) in candidates.iter().enumerate() {
        known.fit(&question, &candidate.namespace, begun);
        let mut facts = Facts::new(candidate.namespace.as_str(), candidate.parts(&ready.offer));
        for (part, (_, answer)) in &known.answers {
            if facts.out().any(|out| out == part) {
                facts.take(part.clone(), Ok(answer.clone()));
            }
        }
        let parts: Vec<Part> = facts.out().cloned().collect();
        preflight(&ready.session, &ready.offer, candidate, parts, |part, fact| {
            known.keep(&part, &fact);
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
