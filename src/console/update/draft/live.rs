//! The edit of a living job: three versions of it, and what is sent of them.
//!
//! What others change meanwhile comes into the text by itself where it does not contradict; where it does, a person
//! decides. Only what differs from the server then is sent.

use std::sync::Arc;

use serde_json::Value;

use super::{follow, form, made, put_on_top, tell};
use crate::{
    changes::{Change, Subject, What, replaced},
    console::{
        effect::Effect,
        model::{
            Model,
            draft::{
                AskedModel, Draft, DraftEffect, DraftId, Haste, Question, Stage, live,
                live::{Live, Review},
            },
            notices::Tone,
            page::{Reading, Soon},
            session::{Phase, SessionId},
        },
        update::change,
    },
    jobs::{
        Clean,
        checks::cluster::{Part, Said},
        drafting::{self, Merge, Take, diff},
        fleet::{Changed, JobKey},
        manifest::text::Document,
        quantity::counted,
    },
};

/// Equal lines that are shown around those that differ.
const AROUND: usize = 1;
/// What can't be changed of an object that is there.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

/// Begins the edit of a job whose object was read.
pub(super) fn begin(model: &mut Model, key: &JobKey, object: &Value) -> Vec<Effect> {
    let Some((text, base)) = live::written(object) else {
        tell(model, &format!("{} can't be written as YAML", key.name));
        return Vec::new();
    };
    let mut draft = made(model, &format!("edit of {}/{}", key.namespace, key.name), &text);
    draft.live = Some(Live::new(key.clone(), base));
    put_on_top(model, draft);
    let mut effects = vec_of(ask(model, Soon::Now));
    effects.extend(follow(model));
    effects
}

/// Goes on with an edit that was kept.
pub(super) fn go_on(model: &mut Model) -> Vec<Effect> {
    vec_of(ask(model, Soon::Now))
}

fn vec_of(effect: Option<Effect>) -> Vec<Effect> {
    effect.into_iter().collect()
}

/// Reads the job, unless that is under way: then once more after it.
fn ask(model: &mut Model, soon: Soon) -> Option<Effect> {
    let session: SessionId = model.session.id;
    let context = model.session.context.clone();
    // A job of the same name in another cluster is another job.
    let draft = model.draft_mut().filter(|draft| draft.context == context)?;
    let (id, live) = (draft.id, draft.live.as_mut()?);
    if live.reading != Reading::Idle && live.session == session {
        live.reading = Reading::Outdated;
        return None;
    }
    (live.reading, live.session) = (Reading::Fresh, session);
    Some(Effect::Draft(DraftEffect::Theirs(id, session, live.key.clone(), soon)))
}

/// The fleet tells something new of jobs.
pub fn changed(model: &mut Model, changed: &Changed) -> Option<Effect> {
    let live = model.draft()?.live.as_ref()?;
    let is_it = changed.jobs.contains(&live.key);
    if is_it && live.gone.is_none() { ask(model, Soon::InAMoment) } else { None }
}

/// The job was read, or not.
pub(super) fn read(model: &mut Model, id: DraftId, found: Result<Option<Value>, Clean>) -> Vec<Effect> {
    let Some(draft) = model.draft_mut().filter(|draft| draft.id == id) else {
        model.dirty = false;
        return Vec::new();
    };
    let Some(live) = &mut draft.live else { return Vec::new() };
    let outdated = std::mem::take(&mut live.reading) == Reading::Outdated;
    let uid = |object: &Value| object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned);
    let mut differs = false;
    match found {
        Ok(Some(object)) if uid(&object).is_none_or(|uid| uid == live.key.uid.to_string()) => {
            if let Some((_, theirs)) = live::written(&object) {
                live.theirs = theirs;
            }
            live.stored = Some(object);
            let (before, at_last) = (draft.editor.version, draft.stage == Stage::Send);
            let news = merge(draft);
            differs = at_last && (news.is_some() || draft.editor.version != before);
            told(model, news);
        }
        Ok(found) => {
            let why = if found.is_some() { "another one has its name by now" } else { "it was deleted" };
            if live.gone.replace(Clean::new(why)).is_none() {
                tell(model, &format!("The job can't be changed any more: {why}"));
            }
        }
        // What was read before is still the best that is known; sending looks once more.
        Err(_) => {}
    }
    if differs {
        // What was reviewed and rehearsed there is not what would be sent now.
        review(model);
    }
    let mut effects = if outdated { vec_of(ask(model, Soon::InAMoment)) } else { Vec::new() };
    effects.extend(follow(model));
    effects.extend(differs.then(|| rehearse(model)).flatten());
    effects
}

/// What a merge did to the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct News {
    taken_over: usize,
    conflicts: usize,
}

/// Brings mine and theirs together, in the text. `None`: there is nothing new, or the text can't be read just now.
fn merge(draft: &mut Draft) -> Option<News> {
    let live = draft.live.as_ref()?;
    if live.base == live.theirs {
        return None;
    }
    let text = draft.editor.text();
    let mine = Document::parse(&text).ok()?.value();
    let merge = drafting::merge(&live.base, &live.theirs, &mine);
    let before = live.conflicts.len();
    let taken_over = write(draft, &text, &mine, merge)?;
    let conflicts = draft.live.as_ref().map_or(0, |live| live.conflicts.len());
    let new = taken_over > 0 || conflicts > before;
    new.then_some(News { taken_over, conflicts })
}

/// Makes the text say what came of a merge; how many places that changed. `None`: it can't be written.
fn write(draft: &mut Draft, text: &str, mine: &Value, merge: Merge) -> Option<usize> {
    let edits = drafting::edits(mine, &merge.mine);
    form::apply(draft, text, &edits).ok()?;
    draft.live.as_mut()?.settle(merge);
    Some(edits.len())
}

fn told(model: &mut Model, news: Option<News>) {
    let Some(News { taken_over, conflicts }) = news else { return };
    let over = match taken_over {
        0 => String::new(),
        n => format!(": {} of it is in your text now", counted(n as u64, "change")),
    };
    if conflicts == 0 {
        model.notices.tell(model.now, Tone::Info, &format!("The job was changed on the server{over}"));
    } else {
        let text = format!(
            "The job was changed on the server{over}; {} yours: decide on the last page",
            contradicts(conflicts)
        );
        model.notices.tell(model.now, Tone::Warn, &text);
    }
}

fn contradicts(n: usize) -> String {
    if n == 1 { "1 change contradicts".to_owned() } else { format!("{n} changes contradict") }
}

/// After anything was done to the text: what was in the way may be so no more.
pub(super) fn settle(model: &mut Model) {
    if let Some(draft) = model.draft_mut().filter(|draft| draft.live.is_some()) {
        merge(draft);
    }
}

/// Decides the first conflict.
pub(super) fn decide(model: &mut Model, take: Take) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    let text = draft.editor.text();
    let (Some(live), Ok(document)) = (&draft.live, Document::parse(&text)) else { return Vec::new() };
    let Some(conflict) = live.conflicts.first() else {
        model.notices.tell(model.now, Tone::Info, "There is nothing to decide");
        return Vec::new();
    };
    let mine = document.value();
    let merge = drafting::decided(&live.base, &live.theirs, &mine, &conflict.at, take);
    if write(draft, &text, &mine, merge).is_none() {
        tell(model, "It can't be written into the text; write it there yourself");
    }
    review(model);
    let mut effects = follow(model);
    effects.extend(rehearse(model));
    effects
}

/// Looks what would be changed.
pub(super) fn review(model: &mut Model) {
    let Some(draft) = model.draft_mut() else { return };
    let (Some(live), Ok(document)) = (&mut draft.live, Document::parse(&draft.editor.text())) else { return };
    let mine = document.value();
    let text = |value: &Value| live::written(value).map_or_else(String::new, |(text, _)| text);
    let edits = drafting::edits(&live.theirs, &mine);
    let late = |edit: &crate::jobs::manifest::text::Change| {
        Some((edit.at().to_owned(), drafting::too_late(live.key.kind, edit.at())?))
    };
    live.review =
        Review { diff: diff(&text(&live.theirs), &text(&mine), AROUND), late: edits.iter().filter_map(late).collect() };
}

/// Has the server say what it would do to what is to be sent now, where that was not asked yet.
pub(super) fn rehearse(model: &mut Model) -> Option<Effect> {
    let What::Patch { patch, .. } = order(model).ok()?.what else { return None };
    if model.session.phase != Phase::Up {
        return None;
    }
    let (session, namespace) = (model.session.id, model.namespace());
    let draft = model.draft_mut()?;
    let (id, version, key) = (draft.id, draft.editor.version, draft.live.as_ref()?.key.clone());
    let namespace = namespace.unwrap_or_else(|| key.namespace.clone());
    let question = Question { session, version, namespace, haste: Haste::Now };
    let out = Said { out: vec![Part::DryJob], ..Said::default() };
    draft.asked = AskedModel { question: Some(question.clone()), said: vec![out], ..AskedModel::default() };
    draft.judge();
    Some(Effect::Draft(DraftEffect::Rehearse(id, question, key, patch)))
}

/// A person saw what would be changed and said yes.
pub(super) fn send(model: &mut Model) -> Vec<Effect> {
    match order(model) {
        Ok(change) => change::go(model, change),
        Err(why) => {
            model.notices.tell(model.now, Tone::Warn, &why);
            Vec::new()
        }
    }
}

fn order(model: &Model) -> Result<Change, String> {
    let draft = model.draft().ok_or("there is no draft")?;
    let live = draft.live.as_ref().ok_or("it is no edit of a job")?;
    if draft.context != model.session.context {
        return Err(format!("This is the edit of a job in context {}: go there to send it", draft.context));
    }
    if let Some(why) = &live.gone {
        return Err(format!("This can't be sent: {why}"));
    }
    if !live.conflicts.is_empty() {
        return Err(format!("{} yours: decide first", contradicts(live.conflicts.len())));
    }
    let stored = live.stored.as_ref().ok_or("The job is being read; a moment, please")?;
    let mine = Document::parse(&draft.editor.text()).map_err(|error| format!("This can't be sent: {error}"))?.value();
    if let Some(at) = IDENTITY.iter().find(|at| mine.pointer(at) != live.theirs.pointer(at)) {
        return Err(format!("{at} of a job that is there can't be changed: clone it"));
    }
    let patch = drafting::merge_patch(&live.theirs, &mine);
    if patch == Value::Object(serde_json::Map::default()) {
        return Err("Nothing is different from what is there".to_owned());
    }
    let was = Some(Arc::new(replaced(&patch, stored)));
    let what = What::Patch { patch: Arc::new(patch), was };
    Ok(Change { context: Clean::new(&model.session.context), subject: Subject::job(&live.key), what })
}

/// Whether a change is this edit.
pub(super) fn is_ours(draft: &Draft, change: &Change) -> bool {
    let key = draft.live.as_ref().map(|live| &live.key);
    matches!(change.what, What::Patch { .. }) && key.is_some() && change.subject.job_key().as_ref() == key
}

/// It was refused: what is there now is read anew, as that may be why.
pub(super) fn refused(model: &mut Model) -> Vec<Effect> {
    vec_of(ask(model, Soon::Now))
}

/// Whether the text says nothing else than the server.
pub(super) fn is_unchanged(draft: &Draft) -> bool {
    let Some(live) = &draft.live else { return false };
    Document::parse(&draft.editor.text()).is_ok_and(|document| document.value() == live.theirs)
}
