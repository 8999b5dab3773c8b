//! Tab Logs as cells: what is looked at and how it is, the visible lines in one or two halves, or the ranks.

mod grid;
mod lines;
mod summary;

use ratatui::{buffer::Buffer, layout::Rect};

pub use self::summary::{state, summary, what};
use crate::{
    console::{
        model::page::{
            PageModel,
            logs::{Flow, LogsModel},
        },
        theme::{Role, Theme},
        widgets::{
            rich::{RichLine, draw_line},
            text::{cut, put},
        },
    },
    jobs::Secs,
};

/// From this width on two halves stand beside each other.
const BESIDE: u16 = 120;

/// Rows of lines in the first and the second half.
pub fn rows(logs: &LogsModel, area: Rect) -> (u16, u16) {
    let (first, second) = halves(logs, area);
    (first.height.max(1), second.map_or(0, |second| second.height))
}

/// Where the lines are; with two halves each has a heading above it.
fn halves(logs: &LogsModel, area: Rect) -> (Rect, Option<Rect>) {
    let below = |half: Rect| Rect { y: half.y + half.height.min(1), height: half.height.saturating_sub(1), ..half };
    if logs.second.is_none() {
        return (area, None);
    }
    let (first, second) = if area.width >= BESIDE {
        let left = (area.width - 1) / 2;
        let right = Rect { x: area.x + left + 1, width: area.width - left - 1, ..area };
        (Rect { width: left, ..area }, right)
    } else {
        let upper = area.height / 2;
        (Rect { height: upper, ..area }, Rect { y: area.y + upper, height: area.height - upper, ..area })
    };
    (below(first), Some(below(second)))
}

/// Draws the tab's content.
pub fn draw(page: &PageModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let logs = &page.logs;
    if area.height == 0 || area.width == 0 {
        return;
    }
    if logs.grid {
        return grid::draw(page, now, theme, area, buf);
    }
    if logs.window.lines.is_empty() && logs.second.is_none() {
        return draw_empty(logs, theme, area, buf);
    }
    let (first, second) = halves(logs, area);
    if let (Some(choice), Some(second)) = (&logs.second, second) {
        for (half, choice) in [(first, &logs.choice), (second, choice)] {
            let heading = Rect { y: half.y.saturating_sub(1), height: 1, ..half };
            draw_line(&RichLine::of(what(page, choice), Role::Heading), None, heading, buf, theme);
        }
        if second.x > area.x {
            for y in area.y..area.bottom() {
                put(buf, area, second.x - 1, y, theme.separator(), theme.style(Role::Border));
            }
        }
        lines::draw(logs, &logs.window.second, now, theme, second, buf);
    }
    lines::draw(logs, &logs.window.lines, now, theme, first, buf);
}

fn draw_empty(logs: &LogsModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let window = &logs.window;
    let mut lines = Vec::new();
    for stream in &window.streams {
        match &stream.flow {
            Flow::Refused(refusal) => {
                lines.push((format!("{}: {}", stream.title, refusal.what), Role::Warn));
                lines.push((refusal.hint.to_string(), Role::Dim));
            }
            Flow::Waiting(why) => lines.push((format!("{}: {why}", stream.title), Role::Wait)),
            Flow::Ended => lines.push((format!("{}: the log has ended", stream.title), Role::Done)),
            Flow::Open | Flow::Opening => {}
        }
    }
    let first = if !logs.is_open() {
        "No pod to read a log of yet."
    } else if window.kept > 0 && !window.complete {
        "Looking ..."
    } else if window.kept > 0 {
        "No line that is kept is looked at. a shows all."
    } else {
        "No line yet."
    };
    lines.insert(0, (first.to_owned(), Role::Dim));
    for ((text, role), y) in lines.into_iter().zip(area.y..area.bottom()) {
        put(buf, area, area.x, y, &cut(&text, area.width, theme.ellipsis()), theme.style(role));
    }
}

/// Draws the newest lines in a corner of another tab, under a heading.
pub fn draw_tail(page: &PageModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let title = RichLine::of("Logs", Role::Title).and(format!("  {}", what(page, &page.logs.choice)), Role::Dim);
    draw_line(&title, None, area, buf, theme);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if page.logs.window.lines.is_empty() {
        draw_empty(&page.logs, theme, below, buf);
    } else {
        lines::draw(&page.logs, &page.logs.window.lines, now, theme, below, buf);
    }
}
