//! Executing changes, and reading what is kept of them.
//!
//! A change goes on when its session is closed: it belongs to the runner, which waits for it a moment at the end.

use std::{sync::Arc, time::Duration};

use tokio_util::task::TaskTracker;

use super::{Results, Runner};
use crate::{
    changes::{self, Confirmed, Desk, Gate, Progress, Report, Site, Tell},
    cluster::{Problem, ProblemKind},
    config::context::Protection,
    console::{
        message::Message,
        model::{
            change::{ChangeEffect, ChangeId, ChangeMessage},
            session::SessionId,
        },
    },
    disk::{DiskProblem, changes::ChangeFiles},
    jobs::Clean,
};

/// How long the end waits for changes that were sent.
const AT_END: Duration = Duration::from_secs(1);
/// Entries of the change log that are shown.
const SHOWN: usize = 500;
/// What was interrupted longer ago is not gone on with.
const STALE: u32 = 60 * 60;

/// Changes that are under way.
#[derive(Default)]
pub(super) struct Tasks(TaskTracker);

impl Tasks {
    /// Waits for their answers; what takes several steps goes on at the next start.
    pub(super) async fn finish(&self) {
        self.0.close();
        // What is not over by then is in the change log as begun.
        let _ = tokio::time::timeout(AT_END, self.0.wait()).await;
    }
}

/// The gate of a session with this context, by settings and arguments.
pub(super) fn gate(runner: &Runner, context: &str) -> Gate {
    let (start, own) = (&runner.start, runner.start.config.context(context));
    Gate::of(Clean::new(context), start.read_only, own.read_only, own.protect == Some(Protection::TypeName))
}

/// Executes an order.
pub(super) fn execute(runner: &Runner, effect: ChangeEffect) {
    match effect {
        ChangeEffect::Run(id, session, confirmed) => run(runner, id, session, confirmed),
        ChangeEffect::Unlock(id, until) => {
            if let Some(running) = runner.running.as_ref().filter(|running| running.id == id) {
                running.gate.unlock(until);
            }
        }
        ChangeEffect::ReadLog => read(runner, |files| files.entries(SHOWN), ChangeMessage::Log),
        ChangeEffect::Undoable(id) => {
            let Some(ready) = runner.ready().filter(|ready| ready.id == id) else { return };
            let site = Site::of(&ready.session);
            read(runner, move |files| changes::undo::undoable(files, &site), ChangeMessage::Undoable);
        }
        ChangeEffect::Resume(id) => resume(runner, id),
    }
}

fn files(runner: &Runner) -> Option<ChangeFiles> {
    runner.start.paths.as_ref().map(|paths| ChangeFiles::new(&paths.changes()))
}

/// What changes of a session are executed with; `None` if it is not the current one, or does not stand.
pub(in crate::console) fn desk(runner: &Runner, id: SessionId) -> Option<Desk> {
    let ready = runner.ready().filter(|ready| ready.id == id)?;
    let gate = runner.running.as_ref()?.gate.clone();
    Some(Desk { session: ready.session, offer: ready.offer, gate, files: files(runner) })
}

fn run(runner: &Runner, id: ChangeId, session: SessionId, confirmed: Confirmed) {
    let results = runner.results();
    let Some(desk) = desk(runner, session) else { return no_connection(runner, id, confirmed) };
    let heard = results.clone();
    let tell: Tell = Arc::new(move |progress: Progress| {
        // Where the console is behind, the next one tells more.
        let _ = heard.try_send(Message::Change(ChangeMessage::Progress(id, progress)));
    });
    runner.changes.0.spawn(async move {
        let report = changes::run(&desk, confirmed, tell).await;
        send(&results, ChangeMessage::Over(id, report)).await;
    });
}

/// There is nothing to change anything with.
pub(in crate::console) fn no_connection(runner: &Runner, id: ChangeId, confirmed: Confirmed) {
    let (results, why) = (runner.results(), "there is no connection now");
    let problem = Problem::new(ProblemKind::Cancelled, "nothing was sent", why, "Try again when it is back.");
    let report = Report::refused(confirmed.into_changes(), &problem);
    runner.changes.0.spawn(async move { send(&results, ChangeMessage::Over(id, report)).await });
}

async fn send(results: &Results, message: ChangeMessage) {
    // A closed channel means that the console has ended; the change log has it.
    let _ = results.send(Message::Change(message)).await;
}

/// Reads from the files, off the loop.
fn read<T: Default + Send + 'static>(
    runner: &Runner,
    work: impl FnOnce(&ChangeFiles) -> Result<T, DiskProblem> + Send + 'static,
    message: fn(Result<T, Clean>) -> ChangeMessage,
) {
    let (results, files) = (runner.results(), files(runner));
    tokio::spawn(async move {
        let found = match files {
            Some(files) => tokio::task::spawn_blocking(move || work(&files)).await,
            None => Ok(Ok(T::default())),
        };
        let Ok(found) = found else { return };
        send(&results, message(found.map_err(|problem| Clean::new(&problem.to_string())))).await;
    });
}

/// Goes on with what was interrupted on this cluster a short while ago.
fn resume(runner: &Runner, id: SessionId) {
    let (Some(desk), results) = (desk(runner, id), runner.results()) else { return };
    let Some(files) = desk.files.clone() else { return };
    runner.changes.0.spawn(async move {
        let site = Site::of(&desk.session);
        let found = tokio::task::spawn_blocking(move || changes::interrupted(&files, &site)).await;
        let now = desk.session.now();
        for slip in found.ok().and_then(Result::ok).unwrap_or_default() {
            if now.since(slip.at) < STALE {
                if let Some(report) = changes::resume(&desk, slip, Arc::new(|_| {})).await {
                    send(&results, ChangeMessage::Resumed(report)).await;
                }
            } else {
                let told = slip.changes.iter().map(|change| Clean::new(&change.to_string())).collect();
                changes::forget(&desk, slip).await;
                send(&results, ChangeMessage::GivenUp(told)).await;
            }
        }
    });
}
