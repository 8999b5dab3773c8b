//! What each rule looks for, by area. A rule's id is in the rule file, too; a test holds the two against each other.

mod container;
mod labels;
mod mpi;
mod names;
mod network;
mod pod;
mod pod_container;
mod quota;
mod resources;
mod run_policy;
mod scheduling;
mod security;
mod slots;

use super::case::{Case, Found};

/// Gives every hit of a rule in a manifest.
pub(super) type Look = fn(&Case<'_>) -> Vec<Found>;

/// The looks of an area, by id of their rules.
pub(super) type Looks = &'static [(&'static str, Look)];

/// Every area.
pub(super) const AREAS: [Looks; 10] = [
    resources::LOOKS,
    slots::LOOKS,
    mpi::LOOKS,
    network::LOOKS,
    run_policy::LOOKS,
    scheduling::LOOKS,
    container::LOOKS,
    quota::LOOKS,
    security::LOOKS,
    labels::LOOKS,
];

/// What a rule looks for; `None` of those that come from reading the text and its schema.
pub(super) fn of(id: &str) -> Option<Look> {
    AREAS.iter().flat_map(|area| area.iter()).find(|(known, _)| *known == id).map(|(_, look)| *look)
}
