//! The flavor of each resource of each pod set, or why there is none, in the flavor assigner's words.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::quota::{Cell, Group, Hall, Halls};
use crate::sim::{
    amounts::{self, Amounts, written},
    value::{int, list, text},
};

/// How well something fits, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Not at all.
    NoFit,
    /// If others go.
    Preempt,
    /// Now.
    Fit,
}

/// What was found for a Workload.
pub(super) struct Assignment {
    pub(super) mode: Mode,
    /// Why not, by pod set.
    pub(super) message: String,
    /// The condition's word for it.
    pub(super) reason: &'static str,
    /// `status.admission.podSetAssignments`.
    pub(super) sets: Vec<Value>,
    /// What it would use in all.
    pub(super) wanted: Vec<(Cell, i64)>,
}

struct Tried {
    mode: Mode,
    borrows: bool,
    reason: &'static str,
    said: Vec<String>,
}

/// Finds flavors for all pod sets of `load` in `hall`.
pub(super) fn assign(halls: &Halls, hall: &Hall, load: &Value) -> Assignment {
    let mut out =
        Assignment { mode: Mode::Fit, message: String::new(), reason: "", sets: Vec::new(), wanted: Vec::new() };
    let mut assumed: BTreeMap<Cell, i64> = BTreeMap::new();
    let mut messages = Vec::new();
    for pod_set in list(load, "/spec/podSets") {
        let asked = asked(hall, pod_set);
        let mut flavors: BTreeMap<String, String> = BTreeMap::new();
        let mut said = Vec::new();
        for resource in asked.keys() {
            if flavors.contains_key(resource) {
                continue;
            }
            let Some(group) = hall.groups.iter().find(|g| g.covered.contains(resource)) else {
                said.push(format!("resource {resource} unavailable in ClusterQueue"));
                worse(&mut out, Mode::NoFit, "NoMatchingFlavor");
                break;
            };
            let (flavor, tried) = best(halls, hall, group, pod_set, &asked, &assumed);
            if tried.mode != Mode::Fit {
                said.extend(tried.said);
            }
            let none = tried.mode == Mode::NoFit;
            worse(&mut out, tried.mode, tried.reason);
            if let Some(flavor) = flavor {
                for resource in asked.keys().filter(|r| group.covered.contains(r)) {
                    flavors.insert(resource.clone(), flavor.clone());
                }
            }
            if none {
                break;
            }
        }
        if !said.is_empty() {
            said.sort();
            messages.push(format!(
                "couldn't assign flavors to pod set {}: {}",
                text(pod_set, "/name"),
                said.join(", ")
            ));
        }
        for (resource, flavor) in &flavors {
            let n = asked.get(resource).copied().unwrap_or(0);
            *assumed.entry((flavor.clone(), resource.clone())).or_default() += n;
        }
        out.sets.push(written_set(pod_set, &asked, &flavors));
    }
    out.message = messages.join("; ");
    out.wanted = assumed.into_iter().collect();
    out
}

fn worse(out: &mut Assignment, mode: Mode, reason: &'static str) {
    if mode < out.mode || (mode == out.mode && out.reason.is_empty()) {
        out.mode = mode;
        out.reason = reason;
    }
}

/// What all pods of a set ask for; pods themselves only where the queue counts them.
fn asked(hall: &Hall, pod_set: &Value) -> Amounts {
    let count = int(pod_set, "/count").unwrap_or(1);
    let mut all: Amounts =
        amounts::of_spec(&pod_set["template"]["spec"]).into_iter().map(|(k, n)| (k, n * count)).collect();
    all.retain(|_, n| *n > 0);
    if hall.groups.iter().any(|g| g.covered.iter().any(|r| r == "pods")) {
        all.insert("pods".to_owned(), count);
    }
    all
}

fn written_set(pod_set: &Value, asked: &Amounts, flavors: &BTreeMap<String, String>) -> Value {
    let usage: Map<_, _> = flavors
        .keys()
        .filter_map(|resource| Some((resource.clone(), json!(written(resource, *asked.get(resource)?)))))
        .collect();
    json!({"name": pod_set["name"], "count": pod_set["count"], "flavors": flavors, "resourceUsage": usage})
}

/// The first flavor that fits without more ado, else the best of all.
fn best(
    halls: &Halls,
    hall: &Hall,
    group: &Group,
    pod_set: &Value,
    asked: &Amounts,
    assumed: &BTreeMap<Cell, i64>,
) -> (Option<String>, Tried) {
    let fungible = |field: &str| text(&hall.object, &format!("/spec/flavorFungibility/{field}"));
    let borrow_on = fungible("whenCanBorrow") == "TryNextFlavor";
    let preempt_here = matches!(fungible("whenCanPreempt"), "Preempt" | "MayStopSearch");
    let mut found: Option<(String, Tried)> = None;
    let mut said = Vec::new();
    for flavor in &group.flavors {
        let mut tried = one(halls, hall, group, flavor, pod_set, asked, assumed);
        said.append(&mut tried.said);
        let good =
            (tried.mode == Mode::Fit && !(tried.borrows && borrow_on)) || (tried.mode == Mode::Preempt && preempt_here);
        let rank = |t: &Tried| (t.mode, !t.borrows, t.reason == "WaitingForQuota");
        if found.as_ref().is_none_or(|(_, old)| rank(&tried) > rank(old)) {
            found = Some((flavor.clone(), tried));
        }
        if good {
            break;
        }
    }
    match found {
        Some((flavor, tried)) if tried.mode == Mode::NoFit => (None, Tried { said, ..tried }).also(&flavor),
        Some((flavor, tried)) => (Some(flavor), Tried { said, ..tried }),
        None => (None, Tried { mode: Mode::NoFit, borrows: false, reason: "NoMatchingFlavor", said }),
    }
}

trait Also {
    fn also(self, flavor: &str) -> Self;
}

impl Also for (Option<String>, Tried) {
    /// A flavor that is only too full is still the one that later pod sets are counted against.
    fn also(mut self, flavor: &str) -> Self {
        if self.1.reason == "WaitingForQuota" {
            self.0 = Some(flavor.to_owned());
        }
        self
    }
}

fn one(
    halls: &Halls,
    hall: &Hall,
    group: &Group,
    flavor: &str,
    pod_set: &Value,
    asked: &Amounts,
    assumed: &BTreeMap<Cell, i64>,
) -> Tried {
    let mut out = Tried { mode: Mode::Fit, borrows: false, reason: "", said: Vec::new() };
    if let Some(why) = mismatch(halls, flavor, pod_set) {
        return Tried { mode: Mode::NoFit, reason: "NoMatchingFlavor", said: vec![why], ..out };
    }
    for (resource, n) in asked.iter().filter(|(resource, _)| group.covered.contains(resource)) {
        let cell = (flavor.to_owned(), resource.clone());
        let before = assumed.get(&cell).copied().unwrap_or(0);
        let (total, most, free) = (before + n, halls.potential(hall, &cell), halls.available(hall, &cell));
        let nominal = hall.quotas.get(&cell).map_or(0, |q| q.nominal);
        out.borrows |= hall.used(&cell) + total > nominal;
        if total > most {
            out.said.push(format!(
                "insufficient quota for {resource} in flavor {flavor}, previously considered podsets requests ({}) + current podset request ({}) > maximum capacity ({})",
                written(resource, before), written(resource, *n), written(resource, most)
            ));
            (out.mode, out.reason) = (Mode::NoFit, "ExceedsMaxQuota");
        } else if total > free {
            let more = written(resource, total - free);
            out.said.push(format!("insufficient unused quota for {resource} in flavor {flavor}, {more} more needed"));
            if out.mode > Mode::Preempt || out.reason.is_empty() {
                out.mode = if total <= nominal { Mode::Preempt } else { Mode::NoFit };
                out.reason = "WaitingForQuota";
            }
        }
    }
    out
}

/// Why pods may not go to nodes of a flavor.
fn mismatch(halls: &Halls, flavor: &str, pod_set: &Value) -> Option<String> {
    let Some(object) = halls.flavors.get(flavor) else { return Some(format!("flavor {flavor} not found")) };
    let spec = &pod_set["template"]["spec"];
    let tolerations: Vec<&Value> = list(spec, "/tolerations").iter().chain(list(object, "/spec/tolerations")).collect();
    for taint in list(object, "/spec/nodeTaints").iter().filter(|t| text(t, "/effect") != "PreferNoSchedule") {
        let fits = |t: &&&Value| {
            (text(t, "/key").is_empty() || text(t, "/key") == text(taint, "/key"))
                && (text(t, "/effect").is_empty() || text(t, "/effect") == text(taint, "/effect"))
                && (text(t, "/operator") == "Exists" || text(t, "/value") == text(taint, "/value"))
        };
        if !tolerations.iter().any(|t| fits(&t)) {
            let parts = ["/key", "/value", "/effect"].map(|path| text(taint, path));
            return Some(format!(
                "untolerated taint {{{} {} {} <nil>}} in flavor {flavor}",
                parts[0], parts[1], parts[2]
            ));
        }
    }
    let labels = object.pointer("/spec/nodeLabels").and_then(Value::as_object);
    let other = |(key, wanted): (&String, &Value)| labels.and_then(|l| l.get(key)).is_some_and(|is| is != wanted);
    let selector = spec.get("nodeSelector").and_then(Value::as_object);
    selector.into_iter().flatten().any(other).then(|| format!("flavor {flavor} doesn't match node affinity"))
}
