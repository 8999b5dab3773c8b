//! Events: written once, then counted.
//!
//! Owns how each component writes them: most with a count, the scheduler with a series, as real ones do.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    value::{hash, int, micro_stamp, mix, stamp, text},
    write::Note,
};
use crate::sim::store::{Part, Selector, Store, resource::EVENTS};

/// How long the API server keeps an event.
const KEPT: f64 = 3600.0;

/// Writes events to the store.
#[derive(Default)]
pub(crate) struct Recorder {
    names: HashMap<u64, (String, String)>,
}

impl Recorder {
    /// Writes `note`, or counts it if it was said before.
    pub(crate) fn tell(&mut self, store: &Store, note: &Note, now: Timestamp) {
        let about = &note.about;
        let space = match text(about, "/namespace") {
            "" => "default",
            space => space,
        };
        let same = format!("{}|{}|{}|{}|{}", text(about, "/uid"), note.kind, note.reason, note.from, note.message);
        let key = hash(&same);
        if let Some((space, name)) = self.names.get(&key) {
            let counted = store.modify(&EVENTS, space, name, Part::Main, |event| count(event, now));
            if counted.is_ok() {
                return;
            }
        }
        let name = format!("{}.{:016x}", text(about, "/name"), mix(key ^ now.as_microsecond() as u64));
        let event = made(note, space, &name, now);
        if store.create(&EVENTS, event).is_ok() {
            self.names.insert(key, (space.to_owned(), name));
        }
    }

    /// Removes events that a real server would have forgotten.
    pub(crate) fn sweep(&mut self, store: &Store, now: Timestamp) {
        for event in store.list(&EVENTS, None, &Selector::default()).items {
            let last = last_seen(&event.value());
            if last.is_none_or(|at| now.duration_since(at).as_secs_f64() > KEPT) {
                // Gone already is as good.
                let _ =
                    store.delete(&EVENTS, &event.namespace, &event.name, &crate::sim::store::DeleteOptions::default());
            }
        }
        self.names.retain(|_, (space, name)| store.get(&EVENTS, space, name).is_ok());
    }
}

fn last_seen(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .into_iter()
        .map(|path| text(event, path))
        .find(|t| !t.is_empty())?
        .parse()
        .ok()
}

fn count(event: &mut Value, now: Timestamp) {
    if text(event, "/eventTime").is_empty() {
        event["count"] = json!(int(event, "/count").unwrap_or(1) + 1);
        event["lastTimestamp"] = json!(stamp(now));
    } else {
        let count = int(event, "/series/count").unwrap_or(1) + 1;
        event["series"] = json!({"count": count, "lastObservedTime": micro_stamp(now)});
    }
}

fn made(note: &Note, space: &str, name: &str, now: Timestamp) -> Value {
    let mut event = json!({
        "metadata": {"name": name, "namespace": space}, "involvedObject": note.about, "type": note.kind,
        "reason": note.reason, "message": note.message, "reportingComponent": note.from, "reportingInstance": note.host,
    });
    if note.from == "default-scheduler" {
        event["eventTime"] = json!(micro_stamp(now));
        event["action"] = json!(if note.kind == "Normal" { "Binding" } else { "Scheduling" });
        event["reportingInstance"] = json!("default-scheduler-control-plane-1");
        event["source"] = json!({});
        event["firstTimestamp"] = Value::Null;
        event["lastTimestamp"] = Value::Null;
    } else {
        event["eventTime"] = Value::Null;
        event["count"] = json!(1);
        event["firstTimestamp"] = json!(stamp(now));
        event["lastTimestamp"] = json!(stamp(now));
        event["source"] = json!({"component": note.from});
        if !note.host.is_empty() {
            event["source"]["host"] = json!(note.host);
        }
    }
    event
}
