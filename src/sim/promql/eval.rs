//! Evaluation of an expression at moments: selectors are fetched once for all of them, the rest is done moment by moment.

use std::collections::{BTreeMap, HashMap, HashSet};

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, MatrixSelector, Offset, VectorSelector};

use super::source::is_stale;
use super::{Fault, Labels, NAME, Series, Source, aggregate, binary, functions};

/// Samples that one query may load, as Prometheus' default.
const MOST_SAMPLES: usize = 50_000_000;
/// How deep an expression may be.
const DEEPEST: usize = 100;

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
    let evaluation = Evaluation::new(source, expr, at, at)?;
    if let Expr::MatrixSelector(selector) = bare(expr) {
        let windows = evaluation.windows(selector, at).into_iter();
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
    let evaluation = Evaluation::new(source, expr, from, until)?;
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

/// An expression without the brackets around it.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

/// What an expression is made of.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Aggregate(a) => a.param.iter().chain([&a.expr]).map(AsRef::as_ref).collect(),
        Expr::Unary(u) => vec![&*u.expr],
        Expr::Binary(b) => vec![&*b.lhs, &*b.rhs],
        Expr::Paren(p) => vec![&*p.expr],
        Expr::Call(c) => c.args.args.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    }
}

fn depth(expr: &Expr) -> usize {
    1 + parts(expr).into_iter().map(depth).max().unwrap_or(0)
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

/// A query that is being answered.
pub(super) struct Evaluation {
    /// By the address of the selector, which stays where it is for as long as this lives.
    fetched: HashMap<usize, Vec<Series>>,
    loaded: usize,
    lookback: i64,
}

fn key(selector: &VectorSelector) -> usize {
    std::ptr::from_ref(selector) as usize
}

impl Evaluation {
    fn new(source: &dyn Source, expr: &Expr, from: i64, until: i64) -> Result<Self, Fault> {
        let mut evaluation = Self { fetched: HashMap::new(), loaded: 0, lookback: source.lookback() };
        evaluation.fetch(source, expr, from, until)?;
        Ok(evaluation)
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
        self.fetched.insert(key(selector), found);
        Ok(())
    }

    /// What `expr` is at a moment.
    pub(super) fn value(&self, expr: &Expr, at: i64) -> Result<Value, Fault> {
        let value = match expr {
            Expr::Paren(paren) => return self.value(&paren.expr, at),
            Expr::NumberLiteral(number) => return Ok(Value::Scalar(number.val)),
            Expr::StringLiteral(text) => return Ok(Value::Text(text.val.clone())),
            Expr::VectorSelector(selector) => {
                let stamped = self.newest(selector, at);
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

    /// `expr` as a vector.
    pub(super) fn vector(&self, expr: &Expr, at: i64) -> Result<Vec<Sample>, Fault> {
        match self.value(expr, at)? {
            Value::Vector(samples) => Ok(samples),
            Value::Scalar(_) | Value::Text(_) => Err(unknown("a scalar where a vector belongs")),
        }
    }

    /// `expr` as a number.
    pub(super) fn scalar(&self, expr: &Expr, at: i64) -> Result<f64, Fault> {
        match self.value(expr, at)? {
            Value::Scalar(n) => Ok(n),
            Value::Vector(_) | Value::Text(_) => Err(unknown("a vector where a scalar belongs")),
        }
    }

    /// The newest sample of each series, if it is not too old and the series has not ended.
    pub(super) fn newest<'s>(
        &'s self,
        selector: &VectorSelector,
        at: i64,
    ) -> impl Iterator<Item = (&'s Labels, (i64, f64))> + use<'s> {
        let at = at - offset(selector.offset.as_ref());
        let oldest = at - self.lookback;
        self.fetched.get(&key(selector)).into_iter().flatten().filter_map(move |series| {
            let end = series.samples.partition_point(|(time, _)| *time <= at);
            let last = *series.samples.get(end.checked_sub(1)?)?;
            (last.0 > oldest && !is_stale(last.1)).then_some((&series.labels, last))
        })
    }

    /// The samples of each series in the window that ends at `at`, without its left edge.
    pub(super) fn windows(&self, selector: &MatrixSelector, at: i64) -> Vec<(&Labels, Vec<(i64, f64)>)> {
        let (from, until) = bounds(selector, at);
        let all = self.fetched.get(&key(&selector.vs)).into_iter().flatten();
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

/// Other values under the same labels, without the metric's name: it is not that metric any more.
pub(super) fn mapped(samples: Vec<Sample>, change: impl Fn(f64) -> f64) -> Vec<Sample> {
    let one = |s: Sample| Sample { labels: s.labels.nameless(), value: change(s.value) };
    samples.into_iter().map(one).collect()
}

/// 422 for what Prometheus could do and this one does not.
pub(super) fn unknown(what: &str) -> Fault {
    Fault::Execution(format!("{what} is not evaluated by this Prometheus (a demonstration)"))
}

fn unique(samples: Vec<Sample>) -> Result<Vec<Sample>, Fault> {
    let mut seen = HashSet::with_capacity(samples.len());
    if samples.iter().all(|sample| seen.insert(&sample.labels)) {
        return Ok(samples);
    }
    Err(Fault::Execution("vector cannot contain metrics with the same labelset".to_owned()))
}
