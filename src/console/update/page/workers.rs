//! Moving among replicas, and looking into one.

use ratatui::layout::Rect;
use serde_json::Value;

use super::logs;
use crate::{
    console::{
        commands::PageCommand,
        effect::Effect,
        model::{
            Model,
            page::{
                Fetched, Kept, PageEffect, PageModel, Refusal, Scroll, Tab,
                workers::{OpenReplica, Shape},
            },
        },
        view::{
            page::{
                self as view,
                workers::{GridLine, grid, ordered, table_lines},
            },
            trouble,
        },
        widgets::rich,
    },
    jobs::{
        Clean, Name, Secs, Uid,
        manifest::{self, Env},
        replica::Replica,
    },
};

/// Whether keys move among replicas.
pub(super) fn is_picking(model: &Model) -> bool {
    model.page.as_ref().is_some_and(|page| page.tab == Tab::Workers && page.workers.open.is_none())
}

/// A command of tab Workers.
pub(super) fn command(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let body = trouble::body(model);
    let now = model.now;
    let Some(page) = &mut model.page else { return Vec::new() };
    let body = view::body(page, body);
    match id {
        PageCommand::Shape => {
            let shape = page.workers.shape(page.job.replicas().len());
            page.workers.asked = Some(if shape == Shape::Grid { Shape::Table } else { Shape::Grid });
            page.workers.top = 0;
        }
        PageCommand::ByNode => page.workers.by_node = !page.workers.by_node,
        PageCommand::Open => return open(page),
        PageCommand::PodYaml if page.workers.open.is_some() => page.workers.yaml = !page.workers.yaml,
        PageCommand::PodYaml => {
            page.workers.yaml = true;
            return open(page);
        }
        PageCommand::LogOf => {
            let selected = page.workers.selected.clone();
            return selected.map_or_else(Vec::new, |id| logs::of_replica(model, &id));
        }
        PageCommand::Next | PageCommand::Previous => find(page, id == PageCommand::Previous, now),
        _ => step(page, id, body),
    }
    show_selected(page, body);
    Vec::new()
}

/// Selects the first replica if none is, and forgets one that is gone for good.
pub(super) fn keep_selection(page: &mut PageModel) {
    let ids: Vec<Name> = page.job.replicas().iter().map(Replica::id).collect();
    let known = page.workers.selected.as_ref().is_some_and(|id| ids.contains(id));
    if !known {
        page.workers.selected = ids.into_iter().next();
    }
}

/// The pod of the selected replica.
pub(super) fn selected_pod(page: &PageModel) -> Option<Name> {
    let replicas = page.job.replicas();
    let replica = replicas.iter().find(|replica| Some(replica.id()) == page.workers.selected)?;
    Some(replica.pod()?.name.clone())
}

fn selected_uid(page: &PageModel) -> Option<Uid> {
    let name = selected_pod(page)?;
    page.job.pods.iter().find(|pod| pod.name == name).map(|pod| pod.uid.clone())
}

/// The manifest of the open replica's pod came.
pub(super) fn pod_read(page: &mut PageModel, name: &Name, pod: Result<Value, Refusal>) {
    let wanted = selected_pod(page);
    let uid = selected_uid(page);
    let Some(open) = page.workers.open.as_mut().filter(|_| wanted.as_ref() == Some(name)) else { return };
    match pod {
        // Another pod took the name.
        Ok(pod) if pod.pointer("/metadata/uid").and_then(Value::as_str).map(Uid::new) != uid => {
            if open.pod.ready().is_none() {
                let what = Clean::new("The pod was deleted before it was read");
                open.pod = Fetched::Failed(Refusal { what, hint: Clean::default() });
            }
        }
        Ok(pod) => {
            open.yaml = manifest::stored(&without_managed_fields(pod.clone()), Env::Masked)
                .map_or_else(|_| Vec::new(), |text| manifest::highlight(&text));
            open.pod = Fetched::Ready(pod);
        }
        // What was read before stays: the pod may just be gone.
        Err(_) if open.pod.ready().is_some() => {}
        Err(refusal) => open.pod = Fetched::Failed(refusal),
    }
}

/// Status and all, but not the bookkeeping of who wrote which field.
fn without_managed_fields(mut pod: Value) -> Value {
    if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    pod
}

/// What was read of the open replica's pod is old when the pod changed: it is read again.
pub(super) fn reread(page: &mut PageModel, before: &Kept) -> Vec<Effect> {
    if page.workers.open.is_none() {
        return Vec::new();
    }
    let name = selected_pod(page);
    let row = |job: &Kept| job.pods.iter().find(|pod| Some(&pod.name) == name.as_ref()).cloned();
    if row(before) == row(&page.job) {
        return Vec::new();
    }
    read_pod(page, name)
}

fn unrecorded() -> Fetched<Value> {
    let what = Clean::new("Manifests of pods are not recorded");
    Fetched::Failed(Refusal { what, hint: Clean::default() })
}

fn read_pod(page: &PageModel, name: Option<Name>) -> Vec<Effect> {
    if page.recorded.is_some() {
        return Vec::new();
    }
    let (id, session, key) = (page.id, page.session, page.job.key());
    name.map(|pod| Effect::Page(PageEffect::Pod(id, session, key, pod))).into_iter().collect()
}

/// Opens the selected replica, and scrolls to it.
pub(super) fn look_into(model: &mut Model) -> Vec<Effect> {
    command(model, PageCommand::Open)
}

fn open(page: &mut PageModel) -> Vec<Effect> {
    let Some(id) = page.workers.selected.clone() else { return Vec::new() };
    let pod = selected_pod(page);
    let fetched = if pod.is_some() { Fetched::Loading } else { Fetched::Unasked };
    let fetched = if page.recorded.is_some() { unrecorded() } else { fetched };
    page.workers.open = Some(OpenReplica { id, pod: fetched, yaml: Vec::new(), scroll: Scroll::default() });
    read_pod(page, pod)
}

/// Moves the selection by one command.
fn step(page: &mut PageModel, id: PageCommand, body: Rect) {
    let all = ordered(&page.workers, &page.job);
    let Some(last) = all.len().checked_sub(1) else { return };
    let at = all.iter().position(|replica| Some(replica.id()) == page.workers.selected).unwrap_or(0);
    let rows = usize::from(view::areas(body, Tab::Workers).content.height.saturating_sub(3)).max(1);
    let half = rows.div_ceil(2);
    let to = match (page.workers.shape(all.len()), id) {
        (_, PageCommand::Top) => 0,
        (_, PageCommand::Bottom) => last,
        (Shape::Grid, PageCommand::Left) | (Shape::Table, PageCommand::Up | PageCommand::Left) => at.saturating_sub(1),
        (Shape::Grid, PageCommand::Right) | (Shape::Table, PageCommand::Down | PageCommand::Right) => at + 1,
        (Shape::Table, PageCommand::HalfPageDown) => at + half,
        (Shape::Table, PageCommand::HalfPageUp) => at.saturating_sub(half),
        (Shape::Grid, id) => {
            let lines = cells(&grid(&all, page.workers.by_node, body.width));
            let by = match id {
                PageCommand::Down => 1,
                PageCommand::Up => -1,
                PageCommand::HalfPageDown => half as isize,
                PageCommand::HalfPageUp => -(half as isize),
                _ => 0,
            };
            vertical(&lines, at, by)
        }
        _ => at,
    };
    page.workers.selected = Some(all[to.min(last)].id());
}

fn cells(lines: &[GridLine]) -> Vec<Vec<usize>> {
    let cells = lines.iter().filter_map(|line| match line {
        GridLine::Cells(_, positions) => Some(positions.clone()),
        GridLine::Heading(_) => None,
    });
    cells.collect()
}

/// The cell so many lines below (above) `at`, in its column or the last one there is.
fn vertical(lines: &[Vec<usize>], at: usize, by: isize) -> usize {
    let Some(line) = lines.iter().position(|line| line.contains(&at)) else { return at };
    let column = lines[line].iter().position(|cell| *cell == at).unwrap_or(0);
    let to = &lines[line.saturating_add_signed(by).min(lines.len() - 1)];
    to.get(column).or(to.last()).copied().unwrap_or(at)
}

/// Goes to the next replica whose table row has what is searched for.
fn find(page: &mut PageModel, back: bool, now: Secs) {
    let Some(query) = page.workers.search.search.clone() else { return };
    let all = ordered(&page.workers, &page.job);
    let lines = table_lines(&all, &page.job, page.workers.by_node, now, u16::MAX);
    let at = all.iter().position(|replica| Some(replica.id()) == page.workers.selected);
    let rows = lines.get(1..).unwrap_or_default();
    if let Some(to) = rich::find(rows, &query, at, back) {
        page.workers.selected = all.get(to).map(Replica::id);
    }
}

/// Scrolls so far that the selected replica is visible.
fn show_selected(page: &mut PageModel, body: Rect) {
    let all = ordered(&page.workers, &page.job);
    let Some(at) = all.iter().position(|replica| Some(replica.id()) == page.workers.selected) else { return };
    let area = view::areas(body, Tab::Workers).content;
    let (line, lines, rows) = match page.workers.shape(all.len()) {
        Shape::Table => (at, all.len(), area.height.saturating_sub(3)),
        Shape::Grid => {
            let lines = grid(&all, page.workers.by_node, area.width);
            let has = |line: &GridLine| matches!(line, GridLine::Cells(_, positions) if positions.contains(&at));
            (lines.iter().position(has).unwrap_or(0), lines.len(), area.height.saturating_sub(2))
        }
    };
    let rows = usize::from(rows).max(1);
    let top = page.workers.top.min(line).max((line + 1).saturating_sub(rows));
    page.workers.top = top.min(lines.saturating_sub(rows));
}
