//! The desk as a gang scheduler: finds groups and their pods, and does what a look at them says.

use jiff::Timestamp;
use serde_json::Value;

use super::{Desk, values};
use crate::sim::{
    controllers::{
        gangs,
        work::{Key, Work},
    },
    store::{Selector, resource::PODS},
    value::{after, name, namespace},
    write::Note,
};

impl Desk {
    /// A pod that belongs to a gang: its group is looked at.
    pub(super) fn gang_of(&mut self, pod: &Value, now: Timestamp) -> Option<Timestamp> {
        let key = Key::new(Work::Gang, namespace(pod), gangs::group_of(pod));
        self.place_gang(&key, now)
    }

    /// One look at a group.
    pub(super) fn place_gang(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let gang = self.gang()?;
        let group = self.get(gang.resource(), &key.namespace, &key.name)?;
        let pods: Vec<_> = values(&self.store.list(&PODS, Some(&key.namespace), &Selector::default()).items)
            .into_iter()
            .filter(|pod| gangs::group_of(pod) == key.name)
            .collect();
        let release = self.pace.release;
        let scheduler = gang.scheduler();
        let rooms = self.rooms();
        let out = gangs::look(&gangs::Seen { group: &group, pods: &pods, rooms, scheduler, release, now });
        for (pod, node) in &out.bound {
            self.homeless.remove(&Key::new(Work::Schedule, namespace(pod), name(pod)));
            self.bind(pod, node, scheduler, now);
        }
        for refused in &out.refused {
            let news = self.refuse(&refused.pod, (refused.reason, &refused.message), now);
            let mut note =
                Note::warning(&refused.pod, scheduler.to_owned(), "FailedScheduling", refused.message.clone());
            if scheduler != "volcano" {
                note = note.in_series("Scheduling");
            } else if !news || refused.reason != "Unschedulable" {
                continue;
            }
            self.recorder.tell(&self.store, &note, now);
        }
        // What was not written is seen anew at the next look.
        let _ = self.execute(out.writes, now);
        out.again.map(|seconds| after(now, seconds))
    }
}
