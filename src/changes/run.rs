//! The one executor of changes.

use std::sync::Arc;

use super::{
    back::Undo,
    change::{Change, What},
    confirmed::{Confirmed, How},
    create, delete,
    desk::{Desk, Site},
    logged::logged,
    look,
    outcome::{Item, Outcome, Progress, Report},
    patch, restart,
    slip::Slip,
    visit,
};
use crate::{
    cluster::{Problem, ProblemKind},
    jobs::Clean,
};

/// Hears how far it is.
pub type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// Makes the changes one after the other, each once. Dropping the future gives up in the middle: whoever calls it lets
/// it run to its end, also when its session ends meanwhile.
pub async fn run(desk: &Desk, confirmed: Confirmed, tell: Tell) -> Report {
    if let Err(problem) = desk.gate.check(&confirmed, desk.session.now()) {
        return Report::refused(confirmed.into_changes(), &problem);
    }
    let (site, at) = (Site::of(&desk.session), desk.session.now());
    let how = confirmed.how().clone();
    let slip = Slip { run: desk.new_id(), site, at, changes: confirmed.into_changes() };
    let _held = if slip.is_needed(&how) { slip.hold(desk).await } else { None };
    each(desk, slip, &how, tell).await
}

/// Goes on with what was interrupted. It was confirmed when it was begun. `None`: somebody else goes on with it, or did.
pub async fn resume(desk: &Desk, slip: Slip, tell: Tell) -> Option<Report> {
    let _held = slip.hold(desk).await?.ok()?;
    let slip = slip.anew(desk).await?;
    let now = desk.session.now();
    if let Some(problem) = slip.changes.iter().find_map(|change| desk.gate.check_open(change, now).err()) {
        return Some(Report::refused(slip.changes, &problem));
    }
    Some(each(desk, slip, &How::Before, tell).await)
}

/// Forgets what was interrupted too long ago to be gone on with. What was deleted for it stays kept for an undo.
pub async fn forget(desk: &Desk, mut slip: Slip) {
    slip.changes.clear();
    // One that can't be removed comes up again.
    let _ = slip.write(desk).await;
}

/// Whoever calls it holds the slip.
async fn each(desk: &Desk, mut slip: Slip, how: &How, tell: Tell) -> Report {
    let (needed, alone) = (slip.is_needed(how), slip.changes.len() == 1);
    let written = if needed { slip.write(desk).await } else { None };
    if let Some(Err(why)) = written.filter(|_| slip.has_restart()) {
        let why = format!("what is to be done could not be kept on disk: {why}");
        let problem = Problem::new(ProblemKind::Cancelled, "nothing was changed", &why, "Make room, then try again.");
        return Report::refused(slip.changes, &problem);
    }
    let mut report = Report { items: Vec::with_capacity(slip.changes.len()), unlogged: None };
    let (mut stopped, mut waiting) = (false, Vec::new());
    while let Some(change) = slip.changes.first().cloned() {
        let failed = report.items.len() - report.done();
        tell(Progress { over: report.items.len(), failed, now: Clean::new(&change.to_string()) });
        let outcome = if stopped {
            not_tried(&change)
        } else {
            let work = execute(desk, &change, alone);
            logged(desk, &slip.run, how, &change, &mut report.unlogged, work).await
        };
        // Objects that are made together belong together; other changes are each for themselves.
        stopped |= outcome.as_done().is_none() && matches!(change.what, What::Create { .. });
        slip.changes.remove(0);
        if matches!((&change.what, &outcome), (What::Restart, Outcome::Unknown(_))) {
            waiting.push(change.clone());
        }
        report.items.push(Item { change, outcome });
        if needed {
            let left = Slip { changes: [slip.changes.as_slice(), &waiting].concat(), ..slip.clone() };
            // An old slip tells of more than is left; doing that again is as good as once.
            let _ = left.write(desk).await;
        }
    }
    report
}

fn not_tried(change: &Change) -> Outcome {
    let why = "what comes before it could not be made";
    Outcome::Failed(Problem::new(ProblemKind::Cancelled, &format!("can't {change}"), why, "It was not tried."))
}

/// Executes it, and says how it can be undone.
async fn execute(desk: &Desk, change: &Change, alone: bool) -> (Outcome, Option<Undo>) {
    let before = match look::before(desk, change).await {
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
        What::Restart => restart::restart(desk, change).await,
        What::FreeGpus { pods } => (delete::free(desk, change, pods).await, None),
        What::CopyOut { path, into, .. } => (Box::pin(visit::copied_out(desk, change, path, into)).await, None),
        What::CopyIn { from, into, .. } => (Box::pin(visit::copied_in(desk, change, from, into)).await, None),
        _ => {
            let outcome = patch::patch(desk, change).await;
            let undo = before.and_then(|object| patch::inverse(&change.subject, &change.what, object));
            let undo = undo.filter(|_| outcome.as_done().is_some()).map(|what| Undo::Back(Box::new(what)));
            (outcome, undo)
        }
    }
}
