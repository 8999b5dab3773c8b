//! What is worth keeping of the fleet's changes, and which jobs are followed.
//!
//! A job that is followed is written at every change, at most once a second; of others its changes of state, its
//! warnings, the pods that went, and one tail of the launcher's log when that ends or is restarted.

mod history;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

pub use history::picked;

use super::{compare, page};
use crate::{
    console::{
        commands::RecordCommand,
        effect::{Effect, Remember},
        model::{
            Model,
            notices::Tone,
            page::Kept,
            record::{MOST_FOLLOWED, Note, Pending, RecordEffect, RecordMessage, Seen, Wanted},
        },
    },
    disk::records::{self, Stream},
    jobs::{
        Name, PodRow, Secs,
        fleet::{Changed, Job, JobKey, Left, LeftJob},
        replica::replicas,
        row::{ContainerRow, ContainerState},
        state::{Derived, Severity},
    },
};

/// Jobs written at a time: the rest waits a second.
const MOST_NOTES: usize = 64;
/// Lines kept of what a leading replica wrote before it was looked at.
const LEADING: u32 = 5_000;
/// Lines kept of a replica in a bad way.
const BAD: u32 = 300;

/// The fleet changed.
pub fn changed(model: &mut Model, changed: &mut Changed) -> Vec<Effect> {
    // Alerts need pins where nothing is recorded, too.
    pin_wanted(model, &changed.jobs);
    if !model.session.is_recorded() {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for left in std::mem::take(&mut changed.left) {
        match left {
            Left::Job(job) => effects.extend(job_left(model, *job)),
            Left::Pod(key, pod) => pending(model, &key).left.push(*pod),
        }
    }
    for key in &changed.jobs {
        effects.extend(job_changed(model, key));
    }
    model.record.begun |= model.session.has_read();
    effects.extend(follow(model));
    effects.extend(due(model, MOST_NOTES, model.now));
    effects
}

fn pending<'a>(model: &'a mut Model, key: &JobKey) -> &'a mut Pending {
    let since = model.now;
    let new = || Pending { since, left: Vec::new() };
    model.record.pending.entry(key.clone()).or_insert_with(new)
}

fn job_changed(model: &mut Model, key: &JobKey) -> Vec<Effect> {
    let Some(job) = model.fleet.get(key) else { return Vec::new() };
    let followed = model.record.followed.contains(key);
    let pods = model.fleet.pods(key);
    let leading = pods.first().map(|pod| &pod.role);
    let ended = pods.iter().filter(|pod| Some(&pod.role) == leading && pod.index.unwrap_or(0) == 0);
    let seen = Seen { said: said(model, job), ended: ended.map(|pod| ended_runs(pod)).sum() };
    let before = model.record.seen.insert(key.uid.clone(), seen);
    // What was so when we came is not news.
    let before = before.filter(|_| model.record.begun);
    let news = before.is_some_and(|before| before.said != seen.said);
    let tail = before.is_some_and(|before| seen.ended > before.ended);
    if news || followed || tail {
        pending(model, key);
    }
    if followed || tail { logs(model, key, followed) } else { Vec::new() }
}

/// What the console says of a job, in a number.
fn said(model: &Model, job: &Job) -> u64 {
    let mut hasher = DefaultHasher::new();
    job.derived.state.word().hash(&mut hasher);
    if let Some(cause) = &job.derived.cause {
        cause.rule.hash(&mut hasher);
        cause.replica.hash(&mut hasher);
    }
    if let Some(event) = model.fleet.events(&job.key()).first() {
        (&event.uid, event.count).hash(&mut hasher);
    }
    hasher.finish()
}

/// Runs of a pod's containers that have ended.
fn ended_runs(pod: &PodRow) -> u32 {
    let ended = |c: &ContainerRow| matches!(c.state, Some(ContainerState::Terminated(_)));
    pod.containers.iter().map(|c| u32::from(c.restarts) + u32::from(ended(c))).sum()
}

/// A job is gone: what the fleet had of it is kept now.
fn job_left(model: &mut Model, left: LeftJob) -> Vec<Effect> {
    let LeftJob { row, derived, pods, events: warnings, workload } = left;
    let job = Kept { row, derived, pods, warnings, workload, odd: Vec::new() };
    let key = job.key();
    let waited = model.record.pending.remove(&key).unwrap_or_default();
    model.record.seen.remove(&key.uid);
    // A list that is narrowed drops jobs that are still there.
    let deleted = model.session.narrowed.is_none();
    vec![Effect::Record(RecordEffect::Note(
        model.session.id,
        Box::new(note(model.now, key, job, waited.left, deleted)),
    ))]
}

fn note(at: Secs, key: JobKey, job: Kept, left: Vec<PodRow>, deleted: bool) -> Note {
    let Derived { state, cause, .. } = &*job.derived;
    let cause = cause.as_ref().map(|cause| (cause.title.clone(), cause.remedy.clone()));
    let change = records::change(at, &state.to_string(), state.is_finished(), cause);
    Note { at, key, job, change, left, deleted }
}

/// Writes what has waited for a second, at most `most` jobs.
pub fn due(model: &mut Model, most: usize, now: Secs) -> Vec<Effect> {
    let waits = |pending: &Pending| pending.since.plus(1) > now;
    let due = model.record.pending.iter().filter(|(_, pending)| !waits(pending));
    let due: Vec<JobKey> = due.map(|(key, _)| key.clone()).take(most).collect();
    let mut effects = Vec::new();
    for key in due {
        let Some(Pending { left, .. }) = model.record.pending.remove(&key) else { continue };
        let Some(job) = Kept::of(&model.fleet, &key) else { continue };
        let note = note(now, key, job, left, false);
        effects.push(Effect::Record(RecordEffect::Note(model.session.id, Box::new(note))));
    }
    effects
}

/// Writes all that waits: the console ends.
pub fn flush(model: &mut Model) -> Vec<Effect> {
    due(model, usize::MAX, Secs(u32::MAX))
        .into_iter()
        .map(|effect| match effect {
            Effect::Record(RecordEffect::Note(id, mut note)) => {
                (note.at, note.change.at) = (model.now, model.now);
                Effect::Record(RecordEffect::Note(id, note))
            }
            other => other,
        })
        .collect()
}

/// Follows the jobs that are opened or pinned, and lets go of the others.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    let now_followed = if model.session.is_recorded() { wanted(model) } else { Vec::new() };
    if now_followed == model.record.followed {
        return Vec::new();
    }
    let before = std::mem::replace(&mut model.record.followed, now_followed);
    let after = model.record.followed.clone();
    let mut effects = Vec::new();
    for key in before.iter().filter(|key| !after.contains(key)) {
        effects.push(Effect::Record(RecordEffect::Unfollow(key.clone())));
    }
    for key in after.iter().filter(|key| !before.contains(key)) {
        effects.push(Effect::Record(RecordEffect::Follow(model.session.id, key.clone())));
        effects.extend(logs(model, key, true));
        pending(model, key);
    }
    effects
}

/// The open page's job, those that were pinned, then those opened last; a job that has ended makes room.
fn wanted(model: &Model) -> Vec<JobKey> {
    let record = &model.record;
    let open = model.page.as_ref().filter(|page| page.recorded.is_none()).map(|page| page.job.key());
    let lives = |key: &&JobKey| model.fleet.get(key).is_some_and(|job| !job.derived.state.is_finished());
    let there = |key: &&JobKey| model.fleet.get(key).is_some();
    let others = record.pinned.iter().chain(&record.opened).filter(lives);
    let mut all: Vec<JobKey> = Vec::new();
    for key in open.iter().filter(there).chain(others) {
        if !all.contains(key) && all.len() < MOST_FOLLOWED {
            all.push(key.clone());
        }
    }
    all.sort();
    all
}

/// The logs to keep: of the leading replica, as it grows where the job is followed; there also of replicas that ended
/// badly.
fn logs(model: &Model, key: &JobKey, followed: bool) -> Vec<Effect> {
    let Some(job) = model.fleet.get(key) else { return Vec::new() };
    let pods = model.fleet.pods(key);
    let mut wanted = Vec::new();
    for (i, replica) in replicas(&job.row, &pods).iter().enumerate() {
        let bad = replica.status().severity <= Severity::Warn;
        if i > 0 && !(followed && bad) {
            continue;
        }
        let tail = if i == 0 { LEADING } else { BAD };
        for pod in &replica.attempts {
            wanted.extend(logs_of(pod, i == 0 && followed, tail));
        }
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    vec![Effect::Record(RecordEffect::Logs(model.session.id, key.clone(), wanted))]
}

fn logs_of(pod: &PodRow, follow: bool, tail: u32) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for container in pod.containers.iter().filter(|container| !container.init) {
        let stream = |run| Stream { pod: pod.name.clone(), container: container.name.clone(), run };
        if let (Some(_), Some(run)) = (&container.last, container.restarts.checked_sub(1)) {
            wanted.push(Wanted { stream: stream(run), previous: true, follow: false, tail });
        }
        let (ended, runs) = match &container.state {
            Some(ContainerState::Terminated(_)) => (true, false),
            Some(ContainerState::Running(_)) => (false, true),
            _ => (false, false),
        };
        if ended || (runs && follow) {
            wanted.push(Wanted { stream: stream(container.restarts), previous: false, follow: runs, tail });
        }
    }
    wanted
}

/// Follows a job whether its page is open or not, or not any more; also in later runs.
pub fn pin(model: &mut Model, key: &JobKey) -> Vec<Effect> {
    let all = &mut model.record.pinned;
    let known = all.iter().position(|other| other == key);
    if let Some(at) = known {
        all.remove(at);
        model.record.opened.retain(|other| other != key);
    } else {
        all.push(key.clone());
    }
    let pinned = known.is_none();
    let (context, uid) = (model.session.context.clone(), key.uid.clone());
    if let Some(info) = model.session.contexts.iter_mut().find(|info| info.name == context) {
        if pinned {
            info.pins.insert(uid.clone())
        } else {
            info.pins.remove(&uid)
        };
    }
    let mut effects = follow(model);
    effects.push(Effect::Remember(Remember::Pin { context, uid, pinned }));
    effects
}

/// A command of the recorder.
pub fn command(model: &mut Model, id: RecordCommand) -> Vec<Effect> {
    match id {
        RecordCommand::Pin => {
            let Some(key) = at_hand(model) else { return Vec::new() };
            let effects = pin(model, &key);
            let pinned = model.record.pinned.contains(&key);
            let text = match (pinned, model.session.is_recorded()) {
                (false, _) => "is not pinned any more",
                (true, true) => "is recorded until it is unpinned",
                (true, false) => "is watched until it is unpinned; it is not recorded",
            };
            model.notices.tell(model.now, Tone::Info, &format!("{} {text}", shown(&key)));
            effects
        }
        RecordCommand::History => history::open_list(model),
        RecordCommand::Show => history::show(model),
    }
}

/// The job of the page, else the selected one.
fn at_hand(model: &Model) -> Option<JobKey> {
    model.page.as_ref().map(|page| page.job.key()).or_else(|| model.list.selected.clone())
}

/// The recorder told something.
pub fn message(model: &mut Model, message: RecordMessage) -> Vec<Effect> {
    match message {
        RecordMessage::State(state) => {
            match (&model.record.state.problem, &state.problem) {
                (None, Some(problem)) => {
                    model.notices.tell(model.now, Tone::Warn, &format!("Not recorded: {problem}"));
                }
                (Some(_), None) => model.notices.tell(model.now, Tone::Good, "Jobs are recorded again"),
                _ => model.dirty = false,
            }
            model.record.state = state;
            Vec::new()
        }
        RecordMessage::Listed(all) => {
            history::listed(model, all);
            Vec::new()
        }
        RecordMessage::Numbers(key, source, measured) => {
            page::measured(model, &key, source, *measured);
            Vec::new()
        }
        RecordMessage::Opened(which, result) if compare::wants(model, &which) => compare::opened(model, &which, result),
        RecordMessage::Opened(which, result) => history::opened(model, &which, result),
    }
}

/// Pins the jobs of these names as they come, and those that were pinned before.
fn pin_wanted(model: &mut Model, keys: &[JobKey]) {
    let wanted = |key: &JobKey| {
        let name = format!("{}/{}", key.namespace, key.name);
        model.record.wanted.iter().any(|text| *text == name || text == key.name.as_str())
    };
    let known = |key: &JobKey| model.session.info().is_some_and(|info| info.pins.contains(&key.uid));
    let new: Vec<JobKey> = keys.iter().filter(|key| wanted(key) || known(key)).cloned().collect();
    for key in new {
        if !model.record.pinned.contains(&key) && model.fleet.get(&key).is_some() {
            model.record.pinned.push(key);
        }
    }
}

/// A short name for messages.
pub fn shown(key: &JobKey) -> String {
    let JobKey { namespace, name, .. } = key;
    format!("{}/{}", Name::as_str(namespace), name)
}

#[cfg(test)]
mod tests;
