//! Keeping drafts on disk: one task for each that is open.
//!
//! What is typed is in a file at once, so that it outlives this process; when the fingers pause, it is made to outlive
//! a power cut, too.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Ready, Results, Runner, ask, check, refusal};
use crate::{
    cluster::{ProblemKind, names, objects},
    config::files,
    console::{
        message::Message,
        model::{
            draft::{DraftEffect, DraftId, DraftMessage, Text},
            page::Soon,
            session::SessionId,
        },
    },
    disk::{
        DiskProblem,
        drafts::{About, DraftKey, Drafts, OpenDraft},
    },
    jobs::{Clean, Name, Raw, drafting::Template, form::Listed},
};

/// Fingers that rest for so long pause.
const PAUSE: Duration = Duration::from_millis(400);
/// What is left to be written at the end has so long.
const LAST: Duration = Duration::from_millis(900);

/// A job that is edited is read again at most so often.
const THEIRS_EVERY: Duration = Duration::from_secs(1);

/// The tasks.
#[derive(Default)]
pub(super) struct Keepers {
    open: HashMap<DraftId, Keeper>,
}

struct Keeper {
    slot: watch::Sender<Slot>,
    task: JoinHandle<()>,
}

/// What a task is to write: the latest counts.
#[derive(Clone)]
struct Slot {
    text: Text,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Close,
    Discard,
}

impl Keepers {
    /// Lets all that was typed be written.
    pub(super) async fn finish(&mut self) {
        let tasks = self.open.drain().map(|(_, keeper)| keeper.task);
        // Too slow a disk must not hold up the end: what was typed is in the file already.
        let _ = timeout(LAST, futures::future::join_all(tasks)).await;
    }

    fn end(&mut self, id: DraftId, end: End, about: Option<About>) {
        if let Some(keeper) = self.open.remove(&id) {
            keeper.slot.send_modify(|slot| {
                slot.end = Some(end);
                if let Some(about) = about {
                    slot.text.about = about;
                }
            });
        }
    }
}

/// Executes an order of a draft.
pub(super) fn execute(runner: &mut Runner, effect: DraftEffect) {
    let drafts = runner.start.paths.as_ref().map(|paths| Drafts::new(paths.drafts()));
    match effect {
        DraftEffect::Keep(id, key, text) => keep(runner, drafts, id, key, *text),
        DraftEffect::Close(id, about) => {
            ask::closed(runner, id);
            runner.keepers.end(id, End::Close, Some(*about));
        }
        DraftEffect::Discard(id) => {
            ask::closed(runner, id);
            runner.keepers.end(id, End::Discard, None);
        }
        DraftEffect::List => {
            on_disk(runner, drafts, |drafts| DraftMessage::Listed(drafts.list().map_err(|problem| said(&problem))));
        }
        DraftEffect::Load(key) => on_disk(runner, drafts, |drafts| {
            let read = drafts.read(&key).map(|(about, text)| (about, Raw::new(text)));
            DraftMessage::Loaded(key, read.map_err(|problem| said(&problem)))
        }),
        DraftEffect::Names(session, namespace, listed) => names(runner, session, namespace.as_ref(), listed),
        DraftEffect::Check(id, version, text) => {
            let running = runner.running.as_ref().map(|running| running.profile.clone());
            let profile = running.unwrap_or_else(|| runner.start.config.profile.value.clone());
            check::check(runner, check::Wanted { id, version, text, profile });
        }
        DraftEffect::Rehearse(id, question, key, patch) => {
            let session = question.session;
            runner.for_ready(session, async move |ready: Ready| {
                let said = ask::rehearsed(&ready, &key, &patch).await;
                Message::Draft(DraftMessage::Asked(id, question, vec![said]))
            });
        }
        DraftEffect::Ask(id, question, text) => ask::ask(runner, ask::Wanted { id, question, text }),
        DraftEffect::Read(session, source) => runner.for_ready(session, async move |ready: Ready| {
            let object = objects::get_job(&ready.session, &source.key).await;
            Message::Draft(DraftMessage::Read(source, object.map_err(|problem| refusal(&problem).what)))
        }),
        DraftEffect::Theirs(id, session, key, soon) => runner.for_ready(session, async move |ready: Ready| {
            if soon == Soon::InAMoment {
                tokio::time::sleep(THEIRS_EVERY).await;
            }
            let found = match objects::get_job(&ready.session, &key).await {
                Ok(object) => Ok(Some(object)),
                Err(problem) if problem.kind == ProblemKind::NotFound => Ok(None),
                Err(problem) => Err(refusal(&problem).what),
            };
            Message::Draft(DraftMessage::Theirs(id, found))
        }),
        DraftEffect::Schema(session, kind) => runner.for_ready(session, async move |ready: Ready| {
            let served = objects::schema(&ready.session, kind).await.map(Arc::new);
            Message::Draft(DraftMessage::Schema(session, kind, served))
        }),
        DraftEffect::Templates => {
            let dir = runner.start.paths.as_ref().map(crate::config::Paths::templates);
            runner.spawn(CancellationToken::new(), async move {
                let own =
                    tokio::task::spawn_blocking(move || dir.map(|dir| files::templates(&dir)).unwrap_or_default());
                let templates = Template::list_with(&own.await.ok()?);
                Some(Message::Draft(DraftMessage::Templates(templates)))
            });
        }
        DraftEffect::Remove(key) => on_disk(runner, drafts, move |drafts| {
            let removed = drafts.remove(&key);
            DraftMessage::Listed(removed.and_then(|()| drafts.list()).map_err(|problem| said(&problem)))
        }),
    }
}

/// Group and kind of what is listed.
const fn kind_of(listed: Listed) -> (&'static str, &'static str) {
    match listed {
        Listed::LocalQueues => ("kueue.x-k8s.io", "LocalQueue"),
        Listed::WorkloadPriorityClasses => ("kueue.x-k8s.io", "WorkloadPriorityClass"),
        Listed::PriorityClasses => ("scheduling.k8s.io", "PriorityClass"),
        Listed::ServiceAccounts => ("", "ServiceAccount"),
        Listed::Secrets => ("", "Secret"),
        Listed::ConfigMaps => ("", "ConfigMap"),
        Listed::Claims => ("", "PersistentVolumeClaim"),
        Listed::Namespaces => ("", "Namespace"),
        Listed::Runtimes => ("trainer.kubeflow.org", "ClusterTrainingRuntime"),
    }
}

/// Reads names, each kind for itself: what one may not list must not hide the others.
fn names(runner: &Runner, session: SessionId, namespace: Option<&Name>, listed: Vec<Listed>) {
    let Some(running) = runner.running.as_ref().filter(|running| running.id == session) else { return };
    for listed in listed {
        let (namespace, mut ready) = (namespace.cloned(), running.ready.clone());
        runner.spawn(runner.token(), async move {
            // A draft of the command line is open before the connection stands.
            let ready = ready.wait_for(Option::is_some).await.ok()?.clone()?;
            let found = names::list(&ready.session, &ready.offer, kind_of(listed), namespace.as_ref()).await;
            let found = found.map_err(|problem| refusal(&problem).what);
            Some(Message::Draft(DraftMessage::Named(namespace, listed, found)))
        });
    }
}

fn said(problem: &DiskProblem) -> Clean {
    Clean::new(&problem.to_string())
}

fn on_disk(runner: &Runner, drafts: Option<Drafts>, work: impl FnOnce(&Drafts) -> DraftMessage + Send + 'static) {
    let Some(drafts) = drafts else { return };
    runner.spawn(CancellationToken::new(), async move {
        tokio::task::spawn_blocking(move || work(&drafts)).await.ok().map(Message::Draft)
    });
}

fn keep(runner: &mut Runner, drafts: Option<Drafts>, id: DraftId, key: DraftKey, text: Text) {
    if let Some(keeper) = runner.keepers.open.get(&id) {
        keeper.slot.send_modify(|slot| slot.text = text);
        return;
    }
    let results = runner.results();
    let Some(drafts) = drafts else {
        let version = text.version;
        runner.spawn(CancellationToken::new(), async move {
            let why = Clean::new("no directory for state is known; set HOME or XDG_STATE_HOME");
            Some(Message::Draft(DraftMessage::Kept(id, version, Err(why))))
        });
        return;
    };
    let (slot, inbox) = watch::channel(Slot { text, end: None });
    let task = Task { id, key, drafts, results, open: None, described: None };
    let task = tokio::spawn(task.run(inbox));
    runner.keepers.open.insert(id, Keeper { slot, task });
}

struct Task {
    id: DraftId,
    key: DraftKey,
    drafts: Drafts,
    results: Results,
    open: Option<Arc<OpenDraft>>,
    /// What is written about it.
    described: Option<About>,
}

impl Task {
    async fn run(mut self, mut inbox: watch::Receiver<Slot>) {
        loop {
            let slot = inbox.borrow_and_update().clone();
            if slot.end == Some(End::Discard) {
                return self.discard().await;
            }
            if slot.end.is_some() {
                return self.last(&slot.text).await;
            }
            self.write(&slot.text, false).await;
            match timeout(PAUSE, inbox.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return self.write(&slot.text, true).await,
                Err(_) => {
                    self.write(&slot.text, true).await;
                    if inbox.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Writes what is left of a draft that was closed, and tells of it. It waits for its turn: one that can't be kept comes
    /// back.
    async fn last(mut self, text: &Text) {
        let result = self.attempt(text, true).await;
        let (results, told) = (self.results.clone(), DraftMessage::Kept(self.id, text.version, result));
        // Free before it is told of: it may be opened again at once.
        drop(self);
        // At the end of the console nobody listens any more.
        let _ = results.send(Message::Draft(told)).await;
    }

    /// Writes; tells of it where it is synced or fails.
    async fn write(&mut self, text: &Text, synced: bool) {
        let result = self.attempt(text, synced).await;
        if synced || result.is_err() {
            let told = DraftMessage::Kept(self.id, text.version, result);
            // At the end of the console nobody listens any more.
            let _ = self.results.try_send(Message::Draft(told));
        }
    }

    async fn attempt(&mut self, text: &Text, synced: bool) -> Result<(), Clean> {
        let (drafts, key, open) = (self.drafts.clone(), self.key.clone(), self.open.clone());
        let about = (self.described.as_ref() != Some(&text.about)).then(|| text.about.clone());
        let raw = text.text.clone();
        let written = tokio::task::spawn_blocking(move || {
            let open = open.map_or_else(|| drafts.take(&key).map(Arc::new), Ok)?;
            if let Some(about) = about {
                open.describe(&about)?;
            }
            open.write(raw.for_writing(), synced)?;
            Ok(open)
        });
        match written.await {
            Ok(Ok(open)) => {
                self.open = Some(open);
                self.described = Some(text.about.clone());
                Ok(())
            }
            Ok(Err(problem)) => Err(said(&problem)),
            Err(error) => Err(Clean::new(&error.to_string())),
        }
    }

    async fn discard(self) {
        let (drafts, key, open) = (self.drafts, self.key, self.open);
        let removed = tokio::task::spawn_blocking(move || match open.map(Arc::try_unwrap) {
            Some(Ok(open)) => open.remove(),
            _ => drafts.remove(&key),
        });
        if let Ok(Err(problem)) = removed.await {
            let _ = self.results.send(Message::Draft(DraftMessage::Listed(Err(said(&problem))))).await;
        }
    }
}
