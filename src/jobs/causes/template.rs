//! Titles and remedies with holes: `out of memory[, limit {limit}] (exit {exit})`.

use regex::bytes::Captures;

use super::place::{Observation, Subject};
use crate::jobs::quantity::format_bytes;

/// Fills `{…}`: a number or a name is a capture of the pattern, other words come from the observation. A part in
/// square brackets is left out when one of its holes is empty.
pub(super) fn fill(template: &str, captures: Option<&Captures<'_>>, seen: &Observation<'_>) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some(open) = rest.find('[') {
        let Some(length) = rest[open..].find(']') else { break };
        out.push_str(&plain(&rest[..open], captures, seen).0);
        let (part, whole) = plain(&rest[open + 1..open + length], captures, seen);
        if whole {
            out.push_str(&part);
        }
        rest = &rest[open + length + 1..];
    }
    out.push_str(&plain(rest, captures, seen).0);
    out
}

/// The text, and whether every hole had something in it.
fn plain(template: &str, captures: Option<&Captures<'_>>, seen: &Observation<'_>) -> (String, bool) {
    let (mut out, mut whole, mut rest) = (String::new(), true, template);
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        out.push_str(&rest[..open]);
        let value = hole(&rest[open + 1..open + length], captures, seen);
        whole &= !value.is_empty();
        out.push_str(&value);
        rest = &rest[open + length + 1..];
    }
    out.push_str(rest);
    (out, whole)
}

fn hole(name: &str, captures: Option<&Captures<'_>>, seen: &Observation<'_>) -> String {
    let subject = |word: fn(&Subject) -> Option<String>| seen.subject.as_deref().and_then(word).unwrap_or_default();
    match name {
        "replica" => subject(|s| Some(s.title())),
        "node" => subject(|s| s.node.as_ref().map(ToString::to_string)),
        "limit" => subject(|s| (s.limit > 0).then(|| format_bytes(s.limit))),
        "image" => subject(|s| Some(s.image.to_string())),
        "container" => subject(|s| Some(s.container.to_string())),
        "exit" => subject(|s| s.exit.map(|code| code.to_string())),
        "text" => seen.text.to_owned(),
        name => captures
            .and_then(|found| name.parse().map_or_else(|_| found.name(name), |number: usize| found.get(number)))
            .map_or_else(String::new, |found| String::from_utf8_lossy(found.as_bytes()).into_owned()),
    }
}

/// The names of all holes that don't come from the observation.
pub(super) fn capture_names(template: &str) -> impl Iterator<Item = &str> {
    const KNOWN: [&str; 7] = ["replica", "node", "limit", "image", "container", "exit", "text"];
    template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .filter(|n| !KNOWN.contains(n))
}
