//! From the parser's events to nodes.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::scalar;
use super::tree::{Entry, Id, Item, Node, Style, Tree, What};

/// Values that aliases may grow into before we think that someone plays.
const MOST_VALUES: usize = 1_000_000;

/// What does not parse: where (byte, line from 1, column from 1), and what is wrong.
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) said: String,
}

impl Fault {
    fn new(mark: Marker, said: impl Into<String>) -> Self {
        let (line, column) = place(mark);
        Self { at: mark.byte_offset().unwrap_or(0), line, column, said: said.into() }
    }
}

fn place(mark: Marker) -> (u32, u32) {
    (mark.line().max(1) as u32, mark.col() as u32 + 1)
}

/// The documents of a text, also those that say nothing.
pub(super) fn build(text: &str) -> Result<Vec<Tree>, Fault> {
    let mut builder = Builder {
        text,
        done: Vec::new(),
        tree: Tree::default(),
        open: Vec::new(),
        anchors: HashMap::new(),
        sizes: Vec::new(),
        from: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Fault::new(*error.marker(), error.info()))?;
        builder.take(event, span)?;
    }
    Ok(builder.done)
}

/// A map or list that is not at its end, and the key whose value comes next.
struct Open {
    id: Id,
    key: Option<Key>,
    anchor: usize,
}

struct Key {
    text: String,
    span: Range<usize>,
    line: u32,
    column: u32,
}

struct Builder<'t> {
    text: &'t str,
    done: Vec<Tree>,
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    /// Values below each node, aliases written out.
    sizes: Vec<usize>,
    /// Where the document starts, past its `---`.
    from: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let bytes = span.byte_range().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => {
                self.tree = Tree::default();
                self.from = bytes.end;
                self.sizes.clear();
                self.anchors.clear();
            }
            Event::DocumentEnd => self.done.push(std::mem::take(&mut self.tree)),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span, bytes)?;
            }
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor).copied() else {
                    return Err(Fault::new(span.start, "this alias is inside of what it stands for"));
                };
                let size = self.sizes[target];
                self.add(What::Alias(target), bytes, span.start, size)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let what = What::Map { flow: style == StructureStyle::Flow, entries: Vec::new() };
                self.start(what, bytes, span.start, anchor, tag)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                let what = What::List { flow: style == StructureStyle::Flow, items: Vec::new() };
                self.start(what, bytes, span.start, anchor, tag)?;
            }
            Event::MappingEnd | Event::SequenceEnd => self.end(bytes.end),
            _ => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
        bytes: Range<usize>,
    ) -> Result<(), Fault> {
        // The parser gives an empty value the text of a null.
        let empty = bytes.is_empty() && style == ScalarStyle::Plain;
        let text = if empty { "" } else { text };
        let tagged = tag.and_then(|tag| scalar::tagged(tag.core_suffix()?, text));
        let value = match (tagged, style) {
            (Some(value), _) => value,
            (None, ScalarStyle::Plain) => scalar::plain(text),
            (None, _) => text.into(),
        };
        if let Some(open) = self.open.last_mut()
            && open.key.is_none()
            && matches!(self.tree.nodes[open.id].what, What::Map { .. })
        {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (line, column) = place(span.start);
            open.key = Some(Key { text, span: bytes, line, column });
            return Ok(());
        }
        let (style, bytes) = match style {
            _ if empty => (Style::Empty, bytes),
            ScalarStyle::SingleQuoted => (Style::Single, bytes),
            ScalarStyle::DoubleQuoted => (Style::Double, bytes),
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, bytes),
            ScalarStyle::Plain => (Style::Plain, bytes),
        };
        let id = self.add(What::Scalar { value, style }, bytes, span.start, 1)?;
        self.anchors.insert(anchor, id);
        Ok(())
    }

    fn start(
        &mut self,
        what: What,
        bytes: Range<usize>,
        mark: Marker,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
    ) -> Result<(), Fault> {
        if tag.is_some_and(|tag| !matches!(tag.core_suffix(), Some("map" | "seq"))) {
            return Err(Fault::new(mark, "a manifest has no use for tags like this one"));
        }
        let id = self.add(what, bytes, mark, 1)?;
        // Known under its anchor when it is complete: nothing may hold itself.
        self.anchors.remove(&anchor);
        self.open.push(Open { id, key: None, anchor });
        Ok(())
    }

    fn end(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        let last = match &self.tree.nodes[open.id].what {
            What::Map { flow: false, entries } => entries.last().map(|entry| self.tree.nodes[entry.value].span.end),
            What::List { flow: false, items } => items.last().map(|item| self.tree.nodes[item.value].span.end),
            _ => Some(end),
        };
        let span = &mut self.tree.nodes[open.id].span;
        span.end = last.unwrap_or(span.end).max(span.start);
        self.anchors.insert(open.anchor, open.id);
        let size = self.sizes[open.id];
        if let Some(outer) = self.open.last() {
            self.sizes[outer.id] = self.sizes[outer.id].saturating_add(size);
        }
    }

    /// A new node at the place that is open.
    fn add(&mut self, what: What, bytes: Range<usize>, mark: Marker, size: usize) -> Result<Id, Fault> {
        let id = self.tree.nodes.len();
        let (line, column) = place(mark);
        let mut node = Node { span: bytes, line, column, what, parent: None };
        let is_collection = matches!(node.what, What::Map { .. } | What::List { .. });
        let Some(open) = self.open.last_mut() else {
            self.settle(&mut node, self.from);
            self.tree.root = Some(id);
            self.tree.nodes.push(node);
            self.sizes.push(size);
            return Ok(id);
        };
        let (outer, key) = (open.id, open.key.take());
        if !is_collection {
            self.sizes[outer] = self.sizes[outer].saturating_add(size);
        }
        if self.sizes[outer] > MOST_VALUES {
            return Err(Fault::new(mark, "aliases make this manifest larger than anyone can mean"));
        }
        let last = self.tree.nodes[outer].what.last_end(&self.tree.nodes);
        let start = self.tree.nodes[outer].span.start;
        match &mut self.tree.nodes[outer].what {
            What::Map { entries, .. } => {
                let Some(Key { text, span, line, column }) = key else {
                    return Err(Fault::new(mark, "a key must be a word, not a map or a list"));
                };
                let colon = colon(self.text, span.end);
                node.parent = Some((outer, entries.len()));
                let from = colon.unwrap_or(span.end);
                entries.push(Entry { key: text, span, line, column, colon, value: id });
                self.settle(&mut node, from);
            }
            What::List { flow, items } => {
                let dash = if *flow { None } else { dash(self.text, start, last) };
                node.parent = Some((outer, items.len()));
                items.push(Item { dash, value: id });
                let from = dash.map_or(node.span.start, |dash| dash + 1);
                self.settle(&mut node, from);
            }
            _ => {}
        }
        self.tree.nodes.push(node);
        self.sizes.push(size);
        Ok(id)
    }

    /// Puts right what the parser says about where a value is. `from` is past its colon or dash.
    fn settle(&self, node: &mut Node, from: usize) {
        match node.what {
            What::Scalar { style: Style::Empty, .. } => node.span = from..from,
            What::Scalar { style: Style::Block, .. } => {
                node.span = block(self.text, content(self.text, from)..node.span.end);
            }
            // It is told to start behind its first dash.
            What::List { flow: false, .. } => node.span.start = content(self.text, from).min(node.span.start),
            _ => {}
        }
    }
}

impl What {
    /// Where the last part of a list ends.
    fn last_end(&self, nodes: &[Node]) -> Option<usize> {
        match self {
            Self::List { items, .. } => items.last().map(|item| nodes[item.value].span.end),
            _ => None,
        }
    }
}

/// Where a value itself begins behind `from`: past blanks, comments, tag and anchor.
fn content(text: &str, from: usize) -> usize {
    let mut rest = &text[from..];
    loop {
        rest = rest.trim_start();
        let skip = match rest.as_bytes().first() {
            Some(b'#') => rest.find('\n'),
            Some(b'&' | b'!') => rest.find(char::is_whitespace),
            _ => None,
        };
        let Some(skip) = skip else { return text.len() - rest.len() };
        rest = &rest[skip..];
    }
}

/// Past the colon of a key that ends at `from`, if it is on the same line.
fn colon(text: &str, from: usize) -> Option<usize> {
    let rest = &text[from..];
    let at = rest.find(|c| c != ' ' && c != '\t')?;
    rest[at..].starts_with(':').then_some(from + at + 1)
}

/// The dash of a list's next item: the list starts at its first one.
fn dash(text: &str, list: usize, before: Option<usize>) -> Option<usize> {
    let Some(before) = before else { return text[list..].starts_with('-').then_some(list) };
    let column = list - line_start(text, list);
    let mut at = before;
    loop {
        at += text[at..].find('\n')? + 1;
        let line = &text[at..];
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent == column
            && line[indent..].starts_with('-')
            && !line[indent + 1..].starts_with(|c: char| !c.is_whitespace())
        {
            return Some(at + indent);
        }
    }
}

/// The bytes of a block scalar, from its `|` to the end of its last line.
fn block(text: &str, bytes: Range<usize>) -> Range<usize> {
    let whole = &text[bytes.clone()];
    let header = &whole[..whole.find('\n').unwrap_or(whole.len())];
    let keeps = header.split('#').next().unwrap_or_default().contains('+');
    // What the parser took of the next line is blanks.
    let lines = match whole.rfind('\n') {
        Some(at) if whole[at..].trim().is_empty() => &whole[..=at],
        _ => whole,
    };
    let mut end = lines.strip_suffix('\n').unwrap_or(lines);
    while !keeps
        && let Some(at) = end.rfind('\n')
        && end[at..].trim().is_empty()
    {
        end = &end[..at];
    }
    bytes.start..bytes.start + end.strip_suffix('\r').unwrap_or(end).len()
}

/// Where the line of byte `at` starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// Where the line of byte `at` ends, before its line end.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    if text[at..end].ends_with('\r') { end - 1 } else { end }
}
