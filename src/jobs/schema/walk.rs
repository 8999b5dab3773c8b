//! A manifest against its kind's schema: every field that is unknown, missing or of the wrong type.

use serde_json::{Map, Value};

use super::shape::Shape;
use super::words;
use crate::jobs::manifest::text::joined;
use crate::jobs::near::nearest;

/// What does not fit, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    /// JSON pointer.
    pub at: String,
    /// What is wrong there.
    pub wrong: Wrong,
}

/// In which way something does not fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    /// A field that the schema doesn't have: the API server drops it. Perhaps the other word was meant.
    Unknown(Option<&'static str>),
    /// A field that must be there.
    Missing,
    /// A value of another type: wanted, and what it is.
    Type(&'static str, &'static str),
    /// A number that is too large for its field, or has a fraction.
    Range,
    /// None of these words.
    Word(Vec<&'static str>),
    /// No quantity.
    Quantity,
}

/// All misfits of an object, in the order of its fields by name.
pub fn walk(shape: Shape<'static>, object: &Value) -> Vec<Misfit> {
    let mut out = Vec::new();
    look(shape, object, "", &mut out);
    out
}

fn look(shape: Shape<'static>, value: &Value, at: &str, out: &mut Vec<Misfit>) {
    if let Some(wanted) = wanted(shape, value) {
        out.push(Misfit { at: at.to_owned(), wrong: Wrong::Type(wanted, type_of(value)) });
        return;
    }
    match value {
        Value::Object(map) => object(shape, map, at, out),
        Value::Array(list) => {
            let Some(items) = shape.items() else { return };
            for (i, item) in list.iter().enumerate() {
                look(items, item, &joined(at, &i.to_string()), out);
            }
        }
        _ => {
            if let Some(wrong) = scalar(shape, value) {
                out.push(Misfit { at: at.to_owned(), wrong });
            }
        }
    }
}

fn object(shape: Shape<'static>, map: &Map<String, Value>, at: &str, out: &mut Vec<Misfit>) {
    let lacks = |key: &&str| map.get(*key).is_none_or(Value::is_null) && !(*key == "name" && words::may_lack_name(at));
    for key in shape.required().filter(lacks) {
        out.push(Misfit { at: joined(at, key), wrong: Wrong::Missing });
    }
    for (key, inner) in map {
        let here = joined(at, key);
        match shape.property(key).or_else(|| shape.additional()) {
            // The API server takes null for «not said».
            Some(_) if inner.is_null() => {}
            Some(known) => look(known, inner, &here, out),
            None if shape.is_open() => {}
            None => {
                let near = nearest(key, shape.fields().iter().map(|field| field.name));
                out.push(Misfit { at: here, wrong: Wrong::Unknown(near) });
            }
        }
    }
}

fn scalar(shape: Shape<'static>, value: &Value) -> Option<Wrong> {
    let words: Vec<_> = shape.allowed().collect();
    if !words.is_empty() && !value.as_str().is_some_and(|text| words.contains(&text)) {
        return Some(Wrong::Word(words));
    }
    if value.as_str().is_some_and(|text| !shape.pattern_fits(text)) {
        return Some(Wrong::Quantity);
    }
    let too_large = shape.is_small() && value.as_i64().is_none_or(|n| i32::try_from(n).is_err());
    (value.is_number() && (too_large || shape.kind() == "integer" && value.is_f64())).then_some(Wrong::Range)
}

/// The type that was wanted, if `value` is of another.
fn wanted(shape: Shape<'static>, value: &Value) -> Option<&'static str> {
    if shape.is_int_or_string() {
        return (!(value.is_i64() || value.is_u64() || value.is_string())).then_some("a whole number or text");
    }
    let (fits, wanted) = match shape.kind() {
        "object" => (value.is_object(), "a map"),
        "array" => (value.is_array(), "a list"),
        "string" => (value.is_string(), "text"),
        "boolean" => (value.is_boolean(), "true or false"),
        "integer" => (value.is_number(), "a whole number"),
        "number" => (value.is_number(), "a number"),
        _ => (true, ""),
    };
    (!fits).then_some(wanted)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
