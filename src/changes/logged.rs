//! A change between its two lines in the change log.

use super::{back::Undo, change::Change, confirmed::How, desk::Desk, outcome::Outcome};
use crate::jobs::Clean;

/// Does something between its two lines in the change log.
pub(super) async fn logged(
    desk: &Desk,
    run: &Clean,
    how: &How,
    change: &Change,
    unlogged: &mut Option<Clean>,
    work: impl Future<Output = (Outcome, Option<Undo>)>,
) -> Outcome {
    let begun = desk.begun(run, change, how);
    let before = desk.write(begun.clone()).await;
    let (outcome, undo) = work.await;
    let undo = undo.and_then(|undo| serde_json::to_value(undo).ok());
    let after = desk.write(desk.over(begun, &outcome, undo)).await;
    *unlogged = unlogged.take().or(before).or(after);
    outcome
}
