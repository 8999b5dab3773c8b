//! A scenario's cluster when all of it has happened.

use std::time::Duration;

use mpideck::sim::scenario;
use mpideck::sim::{Clock, FleetKind, Options, Sim};

/// See the module.
pub(crate) struct Lived {
    pub(crate) sim: Sim,
    /// Stands still.
    pub(crate) clock: Clock,
    /// The job that the scenario is named after, or its first.
    pub(crate) namespace: String,
    pub(crate) job: String,
}

/// Lives through a scenario of the program's own.
pub(crate) async fn lived(name: &str) -> Lived {
    let (file, text) = scenario::text(name).unwrap();
    let read = scenario::scenario(name).unwrap().unwrap();
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    let fleet = FleetKind::Scenario { file, text };
    let lived = Duration::from_secs_f64(read.seconds);
    let sim = Sim::start(Options { fleet, lived, clock, ..Options::new() }).await.unwrap();
    let (namespace, job) = read.jobs().find(|(_, job)| *job == name).or_else(|| read.jobs().next()).unwrap();
    Lived { sim, clock, namespace: namespace.to_owned(), job: job.to_owned() }
}
