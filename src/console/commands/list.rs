//! Commands of the job list.

use super::{Command, CommandId, Context, ListCommand, Why};
use crate::console::model::Model;

const fn row(id: ListCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::List(id), name, title, help, &[Context::List])
}

fn selected(model: &Model) -> Result<(), Why> {
    model.list.selected.as_ref().map(|_| ()).ok_or_else(|| "no job is selected".to_owned())
}

fn narrowed(model: &Model) -> Result<(), Why> {
    if model.list.is_narrowed() || !model.list.filter.text.is_empty() {
        Ok(())
    } else {
        Err("nothing is filtered".to_owned())
    }
}

fn typed(model: &Model) -> Result<(), Why> {
    if model.list.filter.filter.is_empty() { Err("there is no filter to save".to_owned()) } else { Ok(()) }
}

fn saved(model: &Model) -> Result<(), Why> {
    if model.list.saved.is_empty() { Err("no filter has been saved yet".to_owned()) } else { Ok(()) }
}

fn marked(model: &Model) -> Result<(), Why> {
    if model.list.marks.is_empty() { Err("no job is marked".to_owned()) } else { Ok(()) }
}

pub(super) const ROWS: &[Command] = &[
    row(ListCommand::Down, "list.down", "Down", "Select the next job.").key_only(),
    row(ListCommand::Up, "list.up", "Up", "Select the job above.").key_only(),
    row(ListCommand::HalfPageDown, "list.half-page-down", "Half page down", "Move half a page down.").key_only(),
    row(ListCommand::HalfPageUp, "list.half-page-up", "Half page up", "Move half a page up.").key_only(),
    row(ListCommand::Top, "list.top", "Top", "Select the first job.").key_only(),
    row(ListCommand::Bottom, "list.bottom", "Bottom", "Select the last job.").key_only(),
    row(ListCommand::Open, "list.open", "Open", "Open the page of the selected job.").hinted(1).when(selected),
    row(ListCommand::Filter, "list.filter", "Filter", "Show only the jobs that match, as you type.").hinted(2),
    row(ListCommand::ClearFilter, "list.clear-filter", "Clear filter", "Show all jobs again.").when(narrowed),
    row(ListCommand::SaveFilter, "list.save-filter", "Save filter", "Keep this filter under a name.").when(typed),
    row(ListCommand::Filters, "list.filters", "Saved filters", "Choose one of the saved filters.").when(saved),
    row(ListCommand::DeleteFilter, "list.delete-filter", "Delete a filter", "Forget one of the saved filters.")
        .when(saved),
    row(ListCommand::Attention, "list.attention", "Attention", "Show only jobs that need attention, or all again.")
        .hinted(3),
    row(ListCommand::Sort, "list.sort", "Sort", "Choose the column to sort by; the same one again turns it round.")
        .hinted(10),
    row(ListCommand::Reverse, "list.reverse", "Turn order round", "Sort by the same column the other way round."),
    row(ListCommand::Columns, "list.columns", "Columns", "Choose which columns are shown.").hinted(11),
    row(
        ListCommand::MoveColumn,
        "list.move-column",
        "Order of columns",
        "Type the columns in the order in which they shall stand.",
    ),
    row(ListCommand::Wide, "list.wide", "Wide", "Show every column; left and right move them.").hinted(12),
    row(ListCommand::Left, "list.left", "Columns left", "Move the columns of the wide list to the left.").key_only(),
    row(ListCommand::Right, "list.right", "Columns right", "Move the columns of the wide list to the right.")
        .key_only(),
    row(ListCommand::Mark, "list.mark", "Mark", "Mark the selected job, or take its mark away, and go on.")
        .hinted(13)
        .when(selected),
    row(ListCommand::MarkRange, "list.mark-range", "Mark range", "Mark every job from the last mark to here.")
        .when(selected),
    row(
        ListCommand::Invert,
        "list.invert-marks",
        "Invert marks",
        "Mark the shown jobs that are not, and unmark the others.",
    ),
    row(ListCommand::ClearMarks, "list.clear-marks", "Clear marks", "Take all marks away.").when(marked),
];
