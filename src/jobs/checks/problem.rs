//! The words for what is wrong.

use crate::jobs::Clean;
use crate::jobs::manifest::text::Place;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It will not work.
    Error,
    /// It will probably not do what is meant.
    Warning,
    /// It would be better otherwise.
    Advice,
}

impl Severity {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Advice => "advice",
        }
    }
}

/// What becomes of a manifest with a problem that someone refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The API server refuses it.
    Create,
    /// The API server takes it; the operator writes an event and nothing else, for ever.
    Event,
    /// The operator takes it; its pods can't be made.
    Pods,
    /// The operator looks away without a word.
    Ignored,
}

/// What becomes of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Somebody refuses it.
    Refused(Outcome),
    /// Its pods will be made.
    Accepted,
}

impl Verdict {
    /// Of a manifest with these problems: the first who refuses decides.
    pub fn of<'p>(problems: impl IntoIterator<Item = &'p Problem>) -> Self {
        problems
            .into_iter()
            .filter_map(|problem| problem.outcome)
            .min_by_key(|o| order(*o))
            .map_or(Self::Accepted, Self::Refused)
    }

    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Refused(Outcome::Create) => "refused at create",
            Self::Refused(Outcome::Event) => "refused by event",
            Self::Refused(Outcome::Pods) => "pods refused",
            Self::Refused(Outcome::Ignored) => "ignored by the operator",
            Self::Accepted => "accepted",
        }
    }
}

/// The operator looks at `managedBy` before it looks at anything else.
fn order(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Create => 0,
        Outcome::Ignored => 1,
        Outcome::Event => 2,
        Outcome::Pods => 3,
    }
}

/// Something wrong with a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Id of its rule.
    pub rule: &'static str,
    /// Area of its rule.
    pub area: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What becomes of the manifest, if someone refuses it for this.
    pub outcome: Option<Outcome>,
    /// JSON pointer of what it is about.
    pub at: String,
    /// Where that stands, if the manifest is a text.
    pub place: Option<Place>,
    /// What is wrong, in a sentence.
    pub reason: Clean,
    /// What to do.
    pub remedy: Clean,
}

impl Problem {
    /// What problems are sorted by: place in the text, then severity.
    pub fn order(&self) -> (Option<u32>, Severity) {
        (self.place.as_ref().map(|place| place.line), self.severity)
    }
}
