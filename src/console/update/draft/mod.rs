//! What keys, commands and messages do to drafts. Editing of their text has its own files.

mod asked;
mod close;
mod complete;
mod edit;
mod fix;
mod form;
mod keys;
mod live;
mod search;
mod send;
mod start;
#[cfg(test)]
mod tests;

pub use close::close;
pub use edit::command as editor;
pub use fix::command as fix;
pub use form::command as form;
pub use keys::{burst, field_key, key, mouse, paste};
pub use live::changed;
pub use search::prompt;
pub use send::over;

use super::{change, offers};
use crate::{
    console::{
        commands::{CommandId, DraftCommand},
        effect::Effect,
        line_edit::LineEdit,
        model::{
            Model,
            draft::{Draft, DraftEffect, DraftId, DraftMessage, Keeping, Live, Opening, Stage},
            notices::Tone,
            overlay::{Confirm, DraftPicker, Overlay, Picker, PickerItem, PickerPurpose, Then},
        },
        view::draft as view,
        widgets::picker,
    },
    disk::drafts::{About, DraftKey, Summary},
    jobs::{
        Clean, Raw,
        checks::Report,
        drafting::Take,
        quantity::{counted, format_bytes},
        time::duration,
    },
};

/// A command of drafts.
pub fn command(model: &mut Model, id: DraftCommand) -> Vec<Effect> {
    match id {
        DraftCommand::New => start::choose(model),
        DraftCommand::Clone | DraftCommand::Debug | DraftCommand::Fix | DraftCommand::Edit => {
            start::from_job(model, id)
        }
        DraftCommand::Apply => live::send(model),
        DraftCommand::Mine => live::decide(model, Take::Mine),
        DraftCommand::Theirs => live::decide(model, Take::Theirs),
        DraftCommand::List => {
            open_list(model);
            vec![Effect::Draft(DraftEffect::List)]
        }
        DraftCommand::Switch => form::switch(model),
        DraftCommand::Send => send::open(model),
        DraftCommand::Create => send::create(model, false),
        DraftCommand::Anyway => send::create(model, true),
        DraftCommand::Back => send::back(model),
        DraftCommand::ScrollDown => send::scroll(model, 1),
        DraftCommand::ScrollUp => send::scroll(model, -1),
        DraftCommand::PageDown => send::scroll(model, send::PAGE),
        DraftCommand::PageUp => send::scroll(model, -send::PAGE),
        DraftCommand::Close => close(model),
        DraftCommand::Discard => discard(model),
        DraftCommand::Remove => remove(model),
        DraftCommand::External => {
            let draft = model.draft().map(|draft| Effect::Editor(draft.id, Raw::new(draft.editor.text())));
            draft.into_iter().collect()
        }
    }
}

/// Opens a draft of this text on top of what is shown.
pub fn open(model: &mut Model, origin: &str, text: &str) -> DraftId {
    let draft = made(model, origin, text);
    put_on_top(model, draft)
}

/// A draft of this text that is not shown yet.
fn made(model: &mut Model, origin: &str, text: &str) -> Draft {
    model.drafts.opened += 1;
    let number = model.drafts.opened;
    let key = DraftKey::new(model.now, model.drafts.process, number);
    Draft::new(DraftId(number), key, origin.to_owned(), model.session.context.clone(), text)
}

fn put_on_top(model: &mut Model, draft: Draft) -> DraftId {
    let id = draft.id;
    model.overlays.push(Overlay::Draft(Box::new(draft)));
    resized(model);
    id
}

/// The screen has another size, or the draft is new on it.
pub fn resized(model: &mut Model) {
    let area = view::text_area(model);
    let Some(draft) = model.draft_mut() else { return };
    if draft.stage == Stage::Form {
        form::read(draft);
        if let Some(row) = draft.form.row() {
            // The text beside the form shows what the field is about.
            let path = row.path.clone();
            form::show(draft, &path);
        }
        form::settle(model);
    }
    if let Some((draft, area)) = model.draft_mut().zip(area) {
        draft.editor.settle(usize::from(area.height), usize::from(area.width));
    }
}

/// After anything was done: what is new of the text is kept.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    live::settle(model);
    resized(model);
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    let mut effects = Vec::new();
    if draft.checked.0 != Some(draft.editor.version) {
        draft.checked.0 = Some(draft.editor.version);
        let text = Raw::new(draft.editor.text());
        effects.push(Effect::Draft(DraftEffect::Check(draft.id, draft.editor.version, text)));
    }
    if draft.followed != Some(draft.editor.version) {
        draft.followed = Some(draft.editor.version);
        draft.keeping = Keeping::Writing;
        effects.push(Effect::Draft(DraftEffect::Keep(draft.id, draft.key.clone(), Box::new(draft.kept_text()))));
    }
    effects.extend(asked::follow(model));
    // A text that was checked before the connection stood, or with another one.
    effects.extend(complete::ask(model));
    effects
}

/// A text was checked; what is known of an older one is not shown.
fn checked(model: &mut Model, id: DraftId, version: u64, report: Report) -> Vec<Effect> {
    if let Some(draft) = model.draft_mut().filter(|draft| draft.id == id && draft.editor.version == version) {
        draft.report = report;
        draft.checked.1 = Some(version);
        draft.judge();
    }
    let mut effects = complete::ask(model);
    resized(model);
    effects.extend(send::judged(model));
    effects
}

/// Takes the draft, and what is open above it, from the screen.
fn take(model: &mut Model) -> Option<Draft> {
    let at = model.overlays.iter().rposition(|overlay| matches!(overlay, Overlay::Draft(_)))?;
    match model.overlays.drain(at..).next() {
        Some(Overlay::Draft(draft)) => Some(*draft),
        _ => None,
    }
}

/// Asks whether the draft shall be thrown away; one that nothing was written in just goes.
fn discard(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.draft() else { return Vec::new() };
    if draft.keeping == Keeping::Untouched {
        return remove(model);
    }
    let lines = vec![draft.title(), format!("{} lines, {}", draft.editor.lines().len(), draft.origin)];
    ask(model, lines);
    Vec::new()
}

fn ask(model: &mut Model, lines: Vec<String>) {
    let title = "Throw this draft away?".to_owned();
    model.overlays.push(Overlay::Confirm(Confirm {
        title,
        lines,
        yes: "Throw away",
        on_yes: false,
        options: Vec::new(),
        must_type: None,
        line: LineEdit::default(),
        then: Then::Command(CommandId::Draft(DraftCommand::Remove)),
    }));
}

/// The list of drafts, of what is known now; it is read anew.
fn open_list(model: &mut Model) {
    let items = model.drafts.listed.as_deref().unwrap_or_default();
    let items: Vec<_> = items.iter().map(|draft| item(model, draft)).collect();
    let selected = items.first().map(|item| item.id.clone());
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Drafts,
        title: "Drafts".to_owned(),
        line: LineEdit::default(),
        items,
        selected,
        several: false,
        note: "enter opens, del throws away".to_owned(),
        free: false,
    }));
}

fn item(model: &Model, draft: &Summary) -> PickerItem {
    let About { title, origin, context, .. } = &draft.about;
    let title = if title.is_empty() { "a manifest" } else { title };
    let ago = duration(model.now.since(draft.changed));
    let place = if context.is_empty() { String::new() } else { format!(", for {context}") };
    let open = match draft {
        _ if draft.busy => "open elsewhere, ",
        _ if draft.was_left() => "not closed, ",
        _ => "",
    };
    let about = format!("{open}{ago} ago, {}, {origin}{place}", format_bytes(draft.bytes));
    let clean = |text: &str| Clean::new(text).to_string();
    PickerItem { id: draft.key.as_str().to_owned(), label: clean(title), about: clean(&about), marked: false }
}

/// Something was chosen for the open draft.
pub fn chosen(model: &mut Model, which: DraftPicker, ids: &[String]) -> Vec<Effect> {
    match which {
        DraftPicker::Field => form::picked(model, ids),
        DraftPicker::Template => ids.first().map(|id| start::template(model, id)).unwrap_or_default(),
    }
}

/// A draft was chosen from the list.
pub fn picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    let key = ids.first().and_then(|id| DraftKey::parse(id));
    if let Some(key) = &key
        && model.draft().is_some_and(|draft| draft.key == *key)
    {
        return Vec::new();
    }
    key.map(|key| Effect::Draft(DraftEffect::Load(key))).into_iter().collect()
}

/// Asks whether the draft that is selected in the list shall go.
pub fn ask_remove(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Picker(picker)) = model.overlays.last() else { return Vec::new() };
    let selected = picker.items.iter().find(|item| Some(&item.id) == picker.selected.as_ref());
    if let Some(item) = selected {
        let lines = vec![item.label.clone(), item.about.clone()];
        ask(model, lines);
    }
    Vec::new()
}

/// Throws away the draft that is selected in the list on top, else the one that is open; it was asked.
fn remove(model: &mut Model) -> Vec<Effect> {
    let effect = match model.overlays.last() {
        Some(Overlay::Picker(picker)) if picker.purpose == PickerPurpose::Drafts => {
            picker.selected.as_ref().and_then(|id| DraftKey::parse(id)).map(DraftEffect::Remove)
        }
        _ => take(model).map(|draft| DraftEffect::Discard(draft.id)),
    };
    effect.map(Effect::Draft).into_iter().collect()
}

/// Something happened to drafts.
pub fn message(model: &mut Model, message: DraftMessage) -> Vec<Effect> {
    match message {
        DraftMessage::Listed(Ok(drafts)) => listed(model, drafts),
        DraftMessage::Listed(Err(why)) => tell(model, &format!("Drafts can't be listed: {why}")),
        DraftMessage::Loaded(key, Ok((about, text))) => return loaded(model, key, about, &text),
        DraftMessage::Loaded(_, Err(why)) => tell(model, &format!("The draft can't be opened: {why}")),
        DraftMessage::Kept(id, version, result) => close::kept(model, id, version, result),
        DraftMessage::Templates(templates) => start::templates(model, templates),
        DraftMessage::Read(source, object) if model.drafts.wanted.as_ref() == Some(&source) => {
            return start::read(model, &source, object);
        }
        DraftMessage::Read(..) => {}
        DraftMessage::Outlook(id, question, outlooks) => asked::outlook(model, id, &question, outlooks),
        DraftMessage::Theirs(id, found) => return live::read(model, id, found),
        DraftMessage::Checked(id, version, report) => return checked(model, id, version, *report),
        DraftMessage::Asked(id, question, said) => {
            asked::answered(model, id, &question, said);
            return send::judged(model);
        }
        DraftMessage::Named(namespace, listed, names) => {
            offers::named(model, namespace.as_ref(), listed, names);
            form::named(model, listed);
            change::offered(model);
        }
        DraftMessage::Schema(session, kind, served) => model.drafts.schemas.known(session, kind, served),
        DraftMessage::Edited(id, Ok(text)) => return edited(model, id, &text),
        DraftMessage::Edited(_, Err(why)) => tell(model, &format!("The text is as it was: {why}")),
    }
    Vec::new()
}

fn tell(model: &mut Model, text: &str) {
    model.notices.tell(model.now, Tone::Bad, text);
}

fn listed(model: &mut Model, drafts: Vec<Summary>) {
    let first = model.drafts.listed.replace(drafts).is_none();
    let drafts = model.drafts.listed.as_deref().unwrap_or_default();
    let left = drafts.iter().filter(|draft| draft.was_left()).count();
    let items: Vec<_> = drafts.iter().map(|draft| item(model, draft)).collect();
    let bare = model.overlays.is_empty();
    let shown = model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Picker(picker) if picker.purpose == PickerPurpose::Drafts => Some(picker),
        _ => None,
    });
    match shown {
        Some(shown) => {
            shown.items = items;
            picker::refresh(shown);
        }
        None if first && left > 0 && bare => {
            open_list(model);
            let text = "These drafts were open when mpideck ended without being told to; nothing of them is lost";
            model.notices.tell(model.now, Tone::Info, text);
        }
        None if first && !items.is_empty() => {
            let text = format!("{} not sent yet: :drafts lists them", counted(items.len() as u64, "draft"));
            model.notices.tell(model.now, Tone::Info, &text);
        }
        None => {}
    }
}

fn loaded(model: &mut Model, key: DraftKey, about: About, text: &Raw) -> Vec<Effect> {
    model.drafts.opened += 1;
    let id = DraftId(model.drafts.opened);
    let mut draft = Draft::new(id, key, about.origin, about.context, text.for_writing());
    // Kept again at once: from now on it is ours.
    draft.followed = None;
    draft.live = about.live.map(|live| Live::new(live.key, live.base));
    put_on_top(model, draft);
    let mut effects = live::go_on(model);
    effects.extend(follow(model));
    effects
}

/// Another editor gave a text back: one step.
fn edited(model: &mut Model, id: DraftId, text: &Raw) -> Vec<Effect> {
    if let Some(draft) = model.draft_mut().filter(|draft| draft.id == id) {
        let text = text.for_writing();
        if text != draft.editor.text() {
            draft.editor.replace_whole(text);
        }
    }
    follow(model)
}

/// What the command line asked for.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    match model.drafts.opening.take() {
        None => Vec::new(),
        Some(Opening::New) => command(model, DraftCommand::New),
        Some(Opening::Template(template)) => {
            let id = template.id.to_string();
            model.drafts.templates = vec![*template];
            start::template(model, &id)
        }
        Some(Opening::Text { origin, text }) => {
            open(model, &origin, text.for_writing());
            follow(model)
        }
    }
}
