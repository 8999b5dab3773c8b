//! What is new of watched jobs: another state, GPUs that have gone idle.

use std::collections::BTreeSet;

use super::tell::tell;
use crate::{
    changes::{Change, Report, What},
    config::AlertJobs,
    console::{
        effect::Effect,
        model::{Model, alert::Alert, notices::Tone},
    },
    jobs::{
        Clean, Name,
        fleet::{Changed, Job, JobKey, Left, ListOf},
        replica::{Replica, replicas},
        state::{Derived, Severity},
        time::duration,
        usage::{Flag, flags::IDLE_FOR},
    },
};

/// Pods that a program is told of by name: there is only so much room in an environment.
const MOST_NAMED: usize = 100;

/// Jobs may have become watched ones, or be that no more.
pub fn watch(model: &mut Model) {
    let (alert, record) = (&mut model.alert, &model.record);
    let opened = record.opened.iter().filter(|_| alert.settings.jobs == AlertJobs::Watched);
    let pinned = record.pinned.iter().filter(|_| alert.settings.jobs != AlertJobs::Off);
    let watched: BTreeSet<&JobKey> = pinned.chain(opened).collect();
    alert.states.retain(|key, _| watched.contains(key));
    alert.idle.retain(|key, _| watched.contains(key));
    for key in watched {
        if !alert.states.contains_key(key)
            && let Some(job) = model.fleet.get(key)
        {
            alert.states.insert(key.clone(), job.derived.state.word());
        }
    }
}

/// These jobs changed in the fleet.
pub fn changed(model: &mut Model, changed: &Changed) -> Vec<Effect> {
    let session = model.session.id;
    // What was so when we came is not news, nor is what is still being read.
    if model.alert.begun != Some(session) && model.session.has_read() {
        model.alert.begun = Some(session);
    }
    let news = model.alert.begun == Some(session);
    let mut alerts = Vec::new();
    for key in &changed.jobs {
        let (Some(before), Some(job)) = (model.alert.states.get_mut(key), model.fleet.get(key)) else { continue };
        let word = job.derived.state.word();
        let before = std::mem::replace(before, word);
        if news && before != word && !model.alert.own.contains(&key.uid) {
            alerts.push(of_state(key, before, job));
        }
    }
    // A list that is narrowed drops jobs that are still there.
    let gone = changed.left.iter().filter(|_| model.session.narrowed.is_none());
    for left in gone {
        let Left::Job(job) = left else { continue };
        // Nor does it say anything that jobs of its kind are not read any more.
        let of = ListOf::Jobs(job.row.kind);
        if model.session.planned.as_ref().is_some_and(|lists| lists.iter().all(|list| list.of != of)) {
            continue;
        }
        let at = model.alert.states.keys().find(|key| key.uid == job.row.uid).cloned();
        if let Some(key) = at {
            model.alert.states.remove(&key);
            // Who deleted it knows.
            if !model.alert.own.remove(&key.uid) {
                alerts.push(of_gone(&key, &job.derived));
            }
        }
    }
    let effects = tell(model, &alerts);
    watch(model);
    effects
}

/// These changes were sent: a job that they delete is gone by our own hand.
pub fn sent(model: &mut Model, changes: &[Change]) {
    let deleted = changes.iter().filter(|change| matches!(change.what, What::Delete { .. } | What::Restart));
    model.alert.own.extend(deleted.filter_map(|change| change.subject.uid.clone()));
}

/// They are over: what was not deleted is watched as before.
pub fn over(model: &mut Model, report: &Report) {
    for item in report.items.iter().filter(|item| item.outcome.as_done().is_none()) {
        if let Some(uid) = &item.change.subject.uid {
            model.alert.own.remove(uid);
        }
    }
}

fn of_state(key: &JobKey, before: &'static str, job: &Job) -> Alert {
    let derived = &job.derived;
    let cause = derived.cause.as_ref().map_or_else(String::new, |cause| cause.title.to_string());
    let colon = if cause.is_empty() { "" } else { ": " };
    let text = format!("{}/{}: {before}, now {}{colon}{cause}", key.namespace, key.name, derived.state);
    let mut fields = of_job("state", key, derived.state.word());
    fields.extend([("before", before.to_owned()), ("cause", cause)]);
    let quiet = derived.state.is_waiting();
    Alert { tone: tone(derived), text: Clean::new(&text), quiet, fields }
}

fn of_gone(key: &JobKey, derived: &Derived) -> Alert {
    let text = Clean::new(&format!("{}/{}: deleted", key.namespace, key.name));
    let fields = of_job("deleted", key, derived.state.word());
    Alert { tone: Tone::Warn, text, quiet: false, fields }
}

fn of_job(kind: &str, key: &JobKey, state: &str) -> Vec<(&'static str, String)> {
    vec![
        ("kind", kind.to_owned()),
        ("namespace", key.namespace.to_string()),
        ("name", key.name.to_string()),
        ("job_kind", key.kind.to_string()),
        ("uid", key.uid.to_string()),
        ("state", state.to_owned()),
    ]
}

/// How good the news is.
fn tone(derived: &Derived) -> Tone {
    match derived.state.severity() {
        Severity::Bad => Tone::Bad,
        Severity::Warn => Tone::Warn,
        Severity::Wait => Tone::Info,
        Severity::Good | Severity::Done => Tone::Good,
    }
}

/// What a job uses was measured, and the fleet knows what is odd about it.
pub fn measured(model: &mut Model, key: &JobKey) -> Vec<Effect> {
    let Some(job) = model.fleet.get(key).filter(|_| model.alert.states.contains_key(key)) else { return Vec::new() };
    let odd = model.fleet.odd(key).iter().filter(|(_, flag)| matches!(flag, Flag::Idle(_)));
    let idle: BTreeSet<Name> = odd.map(|(pod, _)| pod.clone()).collect();
    let before = model.alert.idle.get(key);
    let new = before.map(|before| idle.iter().filter(|pod| !before.contains(*pod)).collect::<Vec<_>>());
    // What has ended or is on its way need not work.
    let new = new.filter(|new| !new.is_empty() && job.derived.state.is_running());
    let alert = new.map(|new| of_idle(model, key, job, &new));
    model.alert.idle.insert(key.clone(), idle);
    tell(model, alert.as_slice())
}

fn of_idle(model: &Model, key: &JobKey, job: &Job, pods: &[&Name]) -> Alert {
    let rows = model.fleet.pods(key);
    let all = replicas(&job.row, &rows);
    let title = |pod: &Name| all.iter().find(|r| r.pod().is_some_and(|row| row.name == *pod)).map(Replica::title);
    let first = pods.first().map_or_else(String::new, |pod| title(pod).unwrap_or_else(|| pod.to_string()));
    let more = if pods.len() > 1 { format!(" and {} more", pods.len() - 1) } else { String::new() };
    let text = format!("{}/{}: GPUs of {first}{more} idle for over {}", key.namespace, key.name, duration(IDLE_FOR));
    let mut fields = of_job("idle", key, job.derived.state.word());
    fields.push(("pods", pods.iter().take(MOST_NAMED).map(|pod| pod.as_str()).collect::<Vec<_>>().join(" ")));
    Alert { tone: Tone::Warn, text: Clean::new(&text), quiet: false, fields }
}
