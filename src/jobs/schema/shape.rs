//! A place in a kind's schema: its fields, their types, words and descriptions.

use std::{collections::HashMap, sync::OnceLock};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use regex::Regex;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{PLACE, tidy, types, words};
use crate::jobs::Kind;
use crate::jobs::manifest::text::split;

/// Schemas that refer to each other by name.
#[derive(Debug)]
pub(super) struct Definitions {
    all: Map<String, Value>,
    patterns: HashMap<String, Regex>,
}

impl Definitions {
    /// These, of which no pattern is held against a value.
    pub(super) fn new(all: Map<String, Value>) -> Self {
        Self { all, patterns: HashMap::new() }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

type Maker = fn(&mut SchemaGenerator) -> schemars::Schema;

fn of<T: JsonSchema>(maker: &mut SchemaGenerator) -> schemars::Schema {
    maker.subschema_for::<T>()
}

/// Specs by kind.
static SPECS: [(Kind, Maker); 8] = [
    (Kind::MpiJob, of::<types::MpiJobSpec>),
    (Kind::MpiJobV1, of::<types::MpiJobV1Spec>),
    (Kind::PyTorchJob, of::<types::PyTorchJobSpec>),
    (Kind::TfJob, of::<types::TfJobSpec>),
    (Kind::XgBoostJob, of::<types::XgBoostJobSpec>),
    (Kind::PaddleJob, of::<types::PaddleJobSpec>),
    (Kind::JaxJob, of::<types::JaxJobSpec>),
    (Kind::TrainJob, of::<types::TrainJobSpec>),
];

fn root(kind: Kind) -> String {
    format!("{}.{}", kind.info().version, kind.info().kind)
}

/// Ours, made once.
fn definitions() -> &'static Definitions {
    static ALL: OnceLock<Definitions> = OnceLock::new();
    ALL.get_or_init(|| {
        let settings = SchemaSettings::draft07().with(|s| {
            s.definitions_path = PLACE.trim_start_matches('#').trim_end_matches('/').into();
            s.transforms.clear();
            s.meta_schema = None;
        });
        let mut maker = settings.into_generator();
        maker.subschema_for::<ObjectMeta>();
        let status = tidy::anything();
        let roots: Vec<_> = SPECS
            .iter()
            .map(|(kind, make)| {
                let parts = json!({"spec": make(&mut maker), "status": status.clone()});
                (root(*kind), types::root(kind.info().kind, &parts))
            })
            .collect();
        let mut all = maker.take_definitions(true);
        all.extend(roots);
        tidy::tidy(&mut all);
        let patterns = tidy::patterns(&all);
        Definitions { all, patterns }
    })
}

/// A place in the schema of a kind.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    schema: &'a Value,
    of: &'a Definitions,
}

/// A field of an object, as completion offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its key.
    pub name: &'a str,
    /// `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty where several will do.
    pub kind: &'a str,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for.
    pub description: &'a str,
}

impl Shape<'static> {
    /// The shape of a kind's objects, as we know it.
    pub fn of(kind: Kind) -> Option<Self> {
        Self::in_definitions(definitions(), &root(kind))
    }
}

impl<'a> Shape<'a> {
    /// One of these definitions.
    pub(super) fn in_definitions(of: &'a Definitions, name: &str) -> Option<Self> {
        of.all.get(name).map(|schema| Self { schema, of })
    }

    /// The shape of what is at a path below; `None` where the schema knows nothing of it.
    pub fn at(self, pointer: &str) -> Option<Self> {
        split(pointer).iter().try_fold(self, |shape, step| shape.child(step))
    }

    /// The shape of a field, of a map's value, or of a list's item.
    pub fn child(self, step: &str) -> Option<Self> {
        self.property(step).or_else(|| self.additional()).or_else(|| self.items())
    }

    fn to(self, schema: &'a Value) -> Self {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        let found = reference.and_then(|r| self.of.all.get(r.strip_prefix(PLACE)?));
        Self { schema: found.unwrap_or(schema), of: self.of }
    }

    pub(super) fn property(self, key: &str) -> Option<Self> {
        self.schema["properties"].get(key).map(|schema| self.to(schema))
    }

    pub(super) fn additional(self) -> Option<Self> {
        self.schema.get("additionalProperties").filter(|s| s.is_object()).map(|schema| self.to(schema))
    }

    pub(super) fn items(self) -> Option<Self> {
        self.schema.get("items").map(|schema| self.to(schema))
    }

    /// Whether any field may be in it.
    pub(super) fn is_open(self) -> bool {
        self.schema["x-kubernetes-preserve-unknown-fields"] == true
            || self.kind() != "object"
            || self.schema.get("properties").is_none() && self.schema.get("additionalProperties").is_none()
    }

    pub(super) fn is_int_or_string(self) -> bool {
        self.schema["x-kubernetes-int-or-string"] == true
    }

    pub(super) fn is_small(self) -> bool {
        self.schema["format"] == "int32"
    }

    pub(super) fn pattern_fits(self, text: &str) -> bool {
        let pattern = self.schema["pattern"].as_str().and_then(|pattern| self.of.patterns.get(pattern));
        pattern.is_none_or(|pattern| pattern.is_match(text))
    }

    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty where several will do.
    pub fn kind(self) -> &'a str {
        self.schema["type"].as_str().unwrap_or_default()
    }

    /// What it is for.
    pub fn description(self) -> &'a str {
        self.schema["description"].as_str().unwrap_or_default()
    }

    /// The value that the API server puts in.
    pub fn default(self) -> Option<&'a Value> {
        self.schema.get("default")
    }

    /// The words that the schema allows, and no others.
    pub fn allowed(self) -> impl Iterator<Item = &'a str> {
        self.schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// The fields of an object, by name.
    pub fn fields(self) -> Vec<Field<'a>> {
        let required: Vec<_> = self.required().collect();
        let properties = self.schema["properties"].as_object().into_iter().flatten();
        properties
            .map(|(name, schema)| {
                let own = schema["description"].as_str();
                let shape = self.to(schema);
                let description = own.unwrap_or_else(|| shape.description());
                Field { name, kind: shape.kind(), required: required.contains(&name.as_str()), description }
            })
            .collect()
    }

    /// Words to offer for the value at a path below: the schema's, the operator's, true and false.
    pub fn words(self, pointer: &str) -> Vec<&'a str> {
        let Some(shape) = self.at(pointer) else { return Vec::new() };
        let allowed: Vec<_> = shape.allowed().collect();
        if !allowed.is_empty() {
            return allowed;
        }
        if shape.kind() == "boolean" { vec!["true", "false"] } else { words::known(&split(pointer)).to_vec() }
    }
}
