//! Looking what there is, before it is said that something failed.

use std::time::Duration;

use serde_json::Value;

use super::{
    change::{Change, What},
    desk::Desk,
    paths,
};
use crate::{
    cluster::{Problem, ProblemKind, Session},
    jobs::Uid,
};

/// Between looks after an answer that got lost.
const PAUSES: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2)];

/// The object, or `None` if there is none of this name.
pub(super) async fn object(session: &Session, path: &str, doing: &str) -> Result<Option<Value>, Problem> {
    match session.get_json::<Value>(path, doing).await {
        Ok(object) => Ok(Some(object)),
        Err(problem) if problem.kind == ProblemKind::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The object as it is now, where that is needed; refused if another one has its name by now.
pub(super) async fn before(desk: &Desk, change: &Change) -> Result<Option<Value>, Problem> {
    let Some(meant) = change.subject.uid.as_ref().filter(|_| change.what != What::Restart) else { return Ok(None) };
    let doing = change.to_string();
    let path = paths::one(&desk.offer, &change.subject, &doing)?;
    // Not to be allowed to read it is no reason not to change it.
    let Ok(Some(object)) = object(&desk.session, &path, &doing).await else { return Ok(None) };
    if uid(&object).as_ref() == Some(meant) {
        return Ok(Some(object));
    }
    let why = "it was deleted, and another one of its name was made";
    Err(Problem::new(ProblemKind::Conflict, &format!("can't {doing}"), why, "Look at the new one first."))
}

/// After an order whose answer got lost: looks until there is what it should have led to, or it is clear that it did
/// not. `Err`: nobody answers.
pub(super) async fn until<T>(
    session: &Session,
    path: &str,
    doing: &str,
    landed: impl Fn(Option<&Value>) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let mut last = Ok(None);
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        last = object(session, path, doing).await.map(|found| landed(found.as_ref()));
        if let Ok(Some(_)) = &last {
            break;
        }
    }
    last
}

/// The object's uid.
pub(super) fn uid(object: &Value) -> Option<Uid> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(Uid::new)
}

/// Whether it is being deleted.
pub(super) fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null())
}
