//! Users: whose jobs hold what. Kubernetes records no creator, so each says by what it is known.

use std::collections::BTreeMap;

use super::rows::SpaceRow;
use crate::jobs::{fleet::Fleet, row::Phase, text::Sym};

/// One user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserUse {
    /// Their name; `None`: jobs that nothing says it of.
    pub name: Option<Sym>,
    /// By what they are known.
    pub by: Vec<Sym>,
    /// Jobs, and of them those that run, wait, and have failed.
    pub jobs: [u32; 4],
    /// Accelerators that their pods hold.
    pub gpus: u32,
    /// Of that, held by jobs that have ended.
    pub leaked: u32,
    /// Namespaces that their jobs are in.
    pub namespaces: Vec<Sym>,
}

/// All users of the jobs in scope: who holds most comes first.
pub fn users(fleet: &Fleet, spaces: &[SpaceRow]) -> Vec<UserUse> {
    let requesters: BTreeMap<&str, &Sym> =
        spaces.iter().filter_map(|space| Some((space.name.as_str(), space.requester.as_ref()?))).collect();
    let mut all: BTreeMap<Option<Sym>, UserUse> = BTreeMap::new();
    for job in fleet.jobs() {
        let asked = requesters.get(job.row.namespace.as_str()).map(|name| (*name).clone());
        let (name, by) = match (&job.row.creator, asked) {
            (Some(name), _) => (Some(name.clone()), job.row.creator_by.clone().unwrap_or_default()),
            (None, Some(name)) => (Some(name), Sym::new("requester of the namespace")),
            (None, None) => (None, Sym::new("nothing tells")),
        };
        let user = all.entry(name.clone()).or_insert_with(|| UserUse { name, ..UserUse::default() });
        if !user.by.contains(&by) && !by.is_empty() {
            user.by.push(by);
        }
        let namespace = Sym::new(job.row.namespace.as_str());
        if !user.namespaces.contains(&namespace) {
            user.namespaces.push(namespace);
        }
        let state = &job.derived.state;
        let counts =
            [true, state.is_running(), state.is_waiting(), matches!(state, crate::jobs::state::State::Failed(_))];
        for (sum, one) in user.jobs.iter_mut().zip(counts) {
            *sum += u32::from(one);
        }
        let pods = fleet.pods(&job.key());
        let holding = pods.iter().filter(|p| p.node.is_some() && !matches!(p.phase, Phase::Succeeded | Phase::Failed));
        user.gpus = holding.fold(user.gpus, |sum, pod| sum.saturating_add(pod.requests.gpus));
        user.leaked = user.leaked.saturating_add(job.derived.leaked_gpus);
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by(|a, b| (b.gpus, b.jobs[0], &a.name).cmp(&(a.gpus, a.jobs[0], &b.name)));
    all
}
