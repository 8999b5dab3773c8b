//! Label and field selectors, as far as a real server takes them.

use serde_json::Value;

use super::labels::{self, LabelTerm, LabelTest};
use super::{Object, Refusal, Resource};

/// Both selectors of a request; the default matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<LabelTerm>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, PartialEq)]
struct FieldTerm {
    path: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Reads both; empty texts match everything.
    pub fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, Refusal> {
        let mut parsed = Self {
            labels: labels::parse(labels).map_err(Refusal::bad_request)?,
            fields: split(fields)
                .into_iter()
                .map(field_term)
                .collect::<Result<_, _>>()
                .map_err(Refusal::bad_request)?,
        };
        for term in &mut parsed.fields {
            let known = ["metadata.name", "metadata.namespace"].contains(&term.path.as_str())
                || resource.selectable.contains(&term.path.as_str());
            if !known {
                return Err(Refusal::bad_request(unsupported(resource, &term.path)));
            }
            if resource.kept_as.is_some() {
                term.path = kept_path(&term.path);
            }
        }
        Ok(parsed)
    }

    /// Only objects that a selector in a manifest means, with its `matchLabels` and `matchExpressions`.
    pub fn of_manifest(resource: &Resource, selector: &Value) -> Result<Self, Refusal> {
        Self::parse(resource, &written(selector), "")
    }

    /// The one name that fields ask for, whatever the resource and whatever else they ask; none if they can't be read.
    pub fn named_by(fields: &str) -> Option<String> {
        let fields = split(fields).into_iter().map(field_term).collect::<Result<_, _>>().ok()?;
        Self { fields, ..Self::default() }.name().map(str::to_owned)
    }

    /// Only objects whose label has this value.
    pub fn label(key: &str, value: &str) -> Self {
        let term = LabelTerm { key: key.to_owned(), test: LabelTest::In(vec![value.to_owned()]) };
        Self { labels: vec![term], fields: Vec::new() }
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether `object` is meant.
    pub fn matches(&self, resource: &Resource, object: &Object) -> bool {
        self.labels.iter().all(|term| term.matches(object.label(&term.key)))
            && self.fields.iter().all(|t| (object.field(resource, &t.path) == Some(t.value.as_str())) == t.equal)
    }

    /// The one value that `key` must have, if the selector says so.
    pub fn required(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|t| t.key == key).and_then(|t| match &t.test {
            LabelTest::In(values) if values.len() == 1 => values.first().map(String::as_str),
            _ => None,
        })
    }

    /// The one name that is asked for, if any.
    pub fn name(&self) -> Option<&str> {
        self.fields.iter().find(|t| t.equal && t.path == "metadata.name").map(|t| t.value.as_str())
    }
}

/// A selector of a manifest, written as in a query.
fn written(selector: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut terms: Vec<String> = labels.map(|(key, value)| format!("{key}={}", text(value))).collect();
    for rule in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = text(&rule["key"]);
        let values: Vec<String> = rule["values"].as_array().into_iter().flatten().map(text).collect();
        terms.push(match rule["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key,
        });
    }
    terms.join(",")
}

/// What a field of the newer events is called in those that are kept.
fn kept_path(path: &str) -> String {
    match path {
        "reportingController" => "reportingComponent".to_owned(),
        _ => path.replacen("regarding.", "involvedObject.", 1),
    }
}

/// How a server refuses a field that can't select.
fn unsupported(resource: &Resource, path: &str) -> String {
    match (resource.group, resource.plural) {
        ("batch", _) => format!("field label \"{path}\" not supported for {}", resource.kind),
        _ if resource.custom || !resource.selectable.is_empty() => format!("field label not supported: {path}"),
        _ => format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
    }
}

/// The terms between commas; one behind a backslash is part of a value.
fn split(text: &str) -> Vec<&str> {
    let (mut terms, mut from, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == ',' && !escaped {
            terms.push(&text[from..at]);
            from = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    terms.push(&text[from..]);
    terms.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect()
}

/// A value without the backslashes before what would have a meaning.
fn unescaped(value: &str) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), value.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                other => {
                    let after = other.map_or_else(String::new, String::from);
                    return Err(format!("invalid field selector: invalid escape sequence: \\{after}"));
                }
            },
            ',' | '=' => {
                let code = u32::from(c);
                return Err(format!("invalid field selector: unescaped character in value: {code}"));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

fn field_term(text: &str) -> Result<FieldTerm, String> {
    let (path, value, equal) = if let Some((path, value)) = text.split_once("!=") {
        (path, value, false)
    } else if let Some((path, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (path, value, true)
    } else {
        return Err(format!("invalid selector: '{text}'; can't understand '{text}'"));
    };
    Ok(FieldTerm { path: path.trim().to_owned(), value: unescaped(value.trim())?, equal })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sim::store::object::Recent;
    use crate::sim::store::resource::{MPIJOBS, PODS};
    use serde_json::json;

    fn pod() -> Object {
        let tree = json!({"metadata": {"name": "a", "namespace": "n", "labels": {"app": "x", "role": "worker"}},
            "status": {"phase": "Running"}});
        Object::new(&PODS, Arc::new(tree), 1, &Arc::new(Recent::default()))
    }

    #[test]
    fn selectors_select_as_documented() {
        for (labels, fields, expected) in [
            ("", "", true),
            ("app=x,role==worker", "", true),
            ("app!=x", "", false),
            ("other!=x", "", true),
            ("app", "", true),
            ("!app", "", false),
            ("!other", "", true),
            ("app in (y, x),role", "", true),
            ("app notin (y,x)", "", false),
            ("other notin (y)", "", true),
            ("", "status.phase=Running,metadata.name=a", true),
            ("", "status.phase!=Running", false),
            ("", "spec.nodeName=", true),
            ("", "spec.hostNetwork=false,status.podIPs=", true),
            ("", r"metadata.name=a\,b", false),
            ("", r"metadata.name!=a\=b\\", true),
        ] {
            let selector = Selector::parse(&PODS, labels, fields).unwrap();
            assert_eq!(selector.matches(&PODS, &pod()), expected, "{labels} {fields}");
        }
    }

    #[test]
    fn selectors_of_manifests_are_written_as_in_a_query() {
        let selector = json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d", "e"]}]});
        assert_eq!(written(&selector), "a=b,c in (d,e)");
    }

    #[test]
    fn what_cannot_be_selected_is_refused_in_the_servers_words() {
        let refusal = Selector::parse(&MPIJOBS, "", "status.phase=Running").unwrap_err();
        assert_eq!(refusal.code, 400);
        assert_eq!(refusal.message, "field label not supported: status.phase");
        assert_eq!(Selector::parse(&PODS, "a in x", "").unwrap_err().code, 400);
        assert_eq!(Selector::parse(&PODS, "", "nonsense").unwrap_err().code, 400);
        for (fields, said) in [
            (r"metadata.name=a\", r"invalid escape sequence: \"),
            (r"metadata.name=a\b", r"invalid escape sequence: \b"),
            ("metadata.name=a=b", "unescaped character in value: 61"),
        ] {
            let refusal = Selector::parse(&PODS, "", fields).unwrap_err();
            assert_eq!(refusal.message, format!("invalid field selector: {said}"));
        }
    }
}
