//! Marks for what is done to several jobs at once. They belong to jobs, also to those that a filter hides.

use crate::console::model::{Model, notices::Tone};

/// Marks the selected job, or not, and goes on to the next.
pub(super) fn toggle(model: &mut Model) {
    let list = &mut model.list;
    let Some(key) = list.selected.clone() else { return };
    if !list.marks.remove(&key) {
        list.marks.insert(key.clone());
    }
    list.anchor = Some(key);
    list.select(list.at + 1);
}

/// Marks from the last mark to the selected job.
pub(super) fn range(model: &mut Model) {
    let list = &mut model.list;
    let from = list.anchor.as_ref().and_then(|key| list.order.position(key, &list.columns.sort)).unwrap_or(list.at);
    let (first, last) = (from.min(list.at), from.max(list.at));
    list.marks.extend(list.order.from(first).take(last - first + 1).cloned());
    list.anchor.clone_from(&list.selected);
}

/// Turns the marks of all shown jobs round.
pub(super) fn invert(model: &mut Model) {
    let list = &mut model.list;
    for key in list.order.from(0) {
        if !list.marks.remove(key) {
            list.marks.insert(key.clone());
        }
    }
}

/// Takes all marks away.
pub(super) fn clear(model: &mut Model) {
    let n = std::mem::take(&mut model.list.marks).len();
    model.list.anchor = None;
    let text = if n == 1 { "1 mark taken away".to_owned() } else { format!("{n} marks taken away") };
    model.notices.tell(model.now, Tone::Info, &text);
}
