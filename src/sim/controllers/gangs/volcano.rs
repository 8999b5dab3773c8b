//! Volcano: phases `Pending`, `Inqueue`, `Running`, `Completed`, `Unknown`; conditions `Unschedulable` and `Scheduled`.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use super::{Outcome, Refused, Seen, Trial, count, least};
use crate::sim::{
    amounts::amount,
    controllers::scheduler::node_of,
    store::resource::PODGROUPS,
    value::{
        condition, has_condition, hash, is_deleting, is_over, mix, name, namespace, phase, seconds_between, set, stamp,
        text, time, uid,
    },
    write::{Note, Write},
};

const FROM: &str = "volcano";
/// Seconds between two sessions of the scheduler.
const SESSION: f64 = 1.0;
/// Seconds after which a status is written though only its times changed.
const REWRITTEN: f64 = 60.0;
/// How much more than the cluster has may be let into the queue.
const OVERCOMMIT: f64 = 1.2;

pub(super) fn look(seen: &Seen<'_>, trial: &Trial) -> Outcome {
    let mut out = Outcome::default();
    let ready = trial.is_enough(seen.group);
    let queued = matches!(text(seen.group, "/status/phase"), "" | "Pending");
    let enters = !queued || fits_queue(seen);
    let mut next = seen.group.clone();
    if ready && enters {
        out.bound.clone_from(&trial.fits);
        if !has_condition(seen.group, "Scheduled")
            || has_condition(seen.group, "Unschedulable") && !trial.fits.is_empty()
        {
            out.writes.push(Write::Tell(Note::normal(seen.group, FROM, "Scheduled", "pod group is ready")));
        }
        told(&mut next, seen, "Scheduled", "tasks in gang are ready to be scheduled", "");
    } else if !trial.waiting.is_empty() || trial.settled > 0 || seen.pods.is_empty() {
        let undetermined = if enters { 0 } else { trial.waiting.len() };
        let why = why(seen, trial, undetermined);
        let missing = least(seen.group) - (trial.settled + if enters { trial.fits.len() } else { 0 }) as i64;
        let message = format!("{missing}/{} tasks in gang unschedulable: {why}", seen.pods.len());
        let event = format!("{}/{} tasks in gang unschedulable: {why}", trial.waiting.len(), seen.pods.len());
        out.writes.push(Write::Tell(Note::warning(seen.group, FROM, "Unschedulable", event)));
        told(&mut next, seen, "Unschedulable", "NotEnoughResources", &message);
        out.refused = refused(trial, enters, &message);
        out.again = Some(SESSION);
    }
    set(&mut next, "/status/phase", json!(phase_of(seen, &out, ready, enters)));
    for (field, wanted) in [("running", "Running"), ("succeeded", "Succeeded"), ("failed", "Failed")] {
        match count(seen.pods, wanted) {
            0 => drop(next["status"].as_object_mut().and_then(|s| s.remove(field))),
            n => next["status"][field] = json!(n),
        }
    }
    if next["status"] != seen.group["status"] {
        out.writes.push(Write::Status(&PODGROUPS, next));
    }
    out
}

/// Whether all that the group asks for at least might find room some time soon: with a fifth more than there is.
fn fits_queue(seen: &Seen<'_>) -> bool {
    let asked = seen.group.pointer("/spec/minResources").and_then(Value::as_object);
    asked.into_iter().flatten().all(|(resource, asked)| {
        let bare = resource.strip_prefix("requests.").unwrap_or(resource);
        let total = |room: &crate::sim::controllers::scheduler::Room| {
            let all = room.node.pointer("/status/allocatable").and_then(|all| all.get(bare));
            all.map_or(0, |all| amount(bare, all))
        };
        let free: i64 = seen.rooms.values().map(|room| room.free.get(bare).copied().unwrap_or(0)).sum();
        let all: i64 = seen.rooms.values().map(total).sum();
        let room = free as f64 + all as f64 * (OVERCOMMIT - 1.0);
        amount(bare, asked) as f64 <= room
    })
}

/// The states of the group's tasks, counted.
fn why(seen: &Seen<'_>, trial: &Trial, undetermined: usize) -> String {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in seen.pods {
        let state = match phase(pod) {
            _ if is_deleting(pod) => "Releasing",
            "Pending" if node_of(pod).is_empty() => "Pending",
            "Pending" => "Bound",
            other => other,
        };
        *states.entry(state).or_default() += 1;
    }
    let mut told: Vec<String> = states.iter().map(|(state, n)| format!("{n} {state}")).collect();
    told.push(format!("{} minAvailable", least(seen.group)));
    told.sort();
    let mut out = format!("pod group is not ready, {}", told.join(", "));
    let schedulable = if undetermined > 0 { 0 } else { trial.fits.len() };
    let hopeless = trial.waiting.len() - schedulable - undetermined;
    let mut pending: Vec<String> =
        [(schedulable, "Schedulable"), (undetermined, "Undetermined"), (hopeless, "Unschedulable")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{n} {word}"))
            .collect();
    pending.sort();
    if !pending.is_empty() {
        let _ = write!(out, "; Pending: {}", pending.join(", "));
    }
    out
}

/// What its pods are told: those that fit, the first that does not, and those that were not tried.
fn refused(trial: &Trial, tried: bool, message: &str) -> Vec<Refused> {
    let of = |pod: &std::sync::Arc<Value>| -> (&'static str, String) {
        if let Some((_, node)) = trial.fits.iter().find(|(fit, _)| tried && uid(fit) == uid(pod)) {
            let pod = format!("{}/{}", namespace(pod), name(pod));
            // The word is spelt so there.
            return (
                "Schedulable",
                format!("Pod {pod} can possibly be assgined to {node}, once minAvailable is satisfied"),
            );
        }
        match &trial.fails {
            Some((first, why)) if tried && uid(first) == uid(pod) => ("Unschedulable", of_nodes(why)),
            _ => ("Unschedulable", message.to_owned()),
        }
    };
    trial
        .waiting
        .iter()
        .map(|pod| (pod, of(pod)))
        .map(|(pod, (reason, message))| Refused { pod: pod.clone(), reason, message })
        .collect()
}

/// As Volcano says it: without a word of preemption.
fn of_nodes(why: &str) -> String {
    let first = why.split(". ").next().unwrap_or(why);
    format!("{}.", first.replace("nodes are available", "nodes are unavailable"))
}

fn phase_of(seen: &Seen<'_>, out: &Outcome, ready: bool, enters: bool) -> &'static str {
    let running = count(seen.pods, "Running");
    let over = seen.pods.iter().filter(|pod| is_over(pod)).count();
    if running > 0 && !out.refused.is_empty() && !ready {
        "Unknown"
    } else if ready && enters && over == seen.pods.len() && over > 0 {
        "Completed"
    } else if ready && enters {
        "Running"
    } else if enters {
        "Inqueue"
    } else {
        "Pending"
    }
}

/// Sets a condition; that only its times differ is told once a minute.
fn told(group: &mut Value, seen: &Seen<'_>, kind: &str, reason: &str, message: &str) {
    let old = condition(group, kind).cloned();
    let same = |c: &Value| text(c, "/reason") == reason && text(c, "/message") == message;
    let recent = |c: &Value| {
        time(c, "/lastTransitionTime")
            .is_some_and(|at| kind == "Scheduled" || seconds_between(at, seen.now) < REWRITTEN)
    };
    if old.as_ref().is_some_and(|c| same(c) && recent(c)) {
        return;
    }
    let n = mix(hash(uid(group)) ^ seen.now.as_second() as u64);
    let session = format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        n >> 32,
        n & 0xffff,
        (n >> 16) & 0xfff,
        (n >> 8) & 0xfff,
        mix(n) >> 16
    );
    let mut fresh = json!({
        "type": kind, "status": "True", "reason": reason, "transitionID": session, "lastTransitionTime": stamp(seen.now),
    });
    if !message.is_empty() {
        fresh["message"] = json!(message);
    }
    let mut all = group["status"]["conditions"].as_array().cloned().unwrap_or_default();
    match all.iter_mut().find(|c| text(c, "/type") == kind) {
        Some(old) => *old = fresh,
        None => all.push(fresh),
    }
    set(group, "/status/conditions", json!(all));
}
