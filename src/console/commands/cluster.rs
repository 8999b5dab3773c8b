//! Commands of the views of the cluster.

use super::{ClusterCommand, ClusterView, Command, CommandId, Context, Why};
use crate::console::model::Model;

use ClusterCommand as C;

const ANY: &[Context] = &[Context::Any];
const HERE: &[Context] = &[Context::Cluster];
const QUEUE: &[Context] = &[Context::Queue];

const fn row(
    id: ClusterCommand,
    name: &'static str,
    title: &'static str,
    help: &'static str,
    contexts: &'static [Context],
) -> Command {
    Command::new(CommandId::Cluster(id), name, title, help, contexts)
}

const fn view(view: ClusterView, name: &'static str, help: &'static str) -> Command {
    row(C::View(view), name, view.title(), help, ANY)
}

fn selected(model: &Model) -> Result<(), Why> {
    let row = model.cluster.as_ref().and_then(|cluster| cluster.spot().selected.as_ref());
    row.map(|_| ()).ok_or_else(|| "nothing is selected".to_owned())
}

fn sortable(model: &Model) -> Result<(), Why> {
    let columns = model.cluster.as_ref().map_or(0, |cluster| cluster.table.columns.len());
    if columns > 0 { Ok(()) } else { Err("this view has no columns".to_owned()) }
}

fn queued(model: &Model) -> Result<(), Why> {
    model.cluster_queue().map(|_| ()).ok_or_else(|| "the ClusterQueue of this job is not known".to_owned())
}

pub(super) const ROWS: &[Command] = &[
    view(ClusterView::Overview, "cluster.overview", "Show what GPUs there are, who holds them, and what is wasted."),
    view(ClusterView::Nodes, "cluster.nodes", "Show every node: its GPUs by job, what is free, what is the matter."),
    view(ClusterView::Namespaces, "cluster.namespaces", "Show what quotas allow, what is used of it, and the jobs."),
    view(ClusterView::Queues, "cluster.queues", "Show queues, what is reserved and free in them, and who waits."),
    view(ClusterView::Users, "cluster.users", "Show whose jobs hold what, and by what that is known."),
    row(C::Next, "cluster.next", "Next view", "Go to the next view of the cluster.", HERE).key_only().hinted(50),
    row(C::Previous, "cluster.previous", "Previous view", "Go to the view before.", HERE).key_only(),
    row(C::Down, "cluster.down", "Down", "Go to the next row.", HERE).key_only(),
    row(C::Up, "cluster.up", "Up", "Go to the row above.", HERE).key_only(),
    row(C::HalfPageDown, "cluster.half-page-down", "Half page down", "Go half a page down.", HERE).key_only(),
    row(C::HalfPageUp, "cluster.half-page-up", "Half page up", "Go half a page up.", HERE).key_only(),
    row(C::Top, "cluster.top", "Top", "Go to the first row.", HERE).key_only(),
    row(C::Bottom, "cluster.bottom", "Bottom", "Go to the last row.", HERE).key_only(),
    row(C::Open, "cluster.open", "Jobs behind it", "Show the jobs behind this row; esc comes back.", HERE)
        .hinted(1)
        .when(selected),
    row(C::Sort, "cluster.sort", "Sort", "Choose the order of the rows.", HERE).hinted(3).when(sortable),
    row(C::Reverse, "cluster.reverse", "Turn round", "Turn the order of the rows round.", HERE).when(sortable),
    row(C::Line, "queue.line", "All that wait", "Show all that wait in the same ClusterQueue, in order.", QUEUE)
        .hinted(2)
        .when(queued),
];
