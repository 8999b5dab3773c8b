//! Heartbeats: the lease that each node renews, and those by which controllers lead. Pure.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    store::resource::LEASES,
    value::{micro_stamp, name, set, uid},
    write::Write,
};

/// Where nodes have theirs.
pub(crate) const NODES_SPACE: &str = "kube-node-lease";
/// Seconds between two heartbeats.
pub(crate) const BEAT: f64 = 10.0;
/// Controllers that lead, with their namespaces, and for how many seconds they hold that.
pub(crate) const LEADERS: [(&str, &str, u32); 3] = [
    ("kube-system", "kube-controller-manager", 15),
    ("kube-system", "kube-scheduler", 15),
    ("mpi-operator", "mpi-operator", 15),
];
/// Seconds that a node's holds.
const NODE_HOLDS: u32 = 40;

/// A node's heartbeat; `there` is its lease.
pub(crate) fn of_node(node: &Value, there: Option<&Value>, now: Timestamp) -> Write {
    let called = name(node);
    let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": called, "uid": uid(node)}]);
    let meta = json!({"name": called, "namespace": NODES_SPACE, "ownerReferences": owner});
    renewed(there, &meta, &json!({"holderIdentity": called, "leaseDurationSeconds": NODE_HOLDS}), now)
}

/// A leader's heartbeat.
pub(crate) fn of_leader((space, called, holds): (&str, &str, u32), there: Option<&Value>, now: Timestamp) -> Write {
    let meta = json!({"name": called, "namespace": space});
    let spec = json!({"holderIdentity": format!("{called}-1"), "leaseDurationSeconds": holds, "leaseTransitions": 0,
        "acquireTime": micro_stamp(now)});
    renewed(there, &meta, &spec, now)
}

fn renewed(there: Option<&Value>, meta: &Value, spec: &Value, now: Timestamp) -> Write {
    let fresh = || json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec});
    let mut lease = there.cloned().unwrap_or_else(fresh);
    set(&mut lease, "/spec/renewTime", json!(micro_stamp(now)));
    match there {
        Some(_) => Write::Update(&LEASES, lease),
        None => Write::Create { resource: &LEASES, object: lease, blame: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_made_once_and_then_renewed() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let node = json!({"metadata": {"name": "n", "uid": "u"}});
        let Write::Create { object, .. } = of_node(&node, None, at(0)) else { panic!("made") };
        assert_eq!(
            (&object["spec"]["holderIdentity"], &object["metadata"]["ownerReferences"][0]["uid"]),
            (&json!("n"), &json!("u"))
        );
        let Write::Update(_, later) = of_node(&node, Some(&object), at(10)) else { panic!("renewed") };
        assert_ne!(later["spec"]["renewTime"], object["spec"]["renewTime"]);
        let Write::Create { object, .. } = of_leader(LEADERS[0], None, at(0)) else { panic!("made") };
        let Write::Update(_, later) = of_leader(LEADERS[0], Some(&object), at(10)) else { panic!("renewed") };
        assert_eq!(later["spec"]["acquireTime"], object["spec"]["acquireTime"], "it leads since then");
    }
}
