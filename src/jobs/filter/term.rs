//! The terms a filter is made of, and how they are written.

use std::fmt;

use super::{
    label::Labels,
    pattern::{Expression, Pattern, Word},
    value::{Compare, Span, write_seconds},
};
use crate::jobs::kind::Kind;

/// One term.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) not: bool,
    pub(super) test: Test,
}

/// What a term asks of a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Word(Word),
    Regex(Expression),
    Text(TextField, Vec<Pattern>),
    Kind(Vec<KindWord>),
    State(Vec<StateWord>),
    Is(Vec<Quality>),
    Number(NumberField, Compare, Vec<u32>),
    Length(LengthField, Compare, u32),
    When(WhenField, Vec<Span>),
    Label(Labels),
}

/// A word for kinds, with those that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KindWord {
    pub(super) word: String,
    pub(super) kinds: Vec<Kind>,
}

/// A word for states, with those that it stands for, as [`State::word`](crate::jobs::state::State::word) says them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StateWord {
    pub(super) word: String,
    pub(super) states: Vec<&'static str>,
}

/// A field of words and its names; the first is the one printed.
macro_rules! fields {
    ($(#[$doc:meta])* $ty:ident { $($variant:ident: $($name:literal)+;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $ty { $($variant),* }

        impl $ty {
            pub(super) const NAMES: &[(&str, Self)] = &[$($(($name, Self::$variant)),+),*];

            pub(super) fn named(name: &str) -> Option<Self> {
                Self::NAMES.iter().find(|(n, _)| *n == name).map(|(_, field)| *field)
            }

            pub(super) fn name(self) -> &'static str {
                Self::NAMES.iter().find(|(_, field)| *field == self).map_or("", |(n, _)| n)
            }
        }
    };
}
fields! {
    /// Fields of free text.
    TextField {
        Name: "name";
        Namespace: "ns" "namespace";
        Queue: "queue";
        Node: "node";
        User: "user" "creator";
        Image: "image";
        Cause: "cause";
        Priority: "priority";
        Reported: "reported";
    }
}
fields! {
    /// Fields that are counts.
    NumberField {
        Gpus: "gpu" "gpus";
        Workers: "workers";
        Ready: "ready";
        Restarts: "restarts";
    }
}
fields! {
    /// Lengths of time.
    LengthField {
        Age: "age";
        Duration: "duration";
    }
}
fields! {
    /// Moments.
    WhenField {
        Created: "created";
        Started: "started";
        Finished: "finished";
    }
}
fields! {
    /// Qualities, after `is:`.
    Quality {
        Attention: "attention";
        Leaking: "leaking";
        Finished: "finished";
        Active: "active";
        Waiting: "waiting";
    }
}

impl Test {
    pub(super) fn needs_pods(&self) -> bool {
        matches!(self, Self::Text(TextField::Node | TextField::Image, _))
    }

    pub(super) fn needs_clock(&self) -> bool {
        matches!(self, Self::Length(..))
    }
}

impl Term {
    pub(super) fn selector(&self) -> Option<String> {
        match &self.test {
            Test::Label(labels) => labels.selector(self.not),
            _ => None,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.not { "!" } else { "" }, self.test)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "{word}"),
            Self::Regex(regex) => write!(f, "{regex}"),
            Self::Text(field, patterns) => write!(f, "{}:{}", field.name(), list(patterns)),
            Self::Kind(kinds) => write!(f, "kind:{}", list(kinds.iter().map(|k| &k.word))),
            Self::State(states) => write!(f, "state:{}", list(states.iter().map(|s| &s.word))),
            Self::Is(qualities) => write!(f, "is:{}", list(qualities.iter().map(|q| q.name()))),
            Self::Number(field, op, numbers) => write!(f, "{}{op}{}", field.name(), list(numbers)),
            Self::Length(field, op, seconds) => write!(f, "{}{op}{}", field.name(), write_seconds(*seconds)),
            Self::When(field, spans) => write!(f, "{}:{}", field.name(), list(spans)),
            Self::Label(labels) => write!(f, "label:{labels}"),
        }
    }
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(",")
}
