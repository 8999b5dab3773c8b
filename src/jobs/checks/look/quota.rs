//! What a namespace's quota wants to be told.

use super::Looks;
use crate::jobs::checks::case::{Case, Found};

pub(super) const LOOKS: Looks = &[("amounts-silent", silent), ("amounts-default", defaults)];

/// Main containers and resources that have neither request nor limit.
fn lacking(case: &Case<'_>) -> Vec<(Found, &'static str)> {
    let mut found = Vec::new();
    for (role, c) in case.containers().into_iter().filter(|(_, c)| c.main) {
        for resource in ["cpu", "memory"] {
            if c.amount("limits", resource).is_none() && c.amount("requests", resource).is_none() {
                let at = format!("{}/resources/limits/{resource}", c.at);
                found.push((Found::at(at).with("role", role.name).with("resource", resource), resource));
            }
        }
    }
    found
}

fn silent(case: &Case<'_>) -> Vec<Found> {
    if case.limits.cpu.is_some() {
        return Vec::new();
    }
    lacking(case).into_iter().map(|(found, _)| found).collect()
}

fn defaults(case: &Case<'_>) -> Vec<Found> {
    let (Some(cpu), Some(memory)) = (&case.limits.cpu, &case.limits.memory) else { return Vec::new() };
    let default = |resource: &str| if resource == "cpu" { cpu } else { memory };
    lacking(case).into_iter().map(|(found, resource)| found.with("default", default(resource))).collect()
}
