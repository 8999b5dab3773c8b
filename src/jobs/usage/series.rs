//! One value over time on a grid of equal steps: bounded, with gaps where nothing was measured.

use std::collections::VecDeque;

use crate::jobs::Secs;

/// Values at multiples of a step, the oldest dropped beyond a number of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    step: u32,
    most: usize,
    /// Number of the first slot: its moment is `first * step`.
    first: u32,
    /// NaN where nothing was measured.
    values: VecDeque<f32>,
}

/// What a series comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// The newest value.
    pub now: f64,
    /// When it was measured.
    pub at: Secs,
    /// The mean.
    pub mean: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Series {
    /// An empty one with this many seconds between values, at least one, and at most so many of them.
    pub fn new(step: u32, most: usize) -> Self {
        Self { step: step.max(1), most: most.max(1), first: 0, values: VecDeque::new() }
    }

    /// Seconds between two values.
    pub const fn step(&self) -> u32 {
        self.step
    }

    /// Keeps a value in the slot of its moment; a later one in the same slot replaces it. What is no number, and what is
    /// older than all that is kept, is left out.
    pub fn put(&mut self, at: Secs, value: f64) {
        if !value.is_finite() {
            return;
        }
        let (slot, value) = (at.0 / self.step, value as f32);
        if self.values.is_empty() {
            self.first = slot;
        }
        let Some(place) = slot.checked_sub(self.first).map(|place| place as usize) else { return };
        if place >= self.values.len() + self.most {
            // All that is known is too old to stay.
            (self.first, self.values) = (slot, VecDeque::from([value]));
            return;
        }
        while self.values.len() <= place {
            self.values.push_back(f32::NAN);
        }
        self.values[place] = value;
        while self.values.len() > self.most {
            self.values.pop_front();
            self.first += 1;
        }
    }

    /// The measured values with their moments, the oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (Secs, f64)> + '_ {
        let slots = self.values.iter().enumerate().filter(|(_, value)| !value.is_nan());
        slots.map(|(place, value)| (Secs((self.first + place as u32).saturating_mul(self.step)), f64::from(*value)))
    }

    /// The newest value.
    pub fn last(&self) -> Option<(Secs, f64)> {
        self.points().next_back()
    }

    /// What it comes to from a moment on; `None` where nothing was measured since.
    pub fn stats(&self, from: Secs) -> Option<Stats> {
        let mut points = self.points().filter(|(at, _)| *at >= from);
        let (at, first) = points.next()?;
        let (mut stats, mut sum, mut count) = (Stats { now: first, at, mean: 0.0, min: first, max: first }, first, 1);
        for (at, value) in points {
            (stats.now, stats.at) = (value, at);
            (stats.min, stats.max) = (stats.min.min(value), stats.max.max(value));
            (sum, count) = (sum + value, count + 1);
        }
        stats.mean = sum / f64::from(count);
        Some(stats)
    }

    /// The value at a moment: the newest of the last `reach` seconds before it.
    pub fn at(&self, moment: Secs, reach: u32) -> Option<(Secs, f64)> {
        self.points().rev().find(|(at, _)| *at <= moment).filter(|(at, _)| moment.since(*at) <= reach)
    }

    /// Means of so many stretches of equal length, of which the last has the moment `end`. Stretches begin at multiples
    /// of their length, so that only the last one changes until a new one begins.
    pub fn stretched(&self, end: Secs, length: u32, count: usize) -> Vec<Option<f64>> {
        let length = length.max(1);
        let last = end.0 / length;
        let mut sums = vec![(0.0, 0u32); count];
        for (at, value) in self.points() {
            let back = last.checked_sub(at.0 / length).map(|back| back as usize);
            if let Some(place) = back.and_then(|back| count.checked_sub(back + 1)) {
                sums[place].0 += value;
                sums[place].1 += 1;
            }
        }
        sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(step: u32, most: usize, points: &[(u32, f64)]) -> Series {
        let mut series = Series::new(step, most);
        for (at, value) in points {
            series.put(Secs(*at), *value);
        }
        series
    }

    #[test]
    fn gaps_stay_gaps_and_what_is_no_number_is_left_out() {
        let series = of(10, 10, &[(100, 1.0), (125, 3.0), (130, f64::NAN), (140, f64::INFINITY)]);
        assert_eq!(series.points().collect::<Vec<_>>(), [(Secs(100), 1.0), (Secs(120), 3.0)]);
        let stats = series.stats(Secs(0)).expect("measured");
        assert_eq!((stats.now, stats.at, stats.mean, stats.min, stats.max), (3.0, Secs(120), 2.0, 1.0, 3.0));
        assert_eq!(series.stats(Secs(121)), None);
    }

    #[test]
    fn a_moment_has_the_newest_value_before_it_unless_that_is_too_old() {
        let series = of(10, 10, &[(100, 1.0), (120, 3.0)]);
        assert_eq!(series.at(Secs(119), 60), Some((Secs(100), 1.0)));
        assert_eq!(series.at(Secs(500), 60), None);
        assert_eq!(series.at(Secs(90), 60), None);
    }

    #[test]
    fn stretches_are_means_and_the_last_one_has_the_end() {
        let series = of(10, 20, &[(100, 1.0), (110, 3.0), (120, 5.0), (150, 7.0)]);
        assert_eq!(series.stretched(Secs(155), 20, 4), [None, Some(2.0), Some(5.0), Some(7.0)]);
        assert_eq!(series.stretched(Secs(159), 20, 2), [Some(5.0), Some(7.0)], "the same stretches until 160");
        assert_eq!(series.stretched(Secs(160), 20, 2), [Some(7.0), None], "then all move by one");
        assert_eq!(series.stretched(Secs(50), 20, 2), [None, None], "what comes after the end is not in them");
    }

    #[test]
    fn after_a_long_silence_only_what_is_new_stays() {
        let series = of(10, 4, &[(100, 1.0), (4_000_000_000, 2.0)]);
        assert_eq!(series.points().collect::<Vec<_>>(), [(Secs(4_000_000_000), 2.0)]);
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_in_order(
            points in proptest::collection::vec((0u32..2_000, -1e6f64..1e6), 0..80), step in 1u32..40, most in 1usize..30,
        ) {
            let series = of(step, most, &points);
            let kept: Vec<_> = series.points().collect();
            prop_assert!(kept.len() <= most);
            prop_assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
            prop_assert!(kept.iter().all(|(at, _)| at.0 % step == 0));
            if let Some(newest) = points.iter().map(|(at, _)| at / step * step).max() {
                prop_assert_eq!(series.last().map(|(at, _)| at.0), Some(newest));
            }
            let filled = series.stretched(Secs(2_000), step, 2_000 / step as usize + 1);
            prop_assert_eq!(filled.iter().flatten().count(), kept.len());
        }
    }
}
