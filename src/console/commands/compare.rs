//! Commands of the comparison of runs.

use super::{Command, CommandId, CompareCommand, Context, Why};
use crate::console::model::Model;

use CompareCommand as C;

const HERE: &[Context] = &[Context::Compare];

const fn row(id: CompareCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Compare(id), name, title, help, HERE)
}

fn chosen(model: &Model) -> Result<(), Why> {
    if model.list.targets().is_empty() { Err("no job is selected or marked".to_owned()) } else { Ok(()) }
}

fn several(model: &Model) -> Result<(), Why> {
    let runs = model.compare().map_or(0, |open| open.picked.len());
    if runs > 1 { Ok(()) } else { Err("there is only one run".to_owned()) }
}

pub(super) const ROWS: &[Command] = &[
    row(C::Open, "jobs.compare", "Compare", "Show the marked jobs side by side: speed, efficiency, what differs.")
        .within(&[Context::List])
        .when(chosen),
    row(C::Down, "compare.down", "Down", "Go a line down.").key_only(),
    row(C::Up, "compare.up", "Up", "Go a line up.").key_only(),
    row(C::Left, "compare.left", "Run before", "Select the run to the left.").key_only(),
    row(C::Right, "compare.right", "Next run", "Select the run to the right.").key_only().hinted(3),
    row(C::Base, "compare.baseline", "Baseline", "Compare all runs with the selected one.").hinted(1).when(several),
    row(C::Add, "compare.add", "Add a record", "Choose recorded jobs to compare, too.").hinted(2),
    row(C::Remove, "compare.remove", "Leave out", "Leave the selected run out.").hinted(4).when(several),
    row(C::SaveJson, "compare.save", "Save", "Write the comparison to a JSON file only you can read.").hinted(5),
    row(C::SaveCsv, "compare.save-csv", "Save as CSV", "Write the comparison to a CSV file only you can read."),
];
