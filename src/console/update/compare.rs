//! What commands and records do to the comparison of runs.

use crate::console::{
    commands::CompareCommand,
    effect::Effect,
    layout,
    line_edit::LineEdit,
    model::{
        Model,
        compare::{CompareModel, MOST, Picked},
        notices::Tone,
        overlay::{Overlay, Picker, PickerPurpose},
        record::{Opened, RecordEffect, Which},
    },
    view::compare as view,
};
use crate::jobs::{Clean, Raw, compare::Run};

/// A command of the comparison.
pub fn command(model: &mut Model, id: CompareCommand) -> Vec<Effect> {
    match id {
        CompareCommand::Open => return open(model),
        CompareCommand::Add => return add(model),
        CompareCommand::SaveJson | CompareCommand::SaveCsv => return save(model, id),
        _ => {}
    }
    let height = usize::from(layout::regions(model.size).body.height.saturating_sub(2 + view::HEAD));
    let lines = model.compare().map_or(0, |open| view::lines(model, open).len());
    let Some(open) = model.compare_mut() else { return Vec::new() };
    let last = open.picked.len().saturating_sub(1);
    match id {
        CompareCommand::Down => open.top = (open.top + 1).min(lines.saturating_sub(height)),
        CompareCommand::Up => open.top = open.top.saturating_sub(1),
        CompareCommand::Left => open.at = open.at.saturating_sub(1),
        CompareCommand::Right => open.at = (open.at + 1).min(last),
        CompareCommand::Base => open.base = open.at,
        CompareCommand::Remove => remove(open),
        _ => {}
    }
    Vec::new()
}

/// The marked jobs, the oldest first: it is the baseline.
fn open(model: &mut Model) -> Vec<Effect> {
    let mut keys = model.list.targets();
    keys.sort_by_key(|key| (model.fleet.get(key).map(|job| job.row.created), key.clone()));
    if keys.len() > MOST {
        let text = format!("The first {MOST} of {} marked jobs are compared", keys.len());
        model.notices.tell(model.now, Tone::Warn, &text);
        keys.truncate(MOST);
    }
    for key in &keys {
        model.listen.looked.remove(&key.uid);
    }
    let open = CompareModel::of(keys, &model.fleet, model.now);
    model.overlays.push(Overlay::Compare(Box::new(open)));
    // What their logs say is looked for at once.
    model.listen.followed = None;
    Vec::new()
}

/// Jobs are about to change, or to go: what is compared is remembered as it is.
pub fn see(model: &mut Model) {
    let (now, fleet) = (model.now, &model.fleet);
    let open = model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Compare(open) => Some(open),
        _ => None,
    });
    if let Some(open) = open {
        open.see(fleet, now);
    }
}

fn remove(open: &mut CompareModel) {
    if open.picked.len() < 2 || open.at >= open.picked.len() {
        return;
    }
    open.picked.remove(open.at);
    if open.base == open.at {
        open.base = 0;
    } else if open.base > open.at {
        open.base -= 1;
    }
    open.at = open.at.min(open.picked.len() - 1);
}

fn add(model: &mut Model) -> Vec<Effect> {
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Compare,
        title: "Compare with recorded jobs".to_owned(),
        line: LineEdit::default(),
        items: Vec::new(),
        selected: None,
        several: true,
        note: "reading ...".to_owned(),
        free: false,
    }));
    vec![Effect::Record(RecordEffect::List)]
}

/// Records were chosen.
pub fn picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    let Some(open) = model.compare_mut() else { return Vec::new() };
    let room = MOST.saturating_sub(open.picked.len());
    open.wanted.extend(ids.iter().take(room).map(Into::into));
    let which = open.wanted.iter().map(|dir| Which::Dir(dir.clone()));
    let effects = which.map(|which| Effect::Record(RecordEffect::Open(which))).collect();
    if ids.len() > room {
        model.notices.tell(model.now, Tone::Warn, &format!("{MOST} runs are compared at most"));
    }
    effects
}

/// Whether a record is read for the comparison.
pub fn wants(model: &Model, which: &Which) -> bool {
    let is_wanted = |open: &CompareModel| matches!(which, Which::Dir(dir) if open.wanted.contains(dir));
    model.compare().is_some_and(is_wanted)
}

/// A record was read for the comparison.
pub fn opened(model: &mut Model, which: &Which, result: Result<Option<Box<Opened>>, Clean>) -> Vec<Effect> {
    let (Which::Dir(dir), Some(open)) = (which, model.compare_mut()) else { return Vec::new() };
    open.wanted.retain(|other| other != dir);
    match result {
        Ok(Some(opened)) => {
            let (job, last) = (&opened.job, opened.recorded.last);
            let run = Run::of(&job.row, &job.pod_refs(), job.workload.as_ref(), &job.derived, last, true);
            let is_it = |picked: &Picked| matches!(picked, Picked::Recorded(other, _) if other == dir);
            if !open.picked.iter().any(is_it) {
                open.picked.push(Picked::Recorded(dir.clone(), Box::new(run)));
            }
        }
        Ok(None) => model.notices.tell(model.now, Tone::Warn, "This record is gone"),
        Err(problem) => model.notices.tell(model.now, Tone::Warn, problem.as_str()),
    }
    Vec::new()
}

fn save(model: &Model, id: CompareCommand) -> Vec<Effect> {
    let Some(open) = model.compare() else { return Vec::new() };
    let runs = open.runs(&model.fleet, model.now);
    let sheet = view::sheet(model, open, &runs);
    let (text, ending) = match id {
        CompareCommand::SaveCsv => (sheet.csv(), "csv"),
        _ => (format!("{:#}\n", sheet.json()), "json"),
    };
    let first = runs.get(sheet.base).map(|run| format!("{}-{}", run.namespace, run.name)).unwrap_or_default();
    vec![Effect::Save(format!("{first}-compared.{ending}"), Raw::new(text))]
}

#[cfg(test)]
mod tests;
