//! scheduler-plugins' coscheduling: pods wait until enough of their group fit; phases `Pending`, `Scheduling`, `Running`,
//! `Finished`, `Failed`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Outcome, Refused, Seen, Trial, count, least};
use crate::sim::{
    controllers::scheduler::nowhere,
    store::resource::PODGROUPS_SCHEDULER_PLUGINS,
    value::{controller, is_deleting, name, namespace, set, stamp, text, uid},
    write::Write,
};

/// Seconds between two tries.
const AGAIN: f64 = 10.0;

pub(super) fn look(seen: &Seen<'_>, trial: &Trial) -> Outcome {
    let mut out = Outcome::default();
    if !trial.waiting.is_empty() {
        let here = seen.pods.iter().filter(|pod| !is_deleting(pod)).count() as i64;
        if here < least(seen.group) {
            out.refused = too_few(seen, trial, here);
        } else if trial.is_enough(seen.group) {
            out.bound.clone_from(&trial.fits);
            out.refused.extend(trial.fails.iter().map(|(pod, why)| refused(pod, why.clone())));
        } else {
            out.refused = rejected(seen, trial);
        }
        out.again = (!out.refused.is_empty()).then_some(AGAIN);
    }
    status(seen, &mut out);
    out
}

fn refused(pod: &Arc<Value>, message: String) -> Refused {
    Refused { pod: pod.clone(), reason: "Unschedulable", message }
}

fn too_few(seen: &Seen<'_>, trial: &Trial, here: i64) -> Vec<Refused> {
    let nodes = seen.rooms.len();
    let of = |pod: &Arc<Value>| {
        let why = format!(
            "pre-filter pod {} cannot find enough sibling pods, current pods number: {here}, minMember of group: {}",
            name(pod),
            least(seen.group)
        );
        refused(pod, nowhere(&why, nodes, seen.release))
    };
    trial.waiting.iter().map(of).collect()
}

/// The first that does not fit takes all with it that were waiting for it.
fn rejected(seen: &Seen<'_>, trial: &Trial) -> Vec<Refused> {
    let Some((first, why)) = &trial.fails else { return Vec::new() };
    let group = format!("{}/{}", namespace(seen.group), name(seen.group));
    let of = |pod: &Arc<Value>| {
        if uid(pod) == uid(first) {
            let said = format!(
                "{why}, PodGroup {group} gets rejected due to Pod {} is unschedulable even after PostFilter",
                name(pod)
            );
            refused(pod, said)
        } else {
            refused(pod, "optimistic rejection in PostFilter".to_owned())
        }
    };
    trial.waiting.iter().map(of).collect()
}

/// As the group's own controller counts. What is finished stays so.
fn status(seen: &Seen<'_>, out: &mut Outcome) {
    let old = text(seen.group, "/status/phase");
    if matches!(old, "Finished" | "Failed") {
        return;
    }
    let least = least(seen.group);
    let of = |phase: &str| count(seen.pods, phase) as i64;
    let (running, succeeded, failed) = (of("Running"), of("Succeeded"), of("Failed"));
    let all = seen.pods.len() as i64;
    let mut next = seen.group.clone();
    let phase = if all < least {
        "Pending"
    } else if succeeded >= least {
        "Finished"
    } else if failed > 0 && failed + running + succeeded >= least {
        "Failed"
    } else if succeeded + running >= least {
        "Running"
    } else {
        "Scheduling"
    };
    set(&mut next, "/status/phase", json!(phase));
    if phase == "Scheduling" && !matches!(old, "Scheduling" | "Running") {
        next["status"]["scheduleStartTime"] = json!(stamp(seen.now));
        if let Some(owner) = seen.pods.iter().find_map(|pod| controller(pod)) {
            next["status"]["occupiedBy"] = json!(format!("{}/{}", namespace(seen.group), text(owner, "/name")));
        }
    }
    for (field, n) in [("running", running), ("succeeded", succeeded), ("failed", failed)] {
        if n > 0 || next["status"].get(field).is_some() {
            next["status"][field] = json!(n);
        }
    }
    if next["status"] != seen.group["status"] {
        out.writes.push(Write::Status(&PODGROUPS_SCHEDULER_PLUGINS, next));
    }
}
