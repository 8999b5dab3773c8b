//! How a text is looked for: fuzzily, as part, as a whole, with wildcards, or by a regular expression.

use std::fmt;

use nucleo_matcher::{
    Matcher, Utf32Str,
    pattern::{Atom, AtomKind, CaseMatching, Normalization},
};
use regex::{Regex, RegexBuilder};

use super::lex::{self, Value};

/// What looking needs to work in; kept by whoever filters, because it is large (about 130 kB).
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) matcher: Matcher,
    chars: Vec<char>,
    pub(super) text: String,
}

/// A matcher is working memory only, so a copy starts afresh.
impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A pattern for the text of one field.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    source: String,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Contains(Atom),
    Exact,
    Wild(Regex),
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && std::mem::discriminant(&self.how) == std::mem::discriminant(&other.how)
    }
}

impl Pattern {
    pub(super) fn new(value: Value) -> Self {
        let Value { text, quoted, exact } = value;
        let how = if exact || text.is_empty() {
            How::Exact
        } else {
            wildcard(&text).filter(|_| !quoted).map_or_else(|| How::Contains(substring(&text)), How::Wild)
        };
        Self { source: text, how }
    }

    pub(super) fn matches(&self, text: &str, scratch: &mut Scratch) -> bool {
        match &self.how {
            How::Contains(atom) => scratch.finds(atom, text),
            How::Exact => text == self.source,
            How::Wild(regex) => regex.is_match(text),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let special = |c: char| c.is_whitespace() || matches!(c, '"' | ',' | '*');
        let quote = self.source.is_empty() || self.source.contains(special) || self.source.starts_with('=');
        match &self.how {
            How::Exact if self.source.is_empty() => f.write_str("\"\""),
            How::Exact if quote => write!(f, "={}", lex::quoted(&self.source)),
            How::Exact => write!(f, "={}", self.source),
            How::Contains(_) if quote => f.write_str(&lex::quoted(&self.source)),
            How::Wild(_) | How::Contains(_) => f.write_str(&self.source),
        }
    }
}

fn wildcard(text: &str) -> Option<Regex> {
    if !text.contains('*') {
        return None;
    }
    let inner: Vec<String> = text.split('*').map(regex::escape).collect();
    smart_regex(&format!("^(?s:{})$", inner.join(".*")), text).ok()
}

/// A word looked for everywhere: fuzzily in names, as it stands in prose.
#[derive(Clone, Debug)]
pub(super) struct Word {
    source: String,
    fuzzy: Option<Atom>,
    literal: Atom,
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.fuzzy.is_some() == other.fuzzy.is_some()
    }
}

impl Word {
    pub(super) fn new(value: Value) -> Self {
        let fuzzy = (!value.quoted).then(|| atom(&value.text, AtomKind::Fuzzy));
        Self { fuzzy, literal: substring(&value.text), source: value.text }
    }

    /// For a name: the characters in order, not too far apart.
    pub(super) fn matches_name(&self, name: &str, scratch: &mut Scratch) -> bool {
        let Some(fuzzy) = &self.fuzzy else { return self.matches_prose(name, scratch) };
        let letters = u16::try_from(self.source.chars().count()).unwrap_or(u16::MAX);
        let enough = letters.saturating_mul(LEAST_SCORE).saturating_add(FIRST_BONUS);
        scratch.score(fuzzy, name).is_some_and(|score| score >= enough) || self.matches_prose(name, scratch)
    }

    /// For anything else: the word as it stands.
    pub(super) fn matches_prose(&self, text: &str, scratch: &mut Scratch) -> bool {
        scratch.finds(&self.literal, text)
    }

    pub(super) fn has(&self, c: char) -> bool {
        self.source.contains(c)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fuzzy.is_some() { f.write_str(&self.source) } else { f.write_str(&lex::quoted(&self.source)) }
    }
}

/// Least score a character of a fuzzy match: neighbours and beginnings of words reach it, letters strewn over a name
/// don't (a hit is 16, a gap costs 3 and 1 for each character).
const LEAST_SCORE: u16 = 15;

/// What a match gains by beginning where a word begins.
const FIRST_BONUS: u16 = 8;

/// A regular expression with its source.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) source: String,
    pub(super) regex: Regex,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expression {
    pub(super) fn new(source: &str) -> Result<Self, regex::Error> {
        Ok(Self { regex: smart_regex(source, source)?, source: source.to_owned() })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.source)
    }
}

impl Scratch {
    fn score(&mut self, atom: &Atom, text: &str) -> Option<u16> {
        atom.score(Utf32Str::new(text, &mut self.chars), &mut self.matcher)
    }

    fn finds(&mut self, atom: &Atom, text: &str) -> bool {
        !text.is_empty() && self.score(atom, text).is_some()
    }
}

fn substring(text: &str) -> Atom {
    atom(text, AtomKind::Substring)
}

/// Smart case: capitals in what is looked for must be there, small letters stand for both.
fn atom(text: &str, kind: AtomKind) -> Atom {
    Atom::new(text, CaseMatching::Smart, Normalization::Smart, kind, false)
}

fn smart_regex(regex: &str, typed: &str) -> Result<Regex, regex::Error> {
    let any_case = !typed.chars().any(char::is_uppercase);
    RegexBuilder::new(regex).case_insensitive(any_case).size_limit(1 << 20).build()
}
