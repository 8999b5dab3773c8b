//! Operators between two sides: numbers, a vector and a number, two vectors matched by their labels.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::fetched::Evaluate;
use super::value::{Sample, Value, unknown};
use super::{Fault, Labels, NAME};

/// An operator.
#[derive(Clone, Copy)]
enum Op {
    /// Makes a new number.
    Arithmetic(fn(f64, f64) -> f64),
    /// Keeps what it holds for, or says 1 or 0.
    Comparison(fn(&f64, &f64) -> bool),
}

fn operator(word: &str) -> Option<Op> {
    Some(match word {
        "+" => Op::Arithmetic(|a, b| a + b),
        "-" => Op::Arithmetic(|a, b| a - b),
        "*" => Op::Arithmetic(|a, b| a * b),
        "/" => Op::Arithmetic(|a, b| a / b),
        "%" => Op::Arithmetic(|a, b| a % b),
        "^" => Op::Arithmetic(f64::powf),
        "atan2" => Op::Arithmetic(f64::atan2),
        "==" => Op::Comparison(f64::eq),
        "!=" => Op::Comparison(f64::ne),
        ">" => Op::Comparison(f64::gt),
        "<" => Op::Comparison(f64::lt),
        ">=" => Op::Comparison(f64::ge),
        "<=" => Op::Comparison(f64::le),
        _ => return None,
    })
}

/// What two numbers make: a value, or `None` where a comparison does not hold. `kept` is what a comparison keeps.
fn apply(op: Op, (a, b): (f64, f64), kept: f64, says: bool) -> Option<f64> {
    match op {
        Op::Arithmetic(make) => Some(make(a, b)),
        Op::Comparison(holds) if says => Some(f64::from(u8::from(holds(&a, &b)))),
        Op::Comparison(holds) => holds(&a, &b).then_some(kept),
    }
}

/// An operator's expression at a moment.
pub(super) fn binary(evaluation: &dyn Evaluate, expr: &BinaryExpr, at: i64) -> Result<Value, Fault> {
    let (left, right) = (evaluation.value(&expr.lhs, at)?, evaluation.value(&expr.rhs, at)?);
    let (word, modifier, says) = (expr.op.to_string(), expr.modifier.as_ref(), expr.return_bool());
    if let (Value::Vector(left), Value::Vector(right)) = (&left, &right)
        && matches!(word.as_str(), "and" | "or" | "unless")
    {
        return Ok(Value::Vector(set(&word, left, right, modifier)));
    }
    let op = operator(&word).ok_or_else(|| unknown(&format!("the operator {word}")))?;
    let renamed = |labels: &Labels| if changes_name(op, says) { labels.nameless() } else { labels.clone() };
    let each = |samples: Vec<Sample>, value: &dyn Fn(f64) -> Option<f64>| {
        let one = |s: Sample| Some(Sample { labels: renamed(&s.labels), value: value(s.value)? });
        Value::Vector(samples.into_iter().filter_map(one).collect())
    };
    Ok(match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(apply(op, (a, b), a, true).unwrap_or(f64::NAN)),
        (Value::Vector(samples), Value::Scalar(b)) => each(samples, &|a| apply(op, (a, b), a, says)),
        (Value::Scalar(a), Value::Vector(samples)) => each(samples, &|b| apply(op, (a, b), b, says)),
        (Value::Vector(left), Value::Vector(right)) => {
            Value::Vector(matched(op, &left, &right, modifier.unwrap_or(&BinModifier::default()))?)
        }
        _ => return Err(unknown("an operator on a text")),
    })
}

fn changes_name(op: Op, says: bool) -> bool {
    matches!(op, Op::Arithmetic(_)) || says
}

/// The labels by which an element finds its partner.
fn signature(labels: &Labels, matching: Option<&LabelModifier>) -> Labels {
    match matching {
        None => labels.nameless(),
        Some(LabelModifier::Include(on)) => labels.filtered(|name| on.labels.iter().any(|l| l == name)),
        Some(LabelModifier::Exclude(ignoring)) => {
            labels.filtered(|name| name != NAME && !ignoring.labels.iter().any(|l| l == name))
        }
    }
}

fn set(word: &str, left: &[Sample], right: &[Sample], modifier: Option<&BinModifier>) -> Vec<Sample> {
    let matching = modifier.and_then(|m| m.matching.as_ref());
    let signatures = |side: &[Sample]| -> HashSet<Labels> {
        side.iter().map(|sample| signature(&sample.labels, matching)).collect()
    };
    if word == "or" {
        let there = signatures(left);
        let others = right.iter().filter(|sample| !there.contains(&signature(&sample.labels, matching)));
        return left.iter().chain(others).cloned().collect();
    }
    let there = signatures(right);
    let wanted = word == "and";
    left.iter().filter(|sample| there.contains(&signature(&sample.labels, matching)) == wanted).cloned().collect()
}

/// Elements of two vectors with the same signature. The side that may have several of one is called the many.
fn matched(op: Op, left: &[Sample], right: &[Sample], modifier: &BinModifier) -> Result<Vec<Sample>, Fault> {
    if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
        return Err(unknown("the modifier fill"));
    }
    let matching = modifier.matching.as_ref();
    let swapped = matches!(modifier.card, VectorMatchCardinality::OneToMany(_));
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut partners: HashMap<Labels, &Sample> = HashMap::new();
    for sample in one {
        let key = signature(&sample.labels, matching);
        if let Some(other) = partners.insert(key.clone(), sample) {
            return Err(duplicate(&key, if swapped { "left" } else { "right" }, &sample.labels, &other.labels));
        }
    }
    let mut used: HashSet<Labels> = HashSet::new();
    let mut found = Vec::new();
    for sample in many {
        let key = signature(&sample.labels, matching);
        let Some(partner) = partners.get(&key) else { continue };
        let pair = if swapped { (partner.value, sample.value) } else { (sample.value, partner.value) };
        let Some(value) = apply(op, pair, pair.0, modifier.return_bool) else { continue };
        let labels = result(op, sample, partner, modifier);
        let grouped = modifier.card.labels().is_some();
        if !used.insert(if grouped { labels.clone() } else { key }) {
            return Err(Fault::Execution(if grouped {
                "multiple matches for labels: grouping labels must ensure unique matches".to_owned()
            } else {
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".to_owned()
            }));
        }
        found.push(Sample { labels, value });
    }
    Ok(found)
}

/// The labels of a matched pair.
fn result(op: Op, many: &Sample, one: &Sample, modifier: &BinModifier) -> Labels {
    let name = changes_name(op, modifier.return_bool);
    let labels = if name { many.labels.nameless() } else { many.labels.clone() };
    let Some(include) = modifier.card.labels() else {
        return match &modifier.matching {
            None => labels,
            Some(LabelModifier::Include(on)) => labels.filtered(|name| on.labels.iter().any(|l| l == name)),
            Some(LabelModifier::Exclude(ignoring)) => {
                labels.filtered(|name| !ignoring.labels.iter().any(|l| l == name))
            }
        };
    };
    include.labels.iter().fold(labels, |labels, name| labels.with(name, one.labels.get(name)))
}

fn duplicate(key: &Labels, side: &str, first: &Labels, second: &Labels) -> Fault {
    Fault::Execution(format!(
        "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        key.written(),
        first.written(),
        second.written()
    ))
}
