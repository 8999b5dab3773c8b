//! A box with a title.

use ratatui::{buffer::Buffer, layout::Rect};

use super::text::{clear, cut, put};
use crate::console::theme::{Role, Theme};

/// A box with a title, cleared; gives its inside.
pub fn frame(title: &str, theme: &Theme, area: Rect, buf: &mut Buffer) -> Rect {
    clear(buf, area);
    buf.set_style(area, theme.style(Role::Text));
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    let (style, [across, down, a, b, c, d]) = (theme.style(Role::Border), theme.lines());
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.x + 1..right {
        put(buf, area, x, area.y, across, style);
        put(buf, area, x, bottom, across, style);
    }
    for y in area.y + 1..bottom {
        put(buf, area, area.x, y, down, style);
        put(buf, area, right, y, down, style);
    }
    for (x, y, corner) in [(area.x, area.y, a), (right, area.y, b), (right, bottom, c), (area.x, bottom, d)] {
        put(buf, area, x, y, corner, style);
    }
    if area.width > 8 {
        let title = format!(" {} ", cut(title, area.width - 6, theme.ellipsis()));
        put(buf, area, area.x + 2, area.y, &title, theme.style(Role::Title));
    }
    Rect::new(area.x + 2.min(area.width / 2), area.y + 1, area.width.saturating_sub(4), area.height - 2)
}
