//! Commands that go into a replica: shells, ports, files.

use super::{Command, CommandId, Context, Right, VisitCommand, Why};
use crate::console::model::{Model, page::PageModel};

const fn row(id: VisitCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Visit(id), name, title, help, &[Context::Page]).when(running)
}

const EXEC: Right = Right { verb: "create", group: "", resource: "pods/exec" };
const FORWARD: Right = Right { verb: "create", group: "", resource: "pods/portforward" };

pub(super) const ROWS: &[Command] = &[
    row(
        VisitCommand::Shell,
        "replica.shell",
        "Shell",
        "Open a shell in the selected replica, else in the launcher; enter, then ~. leaves one that hangs.",
    )
    .changing()
    .needing(EXEC)
    .within(&[Context::Page, Context::Workers]),
    row(VisitCommand::Run, "replica.run", "Run", "Run a command line in the replica and look at what it says.")
        .changing()
        .needing(EXEC),
    row(
        VisitCommand::Forward,
        "replica.forward",
        "Forward port",
        "Lead a port of this machine to one of the replica (TensorBoard, a debugger).",
    )
    .changing()
    .needing(FORWARD),
    row(VisitCommand::CopyOut, "replica.copy-out", "Copy out", "Copy a file or directory out of the replica.")
        .changing()
        .needing(EXEC),
    row(VisitCommand::CopyIn, "replica.copy-in", "Copy in", "Copy a file or directory into the replica.")
        .changing()
        .needing(EXEC),
    row(
        VisitCommand::Gpus,
        "replica.gpus",
        "Ask nvidia-smi",
        "Run nvidia-smi once in each worker with GPUs; the tab Metrics shows what it says.",
    )
    .changing()
    .needing(EXEC)
    .when(gpus),
    row(
        VisitCommand::GpusAgain,
        "replica.gpus-again",
        "Watch nvidia-smi",
        "Run nvidia-smi in each worker with GPUs every 15 seconds while their numbers are in sight; once more ends it.",
    )
    .changing()
    .needing(EXEC)
    .when(gpus),
    Command::new(
        CommandId::Visit(VisitCommand::Forwards),
        "replica.forwards",
        "Forwarded ports",
        "Show the ports that lead to replicas, and stop one.",
        &[Context::List, Context::Page],
    )
    .when(forwarded),
];

fn running(model: &Model) -> Result<(), Why> {
    let page = model.page.as_ref().ok_or_else(|| "open a job first".to_owned())?;
    if page.recorded.is_some() || page.gone.is_some() {
        return Err("this job is gone".to_owned());
    }
    PageModel::visited(page).map(|_| ())
}

fn gpus(model: &Model) -> Result<(), Why> {
    let page = model.page.as_ref().ok_or_else(|| "open a job first".to_owned())?;
    if page.recorded.is_some() || page.gone.is_some() {
        return Err("this job is gone".to_owned());
    }
    if page.job.gpu_pods().is_empty() { Err("no replica with NVIDIA GPUs runs".to_owned()) } else { Ok(()) }
}

fn forwarded(model: &Model) -> Result<(), Why> {
    if model.visits.forwards.is_empty() { Err("no port is forwarded".to_owned()) } else { Ok(()) }
}
