//! Events in their newer shape: the same objects, shown and taken as events.k8s.io/v1 has them; and what a server checks of
//! new ones in either.

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::fault::{invalid, required};
use crate::sim::schema::Fault;
use crate::sim::store::resource::{EVENTS, EVENTS_NEWER};
use crate::sim::store::{Object, Resource};

/// Fields that are called otherwise: in the core group, and in the newer shape.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];
/// How long some texts may be.
const LONGEST: usize = 128;
const LONGEST_NOTE: usize = 1024;

/// An object as `resource` shows it.
pub(super) fn shown(resource: &Resource, object: &Object) -> Bytes {
    if resource.kept_as.is_none() {
        return object.json().clone();
    }
    newer(&object.value()).to_string().into()
}

/// A stored event in the newer shape.
pub(super) fn newer(event: &Value) -> Value {
    let mut newer = renamed(event, &EVENTS_NEWER, |key| NAMES.iter().find(|(old, _)| *old == key).map(|(_, new)| *new));
    if let Some(fields) = newer.as_object_mut() {
        // Here what is empty isn't said.
        fields.retain(|_, value| *value != "" && *value != 0);
    }
    newer
}

/// An object of `resource` in the shape in which it is stored.
pub(super) fn kept(resource: &Resource, value: Value) -> Value {
    if resource.kept_as.is_none() {
        return value;
    }
    renamed(&value, &EVENTS, |key| NAMES.iter().find(|(_, new)| *new == key).map(|(old, _)| *old))
}

fn renamed(event: &Value, of: &Resource, other: impl Fn(&str) -> Option<&'static str>) -> Value {
    let fields = event.as_object().into_iter().flatten();
    let mut out: Map<String, Value> =
        fields.map(|(key, value)| (other(key).unwrap_or(key).to_owned(), value.clone())).collect();
    out.insert("apiVersion".to_owned(), json!(of.api_version()));
    out.insert("kind".to_owned(), json!(of.kind));
    Value::Object(out)
}

fn text<'v>(event: &'v Value, key: &str) -> &'v str {
    event[key].as_str().unwrap_or_default()
}

/// A fault that does not repeat the value.
fn unsaid(field: &str, why: &str) -> Fault {
    invalid(field, &json!(""), why)
}

/// What is wrong with a new event, which is in the shape of the core group already.
pub(super) fn faults(resource: &Resource, event: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    let about = event["involvedObject"]["namespace"].as_str().unwrap_or_default();
    let space = event["metadata"]["namespace"].as_str().unwrap_or_default();
    let newer = event["eventTime"].is_string();
    let free = if newer { ["default", "kube-system"] } else { ["default", "default"] };
    if (about.is_empty() && !free.contains(&space)) || (!newer && !about.is_empty() && about != space) {
        out.push(invalid("involvedObject.namespace", &json!(about), "does not match event.namespace"));
    }
    let strict = *resource == EVENTS_NEWER;
    if newer {
        out.extend(of_newer(event, if strict { "reportingController" } else { "reportingComponent" }));
    }
    if strict {
        out.extend(strict_faults(event));
    }
    out
}

/// What holds of all that tell their time in the newer way.
fn of_newer(event: &Value, controller: &str) -> Vec<Fault> {
    let mut out = Vec::new();
    if text(event, "reportingComponent").is_empty() {
        out.push(required(controller));
        out.extend(crate::sim::store::words::wrong_key("").into_iter().map(|why| unsaid(controller, &why)));
    }
    for (key, longest) in
        [("reportingInstance", LONGEST), ("action", LONGEST), ("reason", LONGEST), ("message", LONGEST_NOTE)]
    {
        let value = text(event, key);
        if value.is_empty() && key != "message" {
            out.push(required(key));
        }
        if value.len() > longest {
            out.push(unsaid(key, &format!("can have at most {longest} characters")));
        }
    }
    out
}

/// What holds of those that come in the newer shape.
fn strict_faults(event: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    let series = &event["series"];
    if series.is_object() {
        if series["count"].as_i64().unwrap_or(0) < 2 {
            out.push(unsaid("series.count", "should be at least 2"));
        }
        if !series["lastObservedTime"].is_string() {
            out.push(required("series.lastObservedTime"));
        }
    }
    if !event["eventTime"].is_string() {
        out.push(required("eventTime"));
    }
    let kind = text(event, "type");
    if !["Normal", "Warning"].contains(&kind) {
        out.push(unsaid("type", &format!("has invalid value: {kind}")));
    }
    for (key, set) in [
        ("firstTimestamp", event["firstTimestamp"].is_string()),
        ("lastTimestamp", event["lastTimestamp"].is_string()),
        ("count", event["count"].as_i64().unwrap_or(0) != 0),
        ("source", event["source"].as_object().is_some_and(|source| !source.is_empty())),
    ] {
        if set {
            out.push(unsaid(key, "needs to be unset"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_back_from_its_newer_shape() {
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod"},
            "message": "m", "reason": "R", "source": {"component": "c"}, "firstTimestamp": null, "lastTimestamp": null, "count": 2,
            "reportingComponent": "r", "reportingInstance": "i", "eventTime": null, "type": "Normal"});
        let mut bare = event.clone();
        bare["reportingComponent"] = json!("");
        assert!(newer(&bare).get("reportingController").is_none());
        let shown = newer(&event);
        assert_eq!(shown["apiVersion"], "events.k8s.io/v1");
        assert_eq!((&shown["note"], &shown["regarding"]["kind"]), (&json!("m"), &json!("Pod")));
        assert_eq!((&shown["deprecatedCount"], &shown["message"]), (&json!(2), &Value::Null));
        assert_eq!(kept(&EVENTS_NEWER, shown), event);
        assert_eq!(kept(&EVENTS, event.clone()), event);
    }

    #[test]
    fn who_uses_the_newer_shape_is_held_to_it() {
        let fields = |resource: &Resource, event: &Value| -> Vec<String> {
            faults(resource, event).into_iter().map(|(_, field, _)| field).collect()
        };
        let mut event = json!({"metadata": {"namespace": "n"}, "involvedObject": {"namespace": "n"}, "count": 1});
        assert!(fields(&EVENTS, &event).is_empty());
        assert_eq!(fields(&EVENTS_NEWER, &event), ["eventTime", "type", "count"]);
        event["eventTime"] = json!("2026-11-20T08:00:00.000000Z");
        let missing = fields(&EVENTS, &event);
        assert!(
            missing.contains(&"reportingComponent".to_owned()) && missing.contains(&"action".to_owned()),
            "{missing:?}"
        );
        event["involvedObject"] = json!({});
        assert!(fields(&EVENTS, &event).contains(&"involvedObject.namespace".to_owned()));
    }
}
