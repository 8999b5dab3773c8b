//! The plan of the demo fleet: one entry a job.
//!
//! Owns the format of `assets/scenarios/demo.toml`.

use serde::Deserialize;

use super::error::ScenarioError;

const DEMO: &str = include_str!("../../../assets/scenarios/demo.toml");

/// What is done to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Made.
    Create,
    /// Deleted.
    Delete,
    /// Its Workload is deactivated.
    Pause,
    /// Its suspension is lifted.
    Resume,
}

/// One job (or one line of jobs, with `every`).
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Plan {
    /// Its name, or the beginning of it.
    pub(crate) name: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its API kind.
    pub(crate) kind: String,
    /// The script of its pods.
    pub(crate) script: String,
    /// Who made it.
    pub(crate) user: String,
    /// Workers (nodes).
    pub(crate) workers: u32,
    /// GPUs a worker.
    pub(crate) gpus: u32,
    /// Memory a worker.
    pub(crate) memory: String,
    /// Image of all pods; that of the script's field if empty.
    pub(crate) image: String,
    /// Command line of the launcher (or of every pod).
    pub(crate) command: String,
    /// A claim that all pods mount at `/checkpoints`.
    pub(crate) claim: String,
    /// A merge patch (YAML) on the manifest.
    pub(crate) patch: String,
    /// Kueue's `LocalQueue`.
    pub(crate) queue: String,
    /// Kueue's priority class.
    pub(crate) priority: String,
    /// Seconds before «now» at which it was made; 0: it comes later.
    pub(crate) age: f64,
    /// Script seconds after start at which it comes.
    pub(crate) first: f64,
    /// Script seconds between one and the next of its line; 0: only one.
    pub(crate) every: f64,
    /// How many of a line stay.
    pub(crate) keep: u32,
    /// Launcher's restart policy.
    pub(crate) restart: String,
    /// `cleanPodPolicy`.
    pub(crate) clean: String,
    /// `backoffLimit`.
    pub(crate) backoff: Option<i64>,
    /// `activeDeadlineSeconds`.
    pub(crate) deadline: Option<i64>,
    /// Seconds the leading replica runs, where the script's own time does not do.
    pub(crate) run: Option<f64>,
    /// Suspended from the start.
    pub(crate) suspend: bool,
    /// `managedBy`.
    pub(crate) managed_by: String,
    /// Only nodes with this `nvidia.com/gpu.product`.
    pub(crate) product: String,
    /// A finalizer that holds it when it is deleted.
    pub(crate) finalizer: String,
    /// Deleted so many seconds after it was made.
    pub(crate) delete_after: f64,
    /// Paused so many seconds after it was made.
    pub(crate) pause_after: f64,
    /// Resumed so many seconds after it was made.
    pub(crate) resume_after: f64,
    /// The launcher waits for the workers.
    pub(crate) wait: bool,
    /// `mpiImplementation`.
    pub(crate) mpi: String,
    /// The `ClusterTrainingRuntime` of a `TrainJob`.
    pub(crate) runtime: String,
}

impl Default for Plan {
    fn default() -> Self {
        let none = String::new;
        Self {
            name: none(),
            namespace: none(),
            kind: "MPIJob".into(),
            script: none(),
            user: none(),
            workers: 2,
            gpus: 1,
            memory: "64Gi".into(),
            image: none(),
            command: none(),
            claim: none(),
            patch: none(),
            queue: none(),
            priority: none(),
            age: 0.0,
            first: 0.0,
            every: 0.0,
            keep: 3,
            restart: none(),
            clean: "Running".into(),
            backoff: None,
            deadline: None,
            run: None,
            suspend: false,
            managed_by: none(),
            product: none(),
            finalizer: none(),
            delete_after: 0.0,
            pause_after: 0.0,
            resume_after: 0.0,
            wait: false,
            mpi: none(),
            runtime: none(),
        }
    }
}

impl Plan {
    /// The name of the `serial`-th of its line.
    pub(super) fn job_name(&self, serial: u32) -> String {
        if self.every > 0.0 { format!("{}-{:03}", self.name, serial + 41) } else { self.name.clone() }
    }

    /// What is done to it later, and after how many seconds.
    pub(super) fn follow_ups(&self) -> Vec<(Doing, f64)> {
        let all =
            [(Doing::Pause, self.pause_after), (Doing::Resume, self.resume_after), (Doing::Delete, self.delete_after)];
        all.into_iter().filter(|(_, wait)| *wait > 0.0).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    job: Vec<Plan>,
}

/// The plan of the demo fleet.
pub(super) fn demo() -> Result<Vec<Plan>, ScenarioError> {
    let read = toml::from_str::<File>(DEMO).map(|file| file.job);
    let mut plans = read.map_err(|error| ScenarioError::syntax("assets/scenarios/demo.toml", DEMO, &error))?;
    for plan in plans.iter_mut().filter(|plan| plan.script.is_empty()) {
        "horovod".clone_into(&mut plan.script);
    }
    Ok(plans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Kind;

    #[test]
    fn the_demo_plan_names_kinds_and_namespaces_that_exist() {
        let plans = demo().unwrap();
        assert!(plans.len() >= 38, "{}", plans.len());
        for plan in &plans {
            assert!(Kind::ALL.iter().any(|k| k.info().kind == plan.kind), "{plan:?}");
            assert!(super::super::ground::NAMESPACES.iter().any(|n| n.0 == plan.namespace), "{plan:?}");
            assert!(plan.age > 0.0 || plan.first > 0.0 || plan.every > 0.0, "{plan:?}");
        }
        let mut names: Vec<_> = plans.iter().map(|p| (&p.namespace, &p.name)).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), plans.len());
    }
}
