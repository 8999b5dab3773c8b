//! The sentences in which the API server says what is wrong with a field.
//!
//! Owns their wording only; what is wrong is found by those who know a kind.

use serde_json::Value;

use crate::sim::schema::Fault;

/// There is nothing where something must be.
pub(super) fn required(field: &str) -> Fault {
    ("FieldValueRequired", field.to_owned(), "Required value".to_owned())
}

/// As [`required`], with what there must be.
pub(super) fn missing(field: &str, why: &str) -> Fault {
    ("FieldValueRequired", field.to_owned(), format!("Required value: {why}"))
}

/// A value can't be so.
pub(super) fn invalid(field: &str, value: &Value, why: &str) -> Fault {
    ("FieldValueInvalid", field.to_owned(), format!("Invalid value: {value}: {why}"))
}

/// A value is none of those that are known, if it is none.
pub(super) fn supported(field: &str, value: &Value, known: &[&str]) -> Option<Fault> {
    let names: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
    let said = format!("Unsupported value: {value}: supported values: {}", names.join(", "));
    let fits = known.iter().any(|name| value == name);
    (!fits).then(|| ("FieldValueNotSupported", field.to_owned(), said))
}

/// A field must not be there.
pub(super) fn forbidden(field: &str, why: &str) -> Fault {
    ("FieldValueForbidden", field.to_owned(), format!("Forbidden: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_told_with_those_that_are_known() {
        let said = "Unsupported value: \"c\": supported values: \"a\", \"b\"".to_owned();
        assert_eq!(supported("f", &json!("c"), &["a", "b"]), Some(("FieldValueNotSupported", "f".to_owned(), said)));
        assert_eq!(supported("f", &json!("a"), &["a", "b"]), None);
        assert!(supported("f", &Value::Null, &["a"]).is_some_and(|(_, _, said)| said.contains("null")));
    }
}
