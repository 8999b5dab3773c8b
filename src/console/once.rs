//! The console without a terminal: the same loop until the lists are complete, then one screen as text.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Size};
use tokio::time::Instant;

use super::{
    app::{App, Woken, data, until},
    effect::Effect,
    message::Message,
    model::session::Phase,
    start::Start,
    view::screen_text,
};
use crate::jobs::fleet::ListPhase;

/// What `--once` prints, and whether it is what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The screen.
    pub screen: Buffer,
    /// Whether the lists were complete.
    pub complete: bool,
    /// Why not, where that is known.
    pub trouble: Option<String>,
}

impl Picture {
    /// As text, without colours and without empty lines at the end.
    pub fn text(&self) -> String {
        screen_text(&self.screen).trim_end().to_owned() + "\n"
    }
}

/// Runs until the lists are complete; at most for `patience`.
pub async fn once(start: Start, size: Size, patience: Duration) -> Picture {
    let mut app = App::new(start, size);
    let end = Instant::now() + patience;
    while Instant::now() < end && !is_complete(&app) && !is_hopeless(&app) {
        let woken = wait(&mut app, end).await;
        let effects = match woken {
            Woken::Message(message) => app.happen(message),
            Woken::Data => app.runner.mailbox().map_or_else(Vec::new, |mailbox| app.drain(&mailbox)),
            _ => app.happen(Message::Deadline),
        };
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Login(_))).for_each(|e| app.runner.execute(e));
    }
    let complete = is_complete(&app);
    let trouble = match &app.model.session.phase {
        Phase::Down(trouble) => Some(format!("{}: {} {}", trouble.what, trouble.why, trouble.hint)),
        _ => None,
    };
    Picture { screen: app.screen(), complete, trouble }
}

async fn wait(app: &mut App, end: Instant) -> Woken {
    let wakes = app.wakes_at().map_or(end, |at| at.min(end));
    let (mailbox, more) = (app.runner.mailbox(), app.more);
    tokio::select! {
        biased;
        Some(message) = app.messages.recv() => Woken::Message(message),
        () = data(mailbox.as_ref(), more) => Woken::Data,
        () = until(Some(wakes)) => Woken::Time,
    }
}

/// Every list has its answer, and it is in the fleet.
fn is_complete(app: &App) -> bool {
    let session = &app.model.session;
    let planned = session.planned.as_ref();
    let answered = |phase: Option<&ListPhase>| !matches!(phase, None | Some(ListPhase::Loading(_)));
    let drained = !app.more && app.runner.mailbox().is_none_or(|mailbox| mailbox.is_empty());
    session.phase == Phase::Up
        && drained
        && planned.is_some_and(|keys| keys.iter().all(|key| answered(session.lists.get(key))))
}

/// Waiting will not help.
fn is_hopeless(app: &App) -> bool {
    matches!(&app.model.session.phase, Phase::Down(_))
}
