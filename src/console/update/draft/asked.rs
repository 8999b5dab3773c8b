//! What the cluster says to a draft before it is sent: when it is asked, and what follows from its answers.

use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            draft::{AskedModel, Draft, DraftEffect, DraftId, Haste, Question, Stage},
            session::Phase,
        },
    },
    jobs::{Raw, checks::cluster::Said, outlook::Outlook},
};

/// Asks about the text as it is, unless that was asked already.
pub(super) fn follow(model: &mut Model) -> Option<Effect> {
    if model.session.phase != Phase::Up {
        return None;
    }
    let (session, namespace) = (model.session.id, model.home());
    // What is made anew is asked about; an edit of what is there is rehearsed on its last page, and that says nothing of
    // another text.
    if let Some(draft) = model.draft_mut().filter(|draft| draft.live.is_some()) {
        let version = draft.editor.version;
        if draft.asked.question.as_ref().is_some_and(|question| question.version != version) {
            draft.asked = AskedModel::default();
            draft.judge();
        }
        return None;
    }
    let draft = model.draft_mut()?;
    let version = draft.editor.version;
    if draft.asked.is_about(session, version, &namespace) {
        return None;
    }
    if draft.asked.question.as_ref().is_some_and(|question| question.session != session) {
        // What another cluster said is nothing to this one.
        draft.asked = AskedModel::default();
        draft.judge();
    }
    let haste = if draft.stage == Stage::Send { Haste::Now } else { Haste::Pause };
    let question = Question { session, version, namespace, haste };
    draft.asked.question = Some(question.clone());
    draft.asked.answered = false;
    draft.asked.outlooks.clear();
    Some(Effect::Draft(DraftEffect::Ask(draft.id, question, Raw::new(draft.editor.text()))))
}

/// The last page wants to know it now, and anew.
pub(super) fn again(model: &mut Model) {
    if let Some(draft) = model.draft_mut() {
        draft.asked.question = None;
    }
}

/// The cluster has answered, or some of it.
pub(super) fn answered(model: &mut Model, id: DraftId, question: &Question, said: Vec<Said>) {
    let Some(draft) = of(model, id, question) else { return };
    (draft.asked.said, draft.asked.answered) = (said, true);
    draft.judge();
    super::resized(model);
}

/// It is known whether the jobs would start at once.
pub(super) fn outlook(model: &mut Model, id: DraftId, question: &Question, outlooks: Vec<Outlook>) {
    if let Some(draft) = of(model, id, question) {
        draft.asked.outlooks = outlooks;
    }
}

/// The draft that this was asked about; an answer to an older question changes nothing.
fn of<'m>(model: &'m mut Model, id: DraftId, question: &Question) -> Option<&'m mut Draft> {
    let asked = |draft: &Draft| draft.id == id && draft.asked.question.as_ref() == Some(question);
    if !model.draft().is_some_and(asked) {
        model.dirty = false;
        return None;
    }
    model.draft_mut()
}
