//! Questions to a server that is not the API server itself: behind its service proxy, or at an address of its own.
//!
//! Such a server's refusals are answers like others: a 401 of its own must not end our session, and a 422 says in its body
//! what is wrong. What the API server itself refuses on the way is a [`Problem`] as everywhere.

use bytes::Bytes;
use http::{Request, header};
use kube::client::Body;
use serde::Deserialize;

use super::{
    problem::Problem,
    session::{JSON, MAX_BODY, Session, built},
};

/// What a server answered, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub code: u16,
    /// The whole body.
    pub body: Bytes,
}

/// Just enough of an answer to know who gave it.
#[derive(Deserialize)]
struct Said {
    kind: Option<String>,
    #[serde(rename = "apiVersion")]
    version: Option<String>,
}

impl Reply {
    /// Whether it went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// An API server's own refusal has this form; nothing behind it answers so.
    fn is_of_api_server(&self) -> bool {
        let said: Option<Said> = serde_json::from_slice(&self.body).ok();
        said.is_some_and(|said| said.kind.as_deref() == Some("Status") && said.version.as_deref() == Some("v1"))
    }
}

impl Session {
    /// GET, answered by whoever stands behind `path`. `doing` completes «can't …».
    pub(crate) async fn ask(&self, path: &str, doing: &str) -> Result<Reply, Problem> {
        let request = built(Request::get(path).header(header::ACCEPT, JSON).body(Body::empty()), doing)?;
        self.limited(doing, async {
            let sent = self.client().send(request).await;
            let (parts, body) = sent.map_err(|e| Problem::of(&e, &self.about(doing)))?.into_parts();
            let reply = Reply { code: parts.status.as_u16(), body: self.collect(body, doing, MAX_BODY).await? };
            if !reply.is_success() && reply.is_of_api_server() {
                return Err(Problem::answered(reply.code, &parts.headers, &reply.body, &self.about(doing)));
            }
            Ok(reply)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cluster::{ProblemKind, testing};

    #[tokio::test]
    async fn a_refusal_from_behind_is_an_answer_and_one_of_the_api_server_a_problem() {
        let session = testing::session(|request| match request.uri().path() {
            "/behind" => testing::answer(401, &json!({"status": "error"})),
            "/before" => testing::status(401, "Unauthorized"),
            _ => testing::answer(422, &json!({"status": "error", "error": "parse error"})),
        })
        .await;
        let reply = session.ask("/behind", "ask").await.expect("an answer");
        assert_eq!((reply.code, reply.is_success()), (401, false));
        assert_eq!(session.ask("/x", "ask").await.map(|reply| reply.code), Ok(422));
        let mut ended = std::pin::pin!(session.signed_out());
        assert!(futures::poll!(ended.as_mut()).is_pending(), "the session goes on");
        assert_eq!(session.ask("/before", "ask").await.map_err(|p| p.kind), Err(ProblemKind::Unauthorized));
        assert_eq!(ended.await.kind, ProblemKind::Unauthorized);
    }
}
