//! Somebody who is signed in, and what that one may do.

use serde_json::{Value, json};

use super::rights::{allows, grants};
use crate::sim::asked::Asked;
use crate::sim::store::{Refusal, Store};

/// The group that may do everything, whatever roles say.
pub(super) const MASTERS: &str = "system:masters";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct User {
    /// As refusals name it.
    pub name: String,
    /// Its groups.
    pub groups: Vec<String>,
    store: Store,
}

/// The groups of a name that nobody has given any: service accounts have some by their names.
pub(super) fn groups_of(name: &str) -> Vec<String> {
    let account = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    account.map_or_else(Vec::new, |(namespace, _)| {
        vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
    })
}

impl User {
    pub(super) fn new(store: &Store, name: &str, groups: Vec<String>) -> Self {
        Self { name: name.to_owned(), groups, store: store.clone() }
    }

    /// By which binding a request is allowed, in the words of an access review; empty for who needs none.
    pub fn allowed_by(&self, asked: &Asked) -> Option<String> {
        if self.is_master() {
            return Some(String::new());
        }
        let grants = grants(&self.store, &self.name, &self.groups, &asked.namespace);
        let grant = grants.into_iter().find(|grant| grant.rules().iter().any(|rule| allows(rule, asked)))?;
        Some(format!("RBAC: allowed by {}", grant.by))
    }

    /// Whether roles don't matter.
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// Refuses what the user may not do.
    pub fn check(&self, asked: &Asked) -> Result<(), Refusal> {
        if self.allowed_by(asked).is_some() { Ok(()) } else { Err(self.forbidden(asked)) }
    }

    fn forbidden(&self, asked: &Asked) -> Refusal {
        if asked.resource.is_empty() {
            let message = format!("forbidden: User \"{}\" cannot {} path \"{}\"", self.name, asked.verb, asked.path);
            return Refusal { details: json!({}), ..Refusal::new(403, "Forbidden", message) };
        }
        let of = if asked.group.is_empty() { String::new() } else { format!(".{}", asked.group) };
        let name = if asked.name.is_empty() { String::new() } else { format!(" \"{}\"", asked.name) };
        let place = if asked.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", asked.namespace)
        };
        let message = format!(
            "{}{of}{name} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            asked.resource,
            self.name,
            asked.verb,
            asked.full_resource(),
            asked.group
        );
        let mut details = json!({"kind": asked.resource});
        for (key, text) in [("name", &asked.name), ("group", &asked.group)] {
            if !text.is_empty() {
                details[key] = json!(text);
            }
        }
        Refusal { details, ..Refusal::new(403, "Forbidden", message) }
    }

    /// The rules that hold in `namespace` for resources, and those for paths, for a rules review.
    pub fn rules_in(&self, namespace: &str) -> (Vec<Value>, Vec<Value>) {
        let grants = grants(&self.store, &self.name, &self.groups, namespace);
        let mut rules: Vec<Value> = grants.iter().flat_map(|grant| grant.rules().iter().cloned()).collect();
        if self.is_master() && grants.is_empty() {
            rules.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        }
        let of_path = |rule: &Value| rule["nonResourceURLs"].is_array();
        let (paths, resources) = rules.into_iter().partition(of_path);
        (resources, paths)
    }
}
