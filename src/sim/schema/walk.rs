//! A value and its schema, walked together: unknown fields, defaults, and what does not fit, in the server's words.

use serde_json::{Map, Value};

use super::{Node, time};

/// What does not fit: the machine's reason, the field, the sentence.
pub(crate) type Fault = (&'static str, String, String);
/// Up to here every whole number is a float, too.
const EXACT: f64 = 9_007_199_254_740_991.0;
/// The field of what is told without one.
pub(crate) const NOWHERE: &str = "<nil>";

/// Takes away the fields that a schema doesn't know, and says their paths.
pub(crate) fn prune(node: Node<'_>, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let keeps = node.is("x-kubernetes-preserve-unknown-fields") || node.kind() != "object";
            let open = node.schema.get("properties").is_none() && node.schema.get("additionalProperties").is_none();
            map.retain(|key, inner| match node.property(key).or_else(|| node.additional()) {
                Some(known) => {
                    prune(known, inner, &join(path, key), unknown);
                    true
                }
                None if keeps || open => true,
                None => {
                    unknown.push(join(path, key));
                    false
                }
            });
        }
        Value::Array(list) => {
            let Some(items) = node.items() else { return };
            for (at, inner) in list.iter_mut().enumerate() {
                prune(items, inner, &format!("{path}[{at}]"), unknown);
            }
        }
        _ => {}
    }
}

/// Sets the defaults of the fields that are not there (or null where null is no value).
pub(crate) fn fill(node: Node<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, schema) in node.schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = schema.get("default")
                    && map.get(key).is_none_or(Value::is_null)
                {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, inner) in map.iter_mut().filter(|(_, v)| v.is_object() || v.is_array()) {
                if let Some(known) = node.property(key).or_else(|| node.additional()) {
                    fill(known, inner);
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = node.items() else { return };
            for inner in list {
                fill(items, inner);
            }
        }
        _ => {}
    }
}

/// Reads values as the server does: null where null is no value counts as not said (what has a default is left for
/// [`fill`]), and a whole number is one however it is written.
pub(crate) fn coerce(node: Node<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => map.retain(|key, inner| {
            let Some(known) = node.property(key).or_else(|| node.additional()) else { return true };
            if inner.is_null() {
                return known.schema.get("default").is_some();
            }
            coerce(known, inner);
            true
        }),
        Value::Array(list) => {
            let Some(items) = node.items() else { return };
            for inner in list {
                coerce(items, inner);
            }
        }
        Value::Number(number) if node.kind() == "integer" && number.is_f64() && is_whole(number) => {
            if let Some(float) = number.as_f64() {
                *value = Value::from(float as i64);
            }
        }
        _ => {}
    }
}

/// Holds a value of a custom resource against its schema.
pub(crate) fn check(node: Node<'_>, value: &Value, path: &str, out: &mut Vec<Fault>) {
    if let Some(wanted) = misfit(node, value) {
        let (wanted, is) = mismatch(node, value, wanted);
        let said = format!("Invalid value: \"{is}\": {path} in body must be of type {wanted}: \"{is}\"");
        out.push(("FieldValueTypeInvalid", path.to_owned(), said));
    }
    match value {
        Value::Object(map) => check_object(node, map, path, out),
        Value::Array(list) => {
            let Some(items) = node.items() else { return };
            for (at, inner) in list.iter().enumerate() {
                check(items, inner, &format!("{path}[{at}]"), out);
            }
        }
        _ => check_scalar(node, value, path, out),
    }
}

fn check_object(node: Node<'_>, map: &Map<String, Value>, path: &str, out: &mut Vec<Fault>) {
    for key in node.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(key) {
            out.push(("FieldValueRequired", join(path, key), "Required value".to_owned()));
        }
    }
    for (key, inner) in map {
        if let Some(known) = node.property(key).or_else(|| node.additional()) {
            check(known, inner, &join(path, key), out);
        }
    }
}

/// The wanted type and the one that is there, as they are told: a format stands for its type, except against a text.
fn mismatch<'n>(node: Node<'n>, value: &Value, wanted: &'n str) -> (&'n str, &'static str) {
    match node.schema["format"].as_str() {
        Some(format) if !value.is_string() && !value.is_array() && !value.is_null() => {
            let is = match value {
                Value::Number(number) if is_whole(number) => "int64",
                Value::Number(_) => "float64",
                _ => "",
            };
            (format, is)
        }
        _ => (wanted, type_of(value)),
    }
}

/// Whether a number is one of a format of integers.
fn holds(format: &str, number: &serde_json::Number) -> bool {
    let narrow = || number.as_f64().is_some_and(|n| f64::from(i32::MIN) <= n && n <= f64::from(i32::MAX));
    is_whole(number) && (format != "int32" || narrow())
}

/// A number that is none of its format is told without its field, as the server does.
fn check_range(node: Node<'_>, number: &serde_json::Number, path: &str, out: &mut Vec<Fault>) {
    let Some(format) = node.schema["format"].as_str().filter(|_| node.kind() == "integer") else { return };
    if !holds(format, number) {
        let said = format!("Invalid value: \"\": Checked value must be of type integer with format {format} in {path}");
        out.push(("FieldValueInvalid", NOWHERE.to_owned(), said));
    }
}

fn check_scalar(node: Node<'_>, value: &Value, path: &str, out: &mut Vec<Fault>) {
    if let Value::Number(number) = value {
        check_range(node, number, path, out);
    }
    if let Some(known) = node.schema["enum"].as_array().filter(|known| !known.contains(value)) {
        let known: Vec<String> = known.iter().map(Value::to_string).collect();
        let said = format!("Unsupported value: {value}: supported values: {}", known.join(", "));
        out.push(("FieldValueNotSupported", path.to_owned(), said));
    }
    if let (Some(text), Some(pattern)) = (value.as_str(), node.schema["pattern"].as_str())
        && node.all.patterns.get(pattern).is_some_and(|p| !p.is_match(text))
    {
        let said = format!("Invalid value: {value}: {path} in body should match '{pattern}'");
        out.push(("FieldValueInvalid", path.to_owned(), said));
    }
    if let (Some(number), Some(least)) = (value.as_f64(), node.schema["minimum"].as_f64())
        && number < least
    {
        let said = format!("Invalid value: {value}: {path} in body should be greater than or equal to {least}");
        out.push(("FieldValueInvalid", path.to_owned(), said));
    }
}

/// The first value of a built-in kind that its Go type can't take, in the words of Go's decoder.
pub(crate) fn mistyped(node: Node<'_>, value: &Value, path: &str, holder: &str) -> Option<String> {
    if value.is_null() {
        return None;
    }
    if let (Value::Number(number), Some(format), "integer") = (value, node.schema["format"].as_str(), node.kind())
        && !holds(format, number)
    {
        let wanted = format!("into Go struct field {holder}.{path} of type {format}");
        return Some(format!("json: cannot unmarshal number {number} {wanted}"));
    }
    // A quantity may be any number.
    let is_amount = value.is_number() && node.is("x-kubernetes-int-or-string") && node.schema["pattern"].is_string();
    if misfit(node, value).is_some() && !is_amount {
        if node.is("x-kubernetes-int-or-string") {
            return Some("json: cannot unmarshal value into Go value of type quantity or int-or-string".to_owned());
        }
        let kind = match type_of(value) {
            "boolean" => "bool",
            "integer" => "number",
            other => other,
        };
        let wanted = go_type(node);
        return Some(format!("json: cannot unmarshal {kind} into Go struct field {holder}.{path} of type {wanted}"));
    }
    if let (Some(text), Some(pattern)) = (value.as_str(), node.schema["pattern"].as_str())
        && node.all.patterns.get(pattern).is_some_and(|p| !p.is_match(text))
    {
        return Some(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".to_owned(),
        );
    }
    if let (Some(text), Some("date-time")) = (value.as_str(), node.schema["format"].as_str())
        && let Some(why) = time::wrong(text)
    {
        return Some(why);
    }
    match value {
        Value::Object(map) => map.iter().find_map(|(key, inner)| {
            let holder = node.title().unwrap_or(holder);
            match node.property(key) {
                Some(known) => mistyped(known, inner, &join(path, key), holder),
                // Go names the map, not its key.
                None => mistyped(node.additional()?, inner, path, holder),
            }
        }),
        Value::Array(list) => list.iter().find_map(|inner| mistyped(node.items()?, inner, path, holder)),
        _ => None,
    }
}

/// The type that was wanted, if `value` is of another.
fn misfit(node: Node<'_>, value: &Value) -> Option<&'static str> {
    if node.is("x-kubernetes-int-or-string") {
        return (!(value.is_i64() || value.is_u64() || value.is_string())).then_some("integer,string");
    }
    let fits = match node.kind() {
        "object" => return (!value.is_object()).then_some("object"),
        "array" => return (!value.is_array()).then_some("array"),
        "string" => return (!value.is_string()).then_some("string"),
        "boolean" => return (!value.is_boolean()).then_some("boolean"),
        "integer" => return (!value.as_number().is_some_and(is_whole)).then_some("integer"),
        "number" => value.is_number(),
        _ => true,
    };
    (!fits).then_some("number")
}

/// Whether Go reads it as a whole number.
fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.as_f64().is_some_and(|f| number.is_f64() && f.fract() == 0.0 && f.abs() <= EXACT)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn go_type(node: Node<'_>) -> String {
    match node.kind() {
        "array" => format!("[]{}", node.items().map(go_type).unwrap_or_default()),
        "object" => match (node.title(), node.additional()) {
            (Some(title), _) => format!("v1.{title}"),
            (None, Some(inner)) => format!("map[string]{}", go_type(inner)),
            (None, None) => "map[string]interface {}".to_owned(),
        },
        "integer" => node.schema["format"].as_str().unwrap_or("int64").to_owned(),
        "boolean" => "bool".to_owned(),
        other => other.to_owned(),
    }
}

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
