//! What a container uses, read at any moment of its runs: the curves of its script, its times and what is known of its
//! waits.

use std::sync::{Arc, OnceLock};

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    behaviour::{Behaviour, Tempo},
    journal::{Journal, Note},
    part::Part,
    script,
    usage::{self, Curve, UseForm},
};
use crate::sim::{
    amounts::{self, Amounts},
    kubelet::STATIC,
    output::{Meter, Usage},
    value::{chance, hash, int, label, list, mix, seconds_between, time, uid},
};

/// Readings are taken so many seconds apart, each with a chance of its own.
const READING: i64 = 5;
/// How far the pace of counters strays, and in which time: slow enough that they never go back.
const SWAYS: (f64, f64) = (0.04, 37.0);
/// What a script tells of memory is meant for workers of the usual size: one that is too small for it uses at most this
/// share of what it has.
const SMALL: f64 = 0.7;
/// Bytes in a GiB.
const GIB: f64 = 1_073_741_824.0;

/// One run of a container.
struct Run {
    number: usize,
    start: Timestamp,
    end: Option<Timestamp>,
    /// What is known of it, once its wait is over.
    settled: OnceLock<Note>,
}

/// The meter of one container.
pub(super) struct ScriptMeter {
    curves: Vec<Curve>,
    wait: Option<f64>,
    runs: Vec<Run>,
    journal: Arc<Journal>,
    pod: CompactString,
    speed: f64,
    chance: u64,
    gpus: bool,
    /// GiB that it may use.
    room: f64,
    /// What it uses of the memory that its script tells of.
    share: f64,
}

impl ScriptMeter {
    /// That of the first container of `pod`, which behaves so at a pace: script seconds a second, and chance.
    pub(super) fn new(pod: &Value, behaviour: &Behaviour, journal: &Arc<Journal>, (speed, seed): (f64, u64)) -> Self {
        let behaviour = behaviour.at(Tempo::of(pod, behaviour.exact, seed));
        let asked = amounts::of_spec(&pod["spec"]);
        let gpus = asked.iter().any(|(resource, n)| resource.contains("gpu") && *n > 0);
        // What nobody plays waits for nothing.
        let is_played = label(pod, STATIC).is_empty();
        let wait = behaviour.wait.map(|wait| wait.at).filter(|_| is_played);
        let mut curves = if is_played { behaviour.curves } else { Vec::new() };
        if curves.is_empty() {
            curves.push(plausible(pod, &asked, gpus, wait.is_some()));
        }
        let limit = pod.pointer("/spec/containers/0/resources/limits/memory");
        let room = limit.map_or(f64::INFINITY, |v| amounts::amount("memory", v) as f64 / GIB);
        let highest = usage::highest_memory(&curves);
        Self {
            share: if highest > room { SMALL * room / highest } else { 1.0 },
            curves,
            wait,
            runs: runs(pod),
            journal: Arc::clone(journal),
            pod: uid(pod).into(),
            speed,
            chance: mix(seed ^ hash(uid(pod))),
            gpus,
            room,
        }
    }

    fn run(&self, at: Timestamp) -> Option<&Run> {
        self.runs.iter().find(|run| run.start <= at && run.end.is_none_or(|end| at < end))
    }

    fn note(&self, run: &Run) -> Note {
        if let Some(note) = run.settled.get() {
            return note.clone();
        }
        let note = self.journal.run(&self.pod, run.number);
        if self.wait.is_none() || note.waited.is_some() {
            let _ = run.settled.set(note.clone());
        }
        note
    }

    /// Without what it does not have.
    fn own(&self, used: Usage) -> Usage {
        if self.gpus { used } else { Usage { cpu: used.cpu, memory: used.memory, ..Usage::default() } }
    }
}

impl Meter for ScriptMeter {
    fn usage(&self, at: Timestamp) -> Option<Usage> {
        let run = self.run(at)?;
        let elapsed = seconds_between(run.start, at) * self.speed;
        let stray = chance(self.chance ^ at.as_second().div_euclid(READING) as u64) * 2.0 - 1.0;
        let now = usage::at(&self.curves, self.wait, &self.note(run), elapsed, stray);
        Some(self.own(Usage { memory: (now.memory * self.share).min(self.room), ..now }))
    }

    fn used(&self, at: Timestamp) -> Option<Usage> {
        let run = self.run(at)?;
        let elapsed = seconds_between(run.start, at);
        let (sway, period) = (SWAYS.0 * SWAYS.1 / std::f64::consts::TAU, SWAYS.1 / std::f64::consts::TAU);
        let phase = chance(self.chance) * std::f64::consts::TAU;
        let swayed = elapsed + sway * ((elapsed / period + phase).sin() - phase.sin());
        let used = usage::used(&self.curves, self.wait, &self.note(run), swayed.max(0.0) * self.speed);
        Some(self.own(Usage::default().plus(used, 1.0 / self.speed)))
    }
}

/// The runs that a pod's status tells of.
fn runs(pod: &Value) -> Vec<Run> {
    let Some(status) = list(pod, "/status/containerStatuses").first() else { return Vec::new() };
    let restarts = int(status, "/restartCount").unwrap_or(0).max(0) as usize;
    let ended = status.pointer("/state/terminated");
    let now = status.pointer("/state/running").or(ended);
    let last = status.pointer("/lastState/terminated");
    let run = |told: &Value, number: usize| {
        let settled = OnceLock::new();
        Some(Run { number, start: time(told, "/startedAt")?, end: time(told, "/finishedAt"), settled })
    };
    // Between two runs `restartCount` is that of the run that ended.
    let before = if now.is_some() { restarts.saturating_sub(1) } else { restarts };
    let found = last.and_then(|told| run(told, before)).into_iter().chain(now.and_then(|told| run(told, restarts)));
    found.collect()
}

/// A curve for a role of which nobody has told what it uses.
fn plausible(pod: &Value, asked: &Amounts, gpus: bool, waits: bool) -> Curve {
    let (role, _) = script::role(pod);
    let leads = !gpus && matches!(role.to_ascii_lowercase().as_str(), "launcher" | "master" | "chief");
    let cpus = asked.get("cpu").map_or(1.0, |milli| *milli as f64 / 1000.0);
    let part = if waits { Part::After } else { Part::Before };
    Curve { part, begin: 0.0, end: None, form: UseForm::of_role(gpus, leads, cpus) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::{
        kubelet::{
            journal::{Ending, Waited},
            script::Scripts,
        },
        value::after,
    };

    fn meter(script: &str, journal: &Arc<Journal>, pod: &Value) -> ScriptMeter {
        let mut scripts = Scripts::default();
        scripts.add(toml::from_str(script).unwrap()).unwrap();
        ScriptMeter::new(pod, &scripts.of(pod), journal, (1.0, 1))
    }

    fn pod(role: &str, gpus: &str) -> Value {
        json!({
            "metadata": {"name": "t-0", "namespace": "ml", "uid": "u1", "labels": {"training.kubeflow.org/job-role": role}},
            "spec": {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": gpus, "cpu": "4", "memory": "8Gi"}}}]},
            "status": {"containerStatuses": [{"name": "main", "restartCount": 1,
                "lastState": {"terminated": {"startedAt": "2026-11-20T08:00:00Z", "finishedAt": "2026-11-20T08:01:00Z"}},
                "state": {"running": {"startedAt": "2026-11-20T08:02:00Z"}}}]},
        })
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_role_without_curves_has_a_plausible_one() {
        let script = "[plain.role.any]\nrun = 300";
        let now = at("2026-11-20T08:30:00Z");
        let used = |role: &str, gpus: &str| meter(script, &Arc::default(), &pod(role, gpus)).usage(now).unwrap();
        let (trains, computes, leads) = (used("worker", "2"), used("worker", "0"), used("launcher", "0"));
        assert!(trains.gpu > 80.0 && trains.power > 300.0 && trains.gpu_memory > 50.0, "{trains:?}");
        assert!((trains.memory - 0.7 * 8.0).abs() < 1e-9, "its limit is small, and it keeps away from it: {trains:?}");
        assert!(computes.gpu == 0.0 && computes.power == 0.0 && computes.cpu > 3.0, "{computes:?}");
        assert!(leads.cpu < 0.1 && leads.gpu == 0.0, "{leads:?}");
    }

    #[test]
    fn there_is_something_to_read_in_runs_only_and_counters_begin_with_each() {
        let meter = meter("[plain.role.any]\nuse = { cpu = 2 }", &Arc::default(), &pod("worker", "1"));
        for (time, runs) in [("07:59:59", false), ("08:00:30", true), ("08:01:30", false), ("08:02:00", true)] {
            let at = at(&format!("2026-11-20T{time}Z"));
            assert_eq!((meter.usage(at).is_some(), meter.used(at).is_some()), (runs, runs), "{time}");
        }
        let used = |second: i64| meter.used(after(at("2026-11-20T08:02:00Z"), second as f64)).unwrap().cpu;
        assert!(used(0).abs() < 1e-9);
        let mut last = 0.0;
        for second in 1..600 {
            let (now, pace) = (used(second), used(second) - last);
            assert!(pace > 1.8 && pace < 2.2, "second {second}: {pace}");
            last = now;
        }
    }

    #[test]
    fn a_wait_that_ends_is_seen() {
        let script = "[[plain.role.any.phase]]\nwaits = \"ranks\"\n[[plain.role.any.phase]]\nuse = { gpu = 90 }";
        let journal = Arc::default();
        let meter = meter(script, &journal, &pod("worker", "1"));
        let now = at("2026-11-20T08:10:00Z");
        assert!(meter.usage(now).unwrap().gpu < 1.0);
        let waited = Some(Waited { seconds: 10.0, ending: Ending::Met });
        journal.note("u1", 1, |note| note.waited = waited);
        assert!(meter.usage(now).unwrap().gpu > 80.0);
        let used = meter.used(now).unwrap();
        assert!((used.gpu / (90.0 * 470.0) - 1.0).abs() < 0.02, "{used:?}");
    }
}
