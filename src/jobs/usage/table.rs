//! What was measured of the replicas of one job: a bounded series for each pod and metric, and what could not be had.

use std::collections::BTreeMap;

use super::{
    metric::{Metric, Sum},
    series::{Series, Stats},
};
use crate::jobs::{
    Clean, Name, Secs,
    time::{duration, duration_changes_in},
};

/// How far back one looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// 15 minutes.
    #[default]
    Quarter,
    /// An hour.
    Hour,
    /// Six hours.
    SixHours,
    /// Since the job was started, 14 days at most.
    Start,
}

/// A range at a moment: which moments are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub from: Secs,
    /// The last.
    pub to: Secs,
    /// Seconds between two.
    pub step: u32,
}

/// Values of a pod, with their moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// The pod.
    pub pod: Name,
    /// What was measured.
    pub metric: Metric,
    /// The values, the oldest first.
    pub values: Vec<(Secs, f64)>,
}

/// Metrics that can't be had, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Which.
    pub metrics: Vec<Metric>,
    /// Why.
    pub why: Clean,
    /// What to do.
    pub hint: Clean,
}

/// What was read at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub points: Vec<Points>,
    /// What could not be had.
    pub lacks: Vec<Lack>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    step: u32,
    most: usize,
    pods: BTreeMap<Name, [Option<Series>; Metric::ALL.len()]>,
}

/// How old the newest value is, in steps of ten seconds at first; and when that reads otherwise.
pub fn age(newest: Secs, now: Secs) -> (String, Secs) {
    let age = now.since(newest);
    if age < 120 {
        let tens = age / 10 * 10;
        let text = if tens == 0 { "<10s".to_owned() } else { format!("{tens}s") };
        return (text, newest.plus(tens + 10));
    }
    (duration(age), now.plus(duration_changes_in(age)))
}

impl Range {
    /// All, in the order of the key.
    pub const ALL: [Self; 4] = [Self::Quarter, Self::Hour, Self::SixHours, Self::Start];

    /// For a line: `15m`.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Quarter => "15m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Start => "since start",
        }
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|range| *range == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Which moments it means for a job that was started then.
    pub fn window(self, started: Secs, now: Secs) -> Window {
        let span = match self {
            Self::Quarter => 900,
            Self::Hour => 3_600,
            Self::SixHours => 21_600,
            Self::Start => now.since(started).clamp(900, Window::LONGEST),
        };
        Window::of(span, now)
    }
}

impl Window {
    /// Values of a series that are kept at most.
    pub const MOST: usize = 125;
    /// Prometheus keeps 15 days unless it is told otherwise.
    const LONGEST: u32 = 14 * 86_400;
    /// Steps that are asked for: who asks for others gets as many values, and the same ones again later.
    const STEPS: [u32; 10] = [15, 30, 60, 180, 300, 600, 1_800, 3_600, 7_200, 14_400];

    /// The last `span` seconds in at most 120 steps, which are multiples of themselves since 1970.
    pub fn of(span: u32, now: Secs) -> Self {
        let step = Self::STEPS.into_iter().find(|step| span / step <= 120).unwrap_or(14_400);
        let to = now.0 / step * step;
        Self { from: Secs(to.saturating_sub(span) / step * step), to: Secs(to), step }
    }

    /// Only what came after `since`, and that one again: it may have changed.
    #[must_use]
    pub fn after(self, since: Secs) -> Self {
        Self { from: Secs(since.0 / self.step * self.step).clamp(self.from, self.to), ..self }
    }
}

impl Usage {
    /// Nothing yet, to be filled with values at these steps.
    pub fn new(step: u32) -> Self {
        Self { step, most: Window::MOST, pods: BTreeMap::new() }
    }

    /// Seconds between two values.
    pub const fn step(&self) -> u32 {
        self.step
    }

    /// Takes what was read.
    pub fn take(&mut self, reading: &Reading) {
        for points in &reading.points {
            let row = self.pods.entry(points.pod.clone()).or_insert_with(|| std::array::from_fn(|_| None));
            let series = row[points.metric.index()].get_or_insert_with(|| Series::new(self.step, self.most));
            points.values.iter().for_each(|(at, value)| series.put(*at, *value));
        }
    }

    /// Lets go of pods that are not among these.
    pub fn keep(&mut self, is_there: impl Fn(&Name) -> bool) {
        self.pods.retain(|pod, _| is_there(pod));
    }

    /// What was measured of a pod.
    pub fn series(&self, pod: &Name, metric: Metric) -> Option<&Series> {
        self.pods.get(pod)?[metric.index()].as_ref()
    }

    /// What that comes to since a moment.
    pub fn stats(&self, pod: &Name, metric: Metric, from: Secs) -> Option<Stats> {
        self.series(pod, metric)?.stats(from)
    }

    /// When the newest value of all was measured.
    pub fn newest(&self) -> Option<Secs> {
        self.all().filter_map(Series::last).map(|(at, _)| at).max()
    }

    /// The same, of these metrics only.
    pub fn newest_of(&self, wanted: impl Fn(Metric) -> bool) -> Option<Secs> {
        let of = |metric: Metric| self.pods.values().filter_map(move |row| row[metric.index()].as_ref()?.last());
        Metric::ALL.into_iter().filter(|metric| wanted(*metric)).flat_map(of).map(|(at, _)| at).max()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// Whether this was measured of any pod.
    pub fn has(&self, metric: Metric) -> bool {
        self.pods.values().any(|row| row[metric.index()].is_some())
    }

    /// The pods.
    pub fn pods(&self) -> impl Iterator<Item = &Name> {
        self.pods.keys()
    }

    fn all(&self) -> impl Iterator<Item = &Series> {
        self.pods.values().flat_map(|row| row.iter().flatten())
    }

    /// The job's own series: of these pods added up, their mean or the highest, as the metric says. Of pods that were
    /// measured a step late the value before counts.
    pub fn total<'n>(&self, metric: Metric, pods: impl IntoIterator<Item = &'n Name>) -> Series {
        let mut total = Series::new(self.step, self.most);
        let all: Vec<&Series> = pods.into_iter().filter_map(|pod| self.series(pod, metric)).collect();
        let mut moments: BTreeMap<Secs, (f64, f64, u32)> = BTreeMap::new();
        for series in &all {
            for (at, value) in series.points() {
                let (sum, max, count) = moments.entry(at).or_insert((0.0, f64::MIN, 0));
                (*sum, *max, *count) = (*sum + value, max.max(value), *count + 1);
            }
        }
        // The newest step has not all of them yet: half a job's power would look like a fall.
        let newest = moments.keys().next_back().copied();
        let before = moments.values().rev().nth(1).map_or(0, |(.., count)| *count);
        for (at, (sum, max, count)) in moments {
            if Some(at) == newest && count < before && metric.sum() == Sum::Added {
                continue;
            }
            total.put(
                at,
                match metric.sum() {
                    Sum::Added => sum,
                    Sum::Mean => sum / f64::from(count),
                    Sum::Highest => max,
                },
            );
        }
        total
    }

    /// What a pod used at a moment, in words: memory and GPUs, as far as they were measured in the minute before.
    pub fn moment(&self, pod: &Name, at: Secs, memory_limit: u64) -> Option<String> {
        let value = |metric| Some(self.series(pod, metric)?.at(at, 60.max(2 * self.step))?.1);
        let of = |metric: Metric, word: &str, whole: Option<f64>| {
            let value = value(metric)?;
            let whole = whole.map_or(String::new(), |whole| format!(" of {}", metric.text(whole)));
            Some(format!("{word} {}{whole}", metric.text(value)))
        };
        let limit = (memory_limit > 0).then_some(memory_limit as f64);
        let parts = [
            of(Metric::Memory, "memory", limit),
            of(Metric::GpuMemory, "GPU memory", value(Metric::GpuMemoryTotal)),
            of(Metric::Gpu, "GPUs at", None),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// How full a metric of a pod is, from 0 to 1: against what there is of it, where that is known.
    pub fn share(&self, pod: &Name, metric: Metric, value: f64, memory_limit: u64) -> Option<f64> {
        let whole = match metric {
            Metric::Gpu => 100.0,
            Metric::GpuMemory => self.series(pod, Metric::GpuMemoryTotal)?.last()?.1,
            Metric::Memory if memory_limit > 0 => memory_limit as f64,
            _ => return None,
        };
        (whole > 0.0).then(|| (value / whole).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::lossy(text)
    }

    type Measured<'a> = (&'a str, Metric, &'a [(u32, f64)]);

    fn usage(step: u32, rows: &[Measured<'_>]) -> Usage {
        let mut usage = Usage::new(step);
        let points = rows.iter().map(|(pod, metric, values)| Points {
            pod: name(pod),
            metric: *metric,
            values: values.iter().map(|(at, value)| (Secs(*at), *value)).collect(),
        });
        usage.take(&Reading { points: points.collect(), ..Reading::default() });
        usage
    }

    #[test]
    fn windows_are_aligned_and_bounded() {
        let now = Secs(1_000_003);
        let steps = Range::ALL.map(|range| range.window(Secs(990_000), now).step);
        assert_eq!(steps, [15, 30, 180, 180]);
        for span in [900, 3_600, 21_600, 86_400, Window::LONGEST] {
            let window = Window::of(span, now);
            assert!(
                window.to <= now
                    && window.to.0.is_multiple_of(window.step)
                    && window.from.0.is_multiple_of(window.step),
                "{span}"
            );
            let count = (window.to.0 - window.from.0) / window.step + 1;
            assert!((count as usize) <= Window::MOST, "{span}: {count}");
        }
        assert_eq!(Range::Start.window(Secs(999_999), now).from, Range::Quarter.window(Secs(0), now).from);
    }

    #[test]
    fn what_is_known_is_not_asked_for_again() {
        let window = Range::Quarter.window(Secs(0), Secs(1_000_003));
        assert_eq!(window.after(Secs(999_990)).from, Secs(999_990));
        assert_eq!(window.after(Secs(5)).from, window.from);
        assert_eq!(window.after(Secs(2_000_000)).from, window.to);
    }

    #[test]
    fn a_jobs_series_is_a_sum_a_mean_or_the_highest() {
        let of = |metric| {
            let usage = usage(10, &[("a", metric, &[(10, 2.0), (20, 4.0)]), ("b", metric, &[(10, 6.0), (20, 8.0)])]);
            let all = [name("a"), name("b"), name("c")];
            usage.total(metric, &all).points().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(of(Metric::Power), [8.0, 12.0]);
        assert_eq!(of(Metric::Gpu), [4.0, 6.0]);
        assert_eq!(of(Metric::Temperature), [6.0, 8.0]);
    }

    #[test]
    fn half_of_the_workers_are_no_total() {
        let usage = usage(10, &[("a", Metric::Power, &[(10, 2.0), (20, 4.0)]), ("b", Metric::Power, &[(10, 6.0)])]);
        let total = usage.total(Metric::Power, &[name("a"), name("b")]);
        assert_eq!(total.points().collect::<Vec<_>>(), [(Secs(10), 8.0)]);
    }

    #[test]
    fn a_moment_is_told_by_what_was_measured_just_before() {
        let usage = usage(
            15,
            &[
                ("a", Metric::Memory, &[(75, 3e9), (90, 4e9)]),
                ("a", Metric::GpuMemory, &[(90, 2e9)]),
                ("a", Metric::Gpu, &[(15, 9.0)]),
            ],
        );
        let told = |at| usage.moment(&name("a"), Secs(at), 1 << 32);
        assert_eq!(told(100).as_deref(), Some("memory 3.7Gi of 4Gi, GPU memory 1.8Gi"), "utilisation is too old");
        assert_eq!(told(80).as_deref(), Some("memory 2.7Gi of 4Gi"));
        assert_eq!(told(900), None);
    }

    #[test]
    fn shares_are_of_what_is_known_to_be_there() {
        let usage = usage(10, &[("a", Metric::GpuMemoryTotal, &[(10, 80.0)])]);
        let share = |metric, value, limit| usage.share(&name("a"), metric, value, limit);
        assert_eq!(share(Metric::GpuMemory, 60.0, 0), Some(0.75));
        assert_eq!(share(Metric::Memory, 60.0, 0), None, "no limit, no share");
        assert_eq!(share(Metric::Memory, 60.0, 50), Some(1.0));
        assert_eq!(usage.share(&name("b"), Metric::GpuMemory, 1.0, 0), None);
    }
}
