//! What exporters offer: metrics with their series, each a set of labels and a value at any moment.

use jiff::Timestamp;

use super::scene::Scene;
use crate::sim::promql::Labels;

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until its container starts anew.
    Counter,
}

impl Kind {
    /// The word of the text format.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// A value at a moment; `None` while there is none.
pub(super) type Reading = Box<dyn Fn(Timestamp) -> Option<f64>>;

/// One series.
pub(super) struct Row {
    /// The exporter's labels, without the metric's name.
    pub(super) labels: Labels,
    /// The node of the exporter; empty for one of the whole cluster.
    pub(super) node: String,
    /// Its value.
    pub(super) read: Reading,
}

/// One metric.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    /// Its series.
    pub(super) rows: fn(&Scene) -> Vec<Row>,
}

/// A metric that goes up and down.
pub(super) const fn gauge(name: &'static str, help: &'static str, rows: fn(&Scene) -> Vec<Row>) -> Family {
    Family { name, kind: Kind::Gauge, help, rows }
}

/// A metric that grows.
pub(super) const fn counter(name: &'static str, help: &'static str, rows: fn(&Scene) -> Vec<Row>) -> Family {
    Family { name, kind: Kind::Counter, help, rows }
}
