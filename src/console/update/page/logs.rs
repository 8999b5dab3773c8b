//! Which log is followed, and which of its lines are asked for.

use super::{LOG_TARGET, tell};
use crate::{
    console::{
        commands::PageCommand,
        effect::Effect,
        layout,
        line_edit::LineEdit,
        model::{
            Model,
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose},
            page::{
                LogId, LogMessage, LogOrder, LogsModel, PageEffect, PageModel, Tab,
                logs::{Flow, Target, Window},
            },
        },
        view::page as view,
    },
    jobs::{Name, PodRow, Sym, replica::Replica, time::duration},
    logs::Query,
};

/// Columns that a step to the side scrolls.
const SIDE: u16 = 20;

/// A command of tab Logs.
pub(super) fn command(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let rows = rows(model);
    let Some(page) = &mut model.page else { return Vec::new() };
    let logs = &mut page.logs;
    let half = u64::from(rows.div_ceil(2).max(1));
    match id {
        PageCommand::Down => return to(model, logs_top(page_logs(model)), 1),
        PageCommand::Up => return to(model, logs_top(page_logs(model)), -1),
        PageCommand::HalfPageDown => return to(model, logs_top(page_logs(model)), half as i64),
        PageCommand::HalfPageUp => return to(model, logs_top(page_logs(model)), -(half as i64)),
        PageCommand::Top => return to(model, 0, 0),
        PageCommand::Bottom => logs.paused = false,
        PageCommand::Pause => logs.paused = !logs.paused,
        PageCommand::Left => logs.left = logs.left.saturating_sub(SIDE),
        PageCommand::Right => logs.left = logs.left.saturating_add(SIDE).min(u16::MAX / 2),
        PageCommand::Wrap => (logs.wrap, logs.left) = (!logs.wrap, 0),
        PageCommand::Stamps => logs.stamps = logs.stamps.next(),
        PageCommand::PreviousRun => {
            logs.previous = !logs.previous;
            return reopen(model);
        }
        PageCommand::Past => {
            logs.past = logs.past.next();
            return reopen(model);
        }
        PageCommand::Choose => return choose(model),
        PageCommand::SaveLog => return save(model),
        PageCommand::Next => return find(model, false),
        PageCommand::Previous => return find(model, true),
        _ => {}
    }
    order(model)
}

fn page_logs(model: &Model) -> Option<&LogsModel> {
    model.page.as_ref().map(|page| &page.logs)
}

/// Number of the first visible line.
fn logs_top(logs: Option<&LogsModel>) -> u64 {
    logs.map_or(0, |logs| logs.window.top)
}

/// Rows that the log has on the screen: on its tab, or beside the Overview.
fn rows(model: &Model) -> u16 {
    let tab = model.page.as_ref().map_or(Tab::Logs, |page| page.tab);
    let areas = view::areas(layout::regions(model.size).body, tab);
    areas.beside.map_or(areas.content.height, |(_, log)| log.height.saturating_sub(1)).max(1)
}

/// Stands still at line `from` moved by `by`; at the end it follows again.
fn to(model: &mut Model, from: u64, by: i64) -> Vec<Effect> {
    let rows = rows(model);
    let Some(page) = &mut model.page else { return Vec::new() };
    let window = &page.logs.window;
    let last = window.end.saturating_sub(u64::from(rows)).max(window.first);
    let top = from.saturating_add_signed(by).max(window.first);
    page.logs.paused = by <= 0 || top < last;
    page.logs.window.top = top.min(last);
    order(model)
}

/// Asks the log's task for what should be visible.
fn order(model: &Model) -> Vec<Effect> {
    let rows = rows(model);
    let Some(page) = model.page.as_ref().filter(|page| page.logs.target.is_some()) else { return Vec::new() };
    let logs = &page.logs;
    let order = if logs.paused { LogOrder::From { top: logs.window.top, rows } } else { LogOrder::Tail { rows } };
    vec![Effect::Page(PageEffect::Order(logs.id, order))]
}

/// The log came in sight: opens the one that says most, or asks the open one for lines.
pub(super) fn shown(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    if page.logs.target.is_some() {
        return order(model);
    }
    match leading(page) {
        Some((pod, container)) => open(model, pod, container),
        None => Vec::new(),
    }
}

/// The screen has another size.
pub(super) fn resized(model: &mut Model) -> Vec<Effect> {
    let in_sight = model.page.as_ref().is_some_and(|page| {
        page.tab == Tab::Logs || view::areas(layout::regions(model.size).body, page.tab).beside.is_some()
    });
    if in_sight { shown(model) } else { Vec::new() }
}

/// Newest attempt of the leading replica (launcher, master, …) and its main container.
fn leading(page: &PageModel) -> Option<(Name, Sym)> {
    let replicas = page.job.replicas();
    let pod = replicas.iter().find_map(Replica::pod)?;
    Some((pod.name.clone(), main_container(pod)?))
}

fn main_container(pod: &PodRow) -> Option<Sym> {
    let main = pod.containers.iter().find(|container| !container.init).or(pod.containers.first())?;
    Some(main.name.clone())
}

/// Follows the log of a replica on tab Logs.
pub(super) fn of_replica(model: &mut Model, id: &Name) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let replicas = page.job.replicas();
    let pod = replicas.iter().find(|replica| replica.id() == *id).and_then(Replica::pod);
    let Some((pod, container)) = pod.and_then(|pod| Some((pod.name.clone(), main_container(pod)?))) else {
        return tell(model, Tone::Warn, "This replica has no pod yet");
    };
    let mut effects = open(model, pod, container);
    effects.extend(super::show(model, Tab::Logs));
    effects
}

fn open(model: &mut Model, pod: Name, container: Sym) -> Vec<Effect> {
    model.opened += 1;
    let id = LogId(model.opened);
    let Some(page) = &mut model.page else { return Vec::new() };
    let before = page.logs.target.is_some().then(|| Effect::Page(PageEffect::Unfollow(page.logs.id)));
    let target = Target {
        namespace: page.job.row.namespace.clone(),
        pod,
        container,
        previous: page.logs.previous,
        past: page.logs.past,
    };
    page.logs.id = id;
    page.logs.target = Some(target.clone());
    page.logs.paused = false;
    page.logs.hit = None;
    page.logs.window = Window::default();
    let session = page.session;
    let follow = Effect::Page(PageEffect::Follow(id, session, target));
    before.into_iter().chain([follow]).chain(order(model)).collect()
}

/// Opens the same log again, after what is read of it has changed.
fn reopen(model: &mut Model) -> Vec<Effect> {
    let target = model.page.as_ref().and_then(|page| page.logs.target.clone());
    target.map_or_else(Vec::new, |target| open(model, target.pod, target.container))
}

/// A launcher that is tried again has another pod: when the log of the old one has ended, the new one is followed.
pub(super) fn follow_newest(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let Some(target) = &page.logs.target else { return resized(model) };
    let over = matches!(page.logs.window.flow, Flow::Ended | Flow::Refused(_)) && !page.logs.paused;
    let replicas = page.job.replicas();
    let replica = replicas.iter().find(|replica| replica.attempts.iter().any(|pod| pod.name == target.pod));
    let newest = replica.and_then(Replica::pod).filter(|pod| over && pod.name != target.pod);
    match newest.and_then(|pod| Some((pod.name.clone(), main_container(pod)?))) {
        Some((pod, container)) => {
            let text = format!("Following the next attempt, {pod}");
            let effects = open(model, pod, container);
            tell(model, Tone::Info, &text);
            effects
        }
        None => Vec::new(),
    }
}

fn choose(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(page) = &model.page else { return Vec::new() };
    let mut items = Vec::new();
    for replica in page.job.replicas() {
        for (i, pod) in replica.attempts.iter().enumerate().rev() {
            for container in &pod.containers {
                let attempt = if replica.attempts.len() > 1 { format!(", attempt {}", i + 1) } else { String::new() };
                let restarts =
                    if container.restarts > 0 { format!(", {} restarts", container.restarts) } else { String::new() };
                let init = if container.init { ", init" } else { "" };
                items.push(PickerItem {
                    id: format!("{}/{}", pod.name, container.name),
                    label: format!("{}{attempt}  {}{init}", replica.title(), container.name),
                    about: format!("{}{restarts}, {}", pod.name, duration(now.since(pod.created))),
                    marked: false,
                });
            }
        }
    }
    if items.is_empty() {
        return tell(model, Tone::Warn, "The job has no pod yet");
    }
    let target = page.logs.target.as_ref();
    let selected = target.map(|t| format!("{}/{}", t.pod, t.container)).or_else(|| items.first().map(|i| i.id.clone()));
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Page(LOG_TARGET),
        title: "Log of".to_owned(),
        line: LineEdit::new(""),
        items,
        selected,
        several: false,
        note: String::new(),
        free: false,
    }));
    Vec::new()
}

/// A container was chosen: `pod/container`.
pub(super) fn picked(model: &mut Model, id: &str) -> Vec<Effect> {
    let Some((pod, container)) = id.split_once('/') else { return Vec::new() };
    let Some(pod) = Name::new(pod) else { return Vec::new() };
    open(model, pod, Sym::new(container))
}

fn save(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    match &page.logs.target {
        Some(target) => {
            let name = format!("{}-{}-{}.log", target.namespace, target.pod, target.container);
            vec![Effect::Page(PageEffect::Order(page.logs.id, LogOrder::Save(name)))]
        }
        None => tell(model, Tone::Warn, "There is no log to save"),
    }
}

/// A search was typed: the newest hit is gone to.
pub(super) fn search(model: &mut Model, query: Option<Query>) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    page.logs.hit = None;
    page.logs.search = query;
    if page.logs.search.is_some() { find(model, true) } else { Vec::new() }
}

fn find(model: &Model, back: bool) -> Vec<Effect> {
    let rows = rows(model);
    let Some(page) = &model.page else { return Vec::new() };
    let (Some(query), Some(_)) = (&page.logs.search, &page.logs.target) else { return Vec::new() };
    let logs = &page.logs;
    let from = logs.hit.unwrap_or(if back { logs.window.end } else { logs.window.top });
    let order = LogOrder::Find { query: query.clone(), from, back, rows };
    vec![Effect::Page(PageEffect::Order(logs.id, order))]
}

/// A log stream brought something.
pub fn message(model: &mut Model, id: LogId, message: LogMessage) -> Vec<Effect> {
    let Some(page) = model.page.as_mut().filter(|page| page.logs.id == id) else {
        model.dirty = false;
        return Vec::new();
    };
    match message {
        LogMessage::Window(window, hit) => {
            if hit.is_some() {
                page.logs.hit = hit;
                page.logs.paused = true;
            }
            page.logs.window = window;
            follow_newest(model)
        }
        LogMessage::NotFound => {
            let typed = page.logs.search.as_ref().map(|query| query.typed().to_owned()).unwrap_or_default();
            tell(model, Tone::Info, &format!("«{typed}» is not in the lines that are kept"))
        }
        LogMessage::Saved(Ok(path)) => tell(model, Tone::Good, &format!("Log saved to {path}")),
        LogMessage::Saved(Err(refusal)) => tell(model, Tone::Bad, refusal.what.as_str()),
    }
}
