//! The GPUs of one pod, or the parts of one GPU, apart: a series each, of one metric.

use super::{Metric, Points, Series, Window};
use crate::jobs::{Clean, Name, Secs};

/// Which GPU of a pod, or which part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Its number, by which it is sorted.
    pub gpu: u32,
    /// The number of the part, 0 for a whole GPU.
    pub part: u32,
    /// What it is called: `GPU 0`, `GPU 0, 1g.10gb 7`.
    pub title: Clean,
}

impl Part {
    /// A whole GPU of this number.
    pub fn whole(gpu: u32) -> Self {
        Self { gpu, part: 0, title: Clean::new(&format!("GPU {gpu}")) }
    }
}

/// What was measured of a part: as of a pod ([`Points`]), for one of its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct PartPoints {
    /// Which.
    pub part: Part,
    /// Its pod, the metric and the values.
    pub points: Points,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    /// The pod.
    pub pod: Name,
    /// What is measured.
    pub metric: Metric,
    step: u32,
    /// The source of numbers tells them apart.
    by_source: bool,
    rows: Vec<(Part, Series)>,
}

impl Apart {
    /// Nothing yet, to be filled with values at these steps.
    pub const fn new(pod: Name, metric: Metric, step: u32) -> Self {
        Self { pod, metric, step, by_source: false, rows: Vec::new() }
    }

    /// Seconds between two values.
    pub const fn step(&self) -> u32 {
        self.step
    }

    /// Takes what the source of numbers told, as far as it is about this pod and metric. Its numbers are the node's: what a
    /// program in the pod said has other ones, and goes.
    pub fn take(&mut self, read: &[PartPoints]) {
        if !self.by_source && read.iter().any(|read| self.is_about(&read.points)) {
            (self.by_source, self.rows) = (true, Vec::new());
        }
        self.put(read);
    }

    /// Takes what a program in the pod said, which counts from 0 the GPUs that it sees; not where the source tells them apart.
    pub fn take_seen(&mut self, said: &[PartPoints]) {
        if !self.by_source {
            self.put(said);
        }
    }

    fn is_about(&self, points: &Points) -> bool {
        points.pod == self.pod && points.metric == self.metric
    }

    fn put(&mut self, read: &[PartPoints]) {
        for PartPoints { part, points } in read {
            if !self.is_about(points) {
                continue;
            }
            let at = match self.rows.binary_search_by(|(known, _)| known.cmp(part)) {
                Ok(at) => at,
                Err(at) => {
                    self.rows.insert(at, (part.clone(), Series::new(self.step, Window::MOST)));
                    at
                }
            };
            points.values.iter().for_each(|(moment, value)| self.rows[at].1.put(*moment, *value));
        }
    }

    /// Those of which anything was measured since a moment, by number.
    pub fn rows(&self, from: Secs) -> impl Iterator<Item = &(Part, Series)> {
        self.rows.iter().filter(move |(_, series)| series.stats(from).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_their_order_and_of_their_own_pod_only() {
        let read = |pod: &str, part: Part, at: u32, value: f64| PartPoints {
            part,
            points: Points { pod: Name::lossy(pod), metric: Metric::Gpu, values: vec![(Secs(at), value)] },
        };
        let mut apart = Apart::new(Name::lossy("w-0"), Metric::Gpu, 10);
        apart.take(&[read("w-0", Part::whole(10), 100, 1.0), read("w-0", Part::whole(2), 100, 2.0)]);
        apart.take(&[read("w-1", Part::whole(0), 100, 3.0), read("w-0", Part::whole(2), 110, 4.0)]);
        let told = |from| apart.rows(from).map(|(part, _)| part.title.to_string()).collect::<Vec<_>>();
        assert_eq!(told(Secs(0)), ["GPU 2", "GPU 10"]);
        assert_eq!(told(Secs(105)), ["GPU 2"], "what is measured no more is not there");
    }

    #[test]
    fn numbers_that_a_program_in_the_pod_counts_do_not_stand_beside_those_of_the_node() {
        let read = |metric: Metric, gpu: u32| PartPoints {
            part: Part::whole(gpu),
            points: Points { pod: Name::lossy("w-0"), metric, values: vec![(Secs(100), 1.0)] },
        };
        let told = |apart: &Apart| apart.rows(Secs(0)).map(|(part, _)| part.gpu).collect::<Vec<_>>();
        let mut apart = Apart::new(Name::lossy("w-0"), Metric::Gpu, 10);
        apart.take_seen(&[read(Metric::Gpu, 0), read(Metric::Gpu, 1)]);
        apart.take(&[read(Metric::Power, 6)]);
        assert_eq!(told(&apart), [0, 1], "the source says nothing of this metric");
        apart.take(&[read(Metric::Gpu, 6), read(Metric::Gpu, 7)]);
        assert_eq!(told(&apart), [6, 7]);
        apart.take_seen(&[read(Metric::Gpu, 0)]);
        assert_eq!(told(&apart), [6, 7]);
    }
}
