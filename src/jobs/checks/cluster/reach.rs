//! Whether the namespace's network policies let a job's replicas reach each other.

use serde_json::Value;

use super::super::case::Found;
use super::facts::{Facts, Part};
use crate::jobs::{Kind, reach};

/// Policies that close the workers to the launcher, or leave them too few ports.
pub(super) fn closed(kind: Kind, job: &Value, facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    for barrier in reach::barriers(kind, job, facts.objects(&Part::Policies)) {
        let rule = if barrier.ports.is_empty() { "network-closed" } else { "network-few-ports" };
        let found = Found::at("/spec").with("policies", barrier.policies.as_str());
        out.push((rule, found.with("namespace", facts.namespace.as_str())));
    }
}
