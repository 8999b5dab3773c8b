//! Functions: of windows, of vectors, of labels.

use promql_parser::parser::{Call, Expr, MatrixSelector};
use regex::Regex;

use super::fetched::{Evaluate, bare, bounds, matchers};
use super::value::{Sample, Value, mapped, unknown};
use super::window::{self, Window, quantile};
use super::{Fault, Labels, NAME, equal_matchers};

/// A call at a moment.
pub(super) fn call(evaluation: &dyn Evaluate, call: &Call, at: i64) -> Result<Value, Fault> {
    let (name, args) = (call.func.name, &call.args.args);
    let arg =
        |n: usize| args.get(n).map(AsRef::as_ref).ok_or_else(|| unknown(&format!("{name} with so few arguments")));
    let number = |n: usize| evaluation.scalar(arg(n)?, at);
    let vector = |n: usize| evaluation.vector(arg(n)?, at);
    if let Some(function) = window::function(name) {
        let keeps_name = name == "last_over_time";
        return Ok(over(evaluation, range_of(arg(0)?)?, at, keeps_name, function));
    }
    Ok(match name {
        "quantile_over_time" => {
            let q = number(0)?;
            over(evaluation, range_of(arg(1)?)?, at, false, |window| {
                let values: Vec<f64> = window.samples.iter().map(|(_, value)| *value).collect();
                (!values.is_empty()).then(|| quantile(q, values))
            })
        }
        "absent_over_time" => {
            let selector = range_of(arg(0)?)?;
            let there = evaluation.fetched().windows(selector, at).iter().any(|(_, samples)| !samples.is_empty());
            absent(there, &Expr::VectorSelector(selector.vs.clone()))
        }
        "absent" => absent(!vector(0)?.is_empty(), arg(0)?),
        "time" => Value::Scalar(at as f64 / 1000.0),
        "vector" => Value::Vector(vec![Sample { labels: Labels::default(), value: number(0)? }]),
        "scalar" => match vector(0)?.as_slice() {
            [only] => Value::Scalar(only.value),
            _ => Value::Scalar(f64::NAN),
        },
        "timestamp" => Value::Vector(timestamps(evaluation, arg(0)?, at)?),
        "clamp" => {
            let (least, most) = (number(1)?, number(2)?);
            let samples = if least > most { Vec::new() } else { vector(0)? };
            Value::Vector(mapped(samples, |n| n.max(least).min(most)))
        }
        "clamp_min" => number(1).and_then(|least| Ok(Value::Vector(mapped(vector(0)?, |n| n.max(least)))))?,
        "clamp_max" => number(1).and_then(|most| Ok(Value::Vector(mapped(vector(0)?, |n| n.min(most)))))?,
        "round" => {
            let to = if args.len() > 1 { number(1)? } else { 1.0 };
            // As Prometheus does it, so that halves go the same way.
            let inverse = 1.0 / to;
            Value::Vector(mapped(vector(0)?, |n| (n * inverse + 0.5).floor() / inverse))
        }
        "label_replace" => Value::Vector(replaced(vector(0)?, &texts(evaluation, args, at)?)?),
        "label_join" => Value::Vector(joined(vector(0)?, &texts(evaluation, args, at)?)?),
        "sort" | "sort_desc" => {
            let mut samples = vector(0)?;
            samples.sort_by(|a, b| a.value.total_cmp(&b.value));
            if name == "sort_desc" {
                samples.reverse();
            }
            Value::Vector(samples)
        }
        _ => {
            let change = simple(name).ok_or_else(|| unknown(&format!("the function {name}")))?;
            Value::Vector(mapped(vector(0)?, change))
        }
    })
}

/// Functions of each value alone.
fn simple(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "sqrt" => f64::sqrt,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => |n| if n == 0.0 { n } else { n.signum() },
        _ => return None,
    })
}

/// The range selector that an argument must be.
fn range_of(expr: &Expr) -> Result<&MatrixSelector, Fault> {
    match bare(expr) {
        Expr::MatrixSelector(selector) => Ok(selector),
        _ => Err(unknown("a subquery")),
    }
}

fn over(
    evaluation: &dyn Evaluate,
    selector: &MatrixSelector,
    at: i64,
    keeps_name: bool,
    function: impl Fn(&Window<'_>) -> Option<f64>,
) -> Value {
    let (from, until) = bounds(selector, at);
    let one = |(labels, samples): (&Labels, Vec<(i64, f64)>)| {
        let value = function(&Window { samples: &samples, from, until })?;
        Some(Sample { labels: if keeps_name { labels.clone() } else { labels.nameless() }, value })
    };
    Value::Vector(evaluation.fetched().windows(selector, at).into_iter().filter_map(one).collect())
}

/// 1 under the labels that were asked for, where nothing was there.
fn absent(there: bool, expr: &Expr) -> Value {
    if there {
        return Value::Vector(Vec::new());
    }
    let asked = if let Expr::VectorSelector(selector) = bare(expr) { matchers(selector) } else { Vec::new() };
    let once = |name: &str| asked.iter().filter(|m| m.name == name).count() == 1;
    let labels = Labels::new(equal_matchers(&asked).filter(|(name, _)| *name != NAME && once(name)));
    Value::Vector(vec![Sample { labels, value: 1.0 }])
}

fn timestamps(evaluation: &dyn Evaluate, expr: &Expr, at: i64) -> Result<Vec<Sample>, Fault> {
    if let Expr::VectorSelector(selector) = bare(expr) {
        let newest = evaluation.fetched().newest(selector, at);
        let one =
            |(labels, (time, _)): (&Labels, (i64, f64))| Sample { labels: labels.nameless(), value: time as f64 / 1e3 };
        return Ok(newest.map(one).collect());
    }
    Ok(mapped(evaluation.vector(expr, at)?, |_| at as f64 / 1e3))
}

/// The arguments that are texts, in order.
fn texts(evaluation: &dyn Evaluate, args: &[Box<Expr>], at: i64) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for arg in args.iter().skip(1) {
        match evaluation.value(arg, at)? {
            Value::Text(text) => found.push(text),
            Value::Scalar(_) | Value::Vector(_) => return Err(unknown("a number where a text belongs")),
        }
    }
    Ok(found)
}

fn check_label(function: &str, name: &str) -> Result<(), Fault> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let good = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    if good { Ok(()) } else { Err(Fault::Execution(format!("invalid destination label name in {function}(): {name}"))) }
}

fn replaced(samples: Vec<Sample>, texts: &[String]) -> Result<Vec<Sample>, Fault> {
    let [to, template, from, pattern] = texts else { return Err(unknown("label_replace without four texts")) };
    let regex = Regex::new(&format!("^(?s:{pattern})$"));
    let regex =
        regex.map_err(|_| Fault::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
    check_label("label_replace", to)?;
    let one = |sample: Sample| {
        let Some(captures) = regex.captures(sample.labels.get(from)) else { return sample };
        let mut value = String::new();
        captures.expand(template, &mut value);
        Sample { labels: sample.labels.with(to, &value), ..sample }
    };
    Ok(samples.into_iter().map(one).collect())
}

fn joined(samples: Vec<Sample>, texts: &[String]) -> Result<Vec<Sample>, Fault> {
    let [to, between, from @ ..] = texts else { return Err(unknown("label_join without a label")) };
    check_label("label_join", to)?;
    let one = |sample: Sample| {
        let values: Vec<&str> = from.iter().map(|name| sample.labels.get(name)).collect();
        Sample { labels: sample.labels.with(to, &values.join(between)), ..sample }
    };
    Ok(samples.into_iter().map(one).collect())
}
