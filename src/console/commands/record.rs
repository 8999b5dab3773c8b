//! Commands of the flight recorder.

use super::{Command, CommandId, Context, RecordCommand, Why};
use crate::console::model::Model;

const fn row(
    id: RecordCommand,
    name: &'static str,
    title: &'static str,
    help: &'static str,
    contexts: &'static [Context],
) -> Command {
    Command::new(CommandId::Record(id), name, title, help, contexts)
}

const JOB: &[Context] = &[Context::List, Context::Page];

pub(super) const ROWS: &[Command] = &[row(
    RecordCommand::Pin,
    "job.pin",
    "Pin",
    "Go on recording this job's log and events when its page is closed, or stop.",
    JOB,
)
.when(recorded)];

fn recorded(model: &Model) -> Result<(), Why> {
    let on = model.session.info().is_some_and(|info| info.record);
    if !on {
        return Err("this context is not recorded (setting: record)".to_owned());
    }
    let job = model.page.is_some() || model.list.selected.is_some();
    if job { Ok(()) } else { Err("no job is selected".to_owned()) }
}
