//! The page of a job that is known from its record only.
//!
//! Nothing of it is asked of a cluster. A page whose job went while it was open keeps what it has and takes from the
//! record what it lacks.

use std::sync::Arc;

use super::{keep_scroll, logs, metrics, render, show, tell};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{Fetched, PageId, PageModel, Refusal, Tab, metrics::Measured},
            record::{Opened, RecordEffect, Which},
        },
    },
    jobs::{Clean, EventRow, fleet::JobKey},
};

/// Opens a page on a record.
pub fn open_recorded(model: &mut Model, opened: Opened) -> Vec<Effect> {
    let mut effects = super::close(model);
    model.opened += 1;
    let Opened { job, object, events, recorded } = opened;
    let mut page = PageModel::new(PageId(model.opened), model.session.id, job);
    page.gone = recorded.deleted;
    page.events.all = Fetched::Ready(events);
    page.object = object.map_or_else(unrecorded, Fetched::Ready);
    effects.push(Effect::Record(RecordEffect::Show(Some(recorded.dir.clone()))));
    effects.push(Effect::Record(RecordEffect::Numbers(page.job.key(), recorded.dir.clone())));
    page.recorded = Some(recorded);
    model.page = Some(page);
    effects.extend(render(model));
    effects.extend(show(model, Tab::Overview));
    effects
}

/// What was measured of a job up to its end was read: from its record, or for it while a page shows that already.
pub fn measured(model: &mut Model, key: &JobKey, source: Clean, measured: Measured) {
    let now = model.now;
    let lacks =
        |page: &&mut PageModel| page.recorded.is_some() && page.job.key() == *key && page.metrics.usage.is_empty();
    let Some(page) = model.page.as_mut().filter(lacks) else {
        model.dirty = false;
        return;
    };
    page.metrics.source = Some(source);
    page.metrics.take(measured);
    metrics::settle(page, now);
    metrics::show_selected(model);
}

/// The page's job is gone: its record takes its place, when it is read.
pub(super) fn wanted(key: JobKey) -> Effect {
    Effect::Record(RecordEffect::Open(Which::Job(key)))
}

fn unrecorded<T>() -> Fetched<T> {
    Fetched::Failed(Refusal {
        what: Clean::new("The manifest was not recorded"),
        hint: Clean::new("The job was gone before it could be read."),
    })
}

/// The job of the open page is gone, and this is its record.
pub fn go_over(model: &mut Model, opened: Opened) -> Vec<Effect> {
    let Opened { job, object, events, recorded } = opened;
    let its = |page: &&mut PageModel| page.job.key() == job.key() && page.gone.is_some() && page.recorded.is_none();
    let Some(page) = model.page.as_mut().filter(its) else {
        model.dirty = false;
        return Vec::new();
    };
    if page.object.ready().is_none() {
        page.object = object.map_or_else(unrecorded, Fetched::Ready);
    }
    let known = match std::mem::take(&mut page.events.all) {
        Fetched::Ready(known) => known,
        _ => Vec::new(),
    };
    page.events.all = Fetched::Ready(both(known, events));
    page.events.stale = None;
    // What was derived while all was there knows more than what is derived from its remains.
    let derived =
        if page.job.derived.cause.is_some() { Arc::clone(&page.job.derived) } else { Arc::clone(&job.derived) };
    page.job.pods = job.pods;
    page.job.derived = derived;
    let dir = recorded.dir.clone();
    page.recorded = Some(recorded);
    let numbers = page.metrics.usage.is_empty().then(|| RecordEffect::Numbers(page.job.key(), dir.clone()));
    super::workers::keep_selection(page);
    let mut effects = vec![Effect::Record(RecordEffect::Show(Some(dir)))];
    effects.extend(numbers.map(Effect::Record));
    effects.extend(render(model));
    effects.extend(logs::resized(model));
    keep_scroll(model);
    effects.extend(tell(model, Tone::Info, "This job was deleted; its page shows what was recorded of it"));
    effects
}

fn both(mut known: Vec<EventRow>, recorded: Vec<EventRow>) -> Vec<EventRow> {
    for event in recorded {
        if !known.iter().any(|other| other.uid == event.uid) {
            known.push(event);
        }
    }
    known.sort_by_key(|event| (event.last, event.first));
    known
}
