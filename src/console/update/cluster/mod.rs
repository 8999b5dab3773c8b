//! What messages and commands do to the views of the cluster.
//!
//! Rows are made anew when something was read, when a view is opened and when its order changes; not for every change of
//! the fleet. Must not draw.

mod build;
#[cfg(test)]
mod tests;

use super::{list, page};
use crate::{
    console::{
        commands::ClusterCommand,
        effect::Effect,
        layout,
        model::{
            Model,
            cluster::{Behind, ClusterModel, ClusterView},
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose},
            page::Tab,
        },
        view::trouble,
        widgets::picker,
    },
    jobs::{Clean, Sym, boards::Goes},
};

pub use build::{rebuild, wanted};

/// A command of the views.
pub fn command(model: &mut Model, id: ClusterCommand) -> Vec<Effect> {
    let half = model.cluster.as_ref().map_or(1, |cluster| cluster.height / 2).max(1) as isize;
    match id {
        ClusterCommand::View(view) => return show(model, view),
        ClusterCommand::Next => return beside(model, 1),
        ClusterCommand::Previous => return beside(model, ClusterView::ALL.len() - 1),
        ClusterCommand::Down => step(model, 1),
        ClusterCommand::Up => step(model, -1),
        ClusterCommand::HalfPageDown => step(model, half),
        ClusterCommand::HalfPageUp => step(model, -half),
        ClusterCommand::Top => step(model, isize::MIN),
        ClusterCommand::Bottom => step(model, isize::MAX),
        ClusterCommand::Open => return follow(model),
        ClusterCommand::Line => return line(model),
        ClusterCommand::Sort => open_sort(model),
        ClusterCommand::Reverse => {
            let Some(cluster) = &mut model.cluster else { return Vec::new() };
            let (column, reversed) = cluster.spot().sort.unwrap_or((0, false));
            cluster.spot_mut().sort = Some((column, !reversed));
            rebuild(model);
        }
    }
    Vec::new()
}

/// Opens a view; an open job page is closed.
fn open(model: &mut Model, view: ClusterView, line: Option<Sym>) {
    if let Some(cluster) = &mut model.cluster {
        cluster.go(view, line);
    } else {
        // Coming back from the list that it led to, one is where one was.
        let behind = model.behind.take();
        let filter = behind.as_ref().map(|behind| (behind.filter.clone(), behind.attention));
        let mut cluster = behind.map_or_else(|| ClusterModel::new(view), |behind| behind.cluster);
        cluster.go(view, line);
        model.cluster = Some(cluster);
        if let Some((filter, attention)) = filter {
            list::show_only(model, &filter, attention);
        }
    }
    rebuild(model);
}

/// Opens a view from anywhere; an open job page is closed.
pub fn show(model: &mut Model, view: ClusterView) -> Vec<Effect> {
    let effects = page::close(model);
    open(model, view, None);
    effects
}

/// The view so many places on.
fn beside(model: &mut Model, by: usize) -> Vec<Effect> {
    let open = model.cluster.as_ref().map(|cluster| cluster.view).unwrap_or_default();
    let at = ClusterView::ALL.iter().position(|view| *view == open).unwrap_or(0);
    show(model, ClusterView::ALL[(at + by) % ClusterView::ALL.len()])
}

/// From a job's tab Queue to all that wait with it.
fn line(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.cluster_queue() else {
        model.notices.tell(model.now, Tone::Warn, "The ClusterQueue of this job is not known");
        return Vec::new();
    };
    let from = model.page.as_ref().map(|page| page.job.key());
    let selected = from.as_ref().map(|key| key.uid.clone());
    let effects = page::close(model);
    open(model, ClusterView::Queues, Some(name));
    let own = selected.and_then(|uid| {
        let mut loads = model.survey.read.queues.loads.rows.iter();
        let load = loads.find(|load| load.job.as_ref().is_some_and(|job| job.uid == uid))?;
        Some(format!("{}/{}", load.namespace, load.name))
    });
    if let Some(cluster) = &mut model.cluster {
        cluster.spot_mut().selected = own;
        cluster.from = from;
    }
    rebuild(model);
    effects
}

/// Leaves the views for the list as it is.
pub fn leave(model: &mut Model) {
    (model.cluster, model.behind) = (None, None);
}

/// Esc: back to the view or job that led here, out of a waiting list, out of the views. `None`: there was none of that.
pub fn back(model: &mut Model) -> Option<Vec<Effect>> {
    match &mut model.cluster {
        Some(cluster) if cluster.from.is_some() => {
            let from = cluster.from.take()?;
            leave(model);
            return Some(page::open_on(model, &from, Tab::Queue));
        }
        Some(cluster) if cluster.line.is_some() => open(model, ClusterView::Queues, None),
        Some(_) => model.cluster = None,
        None => {
            let Behind { cluster, filter, attention } = model.behind.take()?;
            model.cluster = Some(cluster);
            list::show_only(model, &filter, attention);
            rebuild(model);
        }
    }
    Some(Vec::new())
}

/// The jobs behind the selected row.
fn follow(model: &mut Model) -> Vec<Effect> {
    let goes = model.cluster.as_ref().and_then(|cluster| {
        let at = cluster.table.position(cluster.spot().selected.as_ref()?)?;
        cluster.table.rows.get(at)?.goes.clone()
    });
    match goes {
        None => Vec::new(),
        Some(Goes::Line(queue)) => {
            open(model, ClusterView::Queues, Some(queue));
            Vec::new()
        }
        Some(Goes::Job(namespace, name)) => to_job(model, &namespace, &name),
        Some(Goes::Jobs(filter)) => {
            let Some(cluster) = model.cluster.take() else { return Vec::new() };
            let (text, attention) = (model.list.filter.text.clone(), model.list.attention);
            model.behind = Some(Behind { cluster, filter: text, attention });
            list::show_only(model, &filter, false);
            if model.list.order.is_empty() {
                let scope = model.session.scope.to_string();
                model.notices.tell(model.now, Tone::Info, &format!("None of these jobs is in {scope}; esc goes back"));
            }
            Vec::new()
        }
    }
}

fn to_job(model: &mut Model, namespace: &Sym, name: &Clean) -> Vec<Effect> {
    let found = model.fleet.find(namespace.as_str(), name.as_str()).first().map(|job| job.key());
    if let Some(key) = found {
        return page::open_on(model, &key, Tab::Queue);
    }
    let text = format!("{namespace}/{name} is not in {}", model.session.scope);
    model.notices.tell(model.now, Tone::Warn, &text);
    Vec::new()
}

fn step(model: &mut Model, by: isize) {
    let Some(cluster) = &mut model.cluster else { return };
    let to = cluster.spot().at.saturating_add_signed(by).min(cluster.table.rows.len().saturating_sub(1));
    if cluster.view == ClusterView::Overview && to == cluster.spot().at {
        // Beyond the first and the last line that lead anywhere is more to be read.
        let spot = cluster.spot_mut();
        spot.top = spot.top.saturating_add_signed(by);
        return build::settle(model);
    }
    let id = cluster.table.rows.get(to).map(|row| row.id.clone());
    let spot = cluster.spot_mut();
    if to == 0 {
        spot.top = 0;
    }
    (spot.at, spot.selected) = (to, id);
    build::settle(model);
}

/// The screen has another size.
pub fn resized(model: &mut Model) {
    if model.cluster.is_some() {
        build::settle(model);
    }
}

fn open_sort(model: &mut Model) {
    let Some(cluster) = &model.cluster else { return };
    let now = cluster.spot().sort.map(|(column, _)| column);
    let item = |(at, column): (usize, &crate::jobs::boards::Column)| {
        let about = if now == Some(at) { "sorted by this; again turns it round" } else { column.help };
        let about = about.to_owned();
        PickerItem { id: at.to_string(), label: column.title.to_lowercase(), about, marked: false }
    };
    let items = cluster.table.columns.iter().enumerate().map(item).collect();
    let mut open = Picker {
        purpose: PickerPurpose::Board,
        title: "Sort by".to_owned(),
        line: crate::console::line_edit::LineEdit::default(),
        items,
        selected: None,
        several: false,
        note: String::new(),
        free: false,
    };
    picker::refresh(&mut open);
    model.overlays.push(Overlay::Picker(open));
}

/// The order was chosen.
pub fn picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    let column = ids.first().and_then(|id| id.parse().ok());
    if let (Some(cluster), Some(column)) = (&mut model.cluster, column) {
        let before = cluster.spot().sort;
        let turned = before.is_some_and(|(at, reversed)| at == column && !reversed);
        cluster.spot_mut().sort = Some((column, turned));
        rebuild(model);
    }
    Vec::new()
}

/// Rows that fit, from the size of the screen.
fn height(model: &Model) -> usize {
    usize::from(layout::cluster(trouble::body(model)).rows.height)
}
