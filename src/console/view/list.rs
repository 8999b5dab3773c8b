//! The job list as cells.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::console::{model::Model, theme::Theme};

/// What the header's second line says: where we are.
pub fn breadcrumb(_model: &Model) -> String {
    "Jobs".to_owned()
}

/// Draws the list.
pub fn draw(_model: &Model, _theme: &Theme, _area: Rect, _buf: &mut Buffer) {}
