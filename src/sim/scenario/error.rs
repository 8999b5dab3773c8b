//! What is wrong with a scenario file, where, and what to do.

use crate::sim::kubelet::form::Fault;

/// Where the format is described.
const MORE: &str = "docs/scenarios.md describes the format";

/// Why a scenario can't be played.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{file}, line {line}: {what}; {remedy}")]
pub struct ScenarioError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl ScenarioError {
    /// A fault in a text.
    pub(super) fn of(file: &str, source: &str, fault: &Fault) -> Self {
        let before = source.get(..fault.at.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Self { file: file.to_owned(), line, what: fault.what.clone(), remedy: fault.remedy.clone() }
    }

    /// What the reader of TOML says.
    pub(super) fn syntax(file: &str, source: &str, error: &toml::de::Error) -> Self {
        let at = error.span().unwrap_or(0..0);
        Self::of(file, source, &Fault::new(at, error.message().trim().replace('\n', ", "), MORE))
    }
}
