//! Text cut to a number of terminal cells.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Cells that `text` takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { UnicodeWidthStr::width(text) }
}

/// `text` with blanks behind it, so that it takes at least so many cells.
pub fn filled(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// The sign for what was cut out.
pub const fn mark(ascii: bool) -> &'static str {
    if ascii { "~" } else { "…" }
}

/// `text` in at most `cells`, its end cut off where it is too long.
pub fn end(text: &str, cells: usize, ascii: bool) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}{}", head(text, cells - 1), mark(ascii)))
}

/// `text` in at most `cells`, cut in its middle: names differ at their ends.
pub fn middle(text: &str, cells: usize, ascii: bool) -> Cow<'_, str> {
    if width(text) <= cells || cells < 4 {
        return end(text, cells, ascii);
    }
    let back = (cells - 1) / 2;
    let front = cells - 1 - back;
    Cow::Owned(format!("{}{}{}", head(text, front), mark(ascii), tail(text, back)))
}

fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let fits = |g: &&str| {
        used += width(g);
        used <= cells
    };
    let bytes: usize = text.graphemes(true).take_while(fits).map(str::len).sum();
    &text[..bytes]
}

fn tail(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let fits = |g: &&str| {
        used += width(g);
        used <= cells
    };
    let bytes: usize = text.graphemes(true).rev().take_while(fits).map(str::len).sum();
    &text[text.len() - bytes..]
}
