//! Nobody gives rights away that he doesn't have: roles and bindings held against those of who writes them.
//!
//! Owns the check of `escalate` and `bind` and its words. What somebody may do is read by `users`. Asks the store, so it
//! must not be asked from within a write.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Admitted;
use crate::sim::asked::Asked;
use crate::sim::store::resource::{CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES};
use crate::sim::store::{Refusal, Resource, Store};
use crate::sim::value::{list, text};

/// Group, resource and name (if it is about one); none of a path.
type About = Option<(String, String, Option<String>)>;

/// One right of a rule that has several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    verb: String,
    of: About,
    /// A path; empty of a resource.
    path: String,
}

/// Refuses a role, or a binding of a role, with rights that its writer lacks.
pub(super) fn check(store: &Store, resource: &Resource, request: &Admitted, value: &Value) -> Result<(), Refusal> {
    let user = &request.user;
    if user.is_master() {
        return Ok(());
    }
    let namespace = text(value, "/metadata/namespace");
    let (verb, role, rules) = if [&ROLES, &CLUSTERROLES].contains(&resource) {
        ("escalate", (resource, text(value, "/metadata/name")), list(value, "/rules").to_vec())
    } else if [&ROLEBINDINGS, &CLUSTERROLEBINDINGS].contains(&resource) {
        let kind = if text(value, "/roleRef/kind") == "Role" { &ROLES } else { &CLUSTERROLES };
        let named = text(value, "/roleRef/name");
        let within = if kind.namespaced { namespace } else { "" };
        // What is not there can't be held against anything.
        let own_name = text(value, "/metadata/name");
        let role = store.get(kind, within, named).map_err(|_| Refusal::not_found(resource, own_name))?;
        ("bind", (kind, named), list(&role.value(), "/rules").to_vec())
    } else {
        return Ok(());
    };
    let may = Asked {
        verb: verb.into(),
        group: ROLES.group.into(),
        version: ROLES.version.into(),
        resource: role.0.plural.into(),
        namespace: namespace.into(),
        name: role.1.into(),
        ..Asked::default()
    };
    if user.allowed_by(&may).is_some() {
        return Ok(());
    }
    let (resources, paths) = user.rules_in(namespace);
    let own: Vec<&Value> = resources.iter().chain(&paths).collect();
    let has = |right: &Right| own.iter().any(|rule| covers(rule, right));
    // Such a role may gather any rule that there is.
    let gathers = *resource == CLUSTERROLES && value["aggregationRule"].is_object();
    if gathers && !all().iter().flat_map(rights).all(|right| has(&right)) {
        let why = "must have cluster-admin privileges to use the aggregationRule";
        return Err(Refusal::forbidden(resource, text(value, "/metadata/name"), why));
    }
    let missing: Vec<Right> = rules.iter().flat_map(rights).filter(|right| !has(right)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        told(&missing).join("\n")
    );
    Err(Refusal::forbidden(resource, text(value, "/metadata/name"), &why))
}

/// Every right.
fn all() -> [Value; 2] {
    [json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}), json!({"nonResourceURLs": ["*"], "verbs": ["*"]})]
}

/// As [`check`], for what a change makes of an object. Who only lets go of it gives nobody anything.
pub(super) fn check_change(
    store: &Store,
    resource: &'static Resource,
    request: &Admitted,
    change: impl FnOnce(&mut Value) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if request.user.is_master() || resource.group != ROLES.group {
        return Ok(());
    }
    let asked = &request.asked;
    let old = store.get(resource, &asked.object_namespace(resource), &asked.name)?.value();
    let mut new = (*old).clone();
    change(&mut new)?;
    if new["aggregationRule"].is_null() && old["aggregationRule"].is_object() {
        new["aggregationRule"] = old["aggregationRule"].clone();
    }
    let kept = |value: &Value| {
        let mut kept = value.clone();
        for field in ["finalizers", "ownerReferences"] {
            kept["metadata"][field] = Value::Null;
        }
        kept
    };
    if kept(&old) == kept(&new) { Ok(()) } else { check(store, resource, request, &new) }
}

fn words<'v>(rule: &'v Value, key: &str) -> Vec<&'v str> {
    list(rule, &format!("/{key}")).iter().filter_map(Value::as_str).collect()
}

/// A rule, one right at a time.
fn rights(rule: &Value) -> Vec<Right> {
    let mut out = Vec::new();
    let names = words(rule, "resourceNames");
    let names: Vec<Option<&str>> = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
    for verb in words(rule, "verbs") {
        for path in words(rule, "nonResourceURLs") {
            out.push(Right { verb: verb.to_owned(), of: None, path: path.to_owned() });
        }
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                for name in &names {
                    let of = (group.to_owned(), resource.to_owned(), name.map(str::to_owned));
                    out.push(Right { verb: verb.to_owned(), of: Some(of), path: String::new() });
                }
            }
        }
    }
    out
}

/// Whether a rule that somebody has holds this right.
fn covers(rule: &Value, right: &Right) -> bool {
    let has = |key: &str, word: &str| words(rule, key).iter().any(|own| *own == "*" || *own == word);
    if !has("verbs", &right.verb) {
        return false;
    }
    let Some((group, resource, name)) = &right.of else {
        let begins = |own: &str| own.strip_suffix('*').is_some_and(|start| right.path.starts_with(start));
        return words(rule, "nonResourceURLs").iter().any(|own| *own == right.path || begins(own));
    };
    let of_any = || resource.split_once('/').is_some_and(|(_, sub)| has("resources", &format!("*/{sub}")));
    let names = words(rule, "resourceNames");
    has("apiGroups", group)
        && (has("resources", resource) || of_any())
        && (names.is_empty() || name.as_deref().is_some_and(|name| names.contains(&name)))
}

/// What is missing, the verbs of one resource together, as the server writes rules.
fn told(missing: &[Right]) -> Vec<String> {
    let mut verbs: BTreeMap<(&About, &str), Vec<&str>> = BTreeMap::new();
    for right in missing {
        let all = verbs.entry((&right.of, &right.path)).or_default();
        if !all.contains(&right.verb.as_str()) {
            all.push(&right.verb);
        }
    }
    let one = |((of, path), verbs): ((&About, &str), Vec<&str>)| {
        let mut parts = Vec::new();
        match of {
            Some((group, resource, name)) => {
                parts.push(format!("APIGroups:[{group:?}]"));
                parts.push(format!("Resources:[{resource:?}]"));
                parts.extend(name.as_ref().map(|name| format!("ResourceNames:[{name:?}]")));
            }
            None => parts.push(format!("NonResourceURLs:[{path:?}]")),
        }
        let verbs: Vec<String> = verbs.iter().map(|verb| format!("{verb:?}")).collect();
        parts.push(format!("Verbs:[{}]", verbs.join(" ")));
        format!("{{{}}}", parts.join(", "))
    };
    let mut all: Vec<String> = verbs.into_iter().map(one).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_is_told_by_resource() {
        let own = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "*/log"]});
        let wanted = json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log", "secrets"]});
        let missing: Vec<Right> = rights(&wanted).into_iter().filter(|right| !covers(&own, right)).collect();
        assert_eq!(
            told(&missing),
            [
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["list"]}"#,
                r#"{APIGroups:[""], Resources:["pods/log"], Verbs:["list"]}"#,
                r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}"#,
            ]
        );
    }

    #[test]
    fn who_has_one_by_name_has_not_all() {
        let own = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["a"]});
        let of =
            |names: Value| json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": names});
        assert!(rights(&of(json!(["a"]))).iter().all(|right| covers(&own, right)));
        assert!(!rights(&of(json!([]))).iter().any(|right| covers(&own, right)));
        let paths = json!({"verbs": ["get"], "nonResourceURLs": ["/metrics"]});
        assert!(!rights(&paths).iter().any(|right| covers(&own, right)));
        let all = json!({"verbs": ["get"], "nonResourceURLs": ["/met*"]});
        assert!(rights(&paths).iter().all(|right| covers(&all, right)));
    }
}
