//! Quantities as the API server stores them: in thousandths at the finest, and in the shortest form.

use serde_json::{Value, json};

use crate::jobs::quantity::Quantity;

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

/// What a quantity is in the server's own form; `None` of what is none, and of those with an exponent, which keep it.
fn shortest(text: &str) -> Option<String> {
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    if size.trim_end_matches("Ei").trim_end_matches('E').contains(['e', 'E']) {
        return None;
    }
    let amount = Quantity::parse(size)?;
    let (units, milli) = (amount.units()?, amount.milli()?);
    // Thousandths of very many units have no room.
    if milli % 1000 != 0 && milli != u64::MAX {
        return Some(format!("{sign}{milli}m"));
    }
    let binary = size.ends_with('i') && units >= 1024;
    let (step, names) = if binary {
        (1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
    } else {
        (1000, ["", "k", "M", "G", "T", "P", "E"])
    };
    let (mut rest, mut unit) = (units, 0);
    while rest != 0 && rest % step == 0 && unit + 1 < names.len() {
        rest /= step;
        unit += 1;
    }
    Some(format!("{sign}{rest}{}", names[unit]))
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
            ("2Ei", "2Ei"),
            ("3E", "3E"),
        ] {
            assert_eq!(shortest(given).as_deref(), Some(stored), "{given}");
        }
        assert_eq!(shortest("much"), None);
        assert_eq!(shortest("1Qi"), None);
        assert_eq!(shortest("1e3"), None);
    }
}
