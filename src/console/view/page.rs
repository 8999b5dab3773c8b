//! The job page as cells.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::console::{
    model::{Model, page::PageModel},
    theme::Theme,
};

/// What the header's second line says: where we are.
pub fn breadcrumb(_model: &Model, _page: &PageModel) -> String {
    "Job".to_owned()
}

/// Draws the page.
pub fn draw(_model: &Model, _page: &PageModel, _theme: &Theme, _area: Rect, _buf: &mut Buffer) {}
