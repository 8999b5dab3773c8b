//! Clean-up of many jobs at once: GPUs that jobs hold which have ended, and jobs that ended long ago.
//!
//! Only chooses the jobs, among those in scope; the question about them and the changes are those of single jobs.

use super::{confirm, tell};
use crate::{
    config::value::duration,
    console::{
        commands::ChangeCommand,
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            overlay::{Overlay, Prompt, Purpose},
            page::Kept,
        },
    },
    jobs::{fleet::Job, quantity::counted, time},
};

/// What is offered for how long ago.
const LONG_AGO: &str = "7d";

/// Jobs in scope, oldest first.
fn chosen(model: &Model, wanted: impl Fn(&Job) -> bool) -> Vec<Kept> {
    let mut jobs: Vec<_> = model.fleet.jobs().filter(|job| wanted(job)).collect();
    jobs.sort_by_key(|job| (job.row.created, job.row.name.clone()));
    jobs.into_iter().filter_map(|job| Kept::of(&model.fleet, &job.key())).collect()
}

/// «Free 48 GPUs in 3 jobs?»
pub(super) fn free(model: &mut Model) -> Vec<Effect> {
    let jobs = chosen(model, |job| job.derived.leaked_gpus > 0);
    if jobs.is_empty() {
        tell(model, Tone::Info, "No job in scope that has ended holds GPUs");
        return Vec::new();
    }
    let gpus = jobs.iter().map(|job| u64::from(job.derived.leaked_gpus)).sum();
    let title = format!("Free {} in {}?", counted(gpus, "GPU"), counted(jobs.len() as u64, "job"));
    confirm::open_for(model, ChangeCommand::Free, "", jobs, Some(title))
}

/// Asks how long ago.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    let mut prompt =
        Prompt::new(Purpose::Change(ChangeCommand::CleanUp), "Delete jobs that ended longer ago than: ", LONG_AGO);
    "as 36h or 7d".clone_into(&mut prompt.hint);
    model.overlays.push(Overlay::Prompt(prompt));
    Vec::new()
}

/// `:clean-up AGE`: the prompt that was opened is answered with what was typed with the command.
pub fn answer(model: &mut Model, ago: &str, effects: Vec<Effect>) -> Vec<Effect> {
    let is_asked = matches!(model.overlays.last(), Some(Overlay::Prompt(prompt)) if prompt.purpose == Purpose::Change(ChangeCommand::CleanUp));
    if ago.is_empty() || !is_asked {
        return effects;
    }
    model.overlays.pop();
    ended(model, ago)
}

/// «Delete 5 jobs that ended more than 7d ago?»
pub(super) fn ended(model: &mut Model, ago: &str) -> Vec<Effect> {
    let Some(length) = duration(ago).and_then(|length| u32::try_from(length.as_secs()).ok()) else {
        tell(model, Tone::Warn, &format!("«{ago}» is no length of time: write it as 36h or 7d"));
        return Vec::new();
    };
    let now = model.now;
    let old =
        |job: &Job| job.derived.finished.is_some_and(|at| job.derived.state.is_finished() && now.since(at) > length);
    let jobs = chosen(model, old);
    let ago = time::duration(length);
    if jobs.is_empty() {
        tell(model, Tone::Info, &format!("No job in scope ended more than {ago} ago"));
        return Vec::new();
    }
    let title = format!("Delete {} that ended more than {ago} ago?", counted(jobs.len() as u64, "job"));
    confirm::open_for(model, ChangeCommand::Delete, "", jobs, Some(title))
}
