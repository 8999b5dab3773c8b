//! Who lives in the cluster at start, and what happens to it afterwards.
//!
//! Owns the ground (nodes, namespaces, operators, queues), the plan of jobs in `assets/scenarios/demo.toml`, and the
//! `Director` who makes them at their time. Old jobs are lived through, not painted: see `Manager::live_until`.

pub(crate) mod ground;
mod manifest;
mod plan;
mod scale;

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub(crate) use self::ground::UNWATCHED;
use self::plan::{Doing, Plan};
use super::{
    FleetKind, Options, Outputs,
    controllers::{
        admit,
        manager::{Manager, Pace},
        value::{after, set, uid},
    },
    kubelet::{output::ScriptOutputs, script::Scripts},
    store::{
        DeleteOptions, Part, Propagation, Selector, Store,
        resource::{MPIJOBS, WORKLOADS},
    },
};

/// How long nodes, queues and operators have been there, in seconds.
const GROUND_AGE: f64 = 131.0 * 86_400.0;

/// Why a fleet could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file of `assets/scenarios` is not what it should be.
    #[error("assets/scenarios: {0}")]
    Asset(#[from] toml::de::Error),
}

/// A cluster that lives: run it beside the API server.
pub struct Life {
    manager: Option<Manager>,
    churn: Option<scale::Churn>,
    outputs: Arc<ScriptOutputs>,
}

/// Fills `store` as `options` say and lives through its past; afterwards it is «now». Admission steps are added.
pub fn settle(store: &Store, options: &Options) -> Result<Life, ScenarioError> {
    let Options { seed, ref fleet, lived, .. } = *options;
    let speed = if options.speed.is_finite() && options.speed > 0.0 { options.speed } else { 1.0 };
    let scripts = Arc::new(Scripts::builtin()?);
    let now = store.clock().now();
    store.turn_back(after(now, -GROUND_AGE));
    ground::lay(store, *fleet == FleetKind::Demo);
    store.turn_forward();
    store.admit(admit::step());
    let outputs = Arc::new(ScriptOutputs { scripts: Arc::clone(&scripts), speed, seed });
    let pace = Pace { seed, speed, ..Pace::default() };
    let mut churn = None;
    let mut director = None;
    match fleet {
        FleetKind::Demo => director = Some(Director::demo(after(now, -lived.as_secs_f64()), speed)?),
        FleetKind::Scale { jobs, workers, churn_per_second } => {
            scale::fill(store, *jobs, *workers, now);
            churn = Some(scale::Churn::new(store.clone(), *churn_per_second, seed));
        }
        FleetKind::Empty | FleetKind::Still | FleetKind::NoOperators => {}
    }
    if let Some(first) = director.as_ref().and_then(Director::next) {
        store.turn_back(first);
    }
    let mut manager = Manager::new(store, scripts, pace, director);
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

/// Makes, pauses and deletes jobs at their time.
pub(crate) struct Director {
    /// Latest first.
    acts: Vec<(Timestamp, Act)>,
    plans: Vec<Plan>,
    speed: f64,
}

#[derive(Clone, Debug)]
struct Act {
    plan: usize,
    serial: u32,
    doing: Doing,
}

impl Director {
    /// As of `begin`: plans have happened so long before it, or will happen so long after.
    fn demo(begin: Timestamp, speed: f64) -> Result<Self, ScenarioError> {
        let plans = plan::demo()?;
        let mut director = Self { acts: Vec::new(), plans, speed };
        for (plan, p) in director.plans.clone().iter().enumerate() {
            let at = after(begin, if p.age > 0.0 { -p.age } else { p.first / speed });
            director.add(at, Act { plan, serial: 0, doing: Doing::Create });
        }
        Ok(director)
    }

    fn add(&mut self, at: Timestamp, act: Act) {
        let place = self.acts.partition_point(|(other, _)| *other > at);
        self.acts.insert(place, (at, act));
    }

    /// When the next act is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.acts.last().map(|(at, _)| *at)
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, store: &Store, now: Timestamp) {
        while self.acts.last().is_some_and(|(at, _)| *at <= now) {
            if let Some((at, act)) = self.acts.pop() {
                self.one(store, &act, at);
            }
        }
    }

    fn one(&mut self, store: &Store, act: &Act, at: Timestamp) {
        let Some(plan) = self.plans.get(act.plan).cloned() else { return };
        let job_name = plan.job_name(act.serial);
        match act.doing {
            Doing::Create => {
                let Some((resource, object)) = manifest::of(store, &plan, &job_name) else { return };
                // A user may have taken the name, or the namespace away: then this job does not come.
                let _ = store.create(resource, object);
                for (doing, wait) in plan.follow_ups() {
                    self.add(after(at, wait), Act { doing, ..act.clone() });
                }
                if plan.every > 0.0 {
                    let next = Act { serial: act.serial + 1, ..act.clone() };
                    self.add(after(at, plan.every / self.speed), next);
                    if act.serial >= plan.keep {
                        let old = Act { serial: act.serial - plan.keep, doing: Doing::Delete, ..act.clone() };
                        self.add(after(at, 1.0), old);
                    }
                }
            }
            Doing::Delete => {
                let options = DeleteOptions { propagation: Propagation::Background, ..DeleteOptions::default() };
                if let Some((resource, _)) = manifest::of(store, &plan, &job_name) {
                    // Gone already is as good.
                    let _ = store.delete(resource, &plan.namespace, &job_name, &options);
                }
            }
            Doing::Pause => pause(store, &plan, &job_name),
            Doing::Resume => {
                // Whoever deleted it does not want it resumed.
                let _ = store.modify(&MPIJOBS, &plan.namespace, &job_name, Part::Main, |job| {
                    set(job, "/spec/runPolicy/suspend", serde_json::json!(false));
                });
            }
        }
    }
}

/// Deactivates the job's Workload, as a user of Kueue pauses a job.
fn pause(store: &Store, plan: &Plan, job_name: &str) {
    let Some((resource, _)) = manifest::of(store, plan, job_name) else { return };
    let Ok(job) = store.get(resource, &plan.namespace, job_name) else { return };
    let selector = Selector::label("kueue.x-k8s.io/job-uid", uid(&job.value()));
    for load in store.list(&WORKLOADS, Some(&plan.namespace), &selector).items {
        // It is gone if its job is; nothing is left to pause.
        let _ = store.modify(&WORKLOADS, &plan.namespace, &load.name, Part::Main, |w| {
            set(w, "/spec/active", serde_json::json!(false));
        });
    }
}

#[cfg(test)]
mod tests;
