//! Checking drafts off the loop: one task, which always looks at the newest text.

use tokio::sync::watch;

use super::{Results, Runner};
use crate::{
    console::{
        message::Message,
        model::draft::{DraftId, DraftMessage},
    },
    jobs::{Raw, checks::Checks},
};

/// A text to check.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) id: DraftId,
    pub(super) version: u64,
    pub(super) text: Raw,
    pub(super) profile: String,
}

/// The task; it ends with this.
pub(super) struct Checker(watch::Sender<Wanted>);

/// Has a text checked.
pub(super) fn check(runner: &mut Runner, wanted: Wanted) {
    if let Some(Checker(slot)) = &runner.checker {
        slot.send_replace(wanted);
        return;
    }
    let (slot, inbox) = watch::channel(wanted);
    tokio::spawn(run(inbox, runner.results()));
    runner.checker = Some(Checker(slot));
}

async fn run(mut inbox: watch::Receiver<Wanted>, results: Results) {
    loop {
        let Wanted { id, version, text, profile } = inbox.borrow_and_update().clone();
        let checked = tokio::task::spawn_blocking(move || Checks::builtin().check(text.for_writing(), &profile)).await;
        let Ok(report) = checked else { return };
        let message = Message::Draft(DraftMessage::Checked(id, version, Box::new(report)));
        if results.send(message).await.is_err() || inbox.changed().await.is_err() {
            return;
        }
    }
}
