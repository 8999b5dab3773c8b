//! The rule file: ids, areas, severities, texts, examples, and the profiles with their limits.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;
use serde_json::Value;

use super::problem::{Outcome, Severity};

/// What comes with the program.
static FILE: &str = include_str!("../../../assets/checks.toml");

/// A rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// The area it belongs to.
    pub area: String,
    /// How much a hit matters.
    pub severity: Severity,
    /// What becomes of a manifest that it hits.
    pub outcome: Option<Outcome>,
    /// The profiles it belongs to; all if it names none.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// The sentence, with {holes}.
    pub reason: String,
    /// What to do, with {holes}.
    pub remedy: String,
    /// Values by path that the base manifest passes with.
    #[serde(default)]
    pub good: BTreeMap<String, Value>,
    /// Values by path that the base manifest is hit with.
    #[serde(default)]
    pub bad: BTreeMap<String, Value>,
    /// Paths whose values the base manifest is hit without.
    #[serde(default)]
    pub without: Vec<String>,
}

/// A set of rules and limits to check by.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// What it is for.
    pub title: String,
    /// Its limits.
    #[serde(flatten)]
    pub limits: Limits,
}

/// Limits and defaults of a profile.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    /// Fewest and most workers.
    pub workers: Option<(i64, i64)>,
    /// Fewest and most slots per worker.
    pub slots: Option<(i64, i64)>,
    /// Fewest and most GPUs per worker.
    pub gpus: Option<(i64, i64)>,
    /// CPU limit of a worker that says none.
    pub cpu: Option<String>,
    /// Memory limit of a worker that says none.
    pub memory: Option<String>,
    /// Clean-up policy of a job that says none.
    pub clean_pod_policy: Option<String>,
    /// Attempts of a launcher that says none.
    pub backoff_limit: Option<i64>,
}

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// The manifest that examples change.
    pub(super) base: String,
    pub(super) profile: BTreeMap<String, Profile>,
    pub(super) rule: Vec<Rule>,
}

/// Our own rules, read once. A test reads them, too: they are never missing.
pub(super) fn builtin() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        read(FILE).unwrap_or_else(|_| Rules { base: String::new(), profile: BTreeMap::new(), rule: Vec::new() })
    })
}

pub(super) fn read(text: &str) -> Result<Rules, toml::de::Error> {
    toml::from_str(text)
}

/// The built-in file, for the test that it can be read.
#[cfg(test)]
pub(super) fn file() -> &'static str {
    FILE
}
