//! Commands of the job page and its tabs.

use super::{Command, CommandId, Context, PageCommand, Right, Why};
use crate::console::model::{
    Model,
    page::{OwnedObject, Tab},
};

use PageCommand as P;

const READ_LOGS: Right = Right { verb: "get", group: "", resource: "pods/log" };

/// On the list, for the selected job.
const ANY_JOB: &[Context] = &[Context::Page, Context::List];
const PAGE: &[Context] = &[Context::Page];
const SIDE: &[Context] = &[Context::Workers, Context::Logs, Context::Metrics];
const OVERVIEW: &[Context] = &[Context::Overview];
const CONFIGURATION: &[Context] = &[Context::Configuration];
const WORKERS: &[Context] = &[Context::Workers];
const EVENTS: &[Context] = &[Context::Events];

const fn row(
    id: PageCommand,
    name: &'static str,
    title: &'static str,
    help: &'static str,
    contexts: &'static [Context],
) -> Command {
    Command::new(CommandId::Page(id), name, title, help, contexts)
}

pub(super) const ROWS: &[Command] = &[
    row(
        P::Tab(Tab::Overview),
        "page.overview",
        "Overview",
        "Show how the job is, why, and what it is made of.",
        ANY_JOB,
    ),
    row(P::Tab(Tab::Configuration), "page.configuration", "Configuration", "Show the job's manifest.", ANY_JOB),
    row(P::Tab(Tab::Workers), "page.workers", "Workers", "Show every replica of the job.", ANY_JOB),
    row(P::Tab(Tab::Logs), "page.logs", "Logs", "Read what the job writes, by rank.", ANY_JOB).needing(READ_LOGS),
    row(P::Tab(Tab::Events), "page.events", "Events", "Show the events of the job and all it owns.", ANY_JOB),
    row(
        P::Tab(Tab::Metrics),
        "page.metrics",
        "Metrics",
        "Show what the replicas use: GPUs, memory, CPU, network.",
        ANY_JOB,
    ),
    row(P::Tab(Tab::Queue), "page.queue", "Queue", "Show what the job waits for: place, room, who is ahead.", ANY_JOB),
    row(P::NextTab, "page.next-tab", "Next tab", "Go to the next tab.", PAGE).key_only().hinted(50),
    row(P::PreviousTab, "page.previous-tab", "Previous tab", "Go to the tab before.", PAGE).key_only(),
    row(P::Successor, "page.new-job", "New job", "Go to the new job of this name, once this one is deleted.", PAGE)
        .when(successor),
    row(
        P::Cause,
        "page.cause",
        "To the cause",
        "Go to what the cause rests on: the line of a log, marked; an event; a replica.",
        ANY_JOB,
    )
    .when(caused),
    row(P::Down, "page.down", "Down", "Go one line down.", PAGE).key_only(),
    row(P::Up, "page.up", "Up", "Go one line up.", PAGE).key_only(),
    row(P::HalfPageDown, "page.half-page-down", "Half page down", "Go half a page down.", PAGE).key_only(),
    row(P::HalfPageUp, "page.half-page-up", "Half page up", "Go half a page up.", PAGE).key_only(),
    row(P::Top, "page.top", "Top", "Go to the beginning.", PAGE).key_only(),
    row(P::Bottom, "page.bottom", "Bottom", "Go to the end; a log is followed again.", PAGE).key_only(),
    row(P::Left, "page.left", "Left", "Select the replica to the left, or the metric; in a log, scroll left.", SIDE)
        .key_only(),
    row(
        P::Right,
        "page.right",
        "Right",
        "Select the replica to the right, or the metric; in a log, scroll right.",
        SIDE,
    )
    .key_only(),
    row(P::Search, "page.search", "Search", "Search here: a word, or /a regular expression/.", PAGE)
        .key_only()
        .hinted(20),
    row(P::Next, "page.next-hit", "Next hit", "Go to the next hit of the search.", PAGE).key_only(),
    row(P::Previous, "page.previous-hit", "Previous hit", "Go to the hit before.", PAGE).key_only(),
    row(P::Evidence, "overview.evidence", "All evidence", "Show evidence in full, or its first lines.", OVERVIEW)
        .hinted(2)
        .when(evidence),
    row(P::Hostfile, "overview.hostfile", "Hostfile", "Show a hostfile in full, or its first lines.", OVERVIEW)
        .hinted(3)
        .when(hostfile),
    row(
        P::Form,
        "manifest.form",
        "Form",
        "Go round cleaned, effective (defaults filled in) and stored.",
        CONFIGURATION,
    )
    .hinted(2),
    row(
        P::Reveal,
        "manifest.reveal",
        "Show env values",
        "Show or hide the values of environment variables.",
        CONFIGURATION,
    )
    .hinted(3),
    row(
        P::SaveManifest,
        "manifest.save",
        "Save",
        "Write the manifest as shown to a file only you can read.",
        CONFIGURATION,
    )
    .hinted(4)
    .when(read),
    row(P::Shape, "workers.shape", "Grid or table", "Show replicas as a grid of symbols or as a table.", WORKERS)
        .hinted(3),
    row(P::ByNode, "workers.by-node", "By node", "Group replicas by the node they run on.", WORKERS).hinted(4),
    row(P::Open, "workers.open", "Open", "Show containers, endings and manifest of the selected replica.", WORKERS)
        .hinted(2)
        .when(selected),
    row(P::PodYaml, "workers.yaml", "YAML", "Show or hide the manifest of the selected replica's pod.", WORKERS)
        .hinted(6)
        .when(selected),
    row(P::LogOf, "workers.log", "Log", "Follow the log of the selected replica.", WORKERS).hinted(5).when(with_pod),
    row(P::Filter, "events.filter", "Filter", "Show only the events that have this text.", EVENTS).hinted(2),
    row(P::WarningsOnly, "events.warnings", "Warnings only", "Show only warnings, or all events.", EVENTS).hinted(3),
];

/// Something is known to be wrong with the job at hand.
pub(super) fn caused(model: &Model) -> Result<(), Why> {
    let of_page = model.page.as_ref().map(|page| &page.job.derived);
    let selected = || Some(&model.fleet.get(model.list.selected.as_ref()?)?.derived);
    let derived = of_page.or_else(selected).ok_or_else(|| "no job is selected".to_owned())?;
    let told = derived.cause.is_some() || derived.needs_attention();
    if told { Ok(()) } else { Err("nothing is known to be wrong with this job".to_owned()) }
}

fn successor(model: &Model) -> Result<(), Why> {
    let next = model.page.as_ref().and_then(|page| page.gone.and(page.successor.as_ref()));
    next.map(|_| ()).ok_or_else(|| "this is the newest job of its name".to_owned())
}

fn read(model: &Model) -> Result<(), Why> {
    let object = model.page.as_ref().and_then(|page| page.object.ready());
    object.map(|_| ()).ok_or_else(|| "the manifest is not read yet".to_owned())
}

fn evidence(model: &Model) -> Result<(), Why> {
    let cause = model.page.as_ref().and_then(|page| page.job.derived.cause.as_ref());
    cause.map(|_| ()).ok_or_else(|| "there is no evidence to show".to_owned())
}

fn hostfile(model: &Model) -> Result<(), Why> {
    let owned = model.page.as_ref().and_then(|page| page.owned.ready()).into_iter().flatten();
    let folded = owned.into_iter().any(OwnedObject::is_long);
    if folded { Ok(()) } else { Err("there is no long hostfile".to_owned()) }
}

fn with_pod(model: &Model) -> Result<(), Why> {
    selected(model)?;
    let is_there = model.page.as_ref().is_some_and(|page| {
        let replicas = page.job.replicas();
        let chosen = replicas.iter().find(|replica| Some(replica.id()) == page.workers.selected);
        chosen.is_some_and(|replica| !replica.attempts.is_empty())
    });
    if is_there { Ok(()) } else { Err("this replica has no pod yet".to_owned()) }
}

fn selected(model: &Model) -> Result<(), Why> {
    let selected = model.page.as_ref().and_then(|page| page.workers.selected.as_ref());
    selected.map(|_| ()).ok_or_else(|| "no replica is selected".to_owned())
}
