//! Which part of a line of our own YAML is what, for colours.
//!
//! Light on purpose: it knows the YAML that `write` makes (and most that people write), line by line, with block
//! scalars as the only state between lines.

use std::ops::Range;

use crate::jobs::Clean;

/// What a stretch of YAML is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A key with its colon.
    Key,
    /// A string.
    Text,
    /// A number, `true`, `false`, `null`.
    Number,
    /// `-`, `{}`, `|` and the like.
    Marker,
    /// A comment.
    Comment,
}

/// One line, safe to show, with the stretches that have a role.
#[derive(Clone, Debug, PartialEq)]
pub struct YamlLine {
    /// The line.
    pub text: Clean,
    /// Byte ranges of it, in order, not overlapping.
    pub spans: Box<[(Range<u32>, Role)]>,
}

/// Splits `yaml` into lines with their roles.
pub fn highlight(yaml: &str) -> Vec<YamlLine> {
    let mut block: Option<usize> = None;
    yaml.lines().map(|line| highlight_line(line, &mut block)).collect()
}

/// One line. `block` is the indent of the key whose block scalar we are in, before this line and then after it.
pub fn highlight_line(line: &str, block: &mut Option<usize>) -> YamlLine {
    let text = Clean::new(line);
    let mut spans = Spans { line: text.as_str(), out: Vec::new() };
    let indent = spans.line.len() - spans.line.trim_start_matches(' ').len();
    if let Some(owner) = *block {
        if indent > owner || spans.line.trim().is_empty() {
            spans.push(indent..spans.line.len(), Role::Text);
            return spans.into_line(text.clone());
        }
        *block = None;
    }
    let mut at = indent;
    while spans.line[at..].starts_with("- ") || &spans.line[at..] == "-" {
        spans.push(at..at + 1, Role::Marker);
        at = (at + 2).min(spans.line.len());
    }
    let owner = at;
    if let Some(colon) = key_end(&spans.line[at..]) {
        spans.push(at..at + colon + 1, Role::Key);
        at += colon + 1;
    }
    at += spans.line[at..].len() - spans.line[at..].trim_start().len();
    spans.value(at);
    if spans.line[at..].starts_with(['|', '>']) {
        // An item's block scalar (`- |`) is indented against the dash.
        *block = Some(if owner == at { indent } else { owner });
    }
    spans.into_line(text.clone())
}

struct Spans<'a> {
    line: &'a str,
    out: Vec<(Range<u32>, Role)>,
}

impl Spans<'_> {
    fn push(&mut self, range: Range<usize>, role: Role) {
        if !range.is_empty() {
            self.out.push((range.start as u32..range.end as u32, role));
        }
    }

    fn value(&mut self, at: usize) {
        let rest = &self.line[at..];
        let quoted = rest.starts_with(['"', '\'']);
        let comment = if rest.starts_with('#') {
            0
        } else if quoted {
            let close = rest[1..].rfind(['"', '\'']).map_or(rest.len(), |i| i + 2);
            rest[close..].find(" #").map_or(rest.len(), |i| close + i + 1)
        } else {
            rest.find(" #").map_or(rest.len(), |i| i + 1)
        };
        let value = rest[..comment].trim_end();
        self.push(at..at + value.len(), role_of(value));
        self.push(at + comment..self.line.len(), Role::Comment);
    }

    fn into_line(self, text: Clean) -> YamlLine {
        let spans = self.out.into_boxed_slice();
        YamlLine { text, spans }
    }
}

fn role_of(value: &str) -> Role {
    match value {
        "true" | "false" | "null" | "~" => Role::Number,
        "{}" | "[]" | "---" => Role::Marker,
        v if v.starts_with(['|', '>', '&', '*', '!']) => Role::Marker,
        v if v.parse::<f64>().is_ok() && v.starts_with(|c: char| c.is_ascii_digit() || c == '-') => Role::Number,
        _ => Role::Text,
    }
}

/// Where the colon of the key is that `rest` begins with, if it does.
fn key_end(rest: &str) -> Option<usize> {
    if rest.starts_with('#') {
        return None;
    }
    let from = match rest.chars().next()? {
        quote @ ('"' | '\'') => 1 + rest[1..].find(quote)? + 1,
        _ => 0,
    };
    let colon = rest[from..].find(": ").or_else(|| rest.ends_with(':').then(|| rest.len() - 1 - from))? + from;
    (from == 0 || colon == from).then_some(colon)
}
