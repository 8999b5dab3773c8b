//! What keys and commands do to the form.

use crossterm::event::KeyCode;

use super::follow;
use crate::{
    console::{
        commands::FormCommand,
        effect::Effect,
        key::Key,
        line_edit::LineEdit,
        model::{
            Model,
            draft::{Draft, Names, Stage},
            notices::Tone,
            overlay::{DraftPicker, Overlay, Picker, PickerItem, PickerPurpose},
        },
        update::offers,
        view::draft as view,
        widgets::picker,
    },
    jobs::{
        Clean, Name,
        form::{self, Group, Listed, Offer, Shown},
        manifest::text::{Change, Document, changed},
    },
};

/// Goes from the text to the form and back, to the field that the cursor is at.
pub(super) fn switch(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    if draft.stage != Stage::Form {
        return open(model);
    }
    to_text(draft);
    Vec::new()
}

fn to_text(draft: &mut Draft) {
    draft.stage = Stage::Yaml;
    draft.form.edit = None;
}

/// Puts the cursor where the value at a path stands, or would.
pub(super) fn show(draft: &mut Draft, path: &str) {
    let shown = (path.to_owned(), draft.editor.version);
    if draft.form.shown.as_ref() == Some(&shown) {
        return;
    }
    if let Ok(document) = Document::parse(&draft.editor.text()) {
        let place = draft.editor.place_of(document.nearest(path).range.start);
        draft.editor.go(place);
    }
    draft.form.shown = Some(shown);
}

/// Shows a new draft as a form, if there is one of its text.
pub(super) fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    read(draft);
    if draft.form.rows.is_ok() { open(model) } else { Vec::new() }
}

/// The same, at what the job runs.
pub(super) fn begin_at_command(model: &mut Model) -> Vec<Effect> {
    let effects = begin(model);
    if let Some(form) = model.draft_mut().map(|draft| &mut draft.form) {
        let is_run = |row: &form::Row| row.path.ends_with("/command") && !matches!(row.value, Shown::Unset);
        form.selected = form.rows().iter().position(is_run).unwrap_or(form.selected);
    }
    effects
}

/// Reads the form out of the text, if that is another than before.
pub(super) fn read(draft: &mut Draft) {
    let version = draft.editor.version;
    draft.form.read(|| draft.editor.text(), version);
}

fn open(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    read(draft);
    if let Err(none) = &draft.form.rows {
        let text = format!("There is no form of this text: {}", none.why);
        if let Some(place) = &none.place {
            let place = draft.editor.place_of(place.range.start);
            draft.editor.go(place);
        }
        model.notices.tell(model.now, Tone::Warn, &text);
        return Vec::new();
    }
    if let Ok(document) = Document::parse(&draft.editor.text()) {
        draft.form.select_at(&document.pointer_at(draft.editor.offset_of(draft.editor.cursor())));
    }
    draft.stage = Stage::Form;
    ask_for_names(model)
}

/// Asks for the names that fields of this draft may have, unless they are known.
fn ask_for_names(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.draft() else { return Vec::new() };
    let wanted: Vec<Listed> = draft.form.rows().iter().flat_map(|row| row.field.offer.listed()).copied().collect();
    let namespace = namespace_of(model, draft);
    offers::ask(model, namespace, wanted)
}

/// Where the draft's object will be made.
pub(super) fn namespace_of(model: &Model, draft: &Draft) -> Option<Name> {
    let row = draft.form.rows().iter().find(|row| row.path == "/metadata/namespace");
    let own = row.and_then(|row| match &row.value {
        Shown::Text(text) => Name::new(text),
        _ => None,
    });
    own.or_else(|| model.namespace())
}

/// A command of the form.
pub fn command(model: &mut Model, id: FormCommand) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    let last = draft.form.rows().len().saturating_sub(1);
    let at = draft.form.selected;
    let page = draft.editor.window.rows.max(4) / 2;
    let group = |at: usize| draft.form.rows().get(at).map(|row| row.field.group);
    let first_of = |group: Option<Group>| draft.form.rows().iter().position(|row| Some(row.field.group) == group);
    let to = match id {
        FormCommand::Down => at + 1,
        FormCommand::Up => at.saturating_sub(1),
        FormCommand::HalfPageDown => at + page,
        FormCommand::HalfPageUp => at.saturating_sub(page),
        FormCommand::Top => 0,
        FormCommand::Bottom => last,
        FormCommand::NextGroup => (at..=last).find(|row| group(*row) != group(at)).unwrap_or(at),
        FormCommand::PreviousGroup => match first_of(group(at)) {
            Some(first) if first < at => first,
            Some(first) => first_of(group(first.saturating_sub(1))).unwrap_or(at),
            None => at,
        },
        FormCommand::Edit => return edit(model),
        FormCommand::Clear => return set(model, ""),
        FormCommand::Undo | FormCommand::Redo => {
            if id == FormCommand::Undo {
                draft.editor.undo()
            } else {
                draft.editor.redo()
            };
            return follow(model);
        }
    };
    draft.form.selected = to.min(last);
    Vec::new()
}

/// Begins to change the selected field: by a choice, where there is one.
fn edit(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    let Some(row) = draft.form.row().cloned() else { return Vec::new() };
    let text = match row.value {
        Shown::Text(text) => text,
        Shown::Unset => String::new(),
        Shown::Long(_) => {
            model.notices.tell(model.now, Tone::Info, "This is more than a line can say: here it is in the text");
            return switch(model);
        }
    };
    match row.field.offer {
        Offer::Names(_) | Offer::Words(_) => choose(model, &text),
        _ => {
            draft.form.edit = Some(LineEdit::new(&text));
            draft.form.wrong = None;
        }
    }
    Vec::new()
}

/// Opens the choices of the selected field.
fn choose(model: &mut Model, now: &str) {
    let Some(field) = model.draft().and_then(|draft| draft.form.field()) else { return };
    let (items, note) = choices(model, field.offer);
    let mut open = Picker {
        purpose: PickerPurpose::Draft(DraftPicker::Field),
        title: field.label.to_owned(),
        line: LineEdit::default(),
        items,
        selected: Some(now.to_owned()),
        several: false,
        note,
        free: matches!(field.offer, Offer::Names(_)),
    };
    picker::refresh(&mut open);
    model.overlays.push(Overlay::Picker(open));
}

fn choices(model: &Model, offer: Offer) -> (Vec<PickerItem>, String) {
    let item =
        |name: &str| PickerItem { id: name.to_owned(), label: name.to_owned(), about: String::new(), marked: false };
    match offer {
        Offer::Nothing | Offer::Volumes => (Vec::new(), String::new()),
        Offer::Words(words) => (words.iter().map(|word| item(word)).collect(), String::new()),
        Offer::Names(listed) => match model.drafts.offers.names.get(&listed) {
            Some(Names::Known(names)) => {
                let note = "enter takes what is typed where nothing of it fits".to_owned();
                (names.iter().map(|name| item(name.as_str())).collect(), note)
            }
            Some(Names::Unreadable(why)) => (Vec::new(), format!("type a name; {why}")),
            Some(Names::Loading) => (Vec::new(), "reading ...".to_owned()),
            None | Some(Names::Unknown) => (Vec::new(), "type a name".to_owned()),
        },
    }
}

/// Names of objects came: choices that are open show them.
pub(super) fn named(model: &mut Model, listed: Listed) {
    let Some(field) = model.draft().and_then(|draft| draft.form.field()) else { return };
    let (items, note) = choices(model, field.offer);
    if let Some(Overlay::Picker(open)) = model.overlays.last_mut()
        && open.purpose == PickerPurpose::Draft(DraftPicker::Field)
        && field.offer == Offer::Names(listed)
    {
        (open.items, open.note) = (items, note);
        picker::refresh(open);
    }
}

/// A choice was made for the selected field.
pub(super) fn picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    ids.first().map(|id| set(model, id)).unwrap_or_default()
}

/// A key for the field that is being typed into. `None`: none is.
pub(super) fn key(model: &mut Model, key: Key) -> Option<Vec<Effect>> {
    let draft = model.draft_mut().filter(|draft| draft.stage == Stage::Form)?;
    let edit = draft.form.edit.as_mut()?;
    match key.code {
        KeyCode::Esc => (draft.form.edit, draft.form.wrong) = (None, None),
        _ if key == Key::ctrl('c') || key == Key::ctrl('g') => (draft.form.edit, draft.form.wrong) = (None, None),
        KeyCode::Enter | KeyCode::Down | KeyCode::Up | KeyCode::Tab | KeyCode::BackTab => {
            let typed = edit.text().to_owned();
            let effects = set(model, &typed);
            let draft = model.draft_mut()?;
            if draft.form.wrong.is_none() {
                draft.form.edit = None;
                match key.code {
                    KeyCode::Up | KeyCode::BackTab => draft.form.selected = draft.form.selected.saturating_sub(1),
                    KeyCode::Enter => {}
                    _ => draft.form.selected = (draft.form.selected + 1).min(draft.form.rows().len().saturating_sub(1)),
                }
            }
            return Some(effects);
        }
        _ => {
            if edit.key(key) {
                check(draft);
            }
        }
    }
    Some(Vec::new())
}

/// Text pasted into the field that is being typed into. `false`: none is.
pub(super) fn paste(draft: &mut Draft, text: &str) -> bool {
    let Some(edit) = &mut draft.form.edit else { return false };
    edit.insert(text);
    check(draft);
    true
}

/// Says what is wrong with what is typed, as it is typed.
fn check(draft: &mut Draft) {
    let (Some(edit), Some(field)) = (&draft.form.edit, draft.form.field()) else { return };
    let Ok(document) = Document::parse(&draft.editor.text()) else { return };
    draft.form.wrong = form::write(&document, field, edit.text()).err().map(|why| Clean::new(&why));
}

/// Makes the text say this for the selected field.
fn set(model: &mut Model, typed: &str) -> Vec<Effect> {
    let Some(draft) = model.draft_mut() else { return Vec::new() };
    let Some(field) = draft.form.field() else { return Vec::new() };
    let text = draft.editor.text();
    let changes = Document::parse(&text)
        .map_err(|error| error.to_string())
        .and_then(|document| form::write(&document, field, typed));
    let result = changes.and_then(|changes| apply(draft, &text, &changes));
    match result {
        Ok(()) => draft.form.wrong = None,
        Err(why) => {
            draft.form.wrong = Some(Clean::new(&why));
            let text = format!("{}: {why}", field.label);
            model.notices.tell(model.now, Tone::Warn, &text);
        }
    }
    follow(model)
}

/// Makes changes to the text, as one step.
pub(super) fn apply(draft: &mut Draft, text: &str, changes: &[Change]) -> Result<(), String> {
    let text = changed(text, changes).map_err(|error| error.to_string())?;
    draft.editor.replace_whole(&text);
    Ok(())
}

/// Keeps the selected field in view.
pub(super) fn settle(model: &mut Model) {
    let Some((lines, area)) = view::form_lines(model) else { return };
    let Some(draft) = model.draft_mut() else { return };
    let rows = usize::from(area.height).max(1);
    let mine = |line: &view::FormLine| line.row == Some(draft.form.selected);
    let (first, last) = (lines.iter().position(mine).unwrap_or(0), lines.iter().rposition(mine).unwrap_or(0));
    // The heading above the first field of a group is seen with it.
    let first = if first > 0 && lines[first - 1].row.is_none() { first - 1 } else { first };
    draft.form.top = draft.form.top.clamp((last + 1).saturating_sub(rows), first.max((last + 1).saturating_sub(rows)));
}
