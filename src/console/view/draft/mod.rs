//! A draft as cells: a line on what it is, its text, a line on what is wrong at the cursor.

mod editor;
mod fix;
mod form;
mod live;
mod problem;
mod send;

pub use form::FormLine;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{page, trouble};
use crate::console::{
    layout,
    model::{
        Model,
        draft::{Draft, Keeping, Stage},
        page::{PageModel, Tab},
    },
    theme::{Role, Theme},
    widgets::{
        rich::{self, RichLine},
        text::{clear, cut, put, width},
    },
};

/// The parts of a draft on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Areas {
    /// One line: what it is, and whether it is kept.
    title: Rect,
    /// Everything between.
    content: Rect,
    /// One line about the place of the cursor.
    status: Rect,
}

fn areas(body: Rect) -> Areas {
    let top = u16::from(body.height >= 3);
    let line = |y: u16, height: u16| Rect { y, height, ..body };
    Areas {
        title: line(body.y, top),
        content: line(body.y + top, body.height - 2 * top),
        status: line(body.bottom() - top, top),
    }
}

/// Where the text of the open draft stands, if it is shown.
pub fn text_area(model: &Model) -> Option<Rect> {
    let draft = model.draft()?;
    let content = areas(body(model, draft)).content;
    match draft.stage {
        Stage::Form => Some(editor::text(draft, beside(content)?)),
        Stage::Yaml | Stage::Fix | Stage::Send => Some(editor::text(draft, content)),
    }
}

/// From so many columns on, the text stands beside the form.
const WIDE: u16 = 140;

/// Where the text stands beside the form.
const fn beside(content: Rect) -> Option<Rect> {
    if content.width < WIDE {
        return None;
    }
    let left = content.width / 2;
    Some(Rect { x: content.x + left + 1, width: content.width - left - 1, ..content })
}

/// The lines of the open draft's form, and where they stand.
pub fn form_lines(model: &Model) -> Option<(Vec<FormLine>, Rect)> {
    let draft = model.draft()?;
    let area = form_area(areas(body(model, draft)).content);
    Some((form::lines(draft, &model.home(), area.width), area))
}

/// The lines of the open draft's last page, and where they stand.
pub fn send_lines(model: &Model) -> Option<(Vec<RichLine>, Rect)> {
    let draft = model.draft().filter(|draft| draft.stage == Stage::Send)?;
    let area = areas(body(model, draft)).content;
    Some((last_page(model, draft, area.width), area))
}

fn last_page(model: &Model, draft: &Draft, columns: u16) -> Vec<RichLine> {
    match &draft.live {
        Some(live) => live::lines(model, draft, live, columns),
        None => send::lines(model, draft, columns),
    }
}

/// Where a draft is shown: over the whole view, but the edit of a job that is open on its tab Configuration in the place
/// of what is read there.
fn body(model: &Model, draft: &Draft) -> Rect {
    let is_its = |page: &&PageModel| draft.live.as_ref().is_some_and(|live| live.key == page.job.key());
    match model.page.as_ref().filter(|page| page.tab == Tab::Configuration).filter(is_its) {
        Some(page) => {
            let areas = page::areas(page::body(page, trouble::body(model)), page.tab);
            Rect { y: areas.summary.y, height: areas.content.bottom() - areas.summary.y, ..areas.content }
        }
        None => layout::regions(model.size).body,
    }
}

fn form_area(content: Rect) -> Rect {
    let width = beside(content).map_or(content.width, |right| right.x - content.x - 1);
    Rect { width, ..content }
}

/// What the header's second line says: where we are.
pub fn breadcrumb(draft: &Draft) -> String {
    let stage = match draft.stage {
        Stage::Yaml => "YAML",
        Stage::Form => "Form",
        Stage::Fix => "Fix and resubmit",
        Stage::Send if draft.live.is_some() => "Last look",
        Stage::Send => "Send",
    };
    let from = if draft.live.is_some() { "Edit" } else { "Drafts" };
    format!("{from} > {} > {stage}", draft.title())
}

/// Draws it.
pub fn draw(model: &Model, draft: &Draft, theme: &Theme, buf: &mut Buffer) {
    let body = body(model, draft);
    clear(buf, body);
    buf.set_style(body, theme.style(Role::Text));
    let areas = areas(body);
    if areas.title.height > 0 {
        draw_title(draft, theme, areas.title, buf);
        let status = match draft.stage {
            Stage::Yaml => editor::status(model, draft),
            Stage::Form => form::status(model, draft),
            Stage::Send => send::status(model),
            Stage::Fix => RichLine::default(),
        };
        rich::draw_line(&status, None, areas.status, buf, theme);
    }
    match draft.stage {
        Stage::Yaml => {
            editor::draw(draft, theme, areas.content, buf);
            editor::draw_offers(draft, theme, areas.content, buf);
        }
        Stage::Form => {
            form::draw(model, draft, theme, form_area(areas.content), buf);
            if let Some(right) = beside(areas.content) {
                editor::draw(draft, theme, right, buf);
            }
        }
        Stage::Fix => fix::draw(draft, theme, areas.content, buf),
        Stage::Send => {
            let lines = last_page(model, draft, areas.content.width);
            rich::draw(&lines, draft.send.top, None, areas.content, buf, theme);
        }
    }
}

fn draw_title(draft: &Draft, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (kept, role) = match &draft.keeping {
        Keeping::Untouched => (String::new(), Role::Dim),
        Keeping::Writing => ("writing".to_owned(), Role::Dim),
        Keeping::Kept => ("kept".to_owned(), Role::Good),
        Keeping::Failed(why) => (format!("not kept: {why}"), Role::Bad),
    };
    let mut line = RichLine::of(draft.title(), Role::Title).and(format!("  {}", draft.origin), Role::Dim);
    if let Some((counts, role)) = problem::counts(draft) {
        line = line.and(format!("  {counts}"), role);
    }
    if let Some(live) = draft.live.as_ref().filter(|live| !live.conflicts.is_empty()) {
        let (n, end) = (live.conflicts.len(), if live.conflicts.len() == 1 { "" } else { "s" });
        line = line.and(format!("  {n} conflict{end} with the server"), Role::Bad);
    }
    rich::draw_line(&line, None, area, buf, theme);
    let room = area.width.saturating_sub(line.width() + 2);
    let kept = cut(&kept, room.max(area.width / 2), theme.ellipsis());
    put(buf, area, area.right().saturating_sub(width(&kept)), area.y, &kept, theme.style(role));
}
