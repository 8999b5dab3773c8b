//! The one executor of changes.

use std::sync::Arc;

use super::{
    back::Undo,
    change::{Change, What},
    confirmed::Confirmed,
    create, delete,
    desk::Desk,
    logged::logged,
    look,
    outcome::{Item, Outcome, Progress, Report},
    patch, paths, restart,
};
use crate::{
    cluster::{Problem, ProblemKind},
    jobs::Clean,
};
use serde_json::Value;

/// Hears how far it is.
pub type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// Makes the changes one after the other, each once. Dropping the future gives up in the middle: whoever calls it lets
/// it run to its end, also when its session ends meanwhile.
pub async fn run(desk: &Desk, confirmed: Confirmed, tell: Tell) -> Report {
    if let Err(problem) = desk.gate.check(&confirmed, desk.session.now()) {
        return Report::refused(confirmed, &problem);
    }
    let (run, how) = (desk.new_id(), confirmed.how().clone());
    let changes = confirmed.into_changes();
    let alone = changes.len() == 1;
    let mut report = Report { items: Vec::with_capacity(changes.len()), unlogged: None };
    let mut stopped = false;
    for change in changes {
        let failed = report.items.len() - report.done();
        tell(Progress { over: report.items.len(), failed, now: Clean::new(&change.to_string()) });
        let outcome = if stopped {
            not_tried(&change)
        } else {
            {
                let work = execute(desk, &change, alone);
                logged(desk, &run, &how, &change, &mut report.unlogged, work).await
            }
        };
        // Objects that are made together belong together; other changes are each for themselves.
        stopped |= outcome.as_done().is_none() && matches!(change.what, What::Create { .. });
        report.items.push(Item { change, outcome });
    }
    report
}

fn not_tried(change: &Change) -> Outcome {
    let why = "what comes before it could not be made";
    Outcome::Failed(Problem::new(ProblemKind::Cancelled, &format!("can't {change}"), why, "It was not tried."))
}

/// Executes it, and says how it can be undone.
async fn execute(desk: &Desk, change: &Change, alone: bool) -> (Outcome, Option<Undo>) {
    let before = match before(desk, change).await {
        Ok(before) => before,
        Err(problem) => return (Outcome::Failed(problem), None),
    };
    let before = before.as_ref();
    match &change.what {
        What::Create { manifest, client } => (create::create(desk, change, manifest, client).await, None),
        What::Delete { propagation, grace } => {
            let undo = match before {
                Some(object) => restart::keep(desk, change, object).await.ok(),
                None => None,
            };
            let outcome = delete::delete(desk, change, *propagation, *grace, alone).await;
            let undo = undo.filter(|_| outcome.as_done().is_some()).map(Undo::Again);
            (outcome, undo)
        }
        What::Restart => restart::restart(desk, change, before).await,
        What::FreeGpus { pods } => (delete::free(desk, change, pods).await, None),
        _ => {
            let outcome = patch::patch(desk, change).await;
            let undo = before.and_then(|object| patch::inverse(&change.subject, &change.what, object));
            let undo = undo.filter(|_| outcome.as_done().is_some()).map(|what| Undo::Back(Box::new(what)));
            (outcome, undo)
        }
    }
}

/// The object as it is now, where that is needed; refused if another one has its name by now.
async fn before(desk: &Desk, change: &Change) -> Result<Option<Value>, Problem> {
    let Some(uid) = &change.subject.uid else { return Ok(None) };
    let doing = change.to_string();
    let path = paths::one(&desk.offer, &change.subject, &doing)?;
    // Not to be allowed to read it is no reason not to change it.
    let Ok(Some(object)) = look::object(&desk.session, &path, &doing).await else { return Ok(None) };
    if look::uid(&object).as_ref() == Some(uid) {
        return Ok(Some(object));
    }
    let why = "it was deleted, and another one of its name was made";
    Err(Problem::new(ProblemKind::Conflict, &format!("can't {doing}"), why, "Look at the new one first."))
}
