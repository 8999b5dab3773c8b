//! Which streams of a job are read: the leading replica's attempts first, what somebody looks at, what is bad.

use super::{super::tell, order_rows, reread};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{
                PageModel, Tab,
                logs::{Choice, Target},
            },
        },
    },
    jobs::{
        Clean, Name, PodRow,
        ranks::Ranks,
        replica::Replica,
        row::{ContainerRow, ContainerState},
        state::Severity,
    },
    logs::View,
};

/// Attempts of a replica that are read.
const ATTEMPTS: usize = 3;

/// The streams to read, at most so many: what leads the job, what is wanted, what is bad.
pub(super) fn targets(page: &PageModel, limit: usize) -> Vec<Target> {
    let replicas = page.job.replicas();
    let known = page.ranks();
    let mut found: Vec<Target> = Vec::new();
    let leading = replicas.iter().find(|replica| replica.pod().is_some());
    let mut add = |targets: Vec<Target>| {
        for target in targets {
            if found.len() < limit.max(1) && !found.contains(&target) {
                found.push(target);
            }
        }
    };
    if let Some(leading) = leading {
        add(of(page, &known, leading));
    }
    let all = || replicas.iter().flat_map(|replica| every(page, &known, replica));
    add(all().filter(|target| page.logs.wanted.contains(&target.key())).collect());
    for replica in replicas.iter().filter(|replica| is_bad(replica)) {
        add(of(page, &known, replica));
    }
    found
}

/// Whether what the replica said may tell why.
fn is_bad(replica: &Replica<'_>) -> bool {
    let has_run = |container: &ContainerRow| {
        matches!(container.state, Some(ContainerState::Running(_) | ContainerState::Terminated(_)))
            || container.last.is_some()
    };
    replica.status().severity == Severity::Bad && replica.pod().is_some_and(|pod| pod.containers.iter().any(has_run))
}

/// What is read of a replica: its newest attempts' main containers, and their runs before.
fn of(page: &PageModel, ranks: &Ranks, replica: &Replica<'_>) -> Vec<Target> {
    let mut all = Vec::new();
    for (nth, pod) in replica.attempts.iter().enumerate().rev().take(ATTEMPTS) {
        let Some(container) = main_container(pod) else { continue };
        all.extend(runs(page, ranks, replica, nth, container));
    }
    all
}

/// Every stream of a replica.
pub(super) fn every(page: &PageModel, ranks: &Ranks, replica: &Replica<'_>) -> Vec<Target> {
    let attempts = replica.attempts.iter().enumerate().rev();
    let containers = attempts.flat_map(|(nth, pod)| pod.containers.iter().map(move |container| (nth, container)));
    containers.flat_map(|(nth, container)| runs(page, ranks, replica, nth, container)).collect()
}

/// A container's run now, and the one before its last restart.
fn runs(page: &PageModel, ranks: &Ranks, replica: &Replica<'_>, nth: usize, container: &ContainerRow) -> Vec<Target> {
    let Some(pod) = replica.attempts.get(nth) else { return Vec::new() };
    let attempt = if replica.attempts.len() > 1 { format!(", attempt {}", nth + 1) } else { String::new() };
    let is_main = main_container(pod).is_some_and(|main| main.name == container.name);
    let name = if is_main { String::new() } else { format!(" {}", container.name) };
    let target = |previous: bool| Target {
        namespace: page.job.row.namespace.clone(),
        pod: pod.name.clone(),
        owner: pod.owner.as_ref().map(|owner| owner.uid.clone()),
        container: container.name.clone(),
        previous,
        title: Clean::new(&format!("{}{attempt}{name}{}", replica.title(), if previous { ", run before" } else { "" })),
        base: ranks.base(&replica.title()),
    };
    let before = page.logs.previous && container.restarts > 0;
    before.then(|| target(true)).into_iter().chain([target(false)]).collect()
}

/// Keys of what a pod's main container writes, its runs before included.
pub(super) fn of_pod(page: &PageModel, name: &Name) -> Vec<String> {
    let pod = page.job.pods.iter().find(|pod| pod.name == *name);
    let Some(container) = pod.and_then(main_container) else { return Vec::new() };
    let key = format!("{name}/{}", container.name);
    vec![format!("{key}/previous"), key]
}

fn main_container(pod: &PodRow) -> Option<&ContainerRow> {
    pod.containers.iter().find(|container| !container.init).or(pod.containers.first())
}

/// Shows the log of a replica on tab Logs.
pub(in crate::console::update::page) fn of_replica(model: &mut Model, id: &Name) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    let replicas = page.job.replicas();
    let keys: Vec<String> = replicas
        .iter()
        .find(|replica| replica.id() == *id)
        .map_or_else(Vec::new, |replica| of(page, &Ranks::default(), replica).iter().map(Target::key).collect());
    if keys.is_empty() {
        return tell(model, Tone::Warn, "This replica has no pod yet");
    }
    page.logs.wanted.extend(keys.iter().cloned());
    page.logs.choice = Choice { view: View::default(), streams: keys };
    page.logs.grid = false;
    let mut effects = super::super::show(model, Tab::Logs);
    effects.extend(reread(model));
    effects.extend(super::look(model));
    effects.extend(order_rows(model));
    effects
}
