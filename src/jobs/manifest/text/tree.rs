//! Nodes of a parsed document: what they are and which bytes they take.

use std::{collections::HashMap, ops::Range};

use serde_json::{Map, Value};

/// Index of a node.
pub(super) type Id = usize;

/// Keys that YAML takes for «and all of that map».
const MERGE: &str = "<<";

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Not at all: `key:`.
    Empty,
    Plain,
    Single,
    Double,
    /// `|` and `>`.
    Block,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum What {
    Scalar { value: Value, style: Style },
    Map { flow: bool, entries: Vec<Entry> },
    List { flow: bool, items: Vec<Item> },
    Alias(Id),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) span: Range<usize>,
    pub(super) line: u32,
    pub(super) column: u32,
    /// Past the colon; `None` of a key that is written with `?`.
    pub(super) colon: Option<usize>,
    pub(super) value: Id,
}

/// An item of a list.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Where its dash is; `None` in flow style.
    pub(super) dash: Option<usize>,
    pub(super) value: Id,
}

/// A value in the text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its bytes, without tag and anchor; without the last line end if it is a block scalar.
    pub(super) span: Range<usize>,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) what: What,
    /// The map or list it is in, and its number there.
    pub(super) parent: Option<(Id, usize)>,
}

/// All nodes of a document. Aliases name nodes that are complete, so that nothing here goes round in circles.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Option<Id>,
}

impl Tree {
    /// The node behind aliases.
    pub(super) fn resolved(&self, id: Id) -> Id {
        match self.nodes[id].what {
            What::Alias(target) => self.resolved(target),
            _ => id,
        }
    }

    /// What `step` leads to.
    pub(super) fn child(&self, id: Id, step: &str) -> Option<Id> {
        match &self.nodes[self.resolved(id)].what {
            What::Map { entries, .. } => match entries.iter().rev().find(|entry| entry.key == step) {
                Some(entry) => Some(entry.value),
                None => self.merged(entries).into_iter().find_map(|map| self.child(map, step)),
            },
            What::List { items, .. } => items.get(step.parse::<usize>().ok()?).map(|item| item.value),
            _ => None,
        }
    }

    /// The maps that `<<` names, the first having the last word.
    fn merged(&self, entries: &[Entry]) -> Vec<Id> {
        let Some(entry) = entries.iter().find(|entry| entry.key == MERGE) else { return Vec::new() };
        match &self.nodes[self.resolved(entry.value)].what {
            What::List { items, .. } => items.iter().map(|item| item.value).collect(),
            _ => vec![entry.value],
        }
    }

    /// The value of a node, aliases written out.
    pub(super) fn value(&self, id: Id) -> Value {
        match &self.nodes[id].what {
            What::Scalar { value, .. } => value.clone(),
            What::Alias(target) => self.value(*target),
            What::List { items, .. } => items.iter().map(|item| self.value(item.value)).collect(),
            What::Map { entries, .. } => {
                let mut map = Map::new();
                for inner in self.merged(entries).into_iter().rev() {
                    if let Value::Object(inner) = self.value(inner) {
                        map.extend(inner);
                    }
                }
                let own = entries.iter().filter(|entry| entry.key != MERGE);
                map.extend(own.map(|entry| (entry.key.clone(), self.value(entry.value))));
                Value::Object(map)
            }
        }
    }

    /// Whether a node stands inside `{}` or `[]`.
    pub(super) fn in_flow(&self, id: Id) -> bool {
        self.nodes[id].parent.is_some_and(|(parent, _)| self.is_flow(parent))
    }

    pub(super) fn is_flow(&self, id: Id) -> bool {
        matches!(self.nodes[id].what, What::Map { flow: true, .. } | What::List { flow: true, .. })
    }

    /// The steps from the root to a node.
    pub(super) fn steps(&self, mut id: Id) -> Vec<String> {
        let mut steps = Vec::new();
        while let Some((parent, at)) = self.nodes[id].parent {
            steps.push(match &self.nodes[parent].what {
                What::Map { entries, .. } => entries[at].key.clone(),
                _ => at.to_string(),
            });
            id = parent;
        }
        steps.reverse();
        steps
    }

    /// Keys that a map has more than once: the map and the number of the later entry.
    pub(super) fn repeated(&self) -> Vec<(Id, usize)> {
        let mut found = Vec::new();
        for (id, node) in self.nodes.iter().enumerate() {
            let What::Map { entries, .. } = &node.what else { continue };
            let mut seen = HashMap::new();
            for (at, entry) in entries.iter().enumerate() {
                if seen.insert(entry.key.as_str(), at).is_some() {
                    found.push((id, at));
                }
            }
        }
        found
    }
}
