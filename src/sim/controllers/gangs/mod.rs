//! Gang schedulers: the pods of a PodGroup get their nodes together or not at all.
//!
//! Owns one look at one group: which of its pods fit now, whether that is enough, and what the group's status tells. The
//! operator's half, which makes the groups, is [`mpijob`](super::mpijob)'s. Must not read a store.

mod plugins;
mod volcano;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use super::scheduler::{self, Room, node_of};
use crate::sim::{
    amounts,
    release::Release,
    value::{annotation, int, is_deleting, is_over, label, list, name, phase, text},
    write::Write,
};

/// Annotation by which Volcano finds a pod's group.
pub(crate) const VOLCANO_GROUP: &str = "scheduling.k8s.io/group-name";
/// Label by which scheduler-plugins find it.
pub(crate) const PLUGINS_GROUP: &str = "scheduling.x-k8s.io/pod-group";

/// What one look sees.
pub(crate) struct Seen<'a> {
    /// The group.
    pub(crate) group: &'a Value,
    /// All pods that name it.
    pub(crate) pods: &'a [Arc<Value>],
    /// Nodes and what is free there.
    pub(crate) rooms: &'a BTreeMap<String, Room>,
    /// `volcano`, or the name that a kube-scheduler with scheduler-plugins goes by.
    pub(crate) scheduler: &'a str,
    /// Whose words kube-scheduler has.
    pub(crate) release: Release,
    /// Now.
    pub(crate) now: Timestamp,
}

/// Why a pod does not get its node now.
pub(crate) struct Refused {
    /// The pod.
    pub(crate) pod: Arc<Value>,
    /// Reason of its condition.
    pub(crate) reason: &'static str,
    /// The sentence.
    pub(crate) message: String,
}

/// What comes of a look.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Pods and the nodes that they get, all of them.
    pub(crate) bound: Vec<(Arc<Value>, String)>,
    /// Pods that get none, if there is something to be said of them.
    pub(crate) refused: Vec<Refused>,
    /// The group's status, and events about it.
    pub(crate) writes: Vec<Write>,
    /// Seconds until the next look, if it goes on by itself.
    pub(crate) again: Option<f64>,
}

/// The name of the group that a pod is in, empty if none.
pub(crate) fn group_of(pod: &Value) -> &str {
    let volcano = annotation(pod, VOLCANO_GROUP);
    if volcano.is_empty() { label(pod, PLUGINS_GROUP) } else { volcano }
}

/// One look.
pub(crate) fn look(seen: &Seen<'_>) -> Outcome {
    let trial = Trial::of(seen);
    if seen.scheduler == "volcano" { volcano::look(seen, &trial) } else { plugins::look(seen, &trial) }
}

/// How far the pods of a group come.
struct Trial {
    /// Pods that want a node, in the order in which they are tried.
    waiting: Vec<Arc<Value>>,
    /// Those that fit, and where.
    fits: Vec<(Arc<Value>, String)>,
    /// The first that does not fit, and why. Those after it are not tried.
    fails: Option<(Arc<Value>, String)>,
    /// Pods that have a node, or had one and ended well.
    settled: usize,
}

impl Trial {
    fn of(seen: &Seen<'_>) -> Self {
        let here = |pod: &&Arc<Value>| !is_deleting(pod);
        let wants = |pod: &&Arc<Value>| {
            node_of(pod).is_empty() && !is_over(pod) && list(pod, "/spec/schedulingGates").is_empty()
        };
        let settled = |pod: &&Arc<Value>| phase(pod) == "Succeeded" || (!node_of(pod).is_empty() && !is_over(pod));
        let mut waiting: Vec<_> = seen.pods.iter().filter(here).filter(wants).cloned().collect();
        let order = |pod: &Value| {
            let made = text(pod, "/metadata/creationTimestamp").to_owned();
            (-int(pod, "/spec/priority").unwrap_or(0), made, name(pod).to_owned())
        };
        waiting.sort_by_cached_key(|pod| order(pod));
        let mut rooms = seen.rooms.clone();
        let (mut fits, mut fails) = (Vec::new(), None);
        for pod in &waiting {
            match scheduler::place(pod, &rooms, &[], seen.release) {
                Ok(node) => {
                    if let Some(room) = rooms.get_mut(&node) {
                        room.take(&amounts::of_spec(&pod["spec"]), 1);
                    }
                    fits.push((Arc::clone(pod), node));
                }
                Err(why) => {
                    fails = Some((Arc::clone(pod), why));
                    break;
                }
            }
        }
        let settled = seen.pods.iter().filter(here).filter(settled).count();
        Self { waiting, fits, fails, settled }
    }

    /// Whether those that fit are enough for the group to begin.
    fn is_enough(&self, group: &Value) -> bool {
        (self.settled + self.fits.len()) as i64 >= least(group)
    }
}

/// How many pods must be placed together.
fn least(group: &Value) -> i64 {
    int(group, "/spec/minMember").unwrap_or(0)
}

/// How many pods are in a phase.
fn count(pods: &[Arc<Value>], wanted: &str) -> usize {
    pods.iter().filter(|pod| phase(pod) == wanted).count()
}

#[cfg(test)]
mod tests;
