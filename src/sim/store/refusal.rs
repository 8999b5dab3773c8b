//! Why the API server refuses a request, in its own words.

use serde_json::{Map, Value, json};

use super::Resource;

/// A refused request: what a `Status` body says.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The machine's word, as `NotFound`; empty for none.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
    /// `details` of the body, `null` for none.
    pub details: Value,
    /// Seconds for a `Retry-After` header.
    pub retry_after: Option<u32>,
    /// `metadata.continue` of the body: where an expired list may go on.
    pub resume: Option<String>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, retry_after: None, resume: None }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 404 for one object.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).about(resource, name)
    }

    /// 409: the name is taken.
    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource.qualified()))
            .about(resource, name)
    }

    /// 409: `why` ends the sentence.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 409: written from an old resourceVersion.
    pub fn stale(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 409: it is not the object that was meant. This one speaks of the kind.
    pub fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let kind = resource.qualified_kind();
        let message = format!("Operation cannot be fulfilled on {kind} \"{name}\": {why}");
        let mut refusal = Self::new(409, "Conflict", message).about(resource, name);
        refusal.details["kind"] = json!(resource.kind);
        refusal
    }

    /// 403: nothing new comes into a namespace that goes.
    pub fn terminating(resource: &Resource, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut refusal = Self::forbidden(resource, name, &why);
        let said = format!("namespace {namespace} is being terminated");
        refusal.details["causes"] =
            json!([{"reason": "NamespaceTerminating", "message": said, "field": "metadata.namespace"}]);
        refusal
    }

    /// 403 for one object: `why` ends the sentence (quota, a terminating namespace).
    pub fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 422 with its causes, each `(reason, field, message)`.
    pub fn invalid(resource: &Resource, name: &str, causes: &[(&str, &str, String)]) -> Self {
        let mut said: Vec<String> = causes.iter().map(|(_, field, message)| format!("{field}: {message}")).collect();
        said.dedup();
        let said = if said.len() == 1 { said.concat() } else { format!("[{}]", said.join(", ")) };
        let kind = resource.qualified_kind();
        let mut refusal =
            Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {said}")).about(resource, name);
        refusal.details["kind"] = json!(resource.kind);
        refusal.details["causes"] = causes
            .iter()
            .map(|(reason, field, message)| json!({"reason": reason, "message": message, "field": field}))
            .collect();
        refusal
    }

    /// 410: the history asked for is gone.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// Names the object in `details`.
    #[must_use]
    pub fn about(mut self, resource: &Resource, name: &str) -> Self {
        let mut details = Map::new();
        if !name.is_empty() {
            details.insert("name".to_owned(), json!(name));
        }
        if !resource.group.is_empty() {
            details.insert("group".to_owned(), json!(resource.group));
        }
        details.insert("kind".to_owned(), json!(resource.plural));
        self.details = Value::Object(details);
        self
    }

    /// The body.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(token) = &self.resume {
            status["metadata"]["continue"] = json!(token);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
