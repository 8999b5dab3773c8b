//! Who has to go so that a Workload fits: weaker ones of its own queue, and those of its cohorts that borrow.
//!
//! Nothing is sent away here. The quotas that a search takes away it gives back before it ends.

use serde_json::Value;

use super::{
    priority,
    quota::{Halls, usage},
    tree::Cell,
};
use crate::sim::value::{condition, has_condition, int, text, uid};

/// One that has its quota.
pub(super) struct Seat<'a> {
    pub(super) load: &'a Value,
    pub(super) queue: &'a str,
    pub(super) usage: Vec<(Cell, i64)>,
    /// It is going already.
    pub(super) going: bool,
}

impl<'a> Seat<'a> {
    /// All that have their quota.
    pub(super) fn all(loads: &'a [Value]) -> Vec<Self> {
        let seat = |load: &'a Value| {
            let queue = text(load, "/status/admission/clusterQueue");
            Seat { load, queue, usage: usage(load), going: has_condition(load, "Evicted") }
        };
        loads.iter().filter(|load| has_condition(load, "QuotaReserved")).map(seat).collect()
    }

    fn uses(&self, cells: &[Cell]) -> bool {
        self.usage.iter().any(|(cell, _)| cells.contains(cell))
    }
}

/// Who asks others to go.
pub(super) struct Asker<'a> {
    pub(super) queue: &'a str,
    pub(super) load: &'a Value,
    /// Of what there is too little.
    pub(super) short: &'a [Cell],
    /// What it needs in all.
    pub(super) wanted: &'a [(Cell, i64)],
}

/// One that must go, and why.
#[derive(Clone, Copy)]
pub(super) struct Victim<'s, 'a> {
    pub(super) seat: &'s Seat<'a>,
    pub(super) reason: &'static str,
}

impl Asker<'_> {
    /// Whether a policy lets the asker send `seat` away.
    pub(super) fn may(&self, policy: &str, seat: &Seat<'_>) -> bool {
        let (mine, theirs) = (priority(self.load), priority(seat.load));
        let made = |load| text(load, "/metadata/creationTimestamp");
        let newer = mine == theirs && made(seat.load) > made(self.load);
        let may = match policy {
            "Any" => true,
            "LowerPriority" => theirs < mine,
            "LowerOrNewerEqualPriority" => theirs < mine || newer,
            _ => false,
        };
        may && seat.uses(self.short) && uid(seat.load) != uid(self.load)
    }

    /// Whether all is free now; without borrowing only what is the queue's own counts.
    pub(super) fn fits(&self, halls: &Halls, borrowing: bool) -> bool {
        let Some(hall) = halls.queues.get(self.queue) else { return false };
        let at_home = || self.wanted.iter().all(|(cell, n)| !hall.node.exceeds(cell, *n));
        halls.fits(hall, self.wanted) && (borrowing || at_home())
    }
}

/// Who goes first among equals: the weakest, then who came in last.
pub(super) fn order(seat: &Seat<'_>) -> (i64, std::cmp::Reverse<String>, String) {
    let since = condition(seat.load, "QuotaReserved").map_or("", |c| text(c, "/lastTransitionTime"));
    (priority(seat.load), std::cmp::Reverse(since.to_owned()), uid(seat.load).to_owned())
}

/// Puts back those that need not go after all.
pub(super) fn spare(halls: &mut Halls, asker: &Asker<'_>, victims: &mut Vec<Victim<'_, '_>>, borrowing: bool) {
    // The last one made it fit: it is needed.
    for at in (0..victims.len().saturating_sub(1)).rev() {
        let seat = victims[at].seat;
        halls.take(seat.queue, &seat.usage, 1);
        if asker.fits(halls, borrowing) {
            victims.swap_remove(at);
        } else {
            halls.take(seat.queue, &seat.usage, -1);
        }
    }
}

/// Gives back what was taken away from all of them.
pub(super) fn restore(halls: &mut Halls, victims: &[Victim<'_, '_>]) {
    for victim in victims {
        halls.take(victim.seat.queue, &victim.seat.usage, 1);
    }
}

/// What an asker may do to a candidate, in the order in which they are asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// The asker is nearer to the quota that the other uses.
    Nearer,
    /// Only while the asker itself does not borrow.
    AtHome,
    /// Even if the asker borrows.
    Borrowing,
    /// It is of the same queue.
    Within,
}

impl Claim {
    fn reason(self) -> &'static str {
        match self {
            Self::Within => "InClusterQueue",
            Self::Borrowing => "InCohortReclaimWhileBorrowing",
            Self::Nearer | Self::AtHome => "InCohortReclamation",
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Nearer => 0,
            Self::AtHome | Self::Borrowing => 1,
            Self::Within => 2,
        }
    }
}

struct Candidate<'s, 'a> {
    seat: &'s Seat<'a>,
    claim: Claim,
    /// The nearest cohort that both are below.
    common: String,
}

/// The fewest that must go, or nobody if that would not do.
pub(super) fn victims<'s, 'a>(halls: &mut Halls, asker: &Asker<'_>, seats: &'s [Seat<'a>]) -> Vec<Victim<'s, 'a>> {
    let all = candidates(halls, asker, seats);
    for &borrowing in attempts(halls, asker, &all) {
        let found = attempt(halls, asker, &all, borrowing);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Whether to try with borrowing, without, or both.
fn attempts(halls: &Halls, asker: &Asker<'_>, all: &[Candidate<'_, '_>]) -> &'static [bool] {
    let Some(hall) = halls.queues.get(asker.queue) else { return &[] };
    let forbidden = matches!(hall.preemption("borrowWithinCohort/policy"), "Never");
    let below = asker.short.iter().all(|cell| hall.node.used(cell) < hall.quota(cell).nominal);
    let others = all.iter().any(|c| c.claim != Claim::Within);
    let nearer = all.iter().any(|c| c.claim == Claim::Nearer);
    match () {
        () if all.is_empty() => &[],
        () if !others || (forbidden && !below) => &[true],
        () if forbidden && !nearer => &[false, true],
        () => &[true, false],
    }
}

fn attempt<'s, 'a>(
    halls: &mut Halls,
    asker: &Asker<'_>,
    all: &[Candidate<'s, 'a>],
    borrowing: bool,
) -> Vec<Victim<'s, 'a>> {
    let mut out = Vec::new();
    for candidate in all {
        if !is_open(halls, asker, candidate, borrowing) {
            continue;
        }
        let seat = candidate.seat;
        halls.take(seat.queue, &seat.usage, -1);
        out.push(Victim { seat, reason: candidate.claim.reason() });
        if asker.fits(halls, borrowing) {
            spare(halls, asker, &mut out, borrowing);
            restore(halls, &out);
            return out;
        }
    }
    restore(halls, &out);
    Vec::new()
}

/// Whether a candidate still uses what is not its own, as those before it have gone.
fn is_open(halls: &Halls, asker: &Asker<'_>, candidate: &Candidate<'_, '_>, borrowing: bool) -> bool {
    if candidate.claim == Claim::Within {
        return true;
    }
    if borrowing && candidate.claim == Claim::AtHome {
        return false;
    }
    let Some(hall) = halls.queues.get(candidate.seat.queue) else { return false };
    let exceeds = |node: &super::tree::Node| asker.short.iter().any(|cell| node.exceeds(cell, 0));
    let mut below = halls.tree.path(&hall.node.parent).take_while(|(name, _)| *name != candidate.common);
    exceeds(&hall.node) && below.all(|(_, node)| exceeds(node))
}

/// Those that may be asked to go: who goes already, then neighbours, then the weakest, then the latest.
fn candidates<'s, 'a>(halls: &Halls, asker: &Asker<'_>, seats: &'s [Seat<'a>]) -> Vec<Candidate<'s, 'a>> {
    let Some(hall) = halls.queues.get(asker.queue) else { return Vec::new() };
    let (within, reclaim) = (hall.preemption("withinClusterQueue"), hall.preemption("reclaimWithinCohort"));
    if within == "Never" && reclaim == "Never" {
        return Vec::new();
    }
    let levels = advantages(halls, asker);
    let mut out = Vec::new();
    for seat in seats {
        if seat.queue == asker.queue {
            if asker.may(within, seat) {
                out.push(Candidate { seat, claim: Claim::Within, common: String::new() });
            }
            continue;
        }
        let Some(other) = halls.queues.get(seat.queue).filter(|_| asker.may(reclaim, seat)) else { continue };
        let common = halls.tree.path(&other.node.parent).find_map(|(name, _)| levels.iter().find(|l| l.0 == name));
        let Some((common, nearer)) = common else { continue };
        let claim = if *nearer { Claim::Nearer } else { claim(hall.object.pointer("/spec/preemption"), asker, seat) };
        let candidate = Candidate { seat, claim, common: common.clone() };
        if is_open(halls, asker, &candidate, false) {
            out.push(candidate);
        }
    }
    out.sort_by_cached_key(|c| (!c.seat.going, c.claim.rank(), order(c.seat)));
    out
}

/// Of another queue, that the asker is not nearer to.
fn claim(preemption: Option<&Value>, asker: &Asker<'_>, seat: &Seat<'_>) -> Claim {
    let policy = preemption.and_then(|p| p.pointer("/borrowWithinCohort")).filter(|p| !p.is_null());
    let Some(policy) = policy.filter(|p| !matches!(text(p, "/policy"), "" | "Never")) else { return Claim::AtHome };
    let theirs = priority(seat.load);
    let above = int(policy, "/maxPriorityThreshold").is_some_and(|most| theirs > most);
    if theirs >= priority(asker.load) || above { Claim::AtHome } else { Claim::Borrowing }
}

/// The cohorts above the asker, nearest first, each with whether what lies below it would do for the asker.
fn advantages(halls: &Halls, asker: &Asker<'_>) -> Vec<(String, bool)> {
    let Some(hall) = halls.queues.get(asker.queue) else { return Vec::new() };
    let mut rest: Vec<(Cell, i64)> = asker.wanted.to_vec();
    let mut step = |node: &super::tree::Node| {
        let fits = rest.iter().all(|(cell, n)| !node.exceeds(cell, *n));
        for (cell, n) in &mut rest {
            *n = n.saturating_sub(node.left(cell)).max(0);
        }
        fits
    };
    let mut nearer = step(&hall.node);
    let mut out = Vec::new();
    for (name, node) in halls.tree.path(&hall.node.parent) {
        out.push((name.to_owned(), nearer));
        nearer |= step(node);
    }
    out
}
