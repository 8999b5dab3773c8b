//! Telling when a pinned job changes its state, whatever one looks at.

use crate::{
    console::model::{Model, notices::Tone},
    jobs::{
        fleet::{Changed, Left},
        state::{Derived, Severity},
    },
};

/// These jobs changed in the fleet.
pub fn changed(model: &mut Model, changed: &Changed) {
    let pinned = &model.record.pinned;
    model.alert.states.retain(|key, _| pinned.contains(key));
    let mut told = Vec::new();
    for key in changed.jobs.iter().filter(|key| pinned.contains(key)) {
        let Some(job) = model.fleet.get(key) else { continue };
        let word = job.derived.state.word();
        let before = model.alert.states.insert(key.clone(), word);
        if let Some(before) = before.filter(|before| *before != word) {
            let cause = job.derived.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", cause.title));
            told.push((
                tone(&job.derived),
                format!("{}/{}: {before}, now {}{cause}", key.namespace, key.name, job.derived.state),
            ));
        }
    }
    for left in &changed.left {
        let Left::Job(job) = left else { continue };
        let at = model.alert.states.iter().find(|(key, _)| key.uid == job.row.uid).map(|(key, _)| key.clone());
        if let Some(key) = at {
            model.alert.states.remove(&key);
            told.push((Tone::Warn, format!("{}/{}: deleted", key.namespace, key.name)));
        }
    }
    for (tone, text) in told {
        model.notices.tell(model.now, tone, &text);
        model.dirty = true;
    }
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
