//! The console without a terminal: the same loop until the lists are complete and the logs of jobs in trouble are heard, then
//! one screen as text.

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

/// After the lists, logs may take so long; what they say is then not on the screen.
const LISTENS: Duration = Duration::from_secs(5);
/// That nobody listens any more is told by no message.
const LOOKS: Duration = Duration::from_millis(20);

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
    let mut end = Instant::now() + patience;
    let mut listened = false;
    while Instant::now() < end && !is_hopeless(&app) {
        if is_complete(&app) {
            if !is_listening(&app) {
                break;
            }
            if !listened {
                end = end.min(Instant::now() + LISTENS);
                listened = true;
            }
        }
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
    let end = if is_listening(app) { end.min(Instant::now() + LOOKS) } else { end };
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

/// Logs are being read, or what they say is on its way.
fn is_listening(app: &App) -> bool {
    app.runner.is_listening() || !app.messages.is_empty()
}

/// Waiting will not help.
fn is_hopeless(app: &App) -> bool {
    matches!(&app.model.session.phase, Phase::Down(_))
}
