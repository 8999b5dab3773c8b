//! Network policies, as far as ssh between pods of one namespace goes.
//!
//! Pure: policies and two pods in, whether a port is reached out. Other namespaces are known by their name label only.

use std::sync::Arc;

use serde_json::Value;

use crate::sim::value::{label, list, namespace, text};

/// Whether `policies` let `from` reach `port` of `to`: what is selected by no policy is open, what is selected by one
/// is closed but for what some policy allows.
pub(crate) fn lets_through(policies: &[Arc<Value>], from: &Value, to: &Value, port: i64) -> bool {
    open(policies, to, from, port, "Ingress") && open(policies, from, to, port, "Egress")
}

fn open(policies: &[Arc<Value>], of: &Value, other: &Value, port: i64, direction: &str) -> bool {
    let mut mine = policies.iter().filter(|p| {
        namespace(p) == namespace(of)
            && directions(p).contains(&direction)
            && selects(p.pointer("/spec/podSelector").unwrap_or(&Value::Null), of)
    });
    let (rules, side) = if direction == "Ingress" { ("/spec/ingress", "/from") } else { ("/spec/egress", "/to") };
    let Some(first) = mine.next() else { return true };
    std::iter::once(first).chain(mine).any(|policy| {
        list(policy, rules).iter().any(|rule| {
            let peers = list(rule, side);
            (peers.is_empty() || peers.iter().any(|peer| is(peer, other, namespace(policy)))) && has(rule, port)
        })
    })
}

/// What a policy is about; ingress always, egress where it has rules for it, unless it says.
fn directions(policy: &Value) -> Vec<&str> {
    let said: Vec<_> = list(policy, "/spec/policyTypes").iter().filter_map(Value::as_str).collect();
    match said.is_empty() {
        false => said,
        true if list(policy, "/spec/egress").is_empty() => vec!["Ingress"],
        true => vec!["Ingress", "Egress"],
    }
}

fn is(peer: &Value, pod: &Value, home: &str) -> bool {
    if let Some(block) = peer.get("ipBlock") {
        return text(block, "/cidr") == "0.0.0.0/0" || text(block, "/cidr").starts_with("10.244.");
    }
    let space = match peer.get("namespaceSelector") {
        None => namespace(pod) == home,
        Some(selector) => {
            let wanted = selector.pointer("/matchLabels/kubernetes.io~1metadata.name").and_then(Value::as_str);
            wanted.is_none_or(|name| name == namespace(pod))
        }
    };
    space && peer.get("podSelector").is_none_or(|selector| selects(selector, pod))
}

fn has(rule: &Value, port: i64) -> bool {
    let ports = list(rule, "/ports");
    ports.is_empty()
        || ports.iter().any(|p| {
            let tcp = matches!(text(p, "/protocol"), "" | "TCP");
            let first = p.get("port").and_then(Value::as_i64);
            let last = p.get("endPort").and_then(Value::as_i64).or(first);
            tcp && first.zip(last).is_none_or(|(a, b)| (a..=b).contains(&port))
        })
}

fn selects(selector: &Value, pod: &Value) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    labels.into_iter().flatten().all(|(key, value)| value.as_str() == Some(label(pod, key)))
        && list(selector, "/matchExpressions").iter().all(|e| {
            let value = label(pod, text(e, "/key"));
            let among = list(e, "/values").iter().any(|v| v.as_str() == Some(value));
            match text(e, "/operator") {
                "In" => among,
                "NotIn" => !among,
                "Exists" => !value.is_empty(),
                _ => value.is_empty(),
            }
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_closes_what_it_selects_but_for_what_it_allows() {
        let pod = |role: &str| json!({"metadata": {"namespace": "a", "labels": {"role": role}}});
        let policy = |spec: Value| vec![Arc::new(json!({"metadata": {"name": "p", "namespace": "a"}, "spec": spec}))];
        let reaches = |spec: Value, port: i64| lets_through(&policy(spec), &pod("launcher"), &pod("worker"), port);
        assert!(lets_through(&[], &pod("launcher"), &pod("worker"), 22));
        assert!(!reaches(json!({"podSelector": {}, "policyTypes": ["Ingress"]}), 22), "deny all");
        assert!(!reaches(json!({"podSelector": {}, "policyTypes": ["Egress"]}), 22), "of the launcher's own side");
        assert!(reaches(json!({"podSelector": {"matchLabels": {"role": "db"}}}), 22), "of other pods");
        let allows = |ports: Value, from: Value| json!({"podSelector": {"matchLabels": {"role": "worker"}}, "ingress": [{"from": from, "ports": ports}]});
        assert!(reaches(allows(json!([{"port": 22}]), json!([{"podSelector": {}}])), 22));
        assert!(!reaches(allows(json!([{"port": 443}]), json!([{"podSelector": {}}])), 22));
        assert!(reaches(allows(json!([{"port": 2000, "endPort": 3000}]), json!([])), 2222));
        assert!(!reaches(allows(json!([]), json!([{"podSelector": {"matchLabels": {"role": "web"}}}])), 22));
        assert!(!reaches(
            allows(json!([]), json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}}])),
            22
        ));
    }
}
