//! Jobs whose progress is shown and whose logs nobody follows: the end of the leading log is looked at now and then.
//!
//! Owns how often. What training programs say in their objects, and what the page or the recorder reads anyway, is not
//! asked for.

use super::{is_denied, is_read};
use crate::{
    console::{
        effect::Effect,
        model::{Model, listen::MOST, record::Wanted, session::Phase},
    },
    disk::records::Stream,
    jobs::{
        Secs,
        columns::ColumnId,
        fleet::{Job, JobKey, main_container, telling},
        row::ContainerState,
    },
};

/// Seconds between two looks at the log of a job that runs.
const EVERY: u32 = 60;
/// Lines that are read for a row or a page each time; and for a comparison, which wants the mean of all speeds, at first:
/// then only what is new.
const LINES: (u32, u32) = (300, 200_000);

/// After any message: looks at the logs of the jobs whose progress is in sight, at most once a second.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    if model.session.phase != Phase::Up {
        // Nothing can be looked at, so nothing is due.
        model.listen.followed = None;
        return Vec::new();
    }
    if model.listen.followed == Some(model.now) {
        return Vec::new();
    }
    let keys = in_sight(model);
    model.listen.followed = (!keys.is_empty()).then_some(model.now);
    let goes_on = model.compare().is_some();
    look(model, &keys, goes_on)
}

fn in_sight(model: &Model) -> Vec<JobKey> {
    if let Some(open) = model.compare() {
        return open.keys();
    }
    if let Some(page) = &model.page {
        let lives = page.recorded.is_none() && page.gone.is_none();
        return lives.then(|| page.job.key()).into_iter().collect();
    }
    let is_shown = model.cluster.is_none() && model.list.placed().any(|(column, _)| *column == ColumnId::Progress);
    if is_shown { model.list.visible().cloned().collect() } else { Vec::new() }
}

/// Looks at the last lines of these jobs' leading logs, where that is due.
fn look(model: &mut Model, keys: &[JobKey], goes_on: bool) -> Vec<Effect> {
    let mut out = Vec::new();
    for key in keys {
        let Some(job) = model.fleet.get(key).filter(|job| job.row.progress.is_none()) else { continue };
        if is_read(model, key) || model.record.followed.contains(key) || is_denied(model, job) || !is_due(model, job) {
            continue;
        }
        let new = |wanted: &Wanted| !model.listen.begun.contains(&(key.uid.clone(), wanted.stream.clone()));
        // A run that was looked at for its cause was read further back.
        if let Some(wanted) = leading(model, key, goes_on).filter(|wanted| goes_on || new(wanted)) {
            if model.listen.looked.len() >= MOST {
                model.listen.looked.clear();
            }
            model.listen.looked.insert(key.uid.clone(), model.now);
            out.push(Effect::Listen(model.session.id, key.clone(), vec![wanted]));
        }
    }
    out
}

/// Again and again of a job that runs; of one that has ended once after its end.
fn is_due(model: &Model, job: &Job) -> bool {
    let end = job.derived.state.is_finished().then_some(job.derived.finished).flatten();
    let again = |last: Secs| match end {
        Some(end) => last < end,
        None => !job.derived.state.is_finished(),
    };
    // The server's clock may be ahead of ours: its end, too, is no reason to look more often.
    model.listen.looked.get(&job.row.uid).is_none_or(|last| model.now.since(*last) >= EVERY && again(*last))
}

/// The present run of the pod that leads the job.
fn leading(model: &Model, key: &JobKey, goes_on: bool) -> Option<Wanted> {
    let pods = model.fleet.pods(key);
    let container = main_container(telling(&pods).first()?.pod)?;
    let pod = telling(&pods).first()?.pod.name.clone();
    let has_run = matches!(container.state, Some(ContainerState::Running(_) | ContainerState::Terminated(_)));
    let stream = Stream { pod, container: container.name.clone(), run: container.restarts };
    let tail = if goes_on { LINES.1 } else { LINES.0 };
    has_run.then_some(Wanted { stream, previous: false, follow: goes_on, tail })
}
