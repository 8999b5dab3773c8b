//! Commands of the flight recorder.

use super::{Command, CommandId, Context, RecordCommand, Why};
use crate::{config::AlertJobs, console::model::Model};

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

const ANY: &[Context] = &[Context::Any];

pub(super) const ROWS: &[Command] = &[
    row(
        RecordCommand::Pin,
        "job.pin",
        "Pin",
        "Go on recording this job and telling of its changes when its page is closed, or stop.",
        JOB,
    )
    .when(watched),
    row(RecordCommand::Show, "job.record", "Record", "Show what was recorded of this job.", JOB).when(some_job),
    row(RecordCommand::History, "app.history", "History", "List recorded jobs, also those that are gone.", ANY),
];

fn some_job(model: &Model) -> Result<(), Why> {
    match &model.page {
        Some(page) if page.recorded.is_some() => Err("this is its record".to_owned()),
        None if model.list.selected.is_none() => Err("no job is selected".to_owned()),
        _ => Ok(()),
    }
}

/// Where a job is neither recorded nor told of, a pin would mean nothing.
fn watched(model: &Model) -> Result<(), Why> {
    if !model.session.is_recorded() && model.alert.settings.jobs == AlertJobs::Off {
        return Err("jobs of this context are neither recorded nor told of (settings: record, alerts)".to_owned());
    }
    some_job(model)
}
