//! How a person indents: read off what is there, so that what is added looks alike.

use super::build::line_start;
use super::tree::{Id, Tree, What};

/// Blanks by which maps and lists are indented below a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Of a map against its key.
    pub(super) step: usize,
    /// Whether a list's dashes stand below their key's first letter.
    pub(super) compact: bool,
}

impl Layout {
    /// The layout of the first map and the first list that are below a key; the house's own where there are none.
    pub(super) fn of(text: &str, tree: &Tree) -> Self {
        let below = |id: Id| {
            let (parent, at) = tree.nodes[id].parent?;
            let What::Map { flow: false, entries } = &tree.nodes[parent].what else { return None };
            let key = &entries[at].span;
            // A value on its key's line tells nothing.
            let start = tree.nodes[id].span.start;
            let own_line = text[key.end..start].contains('\n');
            own_line.then(|| (start - line_start(text, start)).checked_sub(key.start - line_start(text, key.start)))?
        };
        let of = |list: bool| {
            let kind = |id: &Id| match &tree.nodes[*id].what {
                What::Map { flow, .. } => !list && !flow,
                What::List { flow, .. } => list && !flow,
                _ => false,
            };
            (0..tree.nodes.len()).filter(kind).find_map(below)
        };
        let step = of(false).filter(|step| *step > 0).unwrap_or(2);
        Self { step, compact: of(true).is_none_or(|offset| offset == 0) }
    }
}
