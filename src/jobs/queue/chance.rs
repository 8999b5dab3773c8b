//! Whether a queue could take a job in: now, later, or never.
//!
//! Looks for a flavor for each set of pods as Kueue's flavor assigner does. What preemption would do is not foreseen, nor
//! what topology or admission checks say: those are only known to Kueue.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Queues,
    room::{Room, rooms},
    rows::{Cell, ClusterQueueRow, FlavorRow, Group, Stop},
};
use crate::jobs::{
    amounts::{self, ByResource, shown},
    taint::Toleration,
    text::{Clean, Sym},
};

/// What a set of pods needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSetNeed {
    /// `worker`.
    pub name: String,
    /// What all its pods need.
    pub needs: ByResource,
    /// Labels that its nodes must have.
    pub selector: Vec<(Sym, Sym)>,
    /// Taints that it stands.
    pub tolerations: Vec<Toleration>,
}

impl PodSetNeed {
    /// So many pods of this spec, each asking for this.
    pub fn of<'a>(name: &str, pods: u64, each: impl IntoIterator<Item = (&'a String, &'a u64)>, spec: &Value) -> Self {
        let each: ByResource = each.into_iter().map(|(resource, n)| (Sym::new(resource), *n)).collect();
        let mut needs = ByResource::new();
        amounts::add(&mut needs, &each, pods);
        needs.retain(|_, n| *n > 0);
        let labels = spec["nodeSelector"].as_object().into_iter().flatten();
        let selector = labels.map(|(k, v)| (Sym::new(k), Sym::new(v.as_str().unwrap_or_default()))).collect();
        Self { name: name.to_lowercase(), needs, selector, tolerations: Toleration::all_of(spec) }
    }
}

/// What is too little of one resource in one flavor. In thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// Flavor and resource.
    pub cell: Cell,
    /// What is needed of it.
    pub need: u64,
    /// What is free now.
    pub free: u64,
    /// What the queue could have at most.
    pub most: u64,
}

impl Short {
    /// In words: «needs 32 GPU, 24 free in flavor a100».
    pub fn words(&self) -> String {
        let (flavor, resource) = &self.cell;
        let [need, free, most] = [self.need, self.free, self.most].map(|n| shown(resource.as_str(), n));
        let what = amounts::short(resource.as_str());
        if self.need > self.most {
            format!("needs {need} {what}, and flavor {flavor} can never give more than {most}")
        } else {
            format!("needs {need} {what}, {free} free in flavor {flavor}")
        }
    }
}

/// Whether and when a queue could take a job in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chance {
    /// At once, as far as quota goes; the number that wait before it.
    Now(usize),
    /// When others have gone: what is short, and the number that wait before it.
    Waits(Vec<Short>, usize),
    /// As it is, never: why.
    Never(Vec<String>),
    /// Not known: why not.
    Unknown(Clean),
}

/// Whether a `LocalQueue` could take this job in. `ahead` wait before it.
pub fn chance(queues: &Queues, (namespace, name): (&str, &str), sets: &[PodSetNeed], ahead: usize) -> Chance {
    let Some(local) = queues.local(namespace, name) else {
        return match &queues.locals.unread {
            Some(why) => Chance::Unknown(why.clone()),
            None => Chance::Never(vec![format!("there is no LocalQueue {name} in namespace {namespace}")]),
        };
    };
    if local.stop != Stop::Open {
        return Chance::Never(vec![format!("LocalQueue {name} is stopped")]);
    }
    let Some(queue) = queues.cluster(local.cluster_queue.as_str()) else {
        return match (&local.inactive, &queues.clusters.unread) {
            (Some(why), _) => Chance::Never(vec![format!("LocalQueue {name} is not active: {why}")]),
            (None, Some(why)) => Chance::Unknown(why.clone()),
            (None, None) => Chance::Never(vec![format!("there is no ClusterQueue {}", local.cluster_queue)]),
        };
    };
    if let Some(why) = &queue.inactive {
        return Chance::Never(vec![format!("ClusterQueue {} takes nobody in: {why}", queue.name)]);
    }
    assign(queues, queue, sets, ahead)
}

fn assign(queues: &Queues, queue: &ClusterQueueRow, sets: &[PodSetNeed], ahead: usize) -> Chance {
    let rooms: BTreeMap<Cell, Room> = rooms(queues, queue).into_iter().map(|room| (room.cell.clone(), room)).collect();
    let (mut assumed, mut shorts, mut never) = (BTreeMap::<Cell, u64>::new(), Vec::new(), Vec::new());
    for set in sets {
        for group in &queue.groups {
            let needs: Vec<_> = set.needs.iter().filter(|(resource, _)| group.resources.contains(resource)).collect();
            if needs.is_empty() {
                continue;
            }
            let hall = Hall { queues, rooms: &rooms, group };
            let tried = hall.best(set, &needs, &assumed);
            match tried {
                Ok((flavor, short)) => {
                    for (resource, n) in needs {
                        *assumed.entry((flavor.clone(), resource.clone())).or_default() += n;
                    }
                    shorts.extend(short);
                }
                Err(why) => never.extend(why),
            }
        }
        let covered = |resource: &Sym| queue.groups.iter().any(|group| group.resources.contains(resource));
        let lacks = set.needs.keys().filter(|resource| !covered(resource));
        never.extend(lacks.map(|resource| format!("ClusterQueue {} offers no {resource}", queue.name)));
    }
    never.dedup();
    match (never.is_empty(), shorts.is_empty()) {
        (false, _) => Chance::Never(never),
        (true, true) => Chance::Now(ahead),
        (true, false) => Chance::Waits(shorts, ahead),
    }
}

struct Hall<'a> {
    queues: &'a Queues,
    rooms: &'a BTreeMap<Cell, Room>,
    group: &'a Group,
}

impl Hall<'_> {
    /// The first flavor with room, else the first that could have some, with what is short; else why none can.
    fn best(
        &self,
        set: &PodSetNeed,
        needs: &[(&Sym, &u64)],
        assumed: &BTreeMap<Cell, u64>,
    ) -> Result<(Sym, Vec<Short>), Vec<String>> {
        let (mut waits, mut never) = (None, Vec::new());
        for flavor in &self.group.flavors {
            if let Some(why) =
                self.queues.flavors.rows.iter().find(|f| f.name == *flavor).and_then(|f| mismatch(f, set))
            {
                never.push(why);
                continue;
            }
            let mut short = Vec::new();
            for (resource, n) in needs {
                let cell = (flavor.clone(), (*resource).clone());
                let room = self.rooms.get(&cell).cloned().unwrap_or_default();
                let need = *n + assumed.get(&cell).copied().unwrap_or(0);
                if need > room.free {
                    short.push(Short { cell, need, free: room.free, most: room.most });
                }
            }
            if short.is_empty() {
                return Ok((flavor.clone(), short));
            }
            if short.iter().any(|short| short.need > short.most) {
                never.extend(short.iter().filter(|s| s.need > s.most).map(Short::words));
            } else if waits.is_none() {
                waits = Some((flavor.clone(), short));
            }
        }
        waits.ok_or(never)
    }
}

/// Why pods may not go to nodes of a flavor.
fn mismatch(flavor: &FlavorRow, set: &PodSetNeed) -> Option<String> {
    let hard = flavor.taints.iter().find(|taint| taint.is_hard() && !taint.is_tolerated(&set.tolerations));
    if let Some(taint) = hard {
        return Some(format!(
            "flavor {} has the taint {}, which {} does not tolerate",
            flavor.name, taint.key, set.name
        ));
    }
    let other = |(key, wanted): &&(Sym, Sym)| flavor.labels.iter().any(|(k, is)| k == key && is != wanted);
    let (key, value) = set.selector.iter().find(other)?;
    Some(format!("flavor {} is not {key}={value}", flavor.name))
}
