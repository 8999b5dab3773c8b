//! From a cause to what it rests on: the line of a log, an event, a replica, a condition.

use super::{find, keep_scroll, logs, show, tell, with, workers};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{
                PageModel, Tab,
                logs::{Sought, Wish},
            },
        },
    },
    jobs::{
        Clean, Name, PodRow,
        row::{ContainerRow, ContainerState},
        state::{Cause, Evidence, Origin},
    },
    logs::Query,
};

/// Words of a text that are enough to find it on a tab.
const WORDS: usize = 5;

/// Goes there.
pub(super) fn go(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let cause = page.job.derived.cause.clone();
    let evidence = cause.as_ref().and_then(|cause| cause.evidence.first());
    let may_tell = page.job.pods.iter().any(has_run);
    match (&cause, evidence.map(|evidence| &evidence.origin)) {
        (Some(cause), Some(Origin::Log { .. })) => {
            sought(cause).map_or_else(Vec::new, |sought| logs::lead(model, sought))
        }
        (cause, _) if may_tell && cause.as_ref().is_none_or(Cause::wants_log) => logs::wait_for_cause(model),
        (_, Some(Origin::Pod { pod, said })) if !said.is_empty() && wrote(page, pod) => {
            let sought = Sought { pod: Some(pod.clone()), text: said.clone(), rank: None, at: None };
            logs::lead(model, sought)
        }
        (_, Some(Origin::Pod { pod, .. })) => replica(model, pod),
        (_, Some(Origin::Event(words))) => event(model, words),
        (Some(cause), _) => overview(model, cause),
        (None, _) => {
            let mut effects = show(model, Tab::Overview);
            effects.extend(tell(model, Tone::Info, "No cause is known of this job's state yet"));
            effects
        }
    }
}

/// The line that a cause rests on.
fn sought(cause: &Cause) -> Option<Sought> {
    let Evidence { text, origin, .. } = cause.evidence.first()?;
    let Origin::Log { pod, rank, time } = origin else { return None };
    Some(Sought { pod: pod.clone(), text: text.clone(), rank: *rank, at: *time })
}

/// The job is explained otherwise: if a log tells now why, whoever waits for that is led there.
pub(super) fn wished(model: &mut Model) -> Vec<Effect> {
    let waits = |page: &&PageModel| page.logs.wish == Some(Wish::Cause) && page.tab == Tab::Logs;
    let cause = model.page.as_ref().filter(waits).and_then(|page| page.job.derived.cause.as_ref());
    cause.and_then(sought).map_or_else(Vec::new, |sought| logs::lead(model, sought))
}

fn has_run(pod: &PodRow) -> bool {
    let ran = |container: &ContainerRow| {
        let has = matches!(container.state, Some(ContainerState::Running(_) | ContainerState::Terminated(_)));
        has || container.last.is_some()
    };
    pod.containers.iter().filter(|container| !container.init).any(ran)
}

fn wrote(page: &PageModel, pod: &Name) -> bool {
    page.job.pods.iter().find(|row| row.name == *pod).is_some_and(has_run)
}

/// Looks into the replica of a pod.
fn replica(model: &mut Model, pod: &Name) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    let replicas = page.job.replicas();
    let its = replicas.iter().find(|replica| replica.attempts.iter().any(|attempt| attempt.name == *pod));
    let Some(id) = its.map(crate::jobs::replica::Replica::id) else {
        return tell(model, Tone::Warn, &format!("Pod {pod} is gone"));
    };
    page.workers.selected = Some(id);
    let mut effects = show(model, Tab::Workers);
    effects.extend(workers::look_into(model));
    effects
}

/// Shows the events, at the one with these words.
fn event(model: &mut Model, words: &Clean) -> Vec<Effect> {
    let query = first_words(words.as_str());
    with(model, |page| {
        (page.events.filter, page.events.warnings_only) = (String::new(), false);
        page.events.wish = query;
    });
    let effects = show(model, Tab::Events);
    to_wish(model);
    effects
}

/// All events were read: lines are others than before.
pub(super) fn events_read(model: &mut Model) {
    if model.page.as_ref().is_some_and(|page| page.tab == Tab::Events) {
        to_wish(model);
        with(model, |page| page.events.wish = None);
    }
}

fn to_wish(model: &mut Model) {
    let Some(query) = model.page.as_ref().and_then(|page| page.events.wish.clone()) else { return };
    with(model, |page| (page.events.scroll.search, page.events.scroll.hit) = (Some(query), None));
    find(model, false);
}

/// A condition stands on the Overview.
fn overview(model: &mut Model, cause: &Cause) -> Vec<Effect> {
    let text = cause.evidence.first().map(|evidence| evidence.text.clone()).unwrap_or_default();
    with(model, |page| page.all_evidence = true);
    let effects = show(model, Tab::Overview);
    if let Some(query) = first_words(text.as_str()) {
        with(model, |page| (page.overview.search, page.overview.hit) = (Some(query), None));
        find(model, false);
    }
    keep_scroll(model);
    effects
}

/// A search for the beginning of a text: lines may be broken after some words.
fn first_words(text: &str) -> Option<Query> {
    let words: Vec<&str> = text.split_whitespace().take(WORDS).collect();
    let text = words.join(" ");
    // A slash at its beginning would make it an expression.
    Query::parse(text.trim_start_matches('/')).ok().flatten()
}
