//! The smallest change of the text that sets, removes or adds a value.

use std::ops::Range;

use serde_json::{Map, Value};

use super::build::{line_end, line_start};
use super::document::Document;
use super::layout::Layout;
use super::tree::{Entry, Id, Item, Style, What};
use super::{pointer, render};

/// Bytes of a text and what comes in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Edit {
    /// The text with this edit made. It must be the text that the edit was made for.
    pub fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + self.text.len());
        out.push_str(&text[..self.range.start]);
        out.push_str(&self.text);
        out.push_str(&text[self.range.end..]);
        out
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty() && self.text.is_empty()
    }

    fn nothing() -> Self {
        Self { range: 0..0, text: String::new() }
    }
}

/// Why a value can't be changed by an edit of the text. All of these can still be done by hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is nothing at this path.
    #[error("there is nothing at {0}")]
    Absent(String),
    /// The path leads through something that is no map and no list.
    #[error("{0} is neither a map nor a list: change it in the text first")]
    NotACollection(String),
    /// The value is written somewhere else, or is used somewhere else, too.
    #[error("{0} is shared through an anchor (&, *): write it out in the text first")]
    Shared(String),
    /// The text is written in a way that this can't follow.
    #[error("{0} can't be changed here without touching something else: change it in the text")]
    Odd(String),
}

impl Document {
    /// Sets the value at a path, making the maps that lead there; what is equal already stays as it is written. `-`,
    /// or the number one past the end, adds to a list.
    pub fn set(&self, at: &str, value: &Value) -> Result<Edit, EditError> {
        let steps = pointer::split(at);
        let mut wanted = self.value();
        pointer::set(&mut wanted, &steps, value.clone()).ok_or_else(|| EditError::NotACollection(at.to_owned()))?;
        if self.get(at).as_ref() == Some(value) {
            return Ok(Edit::nothing());
        }
        let Some(mut id) = self.tree.root else { return self.whole(at, &wanted) };
        for (i, step) in steps.iter().enumerate() {
            let Some(child) = self.tree.child(id, step) else {
                let mut rest = Value::Null;
                pointer::set(&mut rest, &steps[i + 1..], value.clone()).ok_or_else(|| EditError::Odd(at.to_owned()))?;
                return self.checked(at, &wanted, self.added(id, step, &rest));
            };
            id = child;
        }
        self.checked(at, &wanted, self.replaced(id, value))
    }

    /// Takes away the key or item at a path. Its map or list stays, also when it is empty then.
    pub fn remove(&self, at: &str) -> Result<Edit, EditError> {
        let mut wanted = self.value();
        let absent = || EditError::Absent(at.to_owned());
        pointer::remove(&mut wanted, &pointer::split(at)).ok_or_else(absent)?;
        let id = self.find(at).ok_or_else(absent)?;
        self.checked(at, &wanted, self.removed(id))
    }

    /// Puts an item into a list, before the one at this path; the number one past the end adds it there.
    pub fn insert(&self, at: &str, value: &Value) -> Result<Edit, EditError> {
        let steps = pointer::split(at);
        let mut wanted = self.value();
        pointer::insert(&mut wanted, &steps, value.clone()).ok_or_else(|| EditError::Absent(at.to_owned()))?;
        let edit = if let Some(id) = self.find(at) {
            vec![self.put_before(id, value)]
        } else {
            let list = pointer::parent(at).and_then(|list| self.find(list));
            list.map(|list| self.added(list, "-", value)).unwrap_or_default()
        };
        self.checked(at, &wanted, edit)
    }

    /// The first of the ways to do it that gives what is wanted and touches nothing else.
    fn checked(&self, at: &str, wanted: &Value, ways: Vec<Option<Edit>>) -> Result<Edit, EditError> {
        let crlf = self.text.contains("\r\n");
        let good = |edit: &Edit| {
            let made = Self::every(&edit.apply(&self.text));
            made.is_ok_and(|all| all.get(self.index).is_some_and(|document| document.value() == *wanted))
        };
        let ways = ways.into_iter().flatten().map(|mut edit| {
            if crlf {
                edit.text = edit.text.replace('\n', "\r\n");
            }
            edit
        });
        ways.into_iter().find(good).ok_or_else(|| {
            let shared = self.tree.nodes.iter().any(|node| matches!(node.what, What::Alias(_)));
            if shared { EditError::Shared(at.to_owned()) } else { EditError::Odd(at.to_owned()) }
        })
    }

    /// A text that says nothing yet gets a first manifest at its end.
    fn whole(&self, at: &str, wanted: &Value) -> Result<Edit, EditError> {
        let end = self.text.len();
        let body = render::body(wanted, 0, self.layout());
        let line = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { "\n" };
        self.checked(at, wanted, vec![body.map(|body| Edit { range: end..end, text: format!("{line}{body}\n") })])
    }

    fn layout(&self) -> Layout {
        Layout::of(&self.text, &self.tree)
    }

    /// Ways to write another value in a node's place.
    fn replaced(&self, id: Id, value: &Value) -> Vec<Option<Edit>> {
        let node = &self.tree.nodes[id];
        let flow = self.tree.in_flow(id);
        let style = match node.what {
            What::Scalar { style, .. } => style,
            _ => Style::Plain,
        };
        let on_line = render::inline(value, style, flow).map(|text| {
            let space = if style == Style::Empty { " " } else { "" };
            Edit { range: node.span.clone(), text: format!("{space}{text}") }
        });
        let same = match (&node.what, value) {
            (What::Map { flow: false, .. }, Value::Object(map)) => !map.is_empty(),
            (What::List { flow: false, .. }, Value::Array(list)) => !list.is_empty(),
            _ => false,
        };
        let start = node.span.start;
        let column = start - line_start(&self.text, start);
        let in_place = same.then(|| render::body(value, column, self.layout())).flatten();
        let in_place = in_place.map(|text| Edit { range: node.span.clone(), text });
        let lines = matches!(node.what, What::Map { flow: false, .. } | What::List { flow: false, .. });
        let anew = self.rewritten(id, value);
        if lines { vec![in_place, anew, on_line] } else { vec![in_place, on_line, anew] }
    }

    /// Everything after the colon or the dash written anew; a comment on that line stays.
    fn rewritten(&self, id: Id, value: &Value) -> Option<Edit> {
        let node = &self.tree.nodes[id];
        let Some((parent, at)) = node.parent else {
            let text = render::body(value, 0, self.layout())?;
            return Some(Edit { range: node.span.clone(), text });
        };
        let (from, made) = match &self.tree.nodes[parent].what {
            What::Map { flow: false, entries } => {
                let column = entries[at].span.start - line_start(&self.text, entries[at].span.start);
                let made = render::entry("k", value, column, self.layout())?;
                (entries[at].colon?, made.strip_prefix("k:")?.to_owned())
            }
            What::List { flow: false, items } => {
                let dash = items[at].dash?;
                let made = render::item(value, dash - line_start(&self.text, dash), self.layout())?;
                (dash + 1, made.strip_prefix('-')?.to_owned())
            }
            _ => return None,
        };
        let eol = line_end(&self.text, from);
        // What stands behind the value on its line, or between the colon and a value on the next lines.
        let behind = if node.span.end <= eol { node.span.end.max(from)..eol } else { from..eol.min(node.span.start) };
        let comment = self.text[behind.clone()].trim();
        let comment = if comment.starts_with('#') { format!(" {comment}") } else { String::new() };
        let (first, rest) = made.split_once('\n').map_or((made.as_str(), None), |(first, rest)| (first, Some(rest)));
        let rest = rest.map(|rest| format!("\n{rest}")).unwrap_or_default();
        let end = if node.span.end <= eol { eol } else { node.span.end };
        Some(Edit { range: from..end, text: format!("{first}{comment}{rest}") })
    }

    /// Ways to add a key to a map or an item to the end of a list.
    fn added(&self, id: Id, step: &str, value: &Value) -> Vec<Option<Edit>> {
        let node = &self.tree.nodes[id];
        match &node.what {
            What::Map { flow: false, entries } => vec![self.added_entry(entries, step, value)],
            What::Map { flow: true, entries } => match entries.last() {
                Some(last) => {
                    let end = self.tree.nodes[last.value].span.end.max(last.span.end);
                    let pair = render::pair(step, value);
                    vec![pair.map(|pair| Edit { range: end..end, text: format!(", {pair}") })]
                }
                None => self.first(id, &Value::Object(Map::from_iter([(step.to_owned(), value.clone())]))),
            },
            What::List { flow: false, items } => vec![self.added_item(items, value)],
            What::List { flow: true, items } => match items.last() {
                Some(last) => {
                    let end = self.tree.nodes[last.value].span.end;
                    let item = render::inline(value, Style::Plain, true);
                    vec![item.map(|item| Edit { range: end..end, text: format!(", {item}") })]
                }
                None => self.first(id, &Value::Array(vec![value.clone()])),
            },
            What::Scalar { value: Value::Null, .. } => {
                let whole = match step {
                    "-" => Value::Array(vec![value.clone()]),
                    _ => Value::Object(Map::from_iter([(step.to_owned(), value.clone())])),
                };
                self.first(id, &whole)
            }
            _ => Vec::new(),
        }
    }

    /// An empty map, list or value gets its first content: on lines of its own where it may have them.
    fn first(&self, id: Id, whole: &Value) -> Vec<Option<Edit>> {
        let node = &self.tree.nodes[id];
        let flow = render::inline(whole, Style::Plain, true);
        let space = if matches!(node.what, What::Scalar { style: Style::Empty, .. }) { " " } else { "" };
        let flow = flow.map(|text| Edit { range: node.span.clone(), text: format!("{space}{text}") });
        if self.tree.in_flow(id) { vec![flow] } else { vec![self.rewritten(id, whole), flow] }
    }

    /// A short value goes after the last short one, so that it isn't lost below a long block; else at the end.
    fn added_entry(&self, entries: &[Entry], key: &str, value: &Value) -> Option<Edit> {
        let short = |entry: &&Entry| {
            let node = &self.tree.nodes[entry.value];
            matches!(node.what, What::Scalar { .. }) && node.line <= entry.line
        };
        let is_short = !value.is_object() && !value.is_array();
        let after = entries.iter().rev().find(|entry| is_short && short(entry)).or(entries.last())?;
        let first = &entries.first()?.span;
        let column = first.start - line_start(&self.text, first.start);
        let made = render::entry(key, value, column, self.layout())?;
        Some(self.line_after(after.value, after.span.end, column, &made))
    }

    fn added_item(&self, items: &[Item], value: &Value) -> Option<Edit> {
        let (last, dash) = (items.last()?, items.first()?.dash?);
        let column = dash - line_start(&self.text, dash);
        let made = render::item(value, column, self.layout())?;
        Some(self.line_after(last.value, dash, column, &made))
    }

    fn line_after(&self, id: Id, key_end: usize, column: usize, made: &str) -> Edit {
        let at = line_end(&self.text, self.tree.nodes[id].span.end.max(key_end));
        Edit { range: at..at, text: format!("\n{}{made}", " ".repeat(column)) }
    }

    /// A new item in front of this one.
    fn put_before(&self, id: Id, value: &Value) -> Option<Edit> {
        let (list, at) = self.tree.nodes[id].parent?;
        let What::List { items, .. } = &self.tree.nodes[list].what else { return None };
        let Some(dash) = items[at].dash else {
            let start = self.tree.nodes[id].span.start;
            let made = render::inline(value, Style::Plain, true)?;
            return Some(Edit { range: start..start, text: format!("{made}, ") });
        };
        let column = dash - line_start(&self.text, dash);
        let made = render::item(value, column, self.layout())?;
        Some(Edit { range: dash..dash, text: format!("{made}\n{}", " ".repeat(column)) })
    }

    /// Ways to take a key or an item away.
    fn removed(&self, id: Id) -> Vec<Option<Edit>> {
        let Some((parent, at)) = self.tree.nodes[id].parent else { return Vec::new() };
        let end = self.tree.nodes[id].span.end;
        match &self.tree.nodes[parent].what {
            What::Map { entries, .. } if entries.len() == 1 => self.replaced(parent, &Value::Object(Map::new())),
            What::List { items, .. } if items.len() == 1 => self.replaced(parent, &Value::Array(Vec::new())),
            What::Map { flow: true, entries } => {
                let start = |i: usize| entries.get(i).map(|entry| entry.span.start);
                let before = at.checked_sub(1).map(|i| self.tree.nodes[entries[i].value].span.end);
                vec![without(start(at), start(at + 1), before, end)]
            }
            What::List { flow: true, items } => {
                let start = |i: usize| items.get(i).map(|item| self.tree.nodes[item.value].span.start);
                let before = at.checked_sub(1).map(|i| self.tree.nodes[items[i].value].span.end);
                vec![without(start(at), start(at + 1), before, end)]
            }
            What::Map { entries, .. } => {
                vec![self.without_lines(entries[at].span.start, end.max(entries[at].span.end))]
            }
            What::List { items, .. } => {
                vec![items[at].dash.and_then(|dash| self.without_lines(dash, end.max(dash + 1)))]
            }
            _ => Vec::new(),
        }
    }

    /// The lines from `start` to `end` go; where something else stands before them, what follows moves up to it.
    fn without_lines(&self, start: usize, end: usize) -> Option<Edit> {
        let (text, line) = (&self.text, line_start(&self.text, start));
        let rest = text[end..].find('\n').map(|i| end + i + 1);
        let range = match (text[line..start].trim_start_matches(' ').is_empty(), rest) {
            (true, Some(next)) => line..next,
            (true, None) => line.saturating_sub(1)..text.len(),
            (false, Some(next)) => {
                start..next + (text[next..].len() - text[next..].trim_start_matches([' ', '\n', '\r']).len())
            }
            (false, None) => return None,
        };
        Some(Edit { range, text: String::new() })
    }
}

/// One of several in flow style, with the comma that it no longer needs.
fn without(start: Option<usize>, next: Option<usize>, before: Option<usize>, end: usize) -> Option<Edit> {
    let range = match (next, before) {
        (Some(next), _) => start?..next,
        (None, Some(before)) => before..end,
        (None, None) => return None,
    };
    Some(Edit { range, text: String::new() })
}
