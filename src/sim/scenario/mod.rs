//! Who lives in the cluster at start, and what happens to it afterwards.
//!
//! Owns the ground (nodes, namespaces, operators, queues), the plan of jobs in `assets/scenarios/demo.toml`, the
//! scenarios beside it, and the `Director` who makes things at their time. Old jobs are lived through, not painted: see
//! `Manager::live_until`.

mod director;
mod error;
mod file;
pub(crate) mod ground;
mod library;
mod manifest;
mod plan;
mod scale;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use self::director::Director;
pub use self::{
    error::ScenarioError,
    file::Scenario,
    library::{names, scenario, text},
};
use super::{
    FleetKind, Options, Outputs,
    controllers::{
        admit,
        manager::{Calendar, Manager},
        work::Pace,
    },
    kubelet::output::ScriptOutputs,
    store::Store,
};
use crate::sim::value::after;

/// How long nodes, queues and operators have been there, in seconds.
const GROUND_AGE: f64 = 131.0 * 86_400.0;

/// A cluster that lives: run it beside the API server.
pub struct Life {
    manager: Option<Manager>,
    churn: Option<scale::Churn>,
    outputs: Arc<ScriptOutputs>,
}

/// Fills `store` as `options` say and lives through its past; afterwards it is «now». Admission steps are added.
pub fn settle(store: &Store, options: &Options) -> Result<Life, ScenarioError> {
    let Options { seed, ref fleet, lived, release, .. } = *options;
    let speed = if options.speed.is_finite() && options.speed > 0.0 { options.speed } else { 1.0 };
    let now = store.clock().now();
    let begin = after(now, -lived.as_secs_f64());
    store.turn_back(after(now, -GROUND_AGE));
    ground::lay(store, matches!(fleet, FleetKind::Demo | FleetKind::Scenario { .. }));
    store.turn_forward();
    store.admit(admit::step());
    let pace = Pace { seed, speed, release, ..Pace::default() };
    let mut churn = None;
    let (mut director, mut scripts) = (None, None);
    match fleet {
        FleetKind::Demo => {
            let plans = plan::demo()?;
            scripts = Some(library::scripts(&plans, None)?);
            director = Some(Director::new(plans, Vec::new(), begin, speed));
        }
        FleetKind::Scenario { file, text } => {
            let Scenario { jobs, happenings, denials, .. } = Scenario::parse(file, text)?;
            scripts = Some(library::scripts(&jobs, Some((file, text)))?);
            director::deny(store, denials);
            director = Some(Director::new(jobs, happenings, begin, speed));
        }
        FleetKind::Scale { jobs, workers, churn_per_second } => {
            scale::fill(store, *jobs, *workers, now);
            churn = Some(scale::Churn::new(store.clone(), *churn_per_second, seed));
        }
        FleetKind::Empty | FleetKind::Still | FleetKind::NoOperators => {}
    }
    let scripts = Arc::new(scripts.map_or_else(|| library::scripts(&[], None), Ok)?);
    if let Some(first) = director.as_ref().and_then(Calendar::next) {
        store.turn_back(first.min(now));
    }
    let mut manager = Manager::new(
        store,
        Arc::clone(&scripts),
        pace,
        director.map(|director| Box::new(director) as Box<dyn Calendar>),
    );
    let outputs = Arc::new(ScriptOutputs { scripts, journal: manager.journal(), speed, seed });
    manager.live_until(now);
    manager.arrive();
    Ok(Life { manager: Some(manager), churn, outputs })
}

impl Life {
    /// What containers print.
    pub fn outputs(&self) -> Arc<dyn Outputs> {
        self.outputs.clone()
    }

    /// Runs controllers, kubelets and director until cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let manager = self.manager.take();
        let churn = self.churn.take();
        let lives = async {
            if let Some(manager) = manager {
                manager.run(stop.clone()).await;
            }
        };
        let churns = async {
            if let Some(churn) = churn {
                churn.run(stop.clone()).await;
            }
        };
        tokio::join!(lives, churns);
    }
}

#[cfg(test)]
mod lives;
#[cfg(test)]
mod tests;
