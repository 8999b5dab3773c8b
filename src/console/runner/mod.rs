//! The runner: executes effects. Every task has an owner and a cancellation token, and answers with messages.
//!
//! Nothing here looks at the model; what an effect needs is in the effect. Must not write to the terminal.

mod alert;
mod ask;
pub(super) mod change;
mod check;
mod disk;
mod draft;
mod listen;
mod logs;
mod metrics;
mod owned;
mod page;
mod record;
mod remember;
mod session;
mod survey;
mod tap;
mod visit;

pub(crate) use record::open_record;

use std::{sync::Arc, time::Duration};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    effect::{Effect, Remember},
    message::{Message, Told},
    model::{
        notices::Tone,
        page::Refusal,
        session::{Scope, SessionEffect, SessionId},
    },
    start::Start,
};
use crate::{
    changes::Gate,
    cluster::{Mailbox, Problem, Session, Target, discovery::Offer},
    jobs::Clean,
};

/// Results waiting for the loop. A task that finds it full waits; the loop never does.
const RESULTS: usize = 256;
/// How long what is to be remembered may hold up the end.
const LAST_WORD: Duration = Duration::from_millis(500);

/// A session that stands.
#[derive(Clone)]
pub struct Ready {
    /// Which.
    pub id: SessionId,
    /// The connection.
    pub session: Session,
    /// What is served.
    pub offer: Arc<Offer>,
}

/// Where a task sends what happened.
pub type Results = mpsc::Sender<Message>;

/// The running session: dropping it cancels what it reads.
struct Running {
    id: SessionId,
    mailbox: Mailbox,
    ready: watch::Receiver<Option<Ready>>,
    labels: watch::Sender<Option<String>>,
    cluster: record::Cluster,
    context: String,
    sources: metrics::Sources,
    heard: listen::Heard,
    gate: Gate,
    /// The profile that manifests are checked by.
    profile: String,
    token: CancellationToken,
    _cancels: DropGuard,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gate.close();
    }
}

/// See the module.
pub struct Runner {
    start: Arc<Start>,
    results: Results,
    target: Option<Target>,
    running: Option<Running>,
    pages: page::Tasks,
    alerts: alert::Tasks,
    survey: survey::Reading,
    metrics: metrics::Tasks,
    changes: change::Tasks,
    forwards: visit::Forwards,
    recorder: Option<record::Recorder>,
    keepers: draft::Keepers,
    kept: remember::Keeping,
    /// Turns to look at logs.
    listening: Arc<Semaphore>,
    /// Those looks.
    looks: TaskTracker,
    /// Logs that a page reads and others hear.
    taps: tap::Taps,
    checker: Option<check::Checker>,
    asker: Option<ask::Asker>,
}

impl Runner {
    /// A runner, and where its messages come out.
    pub fn new(start: Start) -> (Self, mpsc::Receiver<Message>) {
        let (results, messages) = mpsc::channel(RESULTS);
        let recorder = start.records.clone().map(record::Recorder::new);
        let (pages, changes, keepers) = (page::Tasks::default(), change::Tasks::default(), draft::Keepers::default());
        let (forwards, listening) = (visit::Forwards::default(), Arc::new(Semaphore::new(listen::READS)));
        let kept = remember::Keeping::new(start.paths.as_ref().map(crate::config::Paths::remembered));
        let start = Arc::new(start);
        let runner = Self {
            start,
            results,
            target: None,
            running: None,
            pages,
            alerts: alert::Tasks::default(),
            survey: None,
            metrics: metrics::Tasks::default(),
            changes,
            forwards,
            recorder,
            keepers,
            kept,
            listening,
            looks: TaskTracker::new(),
            taps: tap::Taps::default(),
            checker: None,
            asker: None,
        };
        (runner, messages)
    }

    /// Executes an order. What the loop itself must do (terminal, leaving) is not for here.
    pub fn execute(&mut self, effect: Effect) {
        match effect {
            Effect::Load => self.load(),
            Effect::Session(id, effect) => self.session(id, effect),
            Effect::Page(effect) => page::execute(self, effect),
            Effect::Alert(effect) => alert::execute(self, effect),
            Effect::Survey(effect) => survey::execute(self, effect),
            Effect::Metrics(effect) => metrics::execute(self, effect),
            Effect::Change(effect) => change::execute(self, effect),
            Effect::Visit(effect) => visit::execute(self, effect),
            Effect::Record(effect) => record::execute(self, effect),
            Effect::Draft(effect) => draft::execute(self, effect),
            Effect::Reach(id, key) => listen::reach(self, id, key),
            Effect::Save(name, text) => page::save(self, name, text),
            Effect::Listen(id, key, wanted) => listen::execute(self, id, &key, wanted),
            Effect::Remember(what) => self.remember(what),
            Effect::Login(_)
            | Effect::Clipboard(_)
            | Effect::Dump
            | Effect::Pager(_)
            | Effect::Editor(..)
            | Effect::Redraw
            | Effect::Mouse(_)
            | Effect::CountFrames(_)
            | Effect::Quit => {}
        }
    }

    /// The mailbox of the current session.
    pub fn mailbox(&self) -> Option<Mailbox> {
        self.running.as_ref().map(|running| running.mailbox.clone())
    }

    /// The current session, once it stands.
    pub fn ready(&self) -> Option<Ready> {
        self.running.as_ref().and_then(|running| running.ready.borrow().clone())
    }

    /// The current session as it changes.
    fn readiness(&self) -> Option<watch::Receiver<Option<Ready>>> {
        self.running.as_ref().map(|running| running.ready.clone())
    }

    /// What a job's logs may cost in memory.
    fn log_bytes(&self) -> usize {
        usize::try_from(self.start.config.log_memory.value).unwrap_or(usize::MAX)
    }

    /// Where results go, for tasks.
    pub fn results(&self) -> Results {
        self.results.clone()
    }

    /// What a sign-in needs, once the kubeconfig was read.
    pub fn target(&self) -> Option<Target> {
        self.target.clone()
    }

    /// What the kubeconfig says, from a [`Message::Loaded`].
    pub fn set_target(&mut self, target: Target) {
        // What a sign-in brought outlives a look at the files.
        let signed_in = self.target.as_ref().filter(|old| target.login.is_none() && old.login.is_some());
        let login = signed_in.map(|old| (old.context.clone(), old.login.clone()));
        self.target = Some(match login {
            Some((context, login)) => Target { context, login, ..target },
            None => target,
        });
    }

    /// A cancellation token that ends with the current session.
    pub fn token(&self) -> CancellationToken {
        self.running.as_ref().map_or_else(CancellationToken::new, |running| running.token.child_token())
    }

    /// Runs a task of the current session; what it gives goes to the loop, unless the session ends before.
    pub fn spawn(&self, token: CancellationToken, task: impl Future<Output = Option<Message>> + Send + 'static) {
        let results = self.results();
        tokio::spawn(async move {
            let Some(Some(message)) = token.run_until_cancelled(task).await else { return };
            // A closed channel means that the console has ended.
            let _ = results.send(message).await;
        });
    }

    /// Where files that a person asks for are written.
    fn files(&self) -> Option<std::path::PathBuf> {
        self.start.paths.as_ref().map(crate::config::Paths::saved)
    }

    fn load(&self) {
        let start = Arc::clone(&self.start);
        self.spawn(CancellationToken::new(), async move {
            tokio::task::spawn_blocking(move || disk::load(&start)).await.ok().map(Message::Loaded)
        });
    }

    fn session(&mut self, id: SessionId, effect: SessionEffect) {
        match effect {
            SessionEffect::Open { context, scope } => self.open(id, &context, scope),
            SessionEffect::Narrow(labels) => {
                if let Some(running) = self.running.as_ref().filter(|running| running.id == id) {
                    running.labels.send_if_modified(|before| {
                        let differs = *before != labels;
                        *before = labels;
                        differs
                    });
                }
            }
            SessionEffect::Namespaces => self.for_ready(id, session::namespaces),
            SessionEffect::Count => self.for_ready(id, session::counters),
        }
    }

    fn open(&mut self, id: SessionId, context: &str, scope: Option<Scope>) {
        let Some(target) = &self.target else { return };
        let token = CancellationToken::new();
        let mailbox = Mailbox::new();
        let (tell_ready, ready) = watch::channel(None);
        let (labels, hear_labels) = watch::channel(None);
        // What a sign-in brought is only good for its own context.
        let target = if target.context.as_deref() == Some(context) {
            target.clone()
        } else {
            self.start.in_context(target, context)
        };
        let cluster = record::Cluster::of(&target, context);
        let live = session::Live {
            id,
            target,
            load: self.start.loader(context),
            scope,
            labels: hear_labels,
            mailbox: mailbox.clone(),
            ready: tell_ready,
            results: self.results(),
            token: token.clone(),
        };
        let cancels = token.clone().drop_guard();
        let gate = change::gate(self, context);
        let profile = self.start.config.profile_in(context);
        tokio::spawn(live.run());
        let (context, sources, heard) = (context.to_owned(), metrics::Sources::default(), listen::Heard::default());
        let running = Running {
            id,
            mailbox,
            ready,
            labels,
            cluster,
            context,
            sources,
            heard,
            gate,
            profile,
            token,
            _cancels: cancels,
        };
        self.running = Some(running);
        metrics::glance(self);
    }

    /// Runs a task on the current session, if it is the one meant and stands.
    fn for_ready<F>(&self, id: SessionId, task: impl FnOnce(Ready) -> F)
    where
        F: Future<Output = Message> + Send + 'static,
    {
        let Some(ready) = self.ready().filter(|ready| ready.id == id) else { return };
        let task = task(ready);
        self.spawn(self.token(), async move { Some(task.await) });
    }

    fn remember(&self, what: Remember) {
        self.kept.put(what);
        let kept = self.kept.clone();
        self.spawn(CancellationToken::new(), async move {
            let written = tokio::task::spawn_blocking(move || kept.write()).await.ok()?;
            let text = written.err()?.to_string();
            Some(Message::Told(Told { tone: Tone::Warn, text }))
        });
    }

    /// Whether logs of jobs that nobody has opened are being read.
    pub fn is_listening(&self) -> bool {
        !self.looks.is_empty()
    }

    /// Lets changes be answered and what waits for the disk be written, for a moment; the console ends.
    pub async fn finish(&mut self) {
        self.keepers.finish().await;
        self.changes.finish().await;
        let kept = self.kept.clone();
        // It was told if it could not be written.
        let _ = tokio::time::timeout(LAST_WORD, tokio::task::spawn_blocking(move || kept.write())).await;
        if let Some(recorder) = &mut self.recorder {
            recorder.finish().await;
        }
    }
}

/// A problem as a view says it.
fn refusal(problem: &Problem) -> Refusal {
    let what =
        if problem.why.is_empty() { problem.what.to_string() } else { format!("{}: {}", problem.what, problem.why) };
    Refusal { what: Clean::new(&what), hint: problem.hint.clone() }
}
