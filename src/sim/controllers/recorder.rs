//! Events: written once, then counted.
//!
//! Owns how each component writes them: most with a count, the scheduler with a series, as real ones do. What the first
//! kind may say is limited by [`limits`]. Must not decide what is told.

mod limits;

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::limits::Limits;
use crate::sim::{
    store::{Part, Refusal, Selector, Store, resource::EVENTS},
    value::{after, hash, micro_stamp, mix, stamp, text},
    write::Note,
};

/// How long the API server keeps an event.
const KEPT: f64 = 3600.0;
/// A series that was silent for so long is over.
const SERIES_ENDS: f64 = 360.0;
/// How often a series that goes on is written.
const SERIES_TOLD: f64 = 1800.0;

/// What was told and may be told again.
struct Told {
    space: String,
    name: String,
    count: u32,
    first: Timestamp,
    last: Timestamp,
    /// When the store was told last.
    written: Timestamp,
}

/// Writes events to the store.
#[derive(Default)]
pub(crate) struct Recorder {
    told: HashMap<u64, Told>,
    limits: Limits,
}

impl Recorder {
    /// Writes `note`, or counts it if it was said before; a component that says too much about one object is not heard.
    pub(crate) fn tell(&mut self, store: &Store, note: &Note, now: Timestamp) {
        if !note.action.is_empty() {
            return self.tell_series(store, note, now);
        }
        let (key, message) = self.limits.merged(note, now);
        let told = self.observed(key, note, now);
        told.count += 1;
        told.last = now;
        let (count, first) = (told.count, told.first);
        let (space, name) = (told.space.clone(), told.name.clone());
        if self.limits.is_spam(note, now) {
            return;
        }
        let counted = if count > 1 {
            store.modify(&EVENTS, &space, &name, Part::Main, |event| {
                event["count"] = json!(count);
                event["message"] = json!(message);
                event["lastTimestamp"] = json!(stamp(now));
            })
        } else {
            Err(Refusal::new(404, "NotFound", ""))
        };
        if counted.is_err() {
            let mut event = made(note, &space, &name, now);
            event["message"] = json!(message);
            event["count"] = json!(count);
            event["firstTimestamp"] = json!(stamp(first));
            // In a namespace that goes, nothing can be told any more.
            let _ = store.create(&EVENTS, event);
        }
    }

    /// As the newer kind of recorder: one event a pod, reason and version of the pod, whatever the message; the second
    /// time makes a series of it, whose count is written every half hour.
    fn tell_series(&mut self, store: &Store, note: &Note, now: Timestamp) {
        let (about, version) = (&note.about, text(&note.about, "/resourceVersion"));
        let key = hash(&format!("series|{}|{}|{}|{version}", text(about, "/uid"), note.kind, note.reason));
        if self.told.get(&key).is_some_and(|told| seconds(told.last, now) > SERIES_ENDS) {
            self.told.remove(&key);
        }
        let told = self.observed(key, note, now);
        told.count += 1;
        told.last = now;
        let (space, name, count) = (told.space.clone(), told.name.clone(), told.count);
        if count == 1 {
            // In a namespace that goes, nothing can be told any more.
            let _ = store.create(&EVENTS, made(note, &space, &name, now));
        } else if count == 2 || seconds(told.written, now) >= SERIES_TOLD {
            told.written = now;
            // Forgotten by the server: the next series begins anew.
            let _ = store.modify(&EVENTS, &space, &name, Part::Main, |event| {
                event["series"] = json!({"count": count, "lastObservedTime": micro_stamp(now)});
            });
        }
    }

    fn observed(&mut self, key: u64, note: &Note, now: Timestamp) -> &mut Told {
        self.told.entry(key).or_insert_with(|| {
            let about = text(&note.about, "/name");
            let space = match text(&note.about, "/namespace") {
                "" => "default",
                space => space,
            };
            let name = format!("{about}.{:016x}", mix(key ^ now.as_microsecond() as u64));
            Told { space: space.to_owned(), name, count: 0, first: now, last: now, written: now }
        })
    }

    /// Removes events that a real server would have forgotten.
    pub(crate) fn sweep(&mut self, store: &Store, now: Timestamp) {
        for event in store.list(&EVENTS, None, &Selector::default()).items {
            let last = last_seen(&event.value());
            if last.is_none_or(|at| seconds(at, now) > KEPT) {
                // Gone already is as good.
                let _ =
                    store.delete(&EVENTS, &event.namespace, &event.name, &crate::sim::store::DeleteOptions::default());
            }
        }
        self.told.retain(|_, told| now < after(told.last, KEPT));
        self.limits.sweep(now);
    }
}

fn seconds(earlier: Timestamp, later: Timestamp) -> f64 {
    crate::sim::value::seconds_between(earlier, later)
}

fn last_seen(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .into_iter()
        .map(|path| text(event, path))
        .find(|t| !t.is_empty())?
        .parse()
        .ok()
}

fn made(note: &Note, space: &str, name: &str, now: Timestamp) -> Value {
    let mut event = json!({
        "metadata": {"name": name, "namespace": space}, "involvedObject": note.about, "type": note.kind,
        "reason": note.reason, "message": note.message, "reportingComponent": note.from, "reportingInstance": note.host,
    });
    if note.action.is_empty() {
        event["eventTime"] = Value::Null;
        event["count"] = json!(1);
        event["firstTimestamp"] = json!(stamp(now));
        event["lastTimestamp"] = json!(stamp(now));
        event["source"] = json!({"component": note.from});
        if !note.host.is_empty() {
            event["source"]["host"] = json!(note.host);
        }
    } else {
        event["eventTime"] = json!(micro_stamp(now));
        event["action"] = json!(note.action);
        event["reportingInstance"] = json!(format!("{}-control-plane-1", note.from));
        event["source"] = json!({});
        event["firstTimestamp"] = Value::Null;
        event["lastTimestamp"] = Value::Null;
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Clock, store::resource};

    fn world() -> (Store, Timestamp) {
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let store = Store::new(Clock::manual(now), 1);
        resource::of_age(false).for_each(|row| store.serve(row));
        store.create(&resource::NAMESPACES, json!({"metadata": {"name": "default"}})).unwrap();
        (store, now)
    }

    fn about(version: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", "uid": "u", "resourceVersion": version}})
    }

    fn told(store: &Store) -> Vec<(String, i64)> {
        let all = store.list(&EVENTS, None, &Selector::default()).items;
        let of = |e: &Value| e["count"].as_i64().or(e["series"]["count"].as_i64()).unwrap_or(1);
        let mut out: Vec<_> = all.iter().map(|e| (text(&e.value(), "/message").to_owned(), of(&e.value()))).collect();
        out.sort();
        out
    }

    #[test]
    fn a_component_may_say_25_things_of_an_object_and_one_more_every_5_minutes() {
        let (store, now) = world();
        let mut recorder = Recorder::default();
        let note = Note::normal(&about("1"), "mpi-job-controller", "MPIJobRunning", "runs");
        for n in 0..40 {
            recorder.tell(&store, &note, after(now, f64::from(n)));
        }
        assert_eq!(told(&store), [("runs".to_owned(), 25)]);
        recorder.tell(&store, &note, after(now, 340.0));
        assert_eq!(told(&store), [("runs".to_owned(), 41)], "what was not heard is counted");
    }

    #[test]
    fn the_tenth_message_of_one_reason_stands_for_all_that_follow() {
        let (store, now) = world();
        let mut recorder = Recorder::default();
        for n in 0..12 {
            let note = Note::warning(&about("1"), "job-controller", "FailedCreate", format!("no {n}"));
            recorder.tell(&store, &note, after(now, f64::from(n)));
        }
        let all = told(&store);
        assert_eq!(all[0], ("(combined from similar events): no 11".to_owned(), 3));
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn the_scheduler_counts_by_the_version_of_a_pod() {
        let (store, now) = world();
        let mut recorder = Recorder::default();
        let mut fail = |version: &str, message: &str, at: f64| {
            let note = Note::warning(&about(version), "default-scheduler", "FailedScheduling", message);
            let note = note.in_series("Scheduling");
            recorder.tell(&store, &note, after(now, at));
            told(&store)
        };
        fail("1", "a", 0.0);
        assert_eq!(fail("2", "b", 1.0).len(), 2);
        assert_eq!(fail("2", "c", 10.0)[1], ("b".to_owned(), 2));
        assert_eq!(fail("2", "c", 20.0)[1], ("b".to_owned(), 2), "not written before half an hour has passed");
        assert_eq!(fail("2", "d", 900.0).len(), 3, "a series that was silent is over");
    }
}
