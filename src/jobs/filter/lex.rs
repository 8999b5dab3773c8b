//! Cuts a filter's text into terms and a term's value into alternatives. Knows quotes and slashes, no fields.

use std::ops::Range;

/// One term as written.
#[derive(Debug)]
pub(super) struct Lexeme<'a> {
    /// Where it stands, its `!` included.
    pub(super) span: Range<usize>,
    /// Whether an odd number of `!` stands before it.
    pub(super) not: bool,
    /// The rest.
    pub(super) body: Body<'a>,
}

/// A term without its `!`.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// `/…/`, with what is between the slashes.
    Regex { source: &'a str, closed: bool },
    /// Anything else, quotes still in it. A quote may be open at its end.
    Text(&'a str),
}

/// One alternative of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// Its text, without quotes.
    pub(super) text: String,
    /// Whether any of it was in quotes, so that nothing in it is special.
    pub(super) quoted: bool,
    /// It began with `=` outside quotes (not part of `text`).
    pub(super) exact: bool,
}

/// The terms of `text`.
pub(super) fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| !c.is_whitespace()).map(|i| at + i) {
        let bangs = text[start..].bytes().take_while(|b| *b == b'!').count();
        let body_at = start + bangs;
        let (body, end) = body(text, body_at);
        out.push(Lexeme { span: start..end, not: bangs % 2 == 1, body });
        at = end;
    }
    out
}

fn body(text: &str, at: usize) -> (Body<'_>, usize) {
    if text[at..].starts_with('/') {
        return regex(text, at + 1);
    }
    let mut quotes = Quotes::default();
    let end = text[at..]
        .char_indices()
        .find(|(_, c)| !quotes.inside(*c) && c.is_whitespace())
        .map_or(text.len(), |(i, _)| at + i);
    (Body::Text(&text[at..end]), end)
}

/// A regular expression ends at a slash that nothing but a blank follows; an open one takes the rest.
fn regex(text: &str, at: usize) -> (Body<'_>, usize) {
    let mut escaped = false;
    for (i, c) in text[at..].char_indices() {
        let end = at + i;
        let last = text[end..].chars().nth(1).is_none_or(char::is_whitespace);
        if c == '/' && !escaped && last {
            return (Body::Regex { source: &text[at..end], closed: true }, end + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    (Body::Regex { source: &text[at..], closed: false }, text.len())
}

/// The alternatives of a field's value: parted by commas outside quotes, empty ones left out unless quoted.
pub(super) fn values(raw: &str) -> Vec<Value> {
    pieces(raw, true)
}

/// A whole word, quotes removed. `None` for one without anything.
pub(super) fn word(raw: &str) -> Option<Value> {
    pieces(raw, false).pop()
}

/// Whether a quote is open at the end of `raw`.
pub(super) fn is_open(raw: &str) -> bool {
    let mut quotes = Quotes::default();
    for c in raw.chars() {
        quotes.inside(c);
    }
    quotes.open
}

fn pieces(raw: &str, split: bool) -> Vec<Value> {
    let new = || Value { text: String::new(), quoted: false, exact: false };
    let (mut out, mut value, mut quotes) = (Vec::new(), new(), Quotes::default());
    for c in raw.chars() {
        let (was_open, was_escape) = (quotes.open, quotes.escape);
        let inside = quotes.inside(c);
        value.quoted |= quotes.open;
        match c {
            '"' if !was_escape => {}
            '\\' if was_open && !was_escape => {}
            ',' if split && !inside => out.push(std::mem::replace(&mut value, new())),
            '=' if split && !inside && value.text.is_empty() && !value.quoted && !value.exact => value.exact = true,
            c => {
                if was_escape && !matches!(c, '"' | '\\') {
                    value.text.push('\\');
                }
                value.text.push(c);
            }
        }
    }
    if quotes.escape {
        value.text.push('\\');
    }
    out.push(value);
    out.retain(|v| !v.text.is_empty() || v.quoted);
    out
}

/// Follows quotes through a text. Within them `\"` and `\\` stand for the second character.
#[derive(Default)]
struct Quotes {
    open: bool,
    escape: bool,
}

impl Quotes {
    /// Takes the next character; whether it is within quotes.
    fn inside(&mut self, c: char) -> bool {
        let was_open = self.open;
        match c {
            _ if self.escape => self.escape = false,
            '"' => self.open = !self.open,
            '\\' if self.open => self.escape = true,
            _ => {}
        }
        was_open
    }
}

/// `text` in quotes, such that [`values`] and [`word`] give it back.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
