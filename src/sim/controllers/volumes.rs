//! Volumes and claims: what binds them, where a pod may go for what it mounts, what becomes of a volume without its claim.
//!
//! Pure: claims, volumes and storage classes in, orders and reasons in the words of kube-scheduler and the volume
//! controllers out. Where a volume can be reached is its own node affinity.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::nodes::ZONE;
use crate::sim::{
    amounts::amount,
    store::resource::{CLAIMS, VOLUMES},
    value::{after, annotation, is_deleting, label, list, name, namespace, seconds_between, set, text, time, uid},
    write::{Note, Write},
};

const FROM: &str = "persistentvolume-controller";
const SELECTED: &str = "volume.kubernetes.io/selected-node";
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const PROTECTION: &str = "kubernetes.io/pv-protection";
/// The provisioner of classes whose volumes are made by hand.
const BY_HAND: &str = "kubernetes.io/no-provisioner";
/// Seconds that a provisioner takes.
const PROVISION: f64 = 1.5;
/// Seconds between two tries of the volume controller.
const AGAIN: f64 = 15.0;

/// The names of the claims that a pod mounts.
pub(crate) fn mounted(pod: &Value) -> impl Iterator<Item = &str> {
    let claims = list(pod, "/spec/volumes").iter().map(|v| text(v, "/persistentVolumeClaim/claimName"));
    claims.filter(|claim| !claim.is_empty())
}

/// The storage class that a claim names. An empty name is that of none.
fn class<'c>(claim: &Value, classes: &'c [Arc<Value>]) -> Option<&'c Value> {
    let named = text(claim, "/spec/storageClassName");
    classes.iter().find(|class| name(class) == named).map(|class| &**class)
}

/// The class of claims that say nothing of one: the newest that is marked so.
pub(crate) fn default_class(classes: &[Arc<Value>]) -> Option<&str> {
    let marked = classes.iter().filter(|class| annotation(class, DEFAULT) == "true");
    // Of those of one time the first by name.
    let newest = marked.rev().max_by_key(|class| text(class, "/metadata/creationTimestamp").to_owned());
    newest.map(|class| name(class))
}

/// Whether a claim says neither a class nor that it wants none.
fn is_open(claim: &Value) -> bool {
    claim["spec"]["storageClassName"].is_null()
}

/// Gives the default class to a claim that says nothing of one.
pub(crate) fn complete(claim: &mut Value, classes: &[Arc<Value>]) {
    if let Some(class) = default_class(classes).filter(|_| is_open(claim)) {
        set(claim, "/spec/storageClassName", json!(class));
    }
}

pub(crate) fn is_bound(claim: &Value) -> bool {
    text(claim, "/status/phase") == "Bound"
}

fn waits_for_consumer(class: Option<&Value>) -> bool {
    class.is_some_and(|c| text(c, "/volumeBindingMode") == "WaitForFirstConsumer")
}

/// Whether one node alone can have it.
pub(crate) fn is_exclusive(claim: &Value) -> bool {
    let modes = list(claim, "/spec/accessModes");
    !modes.is_empty() && modes.iter().all(|mode| mode == "ReadWriteOnce" || mode == "ReadWriteOncePod")
}

/// What claims mean for the place of a pod.
#[derive(Debug, PartialEq)]
pub(crate) enum Place {
    /// It may go where all these node selectors let it, each a volume's.
    Near(Vec<Value>),
    /// It may go nowhere, for this reason.
    Nowhere(String),
    /// These claims get a volume where the pod goes, first; it may go where these node selectors let it.
    First { claims: Vec<String>, near: Vec<Value> },
}

/// A claim that a pod mounts, with its volume; what is not there is `None`.
pub(crate) struct Mount<'p> {
    pub(crate) name: &'p str,
    pub(crate) claim: Option<Arc<Value>>,
    pub(crate) volume: Option<Arc<Value>>,
}

/// Where a pod with these claims may go.
pub(crate) fn place(mounts: &[Mount<'_>], classes: &[Arc<Value>]) -> Place {
    let (mut near, mut claims) = (Vec::new(), Vec::new());
    for mount in mounts {
        let Some(claim) = &mount.claim else {
            return Place::Nowhere(format!("persistentvolumeclaim {:?} not found", mount.name));
        };
        let class = class(claim, classes);
        if is_bound(claim) {
            let required = mount.volume.as_ref().map(|volume| volume["spec"]["nodeAffinity"]["required"].clone());
            near.extend(required.filter(Value::is_object));
        } else if waits_for_consumer(class) && wished(claim).is_empty() {
            claims.push(mount.name.to_owned());
        } else {
            return Place::Nowhere("pod has unbound immediate PersistentVolumeClaims".to_owned());
        }
    }
    if claims.is_empty() { Place::Near(near) } else { Place::First { claims, near } }
}

/// The volume that a claim asks for by name; empty if any will do.
fn wished(claim: &Value) -> &str {
    text(claim, "/spec/volumeName")
}

/// Whether a claim can only have a volume that somebody makes for it, and there is none.
pub(crate) fn is_in_want(claim: &Value, classes: &[Arc<Value>], volumes: impl FnOnce() -> Vec<Arc<Value>>) -> bool {
    let by_hand = class(claim, classes).is_some_and(|class| text(class, "/provisioner") == BY_HAND);
    by_hand && !is_bound(claim) && free(claim, &volumes()).is_none()
}

/// The claim once the scheduler has chosen a node for it.
pub(crate) fn select(claim: &mut Value, node: &str) {
    set(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node", json!(node));
}

/// The node that was chosen for a claim; empty if none was.
pub(crate) fn selected(claim: &Value) -> &str {
    annotation(claim, SELECTED)
}

/// One pass of the volume controller over a claim; also when to look again. `volumes` are all there are, asked for only
/// where they matter; `zone` is that of the node chosen for it.
pub(crate) fn reconcile(
    claim: &Value,
    classes: &[Arc<Value>],
    volumes: impl FnOnce() -> Vec<Arc<Value>>,
    zone: Option<&str>,
    now: Timestamp,
) -> (Vec<Write>, Option<Timestamp>) {
    if is_bound(claim) || is_deleting(claim) {
        return (Vec::new(), None);
    }
    if is_open(claim) && default_class(classes).is_some() {
        let mut next = claim.clone();
        complete(&mut next, classes);
        return (vec![Write::Update(&CLAIMS, next)], None);
    }
    let class = class(claim, classes);
    let (chosen, wished) = (selected(claim), wished(claim));
    if wished.is_empty() && waits_for_consumer(class) && chosen.is_empty() {
        let why = "waiting for first consumer to be created before binding";
        return (vec![Write::Tell(Note::normal(claim, FROM, "WaitForFirstConsumer", why))], Some(after(now, AGAIN)));
    }
    if let Some(volume) = free(claim, &volumes()) {
        return (bind(claim, volume, now), None);
    }
    if !wished.is_empty() {
        return (Vec::new(), Some(after(now, AGAIN)));
    }
    let Some(class) = class else {
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
    if text(class, "/provisioner") == BY_HAND {
        let why = format!("no volume plugin matched name: {BY_HAND}");
        return (vec![Write::Tell(Note::warning(claim, FROM, "ProvisioningFailed", why))], Some(after(now, AGAIN)));
    }
    let made = time(claim, "/metadata/creationTimestamp").unwrap_or(now);
    if chosen.is_empty() && seconds_between(made, now) < PROVISION {
        return (Vec::new(), Some(after(made, PROVISION)));
    }
    (provide(claim, class, zone, now), None)
}

/// The smallest free volume that fits a claim, or the one that either names.
fn free<'v>(claim: &Value, volumes: &'v [Arc<Value>]) -> Option<&'v Value> {
    let size = |volume: &Value, path: &str| volume.pointer(path).map_or(0, |size| amount("storage", size));
    let wanted = size(claim, "/spec/resources/requests/storage");
    let named = wished(claim);
    let has = |volume: &Value, mode: &Value| list(volume, "/spec/accessModes").contains(mode);
    let labelled = |volume: &Value| {
        let labels = claim.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
        labels.into_iter().flatten().all(|(key, value)| value == label(volume, key))
    };
    let fits = |volume: &&Value| {
        let mine = claim_of(volume);
        let is_mine = mine == Some((namespace(claim), name(claim)))
            && matches!(text(volume, "/spec/claimRef/uid"), own if own.is_empty() || own == uid(claim));
        (mine.is_none() || is_mine)
            && !is_deleting(volume)
            && matches!(text(volume, "/status/phase"), "" | "Pending" | "Available")
            && (named.is_empty() || name(volume) == named)
            && text(volume, "/spec/storageClassName") == text(claim, "/spec/storageClassName")
            && text(volume, "/spec/volumeMode") == text(claim, "/spec/volumeMode")
            && list(claim, "/spec/accessModes").iter().all(|mode| has(volume, mode))
            && size(volume, "/spec/capacity/storage") >= wanted
            && labelled(volume)
    };
    let found = volumes.iter().map(|volume| &**volume).filter(fits);
    found.min_by_key(|volume| (claim_of(volume).is_none(), size(volume, "/spec/capacity/storage")))
}

fn reference(claim: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name(claim), "namespace": namespace(claim),
        "resourceVersion": text(claim, "/metadata/resourceVersion"), "uid": uid(claim)})
}

/// Brings a claim and a volume that is there together.
fn bind(claim: &Value, volume: &Value, now: Timestamp) -> Vec<Write> {
    let mut held = volume.clone();
    held["spec"]["claimRef"] = reference(claim);
    set(&mut held, "/metadata/annotations/pv.kubernetes.io~1bound-by-controller", json!("yes"));
    let told = phase(&held, "Bound", now);
    let mut writes = vec![Write::Update(&VOLUMES, held), Write::Status(&VOLUMES, told)];
    writes.extend(bound(claim, volume, &[]));
    writes
}

/// Makes a volume for a claim, as the provisioner of its class does.
fn provide(claim: &Value, class: &Value, zone: Option<&str>, now: Timestamp) -> Vec<Write> {
    let called = format!("pvc-{}", uid(claim));
    let provisioner = text(class, "/provisioner");
    let policy = match text(class, "/reclaimPolicy") {
        "" => "Delete",
        policy => policy,
    };
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": called, "annotations": {"pv.kubernetes.io/provisioned-by": provisioner}, "finalizers": [PROTECTION]},
        "spec": {
            "accessModes": claim["spec"]["accessModes"], "claimRef": reference(claim),
            "capacity": {"storage": claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or_default()},
            "csi": {"driver": provisioner, "volumeHandle": called}, "persistentVolumeReclaimPolicy": policy,
            "storageClassName": name(class), "volumeMode": "Filesystem",
        },
    });
    if let Some(zone) = zone.filter(|_| waits_for_consumer(Some(class))) {
        let rule = json!({"key": ZONE, "operator": "In", "values": [zone]});
        volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}});
    }
    let told = phase(&volume, "Bound", now);
    let mut writes =
        vec![Write::Create { resource: &VOLUMES, object: volume.clone(), blame: None }, Write::Status(&VOLUMES, told)];
    writes.extend(bound(claim, &volume, &[("volume.kubernetes.io~1storage-provisioner", provisioner)]));
    let message = format!("Successfully provisioned volume {called}");
    writes.push(Write::Tell(Note::normal(claim, FROM, "ProvisioningSucceeded", message)));
    writes
}

/// A claim that has its volume.
fn bound(claim: &Value, volume: &Value, notes: &[(&str, &str)]) -> [Write; 2] {
    let mut main = claim.clone();
    set(&mut main, "/spec/volumeName", json!(name(volume)));
    let always = [("pv.kubernetes.io~1bind-completed", "yes"), ("pv.kubernetes.io~1bound-by-controller", "yes")];
    for (key, value) in always.iter().chain(notes) {
        set(&mut main, &format!("/metadata/annotations/{key}"), json!(value));
    }
    let mut status = main.clone();
    let spec = &volume["spec"];
    status["status"] = json!({"phase": "Bound", "accessModes": spec["accessModes"], "capacity": spec["capacity"]});
    [Write::Update(&CLAIMS, main), Write::Status(&CLAIMS, status)]
}

fn phase(volume: &Value, phase: &str, now: Timestamp) -> Value {
    let mut out = volume.clone();
    let at = crate::sim::value::stamp(now);
    out["status"] = json!({"phase": phase, "lastPhaseTransitionTime": at});
    out
}

/// Namespace and name of the claim that has a volume.
pub(crate) fn claim_of(volume: &Value) -> Option<(&str, &str)> {
    let reference = volume.pointer("/spec/claimRef")?;
    Some((text(reference, "/namespace"), text(reference, "/name")))
}

/// One pass over a volume; `claim` is what is there under the name of its claim.
pub(crate) fn keep(volume: &Value, claim: Option<&Value>, now: Timestamp) -> Vec<Write> {
    let release = || Write::Release(&VOLUMES, String::new(), name(volume).to_owned(), PROTECTION);
    let owner = text(volume, "/spec/claimRef/uid");
    let held = claim.is_some_and(|claim| owner.is_empty() || uid(claim) == owner);
    let is = text(volume, "/status/phase");
    if is_deleting(volume) {
        return if held && is == "Bound" { Vec::new() } else { vec![release()] };
    }
    if claim_of(volume).is_none() || owner.is_empty() {
        let fresh = matches!(is, "" | "Pending");
        return if fresh { vec![Write::Status(&VOLUMES, phase(volume, "Available", now))] } else { Vec::new() };
    }
    if held {
        return Vec::new();
    }
    if text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        return vec![release(), Write::Delete(&VOLUMES, String::new(), name(volume).to_owned())];
    }
    if is == "Released" { Vec::new() } else { vec![Write::Status(&VOLUMES, phase(volume, "Released", now))] }
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
        let at = |claim: Option<Arc<Value>>| place(&[Mount { name: "c", claim, volume: None }], &classes());
        assert_eq!(at(None), Place::Nowhere("persistentvolumeclaim \"c\" not found".into()));
        let unbound = Place::Nowhere("pod has unbound immediate PersistentVolumeClaims".into());
        assert_eq!(at(Some(claim("nfs", "", "Pending"))), unbound);
        assert_eq!(at(Some(claim("no-such", "", "Pending"))), unbound);
        assert_eq!(at(Some(claim("nfs", "", "Bound"))), Place::Near(Vec::new()));
        let first = |near: Vec<Value>| Place::First { claims: vec!["c".into()], near };
        assert_eq!(at(Some(claim("disk", "", "Pending"))), first(Vec::new()));
        assert_eq!(at(Some(asking(&claim("disk", "", "Pending"), "v"))), unbound);
        let required = json!({"nodeSelectorTerms": []});
        let volume = Some(Arc::new(json!({"spec": {"nodeAffinity": {"required": required}}})));
        let bound = || Mount { name: "b", claim: Some(claim("disk", "gpu-1", "Bound")), volume: volume.clone() };
        assert_eq!(place(&[bound()], &classes()), Place::Near(vec![required.clone()]));
        let open = || Mount { name: "c", claim: Some(claim("disk", "", "Pending")), volume: None };
        for both in [[bound(), open()], [open(), bound()]] {
            assert_eq!(place(&both, &classes()), first(vec![required.clone()]), "near the one that is bound");
        }
    }

    /// The claim, asking for a volume by name.
    fn asking(claim: &Value, volume: &str) -> Arc<Value> {
        let mut claim = claim.clone();
        claim["spec"]["volumeName"] = json!(volume);
        Arc::new(claim)
    }

    #[test]
    fn who_says_nothing_of_a_class_gets_the_newest_default() {
        let class = |name: &str, day: &str, default: &str| {
            Arc::new(json!({"metadata": {"name": name, "creationTimestamp": format!("2026-11-{day}T00:00:00Z"),
                "annotations": {DEFAULT: default}}}))
        };
        let all = [class("a", "02", "false"), class("b", "01", "true"), class("c", "01", "true"), class("d", "03", "")];
        assert_eq!(default_class(&all), Some("b"));
        assert_eq!(default_class(&[all[1].clone(), class("z", "02", "true")]), Some("z"));
        assert_eq!(default_class(&all[..1]), None);
        let of = |mut claim: Value| {
            complete(&mut claim, &all);
            claim["spec"]["storageClassName"].take()
        };
        assert_eq!(of(json!({"spec": {}})), "b");
        assert_eq!(of(json!({"spec": {"storageClassName": ""}})), "", "none is wanted");
        assert_eq!(of(json!({"spec": {"storageClassName": "a"}})), "a");
    }

    #[test]
    fn a_claim_is_bound_when_its_class_says() {
        let now: Timestamp = "2026-11-20T08:00:05Z".parse().unwrap();
        let events = |claim: &Value| {
            let (writes, again) = reconcile(claim, &classes(), Vec::new, Some("z1"), now);
            let told = writes.iter().filter_map(|w| match w {
                Write::Tell(note) => Some(note.reason.clone()),
                _ => None,
            });
            (told.collect::<Vec<_>>(), writes.len(), again.is_some())
        };
        assert_eq!(events(&claim("no-such", "", "Pending")), (vec!["ProvisioningFailed".to_owned()], 1, true));
        assert_eq!(events(&claim("disk", "", "Pending")), (vec!["WaitForFirstConsumer".to_owned()], 1, true));
        for there in [claim("disk", "gpu-1", "Pending"), claim("nfs", "", "Pending")] {
            assert_eq!(events(&there), (vec!["ProvisioningSucceeded".to_owned()], 5, false));
        }
        assert_eq!(events(&claim("nfs", "", "Bound")), (vec![], 0, false));
        for node in ["", "gpu-1"] {
            let waits = asking(&claim("disk", node, "Pending"), "not-there");
            assert_eq!(events(&waits), (vec![], 0, true), "nothing is made for who wants one of a name");
        }
        assert_eq!(events(&claim("", "", "Pending")), (vec!["FailedBinding".to_owned()], 1, true));
    }

    #[test]
    fn what_somebody_makes_by_hand_is_not_provided() {
        let now: Timestamp = "2026-11-20T08:00:05Z".parse().unwrap();
        let local = json!({"metadata": {"name": "none", "annotations": {DEFAULT: "true"}}, "provisioner": BY_HAND, "volumeBindingMode": "WaitForFirstConsumer"});
        let classes = [Arc::new(local)];
        let (writes, again) = reconcile(&claim("none", "gpu-1", "Pending"), &classes, Vec::new, None, now);
        assert!(matches!(&writes[..], [Write::Tell(note)] if note.reason == "ProvisioningFailed"), "{writes:?}");
        assert!(again.is_some());
        let there = [volume("v", "1Gi", &json!(["ReadWriteOnce"]))];
        let (writes, _) = reconcile(&claim("none", "gpu-1", "Pending"), &classes, || there.to_vec(), None, now);
        assert!(matches!(&writes[..], [Write::Update(_, v), ..] if name(v) == "v"), "{writes:?}");
        assert!(is_in_want(&claim("none", "", "Pending"), &classes, Vec::new));
        assert!(!is_in_want(&claim("none", "", "Pending"), &classes, || there.to_vec()));
        assert!(!is_in_want(&claim("none", "", "Bound"), &classes, Vec::new));
        let open = json!({"metadata": {"name": "c"}, "spec": {}});
        let (writes, _) = reconcile(&open, &classes, Vec::new, None, now);
        assert!(matches!(&writes[..], [Write::Update(_, c)] if c["spec"]["storageClassName"] == "none"));
    }

    fn volume(name: &str, size: &str, modes: &Value) -> Arc<Value> {
        Arc::new(
            json!({"metadata": {"name": name}, "spec": {"capacity": {"storage": size}, "accessModes": modes, "storageClassName": "none"},
            "status": {"phase": "Available"}}),
        )
    }

    #[test]
    fn a_claim_takes_the_smallest_volume_that_fits() {
        let mut wish = Value::clone(&claim("none", "", "Pending"));
        wish["spec"]["resources"] = json!({"requests": {"storage": "10Gi"}});
        let once = || json!(["ReadWriteOnce"]);
        let all = [
            volume("large", "1Ti", &once()),
            volume("small", "5Gi", &once()),
            volume("fits", "20Gi", &json!(["ReadWriteOnce", "ReadWriteMany"])),
            volume("read", "10Gi", &json!(["ReadOnlyMany"])),
        ];
        assert_eq!(free(&wish, &all).map(name), Some("fits"));
        wish["spec"]["volumeName"] = json!("large");
        assert_eq!(free(&wish, &all).map(name), Some("large"));
        wish["spec"]["selector"] = json!({"matchLabels": {"tier": "gold"}});
        assert_eq!(free(&wish, &all), None);
    }

    #[test]
    fn a_volume_outlives_its_claim_if_it_is_to_be_retained() {
        let now: Timestamp = "2026-11-20T08:00:05Z".parse().unwrap();
        let mut held = Value::clone(&volume("v", "1Gi", &json!([])));
        let mut fresh = held.clone();
        fresh["status"]["phase"] = json!("Pending");
        assert!(matches!(&keep(&fresh, None, now)[..], [Write::Status(_, v)] if v["status"]["phase"] == "Available"));
        held["spec"]["claimRef"] = json!({"namespace": "n", "name": "c", "uid": "u"});
        held["status"]["phase"] = json!("Bound");
        assert!(keep(&held, Some(&claim("none", "", "Bound")), now).is_empty());
        assert!(matches!(&keep(&held, None, now)[..], [Write::Status(_, v)] if v["status"]["phase"] == "Released"));
        held["spec"]["persistentVolumeReclaimPolicy"] = json!("Delete");
        assert!(matches!(&keep(&held, None, now)[..], [Write::Release(..), Write::Delete(..)]));
    }
}
