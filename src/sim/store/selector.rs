//! Label and field selectors, as far as a real server takes them.

use super::{Object, Refusal, Resource};

/// Both selectors of a request; the default matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<LabelTerm>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, PartialEq)]
struct LabelTerm {
    key: String,
    test: LabelTest,
}

#[derive(Clone, Debug, PartialEq)]
enum LabelTest {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
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
        let refuse = |why: String| {
            let api = format!("{}/{}", resource.group, resource.version);
            Refusal::bad_request(format!(
                "Unable to find \"{api}, Resource={}\" that match label selector \"{labels}\", field selector \"{fields}\": {why}",
                resource.plural
            ))
        };
        let parsed = Self {
            labels: split(labels)
                .into_iter()
                .map(label_term)
                .collect::<Result<_, _>>()
                .map_err(Refusal::bad_request)?,
            fields: split(fields)
                .into_iter()
                .map(field_term)
                .collect::<Result<_, _>>()
                .map_err(Refusal::bad_request)?,
        };
        for term in &parsed.fields {
            let known = ["metadata.name", "metadata.namespace"].contains(&term.path.as_str())
                || resource.selectable.contains(&term.path.as_str());
            if !known {
                return Err(refuse(format!("field label not supported: {}", term.path)));
            }
        }
        Ok(parsed)
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

impl LabelTerm {
    fn matches(&self, value: Option<&str>) -> bool {
        match &self.test {
            LabelTest::Exists => value.is_some(),
            LabelTest::Missing => value.is_none(),
            LabelTest::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
            LabelTest::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
        }
    }
}

/// Cuts at commas outside brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect()
}

fn label_term(text: &str) -> Result<LabelTerm, String> {
    let one = |value: &str| vec![value.trim().to_owned()];
    let (key, test) = if let Some(key) = text.strip_prefix('!') {
        (key, LabelTest::Missing)
    } else if let Some((key, value)) = text.split_once("!=") {
        (key, LabelTest::NotIn(one(value)))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (key, LabelTest::In(one(value)))
    } else if let Some((key, values)) = text.split_once(" notin ") {
        (key, LabelTest::NotIn(set(values)?))
    } else if let Some((key, values)) = text.split_once(" in ") {
        (key, LabelTest::In(set(values)?))
    } else {
        (text, LabelTest::Exists)
    };
    let key = key.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if key.is_empty() || !key.chars().all(allowed) {
        return Err(format!(
            "unable to parse requirement: <nil>: Invalid value: \"{key}\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ));
    }
    Ok(LabelTerm { key: key.to_owned(), test })
}

fn set(text: &str) -> Result<Vec<String>, String> {
    let inner = text.trim().strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    let inner = inner.ok_or_else(|| format!("unable to parse requirement: found '{}', expected: '('", text.trim()))?;
    Ok(inner.split(',').map(|v| v.trim().to_owned()).collect())
}

fn field_term(text: &str) -> Result<FieldTerm, String> {
    let (path, value, equal) = if let Some((path, value)) = text.split_once("!=") {
        (path, value, false)
    } else if let Some((path, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (path, value, true)
    } else {
        return Err(format!("invalid selector: '{text}'; can't understand '{text}'"));
    };
    Ok(FieldTerm { path: path.trim().to_owned(), value: value.trim().to_owned(), equal })
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
        ] {
            let selector = Selector::parse(&PODS, labels, fields).unwrap();
            assert_eq!(selector.matches(&PODS, &pod()), expected, "{labels} {fields}");
        }
    }

    #[test]
    fn what_cannot_be_selected_is_refused_in_the_servers_words() {
        let refusal = Selector::parse(&MPIJOBS, "", "status.phase=Running").unwrap_err();
        assert_eq!(refusal.code, 400);
        assert_eq!(
            refusal.message,
            "Unable to find \"kubeflow.org/v2beta1, Resource=mpijobs\" that match label selector \"\", field selector \"status.phase=Running\": field label not supported: status.phase"
        );
        assert_eq!(Selector::parse(&PODS, "a in x", "").unwrap_err().code, 400);
        assert_eq!(Selector::parse(&PODS, "", "nonsense").unwrap_err().code, 400);
    }
}
