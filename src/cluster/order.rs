//! What `changes` sends through a session.

use http::{Method, Request, header};
use kube::client::Body;

/// A request that alters the cluster.
pub(crate) struct Order<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: serde_json::Value,
    /// Completes «can't …».
    pub(crate) doing: &'a str,
}

impl Order<'_> {
    /// As it is sent.
    pub(super) fn request(&self) -> Result<Request<Body>, http::Error> {
        Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, self.content_type)
            .body(Body::from(self.body.to_string().into_bytes()))
    }
}
