//! The filter grammar: what a person types to see only some jobs.
//!
//! Owns parsing (any text parses; what can't be understood becomes a [`Hint`] with its place and is left out), matching
//! and printing. Printing and parsing again gives the same filter. Must not keep jobs: whoever filters brings them.
//!
//! Terms are combined with *and*; a comma within a field is *or*; `!` in front of any term is *not*.
//!
//! | term | keeps jobs |
//! |---|---|
//! | `llama` | whose name or namespace matches fuzzily, or whose state, cause, queue, … contains it |
//! | `"two words"` | the same, but the text as it stands |
//! | `/re/` | with a name, namespace, state, cause, … that the regular expression finds |
//! | `ns:` `name:` `queue:` `node:` `user:` `image:` `cause:` `priority:` | by one field: part of it, `=all of it`, `wild*cards`, `""` for none |
//! | `kind:mpi` `state:failed` `is:attention` | by words of ours |
//! | `gpu>=8` `workers=4,8` `restarts>0` `ready<2` | by number |
//! | `age<2h` `duration>1d` | by length of time |
//! | `created:2026-11-01..2026-11-07` `started:` `finished:` | by day or minute, UTC; either end may be open |
//! | `label:app=x` `label:app` `label:app!=x` | by label; the server can do this one |

mod eval;
mod label;
mod lex;
mod parse;
mod pattern;
mod term;
#[cfg(test)]
mod tests;
mod value;

use std::{fmt, ops::Range};

pub use eval::{Scratch, Subject};
use term::Term;

use super::text::Clean;

/// How terms begin, with what they ask for: to complete what is being typed.
pub const TERMS: [(&str, &str); 21] = [
    ("attention", "needs somebody to look at it"),
    ("age<", "made less long ago: age<2h"),
    ("cause:", "why it is in a bad state"),
    ("created:", "made on a day, or from..to"),
    ("duration>", "ran longer: duration>1d"),
    ("finished:", "ended on a day, or from..to"),
    ("gpu>=", "accelerators: gpu>=8"),
    ("image:", "image of a container"),
    ("is:", "attention, leaking, finished, active, waiting"),
    ("kind:", "mpi, train, pytorch, …"),
    ("label:", "label:app=x, label:app, label:app!=x"),
    ("name:", "part of its name"),
    ("node:", "node of one of its pods"),
    ("ns:", "namespace"),
    ("priority:", "priority class"),
    ("queue:", "queue; queue:\"\" for none"),
    ("ready<", "workers ready: ready<4"),
    ("restarts>", "restarts: restarts>0"),
    ("state:", "failed, degraded, running, queued, …"),
    ("user:", "who made it"),
    ("workers>", "workers wanted: workers>4"),
];

/// A compiled filter. The empty one keeps everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

/// What came of a text.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The part that was understood.
    pub filter: Filter,
    /// What was not, in the order of the text.
    pub hints: Vec<Hint>,
}

/// A word about a place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is missing or wrong, and how it is written.
    pub text: Clean,
    /// Whether it is just not complete yet.
    pub partial: bool,
}

/// Reads a filter. Never fails: what is not understood is in the hints and filters nothing.
pub fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for lexeme in lex::lexemes(text) {
        match parse::term(&lexeme, &mut parsed.hints) {
            Ok(term) => parsed.filter.terms.push(term),
            Err(fault) => parsed.hints.push(fault.at(lexeme.span)),
        }
    }
    parsed
}

impl Filter {
    /// Whether it keeps everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether matching looks at pods, so that [`Subject::pods`] must be filled in.
    pub fn needs_pods(&self) -> bool {
        self.terms.iter().any(|t| t.test.needs_pods())
    }

    /// Whether time alone can change what matches (see [`Filter::changes_at`]).
    pub fn needs_clock(&self) -> bool {
        self.terms.iter().any(|t| t.test.needs_clock())
    }

    /// The label terms as a Kubernetes label selector, for the server to filter by; `None` if there are none that it
    /// could apply. Matching applies them too, so the selector only saves traffic.
    pub fn selector(&self) -> Option<String> {
        let parts: Vec<String> = self.terms.iter().filter_map(Term::selector).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    }
}

/// The filter as text that parses to the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            write!(f, "{}{term}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Why a term could not be used.
#[derive(Debug)]
struct Fault {
    text: String,
    partial: bool,
}

impl Fault {
    /// Not finished being typed.
    fn partial(text: impl Into<String>) -> Self {
        Self { text: text.into(), partial: true }
    }

    /// Wrong as it stands.
    fn wrong(text: impl Into<String>) -> Self {
        Self { text: text.into(), partial: false }
    }

    fn at(self, span: Range<usize>) -> Hint {
        Hint { span, text: Clean::new(&self.text), partial: self.partial }
    }
}
