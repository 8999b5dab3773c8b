//! The filtered choice: which items match, which is selected.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use crate::console::model::overlay::{Picker, PickerItem};

/// The items that match what is typed, best first; all of them in their order when nothing is.
pub fn matching(picker: &Picker) -> Vec<&PickerItem> {
    let typed = picker.line.text().trim();
    if typed.is_empty() {
        return picker.items.iter().collect();
    }
    let pattern = Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart);
    let (mut matcher, mut chars) = (Matcher::new(Config::DEFAULT), Vec::new());
    let mut hits: Vec<_> = picker
        .items
        .iter()
        .filter_map(|item| {
            let score = pattern.score(Utf32Str::new(&item.label, &mut chars), &mut matcher)?;
            Some((score, item))
        })
        .collect();
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    hits.into_iter().map(|(_, item)| item).collect()
}

/// Where the selected item is among the matching ones.
pub fn selected_at(picker: &Picker) -> Option<usize> {
    let id = picker.selected.as_ref()?;
    matching(picker).iter().position(|item| item.id == *id)
}

/// After typing: the best match is selected.
pub fn settle(picker: &mut Picker) {
    picker.selected = matching(picker).first().map(|item| item.id.clone());
}

/// After the items changed: the selected one stays if it is still there.
pub fn refresh(picker: &mut Picker) {
    if selected_at(picker).is_none() {
        settle(picker);
    }
}

/// Moves the selection.
pub fn step(picker: &mut Picker, by: isize) {
    let (at, items) = (selected_at(picker), matching(picker));
    if let Some(last) = items.len().checked_sub(1) {
        let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        picker.selected = Some(items[to].id.clone());
    }
}

/// Marks the selected item, or takes its mark away, and goes to the next.
pub fn mark(picker: &mut Picker) {
    let selected = picker.selected.clone();
    if let Some(item) = picker.items.iter_mut().find(|item| Some(&item.id) == selected.as_ref()) {
        item.marked = !item.marked;
        step(picker, 1);
    }
}

/// What enter takes: the marked items, else the selected one, else what was typed where that is allowed.
pub fn chosen(picker: &Picker) -> Vec<String> {
    let marked: Vec<_> = picker.items.iter().filter(|item| item.marked).map(|item| item.id.clone()).collect();
    if picker.several && !marked.is_empty() {
        return marked;
    }
    if let Some(at) = selected_at(picker) {
        return vec![matching(picker)[at].id.clone()];
    }
    let typed = picker.line.text().trim();
    if picker.free && !typed.is_empty() {
        return typed.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    }
    Vec::new()
}
