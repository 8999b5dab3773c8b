//! `view`: the model as cells. Pure; changes nothing, knows no colour (the theme does).

mod changes;
pub mod cluster;
pub mod compare;
pub mod draft;
pub mod footer;
pub mod header;
pub mod list;
pub mod overlay;
pub mod page;
pub mod text;
pub mod trouble;

use ratatui::{buffer::Buffer, layout::Size};

use super::{
    layout::{self, MINIMUM},
    model::Model,
    theme::{Role, Theme},
    widgets::text::{cut, put, width},
};

/// Draws everything.
pub fn view(model: &Model, theme: &Theme, buf: &mut Buffer) {
    let area = buf.area;
    buf.set_style(area, theme.style(Role::Text));
    let size = Size::new(area.width, area.height);
    if !layout::fits(size) {
        let text = format!("needs {}x{}, has {}x{}", MINIMUM.width, MINIMUM.height, size.width, size.height);
        let style = theme.style(Role::Warn);
        put(buf, area, area.x, area.y, &cut(&text, area.width, theme.ellipsis()), style);
        return;
    }
    let regions = layout::regions(size);
    header::draw(model, theme, regions.header, buf);
    let rest = trouble::draw(model, theme, regions.body, buf);
    match (&model.page, &model.cluster) {
        _ if rest.height == 0 => {}
        (Some(page), _) => page::draw(model, page, theme, rest, buf),
        (None, Some(open)) => cluster::draw(model, open, theme, rest, buf),
        (None, None) => list::draw(model, theme, rest, buf),
    }
    footer::draw(model, theme, regions.footer, buf);
    for overlay in &model.overlays {
        overlay::draw(model, overlay, theme, regions, buf);
    }
    overlay::draw_key_hint(model, theme, regions, buf);
}

/// A screen as text, a line a row, without blanks at the ends of lines.
pub fn screen_text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.y..buf.area.bottom() {
        let (mut line, mut skip) = (String::new(), 0);
        for x in buf.area.x..buf.area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            skip = width(symbol).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests;
