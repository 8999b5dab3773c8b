//! What stored roles and bindings say: who may do what, and by which of them, in the words of an access review.
//!
//! Pure reading of the store; nobody has a right that is not written there. Roles that a cluster has from its start are
//! [`roles`](super::roles)'.

use std::sync::Arc;

use serde_json::Value;

use crate::sim::asked::Asked;
use crate::sim::store::resource::{CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES};
use crate::sim::store::{Selector, Store};
use crate::sim::value::{list, name, text};

/// A role that somebody was given.
pub(super) struct Grant {
    role: Arc<Value>,
    /// `RoleBinding "a/b" of ClusterRole "c" to User "d"`.
    pub(super) by: String,
}

impl Grant {
    /// The rules of the role.
    pub(super) fn rules(&self) -> &[Value] {
        list(&self.role, "/rules")
    }
}

/// What a user was given everywhere and, unless it is empty, in a namespace.
pub(super) fn grants(store: &Store, user: &str, groups: &[String], namespace: &str) -> Vec<Grant> {
    let all = Selector::default();
    let mut bindings = store.list(&CLUSTERROLEBINDINGS, None, &all).items;
    if !namespace.is_empty() {
        bindings.extend(store.list(&ROLEBINDINGS, Some(namespace), &all).items);
    }
    let given = bindings.iter().filter_map(|binding| {
        let (tree, within) = (binding.value(), binding.namespace.as_str());
        let subject = list(&tree, "/subjects").iter().find(|subject| is_meant(subject, within, user, groups))?;
        let (kind, called) = (text(&tree, "/roleRef/kind"), text(&tree, "/roleRef/name"));
        let role = match kind {
            "Role" => store.get(&ROLES, within, called),
            _ => store.get(&CLUSTERROLES, "", called),
        };
        let (of, place) = if within.is_empty() {
            ("ClusterRoleBinding", name(&tree).to_owned())
        } else {
            ("RoleBinding", format!("{}/{within}", name(&tree)))
        };
        let by = format!("{of} {place:?} of {kind} {called:?} to {}", described(subject, within));
        Some(Grant { role: role.ok()?.value(), by })
    });
    given.collect()
}

/// The name under which a service account acts.
pub(super) fn account(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// Where an account is that a binding names: in its own namespace, unless it says another.
fn home<'s>(subject: &'s Value, within: &'s str) -> &'s str {
    let own = text(subject, "/namespace");
    if own.is_empty() { within } else { own }
}

fn is_meant(subject: &Value, within: &str, user: &str, groups: &[String]) -> bool {
    let called = name_of(subject);
    match text(subject, "/kind") {
        "User" => called == user,
        "Group" => groups.iter().any(|group| group == called),
        _ => account(home(subject, within), called) == user,
    }
}

fn name_of(subject: &Value) -> &str {
    text(subject, "/name")
}

fn described(subject: &Value, within: &str) -> String {
    let (kind, called) = (text(subject, "/kind"), name_of(subject));
    if kind == "ServiceAccount" {
        format!("{kind} {:?}", format!("{called}/{}", home(subject, within)))
    } else {
        format!("{kind} {called:?}")
    }
}

/// Whether a rule of a role allows what is asked.
pub(super) fn allows(rule: &Value, asked: &Asked) -> bool {
    let has = |key: &str, test: &dyn Fn(&str) -> bool| {
        rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).any(test)
    };
    let either = |key: &str, word: &str| has(key, &|own| own == "*" || own == word);
    if !either("verbs", &asked.verb) {
        return false;
    }
    if asked.resource.is_empty() {
        let begins = |own: &str| own.strip_suffix('*').is_some_and(|start| asked.path.starts_with(start));
        return has("nonResourceURLs", &|own| own == asked.path || begins(own));
    }
    let whole = asked.full_resource();
    let of_any = |own: &str| own.strip_prefix("*/").is_some_and(|sub| sub == asked.subresource);
    let names = list(rule, "/resourceNames");
    either("apiGroups", &asked.group)
        && (either("resources", &whole) || has("resources", &of_any))
        && (names.is_empty() || names.iter().any(|own| own == asked.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Clock;
    use crate::sim::store::resource::NAMESPACES;
    use serde_json::json;

    fn asked(verb: &str, resource: &str, subresource: &str, name: &str) -> Asked {
        Asked {
            verb: verb.into(),
            resource: resource.into(),
            subresource: subresource.into(),
            name: name.into(),
            ..Asked::default()
        }
    }

    #[test]
    fn a_rule_allows_what_all_its_lists_have() {
        let rule =
            json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "*/scale"], "resourceNames": ["a"]});
        assert!(allows(&rule, &asked("get", "pods", "", "a")) && allows(&rule, &asked("get", "things", "scale", "a")));
        for other in [asked("list", "pods", "", "a"), asked("get", "pods", "log", "a"), asked("get", "pods", "", "b")] {
            assert!(!allows(&rule, &other), "{other:?}");
        }
        let path = |path: &str| Asked { verb: "get".into(), path: path.into(), ..Asked::default() };
        let rule = json!({"verbs": ["*"], "nonResourceURLs": ["/apis/*", "/version"]});
        assert!(allows(&rule, &path("/apis/batch")) && allows(&rule, &path("/version")));
        assert!(!allows(&rule, &path("/version/more")) && !allows(&rule, &asked("get", "pods", "", "")));
    }

    #[test]
    fn a_binding_holds_in_its_namespace_and_for_its_subjects() {
        let store = Store::new(Clock::manual("2026-11-20T08:00:00Z".parse().unwrap()), 1);
        for resource in [&NAMESPACES, &ROLES, &ROLEBINDINGS, &CLUSTERROLES, &CLUSTERROLEBINDINGS] {
            store.serve(resource);
        }
        store.create(&NAMESPACES, json!({"metadata": {"name": "n"}})).unwrap();
        let rules = json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]);
        store.create(&ROLES, json!({"metadata": {"name": "r", "namespace": "n"}, "rules": rules})).unwrap();
        let bind = |name: &str, subject: Value, role: &str| {
            let binding = json!({"metadata": {"name": name, "namespace": "n"}, "subjects": [subject],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}});
            store.create(&ROLEBINDINGS, binding).unwrap();
        };
        bind("b", json!({"kind": "ServiceAccount", "name": "bot"}), "r");
        bind("none", json!({"kind": "Group", "name": "g"}), "none-such");
        let of = |user: &str, groups: &[&str], namespace: &str| -> Vec<String> {
            let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
            grants(&store, user, &groups, namespace).into_iter().map(|grant| grant.by).collect()
        };
        let by = "RoleBinding \"b/n\" of Role \"r\" to ServiceAccount \"bot/n\"";
        assert_eq!(of("system:serviceaccount:n:bot", &[], "n"), [by]);
        assert!(of("system:serviceaccount:n:bot", &[], "").is_empty());
        assert!(of("bot", &["g"], "n").is_empty(), "a role that is not there gives nothing");
    }
}
