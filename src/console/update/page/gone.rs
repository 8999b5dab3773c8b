//! A job that is deleted while its page is open, and the one that takes its name.
//!
//! What was read of the old one stays: an answer that is about the new one is no answer to the page's question.

use serde_json::Value;

use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{Fetched, Kept, PageModel, Refusal, Tab},
        },
    },
    jobs::{
        Clean, EventRow,
        fleet::{Changed, Fleet, JobKey},
    },
};

/// Whether these changes are about the page's job or one that has its name.
pub(super) fn concerns(changed: &Changed, key: &JobKey) -> bool {
    let namesake =
        |other: &JobKey| (&other.namespace, &other.name, other.kind) == (&key.namespace, &key.name, key.kind);
    changed.jobs.iter().any(namesake)
}

/// The newest job of that name and kind which is another one.
pub(super) fn successor(fleet: &Fleet, key: &JobKey) -> Option<JobKey> {
    let same_name = fleet.find(key.namespace.as_str(), key.name.as_str());
    same_name.into_iter().map(crate::jobs::fleet::Job::key).find(|other| other.kind == key.kind && other.uid != key.uid)
}

/// Opens the page of the job that has the name now, on the same tab.
pub(super) fn go_on(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let tab = page.tab;
    match page.successor.clone().filter(|_| page.gone.is_some()) {
        Some(key) => super::open_on(model, &key, tab),
        None => super::tell(model, Tone::Info, "This is the newest job of its name"),
    }
}

/// Whether an object is the page's job, not one that took its name.
pub(super) fn is_its(page: &PageModel, object: &Value) -> bool {
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
    uid.is_none_or(|uid| uid == page.job.row.uid.to_string())
}

/// What a tab shows of a job that can't be asked for any more: what was read stays, what was not is said.
pub(super) fn unread(page: &mut PageModel, tab: Tab) {
    let refusal = Refusal {
        what: Clean::new("The job was deleted before this was read of it"),
        hint: Clean::new("What the list knew of it is on the other tabs."),
    };
    match tab {
        Tab::Overview if page.owned.ready().is_none() => page.owned = Fetched::Failed(refusal),
        Tab::Configuration if page.object.ready().is_none() => page.object = Fetched::Failed(refusal),
        _ => {}
    }
}

/// Leaves out what is about others that had, or have now, the names of this job and its parts. By the cluster's own
/// times: who took the name was made after everything that happened to this one.
pub(super) fn only_its(events: &mut Vec<EventRow>, job: &Kept, successor: Option<&Kept>) {
    let row = &job.row;
    let kind = row.kind.info().kind;
    let until = successor.map(|next| next.row.created);
    events.retain(|event| {
        let about_job = event.about_kind.as_str() == kind && event.about_name == row.name;
        let in_time = event.last >= row.created && until.is_none_or(|until| event.first < until);
        if about_job { event.about_uid == row.uid } else { in_time }
    });
}
