//! The tree of what a job owns, as lines.

use crate::console::{
    model::page::OwnedObject,
    theme::Role,
    widgets::rich::{RichLine, labelled},
};

/// One line an object, its content below it.
pub(super) fn lines(objects: &[OwnedObject], columns: u16, ascii: bool) -> Vec<RichLine> {
    let mut out = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        let stem = stem(objects, i, ascii);
        let indent = 2 + stem.chars().count() as u16;
        let line = RichLine::of(format!("  {stem}"), Role::Dim)
            .and(format!("{} ", object.kind), Role::Label)
            .and(object.name.to_string(), Role::Text);
        out.push(if object.about.is_empty() { line } else { line.and(format!("  {}", object.about), Role::Dim) });
        for line in &object.content {
            out.extend(labelled("", indent + 2, line.as_str(), Role::Dim, columns));
        }
    }
    out
}

/// The branches before object `at`: whether a later one hangs on the same branch decides each of them.
fn stem(objects: &[OwnedObject], at: usize, ascii: bool) -> String {
    let [through, last, pass] = if ascii { ["|- ", "`- ", "|  "] } else { ["├─ ", "└─ ", "│  "] };
    let goes_on = |depth: u8| {
        let below = objects[at + 1..].iter().take_while(|o| o.depth >= depth);
        below.into_iter().any(|o| o.depth == depth)
    };
    let mut out = String::new();
    for depth in 0..objects[at].depth {
        out.push_str(if goes_on(depth) { pass } else { "   " });
    }
    out.push_str(if goes_on(objects[at].depth) { through } else { last });
    out
}
