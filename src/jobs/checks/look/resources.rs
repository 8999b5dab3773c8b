//! CPU, memory, accelerators, shared memory.

use super::Looks;
use super::names;
use crate::jobs::amounts::is_accelerator;
use crate::jobs::checks::case::{Case, Container, Found};
use crate::jobs::quantity::{Quantity, parse_bytes};

pub(super) const LOOKS: Looks = &[
    ("gpu-limit", gpu_limit),
    ("gpu-whole", gpu_whole),
    ("request-over-limit", request_over_limit),
    ("amount-negative", negative),
    ("resource-name", name),
    ("hugepages-alone", hugepages),
    ("memory-tiny", tiny),
    ("gpus-range", range),
    ("launcher-gpu", launcher_gpu),
    ("shm-small", shm),
    ("shm-over-memory", shm_over_memory),
];

/// What need not be asked for in whole units, and may be shared.
fn is_ordinary(resource: &str) -> bool {
    matches!(resource, "cpu" | "memory" | "ephemeral-storage") || resource.starts_with("kubernetes.io/")
}

fn at(container: &str, which: &str, resource: &str) -> String {
    crate::jobs::manifest::text::joined(&format!("{container}/resources/{which}"), resource)
}

/// A request that does not go with its limit.
fn against_limit(c: &Container<'_>, resource: &str, asked: String, limit: String) -> Found {
    Found::at(at(&c.at, "requests", resource)).with("resource", resource).with("asked", asked).with("limit", limit)
}

fn gpu_limit(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, c) in case.containers() {
        for (resource, asked) in c.amounts("requests").filter(|(r, _)| !is_ordinary(r)) {
            let limit = c.amount("limits", resource);
            if limit.as_deref().and_then(Quantity::parse) != Quantity::parse(&asked) {
                let limit = limit.unwrap_or_else(|| "none".to_owned());
                found.push(against_limit(&c, resource, asked, limit));
            }
        }
    }
    found
}

fn gpu_whole(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, c) in case.containers() {
        for (resource, amount) in c.amounts("limits").filter(|(r, _)| !is_ordinary(r) && r.contains('/')) {
            let whole = Quantity::parse(&amount).is_none_or(|q| q.milli().is_none_or(|milli| milli % 1000 == 0));
            if !whole {
                found.push(Found::at(at(&c.at, "limits", resource)).with("resource", resource).with("is", amount));
            }
        }
    }
    found
}

fn request_over_limit(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, c) in case.containers() {
        for (resource, asked) in c.amounts("requests").filter(|(r, _)| is_ordinary(r)) {
            let Some(limit) = c.amount("limits", resource) else { continue };
            if Quantity::parse(&asked) > Quantity::parse(&limit) {
                found.push(against_limit(&c, resource, asked, limit));
            }
        }
    }
    found
}

fn negative(case: &Case<'_>) -> Vec<Found> {
    each(case, |_, amount| {
        amount.trim_start().starts_with('-') && Quantity::parse(amount).is_some_and(|q| q.milli().is_none())
    })
}

fn tiny(case: &Case<'_>) -> Vec<Found> {
    let small = |amount: &str| parse_bytes(amount).is_some_and(|bytes| bytes > 0 && bytes < 1 << 20);
    each(case, |resource, amount| resource == "memory" && small(amount))
}

fn name(case: &Case<'_>) -> Vec<Found> {
    let known = |r: &str| is_ordinary(r) || r.starts_with("hugepages-");
    each(case, |resource, _| if resource.contains('/') { names::key(resource).is_some() } else { !known(resource) })
}

fn each(case: &Case<'_>, bad: impl Fn(&str, &str) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, c) in case.containers() {
        for which in ["limits", "requests"] {
            for (resource, amount) in c.amounts(which).filter(|(resource, amount)| bad(resource, amount)) {
                found.push(Found::at(at(&c.at, which, resource)).with("resource", resource).with("is", amount));
            }
        }
    }
    found
}

fn hugepages(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, c) in case.containers() {
        let all: Vec<_> = c.amounts("limits").chain(c.amounts("requests")).map(|(r, _)| r).collect();
        if all.iter().any(|r| r.starts_with("hugepages-")) && !all.iter().any(|r| matches!(*r, "cpu" | "memory")) {
            found.push(Found::at(format!("{}/resources", c.at)));
        }
    }
    found
}

fn range(case: &Case<'_>) -> Vec<Found> {
    let Some((least, most)) = case.limits.gpus else { return Vec::new() };
    let outside = case.made().into_iter().filter(|role| !(least..=most).contains(&role.gpus().0));
    outside
        .filter_map(|role| {
            let (is, resource) = role.gpus();
            let main = role.containers().into_iter().find(|c| c.gpus().0 > 0)?;
            Some(
                Found::at(at(&main.at, "limits", resource?))
                    .with("is", is)
                    .with("least", least)
                    .with("most", most)
                    .with("role", role.name),
            )
        })
        .collect()
}

fn launcher_gpu(case: &Case<'_>) -> Vec<Found> {
    let Some(role) = case.role("Launcher").filter(|_| case.is_mpi() && !case.launcher_works()) else {
        return Vec::new();
    };
    let main = role.main().filter(|main| main.gpus().0 > 0);
    let found = main.and_then(|main| {
        let (count, resource) = main.gpus();
        let which = if main.amount("limits", resource?).is_some() { "limits" } else { "requests" };
        Some(Found::at(at(&main.at, which, resource?)).with("count", count).with("resource", resource?))
    });
    found.into_iter().collect()
}

/// NCCL and data loaders share memory through /dev/shm, which has 64 MiB if nobody says otherwise.
fn shm(case: &Case<'_>) -> Vec<Found> {
    let ranks = |role: &super::super::case::Role<'_>| role.gpus().0 > 1;
    let lacks = case.made().into_iter().filter(ranks).filter_map(|role| {
        let main = role.main()?;
        let has = main.mounts().any(|(_, mount)| mount["mountPath"] == "/dev/shm");
        (!has)
            .then(|| Found::at(format!("{}/volumeMounts", main.at)).with("role", role.name).with("gpus", role.gpus().0))
    });
    lacks.collect()
}

fn shm_over_memory(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for role in case.made() {
        let Some(limit) = role.main().and_then(|main| main.amount("limits", "memory")) else { continue };
        for (i, name, volume) in role.volumes().filter(|(_, _, volume)| volume["emptyDir"]["medium"] == "Memory") {
            let size = volume["emptyDir"]["sizeLimit"].as_str().unwrap_or_default();
            if parse_bytes(size) >= parse_bytes(&limit) && parse_bytes(size).is_some() {
                let at = role.pod_at(&format!("/volumes/{i}/emptyDir/sizeLimit"));
                found.push(Found::at(at).with("name", name).with("size", size).with("limit", &limit));
            }
        }
    }
    found
}

/// Whether any role asks for accelerators.
pub(super) fn has_gpus(case: &Case<'_>) -> bool {
    case.containers().iter().any(|(_, c)| c.amounts("limits").any(|(resource, _)| is_accelerator(resource)))
}
