//! Times as Go reads them, and what it says of those that it can't read.

/// The parts of RFC 3339 as Go's layout has them, with how many digits each takes; a sign stands for itself.
const PARTS: [(&str, usize); 11] = [
    ("2006", 4),
    ("-", 0),
    ("01", 2),
    ("-", 0),
    ("02", 2),
    ("T", 0),
    ("15", 2),
    (":", 0),
    ("04", 2),
    (":", 0),
    ("05", 2),
];

/// What is wrong with a time; `None` if it is one.
pub(super) fn wrong(text: &str) -> Option<String> {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return None;
    }
    let mut rest = text;
    let mut missing = "Z07:00";
    for (part, digits) in PARTS {
        let long = if digits == 0 { part.len() } else { digits };
        let there = rest
            .get(..long)
            .filter(|word| if digits == 0 { *word == part } else { word.bytes().all(|b| b.is_ascii_digit()) });
        if there.is_none() {
            missing = part;
            break;
        }
        rest = &rest[long..];
    }
    let why = if missing == "Z07:00" && rest.starts_with('Z') {
        out_of_range(text).to_owned()
    } else {
        format!(" as \"2006-01-02T15:04:05Z07:00\": cannot parse {rest:?} as {missing:?}")
    };
    Some(format!("parsing time {text:?}{why}"))
}

fn out_of_range(text: &str) -> &'static str {
    let of = |from: usize| text.get(from..from + 2).and_then(|n| n.parse::<u8>().ok()).unwrap_or(0);
    match (of(5), of(11), of(14), of(17)) {
        (0 | 13.., ..) => ": month out of range",
        (_, 24.., ..) => ": hour out of range",
        (_, _, 60.., _) => ": minute out of range",
        (_, _, _, 60..) => ": second out of range",
        _ => ": day out of range",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_part_that_is_missing_is_named() {
        for (text, why) in [
            ("yesterday", " as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""),
            ("2026-01-01", " as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\""),
            ("2026-1-01T00:00:00Z", " as \"2006-01-02T15:04:05Z07:00\": cannot parse \"1-01T00:00:00Z\" as \"01\""),
            ("2026-01-01T00:00:00", " as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"Z07:00\""),
            ("2026-13-01T00:00:00Z", ": month out of range"),
            ("2026-02-31T00:00:00Z", ": day out of range"),
        ] {
            let said = super::wrong(text).unwrap_or_default();
            assert_eq!(said, format!("parsing time {text:?}{why}"));
        }
        assert_eq!(super::wrong("2026-01-01T00:00:00.5Z"), None);
    }
}
