//! Who has to go so that a Workload fits: lower priorities of its own queue, and borrowers of its cohort.

use serde_json::Value;

use super::{
    assign::Assignment,
    priority,
    quota::{Cell, Halls, usage},
};
use crate::sim::value::{condition, has_condition, name, text, uid};

/// One that must go, and why.
pub(super) struct Victim<'a> {
    pub(super) load: &'a Value,
    pub(super) reason: &'static str,
    /// It is going already.
    pub(super) going: bool,
}

/// The fewest that must go, or nobody if that would not do.
pub(super) fn victims<'a>(
    halls: &mut Halls,
    queue: &str,
    load: &Value,
    wanted: &Assignment,
    all: &'a [Value],
) -> Vec<Victim<'a>> {
    let short: Vec<(Cell, i64)> = match halls.queues.get(queue) {
        Some(hall) => wanted.wanted.iter().filter(|(c, n)| *n > halls.available(hall, c)).cloned().collect(),
        None => return Vec::new(),
    };
    let mut out: Vec<Victim<'a>> = Vec::new();
    for candidate in candidates(halls, queue, load, &short, all) {
        if fits(halls, queue, wanted) {
            break;
        }
        let of = text(candidate.load, "/status/admission/clusterQueue").to_owned();
        // A neighbour only has to give back what it borrowed.
        let borrows = halls.queues.get(&of).is_some_and(|h| short.iter().any(|(cell, _)| h.borrowed(cell) > 0));
        if of == queue || candidate.going || borrows {
            take(halls, candidate.load, -1);
            out.push(candidate);
        }
    }
    let enough = fits(halls, queue, wanted);
    if enough {
        // The last ones taken may not have been needed.
        for at in (0..out.len()).rev() {
            take(halls, out[at].load, 1);
            if fits(halls, queue, wanted) && !out[at].going {
                out.remove(at);
            } else {
                take(halls, out[at].load, -1);
            }
        }
    }
    for victim in &out {
        take(halls, victim.load, 1);
    }
    if enough { out } else { Vec::new() }
}

fn take(halls: &mut Halls, load: &Value, sign: i64) {
    if let Some(hall) = halls.queues.get_mut(text(load, "/status/admission/clusterQueue")) {
        hall.take(&usage(load), sign);
    }
}

fn fits(halls: &Halls, queue: &str, wanted: &Assignment) -> bool {
    let Some(hall) = halls.queues.get(queue) else { return false };
    wanted.wanted.iter().all(|(cell, n)| *n <= halls.available(hall, cell))
}

/// Those that may be asked to go: who goes already, then neighbours, then the weakest, then the latest.
fn candidates<'a>(
    halls: &Halls,
    queue: &str,
    load: &Value,
    short: &[(Cell, i64)],
    all: &'a [Value],
) -> Vec<Victim<'a>> {
    let Some(hall) = halls.queues.get(queue) else { return Vec::new() };
    let policy = |field: &str| text(&hall.object, &format!("/spec/preemption/{field}"));
    let (within, reclaim) = (policy("withinClusterQueue"), policy("reclaimWithinCohort"));
    let mine = priority(load);
    let made = |w: &Value| text(w, "/metadata/creationTimestamp").to_owned();
    let mut out: Vec<Victim<'a>> = all
        .iter()
        .filter(|w| has_condition(w, "QuotaReserved") && uid(w) != uid(load))
        .filter(|w| usage(w).iter().any(|(cell, _)| short.iter().any(|(s, _)| s == cell)))
        .filter_map(|w| {
            let going = has_condition(w, "Evicted");
            let of = text(w, "/status/admission/clusterQueue");
            let weaker = priority(w) < mine;
            let newer = priority(w) == mine && made(w) > made(load);
            let (may, reason) = if of == queue {
                let may = weaker && matches!(within, "LowerPriority" | "LowerOrNewerEqualPriority" | "Any");
                (may || (newer && within == "LowerOrNewerEqualPriority"), "InClusterQueue")
            } else {
                let near = !hall.cohort.is_empty() && halls.queues.get(of).is_some_and(|h| h.cohort == hall.cohort);
                (near && (reclaim == "Any" || (weaker && reclaim == "LowerPriority")), "InCohortReclamation")
            };
            (may || (going && of == queue)).then_some(Victim { load: w, reason, going })
        })
        .collect();
    let since = |w: &Value| condition(w, "QuotaReserved").map_or("", |c| text(c, "/lastTransitionTime")).to_owned();
    out.sort_by(|a, b| {
        let key =
            |v: &Victim<'_>| (!v.going, text(v.load, "/status/admission/clusterQueue") == queue, priority(v.load));
        key(a).cmp(&key(b)).then_with(|| since(b.load).cmp(&since(a.load))).then_with(|| name(a.load).cmp(name(b.load)))
    });
    out
}
