//! Namespaces: what their quotas allow, what is used of it, and how their jobs do.

use std::collections::BTreeMap;

use super::rows::{HeldPod, QuotaRow, SpaceRow};
use crate::jobs::{amounts::is_accelerator, fleet::Fleet, text::Sym};

/// Use against a limit, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// What is used.
    pub used: u64,
    /// What may be.
    pub hard: u64,
}

impl Use {
    /// How full, in percent; 100 where nothing is allowed.
    pub fn percent(self) -> u64 {
        // Thousandths of bytes come near what 64 bits hold.
        let percent = (u128::from(self.used) * 100).checked_div(u128::from(self.hard));
        percent.map_or(100, |percent| u64::try_from(percent).unwrap_or(u64::MAX))
    }
}

/// One namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpaceUse {
    /// Its name.
    pub name: Sym,
    /// The tightest quota on accelerators, if there is one.
    pub gpus: Option<Use>,
    /// On CPU requests.
    pub cpu: Option<Use>,
    /// On memory requests.
    pub memory: Option<Use>,
    /// On the number of jobs of a kind, or of pods.
    pub count: Option<Use>,
    /// Quotas that count only some pods; they are in none of the figures.
    pub scoped: u32,
    /// Accelerators that its pods hold.
    pub held: u32,
    /// Jobs, and of them those that run and wait.
    pub jobs: [u32; 3],
    /// Who asked for it.
    pub requester: Option<Sym>,
    /// The team that it belongs to, if it says so.
    pub team: Option<Sym>,
    /// A quota counts here that other namespaces have, too.
    pub shared: bool,
}

/// All namespaces that are known of, by name.
pub fn spaces(fleet: &Fleet, quotas: &[QuotaRow], spaces: &[SpaceRow], pods: &[HeldPod]) -> Vec<SpaceUse> {
    let mut all: BTreeMap<Sym, SpaceUse> = BTreeMap::new();
    let mut of = |name: &Sym, change: &mut dyn FnMut(&mut SpaceUse)| {
        let space = all.entry(name.clone()).or_insert_with(|| SpaceUse { name: name.clone(), ..SpaceUse::default() });
        change(space);
    };
    for quota in quotas {
        of(&quota.namespace, &mut |space| take(space, quota));
    }
    for pod in pods.iter().filter(|pod| pod.node.is_some()) {
        of(&pod.namespace, &mut |space| space.held = space.held.saturating_add(pod.requests.gpus));
    }
    for job in fleet.jobs() {
        let counts = [true, job.derived.state.is_running(), job.derived.state.is_waiting()];
        of(&Sym::new(job.row.namespace.as_str()), &mut |space| {
            for (sum, one) in space.jobs.iter_mut().zip(counts) {
                *sum += u32::from(one);
            }
        });
    }
    for row in spaces {
        // Of namespaces where nothing is those are told of that are somebody's.
        if row.requester.is_some() || row.team.is_some() {
            let new = || SpaceUse { name: row.name.clone(), ..SpaceUse::default() };
            let space = all.entry(row.name.clone()).or_insert_with(new);
            (space.requester, space.team) = (row.requester.clone(), row.team.clone());
        }
    }
    all.into_values().collect()
}

fn take(space: &mut SpaceUse, quota: &QuotaRow) {
    if quota.scoped {
        space.scoped += 1;
        return;
    }
    space.shared |= quota.shared;
    for (key, hard, used) in &quota.lines {
        let resource = key.as_str().strip_prefix("requests.").unwrap_or(key.as_str());
        let limit = Use { used: *used, hard: *hard };
        let place = match resource {
            "cpu" => &mut space.cpu,
            "memory" => &mut space.memory,
            _ if is_accelerator(resource) => &mut space.gpus,
            _ if is_of_jobs(resource) => &mut space.count,
            _ => continue,
        };
        // Of several the one that is nearest to its end.
        if place.is_none_or(|other| limit.percent() >= other.percent()) {
            *place = Some(limit);
        }
    }
}

fn is_of_jobs(key: &str) -> bool {
    let object = key.strip_prefix("count/").unwrap_or_default();
    object.ends_with(".kubeflow.org") || object == "trainjobs.trainer.kubeflow.org"
}
