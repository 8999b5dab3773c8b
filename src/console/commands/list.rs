//! Commands of the job list.

use super::{Command, CommandId, Context};

/// See the rows below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum ListCommand {
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    Top,
    Bottom,
    Open,
    Filter,
}

const fn row(id: ListCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::List(id), name, title, help, &[Context::List])
}

pub(super) const ROWS: &[Command] = &[
    row(ListCommand::Down, "list.down", "Down", "Select the next job.").key_only(),
    row(ListCommand::Up, "list.up", "Up", "Select the job above.").key_only(),
    row(ListCommand::HalfPageDown, "list.half-page-down", "Half page down", "Move half a page down.").key_only(),
    row(ListCommand::HalfPageUp, "list.half-page-up", "Half page up", "Move half a page up.").key_only(),
    row(ListCommand::Top, "list.top", "Top", "Select the first job.").key_only(),
    row(ListCommand::Bottom, "list.bottom", "Bottom", "Select the last job.").key_only(),
    row(ListCommand::Open, "list.open", "Open", "Open the page of the selected job.").hinted(1),
    row(ListCommand::Filter, "list.filter", "Filter", "Show only the jobs that match, as you type.").hinted(2),
];
