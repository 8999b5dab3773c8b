//! The scheduler: the node for a pod, or why there is none, in kube-scheduler's words.
//!
//! Owns fitting and spreading only; binding is the desk's. Must not read a store.

mod preempt;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use self::preempt::{Sitter, victims};
use crate::sim::{
    amounts::{self, Amounts, amount},
    release::Release,
    value::{condition, list, name, set, stamp, text, truth},
};

/// A node as the scheduler sees it.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// The node.
    pub(crate) node: Arc<Value>,
    /// What is free.
    pub(crate) free: Amounts,
    /// Pods there.
    pub(crate) pods: i64,
}

impl Room {
    /// An empty node.
    pub(crate) fn new(node: Arc<Value>) -> Self {
        let total = node.pointer("/status/allocatable").and_then(Value::as_object);
        let free = total.into_iter().flatten().map(|(k, v)| (k.clone(), amount(k, v))).collect();
        Self { node, free, pods: 0 }
    }

    /// Takes a pod's requests off (or gives them back with -1).
    pub(crate) fn take(&mut self, asked: &Amounts, sign: i64) {
        for (resource, n) in asked {
            *self.free.entry(resource.clone()).or_default() -= n * sign;
        }
        self.pods += sign;
    }
}

/// The message of a `FailedScheduling` that is not about single nodes.
pub(crate) fn nowhere(reason: &str, nodes: usize, release: Release) -> String {
    let helpless = format!("{nodes} Preemption is not helpful for scheduling");
    format!("0/{nodes} nodes are available: {reason}.{}", preemption(nodes, &helpless, release))
}

/// What is said of preemption at the end, as the release has it.
fn preemption(nodes: usize, why: &str, release: Release) -> String {
    let claims = if release.minor() >= 34 { "no new claims to deallocate, " } else { "" };
    let end = if release.minor() < 28 { ".." } else { "." };
    format!(" {claims}preemption: 0/{nodes} nodes are available: {why}{end}")
}

/// The name of the best node for `pod`, or the message of its `FailedScheduling`. Only nodes will do that all of `near`
/// select: the pod's volumes can be reached from there.
pub(crate) fn place(
    pod: &Value,
    rooms: &BTreeMap<String, Room>,
    near: &[Value],
    release: Release,
) -> Result<String, String> {
    let spec = &pod["spec"];
    let asked = amounts::of_spec(spec);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut helpless = 0;
    let mut best: Option<(i64, &str)> = None;
    for (node_name, room) in rooms {
        let (mut why, mut preemptible) = obstacles(spec, &asked, room, release);
        let reaches = |selector: &Value| any_term(list(selector, "/nodeSelectorTerms"), &room.node);
        if !near.iter().all(reaches) && (why.is_empty() || preemptible) {
            let words = if release.minor() >= 33 { "didn't match PersistentVolume's" } else { "had volume" };
            let end = if release.minor() >= 33 { "" } else { " conflict" };
            (why, preemptible) = (vec![format!("node(s) {words} node affinity{end}")], false);
        }
        if why.is_empty() {
            let wants_gpu = asked.keys().any(|k| k.contains("gpu"));
            let has_gpu = room.free.keys().any(|k| k.contains("gpu"));
            let score = room.free.get("cpu").copied().unwrap_or(0) - room.pods * 500
                + if wants_gpu == has_gpu { 10_000_000 } else { 0 };
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, node_name));
            }
        }
        helpless += usize::from(!preemptible);
        for reason in why {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    best.map(|(_, node)| node.to_owned()).ok_or_else(|| message(rooms.len(), &reasons, helpless, release))
}

/// Why a pod does not fit here, and whether preemption could help.
fn obstacles(spec: &Value, asked: &Amounts, room: &Room, release: Release) -> (Vec<String>, bool) {
    if truth(&room.node, "/spec/unschedulable") {
        return (vec!["node(s) were unschedulable".into()], false);
    }
    if let Some(taint) = list(&room.node, "/spec/taints").iter().find(|t| !tolerated(spec, t)) {
        // 1.36 does not name the taint any more.
        let which = if release.minor() >= 35 {
            "taint(s)".to_owned()
        } else {
            format!("taint {{{}: {}}}", text(taint, "/key"), text(taint, "/value"))
        };
        return (vec![format!("node(s) had untolerated {which}")], false);
    }
    if !selected(spec, &room.node) {
        return (vec!["node(s) didn't match Pod's node affinity/selector".into()], false);
    }
    let short = asked.iter().filter(|(k, n)| room.free.get(*k).copied().unwrap_or(0) < **n && **n > 0);
    let mut short: Vec<_> = short.map(|(k, _)| format!("Insufficient {k}")).collect();
    let total = room.node.pointer("/status/allocatable");
    let seats = total.and_then(|t| t.get("pods")).map(|v| amount("pods", v));
    if seats.is_some_and(|seats| room.pods >= seats) {
        short.insert(0, "Too many pods".into());
    }
    let ever = asked.iter().all(|(k, n)| total.and_then(|t| t.get(k)).map_or(0, |v| amount(k, v)) >= *n);
    (short, ever)
}

fn tolerated(spec: &Value, taint: &Value) -> bool {
    if text(taint, "/effect") == "PreferNoSchedule" {
        return true;
    }
    list(spec, "/tolerations").iter().any(|t| {
        let key = text(t, "/key");
        let effect = text(t, "/effect");
        (key.is_empty() || key == text(taint, "/key"))
            && (effect.is_empty() || effect == text(taint, "/effect"))
            && (text(t, "/operator") == "Exists" || text(t, "/value") == text(taint, "/value"))
    }) || asks_for(spec, text(taint, "/key"))
}

/// The `ExtendedResourceToleration` admission: who asks for a resource tolerates the taint of its name.
fn asks_for(spec: &Value, key: &str) -> bool {
    key.contains('/') && amounts::of_spec(spec).get(key).is_some_and(|n| *n > 0)
}

fn selected(spec: &Value, node: &Value) -> bool {
    let labels = node.pointer("/metadata/labels");
    let has = |key: &str, value: &Value| labels.and_then(|l| l.get(key)) == Some(value);
    let plain = spec.get("nodeSelector").and_then(Value::as_object).is_none_or(|m| m.iter().all(|(k, v)| has(k, v)));
    let required = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = list(spec, required);
    plain && (terms.is_empty() || any_term(terms, node))
}

/// Whether one of these terms selects a node.
fn any_term(terms: &[Value], node: &Value) -> bool {
    let labels = node.pointer("/metadata/labels");
    let has = |key: &str, value: &Value| labels.and_then(|l| l.get(key)) == Some(value);
    terms.iter().any(|term| {
        list(term, "/matchExpressions").iter().all(|e| {
            let found = list(e, "/values").iter().any(|v| has(text(e, "/key"), v));
            match text(e, "/operator") {
                "In" => found,
                "NotIn" => !found,
                "Exists" => labels.is_some_and(|l| l.get(text(e, "/key")).is_some()),
                _ => labels.is_none_or(|l| l.get(text(e, "/key")).is_none()),
            }
        })
    })
}

fn message(nodes: usize, reasons: &BTreeMap<String, usize>, helpless: usize, release: Release) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".into();
    }
    let mut said: Vec<String> = reasons.iter().map(|(why, n)| format!("{n} {why}")).collect();
    said.sort();
    let mut hopes = Vec::new();
    if nodes > helpless {
        hopes.push(format!("{} No preemption victims found for incoming pod", nodes - helpless));
    }
    if helpless > 0 {
        hopes.push(format!("{helpless} Preemption is not helpful for scheduling"));
    }
    hopes.sort();
    format!("0/{nodes} nodes are available: {}.{}", said.join(", "), preemption(nodes, &hopes.join(", "), release))
}

/// Sets the condition `PodScheduled`: `refusal` is reason and sentence of why not.
pub(crate) fn scheduled(pod: &mut Value, refusal: Option<(&str, &str)>, now: Timestamp) {
    let mut c = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": stamp(now),
        "observedGeneration": 1,
    });
    if let Some((reason, message)) = refusal {
        c["status"] = json!("False");
        c["reason"] = json!(reason);
        c["message"] = json!(message);
        if let Some(old) = condition(pod, "PodScheduled").filter(|old| text(old, "/status") == "False") {
            c["lastTransitionTime"] = old["lastTransitionTime"].clone();
        }
    }
    let mut all = list(pod, "/status/conditions").to_vec();
    match all.iter_mut().find(|old| text(old, "/type") == "PodScheduled") {
        Some(old) => *old = c,
        None => all.push(c),
    }
    set(pod, "/status/conditions", json!(all));
}

/// Name of the node a pod is on, empty if none.
pub(crate) fn node_of(pod: &Value) -> &str {
    text(pod, "/spec/nodeName")
}

/// Rooms by node name.
pub(crate) fn rooms(nodes: impl Iterator<Item = Arc<Value>>) -> BTreeMap<String, Room> {
    nodes.map(|node| (name(&node).to_owned(), Room::new(node))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> BTreeMap<String, Room> {
        let node = |name: &str, gpus: &str, taints: Value| {
            Arc::new(json!({"metadata": {"name": name, "labels": {"zone": "a"}}, "spec": {"taints": taints},
                   "status": {"allocatable": {"cpu": "8", "memory": "64Gi", "pods": "2", "nvidia.com/gpu": gpus}}}))
        };
        let taint = json!([{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]);
        rooms([node("gpu-1", "8", taint.clone()), node("gpu-2", "8", taint), node("cpu-1", "0", json!([]))].into_iter())
    }

    fn pod(gpus: u32) -> Value {
        json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "1", "nvidia.com/gpu": gpus}}}]}})
    }

    #[test]
    fn a_pod_goes_where_there_is_room() {
        let mut all = nodes();
        assert_eq!(place(&pod(8), &all, &[], Release::default()).as_deref(), Ok("gpu-1"));
        let asked = amounts::of_spec(&pod(8)["spec"]);
        all.get_mut("gpu-1").unwrap().take(&asked, 1);
        assert_eq!(place(&pod(8), &all, &[], Release::default()).as_deref(), Ok("gpu-2"));
    }

    #[test]
    fn a_pod_goes_where_its_volume_is() {
        let mut all = nodes();
        for (room, zone) in all.values_mut().zip(["a", "a", "b"]) {
            Arc::make_mut(&mut room.node)["metadata"]["labels"]["disks"] = json!(zone);
        }
        let reach = |zone: &str| {
            [
                json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "disks", "operator": "In", "values": [zone]}]}]}),
            ]
        };
        assert_eq!(place(&pod(8), &all, &reach("b"), Release::default()).as_deref(), Ok("gpu-2"));
        let full = amounts::of_spec(&pod(8)["spec"]);
        all.get_mut("gpu-1").unwrap().take(&full, 1);
        let said = |release| place(&pod(8), &all, &reach("a"), release).unwrap_err();
        let new = said(Release::default());
        assert!(new.contains("1 node(s) didn't match PersistentVolume's node affinity"), "{new}");
        let old = said(Release::V1_31);
        assert!(old.contains("1 node(s) had volume node affinity conflict"), "{old}");
    }

    #[test]
    fn refusals_read_as_kube_schedulers() {
        let mut all = nodes();
        let words = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: \
                     0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
        assert_eq!(place(&pod(64), &all, &[], Release::default()).unwrap_err(), words);
        let full = amounts::of_spec(&pod(8)["spec"]);
        for node in ["gpu-1", "gpu-2"] {
            all.get_mut(node).unwrap().take(&full, 1);
        }
        let mut picky = pod(0);
        picky["spec"]["nodeSelector"] = json!({"zone": "b"});
        let said = |release| place(&picky, &all, &[], release).unwrap_err();
        let start =
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 node(s) had untolerated";
        let new = format!("{start} taint(s). no new claims to deallocate, preemption: 0/3 nodes");
        assert!(said(Release::V1_36).starts_with(&new), "{}", said(Release::V1_36));
        let old = format!("{start} taint {{nvidia.com/gpu: present}}. preemption: 0/3 nodes are available: 3");
        assert!(said(Release::V1_31).starts_with(&old), "{}", said(Release::V1_31));
        assert!(said(Release::V1_27).ends_with("scheduling.."), "{}", said(Release::V1_27));
    }

    #[test]
    fn a_node_takes_so_many_pods() {
        let mut all = nodes();
        all.get_mut("cpu-1").unwrap().pods = 2;
        let said = place(&pod(0), &all, &[], Release::default()).unwrap_err();
        assert!(said.starts_with("0/3 nodes are available: 1 Too many pods, 2 node(s)"), "{said}");
    }
}
