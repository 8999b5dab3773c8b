//! A suspended job's place in Kueue, from its Workload. Knows the reasons of Kueue before and after 0.19.

use crate::jobs::{
    row::{Condition, Truth, WorkloadRow},
    state::State,
};

/// How a suspended job is by its Workload. `total` is how many pods it will have.
pub(super) fn state(workload: &WorkloadRow, total: u32) -> State {
    if !workload.active {
        return State::Paused;
    }
    if unadmitted(workload).is_some_and(is_inadmissible) {
        return State::Inadmissible;
    }
    if workload.is("Admitted").is_some() {
        return State::Pending { scheduled: 0, pulled: 0, ready: 0, total: total.min(u32::from(u16::MAX)) as u16 };
    }
    if workload.is("Evicted").or_else(|| workload.is("Preempted")).is_some() {
        return State::Preempted;
    }
    State::Queued
}

/// The condition that tells why there is no quota yet, or no admission in spite of it.
pub(super) fn unadmitted(workload: &WorkloadRow) -> Option<&Condition> {
    let lacking = |kind| workload.condition(kind).filter(|condition| condition.status != Truth::True);
    lacking("QuotaReserved").or_else(|| lacking("Admitted"))
}

fn is_inadmissible(condition: &Condition) -> bool {
    let message = condition.message.as_str();
    // Before 0.19 one reason stood for everything, and only the message tells.
    let never = ["maximum capacity", "doesn't exist", "is inactive", "is stopped"];
    match condition.reason.as_str() {
        "Misconfigured" | "Suspended" | "Inadmissible" | "ExceedsMaxQuota" | "NoMatchingFlavor" => true,
        _ => never.iter().any(|words| message.contains(words)),
    }
}
