//! Aggregation: a vector into groups, each group into a value (or into those of its elements that count).

use std::collections::BTreeMap;

use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::fetched::Evaluate;
use super::value::{Sample, Value, unknown};
use super::window::quantile;
use super::{Fault, Labels, NAME};

/// An aggregation at a moment.
pub(super) fn aggregate(evaluation: &dyn Evaluate, expr: &AggregateExpr, at: i64) -> Result<Value, Fault> {
    let groups = groups(evaluation.vector(&expr.expr, at)?, expr.modifier.as_ref());
    let op = expr.op.to_string();
    let param = || expr.param.as_deref().ok_or_else(|| unknown(&format!("{op} without its parameter")));
    if let Some(function) = simple(&op) {
        let one = |(labels, samples): (Labels, Vec<Sample>)| Sample { labels, value: function(&values(&samples)) };
        return Ok(Value::Vector(groups.into_iter().map(one).collect()));
    }
    Ok(Value::Vector(match op.as_str() {
        "quantile" => {
            let q = evaluation.scalar(param()?, at)?;
            let one =
                |(labels, samples): (Labels, Vec<Sample>)| Sample { labels, value: quantile(q, values(&samples)) };
            groups.into_iter().map(one).collect()
        }
        "topk" | "bottomk" => {
            let k = evaluation.scalar(param()?, at)?;
            let k = if k >= 1.0 { k as usize } else { 0 };
            groups.into_values().flat_map(|samples| first(samples, k, op == "topk")).collect()
        }
        "count_values" => match evaluation.value(param()?, at)? {
            Value::Text(label) => counted(groups, &label),
            Value::Scalar(_) | Value::Vector(_) => return Err(unknown("count_values without a label")),
        },
        _ => return Err(unknown(&format!("the aggregation {op}"))),
    }))
}

/// Samples by the labels of their group, in the order of these.
fn groups(samples: Vec<Sample>, modifier: Option<&LabelModifier>) -> BTreeMap<Labels, Vec<Sample>> {
    let mut groups: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        let key = match modifier {
            None => Labels::default(),
            Some(LabelModifier::Include(by)) => sample.labels.filtered(|name| by.labels.iter().any(|l| l == name)),
            Some(LabelModifier::Exclude(without)) => {
                sample.labels.filtered(|name| name != NAME && !without.labels.iter().any(|l| l == name))
            }
        };
        groups.entry(key).or_default().push(sample);
    }
    groups
}

fn values(samples: &[Sample]) -> Vec<f64> {
    samples.iter().map(|sample| sample.value).collect()
}

/// Aggregations of the values alone. There is at least one.
fn simple(op: &str) -> Option<fn(&[f64]) -> f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(match op {
        "sum" => |values| values.iter().sum(),
        "avg" => mean,
        "min" => |values| values.iter().copied().reduce(f64::min).unwrap_or(f64::NAN),
        "max" => |values| values.iter().copied().reduce(f64::max).unwrap_or(f64::NAN),
        "count" => |values| values.len() as f64,
        "group" => |_| 1.0,
        "stddev" => |values| variance(values).sqrt(),
        "stdvar" => variance,
        _ => return None,
    })
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n
}

/// The `k` largest (or smallest) first; what is no number comes last.
fn first(mut samples: Vec<Sample>, k: usize, largest: bool) -> Vec<Sample> {
    samples.sort_by(|a, b| {
        let order = if largest { b.value.total_cmp(&a.value) } else { a.value.total_cmp(&b.value) };
        a.value.is_nan().cmp(&b.value.is_nan()).then(order)
    });
    samples.truncate(k);
    samples
}

fn counted(groups: BTreeMap<Labels, Vec<Sample>>, label: &str) -> Vec<Sample> {
    let mut counts: BTreeMap<Labels, f64> = BTreeMap::new();
    for (labels, samples) in groups {
        for sample in samples {
            *counts.entry(labels.with(label, &sample.value.to_string())).or_default() += 1.0;
        }
    }
    counts.into_iter().map(|(labels, value)| Sample { labels, value }).collect()
}
