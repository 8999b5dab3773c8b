//! Prompts for what a change needs to know: how many workers, which queue, which label.

use super::{apply, confirm, tell};
use crate::{
    changes::scalable,
    console::{
        commands::ChangeCommand,
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            overlay::{Completion, Overlay, Prompt, PromptEvent, Purpose},
            page::Kept,
        },
    },
};

/// Asks.
pub(super) fn open(model: &mut Model, id: ChangeCommand) -> Vec<Effect> {
    let targets = apply::targets(model);
    let Some(first) = targets.first() else {
        tell(model, Tone::Warn, "The job is gone");
        return Vec::new();
    };
    // What can't be done whatever is typed is said before anything is typed.
    if let Err(why) = apply::what(id, sample(id), first)
        && targets.len() == 1
    {
        tell(model, Tone::Warn, &apply::why_not(first, &why));
        return Vec::new();
    }
    let (label, text) = match id {
        ChangeCommand::Scale => ("Workers: ", workers(first)),
        ChangeCommand::Queue => ("Queue: ", String::new()),
        ChangeCommand::Priority => ("Priority class: ", String::new()),
        _ => ("Label (key=value, or key- to take it away): ", String::new()),
    };
    let mut prompt = Prompt::new(Purpose::Change(id), label, &text);
    prompt.completions = completions(model, id, first);
    model.overlays.push(Overlay::Prompt(prompt));
    Vec::new()
}

/// Something that would do, to find out whether anything does.
const fn sample(id: ChangeCommand) -> &'static str {
    match id {
        ChangeCommand::Scale => "9999",
        ChangeCommand::Label => "a=b",
        _ => "a",
    }
}

fn workers(job: &Kept) -> String {
    let role = scalable(job.row.kind);
    let spec = job.row.replicas.iter().find(|spec| Some(&spec.role) == role.as_ref());
    spec.and_then(|spec| spec.replicas).map_or_else(String::new, |n| n.to_string())
}

/// Queues and priorities that other jobs of the namespace use.
fn completions(model: &Model, id: ChangeCommand, job: &Kept) -> Vec<Completion> {
    let value = |row: &crate::jobs::JobRow| match id {
        ChangeCommand::Queue => row.queue.clone(),
        ChangeCommand::Priority => row.priority.clone(),
        _ => None,
    };
    let there = model.fleet.jobs().filter(|other| other.row.namespace == job.row.namespace);
    let mut values: Vec<_> = there.filter_map(|other| value(&other.row)).collect();
    values.sort();
    values.dedup();
    let of_others =
        |value: crate::jobs::Sym| Completion { line: value.to_string(), about: "used by other jobs".to_owned() };
    values.into_iter().map(of_others).collect()
}

/// Something happened to the prompt.
pub fn prompt(model: &mut Model, id: ChangeCommand, event: PromptEvent) -> Vec<Effect> {
    match event {
        PromptEvent::Done(text) if !text.trim().is_empty() => confirm::open(model, id, text.trim()),
        _ => Vec::new(),
    }
}
