//! The schema of a kind as a cluster serves it: its custom resource definition, which may be older or newer than ours.
//!
//! Owns the reading of an `OpenAPI` v3 document. Must not ask for one: `cluster::objects` does.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    shape::{Definitions, Shape},
    tidy,
};
use crate::jobs::{Clean, Kind};

/// Definitions that are followed from a kind's own.
const MOST: usize = 2_000;

/// See the module.
#[derive(Debug)]
pub struct Served {
    all: Definitions,
    root: String,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    components: Components<'a>,
}

#[derive(Deserialize)]
struct Components<'a> {
    #[serde(borrow)]
    schemas: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize)]
struct Mark {
    #[serde(rename = "x-kubernetes-group-version-kind", default)]
    of: Vec<GroupVersionKind>,
}

#[derive(Deserialize)]
struct GroupVersionKind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

impl Served {
    /// Out of the document of the kind's group and version; `None` if that says nothing of the kind. Only what the kind's
    /// definition leads to is kept: such a document may have megabytes.
    pub fn read(kind: Kind, document: &[u8]) -> Option<Self> {
        let document: Document<'_> = serde_json::from_slice(document).ok()?;
        let schemas = document.components.schemas;
        let info = kind.info();
        let is_it = |of: &GroupVersionKind| {
            (of.group.as_str(), of.version.as_str(), of.kind.as_str()) == (info.group, info.version, info.kind)
        };
        let marked =
            |raw: &RawValue| serde_json::from_str::<Mark>(raw.get()).is_ok_and(|mark| mark.of.iter().any(is_it));
        let root = schemas.iter().find(|(_, raw)| marked(raw))?.0.to_string();
        let (mut all, mut wanted) = (Map::new(), vec![root.clone()]);
        while let Some(name) = wanted.pop() {
            if all.contains_key(&name) || all.len() >= MOST {
                continue;
            }
            let Some(mut schema) = schemas.get(name.as_str()).and_then(|raw| serde_json::from_str(raw.get()).ok())
            else {
                continue;
            };
            clean(&mut schema);
            tidy::references(&schema, &mut wanted);
            all.insert(name, schema);
        }
        Some(Self { all: Definitions::new(all), root })
    }

    /// The shape of the kind's objects.
    pub fn shape(&self) -> Option<Shape<'_>> {
        Shape::in_definitions(&self.all, &self.root)
    }
}

/// Text from a cluster is shown and offered: descriptions are cleaned, names that are not what they seem are left out.
fn clean(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                let lines: Vec<_> = text.lines().map(|line| Clean::new(line).to_string()).collect();
                *text = lines.join("\n");
            }
            let is_plain = |text: &str| Clean::new(text).as_str() == text;
            if map.get("type").and_then(Value::as_str).is_some_and(|word| !is_plain(word)) {
                map.remove("type");
            }
            if let Some(Value::Object(fields)) = map.get_mut("properties") {
                fields.retain(|name, _| is_plain(name));
            }
            if let Some(Value::Array(words)) = map.get_mut("enum") {
                words.retain(|word| word.as_str().is_none_or(is_plain));
            }
            map.values_mut().for_each(clean);
        }
        _ => {}
    }
}

/// The document that has a kind's schema.
pub fn document_of(kind: Kind) -> String {
    let info = kind.info();
    format!("/openapi/v3/apis/{}/{}", info.group, info.version)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Vec<u8> {
        let of = |kind: &str| json!([{"group": "kubeflow.org", "version": "v2beta1", "kind": kind}]);
        let job = json!({"type": "object", "x-kubernetes-group-version-kind": of("MPIJob"), "properties": {
            "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}]},
            "spec": {"type": "object", "properties": {
                "elastic": {"type": "boolean", "description": "May \u{1b}[31mgrow."},
                "flavour": {"type": "string", "enum": ["small", "big\u{202e}"]},
                "odd": {"type": "str\u{202e}ing", "properties": {"type": {"type": "string"}}},
                "ev\u{7}il": {"type": "string"}}}}});
        let list = json!({"type": "object", "x-kubernetes-group-version-kind": of("MPIJobList")});
        let meta = json!({"type": "object", "properties": {"name": {"type": "string"}, "own": {"$ref": "#/components/schemas/Meta"}}});
        let all = json!({"MPIJobList": list, "MPIJob": job, "Meta": meta, "Other": {"type": "object"}});
        json!({"openapi": "3.0.0", "components": {"schemas": all}}).to_string().into_bytes()
    }

    #[test]
    fn a_kind_is_found_with_what_it_leads_to() {
        let served = Served::read(Kind::MpiJob, &document()).expect("it is there");
        assert_eq!(served.all.len(), 2, "the kind and its metadata");
        let spec = served.shape().and_then(|root| root.at("/spec")).expect("a spec");
        let names: Vec<_> = spec.fields().iter().map(|field| (field.name, field.description)).collect();
        assert_eq!(
            names,
            [("elastic", "May ?[31mgrow."), ("flavour", ""), ("odd", "")],
            "nothing of it can move a cursor"
        );
        let root = served.shape().expect("a root");
        assert_eq!(root.words("/spec/flavour"), ["small"]);
        assert_eq!(root.words("/spec/elastic"), ["true", "false"]);
        assert_eq!(root.at("/spec/odd").map(Shape::kind), Some(""));
        assert_eq!(root.at("/spec/odd/type").map(Shape::kind), Some("string"), "a field of that name is none");
        assert_eq!(root.at("/metadata/own/own/name").map(Shape::kind), Some("string"));
    }

    #[test]
    fn what_is_no_schema_of_the_kind_is_none() {
        assert!(Served::read(Kind::PyTorchJob, &document()).is_none());
        for text in ["", "{}", "[]", r#"{"components": {"schemas": 1}}"#] {
            assert!(Served::read(Kind::MpiJob, text.as_bytes()).is_none(), "{text}");
        }
    }
}
