//! Making a view's rows of what was read and of the fleet, and what has to be read for it.

use super::height;
use crate::{
    console::{
        model::{
            Model,
            cluster::{About, ClusterModel, ClusterView},
            survey::{Line, Pods, Wanted},
        },
        view::{cluster as view, trouble},
    },
    jobs::{
        Name,
        boards::{self, Table},
        capacity::{held, nodes, overview, users},
    },
};

/// What a view needs beside the fleet.
pub fn wanted(model: &Model, cluster: &ClusterModel) -> Wanted {
    let mut wanted = Wanted { namespaces: model.places(), ..Wanted::default() };
    match cluster.view {
        ClusterView::Overview => {
            (wanted.nodes, wanted.pods, wanted.spaces) = (true, model.pods_beside(), true);
            wanted.work = true;
        }
        ClusterView::Nodes => (wanted.nodes, wanted.pods) = (true, model.pods_beside()),
        ClusterView::Namespaces => (wanted.quotas, wanted.spaces, wanted.pods) = (true, true, model.pods_beside()),
        ClusterView::Queues => {
            wanted.queues = true;
            wanted.line = cluster.line.as_ref().and_then(|name| Name::new(name.as_str())).map(Line::Cluster);
        }
        ClusterView::Users => (wanted.spaces, wanted.pods) = (true, Pods::None),
    }
    wanted
}

/// Makes the rows of the open view again.
pub fn rebuild(model: &mut Model) {
    let Some(mut cluster) = model.cluster.take() else { return };
    let (read, fleet, now) = (&model.survey.read, &model.fleet, model.now);
    cluster.table = match (cluster.view, &cluster.line) {
        (ClusterView::Overview, _) => {
            let pods = held(fleet, &read.pods);
            cluster.overview = overview(fleet, &nodes(&read.nodes.rows, &pods), &pods, now);
            let all = users(fleet, &read.spaces.rows).into_iter().filter(|user| user.gpus > 0);
            let name = |user: &crate::jobs::capacity::UserUse| user.name.as_ref().map(ToString::to_string);
            cluster.users = all.filter_map(|user| Some((name(&user)?, u64::from(user.gpus)))).collect();
            let unread = [&read.nodes.unread, &read.pods.unread].into_iter().flatten().cloned().collect();
            let told = model.survey.work.as_ref().and_then(|told| told.work.as_ref().ok());
            cluster.idle = told.map(|work| work.idle(&pods)).unwrap_or_default();
            // Other pods are no jobs that one could look at.
            let idle = cluster.idle.of_jobs + cluster.idle.unknown > 0;
            let mut holders = boards::users(fleet, &read.spaces).rows;
            holders.retain(|row| cluster.users.iter().any(|(name, _)| *name == row.id));
            Table { unread, rows: boards::overview::leads(&cluster.overview, idle, &holders), ..Table::default() }
        }
        (ClusterView::Nodes, _) => boards::nodes(fleet, &read.nodes, &read.pods),
        (ClusterView::Namespaces, _) => boards::spaces(fleet, &read.quotas, &read.spaces, &read.pods),
        (ClusterView::Queues, Some(queue)) => boards::line(&read.queues, &read.line, queue.as_str(), now),
        (ClusterView::Queues, None) => boards::queues(&read.queues),
        (ClusterView::Users, _) => boards::users(fleet, &read.spaces),
    };
    if let Some((column, reversed)) = cluster.spot().sort {
        cluster.table.sort(column, reversed);
    }
    model.cluster = Some(cluster);
    settle(model);
}

/// The selection keeps its row, or goes to a neighbour, and stays on the screen; more is told of it.
pub(super) fn settle(model: &mut Model) {
    let height = height(model).max(1);
    let Some(mut cluster) = model.cluster.take() else { return };
    cluster.height = height;
    let rows = cluster.table.rows.len();
    let place = cluster.spot().selected.as_ref().and_then(|id| cluster.table.position(id));
    let at = place.unwrap_or(cluster.spot().at).min(rows.saturating_sub(1));
    let id = cluster.table.rows.get(at).map(|row| row.id.clone());
    let is_table = cluster.view != ClusterView::Overview;
    let spot = cluster.spot_mut();
    if rows > 0 {
        (spot.at, spot.selected) = (at, id);
    }
    if is_table && rows > 0 {
        let last = rows.saturating_sub(height);
        spot.top = spot.top.clamp((at + 1).saturating_sub(height), at).min(last);
    }
    cluster.about = about(model, &cluster);
    model.cluster = Some(cluster);
    if !is_table {
        show_line(model);
    }
}

/// The selected line of the overview stays on the screen, unless one reads on above the first or below the last that leads
/// anywhere.
fn show_line(model: &mut Model) {
    let Some(lines) = view::overview_lines(model) else { return };
    let height = usize::from(trouble::body(model).height.saturating_sub(1)).max(1);
    let Some(cluster) = &mut model.cluster else { return };
    let (last_row, end) = (cluster.table.rows.len().saturating_sub(1), lines.len().saturating_sub(height));
    let spot = cluster.spot_mut();
    let line = lines.iter().position(|line| line.id.is_some() && line.id == spot.selected);
    let least = line.filter(|_| spot.at > 0).map_or(0, |at| (at + 1).saturating_sub(height));
    let most = line.filter(|_| spot.at < last_row).unwrap_or(end).min(end);
    spot.top = spot.top.clamp(least.min(most), most);
}

fn about(model: &Model, cluster: &ClusterModel) -> About {
    let Some(id) = &cluster.spot().selected else { return About::Nothing };
    let read = &model.survey.read;
    match cluster.view {
        ClusterView::Nodes => {
            boards::of_node(&model.fleet, &read.nodes.rows, &read.pods, id).map_or(About::Nothing, About::Node)
        }
        ClusterView::Queues if cluster.line.is_none() => {
            let name = id.strip_prefix("cluster/").map_or_else(|| above(model, id), |name| Some(name.to_owned()));
            About::Queue(name.map(|name| boards::of_queue(&read.queues, &name)).unwrap_or_default())
        }
        // Why it is not in, in full.
        ClusterView::Queues => {
            let row = cluster.table.position(id).and_then(|at| cluster.table.rows.get(at));
            About::Queue(row.and_then(|row| row.cells.last()).map(|cell| cell.text.clone()).into_iter().collect())
        }
        _ => About::Nothing,
    }
}

/// The `ClusterQueue` of a `LocalQueue`'s row.
fn above(model: &Model, id: &str) -> Option<String> {
    let (namespace, name) = id.strip_prefix("local/")?.split_once('/')?;
    Some(model.survey.read.queues.local(namespace, name)?.cluster_queue.to_string())
}
