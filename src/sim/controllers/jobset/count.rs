//! How far the Jobs of each role are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ROLE;
use crate::sim::value::{has_condition, int, label, list, text, truth};

/// Jobs of one role, by how far they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) wanted: i64,
    pub(super) ready: i64,
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    active: i64,
    suspended: i64,
}

/// Every role of a JobSet with its counts, in the order of the spec.
pub(super) struct Roles(Vec<(String, Counts)>);

impl Roles {
    /// Counts the Jobs of the attempt of now.
    pub(super) fn of(set_of: &Value, current: &[&Arc<Value>]) -> Self {
        let counted = |replicated: &Value| {
            let role = text(replicated, "/name");
            let mut counts = Counts { wanted: int(replicated, "/replicas").unwrap_or(1), ..Counts::default() };
            current.iter().filter(|job| label(job, ROLE) == role).for_each(|job| counts.add(job));
            (role.to_owned(), counts)
        };
        Self(list(set_of, "/spec/replicatedJobs").iter().map(counted).collect())
    }

    /// `status.replicatedJobsStatus`: from Z to A.
    pub(super) fn written(&self) -> Value {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by(|a, b| b.0.cmp(&a.0));
        let one = |(role, c): &(String, Counts)| json!({"name": role, "ready": c.ready, "succeeded": c.succeeded, "failed": c.failed, "active": c.active, "suspended": c.suspended});
        Value::Array(all.into_iter().map(one).collect())
    }

    /// The counts of a role; all zero if there is none of that name.
    pub(super) fn of_role(&self, role: &str) -> Counts {
        self.0.iter().find(|(of, _)| of == role).map_or_else(Counts::default, |(_, counts)| *counts)
    }

    /// Whether all Jobs there are to be run or have run well.
    pub(super) fn all_ready(&self) -> bool {
        let (wanted, ready) =
            self.0.iter().fold((0_i64, 0), |(w, r), (_, c)| (w.saturating_add(c.wanted), r + c.ready + c.succeeded));
        wanted == ready
    }

    /// Whether the Jobs that a role waits for are as far as it waits for.
    pub(super) fn reached(&self, replicated: &Value) -> bool {
        list(replicated, "/dependsOn").iter().all(|other| {
            let counts = self.of_role(text(other, "/name"));
            let far = if text(other, "/status") == "Ready" { counts.failed + counts.ready } else { 0 };
            far + counts.succeeded == counts.wanted
        })
    }
}

impl Counts {
    fn add(&mut self, job: &Value) {
        if has_condition(job, "Complete") {
            self.succeeded += 1;
        } else if has_condition(job, "Failed") {
            self.failed += 1;
        } else {
            let status = |field: &str| int(job, &format!("/status/{field}")).unwrap_or(0);
            let parallel = int(job, "/spec/parallelism").unwrap_or(1);
            let pods = int(job, "/spec/completions").map_or(parallel, |completions| parallel.min(completions));
            self.ready += i64::from(status("succeeded") + status("ready") >= pods);
            self.active += i64::from(status("active") > 0);
            self.suspended += i64::from(truth(job, "/spec/suspend"));
        }
    }
}
