//! What a cluster has and who holds it: by node, namespace and user.
//!
//! Pure: `cluster::survey` reads. One pass over rows a view; nothing is kept.

mod fill;
mod node;
mod overview;
mod rows;
mod space;
mod team;
#[cfg(test)]
mod tests;
mod user;
mod work;

pub use fill::{Fill, NEARLY, fills};
pub use node::{Holder, NodeUse, nodes, starts};
pub use overview::{Gpus, Overview, overview};
pub use rows::{HeldPod, NodeRow, QuotaRow, SharedQuotaRow, SpaceRow};
pub use space::{SpaceUse, Use, spaces};
pub use team::{LABELS as TEAM_LABELS, TeamUse, teams};
pub use user::{UserUse, users};
pub use work::{Busy, Idle, Work};

use super::{fleet::Fleet, part::Part};

/// All pods that hold something: those of jobs that the fleet watches, and those that were read beside it.
pub fn held(fleet: &Fleet, read: &Part<HeldPod>) -> Vec<HeldPod> {
    let mut all: Vec<HeldPod> = read.rows.clone();
    let known: std::collections::HashSet<_> = read.rows.iter().map(|pod| pod.uid.clone()).collect();
    for job in fleet.jobs() {
        let pods = fleet.pods(&job.key()).into_iter().filter_map(HeldPod::of);
        all.extend(pods.filter(|pod| !known.contains(&pod.uid)));
    }
    all
}
