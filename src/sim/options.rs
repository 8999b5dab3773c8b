//! What a sim is started with.

use std::time::Duration;

use super::Clock;
use super::faults::Plan;
use super::release::Release;

/// Where the user `tenant` has rights, unless told otherwise.
pub const TENANT_NAMESPACE: &str = "vision";

/// What lives in the cluster at start.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum FleetKind {
    /// Six namespaces of a working day: jobs of every kind and state, that start, run, fail and finish.
    #[default]
    Demo,
    /// What a scenario file says, and nothing else.
    Scenario {
        /// The file's name: the scenario's, too, without the ending.
        file: String,
        /// Its content.
        text: String,
    },
    /// All kinds served, no job yet.
    Empty,
    /// An API server alone: no job, no node, and nobody who acts on what is made.
    Still,
    /// No training operator: the kinds are not served.
    NoOperators,
    /// Many alike, to measure with.
    Scale {
        /// How many jobs.
        jobs: u32,
        /// Workers of each.
        workers: u32,
        /// Pod status changes a second.
        churn_per_second: f64,
    },
}

/// How to start a sim.
#[derive(Clone, Debug)]
pub struct Options {
    /// Repeats a run: uids, names, scripts and faults follow from it.
    pub seed: u64,
    /// How many times faster scripts run; timestamps stay wall-clock time.
    pub speed: f64,
    /// What lives in it.
    pub fleet: FleetKind,
    /// How long ago it began: as much is lived through at the start, at once. Churn and faults have no past.
    pub lived: Duration,
    /// Its time.
    pub clock: Clock,
    /// Where the user `tenant` has rights.
    pub tenant_namespace: String,
    /// Whether it serves `OpenShift`'s Projects.
    pub projects: bool,
    /// MPIJob v1 of training-operator and Kueue's v1beta1, in place of the newer versions.
    pub old_apis: bool,
    /// The release that is played.
    pub release: Release,
    /// What goes wrong from the start.
    pub faults: Plan,
}

impl Options {
    /// The demo fleet on the wall clock. Must be called inside a tokio runtime.
    pub fn new() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            fleet: FleetKind::default(),
            lived: Duration::ZERO,
            clock: Clock::real(),
            tenant_namespace: TENANT_NAMESPACE.to_owned(),
            projects: false,
            old_apis: false,
            release: Release::default(),
            faults: Plan::default(),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
