//! How busy the accelerators are that pods hold: by model, as a source of numbers has measured them.

use std::collections::BTreeMap;

use super::rows::HeldPod;
use crate::jobs::{
    Secs,
    text::{Name, Sym},
};

/// Accelerators of one model, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Busy {
    /// How many were measured.
    pub measured: u32,
    /// Of these, how many do nothing now.
    pub idle: u32,
    /// Their utilisation added up, in percent.
    pub sum: f64,
}

impl Busy {
    /// Mean utilisation, percent.
    pub fn mean(self) -> f64 {
        if self.measured == 0 { 0.0 } else { self.sum / f64::from(self.measured) }
    }

    fn add(&mut self, other: Self) {
        self.measured += other.measured;
        self.idle += other.idle;
        self.sum += other.sum;
    }
}

/// Whose the idle accelerators are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Of training jobs.
    pub of_jobs: u32,
    /// Of other pods.
    pub of_others: u32,
    /// Of pods that one may not see.
    pub unknown: u32,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    models: BTreeMap<Sym, Busy>,
    /// Idle ones by the pod that holds them: namespace, name.
    idle: BTreeMap<(Sym, Name), u32>,
    /// When it was asked for.
    pub at: Secs,
    /// How many namespaces answered, of how many, where each had to be asked.
    pub places: Option<(usize, usize)>,
}

impl Work {
    /// Nothing yet, at a moment.
    pub const fn new(at: Secs) -> Self {
        Self { models: BTreeMap::new(), idle: BTreeMap::new(), at, places: None }
    }

    /// Adds accelerators of a model.
    pub fn add(&mut self, model: Sym, busy: Busy) {
        self.models.entry(model).or_default().add(busy);
    }

    /// Adds idle accelerators of a pod, which [`Work::add`] was told of, too.
    pub fn add_idle(&mut self, namespace: Sym, pod: &str, count: u32) {
        *self.idle.entry((namespace, Name::lossy(pod))).or_default() += count;
    }

    /// Whose the idle ones are, as far as these pods tell.
    pub fn idle(&self, pods: &[HeldPod]) -> Idle {
        let mut left = self.idle.clone();
        let mut idle = Idle::default();
        for pod in pods.iter().filter(|pod| pod.requests.gpus > 0) {
            let Some(count) = left.remove(&(pod.namespace.clone(), pod.name.clone())) else { continue };
            let of = if pod.job.is_empty() { &mut idle.of_others } else { &mut idle.of_jobs };
            *of += count;
        }
        idle.unknown = self.all().idle.saturating_sub(idle.of_jobs + idle.of_others);
        idle
    }

    /// All of them.
    pub fn all(&self) -> Busy {
        self.models.values().fold(Busy::default(), |mut sum, one| {
            sum.add(*one);
            sum
        })
    }

    /// By model, those with most first.
    pub fn models(&self) -> Vec<(&Sym, Busy)> {
        let mut all: Vec<_> = self.models.iter().map(|(model, busy)| (model, *busy)).collect();
        all.sort_by(|a, b| (b.1.measured, a.0).cmp(&(a.1.measured, b.0)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_ones_are_told_apart_by_who_holds_them() {
        let pod = |name: &str, job: &str| HeldPod {
            namespace: Sym::new("nlp"),
            name: Name::lossy(name),
            job: Name::lossy(job),
            requests: crate::jobs::row::Requests { gpus: 4, ..Default::default() },
            ..HeldPod::default()
        };
        let mut work = Work::new(Secs(9));
        work.add(Sym::new("A100"), Busy { measured: 12, idle: 7, sum: 0.0 });
        for (namespace, name, count) in [("nlp", "bert-0", 2), ("nlp", "notebook", 1), ("vision", "bert-0", 4)] {
            work.add_idle(Sym::new(namespace), name, count);
        }
        let pods = [pod("bert-0", "bert"), pod("notebook", ""), pod("bert-1", "bert")];
        assert_eq!(work.idle(&pods), Idle { of_jobs: 2, of_others: 1, unknown: 4 });
        assert_eq!(work.idle(&[]), Idle { unknown: 7, ..Idle::default() });
    }

    #[test]
    fn the_mean_counts_each_accelerator_once() {
        let mut work = Work::new(Secs(9));
        work.add(Sym::new("A100"), Busy { measured: 3, idle: 1, sum: 150.0 });
        work.add(Sym::new("H100"), Busy { measured: 5, idle: 0, sum: 450.0 });
        work.add(Sym::new("A100"), Busy { measured: 1, idle: 1, sum: 0.0 });
        assert_eq!((work.all().mean(), work.all().idle), (600.0 / 9.0, 2));
        let models: Vec<_> = work.models().iter().map(|(model, busy)| (model.as_str(), busy.mean())).collect();
        assert_eq!(models, [("H100", 90.0), ("A100", 37.5)]);
        assert!(Busy::default().mean().abs() < f64::EPSILON, "no accelerators, no work");
    }
}
