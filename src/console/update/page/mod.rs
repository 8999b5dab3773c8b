//! What messages and commands do to the job page. Logs and workers have their own files.

mod cause;
mod configuration;
mod gone;
mod logs;
mod metrics;
mod owned;
mod recorded;
mod workers;

use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use configuration::{configuration, render, yaml};
pub use logs::{heard, message as log};
pub use metrics::{command as metrics_command, message as metrics};
pub use recorded::{go_over, measured, open_recorded};

use crate::{
    console::{
        commands::{LogCommand, PageCommand},
        effect::{Effect, MetricsEffect},
        model::{
            Model,
            notices::Tone,
            overlay::{Overlay, Prompt, PromptEvent, Purpose},
            page::{Fetched, Kept, PageEffect, PageId, PageMessage, PageModel, Tab},
        },
        view::{page as view, trouble},
        widgets::rich,
    },
    jobs::{
        Name,
        fleet::{Changed, JobKey},
    },
    logs::Query,
};

/// The page's own prompts.
const SEARCH: u8 = 0;
const FILTER: u8 = 1;
/// Lines that a turn of the wheel scrolls.
const WHEEL: usize = 3;

/// Opens the page of the job that is selected on the list.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(key) = model.list.selected.clone() else { return Vec::new() };
    model.list.chosen = Some(key.clone());
    open_on(model, &key, Tab::Overview)
}

/// Opens the page of a job of the fleet on a tab.
pub fn open_on(model: &mut Model, key: &JobKey, tab: Tab) -> Vec<Effect> {
    match Kept::of(&model.fleet, key) {
        Some(job) => open_at(model, job, tab),
        None => tell(model, Tone::Warn, "This job is gone"),
    }
}

/// These jobs changed in the fleet.
pub fn changed(model: &mut Model, changed: &Changed) -> Vec<Effect> {
    let Some(key) = model.page.as_ref().map(|page| page.job.key()) else { return Vec::new() };
    if !gone::concerns(changed, &key) {
        return Vec::new();
    }
    let job = Kept::of(&model.fleet, &key);
    let successor = gone::successor(&model.fleet, &key);
    with(model, |page| page.successor = successor);
    // A record says how the job was, not how it is.
    if model.page.as_ref().is_some_and(|page| page.recorded.is_some()) {
        return Vec::new();
    }
    refresh(model, job)
}

/// Opens a page on a tab; the page that was open is closed.
fn open_at(model: &mut Model, job: Kept, tab: Tab) -> Vec<Effect> {
    let mut effects = close(model);
    model.opened += 1;
    let id = PageId(model.opened);
    model.record.was_opened(&job.key());
    model.page = Some(PageModel::new(id, model.session.id, job));
    effects.extend(show(model, tab));
    effects
}

/// The fleet says something new about the job of the page, or (`None`) does not have it any more.
fn refresh(model: &mut Model, job: Option<Kept>) -> Vec<Effect> {
    let (now, recorded) = (model.now, model.session.is_recorded());
    let Some(page) = &mut model.page else { return Vec::new() };
    let (mut effects, gone) = (Vec::new(), page.gone.is_some());
    match job {
        Some(job) => {
            page.gone = None;
            let before = std::mem::replace(&mut page.job, job);
            effects = workers::reread(page, &before);
            effects.extend(owned::changed(page, &before).map(Effect::Page));
        }
        None => {
            if page.gone.replace(page.gone.unwrap_or(now)).is_none() && recorded {
                effects.push(recorded::wanted(page.job.key()));
            }
        }
    }
    workers::keep_selection(page);
    keep_scroll(model);
    effects.extend(logs::reread(model));
    if model.page.as_ref().is_some_and(|page| page.gone.is_some()) != gone {
        // The line that says so is one of the log's.
        effects.extend(logs::resized(model));
    }
    effects.extend(cause::wished(model));
    effects.extend(metrics::follow(model));
    effects
}

/// Closes the page, if one is open.
pub fn close(model: &mut Model) -> Vec<Effect> {
    let Some(mut page) = model.page.take() else { return Vec::new() };
    let mut effects = vec![Effect::Page(PageEffect::Close(page.id))];
    effects.extend(metrics::asked_no_more(&mut page));
    effects.extend(page.metrics.followed.map(|_| Effect::Metrics(MetricsEffect::Stop(page.id))));
    effects
}

/// The job was changed by us: its object is read again where it is seen.
pub fn reread(model: &mut Model) -> Vec<Effect> {
    let seen = |page: &&PageModel| page.tab == Tab::Configuration && page.recorded.is_none();
    let page = model.page.as_ref().filter(seen);
    page.map(|page| Effect::Page(PageEffect::Object(page.id, page.session, page.job.key()))).into_iter().collect()
}

/// A command of the page.
pub fn command(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let Some(tab) = model.page.as_ref().map(|page| page.tab) else { return from_list(model, id) };
    match id {
        PageCommand::Tab(tab) => show(model, tab),
        PageCommand::NextTab => step_tab(model, 1),
        PageCommand::PreviousTab => step_tab(model, Tab::ALL.len() - 1),
        PageCommand::Successor => gone::go_on(model),
        PageCommand::Cause => cause::go(model),
        PageCommand::Search => ask(model, SEARCH, "/", ""),
        PageCommand::Filter => {
            let filter = model.page.as_ref().map(|page| page.events.filter.clone()).unwrap_or_default();
            ask(model, FILTER, "filter: ", &filter)
        }
        PageCommand::Evidence => {
            with(model, |page| page.all_evidence = !page.all_evidence);
            keep_scroll(model);
            Vec::new()
        }
        PageCommand::Hostfile => {
            with(model, |page| page.all_hosts = !page.all_hosts);
            keep_scroll(model);
            Vec::new()
        }
        PageCommand::WarningsOnly => {
            with(model, |page| page.events.warnings_only = !page.events.warnings_only);
            keep_scroll(model);
            Vec::new()
        }
        PageCommand::Form | PageCommand::Reveal | PageCommand::SaveManifest => configuration(model, id),
        PageCommand::Shape | PageCommand::ByNode | PageCommand::Open | PageCommand::PodYaml | PageCommand::LogOf => {
            workers::command(model, id)
        }
        _ if tab == Tab::Logs => logs::moved(model, id),
        _ if workers::is_picking(model) => workers::command(model, id),
        _ if tab == Tab::Metrics => metrics::moved(model, id),
        PageCommand::Next | PageCommand::Previous => {
            find(model, id == PageCommand::Previous);
            Vec::new()
        }
        _ => {
            scroll(model, id);
            Vec::new()
        }
    }
}

/// A command of tab Logs.
pub fn log_command(model: &mut Model, id: LogCommand) -> Vec<Effect> {
    logs::command(model, id)
}

/// A tab was asked for on the list: opens the selected job on it.
fn from_list(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let mut effects = open(model);
    if model.page.is_some() {
        effects.extend(command(model, id));
    }
    effects
}

/// Changes the page and nothing else.
fn with(model: &mut Model, change: impl FnOnce(&mut PageModel)) {
    if let Some(page) = &mut model.page {
        change(page);
    }
}

fn step_tab(model: &mut Model, by: usize) -> Vec<Effect> {
    let at = model.page.as_ref().and_then(|page| Tab::ALL.iter().position(|tab| *tab == page.tab)).unwrap_or(0);
    show(model, Tab::ALL[(at + by) % Tab::ALL.len()])
}

/// Shows a tab and asks for what it needs.
fn show(model: &mut Model, tab: Tab) -> Vec<Effect> {
    let body = trouble::body(model);
    let Some(page) = &mut model.page else { return Vec::new() };
    let body = view::body(page, body);
    let (id, session, key) = (page.id, page.session, page.job.key());
    let (before, wide) = (page.tab, view::areas(body, tab).beside.is_some());
    page.tab = tab;
    let mut effects = Vec::new();
    if before == Tab::Events && tab != Tab::Events {
        effects.push(PageEffect::StopEvents(id));
    }
    match tab {
        Tab::Overview | Tab::Configuration | Tab::Events if page.recorded.is_some() => {}
        Tab::Overview | Tab::Configuration if page.gone.is_some() => gone::unread(page, tab),
        Tab::Overview => effects.extend(owned::shown(page)),
        Tab::Configuration => {
            if !matches!(page.object, Fetched::Ready(_)) {
                page.object = Fetched::Loading;
            }
            effects.push(PageEffect::Object(id, session, key));
        }
        Tab::Events => {
            if !matches!(page.events.all, Fetched::Ready(_)) {
                page.events.all = Fetched::Loading;
            }
            effects.push(PageEffect::Events(id, session, key));
        }
        Tab::Workers | Tab::Metrics => workers::keep_selection(page),
        // The hostfile tells which rank runs where.
        Tab::Logs if page.owned == Fetched::Unasked && page.gone.is_none() => effects.extend(owned::shown(page)),
        Tab::Logs | Tab::Queue => {}
    }
    let mut effects: Vec<Effect> = effects.into_iter().map(Effect::Page).collect();
    if tab == Tab::Logs || wide {
        effects.extend(logs::shown(model));
    }
    keep_scroll(model);
    metrics::show_selected(model);
    effects.extend(metrics::follow(model));
    effects
}

fn ask(model: &mut Model, which: u8, label: &'static str, text: &str) -> Vec<Effect> {
    model.overlays.push(Overlay::Prompt(Prompt::new(Purpose::Page(which), label, text)));
    Vec::new()
}

fn tell(model: &mut Model, tone: Tone, text: &str) -> Vec<Effect> {
    model.notices.tell(model.now, tone, text);
    Vec::new()
}

/// Something was read for a page.
pub fn message(model: &mut Model, id: PageId, message: PageMessage) -> Vec<Effect> {
    let Some(page) = model.page.as_mut().filter(|page| page.id == id) else {
        model.dirty = false;
        return Vec::new();
    };
    match message {
        PageMessage::Object(Ok(object)) if !gone::is_its(page, &object) => gone::unread(page, Tab::Configuration),
        PageMessage::Object(Ok(object)) => {
            page.object = Fetched::Ready(object);
            return render(model);
        }
        // What was read before stays: the job may just be gone.
        PageMessage::Object(Err(refusal)) if matches!(page.object, Fetched::Ready(_)) => {
            return tell(model, Tone::Warn, &format!("Not read again: {}", refusal.what));
        }
        PageMessage::Object(Err(refusal)) => page.object = Fetched::Failed(refusal),
        PageMessage::Owned(found) => {
            let mut effects: Vec<Effect> = owned::read(page, found).into_iter().map(Effect::Page).collect();
            effects.extend(logs::ranked(model));
            keep_scroll(model);
            return effects;
        }
        PageMessage::Events(Ok(mut events)) => {
            let next = page.successor.as_ref().and_then(|key| Kept::of(&model.fleet, key));
            gone::only_its(&mut events, &page.job, next.as_ref());
            events.sort_by_key(|event| (event.last, event.first));
            page.events.all = Fetched::Ready(events);
            page.events.stale = None;
            keep_scroll(model);
            cause::events_read(model);
            return Vec::new();
        }
        PageMessage::Events(Err(refusal)) if page.events.all.ready().is_some() => page.events.stale = Some(refusal),
        PageMessage::Events(Err(refusal)) => page.events.all = Fetched::Failed(refusal),
        PageMessage::Pod(name, pod) => workers::pod_read(page, &name, pod),
    }
    keep_scroll(model);
    Vec::new()
}

/// The screen has another size.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    if let Some(page) = &mut model.page {
        workers::keep_selection(page);
    }
    keep_scroll(model);
    metrics::show_selected(model);
    let mut effects = logs::resized(model);
    effects.extend(metrics::follow(model));
    effects
}

/// Something was read beside the fleet that the page may show.
pub fn read_beside(model: &mut Model) {
    keep_scroll(model);
}

/// Something happened to one of the page's prompts (`which` is the page's own number for it).
pub fn prompt(model: &mut Model, which: u8, event: PromptEvent) -> Vec<Effect> {
    if matches!(which, logs::LOG_FILTER | logs::LOG_EXCLUDE | logs::LOG_TIME) {
        return logs::prompt(model, which, &event);
    }
    let typed = match event {
        PromptEvent::Changed(text) | PromptEvent::Done(text) => text,
        PromptEvent::Cancelled => String::new(),
    };
    if which == FILTER {
        with(model, |page| page.events.filter = typed);
        keep_scroll(model);
        return Vec::new();
    }
    match Query::parse(&typed) {
        Ok(query) => search(model, query),
        Err(error) => {
            if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
                prompt.hint = error.to_string();
            }
            Vec::new()
        }
    }
}

fn search(model: &mut Model, query: Option<Query>) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    if page.tab == Tab::Logs {
        return logs::search(model, query);
    }
    let scroll = page.scroll_mut();
    (scroll.search, scroll.hit) = (query, None);
    if workers::is_picking(model) {
        return workers::command(model, PageCommand::Next);
    }
    find(model, false);
    Vec::new()
}

/// One of the page's pickers was answered with these ids.
pub fn picked(model: &mut Model, which: u8, ids: &[String]) -> Vec<Effect> {
    match ids.first() {
        Some(_) => logs::picked(model, which, ids),
        _ => Vec::new(),
    }
}

/// Esc on the page: closes what is open on it, else the page itself.
pub fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(page) = &mut model.page
        && page.tab == Tab::Workers
        && page.workers.open.take().is_some()
    {
        return Vec::new();
    }
    if model.page.as_mut().is_some_and(metrics::back) {
        return metrics::follow(model);
    }
    close(model)
}

/// The mouse on the page.
pub fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let id = match event.kind {
        MouseEventKind::ScrollUp => PageCommand::Up,
        MouseEventKind::ScrollDown => PageCommand::Down,
        _ => return Vec::new(),
    };
    (0..WHEEL).flat_map(|_| command(model, id)).collect()
}

/// What `c` copies: the manifest, the visible log, the name of the selected pod, else the job's name.
pub fn copied(model: &Model) -> Option<String> {
    let page = model.page.as_ref()?;
    let row = &page.job.row;
    match page.tab {
        Tab::Configuration => yaml(page)?.ok(),
        Tab::Logs => Some(logs::copied(page)),
        Tab::Workers => workers::selected_pod(page).map(|pod: Name| pod.to_string()),
        Tab::Overview | Tab::Metrics => Some(row.name.to_string()),
        Tab::Events | Tab::Queue => Some(joined(lines(model)?.iter().map(|line| line.text().trim_end().to_owned()))),
    }
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

fn content(model: &Model) -> Option<Rect> {
    let page = model.page.as_ref()?;
    Some(view::areas(view::body(page, trouble::body(model)), page.tab).content)
}

fn lines(model: &Model) -> Option<Vec<rich::RichLine>> {
    view::lines(model, model.page.as_ref()?, content(model)?)
}

fn scroll(model: &mut Model, id: PageCommand) {
    let Some((lines, area)) = lines(model).zip(content(model)) else { return };
    let rows = usize::from(area.height).max(1);
    let last = lines.len().saturating_sub(rows);
    with(model, |page| {
        let scroll = page.scroll_mut();
        let to = match id {
            PageCommand::Down => scroll.top + 1,
            PageCommand::Up => scroll.top.saturating_sub(1),
            PageCommand::HalfPageDown => scroll.top + rows.div_ceil(2),
            PageCommand::HalfPageUp => scroll.top.saturating_sub(rows.div_ceil(2)),
            PageCommand::Top => 0,
            PageCommand::Bottom => last,
            _ => scroll.top,
        };
        scroll.top = to.min(last);
        if page.tab == Tab::Events {
            page.events.left_end = to < last;
        }
    });
}

/// After lines came or went: inside them again, and at the newest event if we were there.
fn keep_scroll(model: &mut Model) {
    let Some((lines, area)) = lines(model).zip(content(model)) else { return };
    let last = lines.len().saturating_sub(usize::from(area.height));
    with(model, |page| {
        let at_end = page.tab == Tab::Events && !page.events.left_end;
        let scroll = page.scroll_mut();
        scroll.top = if at_end { last } else { scroll.top.min(last) };
    });
}

/// Goes to the next hit of the search in the lines of the open tab.
fn find(model: &mut Model, back: bool) {
    let Some((lines, area)) = lines(model).zip(content(model)) else { return };
    let Some(page) = &mut model.page else { return };
    let is_events = page.tab == Tab::Events;
    let scroll = page.scroll_mut();
    let Some(query) = &scroll.search else { return };
    let Some(at) = rich::find(&lines, query, scroll.hit, back) else {
        let text = format!("«{}» is not here", query.typed());
        model.notices.tell(model.now, Tone::Info, &text);
        return;
    };
    scroll.hit = Some(at);
    let rows = usize::from(area.height).max(1);
    if at < scroll.top || at >= scroll.top + rows {
        scroll.top = at.saturating_sub(rows / 3).min(lines.len().saturating_sub(rows));
    }
    page.events.left_end |= is_events;
}

#[cfg(test)]
mod tests;
