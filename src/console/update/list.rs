//! What messages and commands do to the job list.
//!
//! Only jobs that changed are looked at again; the order, selection, window and columns follow. Must not draw.

mod choices;
mod filter;
mod marks;
#[cfg(test)]
mod tests;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

pub use choices::picked;
pub use filter::{prompt, set_filter, show_only};

use super::page;
use crate::{
    console::{
        commands::ListCommand,
        effect::Effect,
        layout,
        model::{Model, overlay::PromptEvent},
        view::trouble,
    },
    disk::Remembered,
    jobs::{Secs, columns::ColumnId, columns::ColumnsConfig, fleet::Changed, time::duration_changes_in},
};

/// The list's numbers for its other prompts.
const SAVE: u8 = 0;
const ORDER: u8 = 1;

/// A command of the list.
pub fn command(model: &mut Model, id: ListCommand) -> Vec<Effect> {
    let half = (model.list.height / 2).max(1) as isize;
    match id {
        ListCommand::Down => step(model, 1),
        ListCommand::Up => step(model, -1),
        ListCommand::HalfPageDown => step(model, half),
        ListCommand::HalfPageUp => step(model, -half),
        ListCommand::Top => step(model, isize::MIN),
        ListCommand::Bottom => step(model, isize::MAX),
        ListCommand::Open => return page::open(model),
        ListCommand::Filter => filter::open(model),
        ListCommand::ClearFilter => filter::clear(model),
        ListCommand::SaveFilter => filter::open_save(model),
        ListCommand::Filters => choices::open_filters(model, false),
        ListCommand::DeleteFilter => choices::open_filters(model, true),
        ListCommand::Attention => {
            model.list.attention = !model.list.attention;
            chosen_anew(model);
        }
        ListCommand::Sort => choices::open_sort(model),
        ListCommand::Reverse => {
            model.list.columns.sort.descending = !model.list.columns.sort.descending;
            return choices::columns_changed(model);
        }
        ListCommand::Columns => choices::open_columns(model),
        ListCommand::MoveColumn => choices::open_order(model),
        ListCommand::Wide => {
            (model.list.wide, model.list.skipped) = (!model.list.wide, 0);
            measure(model);
        }
        ListCommand::Left => sideways(model, -1),
        ListCommand::Right => sideways(model, 1),
        ListCommand::Mark => marks::toggle(model),
        ListCommand::MarkRange => marks::range(model),
        ListCommand::Invert => marks::invert(model),
        ListCommand::ClearMarks => marks::clear(model),
    }
    refresh(model);
    Vec::new()
}

/// These jobs changed in the fleet, or time has passed.
pub fn changed(model: &mut Model, changed: &Changed) -> Vec<Effect> {
    let now = model.now;
    let by_clock = model.list.order.until().is_some_and(|at| at <= now)
        || (model.list.columns.sort.column == ColumnId::Duration && model.list.deadline.is_some_and(|at| at <= now));
    let mut visible = false;
    if by_clock {
        model.list.rebuild(&model.fleet, now);
        visible = true;
    }
    visible |= model.list.take_in(&model.fleet, &changed.jobs, now);
    refresh(model);
    model.dirty = visible || (model.page.is_some() && !changed.jobs.is_empty());
    Vec::new()
}

/// The screen has another size.
pub fn resized(model: &mut Model) {
    refresh(model);
}

/// After anything: places, window, selection and the next deadline follow.
fn refresh(model: &mut Model) {
    let body = trouble::body(model);
    let one = model.session.scope.names().len() == 1;
    model.list.height = usize::from(layout::list(body, model.list.has_filter_line()).rows.height);
    model.list.place(body.width, one);
    model.list.settle_selection();
    model.list.deadline = next_deadline(model);
}

/// What is shown or its order is chosen anew.
fn chosen_anew(model: &mut Model) {
    model.list.rebuild(&model.fleet, model.now);
    refresh(model);
}

/// The columns are others: their cells are measured again.
fn measure(model: &mut Model) {
    model.list.measure(&model.fleet, model.now);
    refresh(model);
}

/// When an age on the screen reads otherwise, a derivation expires, or a filter on time lets others through.
fn next_deadline(model: &Model) -> Option<Secs> {
    let (list, now) = (&model.list, model.now);
    let ages = [ColumnId::Age, ColumnId::Duration].map(|id| list.placed().any(|(column, _)| *column == id));
    let mut next = [model.fleet.next_deadline(), list.order.until()].into_iter().flatten().min();
    for job in list.visible().filter_map(|key| model.fleet.get(key)) {
        let running = job.derived.started.filter(|_| job.derived.finished.is_none());
        let shown = [(ages[0], Some(job.row.created)), (ages[1], running)];
        for from in shown.into_iter().filter_map(|(shown, from)| from.filter(|_| shown)) {
            let at = now.plus(duration_changes_in(now.since(from)));
            next = Some(next.map_or(at, |next| next.min(at)));
        }
    }
    next
}

fn step(model: &mut Model, by: isize) {
    let to = model.list.at.saturating_add_signed(by);
    model.list.select(to);
}

fn sideways(model: &mut Model, by: isize) {
    let list = &mut model.list;
    if list.wide {
        list.skipped = list.skipped.saturating_add_signed(by).min(list.can_skip());
    }
}

/// Something happened to another prompt of the list than the filter's (`which` is the list's own number for it).
pub fn other_prompt(model: &mut Model, which: u8, event: PromptEvent) -> Vec<Effect> {
    match event {
        PromptEvent::Done(text) if text.trim().is_empty() => Vec::new(),
        PromptEvent::Done(text) if which == ORDER => choices::ordered(model, text.trim()),
        PromptEvent::Done(text) => filter::save(model, text.trim()),
        PromptEvent::Changed(_) | PromptEvent::Cancelled => Vec::new(),
    }
}

/// Esc on the list: whether there was something to undo: first the filter, then marks, then the wide list.
pub fn back(model: &mut Model) -> bool {
    let list = &mut model.list;
    if list.has_filter_line() {
        filter::clear(model);
    } else if !list.marks.is_empty() {
        marks::clear(model);
    } else if list.wide {
        (list.wide, list.skipped) = (false, 0);
        measure(model);
    } else {
        return false;
    }
    refresh(model);
    true
}

/// A click selects a row; on a heading it sorts.
pub fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    if event.kind != MouseEventKind::Down(MouseButton::Left) {
        return Vec::new();
    }
    let areas = layout::list(trouble::body(model), model.list.has_filter_line());
    if event.row == areas.heading.y {
        let inside = |x: u16, width: u16| (x..x.saturating_add(width)).contains(&event.column);
        let hit = model.list.placed().find(|(_, at)| inside(at.x, at.width)).map(|(column, _)| column.clone());
        return hit.map_or_else(Vec::new, |column| choices::sort_by(model, column));
    }
    if (areas.rows.y..areas.rows.bottom()).contains(&event.row) {
        let at = model.list.top + usize::from(event.row - areas.rows.y);
        if at < model.list.order.len() {
            model.list.select(at);
            refresh(model);
        }
    }
    Vec::new()
}

/// What `c` copies: namespace and name, a line each where several jobs are marked.
pub fn copied(model: &Model) -> Option<String> {
    let lines: Vec<String> = model.list.targets().iter().map(|key| format!("{}/{}", key.namespace, key.name)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The session was opened anew: what belonged to the one before goes; columns, order and filter stay.
pub fn session_changed(model: &mut Model) {
    model.list.forget_jobs();
    measure(model);
}

/// What was remembered from earlier runs: columns, order, named filters.
pub fn remembered(model: &mut Model, remembered: &Remembered) {
    let sort = remembered
        .sort
        .as_ref()
        .map_or_else(String::new, |sort| format!("{}{}", if sort.descending { "-" } else { "" }, sort.column));
    model.list.columns = ColumnsConfig::of_words(remembered.columns.iter().map(String::as_str), &sort);
    model.list.saved.clone_from(&remembered.filters);
    chosen_anew(model);
    measure(model);
}
