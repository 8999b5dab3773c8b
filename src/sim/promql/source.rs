//! Where samples come from, and what can be wrong with a question.

use promql_parser::label::{MatchOp, Matcher};

use super::Labels;

/// Why a query has no answer, by Prometheus' `errorType`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It can't be read: 400.
    #[error("{0}")]
    BadData(String),
    /// It can't be answered: 422.
    #[error("{0}")]
    Execution(String),
}

/// The samples of one series, oldest first: milliseconds since 1970 and a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// What it is called.
    pub(crate) labels: Labels,
    /// Its samples.
    pub(crate) samples: Vec<(i64, f64)>,
}

/// Something that has samples.
pub(crate) trait Source {
    /// The series that all `matchers` mean and their samples after `from` until `until`. Where a series ends, a
    /// [`stale`] mark follows its last sample.
    fn select(&self, matchers: &[Matcher], from: i64, until: i64) -> Result<Vec<Series>, Fault>;

    /// For how many milliseconds a sample stands for what comes after it.
    fn lookback(&self) -> i64;
}

/// The number that marks the end of a series, told apart from other NaN by its bits.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// The mark of a series' end.
pub(crate) fn stale() -> f64 {
    f64::from_bits(STALE)
}

pub(super) fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE
}

/// Whether all matchers mean these labels.
pub(crate) fn is_meant(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name)))
}

/// Name and value of the matchers that ask for one value.
pub(crate) fn equal_matchers(matchers: &[Matcher]) -> impl Iterator<Item = (&str, &str)> {
    let equal = matchers.iter().filter(|m| m.op == MatchOp::Equal);
    equal.map(|m| (m.name.as_str(), m.value.as_str()))
}
