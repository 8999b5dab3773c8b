//! A parsed document: values by path, places by path, and the path at a place.

use std::{fmt, ops::Range, sync::Arc};

use serde_json::Value;

use super::build::{self, Fault};
use super::pointer::{joined, split};
use super::tree::{Id, Node, Tree, What};
use crate::jobs::Clean;

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// Bytes of the whole text.
    pub range: Range<usize>,
}

/// The text is no YAML, or none that a manifest can be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// Where the parser gave up.
    pub place: Place,
    /// What it did not understand, and what to look for.
    pub said: Clean,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.place.line, self.place.column, self.said.as_str())
    }
}

/// One document of a text, which may hold several.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) text: Arc<str>,
    pub(super) tree: Tree,
    /// Its number among the documents of the text, empty ones counted.
    pub(super) index: usize,
}

impl Document {
    /// The first document that says something; the first of all if none does.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut all = Self::every(text)?;
        let at = all.iter().position(|document| !document.is_empty()).unwrap_or(0);
        Ok(all.swap_remove(at))
    }

    /// The documents that say something, in the order of the text.
    pub fn all(text: &str) -> Result<Vec<Self>, ParseError> {
        Ok(Self::every(text)?.into_iter().filter(|document| !document.is_empty()).collect())
    }

    /// Every document; one that is empty for an empty text.
    pub(super) fn every(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut trees = build::build(text).map_err(|fault| refused(text, &fault))?;
        if trees.is_empty() {
            trees.push(Tree::default());
        }
        let text: Arc<str> = Arc::from(text);
        let made = trees.into_iter().enumerate();
        Ok(made.map(|(index, tree)| Self { text: text.clone(), tree, index }).collect())
    }

    fn is_empty(&self) -> bool {
        self.value().is_null()
    }

    /// The text that it was parsed from, with all its documents.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document as JSON, as kubectl would send it.
    pub fn value(&self) -> Value {
        self.tree.root.map_or(Value::Null, |root| self.tree.value(root))
    }

    /// The value at a path.
    pub fn get(&self, pointer: &str) -> Option<Value> {
        self.find(pointer).map(|id| self.tree.value(id))
    }

    /// Where the value at a path stands.
    pub fn place(&self, pointer: &str) -> Option<Place> {
        self.find(pointer).map(|id| self.place_of(&self.tree.nodes[id]))
    }

    /// Where the key at a path stands; an item of a list stands where its value does.
    pub fn key_place(&self, pointer: &str) -> Option<Place> {
        let (parent, at) = self.tree.nodes[self.find(pointer)?].parent?;
        self.place_of_entry(parent, at).or_else(|| self.place(pointer))
    }

    /// Where to look for what is at a path, or would be: its value, else the key of the nearest map or list around it.
    pub fn nearest(&self, pointer: &str) -> Place {
        if let Some(place) = self.place(pointer) {
            return place;
        }
        let (mut here, mut found) = (String::new(), String::new());
        for step in split(pointer) {
            here = joined(&here, &step);
            if self.find(&here).is_none() {
                break;
            }
            found.clone_from(&here);
        }
        let place = self.key_place(&found).or_else(|| self.place(&found));
        place.unwrap_or(Place { line: 1, column: 1, range: 0..0 })
    }

    /// The path of what byte `at` belongs to: the deepest value, or the key, that is there or was last begun before it.
    pub fn pointer_at(&self, at: usize) -> String {
        let Some(mut id) = self.tree.root else { return String::new() };
        let mut pointer = String::new();
        loop {
            let next = match &self.tree.nodes[id].what {
                What::Map { entries, .. } => entries
                    .iter()
                    .rev()
                    .find(|entry| entry.span.start <= at)
                    .map(|entry| (entry.value, joined(&pointer, &entry.key), entry.span.end)),
                What::List { items, .. } => {
                    let start = |item: &super::tree::Item| item.dash.unwrap_or(self.tree.nodes[item.value].span.start);
                    let found = items.iter().enumerate().rev().find(|(_, item)| start(item) <= at);
                    found.map(|(i, item)| (item.value, joined(&pointer, &i.to_string()), start(item)))
                }
                _ => None,
            };
            let Some((value, path, key_end)) = next else { return pointer };
            pointer = path;
            if at <= key_end {
                return pointer;
            }
            id = value;
        }
    }

    /// The keys of the map at a path, in the order of the text.
    pub fn keys(&self, pointer: &str) -> Vec<&str> {
        let Some(id) = self.find(pointer) else { return Vec::new() };
        match &self.tree.nodes[self.tree.resolved(id)].what {
            What::Map { entries, .. } => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Keys that are there more than once: path and place of the later one.
    pub fn repeated(&self) -> Vec<(String, Place)> {
        let name = |(map, at): (Id, usize)| {
            let What::Map { entries, .. } = &self.tree.nodes[map].what else { return None };
            let mut path = self.tree.steps(map);
            path.push(entries[at].key.clone());
            let pointer = path.iter().fold(String::new(), |pointer, step| joined(&pointer, step));
            Some((pointer, self.place_of_entry(map, at)?))
        };
        self.tree.repeated().into_iter().filter_map(name).collect()
    }

    pub(super) fn find(&self, pointer: &str) -> Option<Id> {
        split(pointer).iter().try_fold(self.tree.root?, |id, step| self.tree.child(id, step))
    }

    fn place_of(&self, node: &Node) -> Place {
        // An empty value is found behind its key, where it would be written.
        let (line, column) =
            match (node.span.is_empty(), node.parent.and_then(|(map, at)| self.place_of_entry(map, at))) {
                (true, Some(key)) => (key.line, key.column),
                _ => (node.line, node.column),
            };
        Place { line, column, range: node.span.clone() }
    }

    fn place_of_entry(&self, map: Id, at: usize) -> Option<Place> {
        let What::Map { entries, .. } = &self.tree.nodes[map].what else { return None };
        let entry = entries.get(at)?;
        Some(Place { line: entry.line, column: entry.column, range: entry.span.clone() })
    }
}

/// The parser's sentence, and what to look for where it is known to be puzzling.
fn refused(text: &str, fault: &Fault) -> ParseError {
    let (mut at, mut line, mut column) = (fault.at.min(text.len()), fault.line, fault.column);
    let tabbed = text[at..].find("\n\t").filter(|_| fault.said.contains("tab"));
    if let Some(ahead) = tabbed {
        line += text[at..=at + ahead].matches('\n').count() as u32;
        (at, column) = (at + ahead + 1, 1);
    }
    let said = &fault.said;
    let hint = if text[at..].starts_with('\t') || tabbed.is_some() {
        " (this line is indented with a tab: use blanks)"
    } else if text[at..].starts_with(['@', '`', '%']) {
        " (put a value that begins with @, ` or % in quotes)"
    } else if said.contains("mapping values are not allowed") {
        " (a value with a colon and a blank in it needs quotes; or the line is indented too far)"
    } else {
        ""
    };
    let place = Place { line, column, range: at..build::line_end(text, at) };
    ParseError { place, said: Clean::new(&format!("{said}{hint}")) }
}
