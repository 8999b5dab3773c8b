//! The part of a text that is on the screen, and how lines that are too long for it are broken.

use unicode_width::UnicodeWidthChar;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First line.
    pub top: usize,
    /// Rows of the first line that are above the screen: it is longer than all of it.
    pub skip: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl Window {
    /// Where each row of a line begins, in characters; the first at 0. The last column is left to the cursor.
    pub fn breaks(&self, line: &str) -> Vec<usize> {
        let room = self.cols.saturating_sub(1).max(1);
        let (mut starts, mut width) = (vec![0], 0);
        for (at, c) in line.chars().enumerate() {
            let wide = c.width().unwrap_or(0);
            if width + wide > room && width > 0 {
                starts.push(at);
                width = 0;
            }
            width += wide;
        }
        starts
    }

    /// In which row of its line a character stands, and where that row begins.
    pub fn row_of(&self, line: &str, col: usize) -> (usize, usize) {
        let starts = self.breaks(line);
        let row = starts.partition_point(|start| *start <= col).saturating_sub(1);
        (row, starts[row])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_by_width_and_every_character_has_a_row() {
        let window = Window { cols: 5, rows: 3, ..Window::default() };
        assert_eq!(window.breaks(""), [0]);
        assert_eq!(window.breaks("abcd"), [0], "the cursor behind it has its column");
        assert_eq!(window.breaks("abcdefghi"), [0, 4, 8]);
        assert_eq!(window.breaks("日本語"), [0, 2]);
        assert_eq!([0, 3, 4, 9].map(|col| window.row_of("abcdefghi", col)), [(0, 0), (0, 0), (1, 4), (2, 8)]);
        assert_eq!(Window::default().breaks("ab"), [0, 1], "a screen of no width is no reason to stop");
    }
}
