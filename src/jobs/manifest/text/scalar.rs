//! What a scalar means to kubectl: YAML 1.1 with its octals and its many booleans, as JSON.

use serde_json::{Number, Value};

/// The value of a scalar that stands without quotes.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// The value of a scalar with a tag of YAML's own; `None` for another tag.
pub(super) fn tagged(suffix: &str, text: &str) -> Option<Value> {
    match suffix {
        "str" | "binary" | "timestamp" => Some(Value::String(text.to_owned())),
        "int" | "float" | "bool" | "null" => Some(plain(text)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let text = text.replace('_', "");
    integer(&text).or_else(|| float(&text))
}

/// As Go reads an integer of any base.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    if !negative {
        return Some(Number::from(size));
    }
    Some(Number::from(0i64.checked_sub_unsigned(size)?))
}

/// Whole numbers up to here are exact as fractions.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A decimal fraction; whole ones are integers, as kubectl sends them.
fn float(text: &str) -> Option<Number> {
    let body = text.trim_start_matches(['+', '-']);
    let digits = body.bytes().any(|b| b.is_ascii_digit());
    let known = body.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !digits || !known || text.len() - body.len() > 1 {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if value.fract() == 0.0 && value.abs() < WHOLE {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_mean_what_they_mean_to_kubectl() {
        for (text, value) in [
            ("0755", json!(493)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("-0b101", json!(-5)),
            ("08", json!(8)),
            ("1e3", json!(1000)),
            ("1_000", json!(1000)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("-", json!("-")),
            ("1.2.3", json!("1.2.3")),
            ("12h", json!("12h")),
            ("1e", json!("1e")),
            ("--1", json!("--1")),
            ("on", json!(true)),
            ("n", json!(false)),
            ("None", json!("None")),
            ("18446744073709551615", json!(u64::MAX)),
            (".inf", json!(".inf")),
            ("2026-01-01", json!("2026-01-01")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
        assert_eq!(tagged("str", "5"), Some(json!("5")));
    }
}
