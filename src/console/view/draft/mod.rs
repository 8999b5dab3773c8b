//! A draft as cells: a line on what it is, its text, a line on what is wrong at the cursor.

mod editor;
mod fix;
mod form;
mod problem;
mod send;

pub use form::FormLine;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::console::{
    layout,
    model::{
        Model,
        draft::{Draft, Keeping, Stage},
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
    let content = areas(layout::regions(model.size).body).content;
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
    let area = form_area(areas(layout::regions(model.size).body).content);
    Some((form::lines(draft, area.width), area))
}

/// The lines of the open draft's last page, and where they stand.
pub fn send_lines(model: &Model) -> Option<(Vec<RichLine>, Rect)> {
    let draft = model.draft().filter(|draft| draft.stage == Stage::Send)?;
    let area = areas(layout::regions(model.size).body).content;
    Some((send::lines(model, draft, area.width), area))
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
        Stage::Send => "Send",
    };
    format!("Drafts > {} > {stage}", draft.title())
}

/// Draws it over the body.
pub fn draw(model: &Model, draft: &Draft, theme: &Theme, body: Rect, buf: &mut Buffer) {
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
            form::draw(draft, theme, form_area(areas.content), buf);
            if let Some(right) = beside(areas.content) {
                editor::draw(draft, theme, right, buf);
            }
        }
        Stage::Fix => fix::draw(draft, theme, areas.content, buf),
        Stage::Send => {
            let lines = send::lines(model, draft, areas.content.width);
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
    rich::draw_line(&line, None, area, buf, theme);
    let room = area.width.saturating_sub(line.width() + 2);
    let kept = cut(&kept, room.max(area.width / 2), theme.ellipsis());
    put(buf, area, area.right().saturating_sub(width(&kept)), area.y, &kept, theme.style(role));
}
