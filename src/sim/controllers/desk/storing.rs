//! The desk as the controllers of volumes: claims and volumes that are bound, and pods that have to wait for theirs.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::Value;

use super::{Desk, values};
use crate::sim::{
    controllers::{
        nodes::ZONE,
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

const NONE_FREE: &str = "didn't find available persistent volumes to bind";
const ONE_POD: &str =
    "unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";

/// Which pods that have a node mount which claim: kept beside their seats.
#[derive(Default)]
pub(super) struct Mounts(HashMap<(CompactString, CompactString), BTreeSet<CompactString>>);

impl Mounts {
    /// Takes note of a pod that took its seat, or left it.
    pub(super) fn note(&mut self, pod: &Value, sits: bool) {
        for claim in volumes::mounted(pod) {
            let key = (namespace(pod).into(), claim.into());
            if sits {
                self.0.entry(key).or_default().insert(name(pod).into());
            } else if let Some(pods) = self.0.get_mut(&key) {
                pods.remove(name(pod));
                if pods.is_empty() {
                    self.0.remove(&key);
                }
            }
        }
    }

    /// The names of those that mount a claim.
    fn of(&self, space: &str, claim: &str) -> impl Iterator<Item = &str> {
        self.0.get(&(space.into(), claim.into())).into_iter().flatten().map(CompactString::as_str)
    }
}

impl Desk {
    pub(super) fn claim(&self, space: &str, object: &str, now: Timestamp) -> Option<(Vec<Write>, Option<Timestamp>)> {
        let claim = self.get(&CLAIMS, space, object)?;
        if volumes::is_bound(&claim) {
            return None;
        }
        let zone = self.get(&NODES, "", volumes::selected(&claim)).map(|node| label(&node, ZONE).to_owned());
        let zone = zone.as_deref().filter(|zone| !zone.is_empty());
        Some(volumes::reconcile(&claim, &self.classes(), || self.all_volumes(), zone, now))
    }

    fn all_volumes(&self) -> Vec<Arc<Value>> {
        values(&self.store.list(&VOLUMES, None, &Selector::default()).items)
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
        let classes = self.classes();
        let in_want = |mount: &volumes::Mount<'_>| {
            let claim = mount.claim.as_ref();
            claim.is_some_and(|claim| volumes::is_in_want(claim, &classes, || self.all_volumes()))
        };
        let place = volumes::place(&mounts, &classes);
        let why = if mounts.iter().any(one_pod) {
            ONE_POD
        } else if matches!(place, volumes::Place::First { .. }) && mounts.iter().any(in_want) {
            NONE_FREE
        } else {
            return place;
        };
        volumes::Place::Nowhere(format!("{} node(s) {why}", self.store.count(&NODES)))
    }

    pub(super) fn classes(&self) -> Vec<Arc<Value>> {
        values(&self.store.list(&STORAGECLASSES, None, &Selector::default()).items)
    }

    /// The other pods on nodes that mount a claim, by name.
    fn others(&self, pod: &Value, claim: &str) -> Vec<Arc<Value>> {
        let space = namespace(pod);
        let others = self.mounts.of(space, claim).filter(|other| *other != name(pod));
        others.filter_map(|other| self.get(&PODS, space, other)).collect()
    }

    /// What keeps a pod from its volume: it is another node's.
    pub(super) fn attached_elsewhere(&self, pod: &Value) -> Option<Note> {
        if is_over(pod) {
            return None;
        }
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
