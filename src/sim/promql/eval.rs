//! Evaluation of an expression at moments: selectors are fetched once for all of them, the rest is done moment by moment.

use std::collections::{BTreeMap, HashSet};

use promql_parser::parser::Expr;

use super::fetched::{Evaluate, Fetched, bare, parts};
use super::value::{Sample, Value, mapped, unknown};
use super::{Fault, Labels, Series, Source, aggregate, binary, functions};

/// How deep an expression may be.
const DEEPEST: usize = 100;

/// What an instant query answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// One value a series.
    Vector(Vec<Sample>),
    /// Several values a series.
    Matrix(Vec<Series>),
}

fn depth(expr: &Expr) -> usize {
    1 + parts(expr).into_iter().map(depth).max().unwrap_or(0)
}

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Expr, Fault> {
    let bad = |why: String| Fault::BadData(format!("invalid parameter \"query\": {why}"));
    let expr = promql_parser::parser::parse(text).map_err(bad)?;
    if depth(&expr) > DEEPEST {
        return Err(bad("the expression is nested too deeply".to_owned()));
    }
    Ok(expr)
}

/// The expression at one moment.
pub(crate) fn instant(source: &dyn Source, expr: &Expr, at: i64) -> Result<Answer, Fault> {
    let evaluation = Evaluation(Fetched::new(source, expr, at, at)?);
    if let Expr::MatrixSelector(selector) = bare(expr) {
        let windows = evaluation.0.windows(selector, at).into_iter();
        let series = windows.map(|(labels, samples)| Series { labels: labels.clone(), samples });
        return Ok(Answer::Matrix(series.filter(|s| !s.samples.is_empty()).collect()));
    }
    Ok(match evaluation.value(expr, at)? {
        Value::Scalar(n) => Answer::Scalar(n),
        Value::Text(text) => Answer::Text(text),
        Value::Vector(samples) => Answer::Vector(samples),
    })
}

/// The expression at `from` and every `step` milliseconds after it up to `until`: series by their labels.
pub(crate) fn range(source: &dyn Source, expr: &Expr, from: i64, until: i64, step: i64) -> Result<Vec<Series>, Fault> {
    if matches!(bare(expr), Expr::MatrixSelector(_) | Expr::StringLiteral(_)) {
        let kind = if matches!(bare(expr), Expr::StringLiteral(_)) { "string" } else { "range vector" };
        let why = format!("invalid expression type {kind:?} for range query, must be Scalar or instant Vector");
        return Err(Fault::BadData(format!("invalid parameter \"query\": {why}")));
    }
    let evaluation = Evaluation(Fetched::new(source, expr, from, until)?);
    let mut series: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    let mut at = from;
    while at <= until {
        match evaluation.value(expr, at)? {
            Value::Scalar(n) => series.entry(Labels::default()).or_default().push((at, n)),
            Value::Vector(samples) => {
                for Sample { labels, value } in samples {
                    series.entry(labels).or_default().push((at, value));
                }
            }
            Value::Text(_) => {}
        }
        at += step.max(1);
    }
    Ok(series.into_iter().map(|(labels, samples)| Series { labels, samples }).collect())
}

/// A query that is being answered.
struct Evaluation(Fetched);

impl Evaluate for Evaluation {
    fn fetched(&self) -> &Fetched {
        &self.0
    }

    fn value(&self, expr: &Expr, at: i64) -> Result<Value, Fault> {
        let value = match expr {
            Expr::Paren(paren) => return self.value(&paren.expr, at),
            Expr::NumberLiteral(number) => return Ok(Value::Scalar(number.val)),
            Expr::StringLiteral(text) => return Ok(Value::Text(text.val.clone())),
            Expr::VectorSelector(selector) => {
                let stamped = self.0.newest(selector, at);
                return Ok(Value::Vector(
                    stamped.map(|(labels, (_, value))| Sample { labels: labels.clone(), value }).collect(),
                ));
            }
            Expr::Unary(unary) => match self.value(&unary.expr, at)? {
                Value::Scalar(n) => Value::Scalar(-n),
                Value::Vector(samples) => Value::Vector(mapped(samples, |n| -n)),
                Value::Text(_) => return Err(unknown("a text with a sign")),
            },
            Expr::Call(call) => functions::call(self, call, at)?,
            Expr::Aggregate(aggregate) => aggregate::aggregate(self, aggregate, at)?,
            Expr::Binary(binary) => binary::binary(self, binary, at)?,
            Expr::MatrixSelector(_) => return Err(unknown("a range vector outside of a function")),
            Expr::Subquery(_) => return Err(unknown("a subquery")),
            Expr::Extension(_) => return Err(unknown("an extension")),
        };
        match value {
            Value::Vector(samples) => unique(samples).map(Value::Vector),
            other => Ok(other),
        }
    }
}

fn unique(samples: Vec<Sample>) -> Result<Vec<Sample>, Fault> {
    let mut seen = HashSet::with_capacity(samples.len());
    if samples.iter().all(|sample| seen.insert(&sample.labels)) {
        return Ok(samples);
    }
    Err(Fault::Execution("vector cannot contain metrics with the same labelset".to_owned()))
}
