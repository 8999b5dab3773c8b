//! How busy the accelerators are that pods hold: by model, as a source of numbers has measured them.

use std::collections::BTreeMap;

use crate::jobs::{Secs, text::Sym};

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

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    models: BTreeMap<Sym, Busy>,
    /// When it was asked for.
    pub at: Secs,
    /// How many namespaces answered, of how many, where each had to be asked.
    pub places: Option<(usize, usize)>,
}

impl Work {
    /// Nothing yet, at a moment.
    pub const fn new(at: Secs) -> Self {
        Self { models: BTreeMap::new(), at, places: None }
    }

    /// Adds accelerators of a model.
    pub fn add(&mut self, model: Sym, busy: Busy) {
        self.models.entry(model).or_default().add(busy);
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
