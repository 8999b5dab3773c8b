//! What a controller wants done: changes and events as data, in order.
//!
//! Owns the words for it; `desk.rs` executes them. A controller's pass is a function from what it saw to a list of these.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::value::{list, reference, set, stamp, text};
use crate::sim::store::Resource;

/// One order. A pass stops at the first that fails and is tried again later.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// Make `object`; if refused, emit `blame` with the server's words after its message.
    Create {
        /// Where it goes.
        resource: &'static Resource,
        /// The whole object.
        object: Value,
        /// The event that tells of a refusal.
        blame: Option<Note>,
    },
    /// Replace metadata and spec.
    Update(&'static Resource, Value),
    /// Replace the status.
    Status(&'static Resource, Value),
    /// Delete it, gracefully where that is its kind's way.
    Delete(&'static Resource, String, String),
    /// Delete it once all that it owns is gone.
    DeleteWithAll(&'static Resource, String, String),
    /// Take a finalizer off; what is gone already is as good.
    Release(&'static Resource, String, String, &'static str),
    /// Tell of something.
    Tell(Note),
    /// Stop here and try this object again with back-off.
    Fail,
}

/// An Event to be: equal ones are counted, not repeated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// `involvedObject`.
    pub(crate) about: Value,
    /// `Normal` or `Warning`.
    pub(crate) kind: &'static str,
    /// One word.
    pub(crate) reason: String,
    /// The sentence.
    pub(crate) message: String,
    /// Component that says it.
    pub(crate) from: Cow<'static, str>,
    /// What it does, where it is told in a series as schedulers do; empty for all others.
    pub(crate) action: Cow<'static, str>,
    /// Host of the component (kubelet only).
    pub(crate) host: String,
}

impl Note {
    /// A `Normal` event.
    pub(crate) fn normal(
        about: &Value,
        from: impl Into<Cow<'static, str>>,
        reason: &str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            about: reference(about),
            kind: "Normal",
            reason: reason.into(),
            message: message.into(),
            from: from.into(),
            action: Cow::Borrowed(""),
            host: String::new(),
        }
    }

    /// A `Warning` event.
    pub(crate) fn warning(
        about: &Value,
        from: impl Into<Cow<'static, str>>,
        reason: &str,
        message: impl Into<String>,
    ) -> Self {
        Self { kind: "Warning", ..Self::normal(about, from, reason, message) }
    }
}

impl Note {
    /// The same, told in a series by a scheduler that does `action`.
    pub(crate) fn in_series(self, action: impl Into<Cow<'static, str>>) -> Self {
        Self { action: action.into(), ..self }
    }
}

/// A status condition to be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cond<'a> {
    /// `type`.
    pub(crate) kind: &'a str,
    /// `status`.
    pub(crate) truth: bool,
    /// `reason`.
    pub(crate) reason: &'a str,
    /// `message`.
    pub(crate) message: &'a str,
}

/// Sets a condition in `object.status` in place (as Kubernetes' own controllers and Kueue do); whether it changed.
pub(crate) fn set_condition(object: &mut Value, c: Cond<'_>, now: Timestamp) -> bool {
    let status = if c.truth { "True" } else { "False" };
    let mut all = list(object, "/status/conditions").to_vec();
    let found = all.iter_mut().find(|old| text(old, "/type") == c.kind);
    let fresh = json!({"type": c.kind, "status": status, "reason": c.reason, "message": c.message, "lastTransitionTime": stamp(now)});
    match found {
        Some(old)
            if text(old, "/status") == status
                && text(old, "/reason") == c.reason
                && text(old, "/message") == c.message =>
        {
            return false;
        }
        Some(old) => {
            let since = text(old, "/lastTransitionTime").to_owned();
            let same = text(old, "/status") == status;
            *old = fresh;
            if same {
                old["lastTransitionTime"] = json!(since);
            }
        }
        None => all.push(fresh),
    }
    set(object, "/status/conditions", Value::Array(all));
    true
}
