//! Error answers of an API server: its `Status` object, or the plain text that stands in for one.

use std::{sync::LazyLock, time::Duration};

use regex::Regex;
use serde::Deserialize;

use super::{About, Answer, FieldCause, Problem, ProblemKind as Kind};
use crate::jobs::text::Clean;

/// The part of a `Status` that we look at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiStatus {
    /// The server's words.
    pub message: Option<String>,
    /// Its one-word reason.
    pub reason: Option<String>,
    /// HTTP code, also inside a watch.
    pub code: Option<u16>,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u64>,
    causes: Option<Vec<Cause>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    field: Option<String>,
    message: Option<String>,
}

/// `pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "n"`.
static REFUSED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"User "(?<user>[^"]*)" cannot (?<verb>\S+) resource "(?<resource>[^"]*)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<ns>[^"]*)")?"#,
    )
    .ok()
});

pub(super) fn classify(code: u16, body: &[u8], about: &About<'_>) -> Problem {
    let status: ApiStatus = serde_json::from_slice(body).unwrap_or_default();
    let code = status.code.filter(|c| *c >= 400).unwrap_or(code);
    let message = status.message.clone().unwrap_or_else(|| plain_text(body, code));
    let (kind, hint) = verdict(code, &status, &message, about);
    let mut problem = Problem::new(kind, &format!("can't {}", about.doing), &message, &hint);
    let details = status.details.unwrap_or_default();
    problem.answer = Some(Box::new(Answer {
        code,
        retry_after: details.retry_after_seconds.filter(|s| *s > 0).map(Duration::from_secs),
        causes: details.causes.unwrap_or_default().iter().map(field_cause).collect(),
        ask: (kind == Kind::Forbidden).then(|| asked(&message)).flatten(),
    }));
    problem
}

fn field_cause(cause: &Cause) -> FieldCause {
    let clean = |text: &Option<String>| Clean::new(text.as_deref().unwrap_or_default());
    FieldCause { field: clean(&cause.field), message: clean(&cause.message) }
}

/// The first line of what is not a Status, at most 200 characters: proxies answer with whole pages.
fn plain_text(body: &[u8], code: u16) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(2048)]);
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    if line.is_empty() || line.starts_with('<') {
        return format!("the server answered with status {code}");
    }
    line.chars().take(200).collect()
}

fn verdict(code: u16, status: &ApiStatus, message: &str, about: &About<'_>) -> (Kind, String) {
    match code {
        401 => (Kind::Unauthorized, about.credential.remedy()),
        // Servers that let anybody knock say so of whom they don't know.
        403 if message.contains(r#"User "system:anonymous""#) => (Kind::Unauthorized, about.credential.remedy()),
        403 => (Kind::Forbidden, forbidden(message)),
        404 | 405 => (Kind::NotFound, "It may have been deleted, or this cluster does not serve that resource.".into()),
        409 if status.reason.as_deref() == Some("AlreadyExists") => {
            (Kind::Conflict, "Choose another name, or delete the old object first.".into())
        }
        409 => (Kind::Conflict, "Somebody changed it in the meantime: look at it again, then repeat.".into()),
        410 => (Kind::Gone, "Reading it anew.".into()),
        400 | 413 | 415 | 422 => (Kind::Invalid, "Correct the fields that the server names.".into()),
        429 => (Kind::TooMany, "The server is busy or just starting; trying again when it asks us to.".into()),
        408 | 504 => (Kind::Timeout, "The server ran out of time; trying again.".into()),
        _ => (Kind::Server, "The server has a problem of its own; trying again.".into()),
    }
}

/// A quota and a role are both refused with 403; what helps is not the same.
fn forbidden(message: &str) -> String {
    if message.contains("exceeded quota:") || message.contains("failed quota:") {
        return "The namespace's ResourceQuota is used up: ask for less, delete what is finished, or ask for more quota.".into();
    }
    if message.contains("violates PodSecurity") || message.contains("security context constraint") {
        return "The namespace's security policy forbids such pods: change the securityContext, or ask its administrator.".into();
    }
    match asked(message) {
        Some(ask) if message.contains("kubeflow.org") => {
            format!("Ask for a role that may {ask} (upstream: kubeflow-mpijobs-view, or -edit to change things).")
        }
        Some(ask) => format!("Ask for a role that may {ask}."),
        None => "You may not do that: ask the namespace's administrator.".into(),
    }
}

/// `list mpijobs.kubeflow.org in namespace team-a`, from the server's sentence.
fn asked(message: &str) -> Option<Clean> {
    let found = REFUSED.as_ref()?.captures(message)?;
    let resource = match &found["group"] {
        "" => found["resource"].to_owned(),
        group => format!("{}.{group}", &found["resource"]),
    };
    let place = match found.name("ns") {
        Some(ns) => format!("in namespace {}", ns.as_str()),
        None => "in all namespaces".to_owned(),
    };
    Some(Clean::new(&format!("{} {resource} {place}", &found["verb"])))
}
