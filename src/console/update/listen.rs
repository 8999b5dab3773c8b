//! Jobs of which statuses say only that they failed: their logs are looked at once, though nobody has opened them.
//!
//! Owns which logs that are: of runs that have ended, each once, within a bound. What the flight recorder reads anyway is
//! looked at there and not read twice.

mod progress;
#[cfg(test)]
mod tests;

pub use progress::follow;

use crate::{
    console::{
        commands::Right,
        effect::Effect,
        model::{
            Model,
            listen::MOST,
            record::{RecordEffect, Wanted},
        },
    },
    disk::records::Stream,
    jobs::{
        Name, PodRow,
        fleet::{Job, JobKey, Teller, main_container, telling},
        reach,
        row::ContainerState,
    },
};

/// Lines that are read of the leading pod's log, and of each other's.
const TAIL: (u32, u32) = (5_000, 1_000);
/// Seconds after which policies are asked for again.
const REACH_AGAIN: u32 = 60;

/// These jobs changed; what is read of them anyway is among `effects`.
pub fn changed(model: &mut Model, keys: &[JobKey], effects: &[Effect]) -> Vec<Effect> {
    for effect in effects {
        if let Effect::Record(RecordEffect::Logs(_, key, read)) = effect {
            let streams = read.iter().map(|wanted| (key.uid.clone(), wanted.stream.clone()));
            model.listen.begun.extend(streams);
        }
    }
    let mut out = barred(model, keys);
    for key in keys {
        let Some(job) = model.fleet.get(key).filter(|job| job.derived.wants_log()) else { continue };
        if is_read(model, key) || is_denied(model, job) {
            continue;
        }
        let mut wanted = ended(&model.fleet.pods(key));
        let begun = &mut model.listen.begun;
        wanted.retain(|wanted| begun.len() < MOST && begun.insert((key.uid.clone(), wanted.stream.clone())));
        if !wanted.is_empty() {
            out.push(Effect::Listen(model.session.id, key.clone(), wanted));
        }
    }
    out
}

/// Asks for the policies of each job whose replicas don't reach each other; again where it changes, as long as it tries:
/// somebody may have mended them. What was in the way of a job that has ended is not another by that.
fn barred(model: &mut Model, keys: &[JobKey]) -> Vec<Effect> {
    let (reached, now) = (&model.listen.reached, model.now);
    let may = |job: &Job| job.derived.cause.as_ref().is_some_and(|cause| reach::may_explain(job.row.kind, cause));
    let is_due = |job: &Job| match reached.get(&job.row.uid) {
        Some(last) => !job.derived.state.is_finished() && now.since(*last) >= REACH_AGAIN,
        None => reached.len() < MOST,
    };
    let ask = |key: &&JobKey| model.fleet.get(key).is_some_and(|job| may(job) && is_due(job));
    let wanted: Vec<JobKey> = keys.iter().filter(ask).cloned().collect();
    model.listen.reached.extend(wanted.iter().map(|key| (key.uid.clone(), now)));
    wanted.into_iter().map(|key| Effect::Reach(model.session.id, key)).collect()
}

/// Whether the job's logs are open on its page: what they say is heard from there.
fn is_read(model: &Model, key: &JobKey) -> bool {
    model.page.as_ref().is_some_and(|page| page.logs.is_open() && page.job.key() == *key)
}

fn is_denied(model: &Model, job: &Job) -> bool {
    const READ: Right = Right { verb: "get", group: "", resource: "pods/log" };
    let is_here = |of: &Option<Name>| of.as_ref().is_none_or(|name| *name == job.row.namespace);
    model.session.denied.iter().any(|denied| denied.right == READ && is_here(&denied.namespace))
}

/// The runs that have ended, of the pods that tell.
fn ended(pods: &[&PodRow]) -> Vec<Wanted> {
    let of = |(nth, Teller { pod, previous, .. }): (usize, Teller<'_>)| {
        let container = main_container(pod)?;
        let ended = matches!(container.state, Some(ContainerState::Terminated(_)));
        let run = if previous { container.restarts.checked_sub(1)? } else { container.restarts };
        let stream = Stream { pod: pod.name.clone(), container: container.name.clone(), run };
        let tail = if nth == 0 { TAIL.0 } else { TAIL.1 };
        (previous || ended).then_some(Wanted { stream, previous, follow: false, tail })
    };
    telling(pods).into_iter().enumerate().filter_map(of).collect()
}
