//! The samples that an expression needs, fetched once for all its moments; and what evaluating offers to its parts.

use std::collections::HashMap;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, MatrixSelector, Offset, VectorSelector};

use super::source::is_stale;
use super::value::{Sample, Value, unknown};
use super::{Fault, Labels, NAME, Series, Source};

/// Samples that one query may load, as Prometheus' default.
const MOST_SAMPLES: usize = 50_000_000;

/// Something that evaluates expressions.
pub(super) trait Evaluate {
    /// What `expr` is at a moment.
    fn value(&self, expr: &Expr, at: i64) -> Result<Value, Fault>;

    /// What was fetched for its selectors.
    fn fetched(&self) -> &Fetched;

    /// `expr` as a vector.
    fn vector(&self, expr: &Expr, at: i64) -> Result<Vec<Sample>, Fault> {
        match self.value(expr, at)? {
            Value::Vector(samples) => Ok(samples),
            Value::Scalar(_) | Value::Text(_) => Err(unknown("a scalar where a vector belongs")),
        }
    }

    /// `expr` as a number.
    fn scalar(&self, expr: &Expr, at: i64) -> Result<f64, Fault> {
        match self.value(expr, at)? {
            Value::Scalar(n) => Ok(n),
            Value::Vector(_) | Value::Text(_) => Err(unknown("a vector where a scalar belongs")),
        }
    }
}

/// An expression without the brackets around it.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

/// What an expression is made of.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Aggregate(a) => a.param.iter().chain([&a.expr]).map(AsRef::as_ref).collect(),
        Expr::Unary(u) => vec![&*u.expr],
        Expr::Binary(b) => vec![&*b.lhs, &*b.rhs],
        Expr::Paren(p) => vec![&*p.expr],
        Expr::Call(c) => c.args.args.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    }
}

fn offset(given: Option<&Offset>) -> i64 {
    match given {
        None => 0,
        Some(Offset::Pos(time)) => time.as_millis() as i64,
        Some(Offset::Neg(time)) => -(time.as_millis() as i64),
    }
}

/// All matchers of a selector, its name among them.
pub(crate) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    let name = selector.name.iter().map(|name| Matcher::new(MatchOp::Equal, NAME, name));
    name.chain(selector.matchers.matchers.iter().cloned()).collect()
}

/// Samples by selector.
pub(super) struct Fetched {
    /// By the address of the selector, which stays where it is for as long as this lives.
    series: HashMap<usize, Vec<Series>>,
    loaded: usize,
    lookback: i64,
}

fn key(selector: &VectorSelector) -> usize {
    std::ptr::from_ref(selector) as usize
}

impl Fetched {
    /// What `expr` needs for all moments of a time.
    pub(super) fn new(source: &dyn Source, expr: &Expr, from: i64, until: i64) -> Result<Self, Fault> {
        let mut fetched = Self { series: HashMap::new(), loaded: 0, lookback: source.lookback() };
        fetched.fetch(source, expr, from, until)?;
        Ok(fetched)
    }

    fn fetch(&mut self, source: &dyn Source, expr: &Expr, from: i64, until: i64) -> Result<(), Fault> {
        let (selector, range) = match expr {
            Expr::VectorSelector(selector) => (selector, self.lookback),
            Expr::MatrixSelector(matrix) => (&matrix.vs, matrix.range.as_millis() as i64),
            other => return parts(other).into_iter().try_for_each(|part| self.fetch(source, part, from, until)),
        };
        if selector.at.is_some() {
            return Err(Fault::Execution("the @ modifier is not evaluated by this Prometheus".to_owned()));
        }
        if !selector.matchers.or_matchers.is_empty() {
            return Err(Fault::BadData("invalid parameter \"query\": \"or\" between matchers is no PromQL".to_owned()));
        }
        let back = offset(selector.offset.as_ref());
        let found = source.select(&matchers(selector), from - back - range, until - back)?;
        self.loaded += found.iter().map(|series| series.samples.len()).sum::<usize>();
        if self.loaded > MOST_SAMPLES {
            let why = "query processing would load too many samples into memory in query execution";
            return Err(Fault::Execution(why.to_owned()));
        }
        self.series.insert(key(selector), found);
        Ok(())
    }

    /// The newest sample of each series, if it is not too old and the series has not ended.
    pub(super) fn newest<'s>(
        &'s self,
        selector: &VectorSelector,
        at: i64,
    ) -> impl Iterator<Item = (&'s Labels, (i64, f64))> + use<'s> {
        let at = at - offset(selector.offset.as_ref());
        let oldest = at - self.lookback;
        self.series.get(&key(selector)).into_iter().flatten().filter_map(move |series| {
            let end = series.samples.partition_point(|(time, _)| *time <= at);
            let last = *series.samples.get(end.checked_sub(1)?)?;
            (last.0 > oldest && !is_stale(last.1)).then_some((&series.labels, last))
        })
    }

    /// The samples of each series in the window that ends at `at`, without its left edge.
    pub(super) fn windows(&self, selector: &MatrixSelector, at: i64) -> Vec<(&Labels, Vec<(i64, f64)>)> {
        let (from, until) = bounds(selector, at);
        let all = self.series.get(&key(&selector.vs)).into_iter().flatten();
        all.map(|series| {
            let start = series.samples.partition_point(|(time, _)| *time <= from);
            let end = series.samples.partition_point(|(time, _)| *time <= until);
            let within = series.samples.get(start..end).unwrap_or_default();
            (&series.labels, within.iter().copied().filter(|(_, value)| !is_stale(*value)).collect())
        })
        .collect()
    }
}

/// Where the window of a range selector begins and ends.
pub(super) fn bounds(selector: &MatrixSelector, at: i64) -> (i64, i64) {
    let until = at - offset(selector.vs.offset.as_ref());
    (until - selector.range.as_millis() as i64, until)
}
