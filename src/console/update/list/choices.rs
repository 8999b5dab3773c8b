//! The list's pickers: columns, order, saved filters.

use super::{ORDER, chosen_anew, filter, measure, refresh};
use crate::{
    console::{
        effect::{Effect, Remember},
        model::{
            Model,
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose, Prompt, Purpose},
        },
        widgets::picker,
    },
    disk,
    jobs::{
        Sym,
        columns::{ColumnId, ColumnsConfig, Sort},
    },
};

/// Before a saved filter's name where the picker is for deleting.
const DELETE: &str = "delete ";

fn item(id: String, label: String, about: String, marked: bool) -> PickerItem {
    PickerItem { id, label, about, marked }
}

fn open(model: &mut Model, purpose: PickerPurpose, title: &str, note: &str, items: Vec<PickerItem>) {
    let (several, free) = (purpose == PickerPurpose::Columns, purpose != PickerPurpose::Filter);
    let mut open = Picker {
        purpose,
        title: title.to_owned(),
        line: crate::console::line_edit::LineEdit::default(),
        items,
        selected: None,
        several,
        note: note.to_owned(),
        free,
    };
    picker::refresh(&mut open);
    model.overlays.push(Overlay::Picker(open));
}

/// Shown columns, the others, and a column for each label that jobs have.
fn offered(model: &Model) -> Vec<ColumnId> {
    let mut columns = model.list.columns.columns.clone();
    let others: Vec<ColumnId> = ColumnId::all().filter(|id| !columns.contains(id)).collect();
    columns.extend(others);
    let mut keys: Vec<&Sym> = model.fleet.jobs().flat_map(|job| job.row.labels.iter().map(|(key, _)| key)).collect();
    keys.sort_unstable();
    keys.dedup();
    for label in keys.into_iter().map(|key| ColumnId::Label(key.clone())) {
        if !columns.contains(&label) {
            columns.push(label);
        }
    }
    columns
}

pub(super) fn open_columns(model: &mut Model) {
    let shown = &model.list.columns.columns;
    let items = offered(model)
        .into_iter()
        .map(|id| item(id.to_string(), id.to_string(), id.spec().help.to_owned(), shown.contains(&id)))
        .collect();
    open(model, PickerPurpose::Columns, "Columns", "space shows or hides; label:KEY for any label", items);
}

pub(super) fn open_sort(model: &mut Model) {
    let current = model.list.columns.sort.column.clone();
    let items = offered(model).into_iter().map(|id| {
        let now = if id == current { "sorted by this; again turns it round" } else { id.spec().help };
        item(id.to_string(), id.to_string(), now.to_owned(), false)
    });
    let items = items.collect();
    open(model, PickerPurpose::Sort, "Sort by", "", items);
}

/// Opens a prompt with the columns in their order.
pub(super) fn open_order(model: &mut Model) {
    let names: Vec<String> = model.list.columns.columns.iter().map(ToString::to_string).collect();
    let mut prompt = Prompt::new(Purpose::List(ORDER), "Columns: ", &names.join(" "));
    "in the order in which they shall stand".clone_into(&mut prompt.hint);
    model.overlays.push(Overlay::Prompt(prompt));
}

/// The columns were typed in their order.
pub(super) fn ordered(model: &mut Model, text: &str) -> Vec<Effect> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    match words.map(str::parse).collect::<Result<Vec<ColumnId>, _>>() {
        Ok(columns) => show(model, columns),
        Err(error) => {
            model.notices.tell(model.now, Tone::Warn, &error.to_string());
            Vec::new()
        }
    }
}

pub(super) fn open_filters(model: &mut Model, delete: bool) {
    let prefix = if delete { DELETE } else { "" };
    let saved = model.list.saved.iter();
    let items = saved.map(|(name, text)| item(format!("{prefix}{name}"), name.clone(), text.clone(), false)).collect();
    open(model, PickerPurpose::Filter, if delete { "Delete a saved filter" } else { "Saved filters" }, "", items);
}

/// One of the list's pickers was answered with these ids.
pub fn picked(model: &mut Model, purpose: PickerPurpose, ids: &[String]) -> Vec<Effect> {
    match purpose {
        PickerPurpose::Columns => columns_picked(model, ids),
        PickerPurpose::Sort => match ids.first().map(|id| id.parse::<ColumnId>()) {
            Some(Ok(column)) => sort_by(model, column),
            Some(Err(error)) => {
                model.notices.tell(model.now, Tone::Warn, &error.to_string());
                Vec::new()
            }
            None => Vec::new(),
        },
        _ => ids.first().map_or_else(Vec::new, |id| filter_picked(model, id)),
    }
}

/// The marked ones are shown: those that were keep their order, new ones stand before the cause.
fn columns_picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    let wanted: Vec<ColumnId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let mut config = model.list.columns.clone();
    config.columns.retain(|id| *id == ColumnId::Name || wanted.contains(id));
    for column in wanted {
        if !config.columns.contains(&column) {
            config.toggle(column);
        }
    }
    show(model, config.columns)
}

fn show(model: &mut Model, columns: Vec<ColumnId>) -> Vec<Effect> {
    let sort = model.list.columns.sort.clone();
    model.list.columns = ColumnsConfig::new(columns, sort);
    (model.list.wide, model.list.skipped) = (false, 0);
    columns_changed(model)
}

/// Sorts by a column; by the one that it is sorted by already, the other way round.
pub(super) fn sort_by(model: &mut Model, column: ColumnId) -> Vec<Effect> {
    let sort = &mut model.list.columns.sort;
    if sort.column == column {
        sort.descending = !sort.descending;
    } else {
        *sort = Sort::by(column);
    }
    columns_changed(model)
}

/// Columns or order are others: everything follows, and it is remembered.
pub(super) fn columns_changed(model: &mut Model) -> Vec<Effect> {
    chosen_anew(model);
    measure(model);
    refresh(model);
    let config = &model.list.columns;
    let sort = disk::Sort { column: config.sort.column.to_string(), descending: config.sort.descending };
    let columns = config.columns.iter().map(ToString::to_string).collect();
    vec![Effect::Remember(Remember::Columns(columns)), Effect::Remember(Remember::Sort(Some(sort)))]
}

fn filter_picked(model: &mut Model, id: &str) -> Vec<Effect> {
    if let Some(name) = id.strip_prefix(DELETE)
        && model.list.saved.remove(name).is_some()
    {
        model.notices.tell(model.now, Tone::Good, &format!("Filter «{name}» deleted"));
        return vec![Effect::Remember(Remember::Filter { name: name.to_owned(), text: None })];
    }
    match model.list.saved.get(id).cloned() {
        Some(text) => filter::set_filter(model, &text),
        None => Vec::new(),
    }
}
