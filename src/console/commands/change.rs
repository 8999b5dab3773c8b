//! Commands that alter the cluster, and what belongs to them.

use super::{ChangeCommand, Command, CommandId, Context, Right, Why};
use crate::console::model::Model;

const fn row(id: ChangeCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Change(id), name, title, help, JOB).when(some_job)
}

/// One that needs a right on MPIJobs (of other kinds the server tells when it is tried).
const fn change(id: ChangeCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    row(id, name, title, help).changing()
}

/// One about all jobs in scope.
const fn all(id: ChangeCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Change(id), name, title, help, &[Context::List, Context::Cluster]).changing().when(anywhere)
}

const fn right(verb: &'static str) -> Right {
    Right { verb, group: "kubeflow.org", resource: "mpijobs" }
}

const JOB: &[Context] = &[Context::List, Context::Page];

pub(super) const ROWS: &[Command] = &[
    change(
        ChangeCommand::Delete,
        "job.delete",
        "Delete",
        "Delete the marked jobs, else this one, after saying what goes with it.",
    )
    .needing(right("delete"))
    .hinted(85),
    change(
        ChangeCommand::Restart,
        "job.restart",
        "Restart",
        "Delete the job and make it again from the same manifest, as one step.",
    )
    .needing(right("delete")),
    change(ChangeCommand::Suspend, "job.suspend", "Suspend", "Stop the job and give back what it holds.")
        .needing(right("patch")),
    change(ChangeCommand::Resume, "job.resume", "Resume", "Let a suspended job go on.").needing(right("patch")),
    change(ChangeCommand::Scale, "job.scale", "Scale", "Run the job with another number of workers.")
        .needing(right("patch")),
    change(ChangeCommand::Free, "job.free-gpus", "Free GPUs", "Delete pods of a finished job that still hold GPUs."),
    change(ChangeCommand::Queue, "job.queue", "Queue", "Put a waiting job into another queue.").needing(right("patch")),
    change(ChangeCommand::Priority, "job.priority", "Priority", "Give a queued job another priority class.")
        .needing(right("patch")),
    change(ChangeCommand::Label, "job.label", "Label", "Set a label of the job, or take it away.")
        .needing(right("patch")),
    all(
        ChangeCommand::FreeAll,
        "jobs.free-gpus",
        "Free all GPUs held",
        "Free the GPUs that jobs in scope still hold which have ended, after saying which.",
    ),
    all(
        ChangeCommand::CleanUp,
        "jobs.clean-up",
        "Clean up",
        "Delete jobs in scope that ended some time ago, after saying which.",
    )
    .needing(right("delete")),
    row(ChangeCommand::Undo, "change.undo", "Undo", "Take back what was changed last on this cluster.")
        .changing()
        .when(anywhere),
    row(ChangeCommand::Log, "change.log", "Changes", "Show what was changed, by whom, when, and what came of it.")
        .when(anywhere),
    row(ChangeCommand::Unlock, "change.unlock", "Unlock", "Allow changes in a read-only context for ten minutes.")
        .when(read_only),
    row(ChangeCommand::Lock, "change.lock", "Lock", "Forbid changes again in an unlocked context.").when(unlocked),
];

fn some_job(model: &Model) -> Result<(), Why> {
    match &model.page {
        Some(page) if page.recorded.is_some() || page.gone.is_some() => Err("this job is gone".to_owned()),
        None if model.list.selected.is_none() && model.list.marks.is_empty() => Err("no job is selected".to_owned()),
        _ => Ok(()),
    }
}

fn anywhere(model: &Model) -> Result<(), Why> {
    if model.session.context.is_empty() { Err("no context is chosen".to_owned()) } else { Ok(()) }
}

fn read_only(model: &Model) -> Result<(), Why> {
    if model.session.read_only { Ok(()) } else { Err("this context is not read-only".to_owned()) }
}

fn unlocked(model: &Model) -> Result<(), Why> {
    model.session.unlocked.map(|_| ()).ok_or_else(|| "it is not unlocked".to_owned())
}
