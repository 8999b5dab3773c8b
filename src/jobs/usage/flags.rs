//! What is odd about what the replicas of a job use: the one place that says from when on it is.
//!
//! Its numbers are coarse, so that what is told of them does not change with every sample.

use std::fmt;

use super::{metric::Metric, table::Usage};
use crate::jobs::{Name, Secs, replica::Replica, row::Requests, state::Severity, time::duration};

/// A GPU below this utilisation does nothing.
pub const IDLE_BELOW: f64 = 5.0;
/// For so long.
pub const IDLE_FOR: u32 = 600;
/// A replica is compared with the others over this time.
const COMPARED: u32 = 300;
/// By so many points, and to less than this share of what the others have, a replica is behind.
const BEHIND: (f64, f64) = (20.0, 0.75);
/// Fewer replicas have no others to be compared with.
const TEAM: usize = 3;
/// From this share of its limit on memory is near it.
pub const NEAR: f64 = 0.9;
/// Values older than this say nothing about now.
const RECENT: u32 = 300;

/// A replica that is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its pod.
    pub pod: Name,
    /// GPUs that it has.
    pub gpus: u32,
    /// Its memory limit in bytes, 0 for none.
    pub memory_limit: u64,
}

impl Worker {
    /// A replica with its pod, if it has one that could be measured.
    pub fn of(replica: &Replica<'_>) -> Option<Self> {
        let pod = replica.pod()?;
        let Requests { gpus, memory_limit, .. } = pod.requests;
        Some(Self { pod: pod.name.clone(), gpus, memory_limit })
    }
}

/// Something odd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flag {
    /// The last Xid error of its GPUs.
    Xid(u32),
    /// Memory is at this share of its limit.
    MemoryNear(f64),
    /// Its GPUs have done nothing for at least so many seconds.
    Idle(u32),
    /// Its GPUs do less than those of the others: percent, against their median.
    Behind(f64, f64),
    /// Its GPUs are slowed down for heat.
    Throttled,
}

/// To the nearest multiple of five.
fn fives(percent: f64) -> f64 {
    (percent / 5.0).round() * 5.0
}

impl Flag {
    /// Idle for so many seconds: in steps of ten minutes, then of hours.
    pub fn idle(seconds: u32) -> Self {
        let step = if seconds < 10_800 { 600 } else { 3_600 };
        Self::Idle(seconds / step * step)
    }

    /// Memory at this share of its limit, in steps of 5 %.
    pub fn near(share: f64) -> Self {
        Self::MemoryNear((share * 20.0 + 1e-6).floor() / 20.0)
    }

    /// A word for a table.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Xid(_) => "Xid",
            Self::MemoryNear(_) => "memory",
            Self::Idle(_) => "idle",
            Self::Behind(..) => "behind",
            Self::Throttled => "hot",
        }
    }

    /// One character for a cell.
    pub const fn symbol(&self) -> char {
        match self {
            Self::Xid(_) => 'X',
            Self::MemoryNear(_) => 'M',
            Self::Idle(_) => 'i',
            Self::Behind(..) => '<',
            Self::Throttled => 'T',
        }
    }

    /// How urgent it is.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Xid(_) => Severity::Bad,
            _ => Severity::Warn,
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xid(code) => write!(f, "Xid error {code}"),
            Self::MemoryNear(share) => write!(f, "memory at {}% of its limit", (share * 100.0).round()),
            Self::Idle(seconds) => write!(f, "GPUs idle for over {}", duration(*seconds)),
            Self::Behind(own, others) => {
                write!(f, "GPUs at about {}%, the others at {}%", own.round(), others.round())
            }
            Self::Throttled => f.write_str("GPUs slowed down for heat"),
        }
    }
}

/// What is odd, in the order of the workers, the most urgent first for each.
pub fn flags(usage: &Usage, workers: &[Worker], now: Secs) -> Vec<(Name, Flag)> {
    let means: Vec<Option<f64>> = workers.iter().map(|worker| compared(usage, worker, now)).collect();
    let mut out = Vec::new();
    for (worker, mean) in workers.iter().zip(&means) {
        let idle = idle(usage, worker, now);
        // Who does nothing at all is not merely behind.
        let behind = mean.filter(|_| idle.is_none()).and_then(|own| behind(own, &means));
        let found = [xid(usage, worker, now), memory(usage, worker, now), idle, behind, throttled(usage, worker, now)];
        out.extend(found.into_iter().flatten().map(|flag| (worker.pod.clone(), flag)));
    }
    out
}

fn recent(usage: &Usage, worker: &Worker, metric: Metric, now: Secs) -> Option<f64> {
    let (at, value) = usage.series(&worker.pod, metric)?.last()?;
    (now.since(at) <= RECENT.max(2 * usage.step())).then_some(value)
}

fn xid(usage: &Usage, worker: &Worker, now: Secs) -> Option<Flag> {
    let code = recent(usage, worker, Metric::Xid, now)?;
    (code >= 1.0).then_some(Flag::Xid(code as u32))
}

fn memory(usage: &Usage, worker: &Worker, now: Secs) -> Option<Flag> {
    let used = recent(usage, worker, Metric::Memory, now)?;
    let share = if worker.memory_limit > 0 { used / worker.memory_limit as f64 } else { 0.0 };
    (share >= NEAR).then(|| Flag::near(share))
}

/// Only who was measured for all that time is known to be idle.
fn idle(usage: &Usage, worker: &Worker, now: Secs) -> Option<Flag> {
    recent(usage, worker, Metric::Gpu, now).filter(|_| worker.gpus > 0)?;
    let series = usage.series(&worker.pod, Metric::Gpu)?;
    let (end, _) = series.last()?;
    let quiet = series.points().rev().take_while(|(_, value)| *value < IDLE_BELOW);
    let since = quiet.map(|(at, _)| at).last()?;
    let seconds = end.since(since).saturating_add(usage.step());
    (seconds >= IDLE_FOR).then(|| Flag::idle(seconds))
}

/// The mean of a worker over the time of comparison, if it was measured in half of it.
fn compared(usage: &Usage, worker: &Worker, now: Secs) -> Option<f64> {
    recent(usage, worker, Metric::Gpu, now).filter(|_| worker.gpus > 0)?;
    let series = usage.series(&worker.pod, Metric::Gpu)?;
    let from = Secs(now.0.saturating_sub(COMPARED.max(4 * usage.step())));
    let count = series.points().rev().take_while(|(at, _)| *at >= from).count();
    (count >= 3).then(|| series.stats(from).map(|stats| stats.mean))?
}

fn behind(own: f64, means: &[Option<f64>]) -> Option<Flag> {
    let mut all: Vec<f64> = means.iter().flatten().copied().collect();
    if all.len() < TEAM {
        return None;
    }
    all.sort_by(f64::total_cmp);
    let median = all[all.len() / 2];
    (own + BEHIND.0 <= median && own < median * BEHIND.1).then(|| Flag::Behind(fives(own), fives(median)))
}

fn throttled(usage: &Usage, worker: &Worker, now: Secs) -> Option<Flag> {
    (recent(usage, worker, Metric::Throttle, now)? > 0.0).then_some(Flag::Throttled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::usage::table::{Points, Reading};

    const NOW: Secs = Secs(9_000);

    fn workers(count: u32) -> Vec<Worker> {
        let worker = |at| Worker { pod: Name::lossy(&format!("w-{at}")), gpus: 8, memory_limit: 1_000 };
        (0..count).map(worker).collect()
    }

    /// Each worker's values, one a minute, the last now.
    fn usage(metric: Metric, all: &[&[f64]]) -> Usage {
        let mut usage = Usage::new(60);
        let points = all.iter().zip(workers(all.len() as u32)).map(|(values, worker)| {
            let first = NOW.0 - 60 * (values.len() as u32 - 1);
            let values = values.iter().enumerate().map(|(i, value)| (Secs(first + 60 * i as u32), *value));
            Points { pod: worker.pod, metric, values: values.collect() }
        });
        usage.take(&Reading { points: points.collect(), ..Reading::default() });
        usage
    }

    fn found(metric: Metric, all: &[&[f64]]) -> Vec<(String, Flag)> {
        let flags = flags(&usage(metric, all), &workers(all.len() as u32), NOW);
        flags.into_iter().map(|(pod, flag)| (pod.to_string(), flag)).collect()
    }

    #[test]
    fn idle_is_who_did_nothing_for_ten_minutes() {
        let w0 = |flag| vec![("w-0".to_owned(), flag)];
        assert_eq!(found(Metric::Gpu, &[&[1.0; 10]]), w0(Flag::Idle(600)));
        assert_eq!(found(Metric::Gpu, &[&[1.0; 9]]), [], "it was not measured for so long");
        let mut busy_before = vec![90.0; 20];
        busy_before.extend([4.9; 12]);
        assert_eq!(found(Metric::Gpu, &[&busy_before]), w0(Flag::Idle(600)));
        let mut blip = vec![0.0; 20];
        blip[15] = 30.0;
        assert_eq!(found(Metric::Gpu, &[&blip]), []);
        let launcher = Worker { gpus: 0, ..workers(1).remove(0) };
        assert_eq!(flags(&usage(Metric::Gpu, &[&[0.0; 30]]), &[launcher], NOW), [], "it has no GPU to use");
        let old = flags(&usage(Metric::Gpu, &[&[0.0; 30]]), &workers(1), Secs(NOW.0 + 3_000));
        assert_eq!(old, [], "nobody knows how it is now");
    }

    #[test]
    fn one_behind_the_others_is_named_and_a_job_that_is_slow_as_a_whole_is_not() {
        let of =
            |values: [f64; 4]| found(Metric::Gpu, &values.map(|value| vec![value; 6]).each_ref().map(Vec::as_slice));
        assert_eq!(of([95.0, 94.0, 60.0, 96.0]), [("w-2".to_owned(), Flag::Behind(60.0, 95.0))]);
        assert_eq!(of([40.0, 41.0, 39.0, 40.0]), []);
        assert_eq!(of([95.0, 94.0, 80.0, 96.0]), []);
        let two = found(Metric::Gpu, &[&[95.0; 6], &[20.0; 6]]);
        assert_eq!(two, [], "of two nobody knows which one is odd");
    }

    #[test]
    fn memory_heat_and_xid() {
        assert_eq!(found(Metric::Memory, &[&[899.0], &[900.0]]), [("w-1".to_owned(), Flag::MemoryNear(0.9))]);
        assert_eq!(found(Metric::Throttle, &[&[0.0], &[0.1]]), [("w-1".to_owned(), Flag::Throttled)]);
        assert_eq!(found(Metric::Xid, &[&[0.0], &[79.0]]), [("w-1".to_owned(), Flag::Xid(79))]);
        let free = Worker { memory_limit: 0, ..workers(1).remove(0) };
        assert_eq!(flags(&usage(Metric::Memory, &[&[1e12]]), &[free], NOW), []);
    }

    #[test]
    fn each_is_told_in_words() {
        let all = [Flag::Xid(79), Flag::MemoryNear(0.934), Flag::Idle(725), Flag::Behind(41.2, 95.0), Flag::Throttled];
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "Xid error 79",
                "memory at 93% of its limit",
                "GPUs idle for over 12m",
                "GPUs at about 41%, the others at 95%",
                "GPUs slowed down for heat"
            ]
        );
    }
}
