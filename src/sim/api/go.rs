//! What Go's JSON reader says of what it can't read.

use serde_json::Value;

/// Ours and Go's words for where a letter stands that can't stand there.
const PLACES: [(&str, &str); 8] = [
    ("expected value", "looking for beginning of value"),
    ("trailing characters", "after top-level value"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("expected `:`", "after object key"),
    ("key must be a string", "looking for beginning of object key string"),
    ("control character", "in string literal"),
    ("invalid number", "in numeric literal"),
];

/// An error of a JSON text in Go's words, where it has some.
pub(super) fn error(error: &serde_json::Error, text: &[u8]) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let ours = error.to_string();
    let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = String::from_utf8_lossy(line.get(error.column().saturating_sub(1)..).unwrap_or_default()).into_owned();
    let Some(letter) = rest.chars().next() else { return ours };
    let place = if ours.starts_with("trailing comma") {
        if letter == '}' { "looking for beginning of object key string" } else { "looking for beginning of value" }
    } else {
        let Some((_, place)) = PLACES.iter().find(|(word, _)| ours.starts_with(word)) else { return ours };
        place
    };
    format!("invalid character {} {place}", quoted(letter))
}

/// A letter as Go quotes it.
fn quoted(letter: char) -> String {
    match letter {
        '\'' => r"'\''".to_owned(),
        '\\' => r"'\\'".to_owned(),
        '\n' => r"'\n'".to_owned(),
        '\r' => r"'\r'".to_owned(),
        '\t' => r"'\t'".to_owned(),
        c if c.is_control() || c == '\u{feff}' => format!("'\\u{:04x}'", u32::from(c)),
        c => format!("'{c}'"),
    }
}

/// Go's word for what a value is.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_letter_that_cannot_stand_there_is_named() {
        for (text, said) in [
            ("\u{feff}{}", r"'\ufeff' looking for beginning of value"),
            ("{}{}", "'{' after top-level value"),
            (r#"{"a":1 "b"}"#, "'\"' after object key:value pair"),
            (r#"{"a" 1}"#, "'1' after object key"),
            ("{a:1}", "'a' looking for beginning of object key string"),
            ("[1 2]", "'2' after array element"),
            ("[1,]", "']' looking for beginning of value"),
            (r#"{"a":1,}"#, "'}' looking for beginning of object key string"),
        ] {
            let error = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            assert_eq!(super::error(&error, text.as_bytes()), format!("invalid character {said}"), "{text}");
        }
        let error = serde_json::from_str::<serde_json::Value>("{").unwrap_err();
        assert_eq!(super::error(&error, b"{"), "unexpected end of JSON input");
    }
}
