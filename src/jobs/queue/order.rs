//! Who comes first: Kueue's own order of those that wait.
//!
//! By priority (with its boost), then by the queue-order timestamp, then by uid (`baseCompareFunc` and
//! `GetQueueOrderTimestamp`). Admission fair sharing, which puts usage of the `LocalQueue` before all of that, shows in the
//! visibility API alone.

use std::cmp::Reverse;

use super::{Queues, rows::LoadRow};
use crate::jobs::{text::Uid, time::Secs};

/// Since when a Workload counts as waiting: it was made then, or put out for being slow or by an admission check.
pub fn queued_since(load: &LoadRow) -> Secs {
    let late = |reason: &str| matches!(reason, "PodsReadyTimeout" | "AdmissionCheck");
    let put_out = load.is("Evicted").filter(|c| late(c.reason.as_str()));
    put_out.and_then(|c| c.since).unwrap_or(load.created)
}

/// What Workloads are sorted by, first the first.
pub fn rank(load: &LoadRow) -> (Reverse<i64>, Secs, &Uid) {
    (Reverse(load.priority), queued_since(load), &load.uid)
}

/// Those that wait in a `ClusterQueue`, in order, of the Workloads that are known.
pub fn waiting<'a>(queues: &'a Queues, cluster_queue: &str) -> Vec<&'a LoadRow> {
    let mut all: Vec<_> = queues.loads.rows.iter().filter(|load| load.waits()).collect();
    all.retain(|load| queues.cluster_queue_of(load).is_some_and(|name| name.as_str() == cluster_queue));
    all.sort_by(|a, b| rank(a).cmp(&rank(b)));
    all
}
