//! A table of which only the visible rows are ever made: cells are written straight to their places.
//!
//! Must not know jobs. A selected row differs from others in its marker and its first cell only, so that moving the
//! selection costs few bytes.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text::put;
use crate::jobs::columns::{Align, cut};

/// One cell of a row or heading.
#[derive(Clone, Debug)]
pub struct TableCell<'a> {
    /// Its text.
    pub text: Cow<'a, str>,
    /// Its looks.
    pub style: Style,
    /// Side.
    pub align: Align,
    /// Whether a text that is too long is cut in its middle.
    pub cut_middle: bool,
}

/// Writes `cell` at `x` relative to the row's left end, `width` cells at most.
pub fn put_cell(buf: &mut Buffer, row: Rect, x: u16, width: u16, cell: &TableCell<'_>, ascii: bool) {
    let room = usize::from(width.min(row.width.saturating_sub(x)));
    let cut = if cell.cut_middle { cut::middle } else { cut::end };
    let text = cut(&cell.text, room, ascii);
    let blank = match cell.align {
        Align::Left => 0,
        Align::Right => u16::try_from(room - cut::width(&text).min(room)).unwrap_or(0),
    };
    // Some characters take more cells than they are measured by.
    let own = Rect { width: x.saturating_add(width).min(row.width), ..row };
    put(buf, own, row.x.saturating_add(x).saturating_add(blank), row.y, &text, cell.style);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cell_stays_in_its_place(
            text in "\\PC{0,20}",
            x in 0u16..20,
            width in 0u16..20,
            right in any::<bool>(),
            cut_middle in any::<bool>(),
        ) {
            let row = Rect::new(0, 0, 24, 1);
            let mut buf = Buffer::empty(row);
            let align = if right { Align::Right } else { Align::Left };
            let cell = TableCell { text: text.into(), style: Style::new(), align, cut_middle };
            put_cell(&mut buf, row, x, width, &cell, true);
            for at in (0..24).filter(|at| *at < x || *at >= x + width) {
                prop_assert_eq!(buf[(at, 0)].symbol(), " ", "{}", at);
            }
        }
    }
}
