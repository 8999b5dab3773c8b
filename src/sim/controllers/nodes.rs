//! A node's life: cordoned, silent, back again.
//!
//! Owns one look at one node and its pods: what the controllers of nodes and of evictions by taint do. A kubelet is silent
//! where the node has annotation [`SILENT`]. Must not read a store.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    release::Release,
    store::resource::{NODES, PODS},
    value::{after, annotation, condition, int, is_deleting, list, name, namespace, set, stamp, text, time},
    write::{Cond, Note, Write, set_condition},
};

/// A node with this annotation is not heard from.
pub(crate) const SILENT: &str = "sim.mpideck.io/silent";
/// The label that says in which zone a node is.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Whether a node's kubelet is not heard from.
pub(crate) fn is_silent(node: &Value) -> bool {
    !annotation(node, SILENT).is_empty()
}

/// One look at a node that was last heard at `heard`, and when to look again.
pub(crate) fn reconcile(
    node: &Value,
    pods: &[Arc<Value>],
    heard: Timestamp,
    release: Release,
    now: Timestamp,
) -> (Vec<Write>, Option<Timestamp>) {
    let mut pass = Pass { next: node.clone(), writes: Vec::new(), wake: None, now };
    let cordoned = node.pointer("/spec/unschedulable") == Some(&json!(true));
    pass.taint(UNSCHEDULABLE, "NoSchedule", cordoned);
    let lost = condition(node, "Ready").is_some_and(|c| text(c, "/status") == "Unknown");
    if is_silent(node) {
        // 1.32 made ten seconds more of it.
        let due = after(heard, if release.minor() >= 32 { 50.0 } else { 40.0 });
        if now < due {
            pass.wake = Some(due);
        } else if lost {
            pass.evict(pods);
        } else {
            pass.lose(pods);
        }
    } else if lost {
        pass.find();
    }
    let Pass { next, mut writes, wake, .. } = pass;
    if next["status"] != node["status"] {
        writes.insert(0, Write::Status(&NODES, next.clone()));
    }
    if next["spec"] != node["spec"] {
        writes.insert(0, Write::Update(&NODES, next));
    }
    (writes, wake)
}

struct Pass {
    next: Value,
    writes: Vec<Write>,
    wake: Option<Timestamp>,
    now: Timestamp,
}

impl Pass {
    fn taint(&mut self, key: &str, effect: &str, wanted: bool) {
        let mut all = list(&self.next, "/spec/taints").to_vec();
        let is_it = |t: &Value| text(t, "/key") == key && text(t, "/effect") == effect;
        if all.iter().any(is_it) == wanted {
            return;
        }
        all.retain(|t| !is_it(t));
        if wanted {
            let mut taint = json!({"key": key, "effect": effect});
            if effect == "NoExecute" || key == UNSCHEDULABLE {
                taint["timeAdded"] = json!(stamp(self.now));
            }
            all.push(taint);
        }
        set(&mut self.next, "/spec/taints", json!(all));
    }

    /// Nothing was heard for too long.
    fn lose(&mut self, pods: &[Arc<Value>]) {
        let at = stamp(self.now);
        for c in self.next["status"]["conditions"].as_array_mut().into_iter().flatten() {
            c["status"] = json!("Unknown");
            c["reason"] = json!("NodeStatusUnknown");
            c["message"] = json!("Kubelet stopped posting node status.");
            c["lastTransitionTime"] = json!(at);
        }
        self.taint(UNREACHABLE, "NoSchedule", true);
        self.taint(UNREACHABLE, "NoExecute", true);
        self.tell_status("NodeNotReady");
        for pod in pods {
            let mut next = Value::clone(pod);
            let ready = next["status"]["conditions"].as_array_mut().into_iter().flatten();
            for c in ready.filter(|c| text(c, "/type") == "Ready" && text(c, "/status") == "True") {
                c["status"] = json!("False");
                c["lastTransitionTime"] = json!(at);
            }
            if next["status"] != pod["status"] {
                self.writes.push(Write::Status(&PODS, next));
                let note = Note::warning(pod, "node-controller", "NodeNotReady", "Node is not ready");
                self.writes.push(Write::Tell(note));
            }
        }
        self.wake = Some(after(self.now, 1.0));
    }

    /// Pods leave when they tolerate it no longer; a kubelet that is not there cannot end them.
    fn evict(&mut self, pods: &[Arc<Value>]) {
        let taints = list(&self.next, "/spec/taints");
        let since = taints.iter().filter(|t| text(t, "/key") == UNREACHABLE).find_map(|t| time(t, "/timeAdded"));
        let since = since.unwrap_or(self.now);
        for pod in pods.iter().filter(|pod| !is_deleting(pod)) {
            let Some(due) = tolerated_until(pod, since) else { continue };
            if self.now < due {
                self.wake = Some(self.wake.map_or(due, |wake| wake.min(due)));
                continue;
            }
            let said = format!("Marking for deletion Pod {}/{}", namespace(pod), name(pod));
            let note = Note::normal(pod, "taint-eviction-controller", "TaintManagerEviction", said);
            self.writes.push(Write::Tell(note));
            let mut next = Value::clone(pod);
            let why = Cond {
                kind: "DisruptionTarget",
                truth: true,
                reason: "DeletionByTaintManager",
                message: "Taint manager: deleting due to NoExecute taint",
            };
            set_condition(&mut next, why, self.now);
            self.writes.push(Write::Status(&PODS, next));
            self.writes.push(Write::Delete(&PODS, namespace(pod).into(), name(pod).into()));
        }
    }

    /// It is heard again.
    fn find(&mut self) {
        let at = stamp(self.now);
        for c in self.next["status"]["conditions"].as_array_mut().into_iter().flatten() {
            let ready = text(c, "/type") == "Ready";
            c["status"] = json!(if ready { "True" } else { "False" });
            c["reason"] = json!(if ready { "KubeletReady" } else { "KubeletHasNoPressure" });
            c["message"] = json!(if ready { "kubelet is posting ready status" } else { "kubelet has no pressure" });
            c["lastTransitionTime"] = json!(at);
            c["lastHeartbeatTime"] = json!(at);
        }
        self.taint(UNREACHABLE, "NoSchedule", false);
        self.taint(UNREACHABLE, "NoExecute", false);
        self.tell_status("NodeReady");
    }

    fn tell_status(&mut self, status: &str) {
        let message = format!("Node {} status is now: {status}", name(&self.next));
        let mut note = Note::normal(&self.next, "node-controller", status, message);
        // Of nodes, the name stands for the uid there.
        note.about["uid"] = note.about["name"].clone();
        self.writes.push(Write::Tell(note));
    }
}

/// When a pod no longer tolerates an unreachable node; `None`: it does for ever.
fn tolerated_until(pod: &Value, since: Timestamp) -> Option<Timestamp> {
    let mut out = Some(since);
    for toleration in list(pod, "/spec/tolerations") {
        let any = |field: &str, wanted: &str| [wanted, ""].contains(&text(toleration, field));
        if any("/key", UNREACHABLE) && any("/effect", "NoExecute") && text(toleration, "/operator") == "Exists" {
            out = int(toleration, "/tolerationSeconds").map(|seconds| after(since, seconds as f64));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn node(silent: bool) -> Value {
        let mut node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        });
        if silent {
            node["metadata"]["annotations"] = json!({SILENT: "true"});
        }
        node
    }

    fn pod(tolerates: Option<i64>) -> Arc<Value> {
        let toleration =
            json!({"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": tolerates});
        Arc::new(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ns"},
            "spec": {"nodeName": "n", "tolerations": [toleration]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }))
    }

    /// The node as a look leaves it.
    fn after_look(node: &Value, writes: &[Write]) -> Value {
        let mut out = node.clone();
        for write in writes {
            match write {
                Write::Status(r, n) if **r == NODES => out["status"] = n["status"].clone(),
                Write::Update(r, n) if **r == NODES => out["spec"] = n["spec"].clone(),
                _ => {}
            }
        }
        out
    }

    fn told(writes: &[Write]) -> Vec<&str> {
        writes
            .iter()
            .filter_map(|w| if let Write::Tell(note) = w { Some(note.reason.as_str()) } else { None })
            .collect()
    }

    #[test]
    fn a_silent_node_is_lost_after_fifty_seconds_and_its_pods_leave_when_they_tolerate_it_no_more() {
        let pods = [pod(Some(300)), pod(None)];
        let look = |node: &Value, now: i64| reconcile(node, &pods, at(0), Release::V1_36, at(now));
        let (writes, wake) = look(&node(true), 49);
        assert!(writes.is_empty() && wake == Some(at(50)));
        let (writes, _) = look(&node(true), 50);
        assert_eq!(told(&writes), ["NodeNotReady", "NodeNotReady", "NodeNotReady"], "the node and both pods");
        let lost = after_look(&node(true), &writes);
        assert_eq!(text(condition(&lost, "Ready").unwrap(), "/reason"), "NodeStatusUnknown");
        assert_eq!(list(&lost, "/spec/taints").len(), 2);
        assert_eq!(look(&lost, 60).1, Some(at(350)));
        let (writes, _) = look(&lost, 350);
        assert_eq!(told(&writes), ["TaintManagerEviction"], "the other tolerates it for ever");
        assert!(writes.iter().any(|w| matches!(w, Write::Delete(..))));
        let mut back = lost.clone();
        back["metadata"]["annotations"] = json!({});
        let (writes, _) = look(&back, 360);
        let found = after_look(&back, &writes);
        assert_eq!((told(&writes), list(&found, "/spec/taints").len()), (vec!["NodeReady"], 0));
    }

    #[test]
    fn a_cordon_is_a_taint_too() {
        let mut cordoned = node(false);
        cordoned["spec"]["unschedulable"] = json!(true);
        let (writes, _) = reconcile(&cordoned, &[], at(0), Release::V1_36, at(0));
        let tainted = after_look(&cordoned, &writes);
        assert_eq!(text(&tainted, "/spec/taints/0/key"), UNSCHEDULABLE);
        let mut free = tainted.clone();
        free["spec"]["unschedulable"] = json!(false);
        let (writes, _) = reconcile(&free, &[], at(0), Release::V1_36, at(1));
        assert!(list(&after_look(&free, &writes), "/spec/taints").is_empty());
    }
}
