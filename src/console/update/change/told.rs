//! From yes to what came of it.

use super::tell;
use crate::{
    changes::{Confirmed, Item, Outcome, Report, What, undo::Undoable},
    console::{
        effect::Effect,
        line_edit::LineEdit,
        model::{
            Model,
            change::{ChangeEffect, ChangeId, ChangeMessage, Running},
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose, TextOverlay, TextSource},
            page::metrics::Asking,
            visit::VisitEffect,
        },
        update::{alert, page},
    },
    jobs::{Clean, fleet::JobKey, time::duration},
};

/// Things to take back that are offered.
const OFFERED: usize = 20;

/// Sends what was confirmed.
pub fn begin(model: &mut Model, confirmed: Confirmed) -> Vec<Effect> {
    let changes = confirmed.changes();
    let what = match changes {
        [one] => one.to_string(),
        [first, ..] => format!("{} of {} objects", first.what.verb(), changes.len()),
        [] => return Vec::new(),
    };
    alert::sent(model, changes);
    let id = model.changes.begin(Running {
        since: model.now,
        context: Clean::new(&model.session.context),
        what: Clean::new(&what),
        of: changes.len(),
        progress: None,
        // A visit takes as long as one stays.
        slow: changes.iter().any(|change| change.what.is_visit()),
    });
    if changes.len() > 1 {
        show(model);
    }
    let (session, first) = (model.session.id, changes.first().map(|change| &change.what));
    match first {
        Some(What::Shell { .. } | What::Command { .. }) => {
            vec![Effect::Visit(VisitEffect::Lend(id, session, confirmed))]
        }
        Some(What::Measure { every, pods, .. }) => {
            if let (Some(page), true) = (&mut model.page, every.is_some()) {
                page.metrics.asking = Some(Asking { id, pods: pods.clone() });
            }
            let page = model.page.as_ref().map(|page| page.id).unwrap_or_default();
            vec![Effect::Visit(VisitEffect::Measure(id, session, page, confirmed))]
        }
        Some(What::Forward { .. }) => vec![Effect::Visit(VisitEffect::Forward(id, session, confirmed))],
        _ => {
            tell(model, Tone::Info, &format!("Sent: {what}"));
            vec![Effect::Change(ChangeEffect::Run(id, session, confirmed))]
        }
    }
}

/// What is under way, on top.
pub(super) fn show(model: &mut Model) {
    if !is_shown(model) {
        let source = TextSource::Changes;
        model.overlays.push(Overlay::Text(TextOverlay { source, scroll: 0, search: String::new() }));
    }
}

fn is_shown(model: &Model) -> bool {
    let shows = |overlay: &Overlay| matches!(overlay, Overlay::Text(text) if text.source == TextSource::Changes);
    model.overlays.iter().any(shows)
}

/// Something happened to changes.
pub fn message(model: &mut Model, message: ChangeMessage) -> Vec<Effect> {
    match message {
        ChangeMessage::Progress(id, progress) => {
            if let Some(running) = model.changes.running.get_mut(&id) {
                running.progress = Some(progress);
            }
            Vec::new()
        }
        ChangeMessage::Over(id, report) => over(model, id, &report),
        ChangeMessage::Resumed(report) => {
            tell(model, Tone::Warn, "What was interrupted on this cluster went on");
            ended(model, "", &report)
        }
        ChangeMessage::GivenUp(changes) => {
            for what in changes {
                let text = format!(
                    "Interrupted over an hour ago and given up: {what}. If it deleted a job, :undo makes it again"
                );
                tell(model, Tone::Warn, &text);
            }
            Vec::new()
        }
        ChangeMessage::Log(log) => {
            model.changes.log = Some(log);
            Vec::new()
        }
        ChangeMessage::Undoable(found) => offer(model, found),
    }
}

fn over(model: &mut Model, id: ChangeId, report: &Report) -> Vec<Effect> {
    let Some(running) = model.changes.running.remove(&id) else { return Vec::new() };
    model.visits.forwards.remove(&id);
    if let Some(page) = &mut model.page {
        page.metrics.asking.take_if(|asking| asking.id == id);
    }
    let place = if running.context.as_str() == model.session.context {
        String::new()
    } else {
        format!(" (context {})", running.context)
    };
    ended(model, &place, report)
}

/// Changes are over: says how, and goes on to what was made.
fn ended(model: &mut Model, place: &str, report: &Report) -> Vec<Effect> {
    alert::over(model, report);
    let (tone, text) = summary(report);
    tell(model, tone, &format!("{text}{place}"));
    if let Some(why) = &report.unlogged {
        tell(model, Tone::Warn, &format!("The change log could not be written: {why}"));
    }
    if place.is_empty() {
        model.changes.expected = made(report).or(model.changes.expected.take());
    }
    for item in &report.items {
        if let Some(key) = item.change.subject.job_key().filter(|_| item.outcome.as_done().is_some()) {
            model.list.marks.remove(&key);
        }
    }
    let mut effects = settled(model);
    if is_shown(model) {
        effects.push(Effect::Change(ChangeEffect::ReadLog));
    }
    effects
}

/// One line on all of them.
fn summary(report: &Report) -> (Tone, String) {
    match report.items.as_slice() {
        [one] => {
            let tone = match one.outcome {
                Outcome::Done(_) => Tone::Good,
                Outcome::Failed(_) => Tone::Bad,
                Outcome::Unknown(_) => Tone::Warn,
            };
            (tone, one.to_string())
        }
        items if report.is_done() => {
            let past = items.first().map_or("Changed", |item| item.change.what.past());
            (Tone::Good, format!("{past} {} jobs", items.len()))
        }
        items => {
            let first = items.iter().find(|item| item.outcome.as_done().is_none());
            let why = first.map_or_else(String::new, ToString::to_string);
            (Tone::Bad, format!("{} of {} done; {why} (:changes tells all)", report.done(), items.len()))
        }
    }
}

/// The job that was made, where it was one alone.
fn made(report: &Report) -> Option<JobKey> {
    let mut made = report.items.iter().filter_map(|Item { change, outcome }| {
        let uid = outcome.as_done()?.uid.clone()?;
        let is_made = matches!(change.what, What::Create { .. } | What::Restart);
        let subject = crate::changes::Subject { uid: Some(uid), ..change.subject.clone() };
        is_made.then(|| subject.job_key()).flatten()
    });
    made.next().filter(|_| made.next().is_none())
}

/// Opens the page of the job that we made, once the fleet has it. A page of another job, or something on top, stays.
pub fn settled(model: &mut Model) -> Vec<Effect> {
    let Some(key) = model.changes.expected.clone().filter(|key| model.fleet.get(key).is_some()) else {
        return Vec::new();
    };
    model.changes.expected = None;
    let same_name = |page: &crate::console::model::page::PageModel| {
        (&page.job.row.namespace, &page.job.row.name, page.job.row.kind) == (&key.namespace, &key.name, key.kind)
    };
    let free = model.page.as_ref().is_none_or(same_name) && model.overlays.is_empty();
    if !free {
        return Vec::new();
    }
    let tab = model.page.as_ref().map(|page| page.tab).unwrap_or_default();
    model.list.chosen = Some(key.clone());
    page::open_on(model, &key, tab)
}

/// Says of changes that take their time that they do.
pub fn deadline(model: &mut Model) {
    for running in model.changes.slow_now(model.now) {
        let text = format!("Still waiting for the answer: {}. It goes on by itself; :changes shows it", running.what);
        tell(model, Tone::Warn, &text);
    }
}

/// Offers what can be taken back.
fn offer(model: &mut Model, found: Result<Vec<Undoable>, Clean>) -> Vec<Effect> {
    let mut found = match found {
        Ok(found) if found.is_empty() => {
            tell(model, Tone::Info, "There is nothing to take back on this cluster");
            return Vec::new();
        }
        Ok(found) => found,
        Err(why) => {
            tell(model, Tone::Bad, &format!("The change log could not be read: {why}"));
            return Vec::new();
        }
    };
    found.truncate(OFFERED);
    let item = |(at, one): (usize, &Undoable)| PickerItem {
        id: at.to_string(),
        label: match one.done.as_slice() {
            [what] => what.to_string(),
            several => format!("{} changes: {}, …", several.len(), several.first().map_or("", Clean::as_str)),
        },
        about: format!("{} ago", duration(model.now.since(one.at))),
        marked: false,
    };
    let items: Vec<_> = found.iter().enumerate().map(item).collect();
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Undo,
        title: "Take back".to_owned(),
        line: LineEdit::default(),
        selected: items.first().map(|item| item.id.clone()),
        items,
        several: false,
        note: String::new(),
        free: false,
    }));
    model.changes.undoable = found;
    Vec::new()
}
