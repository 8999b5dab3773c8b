//! Fix and resubmit: suggestions taken or left, then on to the text or to the last page.

use super::{follow, form, put_on_top, send};
use crate::{
    console::{
        commands::FixCommand,
        effect::Effect,
        model::{
            Model,
            draft::{Draft, FixModel, Stage},
            notices::Tone,
        },
    },
    jobs::{Clean, Kind, drafting, manifest::text::Document, state::Cause},
};

/// Begins a copy of a failed job with the suggestions for its cause; without any, what it runs is there to be changed.
pub(super) fn begin(
    model: &mut Model,
    mut draft: Draft,
    before: String,
    copy: String,
    (cause, held): (Option<&Cause>, u32),
) -> Vec<Effect> {
    let fixes = cause.map(|cause| suggested(cause, &copy, held)).unwrap_or_default();
    let nothing = fixes.is_empty();
    let title = cause.map_or_else(Clean::default, |cause| cause.title.clone());
    let mut fix = FixModel::new(title, before, copy, fixes);
    draft.set_text(&fix.text());
    draft.fix = Some(fix);
    if nothing {
        let text = "No change is known for this cause: this is what the job ran, under a new name";
        model.notices.tell(model.now, Tone::Info, text);
    } else {
        draft.stage = Stage::Fix;
    }
    put_on_top(model, draft);
    let mut effects = if nothing { form::begin_at_command(model) } else { Vec::new() };
    effects.extend(follow(model));
    effects
}

fn suggested(cause: &Cause, copy: &str, held: u32) -> Vec<drafting::Fix> {
    let Ok(document) = Document::parse(copy) else { return Vec::new() };
    let text = |at: &str| document.get(at).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let kind = Kind::of(&text("/apiVersion"), &text("/kind"));
    kind.map(|kind| drafting::fixes(cause, kind, &document.value(), held)).unwrap_or_default()
}

/// A command of the suggestions.
pub fn command(model: &mut Model, id: FixCommand) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    let Some(fix) = &mut draft.fix else { return Vec::new() };
    let last = fix.choices.len().saturating_sub(1);
    match id {
        FixCommand::Down => fix.selected = (fix.selected + 1).min(last),
        FixCommand::Up => fix.selected = fix.selected.saturating_sub(1),
        FixCommand::ScrollDown => fix.top = (fix.top + 5).min(fix.diff.len().saturating_sub(1)),
        FixCommand::ScrollUp => fix.top = fix.top.saturating_sub(5),
        FixCommand::Toggle => {
            if let Some(choice) = fix.choices.get_mut(fix.selected) {
                choice.taken = !choice.taken;
            }
            let text = fix.text();
            fix.selected = (fix.selected + 1).min(last);
            draft.editor.replace_whole(&text);
            return follow(model);
        }
        FixCommand::Edit => draft.stage = Stage::Yaml,
        FixCommand::Send => return go_on(model),
    }
    Vec::new()
}

/// To the last page, unless something must be written first.
fn go_on(model: &mut Model) -> Vec<Effect> {
    let fill = model.draft().and_then(|draft| draft.fix.as_ref()).and_then(|fix| fix.fill().map(str::to_owned));
    let Some(path) = fill else { return send::open(model) };
    if let Some(draft) = model.draft_mut() {
        draft.stage = Stage::Yaml;
        form::show(draft, &path);
    }
    model.notices.tell(model.now, Tone::Info, "Only you know what belongs here; write it, then send");
    Vec::new()
}
