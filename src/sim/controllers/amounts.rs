//! What pods ask for, in whole numbers: millicores, bytes, pieces.
//!
//! Serves scheduler, quota and Kueue. Its own small reader of quantities, so that the sim proves the console's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::value::list;

/// Amounts by resource name: `cpu` in thousandths, the rest in units.
pub(crate) type Amounts = BTreeMap<String, i64>;

/// Reads a quantity such as `500m`, `16Gi`, `8`; `cpu` comes in thousandths. 0 if it is none.
pub(crate) fn quantity(resource: &str, text: &str) -> i64 {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => 1.0,
    };
    let scale = if resource.ends_with("cpu") { 1000.0 } else { 1.0 };
    (number.parse::<f64>().unwrap_or(0.0) * factor * scale).round() as i64
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
            *out.entry(resource.clone()).or_default() += amount(resource, value);
        }
        for (resource, value) in limits.into_iter().flatten() {
            if !requests.is_some_and(|r| r.contains_key(resource)) {
                *out.entry(resource.clone()).or_default() += amount(resource, value);
            }
        }
    }
    out
}

/// Writes an amount back: cores without `m` where they are whole, memory in the largest whole unit.
pub(crate) fn written(resource: &str, amount: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
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
        for (resource, text, n) in
            [("cpu", "500m", 500), ("cpu", "2", 2000), ("memory", "16Gi", 16 << 30), ("nvidia.com/gpu", "8", 8)]
        {
            assert_eq!(quantity(resource, text), n);
            assert_eq!(written(resource, n), text);
        }
    }

    #[test]
    fn limits_stand_in_for_requests() {
        let spec = json!({"containers": [{"resources": {"limits": {"cpu": "2", "nvidia.com/gpu": 4}, "requests": {"cpu": "1"}}}]});
        assert_eq!(of_spec(&spec), Amounts::from([("cpu".into(), 1000), ("nvidia.com/gpu".into(), 4)]));
    }
}
