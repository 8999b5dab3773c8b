//! The console without a screen: the same loop, for what it records.
//!
//! Owns nothing of its own: sessions, lists, causes and the recorder are the console's.

use tokio::time::Instant;

use super::{
    app::{App, Woken, data, until},
    effect::Effect,
    message::Message,
    model::session::{Phase, Trouble},
    start::Start,
};
use crate::{
    jobs::{Clean, fleet::ListPhase},
    term::signals::{Signal, Signals},
};

/// How the recording goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The context.
    pub context: Clean,
    /// The namespaces, in words.
    pub scope: String,
    /// Why there is no connection, if there is none.
    pub down: Option<Clean>,
    /// Whether all lists have been read.
    pub complete: bool,
    /// Jobs that are seen.
    pub jobs: usize,
    /// Jobs that are followed.
    pub followed: usize,
    /// Jobs of which something was kept.
    pub kept: usize,
    /// Jobs that another mpideck records.
    pub elsewhere: usize,
    /// Why something can't be kept.
    pub problem: Option<Clean>,
}

/// How it ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A signal.
    Signal(Signal),
    /// There is nothing to connect to, and waiting will not help.
    Hopeless(Box<Trouble>),
    /// The context is not to be recorded.
    Off(Clean),
}

/// Records until a signal comes. `pins` are names of jobs to follow, `namespace/name` or `name`. `tell` hears of every
/// difference.
pub async fn record(start: Start, pins: Vec<String>, mut tell: impl FnMut(&Recording)) -> std::io::Result<Stopped> {
    let mut signals = Signals::new()?;
    let mut app = App::new(start, ratatui::layout::Size::new(80, 24));
    app.model.record.wanted = pins;
    let mut told = Recording::default();
    let stopped = loop {
        let woken = wait(&mut app, &mut signals).await;
        let effects = match woken {
            Woken::Signal(Signal::Stop | Signal::Continue) => continue,
            Woken::Signal(signal) => break Stopped::Signal(signal),
            Woken::Message(message) => app.happen(message),
            Woken::Data => app.runner.mailbox().map_or_else(Vec::new, |mailbox| app.drain(&mailbox)),
            _ => app.happen(Message::Deadline),
        };
        // There is no terminal to lend: signing in is for a console.
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Login(_))).for_each(|e| app.runner.execute(e));
        if let Some(stopped) = over(&app) {
            break stopped;
        }
        let now = recording(&app);
        if now != told {
            tell(&now);
            told = now;
        }
    };
    app.finish().await;
    Ok(stopped)
}

async fn wait(app: &mut App, signals: &mut Signals) -> Woken {
    let wakes: Option<Instant> = app.wakes_at();
    let (mailbox, more) = (app.runner.mailbox(), app.more);
    tokio::select! {
        biased;
        signal = signals.next() => Woken::Signal(signal),
        Some(message) = app.messages.recv() => Woken::Message(message),
        () = data(mailbox.as_ref(), more) => Woken::Data,
        () = until(wakes) => Woken::Time,
    }
}

fn over(app: &App) -> Option<Stopped> {
    let session = &app.model.session;
    if session.info().is_some_and(|info| !info.record) {
        return Some(Stopped::Off(Clean::new(&session.context)));
    }
    match &session.phase {
        Phase::Down(trouble) if !trouble.retries => Some(Stopped::Hopeless(Box::new(trouble.clone()))),
        _ => None,
    }
}

fn recording(app: &App) -> Recording {
    let (session, record) = (&app.model.session, &app.model.record);
    let unread = |phase: Option<&ListPhase>| matches!(phase, None | Some(ListPhase::Loading(_)));
    let planned = session.planned.as_ref();
    Recording {
        context: Clean::new(&session.context),
        scope: session.scope.to_string(),
        down: match &session.phase {
            Phase::Down(trouble) => Some(Clean::new(&format!("{}: {}", trouble.what, trouble.why))),
            _ => None,
        },
        complete: planned.is_some_and(|keys| !keys.iter().any(|key| unread(session.lists.get(key)))),
        jobs: app.model.fleet.len(),
        followed: record.followed.len(),
        kept: record.state.jobs,
        elsewhere: record.state.elsewhere,
        problem: record.state.problem.clone(),
    }
}
