//! The line below the table: what the selected row had no room to say.

use ratatui::{buffer::Buffer, layout::Rect};

use super::WHOLE_CAUSE;
use crate::{
    console::{
        model::Model,
        theme::{Role, Theme},
        widgets::text::{cut, put, width},
    },
    jobs::columns::ColumnId,
};

/// A longer line would make a moved selection cost more than a slow connection likes.
const MOST: u16 = 140;

/// Draws the line: the whole cause if the row could not show it, and what to do.
pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(job) = model.list.selected.as_ref().and_then(|key| model.fleet.get(key)) else { return };
    if area.height == 0 {
        return;
    }
    let area = Rect { width: area.width.min(MOST), ..area };
    let room = |wanted: &ColumnId| model.list.placed().find(|(id, _)| *id == wanted).map_or(0, |(_, at)| at.width);
    let derived = &job.derived;
    let mut pieces: Vec<(String, Role)> = Vec::new();
    if let Some(cause) = &derived.cause {
        let cells = room(&ColumnId::Cause);
        if cells < WHOLE_CAUSE || width(cause.title.as_str()) > cells {
            pieces.push((ended(cause.title.as_str()), Role::Text));
        }
    }
    let state = width(&format!("{} [{}]", derived.state, derived.reported)) + 2;
    if derived.disagrees && !derived.reported.is_empty() && state > room(&ColumnId::State) {
        pieces.push((format!("The operator says {}.", derived.reported), Role::Dim));
    }
    pieces.extend(derived.cause.as_ref().map(|cause| (cause.remedy.to_string(), Role::Dim)));
    let mut x = area.x + 2;
    for (text, role) in pieces {
        let text = cut(&text, area.right().saturating_sub(x), theme.ellipsis());
        x = put(buf, area, x, area.y, &text, theme.style(role)).saturating_add(1);
    }
}

/// As a sentence.
fn ended(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{text}{end}")
}
