//! Admission checks: others who must agree before a Workload that has its quota may start.
//!
//! Who answers is not known here: answers are read off the Workload.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    value::{has_condition, list, name, set, stamp, text},
    write::Cond,
};

/// All `AdmissionCheck`s: whether they are active.
pub(super) struct Checks(BTreeMap<String, bool>);

impl Checks {
    pub(super) fn new<'a>(objects: impl Iterator<Item = &'a Value>) -> Self {
        Self(objects.map(|check| (name(check).to_owned(), has_condition(check, "Active"))).collect())
    }

    /// Of what a queue names, those that nobody made, and those that are not active.
    pub(super) fn wanting(&self, queue: &Value) -> [Vec<String>; 2] {
        let mut out = [Vec::new(), Vec::new()];
        for (check, _) in named(queue) {
            match self.0.get(check) {
                None => out[0].push(check.to_owned()),
                Some(false) => out[1].push(check.to_owned()),
                Some(true) => {}
            }
        }
        for names in &mut out {
            names.sort();
        }
        out
    }
}

/// The checks that a queue names, and for which flavors; for none: for all.
fn named(queue: &Value) -> impl Iterator<Item = (&str, &[Value])> {
    let rules = list(queue, "/spec/admissionChecksStrategy/admissionChecks");
    // v1beta1 may have them as plain names.
    let plain = list(queue, "/spec/admissionChecks").iter().filter_map(Value::as_str);
    rules.iter().map(|rule| (text(rule, "/name"), list(rule, "/onFlavors"))).chain(plain.map(|name| (name, &[][..])))
}

/// Brings the checks of a Workload in line with what its queue wants; whether anything changed.
pub(super) fn follow(load: &mut Value, queue: &Value, now: Timestamp) -> bool {
    let sets = list(load, "/status/admission/podSetAssignments");
    let assigned: Vec<&Value> = sets.iter().filter_map(|s| s["flavors"].as_object()).flat_map(|f| f.values()).collect();
    let admitted = load["status"]["admission"].is_object();
    let all: Vec<&Value> = list(queue, "/spec/resourceGroups").iter().flat_map(|g| list(g, "/flavors")).collect();
    // Before flavors are known only what holds for all of them is.
    let wanted = |flavors: &[Value]| match (flavors.is_empty(), admitted) {
        (true, _) => true,
        (false, true) => assigned.iter().any(|flavor| flavors.contains(flavor)),
        (false, false) => all.iter().all(|flavor| flavors.contains(&flavor["name"])),
    };
    let names: Vec<&str> = named(queue).filter(|(_, flavors)| wanted(flavors)).map(|(name, _)| name).collect();
    let old = list(load, "/status/admissionChecks");
    let mut next: Vec<Value> = old.iter().filter(|c| names.contains(&text(c, "/name"))).cloned().collect();
    for name in names {
        if !next.iter().any(|c| text(c, "/name") == name) {
            next.push(json!({"name": name, "state": "Pending", "message": "", "lastTransitionTime": stamp(now)}));
        }
    }
    next.sort_by_key(|c| text(c, "/name").to_owned());
    let changed = next != old;
    if changed && next.is_empty() {
        if let Some(status) = load["status"].as_object_mut() {
            status.remove("admissionChecks");
        }
    } else if changed {
        set(load, "/status/admissionChecks", Value::Array(next));
    }
    changed
}

/// Whether all who are asked have agreed.
pub(super) fn are_ready(load: &Value) -> bool {
    list(load, "/status/admissionChecks").iter().all(|c| text(c, "/state") == "Ready")
}

/// Who says `state`, in one sentence; `None`: nobody.
pub(super) fn in_state(load: &Value, state: &str) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for check in list(load, "/status/admissionChecks").iter().filter(|c| text(c, "/state") == state) {
        let (name, message) = (text(check, "/name"), text(check, "/message"));
        said.push(if message.is_empty() { format!("{name:?}") } else { format!("{name:?} ({message})") });
    }
    said.sort();
    let noun = if said.len() > 1 { "AdmissionChecks" } else { "AdmissionCheck" };
    (!said.is_empty()).then(|| format!("{noun} in {state} state: {}", said.join("; ")))
}

/// All are asked anew once a Workload has lost its quota.
pub(super) fn reset(load: &mut Value, now: Timestamp) {
    let mut all = list(load, "/status/admissionChecks").to_vec();
    for check in &mut all {
        let before = text(check, "/state").to_owned();
        if before == "Pending" {
            continue;
        }
        if before == "Retry" {
            let count = check["retryCount"].as_i64().unwrap_or(0).saturating_add(1);
            check["retryCount"] = json!(count);
        }
        check["state"] = json!("Pending");
        check["message"] = json!(format!("Reset to Pending after eviction. Previously: {before}"));
        check["lastTransitionTime"] = json!(stamp(now));
    }
    if !all.is_empty() {
        set(load, "/status/admissionChecks", Value::Array(all));
    }
}

/// What is said of a Workload that has its quota.
pub(super) fn verdict(load: &Value) -> Cond<'static> {
    let kind = "Admitted";
    if are_ready(load) {
        return Cond { kind, truth: true, reason: "Admitted", message: "The workload is admitted" };
    }
    let message = "The workload has not all checks ready";
    Cond { kind, truth: false, reason: "UnsatisfiedAdmissionChecks", message }
}
