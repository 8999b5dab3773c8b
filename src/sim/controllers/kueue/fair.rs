//! Who has to go where queues share fairly: first of those that have most beyond their own, weighed.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{
    preempt::{Asker, Seat, Victim, order, restore, spare},
    quota::Halls,
    settings::Rule,
    share::Share,
    tree::Node,
};

/// The fewest that must go, or nobody if that would not do.
pub(super) fn victims<'s, 'a>(
    halls: &mut Halls,
    asker: &Asker<'_>,
    seats: &'s [Seat<'a>],
    rules: &[Rule],
) -> Vec<Victim<'s, 'a>> {
    let all = candidates(halls, asker, seats);
    let Some(first) = rules.first().filter(|_| !all.is_empty()) else { return Vec::new() };
    // Shares are compared as if the asker were in.
    halls.take(asker.queue, asker.wanted, 1);
    let mut search = Search { halls, asker, out: Vec::new(), later: Vec::new() };
    let mut found = search.by_rule(*first, all);
    if !found && rules.len() > 1 {
        found = search.by_initial_share();
    }
    let mut out = search.out;
    halls.take(asker.queue, asker.wanted, -1);
    if found {
        spare(halls, asker, &mut out, true);
    }
    restore(halls, &out);
    if found { out } else { Vec::new() }
}

/// Those that the policies let go, in the order in which they are asked.
fn candidates<'s, 'a>(halls: &Halls, asker: &Asker<'_>, seats: &'s [Seat<'a>]) -> Vec<&'s Seat<'a>> {
    let Some(hall) = halls.queues.get(asker.queue) else { return Vec::new() };
    let (within, reclaim) = (hall.preemption("withinClusterQueue"), hall.preemption("reclaimWithinCohort"));
    let top = top(halls, asker.queue);
    let may = |seat: &&'s Seat<'a>| {
        if seat.queue == asker.queue {
            return asker.may(within, seat);
        }
        let borrows = halls.queues.get(seat.queue).is_some_and(|h| asker.short.iter().any(|c| h.borrowed(c) > 0));
        borrows && !top.is_empty() && self::top(halls, seat.queue) == top && asker.may(reclaim, seat)
    };
    let mut out: Vec<&Seat<'a>> = seats.iter().filter(may).collect();
    out.sort_by_cached_key(|seat| (!seat.going, seat.queue == asker.queue, order(seat)));
    out
}

/// The highest cohort above a queue.
fn top<'a>(halls: &'a Halls, queue: &str) -> &'a str {
    let parent = halls.queues.get(queue).map_or("", |hall| hall.node.parent.as_str());
    halls.tree.path(parent).last().map_or("", |(name, _)| name)
}

/// The shares of two queues, each of the highest node that the other is not below, too.
pub(super) fn shares(halls: &Halls, one: &str, other: &str) -> Option<(Share, Share)> {
    let (a, b) = (halls.queues.get(one)?, halls.queues.get(other)?);
    let above = |node: &Node| halls.tree.path(&node.parent).map(|(name, _)| name).collect::<Vec<_>>();
    let (over_a, over_b) = (above(&a.node), above(&b.node));
    let common = over_a.iter().find(|name| over_b.contains(name))?;
    let below = |node, over: &[&str]| {
        let last = over.iter().take_while(|name| *name != common).last();
        Share::of(&halls.tree, last.and_then(|name| halls.tree.get(name)).unwrap_or(node))
    };
    Some((below(&a.node, &over_a), below(&b.node, &over_b)))
}

struct Search<'h, 'q, 's, 'a> {
    halls: &'h mut Halls,
    asker: &'h Asker<'q>,
    out: Vec<Victim<'s, 'a>>,
    /// Whom the first rule spared.
    later: Vec<&'s Seat<'a>>,
}

impl<'s, 'a> Search<'_, '_, 's, 'a> {
    /// Sends one away; whether that is enough.
    fn go(&mut self, seat: &'s Seat<'a>, reason: &'static str) -> bool {
        self.halls.take(seat.queue, &seat.usage, -1);
        self.out.push(Victim { seat, reason });
        let (queue, wanted) = (self.asker.queue, self.asker.wanted);
        self.halls.take(queue, wanted, -1);
        let fits = self.asker.fits(self.halls, true);
        self.halls.take(queue, wanted, 1);
        fits
    }

    fn by_rule(&mut self, rule: Rule, all: Vec<&'s Seat<'a>>) -> bool {
        let hall = self.halls.queues.get(self.asker.queue);
        let at_home = hall.is_some_and(|hall| self.asker.short.iter().all(|cell| !hall.node.exceeds(cell, 0)));
        let mut turns = Turns::new(self.halls, self.asker, all);
        while let Some(queue) = turns.next(self.halls) {
            if queue == self.asker.queue || at_home {
                let reason = if queue == self.asker.queue { "InClusterQueue" } else { "InCohortReclamation" };
                if turns.pop(&queue).is_some_and(|seat| self.go(seat, reason)) {
                    return true;
                }
                continue;
            }
            let Some((mine, before)) = shares(self.halls, self.asker.queue, &queue) else { return false };
            while let Some(seat) = turns.pop(&queue) {
                self.halls.take(seat.queue, &seat.usage, -1);
                let after = shares(self.halls, self.asker.queue, &queue).map(|(_, theirs)| theirs);
                self.halls.take(seat.queue, &seat.usage, 1);
                let passes = match rule {
                    Rule::FinalShare => after.is_some_and(|after| mine.compare(&after) != Ordering::Greater),
                    Rule::InitialShare => mine.compare(&before) == Ordering::Less,
                };
                if passes {
                    if self.go(seat, "InCohortFairSharing") {
                        return true;
                    }
                    break;
                }
                self.later.push(seat);
            }
        }
        false
    }

    fn by_initial_share(&mut self) -> bool {
        let later = std::mem::take(&mut self.later);
        let mut turns = Turns::new(self.halls, self.asker, later);
        while let Some(queue) = turns.next(self.halls) {
            let passes = shares(self.halls, self.asker.queue, &queue)
                .is_some_and(|(mine, theirs)| mine.compare(&theirs) == Ordering::Less);
            let seat = turns.pop(&queue).filter(|_| passes);
            if seat.is_some_and(|seat| self.go(seat, "InCohortFairSharing")) {
                return true;
            }
            turns.done.insert(queue);
        }
        false
    }
}

/// Whose turn it is to give: always the queue that has most beyond its own.
struct Turns<'s, 'a> {
    waiting: BTreeMap<&'a str, VecDeque<&'s Seat<'a>>>,
    /// Queues that need not be looked at again, and cohorts.
    done: BTreeSet<String>,
    closed: BTreeSet<String>,
    own: String,
    /// The cohorts above the asker, nearest first.
    above: Vec<String>,
}

impl<'s, 'a> Turns<'s, 'a> {
    fn new(halls: &Halls, asker: &Asker<'_>, all: Vec<&'s Seat<'a>>) -> Self {
        let mut waiting = BTreeMap::<&str, VecDeque<_>>::new();
        for seat in all {
            waiting.entry(seat.queue).or_default().push_back(seat);
        }
        let parent = halls.queues.get(asker.queue).map_or("", |hall| hall.node.parent.as_str());
        let above = halls.tree.path(parent).map(|(name, _)| name.to_owned()).collect();
        Self { waiting, done: BTreeSet::new(), closed: BTreeSet::new(), own: asker.queue.to_owned(), above }
    }

    fn pop(&mut self, queue: &str) -> Option<&'s Seat<'a>> {
        self.waiting.get_mut(queue)?.pop_front()
    }

    fn has(&self, queue: &str) -> bool {
        self.waiting.get(queue).is_some_and(|seats| !seats.is_empty())
    }

    fn next(&mut self, halls: &Halls) -> Option<String> {
        let Some(top) = self.above.last().cloned() else {
            return (self.has(&self.own) && !self.done.contains(&self.own)).then(|| self.own.clone());
        };
        while !self.closed.contains(&top) {
            if let Some(queue) = self.below(halls, &top) {
                return Some(queue);
            }
        }
        None
    }

    /// The queue below a cohort whose turn it is; `None` also where something was only closed.
    fn below(&mut self, halls: &Halls, cohort: &str) -> Option<String> {
        let mut queue: Option<(Share, &str)> = None;
        for (name, hall) in halls.queues.iter().filter(|(_, hall)| hall.node.parent == cohort) {
            let share = Share::of(&halls.tree, &hall.node);
            if (share.beyond.is_empty() && *name != self.own) || !self.has(name) {
                self.done.insert(name.clone());
            }
            if self.done.contains(name) {
                continue;
            }
            let first = |name: &str| {
                let seat = self.waiting.get(name).and_then(|seats| seats.front());
                seat.map(|seat| (!seat.going, name == self.own, order(seat)))
            };
            let before = queue.as_ref().is_none_or(|(best, at)| match share.compare(best) {
                Ordering::Equal => first(name) < first(at),
                than => than == Ordering::Greater,
            });
            if before {
                queue = Some((share, name));
            }
        }
        let mut branch: Option<(Share, &str)> = None;
        for (name, node) in halls.tree.cohorts().filter(|(_, node)| node.parent == cohort) {
            let share = Share::of(&halls.tree, node);
            if share.beyond.is_empty() && !self.above.iter().any(|above| above == name) {
                self.closed.insert(name.to_owned());
            }
            let most = branch.as_ref().is_none_or(|(best, _)| share.compare(best) != Ordering::Less);
            if most && !self.closed.contains(name) {
                branch = Some((share, name));
            }
        }
        match (queue, branch) {
            (None, None) => {
                self.closed.insert(cohort.to_owned());
                None
            }
            (Some((share, queue)), Some((of, _))) if of.compare(&share) == Ordering::Less => Some(queue.to_owned()),
            (Some((_, queue)), None) => Some(queue.to_owned()),
            (_, Some((_, branch))) => self.below(halls, branch),
        }
    }
}
