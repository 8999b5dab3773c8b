//! Sending an order, once.

use http::Method;
use serde_json::{Value, json};

use super::change::Propagation;
use crate::{
    cluster::{Problem, ProblemKind as Kind, Session, order::Order, session::JSON},
    jobs::Uid,
};

/// What became of an order.
pub(super) enum Sent {
    /// The server took it; its answer.
    Taken(Value),
    /// The server refused it, or it never went out.
    Refused(Problem),
    /// Nobody knows: no answer came, or one that says nothing about the order.
    Unsure(Problem),
}

/// POST.
pub(super) async fn create(session: &Session, path: String, body: Value, doing: &str) -> Sent {
    send(session, Order { method: Method::POST, path, content_type: JSON, body, doing }).await
}

/// DELETE, of the object with this uid only.
pub(super) async fn delete(
    session: &Session,
    path: String,
    uid: Option<&Uid>,
    propagation: Propagation,
    grace: Option<u32>,
    doing: &str,
) -> Sent {
    let mut body = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation.word()});
    if let Some(uid) = uid {
        body["preconditions"] = json!({"uid": uid.to_string()});
    }
    if let Some(grace) = grace {
        body["gracePeriodSeconds"] = json!(grace);
    }
    send(session, Order { method: Method::DELETE, path, content_type: JSON, body, doing }).await
}

/// PATCH by a JSON merge patch, of the object with this uid only: a uid that differs can't be merged in.
pub(super) async fn patch(session: &Session, path: String, uid: Option<&Uid>, mut body: Value, doing: &str) -> Sent {
    if let Some(uid) = uid {
        body["metadata"]["uid"] = json!(uid.to_string());
    }
    send(session, Order { method: Method::PATCH, path, content_type: "application/merge-patch+json", body, doing })
        .await
}

async fn send(session: &Session, order: Order<'_>) -> Sent {
    match session.alter(&order).await {
        Ok(answer) => Sent::Taken(answer),
        Err(problem) if is_unsure(&problem) => Sent::Unsure(problem),
        Err(problem) => Sent::Refused(problem),
    }
}

/// Whether the order may have been executed all the same.
fn is_unsure(problem: &Problem) -> bool {
    matches!(problem.kind, Kind::Timeout | Kind::Unreachable | Kind::Server)
}
