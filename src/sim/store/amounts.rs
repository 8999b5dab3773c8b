//! Quantities as the API server stores them: in thousandths at the finest, and in the shortest form.

use serde_json::{Value, json};

/// Tidies all quantities of a list of resources; numbers become texts.
pub(super) fn tidy(amounts: Option<&mut Value>) {
    for (_, amount) in amounts.and_then(Value::as_object_mut).into_iter().flatten() {
        let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
        if let Some(shortest) = shortest(&text) {
            *amount = json!(shortest);
        } else if amount.is_number() {
            *amount = json!(text);
        }
    }
}

/// What a quantity is in the server's own form; `None` of what is none, or is too large to be told.
fn shortest(text: &str) -> Option<String> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let binary = unit.ends_with('i');
    let factor = match unit.trim_end_matches('i') {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "" => (1, 1),
        prefix => {
            let step = "kKMGTPE".find(prefix).filter(|_| prefix.len() == 1)?;
            let power = u32::try_from(step.max(1)).ok()?;
            (if binary { 1024_i128 } else { 1000 }.checked_pow(power)?, 1)
        }
    };
    let below = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?.checked_mul(factor.1)?;
    let above = digits.checked_mul(factor.0)?.checked_mul(1000)?;
    let milli = above.div_euclid(below) + i128::from(above.rem_euclid(below) != 0);
    Some(written(milli, binary))
}

fn written(milli: i128, binary: bool) -> String {
    if milli % 1000 != 0 {
        return format!("{milli}m");
    }
    let mut amount = milli / 1000;
    let binary = binary && amount.abs() >= 1024;
    let (step, units) = if binary {
        (1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
    } else {
        (1000, ["", "k", "M", "G", "T", "P", "E"])
    };
    let mut unit = 0;
    while amount != 0 && amount % step == 0 && unit + 1 < units.len() {
        amount /= step;
        unit += 1;
    }
    format!("{amount}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn quantities_are_stored_in_their_shortest_form() {
        for (given, stored) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1500Mi", "1500Mi"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("2000", "2k"),
            ("64G", "64G"),
            ("100u", "1m"),
            ("0", "0"),
            ("8", "8"),
            ("-1", "-1"),
        ] {
            assert_eq!(shortest(given).as_deref(), Some(stored), "{given}");
        }
        assert_eq!(shortest("much"), None);
        assert_eq!(shortest("1Qi"), None);
    }
}
