//! What the user may probably do: hints that grey a command out. The server decides when it is done.

use futures::{StreamExt as _, stream};
use serde::Deserialize;

pub use super::rights::{Ask, Verdict};

use super::session::Session;
use crate::jobs::text::{Clean, Name};

const AT_ONCE: usize = 4;

#[derive(Deserialize)]
struct Review {
    status: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    allowed: bool,
    reason: String,
}

/// Asks what is not known yet; answers in the order of `asks`.
pub async fn review(session: &Session, asks: &[Ask]) -> Vec<Verdict> {
    let new: Vec<Ask> = asks.iter().filter(|a| !session.known_access().contains_key(*a)).cloned().collect();
    let answers = stream::iter(new).map(|ask| async move {
        let verdict = one(session, &ask).await;
        (ask, verdict)
    });
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let mut known = session.known_access();
    // What could not be asked is asked again next time.
    known.extend(answers.into_iter().filter(|(_, verdict)| *verdict != Verdict::Unknown));
    asks.iter().map(|ask| known.get(ask).cloned().unwrap_or(Verdict::Unknown)).collect()
}

/// Who the server says that we are; asked once a session.
pub async fn whoami(session: &Session) -> Result<Clean, super::Problem> {
    if let Some(name) = session.known_name() {
        return Ok(name.clone());
    }
    let body = serde_json::json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer: serde_json::Value = session.post_json(path, &body, "ask who you are").await?;
    let name = answer.pointer("/status/userInfo/username").and_then(serde_json::Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(super::Problem::unexpected("ask who you are", "the answer names nobody"));
    }
    Ok(session.know_name(Clean::new(name)))
}

async fn one(session: &Session, ask: &Ask) -> Verdict {
    let (resource, subresource) = ask.resource.split_once('/').unwrap_or((ask.resource, ""));
    let body = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": ask.verb, "group": ask.group, "resource": resource, "subresource": subresource,
            "namespace": ask.namespace.as_ref().map(Name::as_str).unwrap_or_default(),
        }}
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer: Result<Review, _> = session.post_json(path, &body, "ask what you may do").await;
    match answer.ok().and_then(|review| review.status) {
        Some(status) if status.allowed => Verdict::Allowed,
        Some(status) => Verdict::Denied(Clean::new(&status.reason)),
        None => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use serde_json::json;

    use super::*;
    use crate::cluster::testing;

    #[tokio::test]
    async fn each_question_is_asked_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let session = testing::session(move |_| {
            let n = counter.fetch_add(1, Relaxed);
            testing::answer(201, &json!({"status": {"allowed": n == 0, "reason": "no role"}}))
        })
        .await;
        let ask = |verb| Ask { verb, group: "kubeflow.org", resource: "mpijobs", namespace: None };
        let first = review(&session, &[ask("delete"), ask("create")]).await;
        let again = review(&session, &[ask("create"), ask("delete")]).await;
        assert_eq!(asked.load(Relaxed), 2);
        assert!(first.contains(&Verdict::Allowed) && first.contains(&Verdict::Denied(Clean::new("no role"))));
        assert_eq!(again, [first[1].clone(), first[0].clone()]);
    }

    #[tokio::test]
    async fn a_server_that_does_not_tell_denies_nothing() {
        let session = testing::session(|_| testing::status(500, "no")).await;
        let ask = Ask { verb: "get", group: "", resource: "pods/log", namespace: None };
        assert_eq!(review(&session, &[ask]).await, [Verdict::Unknown]);
    }
}
