//! Cluster roles that gather the rules of others: what their controller writes.
//!
//! Pure: a role and those that it selects in, a write out. What rules mean is not known here.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sim::{
    store::resource::CLUSTERROLES,
    value::{list, name},
    write::Write,
};

/// Which roles it gathers from, each a selector of labels; none if it has rules of its own.
pub(crate) fn selectors(role: &Value) -> &[Value] {
    list(role, "/aggregationRule/clusterRoleSelectors")
}

/// One pass over a role that gathers; `parts` are those that it selects, in their order.
pub(crate) fn reconcile(role: &Value, parts: &[Arc<Value>]) -> Vec<Write> {
    let mut rules: Vec<&Value> = Vec::new();
    for rule in parts.iter().filter(|part| name(part) != name(role)).flat_map(|part| list(part, "/rules")) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    if rules.iter().copied().eq(list(role, "/rules")) {
        return Vec::new();
    }
    let mut next = role.clone();
    next["rules"] = json!(rules);
    vec![Write::Update(&CLUSTERROLES, next)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_the_rules_of_its_parts_each_once() {
        let role = |name: &str, verbs: &[&str]| {
            let rules: Vec<Value> = verbs.iter().map(|verb| json!({"verbs": [verb]})).collect();
            Arc::new(json!({"metadata": {"name": name}, "rules": rules}))
        };
        let (whole, parts) = (role("whole", &["own"]), [role("a", &["get", "list"]), role("b", &["list", "watch"])]);
        let writes = reconcile(&whole, &[parts[0].clone(), whole.clone(), parts[1].clone()]);
        let [Write::Update(_, next)] = &writes[..] else { panic!("one update: {writes:?}") };
        assert_eq!(next["rules"], role("", &["get", "list", "watch"])["rules"]);
        assert!(reconcile(next, &parts).is_empty(), "it is as it should be");
        assert!(selectors(&whole).is_empty());
    }
}
