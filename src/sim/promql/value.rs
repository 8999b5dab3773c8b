//! What expressions are.

use super::{Fault, Labels};

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Of which series.
    pub(crate) labels: Labels,
    /// Its value.
    pub(crate) value: f64,
}

/// What an expression is at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(f64),
    Text(String),
    Vector(Vec<Sample>),
}

/// Other values under the same labels, without the metric's name: it is not that metric any more.
pub(super) fn mapped(samples: Vec<Sample>, change: impl Fn(f64) -> f64) -> Vec<Sample> {
    let one = |s: Sample| Sample { labels: s.labels.nameless(), value: change(s.value) };
    samples.into_iter().map(one).collect()
}

/// 422 for what Prometheus could do and this one does not.
pub(super) fn unknown(what: &str) -> Fault {
    Fault::Execution(format!("{what} is not evaluated by this Prometheus (a demonstration)"))
}
