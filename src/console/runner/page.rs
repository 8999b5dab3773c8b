//! Executing what a job page wants: reads of the current session, files, and logs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Ready, Runner, logs, owned, record::Recorder, refusal};
use crate::{
    cluster::{
        Mailbox,
        objects::{self, ObjectRef},
    },
    console::{
        message::{Message, Told},
        model::{
            notices::Tone,
            page::{LogId, LogOrder, PageEffect, PageId, PageMessage, Refusal, Soon},
            session::SessionId,
        },
    },
    jobs::{
        Clean, EventRow, Raw, Sym, Uid,
        fleet::{Batch, JobKey, ListPhase, Row},
    },
};

/// Events that come closer together than this are told of together.
const EVENTS_EVERY: Duration = Duration::from_millis(200);

/// What a job owns is read again at most so often.
const OWNED_EVERY: Duration = Duration::from_secs(1);

/// What runs for pages.
#[derive(Default)]
pub(super) struct Tasks {
    pages: HashMap<PageId, Running>,
    log: Option<Log>,
}

#[derive(Default)]
struct Running {
    reads: Option<CancellationToken>,
    events: Option<DropGuard>,
}

struct Log {
    id: LogId,
    orders: mpsc::Sender<LogOrder>,
    _cancels: DropGuard,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(reads) = &self.reads {
            reads.cancel();
        }
    }
}

/// Executes an order of a page.
pub(super) fn execute(runner: &mut Runner, effect: PageEffect) {
    match effect {
        PageEffect::Object(id, session, key) => read(runner, id, session, async move |ready: Ready| {
            PageMessage::Object(objects::get_job(&ready.session, &key).await.map_err(|p| refusal(&p)))
        }),
        PageEffect::Owned(id, session, key, soon) => read(runner, id, session, async move |ready: Ready| {
            if soon == Soon::InAMoment {
                tokio::time::sleep(OWNED_EVERY).await;
            }
            let found = objects::owned(&ready.session, &ready.offer, &key).await;
            PageMessage::Owned(owned::tree(&key.uid, &found).map_err(|p| refusal(&p)))
        }),
        PageEffect::Pod(id, session, key, name) => read(runner, id, session, async move |ready: Ready| {
            let (group, kind) = (Sym::default(), Sym::new("Pod"));
            let what = ObjectRef { group, kind, namespace: Some(key.namespace.clone()), name: name.clone() };
            let pod = objects::get(&ready.session, &ready.offer, &what).await;
            PageMessage::Pod(name, pod.map_err(|p| refusal(&p)))
        }),
        PageEffect::Events(id, session, key) => events(runner, id, session, &key),
        PageEffect::StopEvents(id) => {
            if let Some(running) = runner.pages.pages.get_mut(&id) {
                running.events = None;
            }
        }
        PageEffect::Logs(id, session, past) => {
            let Some(ready) = runner.ready().filter(|ready| ready.id == session) else { return };
            let (orders, inbox) = mpsc::channel(64);
            let token = runner.token();
            let task = logs::Task {
                id,
                session: ready.session,
                ready: runner.readiness(),
                taps: runner.taps.clone(),
                record: runner.recorder.as_ref().and_then(Recorder::feed),
                past,
                orders: inbox,
                results: runner.results(),
                dir: runner.files(),
                max_bytes: runner.log_bytes(),
                rules: Arc::clone(&runner.start.rules),
                stall: u32::try_from(runner.start.config.stall_after.value.as_secs()).unwrap_or(u32::MAX),
                token: token.clone(),
            };
            tokio::spawn(task.run());
            runner.pages.log = Some(Log { id, orders, _cancels: token.drop_guard() });
        }
        PageEffect::Order(id, order) => {
            if let Some(log) = runner.pages.log.as_ref().filter(|log| log.id == id) {
                // A task that is behind by so many orders will hear the next one.
                let _ = log.orders.try_send(order);
            }
        }
        PageEffect::Close(id) => {
            runner.pages.pages.remove(&id);
            runner.pages.log = None;
            if let Some(recorder) = &mut runner.recorder {
                recorder.page_closed();
            }
        }
    }
}

/// Runs one read of a page.
fn read<F>(runner: &mut Runner, id: PageId, session: SessionId, task: impl FnOnce(Ready) -> F)
where
    F: Future<Output = PageMessage> + Send + 'static,
{
    let Some(ready) = runner.ready().filter(|ready| ready.id == session) else { return };
    let token = runner.token();
    let running = runner.pages.pages.entry(id).or_default();
    let token = running.reads.get_or_insert(token).child_token();
    let task = task(ready);
    runner.spawn(token, async move { Some(Message::Page(id, task.await)) });
}

fn events(runner: &mut Runner, id: PageId, session: SessionId, key: &JobKey) {
    let Some(ready) = runner.ready().filter(|ready| ready.id == session) else { return };
    let token = runner.token();
    let results = runner.results();
    runner.pages.pages.entry(id).or_default().events = Some(token.clone().drop_guard());
    let mailbox = Mailbox::new();
    let watches = objects::events_about(&ready.session, key, &mailbox, &token);
    tokio::spawn(token.run_until_cancelled_owned(async move {
        // The watch ends with this task.
        let _watches = watches;
        let mut events = Events::default();
        loop {
            mailbox.changed().await;
            mailbox.take(5_000).into_iter().for_each(|batch| events.take(batch));
            let said = events.said();
            if results.send(Message::Page(id, PageMessage::Events(said))).await.is_err() {
                return;
            }
            tokio::time::sleep(EVENTS_EVERY).await;
        }
    }));
}

/// The events of a page, by their own uid.
#[derive(Default)]
struct Events {
    rows: HashMap<Uid, EventRow>,
    /// Those that came since a full read began: the others go when it is complete.
    again: Option<HashSet<Uid>>,
    trouble: Option<Refusal>,
}

impl Events {
    fn take(&mut self, batch: Batch) {
        if batch.restart {
            self.again = Some(HashSet::new());
        }
        for row in batch.upserts {
            if let Row::Event(event) = row {
                if let Some(again) = &mut self.again {
                    again.insert(event.uid.clone());
                }
                self.rows.insert(event.uid.clone(), event);
            }
        }
        for uid in batch.removals {
            self.rows.remove(&uid);
        }
        if batch.complete
            && let Some(again) = self.again.take()
        {
            self.rows.retain(|uid, _| again.contains(uid));
        }
        self.trouble = match batch.phase {
            Some(ListPhase::Forbidden(what)) => {
                Some(Refusal { what, hint: Clean::new("Ask for the right to list events in this namespace.") })
            }
            Some(ListPhase::Stale(_, what) | ListPhase::Error(what)) => Some(Refusal { what, hint: Clean::default() }),
            Some(_) => None,
            None => self.trouble.take(),
        };
    }

    fn said(&self) -> Result<Vec<EventRow>, Refusal> {
        match &self.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(self.rows.values().cloned().collect()),
        }
    }
}

/// Writes a text that a person wanted to keep.
pub(super) fn save(runner: &Runner, name: String, text: Raw) {
    let dir = runner.files();
    runner.spawn(CancellationToken::new(), async move {
        let saved =
            tokio::task::spawn_blocking(move || logs::write(dir, &name, text.for_writing().as_bytes())).await.ok()?;
        Some(Message::Told(match saved {
            Ok(path) => Told { tone: Tone::Good, text: format!("Saved to {path}") },
            Err(refusal) => Told { tone: Tone::Bad, text: refusal.what.to_string() },
        }))
    });
}
