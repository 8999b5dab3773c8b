//! When what the job owns is read: as the Overview comes in sight, and again when parts of it changed.
//!
//! One read at a time; what was read stays until it is read anew.

use super::gone;
use crate::{
    console::model::page::{Fetched, Kept, OwnedObject, PageEffect, PageModel, Reading, Refusal, Soon, Tab},
    jobs::{Uid, row::Truth},
};

/// The Overview came in sight.
pub(super) fn shown(page: &mut PageModel) -> Option<PageEffect> {
    if page.reading != Reading::Idle {
        return None;
    }
    if page.owned.ready().is_none() {
        page.owned = Fetched::Loading;
    }
    Some(ask(page, Soon::Now))
}

/// The fleet told something new of the job.
pub(super) fn changed(page: &mut PageModel, before: &Kept) -> Option<PageEffect> {
    if page.tab != Tab::Overview || page.owned == Fetched::Unasked || parts(before) == parts(&page.job) {
        return None;
    }
    if page.reading != Reading::Idle {
        page.reading = Reading::Outdated;
        return None;
    }
    Some(ask(page, Soon::InAMoment))
}

/// It was read, or not.
pub(super) fn read(page: &mut PageModel, found: Result<Vec<OwnedObject>, Refusal>) -> Option<PageEffect> {
    let outdated = std::mem::take(&mut page.reading) == Reading::Outdated;
    if page.gone.is_some() {
        gone::unread(page, Tab::Overview);
        return None;
    }
    match found {
        Ok(found) => page.owned = Fetched::Ready(found),
        // What was read before stays.
        Err(_) if page.owned.ready().is_some() => {}
        Err(refusal) => page.owned = Fetched::Failed(refusal),
    }
    (outdated && page.tab == Tab::Overview).then(|| ask(page, Soon::InAMoment))
}

fn ask(page: &mut PageModel, soon: Soon) -> PageEffect {
    page.reading = Reading::Fresh;
    PageEffect::Owned(page.id, page.session, page.job.key(), soon)
}

/// What tells that owned objects came, went or changed: pods, and how job and Workload are.
#[derive(PartialEq)]
struct Parts<'a> {
    pods: Vec<&'a Uid>,
    state: &'static str,
    conditions: Vec<(&'a str, Truth)>,
}

fn parts(job: &Kept) -> Parts<'_> {
    let workload = job.workload.iter().flat_map(|workload| &workload.conditions);
    let conditions = job.row.conditions.iter().chain(workload).map(|c| (c.kind.as_str(), c.status));
    Parts {
        pods: job.pods.iter().map(|pod| &pod.uid).collect(),
        state: job.derived.state.word(),
        conditions: conditions.collect(),
    }
}
