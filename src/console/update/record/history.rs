//! Looking at what was recorded: the list of records, a page on one, and a page whose job is gone.

use super::{at_hand, shown};
use crate::{
    console::{
        effect::Effect,
        line_edit::LineEdit,
        model::{
            Model,
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose},
            record::{Opened, RecordEffect, Which},
        },
        update::page,
        widgets::picker,
    },
    disk::records::Summary,
    jobs::{Clean, Secs, time::duration},
};

const READING: &str = "reading ...";

/// Opens the list of records; it fills when they have been read.
pub(super) fn open_list(model: &mut Model) -> Vec<Effect> {
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Record,
        title: "Recorded jobs".to_owned(),
        line: LineEdit::default(),
        items: Vec::new(),
        selected: None,
        several: false,
        note: READING.to_owned(),
        free: false,
    }));
    vec![Effect::Record(RecordEffect::List)]
}

/// The records have been read.
pub(super) fn listed(model: &mut Model, listed: Result<Vec<Summary>, Clean>) {
    let now = model.now;
    let open = model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Picker(picker) if matches!(picker.purpose, PickerPurpose::Record | PickerPurpose::Compare) => {
            Some(picker)
        }
        _ => None,
    });
    let Some(open) = open else { return };
    match listed {
        Ok(all) => {
            open.note = match all.len() {
                0 => "nothing was recorded of this cluster yet".to_owned(),
                n => format!("{n} of this cluster, newest first; mpideck history lists those of all"),
            };
            open.items = all.iter().map(|one| item(one, now)).collect();
        }
        Err(problem) => open.note = problem.to_string(),
    }
    picker::refresh(open);
}

fn item(one: &Summary, now: Secs) -> PickerItem {
    let job = &one.header.job;
    let ago = |at: Secs| duration(now.since(at));
    let when = match one.deleted {
        Some(at) => format!("deleted {} ago", ago(at)),
        None => format!("{} ago", ago(one.last)),
    };
    let cause = one.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    PickerItem {
        id: one.dir.display().to_string(),
        label: shown(job),
        about: format!("{} {}, {when}{cause}", job.kind.info().kind, one.state),
        marked: false,
    }
}

/// A record was chosen.
pub fn picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    ids.first().map_or_else(Vec::new, |dir| ask(model, Which::Dir(dir.into())))
}

/// Opens the record of the job at hand.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    at_hand(model).map_or_else(Vec::new, |key| ask(model, Which::Job(key)))
}

fn ask(model: &mut Model, which: Which) -> Vec<Effect> {
    model.record.asked = Some(which.clone());
    vec![Effect::Record(RecordEffect::Open(which))]
}

/// A record was read.
pub(super) fn opened(model: &mut Model, which: &Which, result: Result<Option<Box<Opened>>, Clean>) -> Vec<Effect> {
    let asked = model.record.asked.take_if(|asked| asked == which).is_some();
    match result {
        Ok(Some(opened)) if asked => page::open_recorded(model, *opened),
        Ok(Some(opened)) => page::go_over(model, *opened),
        Ok(None) if asked => tell(model, "Nothing was recorded of this job"),
        Err(problem) if asked => tell(model, problem.as_str()),
        // The page keeps what it has.
        _ => Vec::new(),
    }
}

fn tell(model: &mut Model, text: &str) -> Vec<Effect> {
    model.notices.tell(model.now, Tone::Warn, text);
    Vec::new()
}
