//! The job page as cells: tabs above, the open one below, from a wide screen on with workers and log beside it.

pub mod config;
pub mod events;
pub mod logs;
pub mod metrics;
pub mod overview;
pub mod queue;
mod replica;
mod state;
pub mod timeline;
mod tree;
pub mod workers;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    console::{
        commands::{CommandId, PageCommand},
        model::{
            Model,
            page::{Fetched, PageModel, Recorded, Tab},
        },
        theme::{Role, Theme},
        widgets::{
            rich::{self, RichLine},
            text::{cut, put, width},
        },
    },
    jobs::{Secs, columns::cut as cut_text, time::duration},
};

/// From this size of the body on, workers and log stand beside the Overview (a screen of 160x45).
const WIDE: (u16, u16) = (160, 42);

/// Column of the Overview in which values begin.
const VALUES: u16 = 12;

/// A body of so many lines has none to spare.
const SPARE: u16 = 5;

/// Where the parts of the page are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// One line: tabs, and how the job is.
    pub tabs: Rect,
    /// One line about what is below; empty on the Overview.
    pub summary: Rect,
    /// The open tab.
    pub content: Rect,
    /// What stands beside the Overview, where there is room.
    pub beside: Option<Beside>,
}

/// What stands beside the Overview, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The workers.
    pub workers: Rect,
    /// What they use.
    pub metrics: Rect,
    /// The end of the log.
    pub log: Rect,
}

/// What is left of the body for the page: a job that is gone takes the last line to say so.
pub const fn body(page: &PageModel, body: Rect) -> Rect {
    let said = if (page.gone.is_some() || page.recorded.is_some()) && body.height > SPARE { 1 } else { 0 };
    Rect { height: body.height - said, ..body }
}

/// Splits the body for this tab.
pub fn areas(body: Rect, tab: Tab) -> Areas {
    let top = body.height.min(1);
    let tabs = Rect { height: top, ..body };
    let rest = Rect { y: body.y + top, height: body.height - top, ..body };
    let summary = if matches!(tab, Tab::Overview | Tab::Workers | Tab::Queue) { 0 } else { rest.height.min(1) };
    let mut content = Rect { y: rest.y + summary, height: rest.height - summary, ..rest };
    let mut beside = None;
    if tab == Tab::Overview && body.width >= WIDE.0 && body.height >= WIDE.1 {
        let left = body.width / 2;
        let right = Rect { x: body.x + left + 2, width: body.width - left - 2, ..content };
        let (upper, middle) = (right.height / 3, right.height / 4);
        let workers = Rect { height: upper, ..right };
        let metrics = Rect { y: workers.bottom() + 1, height: middle, ..right };
        let log = Rect { y: metrics.bottom() + 1, height: right.height - upper - middle - 2, ..right };
        beside = Some(Beside { workers, metrics, log });
        content.width = left - 1;
    }
    Areas { tabs, summary: Rect { height: summary, ..rest }, content, beside }
}

/// What the header's second line says: where we are, in so much room.
pub fn breadcrumb(page: &PageModel, room: u16, ascii: bool) -> String {
    let row = &page.job.row;
    let from = if page.recorded.is_some() { "Records" } else { "Jobs" };
    let mut at = page.tab.title().to_owned();
    if let (Tab::Workers, Some(open)) = (page.tab, &page.workers.open) {
        at.push_str(" > ");
        at.push_str(open.id.as_str());
    }
    let whole = format!("{from} > {} {}/{} > {at}", row.kind.info().kind, row.namespace, row.name);
    if width(&whole) <= room {
        return whole;
    }
    // The tab is marked below, the name is nowhere else.
    let job = format!("{}/{}", row.namespace, row.name);
    let left = room.saturating_sub(width(&at) + 3);
    if width(&job) <= left {
        format!("{job} > {at}")
    } else {
        cut_text::middle(&job, usize::from(room), ascii).into_owned()
    }
}

/// The lines of the open tab, where it is made of lines.
pub fn lines(model: &Model, page: &PageModel, area: Rect) -> Option<Vec<RichLine>> {
    let (now, ascii) = (model.now, model.ascii);
    match page.tab {
        Tab::Overview => Some(overview::lines(page, now, area.width, ascii)),
        Tab::Configuration => Some(config::lines(&page.config.lines)),
        Tab::Workers => {
            let open = page.workers.open.as_ref()?;
            Some(replica::open_lines(open, &page.job, page.workers.yaml, now, area.width))
        }
        Tab::Events => Some(events::lines(&page.events, &page.job, now, area.width)),
        Tab::Queue => {
            let beside = queue::Beside { survey: &model.survey, fleet: &model.fleet };
            Some(queue::lines(page, beside, now, area.width))
        }
        Tab::Logs | Tab::Metrics => None,
    }
}

/// Draws the page.
pub fn draw(model: &Model, page: &PageModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let whole = area;
    let area = body(page, whole);
    if area.height < whole.height {
        let line = Rect { y: area.bottom(), height: 1, ..whole };
        rich::draw_line(&gone(model, page), None, line, buf, theme);
    }
    let areas = areas(area, page.tab);
    draw_tabs(page, model.now, theme, areas.tabs, buf);
    if areas.summary.height > 0 {
        rich::draw_line(&summary(model, page), None, areas.summary, buf, theme);
    }
    match lines(model, page, areas.content) {
        Some(lines) => {
            let scroll = page.scroll();
            rich::draw(&lines, scroll.top, scroll.search.as_ref(), areas.content, buf, theme);
        }
        None if page.tab == Tab::Metrics => metrics::draw(page, model.now, theme, areas.content, buf),
        None if page.tab == Tab::Logs => logs::draw(page, model.now, theme, areas.content, buf),
        None => workers::draw(&page.workers, &page.job, model.now, theme, areas.content, buf),
    }
    if let Some(beside) = areas.beside {
        draw_frame(theme, areas.content, &beside, buf);
        workers::draw_beside(&page.workers, &page.job, model.now, theme, beside.workers, buf);
        metrics::draw_beside(page, model.now, theme, beside.metrics, buf);
        if page.job.pods.is_empty() && !page.logs.is_open() {
            draw_no_log(page, theme, beside.log, buf);
        } else {
            logs::draw_tail(page, model.now, theme, beside.log, buf);
        }
    }
}

/// The lines between the Overview and what stands beside it.
fn draw_frame(theme: &Theme, left: Rect, beside: &Beside, buf: &mut Buffer) {
    let upper = beside.workers;
    let ([across, down, ..], style) = (theme.lines(), theme.style(Role::Dim));
    for y in left.y..left.bottom() {
        put(buf, buf.area, upper.x - 2, y, down, style);
    }
    let line = across.repeat(usize::from(upper.width));
    for y in [upper.bottom(), beside.metrics.bottom()] {
        put(buf, buf.area, upper.x, y, &line, style);
    }
}

/// Why there is no log yet, in the log's place.
fn draw_no_log(page: &PageModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let absence = page.job.absence("");
    let mut lines = vec![RichLine::of("Log", Role::Title)];
    lines.extend(rich::labelled("", 0, absence.why.as_str(), Role::Dim, area.width));
    rich::draw(&lines, 0, None, area, buf, theme);
}

fn draw_tabs(page: &PageModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let state = &page.job.derived.state;
    let symbol = theme.symbol(state);
    let (mut text, style) = match page.gone {
        // The line below says whether the job is deleted.
        _ if page.recorded.is_some() => (format!("recorded: {symbol} {state}"), theme.style(Role::Stale)),
        Some(since) => (format!("deleted {} ago", duration(now.since(since))), theme.style(Role::Stale)),
        None => (format!("{symbol} {state}"), theme.severity(state.severity())),
    };
    let room = |text: &str| area.width.saturating_sub(width(text));
    let mut found = titles(room(&text));
    let brief = format!("{symbol} {}", state.in_words());
    if found.is_none() && page.gone.is_none() && page.recorded.is_none() {
        // What belongs to the state stands in the Overview, too; where the tabs lead does not.
        (found, text) = (titles(room(&brief)), brief);
    }
    let (titles, gap) = found.unwrap_or_else(|| (only(page.tab), 1));
    let mut x = area.x;
    for (tab, title) in titles {
        let role = if tab == page.tab { Role::Selected } else { Role::Dim };
        x = put(buf, area, x, area.y, &tab.number().to_string(), theme.style(Role::Key));
        if !title.is_empty() {
            x = put(buf, area, x + 1, area.y, title, theme.style(role));
        }
        x += gap;
    }
    let text = cut(&text, area.right().saturating_sub(x), theme.ellipsis());
    put(buf, area, area.right().saturating_sub(width(&text)), area.y, &text, style);
}

/// Tabs, and what they are called.
type Titles = [(Tab, &'static str); Tab::ALL.len()];

/// What the tabs are called in so much room, and how far they stand apart: in full, or short.
fn titles(room: u16) -> Option<(Titles, u16)> {
    let full = || Tab::ALL.map(|tab| (tab, tab.title()));
    let short = || Tab::ALL.map(|tab| (tab, tab.short()));
    let wide = |(titles, gap): &(Titles, u16)| {
        titles.iter().map(|(_, title)| 1 + u16::from(!title.is_empty()) + width(title) + gap).sum::<u16>()
    };
    [(full(), 2), (short(), 2), (short(), 1)].into_iter().find(|ways| wide(ways) <= room)
}

/// The open one alone has more than its number.
fn only(open: Tab) -> Titles {
    Tab::ALL.map(|tab| (tab, if tab == open { tab.short() } else { "" }))
}

/// What is said below a job that is gone, and the key that goes on.
fn gone(model: &Model, page: &PageModel) -> RichLine {
    if let Some(recorded) = &page.recorded {
        return record_line(model, page, recorded);
    }
    let ago = page.gone.map_or_else(String::new, |since| duration(model.now.since(since)));
    let line = RichLine::of(format!("This job was deleted {ago} ago"), Role::Warn);
    if page.successor.is_none() {
        return line.and("; what was known of it stays here until you leave.", Role::Dim);
    }
    let key = model.keys.map.key_in(&page.contexts(), CommandId::Page(PageCommand::Successor));
    line.and("; a new one with this name exists: ", Role::Text)
        .and(key.unwrap_or_else(|| ":page.new-job".to_owned()), Role::Key)
        .and(" goes to it.", Role::Dim)
}

/// What is said below a record: from when it is, and whether the job is still there.
fn record_line(model: &Model, page: &PageModel, recorded: &Recorded) -> RichLine {
    let ago = |at: Secs| duration(model.now.since(at));
    let mut line = RichLine::of(format!("This is a record, last added to {} ago", ago(recorded.last)), Role::Warn);
    if let Some(at) = recorded.deleted {
        line = line.and(format!("; the job was deleted {} ago", ago(at)), Role::Text);
    }
    if page.successor.is_some() {
        let key = model.keys.map.key_in(&page.contexts(), CommandId::Page(PageCommand::Successor));
        let key = key.unwrap_or_else(|| ":page.new-job".to_owned());
        return line.and("; a new one with this name: ", Role::Text).and(key, Role::Key);
    }
    if recorded.unreadable > 0 {
        line = line.and(format!("; {} spoiled lines are left out", recorded.unreadable), Role::Warn);
    }
    line
}

fn summary(model: &Model, page: &PageModel) -> RichLine {
    match page.tab {
        Tab::Configuration => match &page.object {
            Fetched::Failed(refusal) => {
                RichLine::of(refusal.what.to_string(), Role::Warn).and(format!("  {}", refusal.hint), Role::Dim)
            }
            Fetched::Unasked | Fetched::Loading => RichLine::of("reading ...", Role::Wait),
            Fetched::Ready(_) => config::summary(model, &page.config),
        },
        Tab::Events => events::summary(&page.events, &page.job),
        Tab::Metrics => metrics::summary(page, model.now),
        Tab::Logs => logs::summary(page),
        Tab::Overview | Tab::Workers | Tab::Queue => RichLine::default(),
    }
}
