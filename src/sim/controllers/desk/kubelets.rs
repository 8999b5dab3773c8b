//! The desk as every node's kubelet: looks at pods that have one, and stops those that go.

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::Value;

use super::{Desk, values};
use crate::sim::{
    controllers::{scheduler, volumes, work::Key},
    kubelet::{self, Surroundings, Ward, behaviour},
    store::{
        DeleteOptions, Part, Selector,
        resource::{CLAIMS, CONFIGMAPS, NETWORKPOLICIES, PODS},
    },
    value::{self, after, is_deleting, name, namespace, text},
    write::Note,
};

/// Seconds between a pod's deletion and its end.
const STOPPING: f64 = 1.0;
/// Seconds between two tries to attach a volume that is another node's.
const ATTACH_AGAIN: f64 = 15.0;

impl Desk {
    pub(super) fn kubelet(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let pod = self.get(&PODS, &key.namespace, &key.name)?;
        // A key may outlive its pod: the next of that name has no node yet.
        let node = scheduler::node_of(&pod);
        if node.is_empty() || self.silent.contains_key(node) {
            return None;
        }
        let uid = CompactString::from(value::uid(&pod));
        if is_deleting(&pod) {
            return self.stop(&pod, uid, now);
        }
        let begun = || (kubelet::start_time(&pod).unwrap_or(now), None);
        let mut before = self.stages.get(&uid).copied().unwrap_or_else(begun);
        let held = if before.1.unwrap_or(0) == 0 { self.attached_elsewhere(&pod) } else { None };
        if let Some(note) = &held {
            // It begins when its volume is free.
            before.0 = now;
            self.recorder.tell(&self.store, note, now);
        }
        let host_ip = self.host_ip(scheduler::node_of(&pod));
        let volume = self.volume(&pod);
        let turn = self.ward(now).turn(&pod, before, host_ip, volume.as_deref(), || self.around(&pod))?;
        self.stages.insert(uid, (before.0, Some(turn.serial)));
        if !turn.status.is_null() {
            // Deleted in the meantime: the next look will see it.
            let _ = self.store.modify(&PODS, &key.namespace, &key.name, Part::Status, |p| {
                let beside = p["status"]["ephemeralContainerStatuses"].take();
                p["status"] = turn.status;
                if beside.is_array() {
                    p["status"]["ephemeralContainerStatuses"] = beside;
                }
            });
        }
        for note in &turn.notes {
            self.recorder.tell(&self.store, note, now);
        }
        self.look_around(key, now);
        if held.is_some() { Some(after(now, ATTACH_AGAIN)) } else { turn.next }
    }

    /// Starts containers that somebody has put into a running pod.
    fn look_around(&mut self, key: &Key, now: Timestamp) {
        let Some(pod) = self.get(&PODS, &key.namespace, &key.name) else { return };
        let Some((statuses, notes)) = kubelet::ephemeral::started(&pod, self.pace.release, now) else { return };
        // Deleted in the meantime: the next look will see it.
        let _ = self.store.modify(&PODS, &key.namespace, &key.name, Part::Status, |p| {
            p["status"]["ephemeralContainerStatuses"] = statuses;
        });
        for note in &notes {
            self.recorder.tell(&self.store, note, now);
        }
    }

    fn ward(&self, now: Timestamp) -> Ward<'_> {
        let pace = (self.pace.speed, self.pace.seed);
        let release = self.pace.release;
        Ward { scripts: &self.scripts, journal: &self.journal, pace, release, now }
    }

    /// The first claim that a pod mounts.
    fn volume(&self, pod: &Value) -> Option<String> {
        let claim = volumes::mounted(pod).next()?;
        self.get(&CLAIMS, namespace(pod), claim).map(|claim| value::uid(&claim).to_owned())
    }

    /// What a pod can see around it.
    fn around(&self, pod: &Value) -> Surroundings {
        let (space, job) = (namespace(pod), behaviour::job_name(pod));
        let mut pods = self.pods_of(space, job);
        if pods.is_empty() {
            let selector = Selector::label("jobset.sigs.k8s.io/jobset-name", job);
            pods = values(&self.store.list(&PODS, Some(space), &selector).items);
        }
        let config = self.get(&CONFIGMAPS, space, &format!("{job}-config"));
        let hostfile = config.map(|c| text(&c, "/data/hostfile").to_owned()).unwrap_or_default();
        let policies = values(&self.store.list(&NETWORKPOLICIES, Some(space), &Selector::default()).items);
        Surroundings { pods, hostfile, policies }
    }

    fn stop(&mut self, pod: &Value, uid: CompactString, now: Timestamp) -> Option<Timestamp> {
        const STOP: u32 = u32::MAX;
        if self.scripts.of(pod).trouble == Some(behaviour::Trouble::NodeLost) {
            return None;
        }
        if self.stages.insert(uid, (now, Some(STOP))).and_then(|(_, stage)| stage) != Some(STOP) {
            if let Some(volume) = self.volume(pod) {
                self.ward(now).leaves(pod, &volume);
            }
            let container = text(pod, "/spec/containers/0/name");
            let mut note = Note::normal(pod, "kubelet", "Killing", format!("Stopping container {container}"));
            scheduler::node_of(pod).clone_into(&mut note.host);
            self.recorder.tell(&self.store, &note, now);
            return Some(after(now, STOPPING));
        }
        if let Some(status) = kubelet::stopped(pod, &self.scripts, now) {
            // Gone already is as good.
            let _ = self.store.modify(&PODS, namespace(pod), name(pod), Part::Status, |p| p["status"] = status);
        }
        let at_once = DeleteOptions { grace: Some(0), ..DeleteOptions::default() };
        // Gone already is as good.
        let _ = self.store.delete(&PODS, namespace(pod), name(pod), &at_once);
        None
    }

    fn host_ip(&mut self, node: &str) -> String {
        let room = self.rooms().get(node);
        let addresses = room.map(|r| value::list(&r.node, "/status/addresses").to_vec()).unwrap_or_default();
        addresses.first().map_or_else(String::new, |a| text(a, "/address").to_owned())
    }
}
