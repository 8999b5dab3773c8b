//! From a draft to the cluster: the last page, and what came of sending.

use std::sync::Arc;

use super::{asked, live, take};
use crate::{
    changes::{Change, Confirmed, Item, Outcome, Report, What},
    console::{
        commands::{CommandId, Context, DraftCommand},
        effect::Effect,
        model::{
            Model,
            change::{ChangeEffect, ChangeMessage},
            draft::{Draft, DraftEffect, SendModel, Stage, send::Failure},
            notices::Tone,
        },
        update::{change, page},
        view::draft as view,
    },
    jobs::{Clean, outlook::Outlook},
};

/// Opens the last page, if there is something to send.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let namespace = model.namespace();
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    match SendModel::of(&draft.editor.text(), namespace) {
        Ok(send) => {
            draft.send = send;
            draft.before = draft.stage;
            draft.stage = Stage::Send;
            asked::again(model);
            live::review(model);
            return live::rehearse(model).into_iter().collect();
        }
        Err(why) => {
            let text = format!("This can't be sent: {why}");
            model.notices.tell(model.now, Tone::Warn, &text);
        }
    }
    Vec::new()
}

/// Goes back to the draft; what was sent already goes on.
pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(draft) = model.draft_mut() {
        draft.stage = draft.before;
        draft.send.pressed = false;
    }
    Vec::new()
}

/// Lines that a key for pages scrolls.
pub(super) const PAGE: isize = 10;

/// Scrolls the last page.
pub(super) fn scroll(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some((lines, area)) = view::send_lines(model) else { return Vec::new() };
    let last = lines.len().saturating_sub(usize::from(area.height));
    if let Some(draft) = model.draft_mut() {
        draft.send.top = draft.send.top.saturating_add_signed(by).min(last);
    }
    Vec::new()
}

/// A person saw the last page and said yes.
pub(super) fn create(model: &mut Model, anyway: bool) -> Vec<Effect> {
    let context = Clean::new(&model.session.context);
    let Some(draft) = model.draft_mut().filter(|draft| draft.stage == Stage::Send) else { return Vec::new() };
    if draft.send.sent.is_some() {
        model.notices.tell(model.now, Tone::Info, "It is sent already; its answer is on the way");
        return Vec::new();
    }
    if draft.asked.is_out() && !anyway {
        draft.send.pressed = true;
        return Vec::new();
    }
    draft.send.pressed = false;
    if let Some(verdict) = draft.refused().filter(|_| !anyway) {
        let key = model.keys.map.key_in(&[Context::Send], CommandId::Draft(DraftCommand::Anyway));
        let text = format!("The checks say: {}; {} sends it all the same", verdict.words(), key.unwrap_or_default());
        model.notices.tell(model.now, Tone::Warn, &text);
        return Vec::new();
    }
    let never = draft.asked.outlooks.iter().find_map(|outlook| match outlook {
        Outlook::Never(why) => Some(why.clone()),
        _ => None,
    });
    if let Some(why) = never.filter(|_| !anyway) {
        let key = model.keys.map.key_in(&[Context::Send], CommandId::Draft(DraftCommand::Anyway));
        let text = format!("It would never start ({why}); {} sends it all the same", key.unwrap_or_default());
        model.notices.tell(model.now, Tone::Warn, &text);
        return Vec::new();
    }
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    draft.send.failed.clear();
    let client = draft.key.as_str().to_owned();
    let changes = draft.send.objects.iter().map(|object| Change {
        context: context.clone(),
        subject: object.subject.clone(),
        what: What::Create { manifest: Arc::clone(&object.value), client: client.clone() },
    });
    let confirmed = Confirmed::on_screen(changes.collect(), None);
    let effects = change::begin(model, confirmed);
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::Change(ChangeEffect::Run(id, ..)) => Some(*id),
        _ => None,
    });
    if let Some(draft) = model.draft_mut() {
        draft.send.sent = sent;
    }
    effects
}

/// All is known that can be known before: what was to be sent then is sent, unless somebody would refuse it.
pub(super) fn judged(model: &mut Model) -> Vec<Effect> {
    let known = |draft: &Draft| !draft.asked.is_out() && draft.checked.1 == Some(draft.editor.version);
    let pressed = model.draft().is_some_and(|draft| draft.send.pressed && known(draft));
    if pressed { create(model, false) } else { Vec::new() }
}

/// Changes are over: if they were ours, the draft has become an object, or says why not.
pub fn over(model: &mut Model, message: &ChangeMessage) -> Vec<Effect> {
    let ChangeMessage::Over(id, report) = message else { return Vec::new() };
    let ours = |draft: &&mut Draft| {
        draft.send.sent == Some(*id) || report.items.iter().any(|item| live::is_ours(draft, &item.change))
    };
    let Some(draft) = model.draft_mut().filter(ours) else { return Vec::new() };
    draft.send.sent = None;
    if !report.is_done() {
        draft.send.failed = failures(report);
        return live::refused(model);
    }
    let Some(draft) = take(model) else { return Vec::new() };
    // The page of the new job takes the place of the one that it was made from; of an edited one there is news.
    let mut effects = if draft.live.is_some() { page::reread(model) } else { page::close(model) };
    effects.push(Effect::Draft(DraftEffect::Discard(draft.id)));
    effects
}

fn failures(report: &Report) -> Vec<Failure> {
    let failure = |item: &Item| match &item.outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(problem) => {
            Some(Failure { what: Clean::new(&problem.to_string()), hint: problem.hint.clone() })
        }
        Outcome::Unknown(problem) => Some(Failure {
            what: Clean::new(&format!("not known whether it was made: {problem}")),
            hint: problem.hint.clone(),
        }),
    };
    report.items.iter().filter_map(failure).collect()
}
