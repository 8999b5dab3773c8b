//! Prompts for what a change needs to know: how many workers, which queue, which label.

use super::{apply, confirm, tell};
use crate::{
    changes::scalable,
    console::{
        commands::ChangeCommand,
        effect::Effect,
        model::{
            Model,
            draft::Names,
            notices::Tone,
            overlay::{Completion, Overlay, Prompt, PromptEvent, Purpose},
            page::Kept,
        },
        update::offers,
    },
    jobs::{JobRow, Name, form::Listed},
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
    let namespace = first.row.namespace.clone();
    let mut prompt = Prompt::new(Purpose::Change(id), label, &text);
    prompt.completions = completions(model, id, &namespace);
    model.overlays.push(Overlay::Prompt(prompt));
    offers::ask(model, Some(namespace), listed(id))
}

/// The objects that a change names.
const fn listed(id: ChangeCommand) -> Option<Listed> {
    match id {
        ChangeCommand::Queue => Some(Listed::LocalQueues),
        ChangeCommand::Priority => Some(Listed::WorkloadPriorityClasses),
        _ => None,
    }
}

/// Names of objects came: a prompt that is open offers them.
pub fn offered(model: &mut Model) {
    let Some(Overlay::Prompt(Prompt { purpose: Purpose::Change(id), .. })) = model.overlays.last() else { return };
    let (id, Some(namespace)) = (*id, model.drafts.offers.namespace.clone()) else { return };
    let completions = completions(model, id, &namespace);
    if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
        (prompt.completions, prompt.chosen) = (completions, None);
    }
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

/// Queues and priorities of the namespace, and those that its other jobs use.
fn completions(model: &Model, id: ChangeCommand, namespace: &Name) -> Vec<Completion> {
    let Some(listed) = listed(id) else { return Vec::new() };
    let value = |row: &JobRow| if id == ChangeCommand::Queue { row.queue.clone() } else { row.priority.clone() };
    let there = model.fleet.jobs().filter(|other| other.row.namespace == *namespace);
    let mut used: Vec<String> = there.filter_map(|other| Some(value(&other.row)?.to_string())).collect();
    used.sort();
    used.dedup();
    let offers = &model.drafts.offers;
    let known = match offers.names.get(&listed).filter(|_| offers.namespace.as_ref() == Some(namespace)) {
        Some(Names::Known(names)) => names.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let of_others = |name: &String| if used.contains(name) { "used by other jobs" } else { "" };
    // What nobody could list is still offered where others use it.
    let rest = used.iter().filter(|name| !known.contains(name));
    let all = known.iter().chain(rest);
    all.map(|name| Completion { line: name.clone(), about: of_others(name).to_owned() }).collect()
}

/// Something happened to the prompt.
pub fn prompt(model: &mut Model, id: ChangeCommand, event: PromptEvent) -> Vec<Effect> {
    match event {
        PromptEvent::Done(text) if text.trim().is_empty() => Vec::new(),
        PromptEvent::Done(text) if id == ChangeCommand::CleanUp => super::clean_up::ended(model, text.trim()),
        PromptEvent::Done(text) => confirm::open(model, id, text.trim()),
        _ => Vec::new(),
    }
}
