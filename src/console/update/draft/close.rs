//! Closing a draft: it goes from the screen, and comes back if it can't be kept.

use super::{ask, follow, live, put_on_top, take, tell};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            draft::{DraftEffect, DraftId, Keeping},
            notices::Tone,
        },
    },
    jobs::Clean,
};

/// Takes the draft from the screen; what was written stays on disk.
pub fn close(model: &mut Model) -> Vec<Effect> {
    if let Some(draft) = model.draft_mut().filter(|draft| matches!(draft.keeping, Keeping::Failed(_))) {
        // It is tried once more: there may be room by now.
        draft.followed = None;
    }
    let mut effects = follow(model);
    let Some(draft) = take(model) else { return effects };
    if live::is_unchanged(&draft) {
        effects.push(Effect::Draft(DraftEffect::Discard(draft.id)));
    } else if draft.keeping != Keeping::Untouched {
        effects.push(Effect::Draft(DraftEffect::Close(draft.id, Box::new(draft.about(false)))));
        model.drafts.closing.push(draft);
    }
    effects
}

/// A version of a draft was written, or could not be.
pub(super) fn kept(model: &mut Model, id: DraftId, version: u64, result: Result<(), Clean>) {
    if let Some(draft) = model.draft_mut().filter(|draft| draft.id == id) {
        match result {
            Ok(()) if draft.editor.version == version => draft.keeping = Keeping::Kept,
            Ok(()) => {}
            Err(why) => draft.keeping = Keeping::Failed(why),
        }
        return;
    }
    let closing = &mut model.drafts.closing;
    match closing.iter().position(|draft| draft.id == id).map(|at| (closing[at].editor.version == version, at)) {
        Some((true, at)) => {
            let mut draft = closing.remove(at);
            match result {
                Ok(()) => {
                    let text = format!("{} is kept as a draft: :drafts lists it", draft.title());
                    model.notices.tell(model.now, Tone::Info, &text);
                }
                Err(why) => {
                    let lines = vec![
                        draft.title(),
                        format!("It can't be kept: {why}"),
                        "Cancel goes back to it: mend that and close it again, or copy what it says.".to_owned(),
                    ];
                    draft.keeping = Keeping::Failed(why);
                    put_on_top(model, draft);
                    ask(model, lines);
                }
            }
        }
        // The one that counts is still being written.
        Some((false, _)) => {}
        None => {
            if let Err(why) = result {
                tell(model, &format!("The draft is not kept: {why}"));
            }
        }
    }
}
