//! What a container uses over time: curves of its script, read at a moment.
//!
//! Pure. A curve is a straight line over its phase; what no phase tells is that of a container that waits.

use serde::Deserialize;

use super::{
    journal::{Ending, Note},
    part::Part,
};
use crate::sim::output::{TOO_HOT, Usage};

/// What is used where nothing is told: a GPU that idles, a process that sleeps.
const IDLE: Usage =
    Usage { gpu: 0.0, gpu_memory: 0.5, power: 62.0, temperature: 33.0, cpu: 0.02, memory: 0.1, xid: 0.0, hot: 0.0 };
/// Seconds that a curve of a phase without end takes.
const ENDLESS: f64 = 60.0;
/// How far a reading strays from its curve, at most.
const STRAYS: f64 = 0.04;

/// One value, or the first and the last of a phase.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Ramp {
    Flat(f64),
    From([f64; 2]),
}

/// What is written of a phase's use: see docs/scenarios.md.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct UseForm {
    gpu: Option<Ramp>,
    gpu_memory: Option<Ramp>,
    power: Option<Ramp>,
    temperature: Option<Ramp>,
    cpu: Option<Ramp>,
    memory: Option<Ramp>,
    xid: Option<f64>,
}

impl UseForm {
    /// What a replica does of which nobody has told what it uses: training where it has GPUs, computing where it is a
    /// worker with `cpus` cores, next to nothing where it leads.
    pub(super) fn of_role(gpus: bool, leads: bool, cpus: f64) -> Self {
        let ramp = |from: f64, to: f64| Some(Ramp::From([from, to]));
        if gpus {
            let (gpu, gpu_memory) = (ramp(68.0, 91.0), ramp(38.0, 54.0));
            let (power, temperature) = (ramp(215.0, 352.0), ramp(41.0, 64.0));
            let (cpu, memory) = (Some(Ramp::Flat(0.6 * cpus)), ramp(6.0, 17.0));
            return Self { gpu, gpu_memory, power, temperature, cpu, memory, xid: None };
        }
        let (cpu, memory) = if leads { (0.08, 0.35) } else { (0.85 * cpus, 0.9) };
        Self { cpu: Some(Ramp::Flat(cpu)), memory: Some(Ramp::Flat(memory)), ..Self::default() }
    }

    /// Whether all its numbers can be used.
    pub(super) fn is_sound(&self) -> bool {
        let all = [self.gpu, self.gpu_memory, self.power, self.temperature, self.cpu, self.memory];
        all.iter().flatten().all(|ramp| match ramp {
            Ramp::Flat(n) => n.is_finite() && *n >= 0.0,
            Ramp::From(ends) => ends.iter().all(|n| n.is_finite() && *n >= 0.0),
        }) && self.xid.is_none_or(|xid| (0.0..=255.0).contains(&xid))
    }

    /// The use at a share of the phase from 0 to 1.
    fn at(&self, share: f64) -> Usage {
        let of = |ramp: Option<Ramp>, idle: f64| match ramp {
            None => idle,
            Some(Ramp::Flat(n)) => n,
            Some(Ramp::From([from, to])) => from + (to - from) * share,
        };
        let temperature = of(self.temperature, IDLE.temperature);
        Usage {
            gpu: of(self.gpu, IDLE.gpu),
            gpu_memory: of(self.gpu_memory, IDLE.gpu_memory),
            power: of(self.power, IDLE.power),
            temperature,
            cpu: of(self.cpu, IDLE.cpu),
            memory: of(self.memory, IDLE.memory),
            xid: self.xid.unwrap_or(IDLE.xid),
            hot: f64::from(u8::from(temperature >= TOO_HOT)),
        }
    }
}

/// The use of one phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Curve {
    /// What its times count from.
    pub(super) part: Part,
    /// When the phase begins.
    pub(super) begin: f64,
    /// When it ends, if it does.
    pub(super) end: Option<f64>,
    /// What is written of it.
    pub(super) form: UseForm,
}

/// The use of a run of which `note` is known, `elapsed` script seconds after its start. It waits from `wait` on, if it
/// does. `stray` from -1 to 1.
pub(super) fn at(curves: &[Curve], wait: Option<f64>, note: &Note, elapsed: f64, stray: f64) -> Usage {
    let (part, seconds) = match (wait, &note.waited) {
        (Some(wait), Some(waited)) if elapsed >= wait + waited.seconds => match waited.ending {
            Ending::Met => (Part::After, elapsed - wait - waited.seconds),
            Ending::InVain { .. } => (Part::During, waited.seconds),
        },
        (Some(wait), _) if elapsed >= wait => (Part::During, elapsed - wait),
        _ => (Part::Before, elapsed),
    };
    let now =
        |curve: &&Curve| curve.part == part && seconds >= curve.begin && curve.end.is_none_or(|end| seconds < end);
    let Some(curve) = curves.iter().find(now) else { return IDLE };
    let usage = curve.at(seconds);
    let near = |n: f64| n * (1.0 + STRAYS * stray.clamp(-1.0, 1.0));
    Usage { gpu: near(usage.gpu).min(100.0), power: near(usage.power), cpu: near(usage.cpu), ..usage }
}

/// The most memory that these tell of, in GiB.
pub(super) fn highest_memory(curves: &[Curve]) -> f64 {
    let ends = curves.iter().filter_map(|curve| curve.form.memory).map(|ramp| match ramp {
        Ramp::Flat(n) => n,
        Ramp::From([from, to]) => from.max(to),
    });
    ends.fold(0.0, f64::max)
}

impl Curve {
    /// How long it bends.
    fn length(&self) -> f64 {
        self.end.map_or(ENDLESS, |end| end - self.begin)
    }

    /// What it says at a second of its part.
    fn at(&self, seconds: f64) -> Usage {
        let length = self.length();
        let share = if length > 0.0 { ((seconds - self.begin) / length).clamp(0.0, 1.0) } else { 1.0 };
        self.form.at(share)
    }

    /// The area under it from its begin until a second of its part.
    fn area(&self, until: f64) -> Usage {
        let until = self.end.map_or(until, |end| end.min(until));
        let bent = until.min(self.begin + self.length());
        let (first, last) = (self.at(self.begin), self.at(bent));
        let half = (bent - self.begin) / 2.0;
        let bend = Usage::default().plus(first, half).plus(last, half);
        let (cool, warm) = (first.temperature.min(last.temperature), first.temperature.max(last.temperature));
        // Heat comes at a moment of the bend, not little by little.
        let above =
            if cool < TOO_HOT && warm > TOO_HOT { (warm - TOO_HOT) / (warm - cool) } else { first.hot * last.hot };
        Usage { hot: above * 2.0 * half, ..bend }.plus(last, until - bent)
    }
}

/// What such a run has used by then: amounts times script seconds. It does not stray, so that it never goes back.
pub(super) fn used(curves: &[Curve], wait: Option<f64>, note: &Note, elapsed: f64) -> Usage {
    let waited = note.waited.as_ref().map(|waited| waited.seconds);
    let before = wait.map_or(elapsed, |wait| wait.min(elapsed));
    let during = waited.map_or(elapsed - before, |waited| waited.min(elapsed - before));
    let parts = [(Part::Before, before), (Part::During, during), (Part::After, elapsed - before - during)];
    parts.into_iter().fold(Usage::default(), |sum, (part, seconds)| {
        let mut idle = seconds;
        let all = curves.iter().filter(|curve| curve.part == part && curve.begin < seconds);
        let told = all.fold(sum, |sum, curve| {
            idle -= curve.end.map_or(seconds, |end| end.min(seconds)) - curve.begin;
            sum.plus(curve.area(seconds), 1.0)
        });
        told.plus(IDLE, idle.max(0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kubelet::journal::Waited;

    fn curves() -> Vec<Curve> {
        let form = |text: &str| toml::from_str(text).unwrap();
        vec![
            Curve { part: Part::During, begin: 0.0, end: None, form: form("cpu = 0.5") },
            Curve { part: Part::After, begin: 0.0, end: Some(10.0), form: form("gpu = [10, 90]\ngpu-memory = 40") },
        ]
    }

    #[test]
    fn a_curve_is_read_where_its_phase_is() {
        let met = Note { waited: Some(Waited { seconds: 20.0, ending: Ending::Met }), step: 0 };
        let read = |note: &Note, elapsed| at(&curves(), Some(3.0), note, elapsed, 0.0);
        assert_eq!(read(&Note::default(), 1.0), IDLE);
        assert_eq!(read(&Note::default(), 50.0).cpu.to_string(), "0.5");
        assert_eq!((read(&met, 28.0).gpu, read(&met, 28.0).gpu_memory), (50.0, 40.0));
        assert_eq!(read(&met, 99.0), IDLE);
    }

    #[test]
    fn what_was_used_is_the_area_under_the_curves() {
        let met = Note { waited: Some(Waited { seconds: 20.0, ending: Ending::Met }), step: 0 };
        let until = |elapsed| used(&curves(), Some(3.0), &met, elapsed);
        // 3 s at rest, 20 s of 0.5 cores, then a GPU from 10 to 90 percent in 10 s, then at rest.
        assert!((until(23.0).cpu - (3.0 * IDLE.cpu + 10.0)).abs() < 1e-9);
        assert!((until(28.0).gpu - 150.0).abs() < 1e-9, "{:?}", until(28.0));
        assert!((until(43.0).gpu - 500.0).abs() < 1e-9);
        assert!((until(43.0).memory - 43.0 * IDLE.memory).abs() < 1e-9);
        let mut last = 0.0;
        for tenth in 0..500 {
            let cpu = until(f64::from(tenth) / 10.0).cpu;
            assert!(cpu >= last, "{tenth}");
            last = cpu;
        }
    }

    #[test]
    fn time_in_heat_is_that_above_the_threshold() {
        let form: UseForm = toml::from_str("temperature = [77, 97]").unwrap();
        let curve = Curve { part: Part::Before, begin: 0.0, end: Some(10.0), form };
        let until = |elapsed| used(&[curve], None, &Note::default(), elapsed).hot;
        assert!(until(4.0).abs() < 1e-9 && (until(6.0) - 1.0).abs() < 1e-9 && (until(20.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn readings_stray_a_little_and_never_beyond_the_whole() {
        let met = Note { waited: Some(Waited { seconds: 0.0, ending: Ending::Met }), step: 0 };
        let read = |stray| at(&curves(), Some(0.0), &met, 9.99, stray).gpu;
        assert!(read(1.0) > read(0.0) && read(-1.0) < read(0.0) && read(1.0) <= 100.0);
    }
}
