//! Who has its quota: admitted once all checks agree, sent away when it is switched off, drained, refused or too slow.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{KEEPER, admit::Pass, checks, condition, deactivated, evict, is_active, told};
use crate::sim::{
    store::resource::WORKLOADS,
    value::{self, after, has_condition, int, name, namespace, set, stamp, text, time},
    write::{Note, Write},
};

impl Pass<'_> {
    /// Who is in stays, unless switched off, drained, or too slow.
    pub(super) fn keep(&mut self, load: &Value) {
        if has_condition(load, "Evicted") {
            return;
        }
        let hall = self.halls.queues.get(text(load, "/status/admission/clusterQueue"));
        let drained = hall.is_some_and(|h| h.stop_policy() == "HoldAndDrain");
        let local = self.local(load).is_some_and(|local| text(local, "/spec/stopPolicy") == "HoldAndDrain");
        let mut next = load.clone();
        if !is_active(load) {
            let (reason, message) = deactivated(load);
            self.send_away(&mut next, &reason, &message);
        } else if let Some(why) = checks::in_state(load, "Rejected") {
            let said = format!("Deactivated due to {why}");
            self.writes.push(Write::Tell(told(Note::warning(load, KEEPER, "AdmissionCheckRejected", said))));
            self.switch_off(&mut next, "AdmissionCheck", &why);
        } else if let Some(why) = checks::in_state(load, "Retry") {
            self.send_away(&mut next, "AdmissionCheck", &format!("Evicted due to {why}"));
        } else if drained {
            self.send_away(&mut next, "ClusterQueueStopped", "The ClusterQueue is stopped");
        } else if local {
            self.send_away(&mut next, "LocalQueueStopped", "The LocalQueue is stopped");
        } else if let Some(due) = self.due(load) {
            if due > self.now {
                return self.look_again(due);
            }
            self.too_slow(&mut next);
        } else if !has_condition(load, "Admitted") {
            self.approve(&mut next);
        }
        self.save(load, next);
    }

    /// Once all checks agree, a Workload that has its quota is admitted.
    fn approve(&mut self, next: &mut Value) {
        let verdict = checks::verdict(next);
        condition(next, verdict.kind, verdict.truth, verdict.reason, verdict.message, self.now);
        if verdict.truth {
            let since = value::condition(next, "QuotaReserved").and_then(|c| time(c, "/lastTransitionTime"));
            let waited = since.map_or(0.0, |since| value::seconds_between(since, self.now).max(0.0));
            let queue = text(next, "/status/admission/clusterQueue");
            let message = format!("Admitted by ClusterQueue {queue}, wait time since reservation was {waited:.0}s");
            let note = Note::normal(next, KEEPER, "Admitted", message);
            self.writes.push(Write::Tell(told(note)));
        }
    }

    /// A Workload that may not try again is switched off; the next pass sends it away.
    fn switch_off(&mut self, next: &mut Value, reason: &str, message: &str) {
        condition(next, "DeactivationTarget", true, reason, message, self.now);
        let mut off = next.clone();
        set(&mut off, "/spec/active", json!(false));
        self.writes.push(Write::Update(&WORKLOADS, off));
    }

    fn send_away(&mut self, next: &mut Value, reason: &str, message: &str) {
        evict(next, reason, message, self.now);
        let note = Note::normal(next, KEEPER, &format!("EvictedDueTo{reason}"), message);
        self.writes.push(Write::Tell(told(note)));
    }

    /// When an admitted Workload must have its pods ready; `None` if it has, or nobody waits for that.
    fn due(&self, load: &Value) -> Option<Timestamp> {
        let waiting = self.settings.pods_ready.as_ref().filter(|_| !has_condition(load, "PodsReady"))?;
        let since = ["Admitted", "PodsReady"].map(|kind| value::condition(load, kind));
        let since = since.into_iter().flatten().filter_map(|c| time(c, "/lastTransitionTime")).max()?;
        has_condition(load, "Admitted").then(|| after(since, waiting.timeout))
    }

    fn too_slow(&mut self, next: &mut Value) {
        let Some(waiting) = self.settings.pods_ready.clone() else { return };
        let count = int(next, "/status/requeueState/count").unwrap_or(0).saturating_add(1);
        if waiting.limit.is_some_and(|limit| count > limit) {
            let message = "exceeding the maximum number of re-queuing retries";
            return self.switch_off(next, "RequeuingLimitExceeded", message);
        }
        let wait = (waiting.base * 2f64.powi(i32::try_from(count - 1).unwrap_or(30))).min(waiting.most);
        set(next, "/status/requeueState", json!({"count": count, "requeueAt": stamp(after(self.now, wait))}));
        let message = format!("Exceeded the PodsReady timeout {}/{}", namespace(next), name(next));
        self.send_away(next, "PodsReadyTimeout", &message);
    }
}
