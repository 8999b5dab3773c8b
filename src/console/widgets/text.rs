//! Writing text into cells: cut to width, wrapped, never beyond its area.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// The beginning of `text` that fits `columns`, ended by `mark` if something is cut off.
pub fn cut(text: &str, columns: u16, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let mut out = String::new();
    for grapheme in text.graphemes(true) {
        let before = out.len();
        out.push_str(grapheme);
        // Measured as a whole: some characters change their width beside others.
        if width(&out) > room {
            out.truncate(before);
            break;
        }
    }
    if columns >= width(mark) {
        out.push_str(mark);
    }
    out
}

/// Lines of at most `columns`, broken at blanks, else anywhere.
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = columns.max(1);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        let gap = u16::from(!line.is_empty());
        if !line.is_empty() && width(&line) + gap + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for grapheme in word.graphemes(true) {
            let before = line.len();
            line.push_str(grapheme);
            if before > 0 && width(&line) > columns {
                let rest = line.split_off(before);
                lines.push(std::mem::replace(&mut line, rest));
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Writes at `x`, `y` inside `area` and gives the column after it. What does not fit is left out.
pub fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() {
        return x;
    }
    let (end, _) = buf.set_stringn(x, y, text, usize::from(area.right() - x), style);
    end
}

/// Makes an area blank, also where the right half of a wide character would be left over at its edge.
pub fn clear(buf: &mut Buffer, area: Rect) {
    let area = area.intersection(buf.area);
    for y in area.y..area.bottom() {
        if area.x > buf.area.x && width(buf[(area.x - 1, y)].symbol()) > 1 {
            buf[(area.x - 1, y)].set_symbol(" ");
        }
        for x in area.x..area.right() {
            buf[(x, y)].reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "\\PC{0,40}", columns in 1..30u16) {
            prop_assert!(width(&cut(&text, columns, "…")) <= columns);
            for line in wrap(&text, columns.max(2)) {
                let one = line.graphemes(true).count() == 1;
                prop_assert!(one || width(&line) <= columns.max(2), "{line:?}");
            }
        }
    }

    #[test]
    fn wrap_breaks_at_blanks_first() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
    }
}
