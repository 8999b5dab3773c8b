//! What pods ask for, in whole numbers: millicores, bytes, pieces.
//!
//! Serves scheduler, quota, Kueue and what is measured.

use std::collections::BTreeMap;

use serde_json::Value;

use super::value::list;
use crate::jobs::quantity::Quantity;

/// Amounts by resource name: `cpu` in thousandths, the rest in units.
pub(crate) type Amounts = BTreeMap<String, i64>;

/// Reads a quantity such as `500m`, `16Gi`, `8`, rounded away from zero; `cpu` comes in thousandths. 0 if it is none.
fn quantity(resource: &str, text: &str) -> i64 {
    let (sign, size) = text.strip_prefix('-').map_or((1, text), |size| (-1, size));
    let read = Quantity::parse(size);
    let n = if resource.ends_with("cpu") { read.and_then(Quantity::milli) } else { read.and_then(Quantity::units) };
    sign * n.map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX))
}

/// How much a JSON quantity (text or number) is.
pub(crate) fn amount(resource: &str, value: &Value) -> i64 {
    match value {
        Value::String(text) => quantity(resource, text),
        other => quantity(resource, &other.to_string()),
    }
}

/// Requests of all containers together; limits count where requests are silent.
pub(crate) fn of_spec(spec: &Value) -> Amounts {
    let mut out = Amounts::new();
    for container in list(spec, "/containers") {
        let limits = container.pointer("/resources/limits").and_then(Value::as_object);
        let requests = container.pointer("/resources/requests").and_then(Value::as_object);
        for (resource, value) in requests.into_iter().flatten() {
            add(&mut out, resource, value);
        }
        for (resource, value) in limits.into_iter().flatten() {
            if !requests.is_some_and(|r| r.contains_key(resource)) {
                add(&mut out, resource, value);
            }
        }
    }
    out
}

fn add(all: &mut Amounts, resource: &str, value: &Value) {
    let sum = all.entry(resource.to_owned()).or_default();
    *sum = sum.saturating_add(amount(resource, value));
}

/// Writes an amount back: cores without `m` where they are whole, memory in the largest whole unit.
pub(crate) fn written(resource: &str, amount: i64) -> String {
    const UNITS: [(&str, i64); 6] =
        [("Ei", 1 << 60), ("Pi", 1 << 50), ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    if resource.ends_with("cpu") {
        return if amount % 1000 == 0 { (amount / 1000).to_string() } else { format!("{amount}m") };
    }
    if resource.contains("memory") || resource.contains("storage") {
        for (unit, size) in UNITS {
            if amount >= size && amount % size == 0 {
                return format!("{}{unit}", amount / size);
            }
        }
    }
    amount.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_read_and_write() {
        for (resource, text, n) in [
            ("cpu", "500m", 500),
            ("cpu", "2", 2000),
            ("memory", "16Gi", 16 << 30),
            ("memory", "3Ei", 3 << 60),
            ("nvidia.com/gpu", "8", 8),
        ] {
            assert_eq!(quantity(resource, text), n);
            assert_eq!(written(resource, n), text);
        }
        for (resource, text, n) in [
            ("cpu", "100u", 1),
            ("memory", "1.5P", 1_500_000_000_000_000),
            ("cpu", "-1", -1000),
            ("memory", "99Ei", i64::MAX),
            ("memory", "much", 0),
        ] {
            assert_eq!(quantity(resource, text), n, "{text}");
        }
    }

    #[test]
    fn sums_do_not_run_over() {
        let spec = json!({"containers": [{"resources": {"requests": {"memory": "7Ei"}}}, {"resources": {"requests": {"memory": "7Ei"}}}]});
        assert_eq!(of_spec(&spec)["memory"], i64::MAX);
    }

    #[test]
    fn limits_stand_in_for_requests() {
        let spec = json!({"containers": [{"resources": {"limits": {"cpu": "2", "nvidia.com/gpu": 4}, "requests": {"cpu": "1"}}}]});
        assert_eq!(of_spec(&spec), Amounts::from([("cpu".into(), 1000), ("nvidia.com/gpu".into(), 4)]));
    }
}
