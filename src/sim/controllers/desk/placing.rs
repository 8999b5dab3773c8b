//! Pods get their nodes: who sits where, who found no place.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Desk, values};
use crate::sim::{
    controllers::{
        amounts,
        scheduler::{self, Room},
        value::{self, after, is_deleting, is_over, name, namespace, set, text},
        volumes,
        work::{Key, Work},
        write::Note,
    },
    store::{
        Obj, Part, Selector,
        resource::{CLAIMS, NODES, PODS, STORAGECLASSES},
    },
};

impl Desk {
    /// Nodes came, went or changed: rooms are measured again.
    pub(crate) fn rooms_changed(&mut self) {
        self.rooms = None;
    }

    pub(super) fn rooms(&mut self) -> &mut BTreeMap<String, Room> {
        self.rooms.get_or_insert_with(|| {
            let nodes = self.store.list(&NODES, None, &Selector::default()).items;
            let mut rooms = scheduler::rooms(nodes.iter().map(|n| Value::clone(&n.value())));
            for (node, asked) in self.seats.values() {
                if let Some(room) = rooms.get_mut(node) {
                    room.take(asked, 1);
                }
            }
            rooms
        })
    }

    /// Keeps account of who sits where; whether a seat became free.
    pub(crate) fn seat(&mut self, pod: &Obj, gone: bool) -> bool {
        let value = pod.value();
        let node = scheduler::node_of(&value).to_owned();
        let sits = !gone && !node.is_empty() && !is_over(&value);
        if sits && !self.seats.contains_key(&pod.uid) {
            let asked = amounts::of_spec(&value["spec"]);
            if let Some(room) = self.rooms().get_mut(&node) {
                room.take(&asked, 1);
            }
            self.seats.insert(pod.uid.clone(), (node, asked));
        } else if !sits && let Some((node, asked)) = self.seats.remove(&pod.uid) {
            if let Some(room) = self.rooms().get_mut(&node) {
                room.take(&asked, -1);
            }
            return true;
        }
        false
    }

    /// The pods of a node, to be collected.
    pub(crate) fn seated_on(&self, node: &str) -> Vec<Key> {
        let uids: Vec<_> = self.seats.iter().filter(|(_, (on, _))| on == node).map(|(uid, _)| uid).collect();
        let pods = self.store.list(&PODS, None, &Selector::default()).items;
        pods.iter()
            .filter(|pod| uids.contains(&&pod.uid))
            .map(|pod| Key::new(Work::Collect, &pod.namespace, &pod.name))
            .collect()
    }

    /// Pods that found no node.
    pub(crate) fn unscheduled(&self) -> Vec<Key> {
        self.homeless.iter().cloned().collect()
    }

    pub(super) fn schedule(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let pod = self.get(&PODS, &key.namespace, &key.name)?;
        if !scheduler::node_of(&pod).is_empty() || is_deleting(&pod) || is_over(&pod) {
            self.homeless.remove(key);
            return None;
        }
        let found = match self.claims(&pod) {
            volumes::Place::Nowhere(why) => Err(scheduler::nowhere(&why, self.rooms().len())),
            volumes::Place::Near(node) => scheduler::place(&pod, self.rooms(), node.as_deref()),
            volumes::Place::First(claims) => match scheduler::place(&pod, self.rooms(), None) {
                Ok(node) => {
                    for claim in claims {
                        // Gone in the meantime: the next look sees it.
                        let _ = self
                            .store
                            .modify(&CLAIMS, &key.namespace, &claim, Part::Main, |c| volumes::select(c, &node));
                    }
                    return Some(after(now, 0.5));
                }
                refused => refused,
            },
        };
        match found {
            Ok(node) => {
                self.homeless.remove(key);
                self.bind(&pod, &node, now);
                None
            }
            Err(message) => {
                self.homeless.insert(key.clone());
                self.refuse(&pod, &message, now);
                Some(after(now, 300.0))
            }
        }
    }

    /// Where its claims let a pod go.
    fn claims(&self, pod: &Value) -> volumes::Place {
        let claims: Vec<_> =
            volumes::mounted(pod).map(|claim| (claim, self.get(&CLAIMS, namespace(pod), claim))).collect();
        if claims.is_empty() { volumes::Place::Near(None) } else { volumes::place(&claims, &self.classes()) }
    }

    pub(super) fn classes(&self) -> Vec<Arc<Value>> {
        values(&self.store.list(&STORAGECLASSES, None, &Selector::default()).items)
    }

    fn bind(&mut self, pod: &Value, node: &str, now: Timestamp) {
        let (space, pod_name) = (namespace(pod), name(pod));
        let bound = self.store.modify(&PODS, space, pod_name, Part::Both, |p| {
            set(p, "/spec/nodeName", json!(node));
            scheduler::scheduled(p, None, now);
        });
        // The pod is there, or it is gone and needs no node.
        let Ok(bound) = bound else { return };
        self.seat(&bound, false);
        let message = format!("Successfully assigned {space}/{pod_name} to {node}");
        self.recorder.tell(&self.store, &Note::normal(pod, "default-scheduler", "Scheduled", message), now);
    }

    fn refuse(&mut self, pod: &Value, message: &str, now: Timestamp) {
        let old = value::condition(pod, "PodScheduled").map_or("", |c| text(c, "/message"));
        if old != message {
            // The pod is there, or it is gone and needs no status.
            let _ = self.store.modify(&PODS, namespace(pod), name(pod), Part::Status, |p| {
                scheduler::scheduled(p, Some(message), now);
            });
        }
        self.recorder.tell(&self.store, &Note::warning(pod, "default-scheduler", "FailedScheduling", message), now);
    }
}
