//! What objects look like: the schemas behind checks, defaults and `OpenAPI`, made from Rust types.
//!
//! Built-in kinds and pod templates come from k8s-openapi's types, the job kinds from `jobs::schema`. Owns reading them
//! ([`Schemas`]) and what follows for a value ([`walk`]). Must not know HTTP nor the store's contents.

mod duplicates;
mod keyed;
mod rules;
mod time;
mod walk;

use std::collections::HashMap;
use std::sync::OnceLock;

use k8s_openapi::api::{
    apps::v1 as apps, authentication::v1 as authentication, authorization::v1 as authorization, batch::v1 as batch,
    coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery, events::v1 as events,
    networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac, scheduling::v1 as scheduling,
    storage::v1 as storage,
};
use regex::Regex;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    jobs::schema::{META, PLACE, tidy, types as jobs},
    sim::resource::{
        BUDGETS, CLAIMS, CLUSTERROLEBINDINGS, CLUSTERROLES, CONFIGMAPS, DEPLOYMENTS, ENDPOINTS, ENDPOINTSLICES, EVENTS,
        EVENTS_NEWER, JAXJOBS, JOBS, LEASES, LIMITRANGES, MPIJOBS, MPIJOBS_V1, NAMESPACES, NETWORKPOLICIES, NODES,
        PADDLEJOBS, PODS, PRIORITYCLASSES, PYTORCHJOBS, QUOTAS, REPLICASETS, ROLEBINDINGS, ROLES, Resource, SECRETS,
        SERVICEACCOUNTS, SERVICES, STORAGECLASSES, TFJOBS, TRAINJOBS, VOLUMES, XGBOOSTJOBS,
    },
};
pub(crate) use duplicates::duplicates;
pub(crate) use keyed::repeated;
pub(crate) use rules::{broken, has_rules};
pub(crate) use walk::{Fault, NOWHERE, check, coerce, fill, mistyped, prune};

/// All schemas: definitions that name each other.
pub(crate) struct Schemas {
    definitions: Map<String, Value>,
    roots: HashMap<Key, String>,
    patterns: HashMap<String, Regex>,
}

/// What has a schema without being stored.
const REVIEWS: [(Key, Maker); 6] = [
    (("authentication.k8s.io", "v1", "TokenRequest"), of::<authentication::TokenRequest>),
    (("authentication.k8s.io", "v1", "SelfSubjectReview"), of::<authentication::SelfSubjectReview>),
    (("authorization.k8s.io", "v1", "LocalSubjectAccessReview"), of::<authorization::LocalSubjectAccessReview>),
    (("authorization.k8s.io", "v1", "SelfSubjectAccessReview"), of::<authorization::SelfSubjectAccessReview>),
    (("authorization.k8s.io", "v1", "SelfSubjectRulesReview"), of::<authorization::SelfSubjectRulesReview>),
    (("authorization.k8s.io", "v1", "SubjectAccessReview"), of::<authorization::SubjectAccessReview>),
];

/// Group, version and kind.
type Key = (&'static str, &'static str, &'static str);

impl Schemas {
    /// The schemas of what the sim can serve, made once.
    pub(crate) fn all() -> &'static Self {
        static ALL: OnceLock<Schemas> = OnceLock::new();
        ALL.get_or_init(Self::build)
    }

    fn build() -> Self {
        let settings = SchemaSettings::draft07().with(|s| {
            s.definitions_path = PLACE.trim_start_matches('#').trim_end_matches('/').into();
            s.transforms.clear();
            s.meta_schema = None;
        });
        let mut maker = settings.into_generator();
        maker.subschema_for::<k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>();
        let mut roots = HashMap::new();
        for (resource, make) in BUILT_IN {
            let name = name_of(&make(&mut maker));
            roots.insert(key(resource), name);
        }
        for (key, make) in REVIEWS {
            let name = name_of(&make(&mut maker));
            roots.insert(key, name);
        }
        let mut custom = Vec::new();
        for (resource, spec, status) in CUSTOM {
            let name = definition_name(resource);
            let properties = json!({"spec": spec(&mut maker), "status": status(&mut maker)});
            custom.push((name.clone(), jobs::root(resource.kind, &properties)));
            roots.insert(key(resource), name);
        }
        let mut definitions = maker.take_definitions(true);
        definitions.extend(custom);
        tidy::tidy(&mut definitions);
        keyed::mark(&mut definitions);
        for (&(group, version, kind), name) in &roots {
            definitions[name]["x-kubernetes-group-version-kind"] =
                json!([{"group": group, "version": version, "kind": kind}]);
        }
        for (name, schema) in &mut definitions {
            let title = name.rsplit('.').next().unwrap_or(name);
            schema["title"] = json!(title);
        }
        let patterns = tidy::patterns(&definitions);
        Self { definitions, roots, patterns }
    }

    /// The schema of a resource's objects; `None` where any object will do.
    pub(crate) fn of(&self, resource: &Resource) -> Option<Node<'_>> {
        self.node(self.roots.get(&key(resource))?)
    }

    fn node(&self, name: &str) -> Option<Node<'_>> {
        Some(Node { all: self, schema: self.definitions.get(name)? })
    }

    /// The metadata of every object.
    pub(crate) fn metadata(&self) -> Option<Node<'_>> {
        self.node(META)
    }

    /// The definitions that these resources need, as `components.schemas` holds them. Those of custom resources have
    /// everything but the metadata in them; a kind without a schema of its own takes anything.
    pub(crate) fn components(&self, resources: &[&Resource]) -> Map<String, Value> {
        let mut found = Map::new();
        let mut open = Vec::new();
        for resource in resources {
            let Some(name) = self.roots.get(&key(resource)) else {
                let anything = json!({"spec": tidy::anything(), "status": tidy::anything()});
                let mut root = jobs::root(resource.kind, &anything);
                root["x-kubernetes-group-version-kind"] =
                    json!([{"group": resource.group, "version": resource.version, "kind": resource.kind}]);
                open.push(META.to_owned());
                found.insert(definition_name(resource), root);
                continue;
            };
            match self.definitions.get(name).filter(|_| resource.custom) {
                Some(schema) => {
                    open.push(META.to_owned());
                    found.insert(name.clone(), self.whole(schema));
                }
                None => open.push(name.clone()),
            }
        }
        while let Some(name) = open.pop() {
            let Some(schema) = self.definitions.get(&name).filter(|_| !found.contains_key(&name)) else { continue };
            tidy::references(schema, &mut open);
            found.insert(name, schema.clone());
        }
        found
    }

    /// A schema with what it refers to put in its place. Metadata stays a reference; nothing refers to itself.
    fn whole(&self, schema: &Value) -> Value {
        match schema {
            Value::Array(list) => list.iter().map(|inner| self.whole(inner)).collect(),
            Value::Object(map) => {
                let reference = map.get("$ref").or_else(|| map.get("allOf")?.get(0)?.get("$ref"));
                let name = reference.and_then(Value::as_str).and_then(|r| r.strip_prefix(PLACE)).filter(|n| *n != META);
                if let Some(definition) = name.and_then(|name| self.definitions.get(name)) {
                    let mut inner = self.whole(definition);
                    if let Some(said) = map.get("description") {
                        inner["description"] = said.clone();
                    }
                    if let Value::Object(inner) = &mut inner {
                        inner.remove("title");
                    }
                    return inner;
                }
                Value::Object(map.iter().map(|(key, inner)| (key.clone(), self.whole(inner))).collect())
            }
            other => other.clone(),
        }
    }

    /// The definition's name of a resource's objects.
    pub(crate) fn name(&self, resource: &Resource) -> String {
        self.roots.get(&key(resource)).cloned().unwrap_or_else(|| definition_name(resource))
    }
}

/// A place in a schema.
#[derive(Clone, Copy)]
pub(crate) struct Node<'s> {
    all: &'s Schemas,
    schema: &'s Value,
}

impl<'s> Node<'s> {
    fn at(self, schema: &'s Value) -> Self {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        let found = reference.and_then(|r| self.all.definitions.get(r.strip_prefix(PLACE)?));
        Self { all: self.all, schema: found.unwrap_or(schema) }
    }

    fn property(self, key: &str) -> Option<Self> {
        self.schema["properties"].get(key).map(|s| self.at(s))
    }

    fn additional(self) -> Option<Self> {
        self.schema.get("additionalProperties").filter(|s| s.is_object()).map(|s| self.at(s))
    }

    fn items(self) -> Option<Self> {
        self.schema.get("items").map(|s| self.at(s))
    }

    fn is(self, flag: &str) -> bool {
        self.schema[flag] == true
    }

    /// The name of the type, without its package.
    fn title(self) -> Option<&'s str> {
        self.schema["title"].as_str()
    }

    fn kind(self) -> &'s str {
        self.schema["type"].as_str().unwrap_or_default()
    }
}

fn key(resource: &Resource) -> Key {
    (resource.group, resource.version, resource.kind)
}

/// `io.kubeflow.v2beta1.MPIJob`: the group turned round, as the API server names custom resources.
fn definition_name(resource: &Resource) -> String {
    let turned: Vec<&str> = resource.group.rsplit('.').collect();
    format!("{}.{}.{}", turned.join("."), resource.version, resource.kind)
}

fn name_of(reference: &schemars::Schema) -> String {
    let text = reference.get("$ref").and_then(Value::as_str).unwrap_or_default();
    text.strip_prefix(PLACE).unwrap_or(text).to_owned()
}

type Maker = fn(&mut SchemaGenerator) -> schemars::Schema;

fn of<T: JsonSchema>(maker: &mut SchemaGenerator) -> schemars::Schema {
    maker.subschema_for::<T>()
}

static BUILT_IN: &[(&Resource, Maker)] = &[
    (&NAMESPACES, of::<core::Namespace>),
    (&PODS, of::<core::Pod>),
    (&EVENTS, of::<core::Event>),
    (&SERVICES, of::<core::Service>),
    (&CONFIGMAPS, of::<core::ConfigMap>),
    (&SECRETS, of::<core::Secret>),
    (&NODES, of::<core::Node>),
    (&SERVICEACCOUNTS, of::<core::ServiceAccount>),
    (&CLAIMS, of::<core::PersistentVolumeClaim>),
    (&QUOTAS, of::<core::ResourceQuota>),
    (&LIMITRANGES, of::<core::LimitRange>),
    (&DEPLOYMENTS, of::<apps::Deployment>),
    (&JOBS, of::<batch::Job>),
    (&BUDGETS, of::<policy::PodDisruptionBudget>),
    (&PRIORITYCLASSES, of::<scheduling::PriorityClass>),
    (&STORAGECLASSES, of::<storage::StorageClass>),
    (&NETWORKPOLICIES, of::<networking::NetworkPolicy>),
    (&VOLUMES, of::<core::PersistentVolume>),
    (&ENDPOINTS, of::<core::Endpoints>),
    (&ENDPOINTSLICES, of::<discovery::EndpointSlice>),
    (&LEASES, of::<coordination::Lease>),
    (&EVENTS_NEWER, of::<events::Event>),
    (&REPLICASETS, of::<apps::ReplicaSet>),
    (&ROLES, of::<rbac::Role>),
    (&ROLEBINDINGS, of::<rbac::RoleBinding>),
    (&CLUSTERROLES, of::<rbac::ClusterRole>),
    (&CLUSTERROLEBINDINGS, of::<rbac::ClusterRoleBinding>),
];

static CUSTOM: &[(&Resource, Maker, Maker)] = &[
    (&MPIJOBS, of::<jobs::MpiJobSpec>, of::<jobs::JobStatus>),
    (&MPIJOBS_V1, of::<jobs::MpiJobV1Spec>, of::<jobs::JobStatus>),
    (&PYTORCHJOBS, of::<jobs::PyTorchJobSpec>, of::<jobs::JobStatus>),
    (&TFJOBS, of::<jobs::TfJobSpec>, of::<jobs::JobStatus>),
    (&XGBOOSTJOBS, of::<jobs::XgBoostJobSpec>, of::<jobs::JobStatus>),
    (&PADDLEJOBS, of::<jobs::PaddleJobSpec>, of::<jobs::JobStatus>),
    (&JAXJOBS, of::<jobs::JaxJobSpec>, of::<jobs::JobStatus>),
    (&TRAINJOBS, of::<jobs::TrainJobSpec>, of::<jobs::TrainJobStatus>),
];

#[cfg(test)]
mod tests;
