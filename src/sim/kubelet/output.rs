//! Logs, made when they are read: line *n* of a container follows from script, seed, start time and how its wait ended.
//!
//! Nothing is kept, so that 17,000 pods cost nothing until somebody looks.

use std::sync::{Arc, OnceLock};

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    behaviour::{Behaviour, Tempo},
    journal::{Journal, Note},
    lines::Lines,
    meter::ScriptMeter,
    script::Scripts,
    text::{Cast, Writer},
};
use crate::sim::{
    output::{Meter, Output, Outputs, Written},
    value::{after, hash, int, list, mix, seconds_between, text, time, uid},
};

/// How often a reader looks whether a wait is over.
const LOOK_AGAIN: f64 = 0.5;

/// Finds a pod's script and makes its output.
pub(crate) struct ScriptOutputs {
    /// The scripts.
    pub(crate) scripts: Arc<Scripts>,
    /// What is known of runs.
    pub(crate) journal: Arc<Journal>,
    /// Script seconds a second.
    pub(crate) speed: f64,
    /// Chance.
    pub(crate) seed: u64,
}

impl Outputs for ScriptOutputs {
    fn open(&self, pod: &Value, container: &str, previous: bool) -> Option<Arc<dyn Output>> {
        let status = list(pod, "/status/containerStatuses").iter().find(|c| text(c, "/name") == container)?;
        let restarts = int(status, "/restartCount").unwrap_or(0).max(0) as usize;
        let (running, ended) = (status.pointer("/state/running"), status.pointer("/state/terminated"));
        let last = || status.pointer("/lastState/terminated");
        let (run, number) = match (previous, running.or(ended)) {
            (false, Some(run)) => (run, restarts),
            (true, Some(_)) => (last()?, restarts.saturating_sub(1)),
            // Between two runs `restartCount` is that of the run that ended.
            (_, None) => (last()?, restarts),
        };
        let behaviour = self.scripts.of(pod);
        let behaviour = behaviour.at(Tempo::of(pod, behaviour.exact, self.seed));
        let first = list(pod, "/spec/containers").first().is_some_and(|c| text(c, "/name") == container);
        let writer = Writer {
            cast: Cast::of(pod),
            tags: behaviour.tags,
            seed: mix(self.seed ^ hash(uid(pod))),
            start: time(run, "/startedAt")?,
        };
        Some(Arc::new(ScriptOutput {
            behaviour: if first { behaviour } else { Behaviour { lines: Vec::new(), wait: None, ..behaviour } },
            end: time(run, "/finishedAt"),
            writer,
            journal: Arc::clone(&self.journal),
            pod: uid(pod).into(),
            number,
            speed: self.speed,
            settled: OnceLock::new(),
            open: OnceLock::new(),
        }))
    }

    fn meter(&self, pod: &Value) -> Option<Arc<dyn Meter>> {
        let pace = (self.speed, self.seed);
        Some(Arc::new(ScriptMeter::new(pod, &self.scripts.of(pod), &self.journal, pace)))
    }
}

/// What is known of a run, and what it says.
type Known = (Note, Lines);

struct ScriptOutput {
    behaviour: Behaviour,
    writer: Writer,
    end: Option<Timestamp>,
    journal: Arc<Journal>,
    pod: CompactString,
    number: usize,
    speed: f64,
    /// Once its wait is over.
    settled: OnceLock<Known>,
    /// Before that.
    open: OnceLock<Known>,
}

impl ScriptOutput {
    fn known(&self) -> &Known {
        if let Some(known) = self.settled.get() {
            return known;
        }
        let make = || {
            let note = self.journal.run(&self.pod, self.number);
            let lines = Lines::of(&self.behaviour, &note, self.writer.cast.ranks, self.speed);
            (note, lines)
        };
        if self.waits() { self.open.get_or_init(make) } else { self.settled.get_or_init(make) }
    }

    fn waits(&self) -> bool {
        self.behaviour.wait.is_some() && self.journal.run(&self.pod, self.number).waited.is_none()
    }

    fn us(&self, now: Timestamp) -> Option<u64> {
        let until = self.end.map_or(now, |end| end.min(now));
        let us = seconds_between(self.writer.start, until) * 1e6;
        // A stamp in whole seconds may hide the last lines of a run: it ended within that second.
        let within = if self.end.is_some_and(|end| end <= now) { 999_999.0 } else { 0.0 };
        (us >= 0.0).then_some((us + within) as u64)
    }
}

impl Output for ScriptOutput {
    fn written(&self, now: Timestamp) -> u64 {
        self.us(now).map_or(0, |us| self.known().1.count(us))
    }

    fn line(&self, number: u64) -> (Timestamp, Written) {
        let (note, lines) = self.known();
        let Some((said, turn, us)) = lines.line(number) else {
            return (self.writer.start, Written { bytes: Vec::new(), ended: true });
        };
        let bytes = self.writer.line(said, turn, note);
        (after(self.writer.start, us as f64 / 1e6), Written { bytes, ended: !said.line.half })
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.known().1.next(self.us(now)).map(|us| after(self.writer.start, us as f64 / 1e6));
        let next = next.filter(|at| self.end.is_none_or(|end| *at <= end));
        if !self.waits() || self.end.is_some() {
            return next;
        }
        let look = after(now, LOOK_AGAIN);
        Some(next.map_or(look, |at| at.min(look)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::kubelet::journal::{Ending, Waited};

    fn outputs(script: &str) -> ScriptOutputs {
        let mut scripts = Scripts::default();
        scripts.add(toml::from_str(script).unwrap()).unwrap();
        ScriptOutputs { scripts: Arc::new(scripts), journal: Arc::default(), speed: 1.0, seed: 1 }
    }

    fn pod(command: &[&str]) -> Value {
        json!({
            "metadata": {"name": "t-launcher-x", "namespace": "ml", "uid": "u1", "labels": {"training.kubeflow.org/job-role": "launcher", "training.kubeflow.org/job-name": "t"}},
            "spec": {"containers": [{"name": "main", "command": command, "env": [{"name": "OMPI_MCA_orte_set_default_slots", "value": "2"}]}]},
            "status": {"containerStatuses": [{"name": "main", "restartCount": 0, "state": {"running": {"startedAt": "2026-11-20T08:00:00Z"}}}]},
        })
    }

    const WAITING: &str = r#"
        [plain]
        tags = "openmpi4"
        [plain.role.launcher]
        exact = true
        [[plain.role.launcher.phase]]
        waits = "ssh"
        log = [{ every = 5, text = "waiting" }]
        [[plain.role.launcher.phase]]
        log = [{ at = 1, every = 2, ranks = true, text = "{rank} of {np} on {host}: step {step}" }, { at = 4, saves = true, text = "saved {step}" }]
    "#;

    fn texts(output: &dyn Output, until: &str) -> Vec<String> {
        let written = output.written(until.parse().unwrap());
        (0..written).map(|n| String::from_utf8(output.line(n).1.bytes).unwrap()).collect()
    }

    #[test]
    fn a_run_speaks_on_when_its_wait_is_over_and_counts_from_the_step_it_had() {
        let outputs = outputs(WAITING);
        let output = outputs.open(&pod(&["mpirun", "-np", "4"]), "main", false).unwrap();
        assert_eq!(texts(&*output, "2026-11-20T08:00:12Z"), ["waiting"; 3]);
        let now: Timestamp = "2026-11-20T08:00:12Z".parse().unwrap();
        assert_eq!(output.next(now), Some(after(now, LOOK_AGAIN)), "somebody looks whether it goes on");
        outputs.journal.note("u1", 0, |note| {
            *note = Note { waited: Some(Waited { seconds: 12.5, ending: Ending::Met }), step: 100 };
        });
        let all = texts(&*output, "2026-11-20T08:00:14Z");
        assert_eq!(all[..3], ["waiting"; 3], "what was read stays as it was");
        assert_eq!(all[3], "[1,0]<stdout>:0 of 4 on t-worker-0: step 105");
        assert_eq!(all[6], "[1,3]<stdout>:3 of 4 on t-worker-1: step 105");
        assert_eq!(texts(&*output, "2026-11-20T08:00:17Z").last().unwrap(), "saved 120");
    }

    #[test]
    fn lines_are_in_order_repeatable_and_complete() {
        let outputs = outputs(WAITING);
        let waited = Some(Waited { seconds: 3.0, ending: Ending::Met });
        outputs.journal.note("u1", 0, |note| note.waited = waited);
        let open = || outputs.open(&pod(&["mpirun", "-np", "4"]), "main", false).unwrap();
        let (one, two) = (open(), open());
        let now: Timestamp = "2026-11-20T08:10:00Z".parse().unwrap();
        let written = one.written(now);
        assert!(written > 100, "{written}");
        let mut last = Timestamp::MIN;
        for n in 0..written {
            let (at, text) = one.line(n);
            assert!(at >= last && at <= now, "line {n}");
            assert_eq!((at, text.clone()), two.line(n));
            assert!(text.ended && !text.bytes.is_empty() && !text.bytes.contains(&b'{'), "{text:?}");
            last = at;
        }
        assert!(one.next(now).unwrap() > now);
        assert_eq!(one.written("2026-11-20T07:00:00Z".parse().unwrap()), 0);
    }

    #[test]
    fn tags_are_those_of_each_launcher() {
        for (tags, expected) in [
            ("none", "x"),
            ("openmpi4", "[1,3]<stderr>:x"),
            ("openmpi5", "[1,3][t-worker-1:"),
            ("horovod", "[3]<stderr>:x"),
            ("horovod-time", "Fri Nov 20 08:00:00 2026[3]<stderr>:x"),
            ("hydra", "[3] x"),
            ("torchrun", "[default1]:x"),
        ] {
            let script = format!(
                "[plain]\ntags = \"{tags}\"\n[plain.role.any]\nlog = [{{ rank = 3, err = true, text = \"x\" }}]"
            );
            let output = outputs(&script).open(&pod(&["mpirun", "-np", "4"]), "main", false).unwrap();
            let text = texts(&*output, "2026-11-20T08:00:01Z").concat();
            assert!(text.starts_with(expected), "{tags}: {text}");
        }
    }

    #[test]
    fn bytes_of_any_kind_and_half_lines_come_out_as_written() {
        let script = "[plain.role.any]\nlog = [{ text = \"a{xff}{x1b}[31m{long 5}{nothing}\", half = true }]";
        let output = outputs(script).open(&pod(&["x"]), "main", false).unwrap();
        let (_, written) = output.line(0);
        assert_eq!(written.bytes, b"a\xff\x1b[31m01234{nothing}");
        assert!(!written.ended);
    }
}
