//! The text of a draft as it is edited: lines, cursor, selection, what can be undone, what is in view.
//!
//! Text, cursor and history live in the text area; every change goes through [`Editor::replace`], so that one thing done
//! is one thing undone. What a key means is decided in `update/draft`. Must not know YAML beyond its colours.

mod window;

use std::ops::Range;

use tui_textarea::{CursorMove, TextArea};

use crate::{
    jobs::manifest::{YamlLine, highlight_line},
    logs::Query,
};

pub use window::Window;

/// Edits that can be undone: characters typed, pieces put in or taken out.
const MOST_EDITS: usize = 50_000;

/// A place in the text: line and character, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line.
    pub row: usize,
    /// Character in the line.
    pub col: usize,
}

impl Place {
    /// A place.
    pub const fn new(row: usize, col: usize) -> Self {
        Self { row, col }
    }
}

/// What kind of change it is: typing goes on with the typing before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Characters of a word, one after the other.
    Typing,
    /// Anything else: a step of its own.
    Step,
}

/// What is undone at once: so many edits of the text area.
#[derive(Clone, Copy, Debug)]
struct Step {
    edits: usize,
    kind: Change,
    /// Where the cursor was left, to know whether typing goes on from there.
    end: Place,
}

/// See the module.
#[derive(Debug)]
pub struct Editor {
    area: TextArea<'static>,
    done: Vec<Step>,
    undone: Vec<Step>,
    /// Whether we are in a block scalar, before each line; known up to its length.
    blocks: Vec<Option<usize>>,
    /// What is in view.
    pub window: Window,
    /// Column that up and down keep.
    goal: Option<usize>,
    /// A selection was begun that every way of the cursor goes on with.
    marking: bool,
    /// What is searched for.
    pub search: Option<Query>,
    /// Counts changes: an answer about an older text is known as such.
    pub version: u64,
}

impl Editor {
    /// An editor on this text, cursor at its beginning.
    pub fn new(text: &str) -> Self {
        let mut area = TextArea::new(lines_of(text));
        area.set_max_histories(MOST_EDITS);
        Self {
            area,
            done: Vec::new(),
            undone: Vec::new(),
            blocks: vec![None],
            window: Window::default(),
            goal: None,
            marking: false,
            search: None,
            version: 0,
        }
    }

    /// The lines, at least one.
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// The text, with an end of line behind every line.
    pub fn text(&self) -> String {
        let lines = self.lines();
        let mut out = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for (n, line) in lines.iter().enumerate() {
            // The last line is empty where the text ends as it should.
            if n + 1 < lines.len() || !line.is_empty() {
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    }

    /// Where the cursor is.
    pub fn cursor(&self) -> Place {
        let (row, col) = self.area.cursor();
        Place { row, col }
    }

    /// What is selected, from where to where.
    pub fn selection(&self) -> Option<(Place, Place)> {
        let (from, to) = self.area.selection_range()?;
        (from != to).then(|| (Place::new(from.0, from.1), Place::new(to.0, to.1)))
    }

    /// The line of the cursor.
    pub fn line(&self) -> &str {
        self.lines().get(self.cursor().row).map_or("", String::as_str)
    }

    /// The selected text.
    pub fn selected(&self) -> Option<String> {
        let (from, to) = self.selection()?;
        let lines = self.lines();
        if from.row == to.row {
            return Some(slice(&lines[from.row], from.col..to.col).to_owned());
        }
        let mut out = slice(&lines[from.row], from.col..usize::MAX).to_owned();
        for line in &lines[from.row + 1..to.row] {
            out.push('\n');
            out.push_str(line);
        }
        out.push('\n');
        out.push_str(slice(&lines[to.row], 0..to.col));
        Some(out)
    }

    /// Puts the cursor somewhere; what lies outside the text becomes its nearest place.
    pub fn go(&mut self, to: Place) {
        self.jump(to, false);
        self.goal = None;
    }

    /// The same, with the text on the way selected.
    pub fn select_to(&mut self, to: Place) {
        self.jump(to, true);
        self.goal = None;
    }

    fn jump(&mut self, to: Place, select: bool) {
        self.selecting(select);
        if let (Ok(row), Ok(col)) = (u16::try_from(to.row), u16::try_from(to.col)) {
            return self.area.move_cursor(CursorMove::Jump(row, col));
        }
        // The text area jumps by 16 bits; the rest is walked.
        self.area.move_cursor(CursorMove::Jump(u16::try_from(to.row).unwrap_or(u16::MAX), 0));
        let row = to.row.min(self.lines().len() - 1);
        (self.area.cursor().0..row).for_each(|_| self.area.move_cursor(CursorMove::Down));
        let end = self.lines()[row].chars().count();
        (0..to.col.min(end)).for_each(|_| self.area.move_cursor(CursorMove::Forward));
    }

    fn selecting(&mut self, select: bool) {
        if !select {
            self.unselect();
        } else if !self.area.is_selecting() {
            self.area.start_selection();
        }
    }

    /// Moves as the text area knows how.
    pub fn step(&mut self, by: CursorMove, select: bool) {
        self.selecting(select);
        self.area.move_cursor(by);
        self.goal = None;
    }

    /// Moves by lines, and keeps the column through shorter ones.
    pub fn step_lines(&mut self, by: isize, select: bool) {
        let at = self.cursor();
        let goal = self.goal.unwrap_or(at.col);
        let row = at.row.saturating_add_signed(by).min(self.lines().len() - 1);
        self.jump(Place::new(row, goal), select);
        self.goal = Some(goal);
    }

    /// Begins to select from here, until told otherwise.
    pub fn mark(&mut self) {
        self.jump(self.cursor(), true);
        self.marking = true;
    }

    /// Whether [`Editor::mark`] holds.
    pub const fn is_marking(&self) -> bool {
        self.marking
    }

    /// Lets go of the selection.
    pub fn unselect(&mut self) {
        self.area.cancel_selection();
        self.marking = false;
    }

    /// Puts `text` in the place of what stands between two places, and the cursor behind it.
    pub fn replace(&mut self, from: Place, to: Place, text: &str, kind: Change) {
        self.unselect();
        let goes_on = kind == Change::Typing && from == to && self.is_typing_at(from, text);
        let mut edits = 0;
        let length = self.length(from, to);
        self.jump(from, false);
        if length > 0 {
            edits += usize::from(self.area.delete_str(length));
        }
        if !text.is_empty() {
            edits += usize::from(self.area.insert_str(text));
        }
        if edits == 0 {
            return;
        }
        let end = self.cursor();
        match self.done.last_mut().filter(|_| goes_on) {
            Some(last) => (last.edits, last.end) = (last.edits + edits, end),
            None => self.done.push(Step { edits, kind, end }),
        }
        let mut kept: usize = self.done.iter().map(|step| step.edits).sum();
        let forgotten = self.done.iter().take_while(|step| {
            let too_many = kept > MOST_EDITS;
            kept -= step.edits;
            too_many
        });
        let forgotten = forgotten.count();
        self.done.drain(..forgotten);
        self.undone.clear();
        self.changed(from.row);
    }

    /// Whether typing `text` there goes on with the word that was being typed.
    fn is_typing_at(&self, at: Place, text: &str) -> bool {
        let before = at.col.checked_sub(1).and_then(|col| self.lines()[at.row].chars().nth(col));
        let new_word = before.is_some_and(char::is_whitespace) && !text.starts_with(char::is_whitespace);
        let last = self.done.last();
        !new_word && self.undone.is_empty() && last.is_some_and(|last| last.kind == Change::Typing && last.end == at)
    }

    /// Puts lines in the place of those of `rows`, as one step.
    pub fn replace_lines(&mut self, rows: Range<usize>, lines: &[String]) {
        let last = rows.end.saturating_sub(1);
        let end = Place::new(last, self.lines()[last].chars().count());
        self.replace(Place::new(rows.start, 0), end, &lines.join("\n"), Change::Step);
    }

    /// Puts another text in the place of all; what both begin and end with is left alone.
    pub fn replace_whole(&mut self, text: &str) {
        let (old, new) = (self.lines(), lines_of(text));
        let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let most = old.len().min(new.len()) - same.min(old.len().min(new.len()));
        let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
        let (rows, lines) = (same..old.len() - tail, &new[same..new.len() - tail]);
        if rows.is_empty() && lines.is_empty() {
            return;
        }
        // Whole lines come and go with the end of a line beside them.
        let last = self.lines().len() - 1;
        let end_of = |row: usize| Place::new(row, self.lines()[row].chars().count());
        let mut text = lines.join("\n");
        let (from, to) = if !rows.is_empty() && !lines.is_empty() {
            (Place::new(rows.start, 0), end_of(rows.end - 1))
        } else if rows.end <= last {
            if !lines.is_empty() {
                text.push('\n');
            }
            (Place::new(rows.start, 0), Place::new(rows.end, 0))
        } else {
            if !lines.is_empty() {
                text.insert(0, '\n');
            }
            (end_of(rows.start.saturating_sub(1)), end_of(last))
        };
        let at = self.cursor();
        self.replace(from, to, &text, Change::Step);
        self.go(at);
    }

    fn changed(&mut self, row: usize) {
        self.blocks.truncate(row + 1);
        self.version += 1;
        self.goal = None;
    }

    /// Takes the last step back. `false`: there is none.
    pub fn undo(&mut self) -> bool {
        let Some(step) = self.done.pop() else { return false };
        for _ in 0..step.edits {
            self.area.undo();
        }
        self.undone.push(step);
        self.changed(0);
        true
    }

    /// Does again what was taken back last.
    pub fn redo(&mut self) -> bool {
        let Some(step) = self.undone.pop() else { return false };
        for _ in 0..step.edits {
            self.area.redo();
        }
        self.done.push(step);
        self.changed(0);
        true
    }

    /// Characters between two places, each end of line counted as one.
    fn length(&self, from: Place, to: Place) -> usize {
        if to <= from {
            return 0;
        }
        if from.row == to.row {
            return to.col - from.col;
        }
        let lines = self.lines();
        let first = lines[from.row].chars().count().saturating_sub(from.col);
        let between: usize = lines[from.row + 1..to.row].iter().map(|line| line.chars().count() + 1).sum();
        first + 1 + between + to.col
    }

    /// The place of a byte of [`Editor::text`].
    pub fn place_of(&self, offset: usize) -> Place {
        let mut rest = offset;
        for (row, line) in self.lines().iter().enumerate() {
            if rest <= line.len() {
                let col = line.char_indices().take_while(|(at, _)| *at < rest).count();
                return Place { row, col };
            }
            rest -= line.len() + 1;
        }
        let row = self.lines().len() - 1;
        Place { row, col: self.lines()[row].chars().count() }
    }

    /// The byte of [`Editor::text`] at a place.
    pub fn offset_of(&self, place: Place) -> usize {
        let before: usize = self.lines().iter().take(place.row).map(|line| line.len() + 1).sum();
        before + self.lines().get(place.row).map_or(0, |line| byte_of(line, place.col))
    }

    /// Keeps the cursor in a window of this size, and makes ready the colours of what is in it.
    pub fn settle(&mut self, rows: usize, cols: usize) {
        let at = self.cursor();
        (self.window.rows, self.window.cols) = (rows.max(1), cols.max(1));
        let window = self.window;
        let height = |row: usize| window.breaks(&self.lines()[row]).len();
        let (own, _) = window.row_of(self.line(), at.col);
        // Up from the cursor, as far as there is room for what is above it.
        let (mut top, mut above) = (at.row, own);
        while top > window.top && above + height(top - 1) < window.rows {
            top -= 1;
            above += height(top);
        }
        self.window.top = top;
        self.window.skip = if top == at.row { (own + 1).saturating_sub(window.rows) } else { 0 };
        let wanted = (top + window.rows).min(self.lines().len());
        while self.blocks.len() < wanted {
            let row = self.blocks.len() - 1;
            let mut block = self.blocks[row];
            highlight_line(&self.area.lines()[row], &mut block);
            self.blocks.push(block);
        }
    }

    /// The row of the window in which a place stands, and its character in that row. Right for places that are in view.
    pub fn on_screen(&self, place: Place) -> (usize, usize) {
        let window = &self.window;
        let above: usize = (window.top..place.row).map(|row| window.breaks(&self.lines()[row]).len()).sum();
        let (row, start) = window.row_of(self.lines().get(place.row).map_or("", String::as_str), place.col);
        ((above + row).saturating_sub(window.skip), place.col - start)
    }

    /// Scrolls without the cursor, as far as it stays in view.
    pub fn scroll(&mut self, by: isize) {
        let last = self.lines().len().saturating_sub(self.window.rows);
        let top = self.window.top.saturating_add_signed(by).min(last);
        let row = self.cursor().row.clamp(top, top + self.window.rows.saturating_sub(1));
        self.window.top = top;
        if row != self.cursor().row {
            self.go(Place::new(row, self.cursor().col));
        }
    }

    /// A line with its colours. Right for lines in the window that was settled.
    pub fn coloured(&self, row: usize) -> YamlLine {
        let mut block = self.blocks.get(row).copied().flatten();
        highlight_line(self.lines().get(row).map_or("", String::as_str), &mut block)
    }

    /// Whether a line is inside a block scalar.
    pub fn is_in_block(&self, row: usize) -> bool {
        let mut block = None;
        let from = if row < self.blocks.len() { row } else { 0 };
        if from == row {
            block = self.blocks[row];
        } else {
            for line in &self.lines()[..row] {
                highlight_line(line, &mut block);
            }
        }
        let line = &self.lines()[row];
        let indent = line.len() - line.trim_start_matches(' ').len();
        block.is_some_and(|owner| line.trim().is_empty() || indent > owner)
    }

    /// The next (or, going back, the last) hit of the search from the cursor, round the end. `false`: there is none.
    pub fn find(&mut self, back: bool, here_too: bool) -> bool {
        let Some(pattern) = &self.search else { return false };
        let (at, count) = (self.cursor(), self.lines().len());
        let hits = |row: usize| -> Vec<usize> {
            let line = &self.lines()[row];
            pattern.hits(line).map(|hit| line[..hit.start].chars().count()).collect()
        };
        let fits = |row: usize, col: usize, round: usize| match (back, round) {
            (false, 0) => col > at.col || (here_too && col == at.col),
            (true, 0) => col < at.col,
            (false, n) if n == count => row == at.row && col <= at.col,
            (true, n) if n == count => row == at.row && col >= at.col,
            _ => true,
        };
        let found = (0..=count).find_map(|round| {
            let row = if back { (at.row + 2 * count - round) % count } else { (at.row + round) % count };
            let mut cols = hits(row).into_iter().filter(|col| fits(row, *col, round));
            let col = if back { cols.next_back() } else { cols.next() };
            col.map(|col| Place::new(row, col))
        });
        if let Some(place) = found {
            self.go(place);
        }
        found.is_some()
    }
}

/// Characters of a line.
pub fn slice(line: &str, chars: Range<usize>) -> &str {
    &line[byte_of(line, chars.start)..byte_of(line, chars.end)]
}

fn byte_of(line: &str, col: usize) -> usize {
    line.char_indices().nth(col).map_or(line.len(), |(at, _)| at)
}

fn lines_of(text: &str) -> Vec<String> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect()
}

#[cfg(test)]
mod tests;
