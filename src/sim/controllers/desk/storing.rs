//! The desk as the controllers of volumes: claims and volumes that are bound, and pods that have to wait for theirs.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{Desk, values};
use crate::sim::{
    controllers::{
        scheduler, volumes,
        work::{Key, Work},
    },
    store::{
        Obj, Selector,
        resource::{CLAIMS, NODES, PODS, STORAGECLASSES, VOLUMES},
    },
    value::{is_over, label, list, name, namespace, text},
    write::{Note, Write},
};

const ZONE: &str = "topology.kubernetes.io/zone";
const ONE_POD: &str =
    "unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";

impl Desk {
    pub(super) fn claim(&self, space: &str, object: &str, now: Timestamp) -> Option<(Vec<Write>, Option<Timestamp>)> {
        let claim = self.get(&CLAIMS, space, object)?;
        if volumes::is_bound(&claim) {
            return None;
        }
        let zone = self.get(&NODES, "", volumes::selected(&claim)).map(|node| label(&node, ZONE).to_owned());
        let all = values(&self.store.list(&VOLUMES, None, &Selector::default()).items);
        let zone = zone.as_deref().filter(|zone| !zone.is_empty());
        Some(volumes::reconcile(&claim, &self.classes(), &all, zone, now))
    }

    /// Claims that wait for a volume: one has come, or has become free.
    pub(crate) fn waiting_claims(&self) -> Vec<Key> {
        let all = self.store.list(&CLAIMS, None, &Selector::default()).items;
        let open = all.iter().filter(|claim| !volumes::is_bound(&claim.value()));
        open.map(|claim| Key::new(Work::Claim, &claim.namespace, &claim.name)).collect()
    }

    /// The volume of a claim that is gone.
    pub(crate) fn volume_of(claim: &Obj) -> Option<Key> {
        let tree = claim.value();
        let volume = text(&tree, "/spec/volumeName");
        (!volume.is_empty()).then(|| Key::new(Work::Volume, "", volume))
    }

    /// Where its claims let a pod go.
    pub(super) fn claims(&self, pod: &Value) -> volumes::Place {
        let space = namespace(pod);
        let mounts: Vec<_> = volumes::mounted(pod)
            .map(|called| {
                let claim = self.get(&CLAIMS, space, called);
                let volume = claim.as_ref().map(|claim| text(claim, "/spec/volumeName").to_owned());
                let volume = volume.filter(|v| !v.is_empty()).and_then(|v| self.get(&VOLUMES, "", &v));
                volumes::Mount { name: called, claim, volume }
            })
            .collect();
        if mounts.is_empty() {
            return volumes::Place::Near(Vec::new());
        }
        let one_pod = |mount: &volumes::Mount<'_>| {
            let modes = mount.claim.as_ref().map(|claim| list(claim, "/spec/accessModes").to_vec()).unwrap_or_default();
            modes.iter().any(|mode| mode == "ReadWriteOncePod") && !self.others(pod, mount.name).is_empty()
        };
        if mounts.iter().any(one_pod) {
            let nodes = self.store.count(&NODES);
            return volumes::Place::Nowhere(format!("{nodes} node(s) {ONE_POD}"));
        }
        volumes::place(&mounts, &self.classes())
    }

    pub(super) fn classes(&self) -> Vec<Arc<Value>> {
        values(&self.store.list(&STORAGECLASSES, None, &Selector::default()).items)
    }

    /// The other pods on nodes that mount a claim.
    fn others(&self, pod: &Value, claim: &str) -> Vec<Arc<Value>> {
        let pods = values(&self.store.list(&PODS, Some(namespace(pod)), &Selector::default()).items);
        let uses = |other: &Arc<Value>| {
            name(other) != name(pod)
                && !is_over(other)
                && !scheduler::node_of(other).is_empty()
                && volumes::mounted(other).any(|mounted| mounted == claim)
        };
        pods.into_iter().filter(uses).collect()
    }

    /// What keeps a pod from its volume: it is another node's.
    pub(super) fn attached_elsewhere(&self, pod: &Value) -> Option<Note> {
        let node = scheduler::node_of(pod);
        volumes::mounted(pod).find_map(|called| {
            let claim = self.get(&CLAIMS, namespace(pod), called).filter(|claim| volumes::is_exclusive(claim))?;
            let elsewhere = self.others(pod, called);
            let holders: Vec<&str> = elsewhere
                .iter()
                .filter(|other| scheduler::node_of(other) != node && text(other, "/status/phase") == "Running")
                .map(|other| name(other))
                .collect();
            if holders.is_empty() {
                return None;
            }
            let volume = text(&claim, "/spec/volumeName");
            let why = format!(
                "Multi-Attach error for volume {volume:?} Volume is already used by pod(s) {}",
                holders.join(", ")
            );
            Some(Note::warning(pod, "attachdetach-controller", "FailedAttachVolume", why))
        })
    }
}
