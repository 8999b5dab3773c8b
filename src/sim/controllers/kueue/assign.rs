//! The flavor of each resource of each pod set, or why there is none, in the flavor assigner's words.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    fair,
    preempt::{self, Asker, Seat, Victim},
    quota::{Group, Hall, Halls},
    settings::Rule,
    tree::Cell,
};
use crate::sim::{
    amounts::{self, Amounts, written},
    value::{int, list, text},
};

/// How well something fits, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Not at all.
    NoFit,
    /// If others went, but there is nobody who may be sent away.
    NoCandidates,
    /// If others of its own queue go.
    Preempt,
    /// If others give back what they borrowed.
    Reclaim,
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
    /// Of what there is too little as long as nobody goes.
    pub(super) short: Vec<Cell>,
    /// How far up it borrows: 0 is not at all.
    pub(super) borrows: usize,
    /// Flavors that did not fit, or only by borrowing, by pod set.
    pub(super) considered: String,
}

/// Who asks, and who may be asked to go.
pub(super) struct Ask<'s, 'a> {
    pub(super) queue: &'s str,
    pub(super) load: &'s Value,
    pub(super) seats: &'s [Seat<'a>],
    /// How queues share, if they share fairly.
    pub(super) rules: Option<&'s [Rule]>,
}

impl<'s, 'a> Ask<'s, 'a> {
    /// Who must go so that all of `wanted` fits.
    pub(super) fn victims(&self, halls: &mut Halls, short: &[Cell], wanted: &[(Cell, i64)]) -> Vec<Victim<'s, 'a>> {
        let asker = Asker { queue: self.queue, load: self.load, short, wanted };
        match self.rules {
            Some(rules) => fair::victims(halls, &asker, self.seats, rules),
            None => preempt::victims(halls, &asker, self.seats),
        }
    }
}

/// A flavor that was tried for a pod set.
struct Tried {
    mode: Mode,
    borrows: usize,
    reason: &'static str,
    said: Vec<String>,
    short: Vec<Cell>,
}

/// Finds flavors for all pod sets of a Workload in its queue.
pub(super) fn assign(halls: &mut Halls, ask: &Ask<'_, '_>) -> Assignment {
    let mut out = Assignment {
        mode: Mode::Fit,
        message: String::new(),
        reason: "",
        sets: Vec::new(),
        wanted: Vec::new(),
        short: Vec::new(),
        borrows: 0,
        considered: String::new(),
    };
    let mut assumed: BTreeMap<Cell, i64> = BTreeMap::new();
    let (mut messages, mut considered) = (Vec::new(), Vec::new());
    for pod_set in list(ask.load, "/spec/podSets") {
        let Some(hall) = halls.queues.get(ask.queue) else { break };
        let asked = asked(hall, pod_set);
        let groups = hall.groups.clone();
        let mut flavors: BTreeMap<String, String> = BTreeMap::new();
        let (mut said, mut attempts) = (Vec::new(), BTreeMap::new());
        for resource in asked.keys() {
            if flavors.contains_key(resource) {
                continue;
            }
            let Some(group) = groups.iter().find(|g| g.covered.contains(resource)) else {
                said.push(format!("resource {resource} unavailable in ClusterQueue"));
                worse(&mut out, Mode::NoFit, "NoMatchingFlavor");
                break;
            };
            let mut try_one = Try { halls, ask, group, pod_set, asked: &asked, assumed: &assumed };
            let (flavor, tried) = try_one.best(&mut attempts);
            if tried.mode != Mode::Fit {
                said.extend(tried.said);
            }
            let none = tried.mode == Mode::NoFit;
            worse(&mut out, tried.mode, tried.reason);
            out.borrows = out.borrows.max(tried.borrows);
            out.short.extend(tried.short);
            if let Some(flavor) = flavor {
                for resource in asked.keys().filter(|r| group.covered.contains(r)) {
                    flavors.insert(resource.clone(), flavor.clone());
                }
            }
            if none {
                break;
            }
        }
        let name = text(pod_set, "/name");
        if !said.is_empty() {
            said.sort();
            messages.push(format!("couldn't assign flavors to pod set {name}: {}", said.join(", ")));
        }
        if !attempts.is_empty() {
            let attempts: Vec<String> = attempts.into_values().collect();
            considered.push(format!("{name}: {}", attempts.join(", ")));
        }
        for (resource, flavor) in &flavors {
            let n = asked.get(resource).copied().unwrap_or(0);
            let total = assumed.entry((flavor.clone(), resource.clone())).or_default();
            *total = total.saturating_add(n);
        }
        out.sets.push(written_set(pod_set, &asked, &flavors));
    }
    out.message = messages.join("; ");
    out.considered = considered.join(" | ");
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
        amounts::of_spec(&pod_set["template"]["spec"]).into_iter().map(|(k, n)| (k, n.saturating_mul(count))).collect();
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

/// A flavor of one group for one pod set.
struct Try<'t, 's, 'a> {
    halls: &'t mut Halls,
    ask: &'t Ask<'s, 'a>,
    group: &'t Group,
    pod_set: &'t Value,
    asked: &'t Amounts,
    assumed: &'t BTreeMap<Cell, i64>,
}

impl Try<'_, '_, '_> {
    /// The first flavor that the queue's rules are content with, else the best of all; `attempts` by flavor.
    fn best(&mut self, attempts: &mut BTreeMap<String, String>) -> (Option<String>, Tried) {
        let rule = |halls: &Halls, field: &str| {
            let hall = halls.queues.get(self.ask.queue);
            hall.map_or("", |hall| text(&hall.object, &format!("/spec/flavorFungibility/{field}"))).to_owned()
        };
        let borrow_on = rule(self.halls, "whenCanBorrow") == "TryNextFlavor";
        let preempt_here = matches!(rule(self.halls, "whenCanPreempt").as_str(), "Preempt" | "MayStopSearch");
        let near = rule(self.halls, "preference") == "PreemptionOverBorrowing";
        let mut found: Option<(String, Tried)> = None;
        let mut said = Vec::new();
        for flavor in &self.group.flavors {
            let mut tried = self.one(flavor);
            if tried.mode != Mode::Fit || tried.borrows > 0 {
                attempts.insert(flavor.clone(), attempt(flavor, &tried));
            }
            said.append(&mut tried.said);
            let content = match tried.mode {
                Mode::NoFit | Mode::NoCandidates => false,
                Mode::Preempt | Mode::Reclaim => preempt_here && (tried.borrows == 0 || !borrow_on),
                Mode::Fit => tried.borrows == 0 || !borrow_on,
            };
            // Who can't be let in whoever goes is worse than all others, then the rule decides.
            let rank = |t: &Tried| {
                let (fits, at_home) = (t.mode, std::cmp::Reverse(t.borrows));
                let first = if near { (None, Some(at_home), Some(fits)) } else { (Some(fits), Some(at_home), None) };
                (t.mode.min(Mode::Preempt), first, t.reason == "WaitingForQuota")
            };
            if found.as_ref().is_none_or(|(_, old)| rank(&tried) > rank(old)) {
                found = Some((flavor.clone(), tried));
            }
            if content {
                break;
            }
        }
        match found {
            // A flavor that is only too full is still the one that later pod sets are counted against.
            Some((flavor, tried)) if tried.mode == Mode::NoFit => {
                ((tried.reason == "WaitingForQuota").then_some(flavor), Tried { said, ..tried })
            }
            Some((flavor, tried)) => (Some(flavor), Tried { said, ..tried }),
            None => {
                let none = Tried { mode: Mode::NoFit, borrows: 0, reason: "NoMatchingFlavor", said, short: Vec::new() };
                (None, none)
            }
        }
    }

    fn one(&mut self, flavor: &str) -> Tried {
        let mut out = Tried { mode: Mode::Fit, borrows: 0, reason: "", said: Vec::new(), short: Vec::new() };
        if let Some(why) = mismatch(self.halls, flavor, self.pod_set) {
            return Tried { mode: Mode::NoFit, reason: "NoMatchingFlavor", said: vec![why], ..out };
        }
        for (resource, n) in self.asked.iter().filter(|(resource, _)| self.group.covered.contains(resource)) {
            let cell = (flavor.to_owned(), resource.clone());
            let before = self.assumed.get(&cell).copied().unwrap_or(0);
            let (mode, borrows) = self.cell(&cell, before, *n, &mut out);
            out.borrows = out.borrows.max(borrows);
            if mode < Mode::Fit {
                out.short.push(cell);
            }
            out.mode = out.mode.min(mode);
        }
        out
    }

    /// How `n` more of a cell fit after what earlier pod sets take.
    fn cell(&mut self, cell: &Cell, before: i64, n: i64, out: &mut Tried) -> (Mode, usize) {
        let Some(hall) = self.halls.queues.get(self.ask.queue) else { return (Mode::NoFit, 0) };
        let (flavor, resource) = (&cell.0, &cell.1);
        let total = before.saturating_add(n);
        let (most, free) = (self.halls.tree.potential(&hall.node, cell), self.halls.available(hall, cell));
        if total > most {
            let [before, n, most] = [before, n, most].map(|n| written(resource, n));
            out.said.push(format!(
                "insufficient quota for {resource} in flavor {flavor}, previously considered podsets requests ({before}) + current podset request ({n}) > maximum capacity ({most})"
            ));
            out.reason = "ExceedsMaxQuota";
            return (Mode::NoFit, 0);
        }
        let (height, below_top) = self.halls.tree.reach(&hall.node, cell, total);
        if total <= free {
            return (Mode::Fit, height);
        }
        let more = written(resource, total.saturating_sub(free));
        out.said.push(format!("insufficient unused quota for {resource} in flavor {flavor}, {more} more needed"));
        if out.reason.is_empty() {
            out.reason = "WaitingForQuota";
        }
        let reclaims = self.ask.rules.is_some() && hall.preemption("reclaimWithinCohort") != "Never";
        let borrows = !matches!(hall.preemption("borrowWithinCohort/policy"), "Never");
        if total > hall.quota(cell).nominal && !below_top && !reclaims && !borrows {
            return (Mode::NoFit, height);
        }
        self.simulated(cell, total)
    }

    /// Who would have to go for this cell alone.
    fn simulated(&mut self, cell: &Cell, total: i64) -> (Mode, usize) {
        let gone = self.ask.victims(self.halls, std::slice::from_ref(cell), &[(cell.clone(), total)]);
        for victim in &gone {
            self.halls.take(victim.seat.queue, &victim.seat.usage, -1);
        }
        let hall = self.halls.queues.get(self.ask.queue);
        let height = hall.map_or(0, |hall| self.halls.tree.reach(&hall.node, cell, total).0);
        preempt::restore(self.halls, &gone);
        let mode = match gone.iter().any(|victim| victim.seat.queue == self.ask.queue) {
            _ if gone.is_empty() => Mode::NoCandidates,
            true => Mode::Preempt,
            false => Mode::Reclaim,
        };
        (mode, height)
    }
}

/// A flavor that was tried, as an Event tells it.
fn attempt(flavor: &str, tried: &Tried) -> String {
    let how = match tried.mode {
        Mode::NoFit => "NoFit",
        Mode::NoCandidates => "preemptionMode=NoCandidates",
        Mode::Preempt => "preemptionMode=Preempt",
        Mode::Reclaim => "preemptionMode=Reclaim",
        Mode::Fit => "Fit",
    };
    let mut said = tried.said.clone();
    said.sort();
    said.dedup();
    let borrow = (tried.borrows > 0).then(|| format!("borrow={}", tried.borrows));
    let parts: Vec<String> = [how.to_owned()].into_iter().chain(borrow).chain(said).collect();
    format!("{flavor}({})", parts.join(";"))
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
