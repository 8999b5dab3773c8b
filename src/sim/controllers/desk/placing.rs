//! Pods get their nodes: who sits where, who found no place.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Desk;
use crate::sim::{
    amounts,
    controllers::{
        scheduler::{self, Room, Sitter},
        volumes,
        work::{Key, Work},
    },
    store::{
        DeleteOptions, Obj, Part, Selector,
        resource::{CLAIMS, NODES, PODS},
    },
    value::{self, after, is_deleting, is_over, name, namespace, set, text},
    write::{Cond, Note, set_condition},
};

/// The scheduler of every pod that names none.
const DEFAULT: &str = "default-scheduler";

impl Desk {
    /// Nodes came, went or changed: rooms are measured again.
    pub(crate) fn rooms_changed(&mut self) {
        self.rooms = None;
    }

    pub(super) fn rooms(&mut self) -> &mut BTreeMap<String, Room> {
        self.rooms.get_or_insert_with(|| {
            let nodes = self.store.list(&NODES, None, &Selector::default()).items;
            let mut rooms = scheduler::rooms(nodes.iter().map(|n| n.value()));
            for seat in self.seats.values() {
                if let Some(room) = rooms.get_mut(&seat.node) {
                    room.take(&seat.asked, 1);
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
            let priority = value::int(&value, "/spec/priority").unwrap_or(0);
            let pod_name = (pod.namespace.to_string(), pod.name.to_string());
            self.seats.insert(pod.uid.clone(), Sitter { node, asked, priority, pod: pod_name });
            self.mounts.note(&value, true);
        } else if !sits && let Some(seat) = self.seats.remove(&pod.uid) {
            self.mounts.note(&value, false);
            if let Some(room) = self.rooms().get_mut(&seat.node) {
                room.take(&seat.asked, -1);
            }
            return true;
        }
        false
    }

    /// Work on each pod of a node.
    pub(crate) fn seated_on(&self, node: &str, work: Work) -> Vec<Key> {
        let here = self.seats.values().filter(|seat| seat.node == node);
        here.map(|seat| Key::new(work, &seat.pod.0, &seat.pod.1)).collect()
    }

    /// Pods that found no node.
    pub(crate) fn unscheduled(&self) -> Vec<Key> {
        self.homeless.iter().cloned().collect()
    }

    pub(super) fn schedule(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let pod = self.get(&PODS, &key.namespace, &key.name)?;
        if !scheduler::node_of(&pod).is_empty() || is_deleting(&pod) || is_over(&pod) {
            self.homeless.remove(key);
            self.nominated.remove(key);
            return None;
        }
        let scheduler = text(&pod, "/spec/schedulerName");
        if scheduler != DEFAULT {
            // Nobody else is there, but for the gang scheduler that the operator was told of.
            if self.gang().is_some_and(|gang| gang.scheduler() == scheduler) {
                self.homeless.insert(key.clone());
                return self.gang_of(&pod, now);
            }
            return None;
        }
        if !value::list(&pod, "/spec/schedulingGates").is_empty() {
            self.gated(&pod, now);
            return None;
        }
        match self.found(key, &pod) {
            Found::Soon => Some(after(now, 0.5)),
            Found::Node(node) => {
                self.homeless.remove(key);
                self.nominated.remove(key);
                self.bind(&pod, &node, DEFAULT, now);
                None
            }
            Found::Nowhere(message) => {
                self.homeless.insert(key.clone());
                let message = self.preempted(&pod, message, now);
                self.refuse(&pod, ("Unschedulable", &message), now);
                let note = Note::warning(&pod, DEFAULT, "FailedScheduling", message).in_series("Scheduling");
                self.recorder.tell(&self.store, &note, now);
                Some(after(now, 300.0))
            }
        }
    }

    fn found(&mut self, key: &Key, pod: &Value) -> Found {
        let release = self.pace.release;
        let (claims, near) = match self.claims(pod) {
            volumes::Place::Nowhere(why) => {
                return Found::Nowhere(scheduler::nowhere(&why, self.rooms().len(), release));
            }
            volumes::Place::Near(near) => (Vec::new(), near),
            volumes::Place::First { claims, near } => (claims, near),
        };
        match self.place(key, pod, &near) {
            Ok(node) if claims.is_empty() => Found::Node(node),
            Ok(node) => {
                for claim in claims {
                    // Gone in the meantime: the next look sees it.
                    let _ =
                        self.store.modify(&CLAIMS, &key.namespace, &claim, Part::Main, |c| volumes::select(c, &node));
                }
                Found::Soon
            }
            Err(message) => Found::Nowhere(message),
        }
    }

    /// Looks for a node, less the room that is kept for pods as important.
    fn place(&mut self, key: &Key, pod: &Value, near: &[Value]) -> Result<String, String> {
        let release = self.pace.release;
        let priority = value::int(pod, "/spec/priority").unwrap_or(0);
        let kept: Vec<_> = self
            .nominated
            .iter()
            .filter(|(k, seat)| *k != key && seat.priority >= priority)
            .map(|(_, s)| s.clone())
            .collect();
        if kept.is_empty() {
            return scheduler::place(pod, self.rooms(), near, release);
        }
        let mut rooms = self.rooms().clone();
        for seat in kept {
            if let Some(room) = rooms.get_mut(&seat.node) {
                room.take(&seat.asked, 1);
            }
        }
        scheduler::place(pod, &rooms, near, release)
    }

    /// Sends pods of lower priority away where that makes room; what is then said of the pod itself.
    fn preempted(&mut self, pod: &Value, message: String, now: Timestamp) -> String {
        let nominated = text(pod, "/status/nominatedNodeName");
        let waits = |seat: &Sitter| {
            let there = self.store.get(&PODS, &seat.pod.0, &seat.pod.1);
            there.is_ok_and(|pod| is_deleting(&pod.value()))
        };
        if !nominated.is_empty() && self.seats.values().any(|seat| seat.node == nominated && waits(seat)) {
            let reason = message.split(". ").next().unwrap_or_default();
            return format!("{reason}. preemption: not eligible due to a terminating pod on the nominated node.");
        }
        self.rooms();
        let Some(rooms) = &self.rooms else { return message };
        let Some((node, victims)) = scheduler::victims(pod, rooms, &self.seats) else { return message };
        for victim in &victims {
            self.send_away(victim, pod, now);
        }
        let mine = (namespace(pod).to_owned(), name(pod).to_owned());
        let asked = amounts::of_spec(&pod["spec"]);
        let priority = value::int(pod, "/spec/priority").unwrap_or(0);
        let seat = Sitter { node: node.clone(), asked, priority, pod: mine };
        self.nominated.insert(Key::new(Work::Schedule, namespace(pod), name(pod)), seat);
        // The pod is there, or it is gone and needs no status.
        let _ = self.store.modify(&PODS, namespace(pod), name(pod), Part::Status, |p| {
            set(p, "/status/nominatedNodeName", json!(node));
        });
        format!("{}.", message.split(". ").next().unwrap_or_default())
    }

    fn send_away(&mut self, victim: &Sitter, pod: &Value, now: Timestamp) {
        let (space, victim_name) = &victim.pod;
        let Some(there) = self.get(&PODS, space, victim_name) else { return };
        let condition = Cond {
            kind: "DisruptionTarget",
            truth: true,
            reason: "PreemptionByScheduler",
            message: "default-scheduler: preempting to accommodate a higher priority pod",
        };
        // Gone already is as good, here and below.
        let _ = self.store.modify(&PODS, space, victim_name, Part::Status, |p| {
            set_condition(p, condition, now);
        });
        let _ = self.store.delete(&PODS, space, victim_name, &DeleteOptions::default());
        let message = format!("Preempted by pod {} on node {}", value::uid(pod), victim.node);
        let note = Note::normal(&there, DEFAULT, "Preempted", message).in_series("Preempting");
        self.recorder.tell(&self.store, &note, now);
    }

    /// A pod with scheduling gates says so, once.
    fn gated(&self, pod: &Value, now: Timestamp) {
        self.refuse(pod, ("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates"), now);
    }

    pub(super) fn bind(&mut self, pod: &Value, node: &str, scheduler: &str, now: Timestamp) {
        let (space, pod_name) = (namespace(pod), name(pod));
        let bound = self.store.modify(&PODS, space, pod_name, Part::Both, |p| {
            set(p, "/spec/nodeName", json!(node));
            scheduler::scheduled(p, None, now);
            if let Some(status) = p["status"].as_object_mut() {
                status.remove("nominatedNodeName");
            }
        });
        // The pod is there, or it is gone and needs no node.
        let Ok(bound) = bound else { return };
        self.seat(&bound, false);
        let message = format!("Successfully assigned {space}/{pod_name} to {node}");
        let mut note = Note::normal(pod, scheduler.to_owned(), "Scheduled", message);
        if scheduler != "volcano" {
            note = note.in_series("Binding");
        }
        self.recorder.tell(&self.store, &note, now);
    }

    /// Writes why a pod has no node; whether that is news.
    pub(super) fn refuse(&self, pod: &Value, (reason, message): (&str, &str), now: Timestamp) -> bool {
        let old = value::condition(pod, "PodScheduled");
        if old.is_some_and(|c| text(c, "/message") == message && text(c, "/reason") == reason) {
            return false;
        }
        // The pod is there, or it is gone and needs no status.
        let _ = self.store.modify(&PODS, namespace(pod), name(pod), Part::Status, |p| {
            scheduler::scheduled(p, Some((reason, message)), now);
        });
        true
    }
}

/// What becomes of a pod that wants a node.
enum Found {
    /// This one.
    Node(String),
    /// Its claims are being bound.
    Soon,
    /// None, and why.
    Nowhere(String),
}
