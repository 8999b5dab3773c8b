//! Commands of tab Logs.

use super::{Command, CommandId, Context, LogCommand, Why};
use crate::console::model::Model;

use LogCommand as L;

const LOGS: &[Context] = &[Context::Logs];

const fn row(id: LogCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Log(id), name, title, help, LOGS)
}

pub(super) const ROWS: &[Command] = &[
    row(L::Pause, "logs.pause", "Pause", "Stand still, or follow the newest line again.").hinted(2),
    row(L::Choose, "logs.choose", "Choose", "Choose ranks, replicas, attempts and containers to look at.")
        .hinted(3)
        .when(read),
    row(L::Grid, "logs.grid", "Ranks", "Show every rank with its last line and its age, or the lines again.").hinted(4),
    row(L::Open, "logs.open", "Open", "Look at the selected rank alone.").key_only().when(in_grid).hinted(1),
    row(L::Filter, "logs.filter", "Filter", "Show only lines with a word or /regular expression/.").hinted(5),
    row(L::All, "logs.all", "All", "Look at all lines again: no filter, no choice, one half.").hinted(6),
    row(L::NextWriter, "logs.next-rank", "Next rank", "Look at the next rank alone.").hinted(7).when(heard),
    row(L::PreviousWriter, "logs.previous-rank", "Previous rank", "Look at the rank before alone."),
    row(L::Split, "logs.split", "Split", "Look at a second rank beside the first, at the same time; again: one half.")
        .hinted(8)
        .when(read),
    row(L::Exclude, "logs.exclude", "Exclude", "Leave out lines with a word or /regular expression/."),
    row(L::Context, "logs.context", "Context", "Go round 0, 2, 5 and 10 lines of context around the filter's hits.")
        .when(filtered),
    row(L::Stream, "logs.stream", "Stream", "Go round both, stdout only and stderr only, where ranks are tagged."),
    row(L::Trouble, "logs.trouble", "Trouble only", "Show only warnings, errors and notices, or all.").hinted(9),
    row(L::Fold, "logs.fold", "Fold", "Fold tracebacks and banners of launchers, or show them whole."),
    row(L::Wrap, "logs.wrap", "Wrap", "Wrap long lines, or cut them.").hinted(10),
    row(L::Stamps, "logs.times", "Times", "Go round no times, ages, and times of day before lines.").hinted(11),
    row(L::Colours, "logs.colours", "Colours", "Show the colours that lines ask for, or not."),
    row(L::Past, "logs.past", "How far back", "Go round the last 1000 lines, 5 minutes, an hour, and all.").hinted(12),
    row(
        L::PreviousRun,
        "logs.previous-run",
        "Previous runs",
        "Read containers' runs before their last restart, or not.",
    ),
    row(L::Time, "logs.time", "Go to a time", "Go to a time of day (UTC), or so long ago: 14:05, 90s, 2h."),
    row(L::Mark, "logs.mark", "Mark", "Mark the hit or the first visible line, or take its mark away."),
    row(L::NextMark, "logs.next-mark", "Next mark", "Go to the next marked line."),
    row(L::Save, "logs.save", "Save", "Write the lines that are looked at to a file only you can read.")
        .hinted(13)
        .when(read),
    row(L::SaveEach, "logs.save-each", "Save each", "Write the lines that are looked at to a file for each rank."),
    row(L::Pager, "logs.pager", "Pager", "Read the lines that are looked at in your pager."),
];

fn read(model: &Model) -> Result<(), Why> {
    let is_open = model.page.as_ref().is_some_and(|page| page.logs.is_open());
    if is_open { Ok(()) } else { Err("the job has no log yet".to_owned()) }
}

fn heard(model: &Model) -> Result<(), Why> {
    let window = model.page.as_ref().map(|page| &page.logs.window);
    let writes = window.is_some_and(|window| window.ranks_heard > 0 || !window.streams.is_empty());
    if writes { Ok(()) } else { Err("no rank was heard of yet".to_owned()) }
}

fn filtered(model: &Model) -> Result<(), Why> {
    let logs = model.page.as_ref().map(|page| &page.logs);
    let is_filtered = logs.is_some_and(|logs| logs.choice.view.with.is_some());
    if is_filtered { Ok(()) } else { Err("there is no filter".to_owned()) }
}

fn in_grid(model: &Model) -> Result<(), Why> {
    let grid = model.page.as_ref().is_some_and(|page| page.logs.grid);
    if grid { Ok(()) } else { Err("the ranks are not shown".to_owned()) }
}
