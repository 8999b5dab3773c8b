//! Finding text in lines: a word as typed, or `/a regex/`.
//!
//! Owns what a search means, for logs and for every other text view. Must not know where lines are kept.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled search may take; a larger one is refused, not obeyed.
const SIZE_LIMIT: usize = 1 << 20;

/// A search that was understood.
#[derive(Clone, Debug)]
pub struct Query {
    typed: String,
    regex: Regex,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.typed == other.typed
    }
}

impl Query {
    /// Reads what was typed: `/re/` is a regular expression, anything else is found as it stands. Without a capital
    /// letter, capitals don't matter. `None` for nothing typed.
    pub fn parse(typed: &str) -> Result<Option<Self>, QueryError> {
        let inner = typed.strip_prefix('/').map(|t| t.strip_suffix('/').unwrap_or(t));
        let pattern = inner.map_or_else(|| regex::escape(typed), str::to_owned);
        if pattern.is_empty() {
            return Ok(None);
        }
        let literal = inner.unwrap_or(typed);
        RegexBuilder::new(&pattern)
            .case_insensitive(!literal.chars().any(char::is_uppercase))
            // Many lines may be searched as one text.
            .multi_line(true)
            .size_limit(SIZE_LIMIT)
            .build()
            .map(|regex| Some(Self { typed: typed.to_owned(), regex }))
            .map_err(|error| QueryError(short(&error)))
    }

    /// What was typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether `text` has it.
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The first place in `text`, which may be many lines, from byte `from` on. It may go over the end of a line.
    pub fn first_in(&self, text: &str, from: usize) -> Option<Range<usize>> {
        self.regex.find_at(text, from).map(|m| m.range())
    }

    /// Where in `text` it is: byte ranges in order, empty ones left out.
    pub fn hits<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.regex.find_iter(text).map(|m| m.range()).filter(|r| !r.is_empty())
    }
}

/// Why a search was not understood, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryError(String);

fn short(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this expression is too large".to_owned(),
        other => {
            let text = other.to_string();
            text.lines().last().unwrap_or("not a regular expression").trim_start_matches("error: ").to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(typed: &str, text: &str) -> Vec<(usize, usize)> {
        let query = Query::parse(typed).expect("valid");
        query.map(|q| q.hits(text).map(|r| (r.start, r.end)).collect()).unwrap_or_default()
    }

    #[test]
    fn words_are_literal_and_capitals_matter_when_typed() {
        assert_eq!(hits("a.b", "axb A.B a.b"), [(4, 7), (8, 11)]);
        assert_eq!(hits("Error", "error Error"), [(6, 11)]);
        assert_eq!(hits("", "x"), []);
    }

    #[test]
    fn slashes_make_an_expression_that_may_be_unfinished() {
        assert_eq!(hits("/rank [0-9]+/", "Rank 12 rank x"), [(0, 7)]);
        assert_eq!(hits("/r.n", "ran"), [(0, 3)]);
        assert_eq!(hits("/x*/", "abc"), []);
        assert_eq!(Query::parse("/(/").expect_err("open group").to_string(), "unclosed group");
    }
}
