//! Cells into bytes: the fewest that paint them.
//!
//! Owns the pen (what colours and modifiers the terminal is set to), cursor motion and erasing. A cell that terminals
//! disagree about in width is followed by an explicit move. Must not write to anything but the buffer it is given.

use std::io::Write;

use ratatui::{
    buffer::{Buffer, Cell, CellWidth},
    layout::{Position, Size},
    style::{Color, Modifier},
};

use super::{
    caps::ColorMode,
    color::{Ink, reduce},
};

/// How the terminal is set to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pen {
    fg: Ink,
    bg: Ink,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Ink::Default, bg: Ink::Default, modifier: Modifier::empty() };

/// Modifiers that are written; blinking and hidden text have no use here.
const MODIFIERS: [(Modifier, u8, u8); 6] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// Modifiers that show on a blank.
const ON_BLANK: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// Shorter runs of blanks are cheaper to write than to erase.
const ERASE_FROM: usize = 4;

/// A painter knows where the cursor is and how the pen is set, and appends to a frame.
#[derive(Debug)]
pub struct Painter {
    color: ColorMode,
    pen: Pen,
    at: Option<Position>,
}

impl Painter {
    /// For a terminal of this many colours whose state is not known yet.
    pub fn new(color: ColorMode) -> Self {
        Self { color, pen: PLAIN, at: None }
    }

    /// Blank screen, plain pen.
    pub fn clear(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[m\x1b[2J");
        self.pen = PLAIN;
        self.at = None;
    }

    /// Paints changed cells, in reading order.
    pub fn cells<'a>(&mut self, out: &mut Vec<u8>, size: Size, cells: impl Iterator<Item = (u16, u16, &'a Cell)>) {
        let cells: Vec<_> = cells.filter(|&(x, y, _)| x < size.width && y < size.height).collect();
        let mut rest = cells.as_slice();
        while let Some((&(x, y, cell), after)) = rest.split_first() {
            let blanks = blanks_to_edge(rest, size.width, self.color);
            self.go(out, Position { x, y });
            if blanks > ERASE_FROM {
                self.set(out, PLAIN);
                out.extend_from_slice(b"\x1b[K");
                rest = &rest[blanks..];
                continue;
            }
            let pen = self.pen_for(cell);
            self.set(out, pen);
            out.extend_from_slice(cell.symbol().as_bytes());
            let next = x + cell.cell_width().max(1);
            // At the right edge terminals differ in where the cursor is.
            self.at = (next < size.width && width_is_agreed(cell.symbol())).then_some(Position { x: next, y });
            rest = after;
        }
    }

    /// Back to a plain pen, so that whatever else is written looks as meant.
    pub fn plain(&mut self, out: &mut Vec<u8>) {
        self.set(out, PLAIN);
    }

    /// Moves the cursor by the shortest way that is sure.
    pub fn go(&mut self, out: &mut Vec<u8>, to: Position) {
        if self.at == Some(to) {
            return;
        }
        let _ = match self.at {
            Some(from) if from.y == to.y && to.x == from.x + 1 => out.write_all(b"\x1b[C"),
            Some(from) if from.y == to.y && to.x > from.x => write!(out, "\x1b[{}C", to.x - from.x),
            Some(from) if from.y == to.y => write!(out, "\x1b[{}G", to.x + 1),
            _ if to == Position::ORIGIN => out.write_all(b"\x1b[H"),
            _ => write!(out, "\x1b[{};{}H", to.y + 1, to.x + 1),
        };
        self.at = Some(to);
    }

    /// Where the cursor is, if that is known.
    pub fn at(&self) -> Option<Position> {
        self.at
    }

    /// A blank shows no foreground and no weight, so it takes the pen as it is where that makes no difference.
    fn pen_for(&self, cell: &Cell) -> Pen {
        let wanted = Pen {
            fg: reduce(cell.fg, self.color),
            bg: reduce(cell.bg, self.color),
            modifier: MODIFIERS.iter().map(|m| m.0).filter(|m| cell.modifier.contains(*m)).collect(),
        };
        let shows = |pen: Pen| pen.modifier.intersects(ON_BLANK);
        if cell.symbol() == " " && wanted.bg == self.pen.bg && !shows(wanted) && !shows(self.pen) {
            return self.pen;
        }
        wanted
    }

    fn set(&mut self, out: &mut Vec<u8>, pen: Pen) {
        if pen == self.pen {
            return;
        }
        let (anew, step) = (sgr_from(PLAIN, pen), sgr_from(self.pen, pen));
        // An empty parameter is a reset, also in front of others.
        let anew = if anew.is_empty() { anew } else { format!(";{anew}") };
        let sgr = if anew.len() < step.len() { anew } else { step };
        let _ = write!(out, "\x1b[{sgr}m");
        self.pen = pen;
    }
}

/// The parameters that lead from one pen to the other.
fn sgr_from(from: Pen, to: Pen) -> String {
    let mut codes: Vec<String> = Vec::new();
    let mut kept = from.modifier;
    for (modifier, _, off) in MODIFIERS {
        if kept.contains(modifier) && !to.modifier.contains(modifier) {
            codes.push(off.to_string());
            // Bold and dim share their end.
            let gone = if off == 22 { Modifier::BOLD.union(Modifier::DIM) } else { modifier };
            kept.remove(gone);
        }
    }
    for (modifier, on, _) in MODIFIERS {
        if to.modifier.contains(modifier) && !kept.contains(modifier) {
            codes.push(on.to_string());
        }
    }
    if from.fg != to.fg {
        codes.push(ink(to.fg, 30));
    }
    if from.bg != to.bg {
        codes.push(ink(to.bg, 40));
    }
    codes.join(";")
}

fn ink(ink: Ink, base: u8) -> String {
    match ink {
        Ink::Default => (base + 9).to_string(),
        Ink::Palette(n @ 0..8) => (base + n).to_string(),
        Ink::Palette(n) => (base + 60 + n - 8).to_string(),
        Ink::Indexed(n) => format!("{};5;{n}", base + 8),
        Ink::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

/// How many of the first cells are blanks that reach to the right edge of their row, 0 if they don't.
fn blanks_to_edge(cells: &[(u16, u16, &Cell)], width: u16, color: ColorMode) -> usize {
    let Some(&(x, y, _)) = cells.first() else { return 0 };
    let wanted = usize::from(width - x);
    let is_blank = |cell: &Cell| {
        cell.symbol() == " "
            && reduce(cell.bg, color) == reduce(Color::Reset, color)
            && !cell.modifier.intersects(ON_BLANK)
    };
    let run = cells
        .iter()
        .take(wanted)
        .enumerate()
        .take_while(|(i, (cx, cy, cell))| *cy == y && usize::from(*cx) == usize::from(x) + i && is_blank(cell))
        .count();
    if run == wanted { run } else { 0 }
}

/// Whether all terminals advance equally far for it: one scalar of the long-settled blocks.
fn width_is_agreed(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return false };
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{52f}'
        | '\u{2013}'..='\u{2014}' | '\u{2018}'..='\u{201d}' | '\u{2026}' | '\u{2190}'..='\u{2193}'
        | '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}'
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// A screen as lines of text with colours, for what is no screen: a file, a pipe. No cursor moves.
pub fn lines(buffer: &Buffer, color: ColorMode) -> String {
    let mut painter = Painter::new(color);
    let mut out = Vec::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width).max(1)) {
        let shown = |cell: &Cell| cell.symbol() != " " || painter.pen_for(cell) != PLAIN;
        let end = row.iter().rposition(shown).map_or(0, |last| last + 1);
        let mut hidden = 0;
        for cell in &row[..end] {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            let pen = painter.pen_for(cell);
            painter.set(&mut out, pen);
            if cell.symbol().contains(char::is_control) {
                out.push(b'?');
                continue;
            }
            out.extend_from_slice(cell.symbol().as_bytes());
            hidden = cell.cell_width().saturating_sub(1);
        }
        painter.plain(&mut out);
        out.push(b'\n');
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Blanks the left half of every wide glyph whose right half was drawn over; the terminal would show the whole glyph,
/// and not what was drawn. To be called when a frame is complete.
pub fn mend_wide(buffer: &mut Buffer) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &buffer[(x, y)];
            if cell.symbol().len() < 3 || cell.cell_width() < 2 {
                continue;
            }
            let is_cut = x + 1 >= area.right() || buffer[(x + 1, y)].symbol() != " ";
            if is_cut {
                buffer[(x, y)].set_symbol(" ");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    fn painted(width: u16, draw: impl Fn(&mut Buffer)) -> String {
        let area = Rect::new(0, 0, width, 2);
        let (before, mut after) = (Buffer::empty(area), Buffer::empty(area));
        draw(&mut after);
        let mut out = Vec::new();
        let mut painter = Painter::new(ColorMode::Ansi16);
        painter.cells(&mut out, Size::new(width, 2), before.diff(&after).into_iter());
        painter.plain(&mut out);
        String::from_utf8(out).expect("utf-8")
    }

    #[test]
    fn a_word_is_one_move_one_pen_and_its_letters() {
        let out = painted(20, |b| b.set_string(3, 1, "ok", Style::new().fg(Color::Green).bold()));
        assert_eq!(out, "\x1b[2;4H\x1b[1;32mok\x1b[m");
    }

    #[test]
    fn blanks_to_the_edge_are_erased() {
        let area = Rect::new(0, 0, 30, 1);
        let (mut before, mut after) = (Buffer::empty(area), Buffer::empty(area));
        before.set_string(0, 0, "x".repeat(30), Style::new());
        after.set_string(0, 0, "xy", Style::new());
        let mut out = Vec::new();
        Painter::new(ColorMode::Ansi16).cells(&mut out, Size::new(30, 1), before.diff(&after).into_iter());
        assert_eq!(String::from_utf8_lossy(&out), "\x1b[1;2Hy\x1b[K");
    }

    #[test]
    fn a_glyph_of_disputed_width_is_followed_by_a_move() {
        assert!(!painted(20, |b| b.set_string(0, 0, "日本", Style::new())).contains("\x1b[1;3H"));
        let disputed = painted(20, |b| b.set_string(0, 0, "\u{1f469}\u{200d}\u{1f680}x", Style::new()));
        assert!(disputed.ends_with("\x1b[1;3Hx"), "{disputed:?}");
    }

    #[test]
    fn without_colour_the_modifiers_stay() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        buffer.set_string(0, 0, "a", Style::new().fg(Color::Red).bg(Color::Blue).reversed());
        let mut out = Vec::new();
        let cells = Buffer::empty(buffer.area).diff(&buffer);
        Painter::new(ColorMode::Never).cells(&mut out, Size::new(5, 1), cells.into_iter());
        assert_eq!(String::from_utf8_lossy(&out), "\x1b[H\x1b[7ma");
    }

    #[test]
    fn lines_have_colours_and_no_moves() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 2));
        buffer.set_string(0, 0, "日ok", Style::new().fg(Color::Red));
        buffer.set_string(2, 1, "b", Style::new().reversed());
        assert_eq!(lines(&buffer, ColorMode::Ansi16), "\x1b[31m日ok\x1b[m\n  \x1b[7mb\x1b[m\n");
        buffer[(2, 1)].set_symbol("\x1b");
        assert!(lines(&buffer, ColorMode::True).ends_with("\n  \x1b[7m?\x1b[m\n"));
    }

    #[test]
    fn a_border_over_half_a_glyph_is_drawn() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "日本語", Style::new());
        buffer.set_string(3, 0, "|", Style::new());
        mend_wide(&mut buffer);
        let text: String = (0..6).map(|x| buffer[(x, 0)].symbol().to_owned()).collect();
        assert_eq!(text, "日  |語 ");
    }
}
