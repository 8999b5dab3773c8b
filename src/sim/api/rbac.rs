//! What the API server checks of roles and bindings beside their types.

use serde_json::{Value, json};

use super::fault::{invalid, missing, required, supported};
use crate::sim::schema::Fault;
use crate::sim::store::Resource;
use crate::sim::store::resource::{CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES};
use crate::sim::value::{list, text};

const GROUP: &str = ROLES.group;

/// What is wrong with an object of the group; `old` is what it was.
pub(super) fn faults(resource: &Resource, value: &Value, old: Option<&Value>) -> Vec<Fault> {
    let within = resource.namespaced;
    if [&ROLES, &CLUSTERROLES].contains(&resource) {
        let rules = list(value, "/rules").iter().enumerate();
        return rules.flat_map(|(n, rule)| of_rule(rule, &format!("rules[{n}]"), within)).collect();
    }
    if ![&ROLEBINDINGS, &CLUSTERROLEBINDINGS].contains(&resource) {
        return Vec::new();
    }
    let mut out = of_reference(&value["roleRef"], within);
    for (n, subject) in list(value, "/subjects").iter().enumerate() {
        out.extend(of_subject(subject, &format!("subjects[{n}]"), within));
    }
    let of = |binding: &Value| {
        let role = &binding["roleRef"];
        [group_of(role), text(role, "/kind"), text(role, "/name")].map(str::to_owned)
    };
    if old.is_some_and(|old| of(old) != of(value)) {
        let role = &value["roleRef"];
        let named = json!({"APIGroup": group_of(role), "Kind": role["kind"], "Name": role["name"]});
        out.push(invalid("roleRef", &named, "cannot change roleRef"));
    }
    out
}

/// The group of a role, a user or a group of users; what says none is of this one.
fn group_of(named: &Value) -> &str {
    let said = text(named, "/apiGroup");
    if said.is_empty() { GROUP } else { said }
}

fn of_rule(rule: &Value, at: &str, within: bool) -> Vec<Fault> {
    let has = |key: &str| !list(rule, &format!("/{key}")).is_empty();
    let mut out = Vec::new();
    if !has("verbs") {
        out.push(missing(&format!("{at}.verbs"), "verbs must contain at least one value"));
    }
    if has("nonResourceURLs") {
        let mut wrong = |why: &str| out.push(invalid(&format!("{at}.nonResourceURLs"), &rule["nonResourceURLs"], why));
        if within {
            wrong("namespaced rules cannot apply to non-resource URLs");
        }
        if has("apiGroups") || has("resources") || has("resourceNames") {
            wrong("rules cannot apply to both regular resources and non-resource URLs");
        }
        return out;
    }
    for (key, why) in [
        ("apiGroups", "resource rules must supply at least one api group"),
        ("resources", "resource rules must supply at least one resource"),
    ] {
        if !has(key) {
            out.push(missing(&format!("{at}.{key}"), why));
        }
    }
    out
}

fn of_reference(reference: &Value, within: bool) -> Vec<Fault> {
    let kinds: &[&str] = if within { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    let group = supported("roleRef.apiGroup", &json!(group_of(reference)), &[GROUP]);
    let kind = supported("roleRef.kind", &json!(text(reference, "/kind")), kinds);
    let name = text(reference, "/name").is_empty().then(|| required("roleRef.name"));
    [group, kind, name].into_iter().flatten().collect()
}

fn of_subject(subject: &Value, at: &str, within: bool) -> Vec<Fault> {
    let kind = text(subject, "/kind");
    let group = if kind == "ServiceAccount" { text(subject, "/apiGroup") } else { group_of(subject) };
    let mut out = Vec::new();
    if text(subject, "/name").is_empty() {
        out.push(required(&format!("{at}.name")));
    }
    match kind {
        "ServiceAccount" => {
            if !group.is_empty() {
                out.extend(supported(&format!("{at}.apiGroup"), &json!(group), &[""]));
            }
            if !within && text(subject, "/namespace").is_empty() {
                out.push(required(&format!("{at}.namespace")));
            }
        }
        "User" | "Group" => out.extend(supported(&format!("{at}.apiGroup"), &json!(group), &[GROUP])),
        _ => out.extend(supported(&format!("{at}.kind"), &json!(kind), &["ServiceAccount", "User", "Group"])),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(resource: &Resource, value: &Value, old: Option<&Value>) -> Vec<String> {
        faults(resource, value, old).into_iter().map(|(_, field, _)| field).collect()
    }

    #[test]
    fn a_rule_is_about_resources_or_about_paths() {
        let role = |rule: Value| json!({"rules": [rule]});
        let good = role(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}));
        assert!(fields(&ROLES, &good, None).is_empty());
        let paths = role(json!({"verbs": ["get"], "nonResourceURLs": ["/metrics"]}));
        assert!(fields(&CLUSTERROLES, &paths, None).is_empty());
        assert_eq!(fields(&ROLES, &paths, None), ["rules[0].nonResourceURLs"]);
        assert_eq!(
            fields(&ROLES, &role(json!({})), None),
            ["rules[0].verbs", "rules[0].apiGroups", "rules[0].resources"]
        );
    }

    #[test]
    fn a_binding_keeps_its_role() {
        let binding = |role: &str, subject: Value| json!({"roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role}, "subjects": [subject]});
        let user = json!({"kind": "User", "apiGroup": GROUP, "name": "a"});
        let old = binding("view", user.clone());
        assert!(fields(&ROLEBINDINGS, &old, Some(&old)).is_empty());
        assert_eq!(fields(&ROLEBINDINGS, &binding("edit", user.clone()), Some(&old)), ["roleRef"]);
        let mut short = binding("view", user);
        short["roleRef"] = json!({"kind": "ClusterRole", "name": "view"});
        assert!(fields(&ROLEBINDINGS, &short, Some(&old)).is_empty(), "the group goes without saying");
        let account = binding("view", json!({"kind": "ServiceAccount", "name": "a"}));
        assert!(fields(&ROLEBINDINGS, &account, None).is_empty());
        assert_eq!(fields(&CLUSTERROLEBINDINGS, &account, None), ["subjects[0].namespace"]);
        assert_eq!(
            fields(&ROLEBINDINGS, &binding("", json!({"kind": "Bot"})), None),
            ["roleRef.name", "subjects[0].name", "subjects[0].kind"]
        );
    }
}
