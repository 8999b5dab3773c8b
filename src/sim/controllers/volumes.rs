//! Volume claims: what binds them, and where a pod may go for what it mounts.
//!
//! Pure: claims and storage classes in, orders and reasons in the words of kube-scheduler and the volume controller out.
//! The zone of a bound claim is that of the node it was made for, as its own annotation tells.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    store::resource::CLAIMS,
    value::{after, annotation, list, name, seconds_between, set, text, time},
    write::{Note, Write},
};

const FROM: &str = "persistentvolume-controller";
const SELECTED: &str = "volume.kubernetes.io/selected-node";
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
/// Seconds that a provisioner takes.
const PROVISION: f64 = 1.5;
/// Seconds between two tries of the volume controller.
const AGAIN: f64 = 15.0;

/// The names of the claims that a pod mounts.
pub(crate) fn mounted(pod: &Value) -> impl Iterator<Item = &str> {
    let claims = list(pod, "/spec/volumes").iter().map(|v| text(v, "/persistentVolumeClaim/claimName"));
    claims.filter(|claim| !claim.is_empty())
}

/// The storage class of a claim: the one it names, or the default.
pub(crate) fn class<'c>(claim: &Value, classes: &'c [Arc<Value>]) -> Option<&'c Value> {
    let named = text(claim, "/spec/storageClassName");
    let fits = |class: &&Arc<Value>| {
        if named.is_empty() { annotation(class, DEFAULT) == "true" } else { name(class) == named }
    };
    classes.iter().find(fits).map(|class| &**class)
}

fn is_bound(claim: &Value) -> bool {
    text(claim, "/status/phase") == "Bound"
}

fn waits_for_consumer(class: Option<&Value>) -> bool {
    class.is_some_and(|c| text(c, "/volumeBindingMode") == "WaitForFirstConsumer")
}

/// What claims mean for the place of a pod.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    /// It may go anywhere, or only near this node's zone.
    Near(Option<String>),
    /// It may go nowhere, for this reason.
    Nowhere(String),
    /// These claims get a volume where the pod goes, first.
    First(Vec<String>),
}

/// Where a pod with these claims may go; a claim that is not there is `None` beside its name.
pub(crate) fn place(claims: &[(&str, Option<Arc<Value>>)], classes: &[Arc<Value>]) -> Place {
    let (mut near, mut first) = (None, Vec::new());
    for (claim_name, claim) in claims {
        let Some(claim) = claim else {
            return Place::Nowhere(format!("persistentvolumeclaim {claim_name:?} not found"));
        };
        let class = class(claim, classes);
        if is_bound(claim) {
            if waits_for_consumer(class) {
                near = Some(annotation(claim, SELECTED).to_owned()).filter(|node| !node.is_empty()).or(near);
            }
        } else if waits_for_consumer(class) {
            first.push((*claim_name).to_owned());
        } else {
            return Place::Nowhere("pod has unbound immediate PersistentVolumeClaims".to_owned());
        }
    }
    if first.is_empty() { Place::Near(near) } else { Place::First(first) }
}

/// The claim once the scheduler has chosen a node for it.
pub(crate) fn select(claim: &mut Value, node: &str) {
    set(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node", json!(node));
}

/// One pass of the volume controller over a claim; also when to look again.
pub(crate) fn reconcile(claim: &Value, classes: &[Arc<Value>], now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    if is_bound(claim) {
        return (Vec::new(), None);
    }
    let Some(class) = class(claim, classes) else {
        let named = text(claim, "/spec/storageClassName");
        let note = if named.is_empty() {
            let why = "no persistent volumes available for this claim and no storage class is set";
            Note::normal(claim, FROM, "FailedBinding", why)
        } else {
            let why = format!("storageclass.storage.k8s.io {named:?} not found");
            Note::warning(claim, FROM, "ProvisioningFailed", why)
        };
        return (vec![Write::Tell(note)], Some(after(now, AGAIN)));
    };
    let chosen = annotation(claim, SELECTED);
    if waits_for_consumer(Some(class)) && chosen.is_empty() {
        let why = "waiting for first consumer to be created before binding";
        return (vec![Write::Tell(Note::normal(claim, FROM, "WaitForFirstConsumer", why))], Some(after(now, AGAIN)));
    }
    let made = time(claim, "/metadata/creationTimestamp").unwrap_or(now);
    if chosen.is_empty() && seconds_between(made, now) < PROVISION {
        return (Vec::new(), Some(after(made, PROVISION)));
    }
    (bound(claim, class), None)
}

fn bound(claim: &Value, class: &Value) -> Vec<Write> {
    let volume = format!("pvc-{}", crate::sim::value::uid(claim));
    let mut main = claim.clone();
    set(&mut main, "/spec/volumeName", json!(volume));
    let provisioner = text(class, "/provisioner");
    let annotations = [
        ("pv.kubernetes.io~1bind-completed", "yes"),
        ("pv.kubernetes.io~1bound-by-controller", "yes"),
        ("volume.kubernetes.io~1storage-provisioner", provisioner),
    ];
    for (key, value) in annotations {
        set(&mut main, &format!("/metadata/annotations/{key}"), json!(value));
    }
    let mut status = main.clone();
    status["status"] = json!({
        "phase": "Bound", "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or_default()},
    });
    let message = format!("Successfully provisioned volume {volume}");
    let note = Note::normal(claim, FROM, "ProvisioningSucceeded", message);
    vec![Write::Update(&CLAIMS, main), Write::Status(&CLAIMS, status), Write::Tell(note)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<Arc<Value>> {
        [("nfs", "Immediate"), ("disk", "WaitForFirstConsumer")]
            .map(|(name, mode)| {
                Arc::new(json!({"metadata": {"name": name}, "provisioner": "p", "volumeBindingMode": mode}))
            })
            .to_vec()
    }

    fn claim(class: &str, node: &str, phase: &str) -> Arc<Value> {
        let mut claim = json!({"metadata": {"name": "c", "uid": "u", "creationTimestamp": "2026-11-20T08:00:00Z"},
            "spec": {"storageClassName": class, "accessModes": ["ReadWriteOnce"]}, "status": {"phase": phase}});
        if !node.is_empty() {
            select(&mut claim, node);
        }
        Arc::new(claim)
    }

    #[test]
    fn a_pod_goes_where_its_claims_let_it() {
        let at = |claim: Option<Arc<Value>>| place(&[("c", claim)], &classes());
        assert_eq!(at(None), Place::Nowhere("persistentvolumeclaim \"c\" not found".into()));
        let unbound = Place::Nowhere("pod has unbound immediate PersistentVolumeClaims".into());
        assert_eq!(at(Some(claim("nfs", "", "Pending"))), unbound);
        assert_eq!(at(Some(claim("no-such", "", "Pending"))), unbound);
        assert_eq!(at(Some(claim("nfs", "", "Bound"))), Place::Near(None));
        assert_eq!(at(Some(claim("disk", "", "Pending"))), Place::First(vec!["c".into()]));
        assert_eq!(at(Some(claim("disk", "gpu-1", "Bound"))), Place::Near(Some("gpu-1".into())));
    }

    #[test]
    fn a_claim_is_bound_when_its_class_says() {
        let now: Timestamp = "2026-11-20T08:00:05Z".parse().unwrap();
        let events = |claim: &Value| {
            let (writes, again) = reconcile(claim, &classes(), now);
            let told = writes.iter().filter_map(|w| match w {
                Write::Tell(note) => Some(note.reason.clone()),
                _ => None,
            });
            (told.collect::<Vec<_>>(), writes.len(), again.is_some())
        };
        assert_eq!(events(&claim("no-such", "", "Pending")), (vec!["ProvisioningFailed".to_owned()], 1, true));
        assert_eq!(events(&claim("disk", "", "Pending")), (vec!["WaitForFirstConsumer".to_owned()], 1, true));
        for there in [claim("disk", "gpu-1", "Pending"), claim("nfs", "", "Pending")] {
            assert_eq!(events(&there), (vec!["ProvisioningSucceeded".to_owned()], 3, false));
        }
        assert_eq!(events(&claim("nfs", "", "Bound")), (vec![], 0, false));
    }
}
