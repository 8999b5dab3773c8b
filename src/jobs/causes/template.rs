//! Titles and remedies with holes: `out of memory[, limit {limit}] (exit {exit})`.

use regex::bytes::Captures;

use super::place::Subject;
use crate::jobs::quantity::format_bytes;

/// What may be put into holes.
#[derive(Debug)]
pub(super) struct Holes<'a> {
    /// Of the pattern.
    pub(super) captures: Option<Captures<'a>>,
    /// What lines near it say besides.
    pub(super) more: &'a [(String, String)],
    /// The whole text.
    pub(super) text: &'a str,
    /// The replica it is about.
    pub(super) subject: Option<&'a Subject>,
}

/// Fills `{…}`: a number or a name is a capture of the pattern, other words come from the observation. A part in
/// square brackets is left out when one of its holes is empty.
pub(super) fn fill(template: &str, holes: &Holes<'_>) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some(open) = rest.find('[') {
        let Some(length) = rest[open..].find(']') else { break };
        out.push_str(&plain(&rest[..open], holes).0);
        let (part, whole) = plain(&rest[open + 1..open + length], holes);
        if whole {
            out.push_str(&part);
        }
        rest = &rest[open + length + 1..];
    }
    out.push_str(&plain(rest, holes).0);
    out
}

/// The text, and whether every hole had something in it.
fn plain(template: &str, holes: &Holes<'_>) -> (String, bool) {
    let (mut out, mut whole, mut rest) = (String::new(), true, template);
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        out.push_str(&rest[..open]);
        let value = hole(&rest[open + 1..open + length], holes);
        whole &= !value.is_empty();
        out.push_str(&value);
        rest = &rest[open + length + 1..];
    }
    out.push_str(rest);
    (out, whole)
}

fn hole(name: &str, holes: &Holes<'_>) -> String {
    let subject = |word: fn(&Subject) -> Option<String>| holes.subject.and_then(word).unwrap_or_default();
    match name {
        "replica" => subject(|s| Some(s.title())),
        "node" => subject(|s| s.node.as_ref().map(ToString::to_string)),
        "limit" => subject(|s| (s.limit > 0).then(|| format_bytes(s.limit))),
        "image" => subject(|s| Some(s.image.to_string())),
        "container" => subject(|s| Some(s.container.to_string())),
        "exit" => subject(|s| s.exit.map(|code| code.to_string())),
        "text" => holes.text.to_owned(),
        name => captured(name, holes),
    }
}

fn captured(name: &str, holes: &Holes<'_>) -> String {
    let own = holes
        .captures
        .as_ref()
        .and_then(|found| name.parse().map_or_else(|_| found.name(name), |number: usize| found.get(number)));
    let more = || holes.more.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    own.map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned()).or_else(more).unwrap_or_default()
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
