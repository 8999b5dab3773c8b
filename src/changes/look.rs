//! Looking what there is, before it is said that something failed.

use std::time::Duration;

use serde_json::Value;

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
