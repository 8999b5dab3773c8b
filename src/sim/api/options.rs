//! The options of a write that stand in its query and say nothing here: they are held to their form all the same.

use serde_json::json;

use super::{Admitted, validate};
use crate::sim::store::Refusal;

/// Bytes of a field manager's name.
const LONGEST: usize = 128;

/// Refuses options that no server takes.
pub(super) fn check(request: &Admitted) -> Result<(), Refusal> {
    let timeout = request.query.get("timeout");
    if !timeout.is_empty() && !is_duration(timeout) {
        let why = format!("time: invalid duration {}", json!(timeout));
        return Err(Refusal::bad_request(format!("invalid timeout specified in the request URL - {why}")));
    }
    let manager = request.query.get("fieldManager");
    if manager.len() > LONGEST {
        let said = format!("Too long: may not be more than {LONGEST} bytes");
        return Err(validate::bad_option(request, "fieldManager", "FieldValueTooLong", &said));
    }
    if let Some((at, odd)) = manager.char_indices().find(|(_, c)| c.is_control()) {
        let shown = manager.replace(odd, &format!("\\x{:02x}", u32::from(odd)));
        let said = format!("Invalid value: \"{shown}\": invalid character U+{:04X} (at position {at})", u32::from(odd));
        return Err(validate::bad_option(request, "fieldManager", "FieldValueInvalid", &said));
    }
    Ok(())
}

/// Whether Go would read it as a duration, such as `1m30s` or `0`.
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let known = ["ns", "us", "ms", "s", "m", "h"].into_iter().find(|known| {
            unit.strip_prefix(known)
                .is_some_and(|after| after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit()))
        });
        match known.filter(|_| unit.len() < rest.len()) {
            Some(known) => rest = &unit[known.len()..],
            None => return false,
        }
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, good) in [
            ("5s", true),
            ("1m30s", true),
            ("1.5h", true),
            ("0", true),
            ("-5s", true),
            ("100ms", true),
            ("x", false),
            ("5", false),
            ("s", false),
            ("5x", false),
        ] {
            assert_eq!(is_duration(text), good, "{text}");
        }
    }
}
