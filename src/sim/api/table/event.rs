//! An event's row, which has no age of its own.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::age;
use super::column::{Column, NAME, text, wide};

pub(super) static COLUMNS: &[Column] = &[
    text("Last Seen", |e, now| json!(last_seen(e, now))),
    text("Type", |e, _| e["type"].clone()),
    text("Reason", |e, _| e["reason"].clone()),
    text("Object", |e, _| {
        let about = &e["involvedObject"];
        json!(format!("{}/{}", said(&about["kind"]).to_lowercase(), said(&about["name"])))
    }),
    wide("Subobject", |e, _| json!(said(&e["involvedObject"]["fieldPath"]))),
    wide("Source", |e, _| json!(source(e))),
    text("Message", |e, _| json!(said(&e["message"]).trim())),
    wide("First Seen", |e, now| json!(first_seen(e, now))),
    wide("Count", |e, _| json!(e["series"]["count"].as_i64().or(e["count"].as_i64()).filter(|n| *n > 0).unwrap_or(1))),
    wide(NAME, |e, _| e["metadata"]["name"].clone()),
];

fn said(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn first_seen(e: &Value, now: Timestamp) -> String {
    let at = if e["firstTimestamp"].is_string() { &e["firstTimestamp"] } else { &e["eventTime"] };
    age(at, now)
}

fn last_seen(e: &Value, now: Timestamp) -> String {
    let last = [&e["series"]["lastObservedTime"], &e["lastTimestamp"]].into_iter().find(|at| at.is_string());
    last.map_or_else(|| first_seen(e, now), |at| age(at, now))
}

/// Who told it, and where.
fn source(e: &Value) -> String {
    let or = |first: &Value, second: &Value| said(if said(first).is_empty() { second } else { first }).to_owned();
    let component = or(&e["source"]["component"], &e["reportingComponent"]);
    let instance = or(&e["source"]["host"], &e["reportingInstance"]);
    if instance.is_empty() { component } else { format!("{component}, {instance}") }
}
